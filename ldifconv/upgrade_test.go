package ldifconv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/testdir"
)

// only is an Options that runs no rule.
func only(attr, value string) Options {
	return Options{From: SIMS, Kinds: All, Add: []Pair{{Attr: attr, Value: value}}, AddOnly: true}
}

const oneUser = "dn: uid=a,o=x\nobjectclass: inetMailUser\nuid: a\n\n"

// A run ends when its context does, even while the input gives nothing.
func TestUpgradeIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	defer w.Close()
	go func() {
		io.WriteString(w, oneUser)
		cancel()
	}()
	done := make(chan error, 1)
	go func() {
		_, err := Upgrade(ctx, io.Discard, r, only("mailhost", "n"))
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the run goes on")
	}
}

type failingWriter struct{ after int }

var errDisk = errors.New("disk full")

func (f *failingWriter) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, errDisk
	}
	return len(p), nil
}

// A destination that fails ends the run, whichever it is.
func TestUpgradeDestinationFails(t *testing.T) {
	var text strings.Builder
	for i := range 25000 {
		fmt.Fprintf(&text, "dn: uid=a%d,o=x\nobjectclass: inetMailUser\nuid: a\n\n", i)
	}
	export := text.String()
	for name, set := range map[string]func(o *Options, w io.Writer) io.Writer{
		"output": func(o *Options, w io.Writer) io.Writer { return w },
		"full":   func(o *Options, w io.Writer) io.Writer { o.Format = Full; return w },
		"undo":   func(o *Options, w io.Writer) io.Writer { o.Undo = w; return io.Discard },
		"state":  func(o *Options, w io.Writer) io.Writer { o.Save = w; return io.Discard },
	} {
		for _, after := range []int{0, 100, 1 << 20} {
			opt := only("mailhost", "n")
			dst := set(&opt, &failingWriter{after})
			if _, err := Upgrade(t.Context(), dst, strings.NewReader(export), opt); !errors.Is(err, errDisk) {
				t.Errorf("%s after %d bytes: error %v", name, after, err)
			}
		}
	}
}

// What follows a failure of the input is lost, and told; what came before it is
// converted.
func TestUpgradeInputFails(t *testing.T) {
	log := &recorder{}
	opt := only("mailhost", "n")
	opt.Log, opt.Name = log, "export"
	in := io.MultiReader(strings.NewReader(oneUser+"dn: uid=b,o=x\nobjectclass: inet"), errReader{})
	var out bytes.Buffer
	rep, err := Upgrade(t.Context(), &out, in, opt)
	if err != nil || rep.Changed != 1 {
		t.Fatalf("%d changed, error %v", rep.Changed, err)
	}
	want := "problem unreadable export:5: read at byte 79: disk full: the rest of the input is lost\n"
	if log.String() != want {
		t.Errorf("log %q, want %q", log.String(), want)
	}
	if _, err := Upgrade(t.Context(), &out, errReader{}, opt); !errors.Is(err, errDisk) {
		t.Errorf("an input that gives nothing: error %v", err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errDisk }

// recorder is a Log.
type recorder struct{ strings.Builder }

func (r *recorder) Problem(kind, where, text string) {
	fmt.Fprintf(r, "problem %s %s: %s\n", kind, where, text)
}
func (r *recorder) Warning(kind, where, text string) {
	fmt.Fprintf(r, "warning %s %s: %s\n", kind, where, text)
}

func TestUpgradeOddEntries(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		set      func(o *Options)
		want     string
		log      string
	}{
		{
			name: "replication state is left out of what is upgraded",
			in:   "dn: uid=a,o=x\nobjectclass;vucsn-3c5a: inetMailUser\ncn;vucsn-3c5a;lang-de: A\nsn;adcsn-3c5a;vucsn-3c5a;deleted: B\nuid: a\n",
			set:  func(o *Options) { o.Format = Full },
			want: "version: 1\n\ndn: uid=a,o=x\nobjectclass: inetMailUser\ncn;lang-de: A\nuid: a\nmailHost: n\n\n",
			log: "warning replication-state ldif:1: uid=a,o=x: replication state of the export is left out\n" +
				"warning no-parent ldif:1: uid=a,o=x: its parent o=x is not in the input: a directory leaves the entry out\n",
		},
		{
			name: "the value that names an entry stays",
			in:   "dn: mail=a@x,o=x\nobjectclass: inetMailUser\nmail: a@x\nmail: b@x\n",
			set:  func(o *Options) { o.Add = []Pair{{Attr: "mail", Value: "c@x"}} },
			want: "version: 1\n\ndn: mail=a@x,o=x\nchangetype: modify\nreplace: mail\nmail: c@x\nmail: a@x\n-\n\n",
			log:  "warning naming-value ldif:1: mail=a@x,o=x: mail \"a@x\" is part of the name and stays\n",
		},
		{
			name: "values under an alias belong to the attribute, behind those under its name",
			in:   "dn: uid=a,o=x\nobjectclass: inetMailUser\nrfc822mailbox: b@x\nuid: a\nmail: a@x\n",
			set:  func(o *Options) { o.Append = true; o.Add = []Pair{{Attr: "mail", Value: "c@x"}} },
			want: "version: 1\n\ndn: uid=a,o=x\nchangetype: modify\nreplace: mail\nmail: a@x\nmail: b@x\nmail: c@x\n-\n\n",
			log:  "warning single-value -A: mail holds one value: where an entry has one, -P makes two, which a directory refuses\n",
		},
		{
			name: "an attribute with options that servers read without is told",
			in:   "dn: uid=a,o=x\nobjectclass: inetMailUser\n",
			set: func(o *Options) {
				o.Add = []Pair{{Attr: "mailHost;x", Value: "y"}, {Attr: "cn;lang-ja", Value: "z"}, {Attr: "x-own;x", Value: "z"}}
			},
			want: "version: 1\n\ndn: uid=a,o=x\nchangetype: modify\nreplace: mailHost;x\nmailHost;x: y\n-\nreplace: cn;lang-ja\ncn;lang-ja: z\n-\nreplace: x-own;x\nx-own;x: z\n-\n\n",
			log:  "warning options-unread -A: mailHost;x: servers go by mailHost without options: is a : missing behind the name\n",
		},
		{
			name: "a replace names no value twice",
			in:   "dn: uid=a,o=x\nobjectclass: inetMailUser\nmailalternateaddress: B@x\nmailalternateaddress: b@X\nmailalternateaddress: b  c\nmailalternateaddress: B c\n",
			set:  func(o *Options) { o.Append = true; o.Add = []Pair{{Attr: "mailAlternateAddress", Value: "d@x"}} },
			want: "version: 1\n\ndn: uid=a,o=x\nchangetype: modify\nreplace: mailalternateaddress\nmailalternateaddress: B@x\nmailalternateaddress: b  c\nmailalternateaddress: d@x\n-\n\n",
		},
		{
			name: "operational attributes are not changed, aci is",
			in:   "dn: uid=a,o=x\nobjectclass: inetMailUser\ncreatorsname: cn=a\n",
			set:  func(o *Options) { o.Add = []Pair{{Attr: "creatorsName", Value: "cn=b"}, {Attr: "aci", Value: "(x)"}} },
			want: "version: 1\n\ndn: uid=a,o=x\nchangetype: modify\nreplace: aci\naci: (x)\n-\n\n",
		},
		{
			name: "a pair for one kind leaves the others alone",
			in:   "dn: dc=x\nobjectclass: inetDomain\nmailRoutingHosts: o\n\ndn: uid=a,dc=x\nobjectclass: inetMailUser\n",
			set: func(o *Options) {
				o.Add = []Pair{{Attr: "mailHost", Value: "n", Kinds: Users}, {Attr: "mailRoutingHosts", Value: "n", Kinds: Domains, Append: true}}
			},
			want: "version: 1\n\ndn: dc=x\nchangetype: modify\nreplace: mailRoutingHosts\nmailRoutingHosts: o\nmailRoutingHosts: n\n-\n\n" +
				"dn: uid=a,dc=x\nchangetype: modify\nreplace: mailHost\nmailHost: n\n-\n\n",
		},
		{
			name: "a pair asks the values that are there",
			in:   "dn: uid=a,dc=x\nobjectclass: inetMailUser\nmailHost: o\n\ndn: uid=b,dc=x\nobjectclass: inetMailUser\nmailHost: p\n\ndn: uid=c,dc=x\nobjectclass: inetMailUser\nx-host: o\n",
			set: func(o *Options) {
				only := func(have [][]byte) bool { return len(have) == 1 && string(have[0]) == "o" }
				o.Add = []Pair{{Attr: "mailHost", Value: "n", Only: only}, {Attr: "x-host", Value: "n", Only: only}}
			},
			want: "version: 1\n\ndn: uid=a,dc=x\nchangetype: modify\nreplace: mailHost\nmailHost: n\n-\n\n" +
				"dn: uid=c,dc=x\nchangetype: modify\nreplace: x-host\nx-host: n\n-\n\n",
		},
		{
			name: "the root entry passes",
			in:   "dn:\nobjectclass: top\n",
			set:  func(o *Options) { o.Format = Full },
			want: "version: 1\n\ndn:\nobjectclass: top\n\n",
			log:  "warning nothing-selected ldif: no entry that -m all asks for among 1 entry: there are 0 users, 0 groups, 0 domains\n",
		},
		{
			name: "an add record is an entry",
			in:   "dn: uid=a,o=x\nchangetype: add\nobjectclass: inetMailUser\n",
			set:  func(o *Options) {},
			want: "version: 1\n\ndn: uid=a,o=x\nchangetype: modify\nreplace: mailHost\nmailHost: n\n-\n\n",
		},
		{
			name: "8-bit text and DNs are written as base64",
			in:   "dn: uid=\xfc,o=x\nobjectclass: inetMailUser\ncn: \xfc\n",
			set:  func(o *Options) { o.Append = true; o.Add = []Pair{{Attr: "cn", Value: "b"}} },
			want: "version: 1\n\ndn:: dWlkPfwsbz14\nchangetype: modify\nreplace: cn\ncn:: /A==\ncn: b\n-\n\n",
		},
	} {
		opt := only("mailhost", "n")
		tt.set(&opt)
		log := &recorder{}
		opt.Log = log
		var out bytes.Buffer
		if _, err := Upgrade(t.Context(), &out, strings.NewReader(tt.in), opt); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if out.String() != tt.want || log.String() != tt.log {
			t.Errorf("%s: wrote\n%s\nwant\n%s\nlog %q, want %q", tt.name, &out, tt.want, log.String(), tt.log)
		}
	}
}

// Nothing depends on where the input is cut and on how many workers there are:
// output, undo, rejects, messages.
func TestUpgradeChunksAndJobs(t *testing.T) {
	var in bytes.Buffer
	if _, err := testdir.WriteSIMS(&in, testdir.Options{Users: 300, Odd: true}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("ldif/testdata/odd/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if f.Name == "in" {
				fmt.Fprintf(&in, "\n%s\n", f.Data)
			}
		}
	}
	for _, format := range []Format{Changes, Full} {
		run := func(jobs, chunk int) string {
			var out, undo, rejects bytes.Buffer
			log := &recorder{}
			opt := Options{From: SIMS, Kinds: All, Format: format, Undo: &undo, Rejects: &rejects, Log: log, Jobs: jobs, MaxEntry: 5000, chunk: chunk}
			rep, err := Upgrade(t.Context(), &out, bytes.NewReader(in.Bytes()), opt)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("%s\n==undo\n%s\n==rejects\n%s\n==log\n%s\n==report\n%+v", &out, &undo, &rejects, log, rep)
		}
		want := run(1, 1<<20)
		for _, jobs := range []int{1, 3, 8} {
			for _, chunk := range []int{100, 3000, 70_000} {
				if got := run(jobs, chunk); got != want {
					t.Errorf("format %d, %d jobs, chunks of %d: %s", format, jobs, chunk, firstDifference(want, got))
				}
			}
		}
	}
}

// A chunk whose results are large is written in parts, in its turn.
func TestUpgradeWritesLargeBatchesInParts(t *testing.T) {
	var in strings.Builder
	for i := range 25000 {
		fmt.Fprintf(&in, "dn: uid=u%d,o=x\nobjectclass: inetMailUser\nuid: a\n\n", i)
		if i%7 == 0 {
			fmt.Fprintf(&in, "dn: uid=bad%d,o=x\nno colon\n\n", i)
		}
	}
	run := func(dst io.Writer, set func(o *Options)) (string, error) {
		var out, undo bytes.Buffer
		log := &recorder{}
		opt := only("description", strings.Repeat("x", 60))
		opt.Format, opt.Undo, opt.Log = Full, &undo, log
		set(&opt)
		if dst == nil {
			dst = &out
		}
		rep, err := Upgrade(t.Context(), dst, strings.NewReader(in.String()), opt)
		return fmt.Sprintf("%s%s%s%+v", &out, &undo, log, rep), err
	}
	want, err := run(nil, func(o *Options) { o.Jobs, o.chunk = 1, 1000 })
	if err != nil {
		t.Fatal(err)
	}
	workers := []int{1, 3}
	if testing.Short() {
		workers = []int{3}
	}
	for _, jobs := range workers {
		for _, chunk := range []int{500_000, 16 << 20} {
			got, err := run(nil, func(o *Options) { o.Jobs, o.chunk = jobs, chunk })
			if err != nil || got != want {
				t.Errorf("%d jobs, chunks of %d: error %v, %s", jobs, chunk, err, firstDifference(want, got))
			}
			if _, err := run(&failingWriter{2 << 20}, func(o *Options) { o.Jobs, o.chunk = jobs, chunk }); !errors.Is(err, errDisk) {
				t.Errorf("%d jobs, chunks of %d, a full disk: error %v", jobs, chunk, err)
			}
			if _, err := run(nil, func(o *Options) { o.Jobs, o.chunk, o.Strict = jobs, chunk, true }); err == nil || !strings.Contains(err.Error(), "first problem: ldif:6: uid=bad0,o=x") {
				t.Errorf("%d jobs, chunks of %d, strict: error %v", jobs, chunk, err)
			}
		}
	}
}

func TestPosition(t *testing.T) {
	for _, tt := range []struct{ dn, want string }{
		{"", "f:3"},
		{"cn=J\u00fcrgen,o=x", "f:3: cn=J\u00fcrgen,o=x"},
		{"cn=\x1b[2J,o=x", `f:3: "cn=\x1b[2J,o=x"`},
		{"cn=J\xfcrgen,o=x", `f:3: "cn=J\xfcrgen,o=x"`},
	} {
		if got := position("f", 3, tt.dn); got != tt.want {
			t.Errorf("%q: %s", tt.dn, got)
		}
	}
}

// The memory of one entry does not leak into the next: entries of many shapes
// give the same, alone and among others.
func TestUpgradeEntryAlone(t *testing.T) {
	var entries []string
	for i := range 300 {
		var b strings.Builder
		fmt.Fprintf(&b, "dn: uid=u%d,o=x\n", i)
		for j, line := range []string{
			"objectclass: inetMailUser", "objectclass: inetMailRouting", "cn: a", "CN: b", "cn;lang-de: c", "mail: a@x",
			"rfc822mailbox: b@x", "mailquota: 5K", "site: 1", "Site: 2", "rfc822mailalias: c@x", "maildeliveryoption: mailbox", "objectclass: top",
		} {
			if j == 0 || (i*7919>>uint(j))&1 == 1 {
				b.WriteString(line + "\n")
			}
		}
		b.WriteString("\n")
		entries = append(entries, b.String())
	}
	opt := Options{From: SIMS, Kinds: Both, Format: Full}
	convert := func(in string) string {
		var out bytes.Buffer
		if _, err := Upgrade(t.Context(), &out, strings.NewReader(in), opt); err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(out.String(), "version: 1\n\n")
	}
	var alone strings.Builder
	for _, e := range entries {
		alone.WriteString(convert(e))
	}
	if got := convert(strings.Join(entries, "")); got != alone.String() {
		t.Error(firstDifference(alone.String(), got))
	}
}

// A message stays on its line, whatever the values are that it tells of.
func TestMessagesAreOneLine(t *testing.T) {
	const entry = "dn: cn=a,o=x\nobjectclass: mailRecipient\nobjectclass: nsMessagingServerUser\ncn: a\nuid: a\n"
	log := &recorder{}
	opt := Options{From: NMS, Kinds: Both, Log: log}
	opt.Rules.Vanity = true
	text := entry + string(ldif.AppendValue(nil, "mailProgramDeliveryInfo", "/bin/v\ntouch \x1b[2J\u0085 caf\u00e9 \xff")) +
		string(ldif.AppendValue(nil, "mail", "a@x.com\nwarning: b"))
	if _, err := Upgrade(t.Context(), io.Discard, strings.NewReader(text+"\n"), opt); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	for _, line := range lines {
		if !strings.HasPrefix(line, "problem ") && !strings.HasPrefix(line, "warning ") || printable(line) != line {
			t.Errorf("%q", line)
		}
	}
	for _, want := range []string{`(was /bin/v\ntouch \x1b[2J\u0085 caf\u00e9 \xff)`, `address in x.com\nwarning: b`} {
		want = strings.ReplaceAll(want, `\u00e9`, "\u00e9")
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s is not in\n%s", want, log)
		}
	}
}
