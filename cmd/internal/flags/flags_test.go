package flags

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/storeconv"
)

func TestValues(t *testing.T) {
	newline := NewChoice("keep", "keep", "crlf")
	text := NewText("", "WORD", func(s string) error {
		if s != "a" {
			return errors.New("not a")
		}
		return nil
	})
	for _, tt := range []struct {
		name  string
		value pflag.Value
		good  map[string]string // text and what it reads back as
		bad   []string
	}{
		{"size", new(Size), map[string]string{"0": "0", "512": "512", "64K": "64KiB", "8MiB": "8MiB", "1g": "1GiB", "1025": "1025"}, []string{"", "-1", "8X", "M", "99999999999G", "1.5K", " 8"}},
		{"choice", &newline, map[string]string{"keep": "keep", "crlf": "crlf"}, []string{"", "lf", "CRLF"}},
		{"text", &text, map[string]string{"a": "a"}, []string{"", "b"}},
		{"count", new(Count), map[string]string{"0": "0", "12": "12"}, []string{"", "-1", "x", "1.5"}},
		{"version", new(version), map[string]string{"6": "6", "7": "7", "8": "8", "9": "9"}, []string{"", "5", "10", "6.0"}},
		{"byte order", new(byteOrder), map[string]string{"big": "big", "little": "little"}, []string{"", "middle", "BIG"}},
		{"page size", new(pageSize), map[string]string{"512": "512", "8K": "8KiB", "8192": "8KiB", "64K": "64KiB"}, []string{"0", "256", "8000", "128K", ""}},
		{"owner", new(Owner), map[string]string{"0": "0", "root": "root", "root:0": "root:0", "12:34": "12:34"}, []string{"", ":", "root:", ":0", "-1", "no-such-user", "0:no-such-group", "4294967295"}},
		{"sync", new(Sync), map[string]string{"none": "none", "batch": "batch", "user": "user"}, []string{"", "bogus"}},
		{"path", new(userPath), map[string]string{"%u/Maildir": "%u/Maildir", "%d/%n": "%d/%n"}, []string{"", "Maildir", "%u/%n", "%x", "../%u"}},
		{"shard", new(part), map[string]string{"1/4": "1/4", "4/4": "4/4", "0/4": "0/4", "auto": "auto"}, []string{"", "5/4", "1", "-1/4", "1/0"}},
		{"plan", new(Plan), map[string]string{"plan": "plan"}, []string{""}},
	} {
		for text, want := range tt.good {
			if err := tt.value.Set(text); err != nil || tt.value.String() != want {
				t.Errorf("%s %q: %q, %v", tt.name, text, tt.value, err)
			}
		}
		for _, text := range tt.bad {
			before := tt.value.String()
			if err := tt.value.Set(text); err == nil || tt.value.String() != before {
				t.Errorf("%s %q is taken as %q: %v", tt.name, text, tt.value, err)
			}
		}
	}
}

func TestOwnerNumbers(t *testing.T) {
	for text, want := range map[string][2]int{"root": {0, 0}, "7": {7, -1}, "7:8": {7, 8}, "root:8": {0, 8}} {
		var o Owner
		if err := o.Set(text); err != nil || *o.Owner() != (storeconv.Owner{UID: want[0], GID: want[1]}) {
			t.Errorf("%s: %+v, %v", text, o.Owner(), err)
		}
	}
}

func TestDatabaseForm(t *testing.T) {
	var d Database
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	d.Add(fs, 6, "6", "big", "8K")
	if err := fs.Parse([]string{"--page-size", "16K", "--byte-order=little"}); err != nil {
		t.Fatal(err)
	}
	want := storeconv.Databases{Version: 6, ByteOrder: binary.LittleEndian, PageSize: 16384}
	if got := d.Form(); got != want {
		t.Errorf("%+v", got)
	}
}

// job runs do as the verb of a command, with its arguments, and returns what it
// told.
func job(t *testing.T, add func(*pflag.FlagSet), do func(*cli.Job) error, stdin string, args ...string) (int, string) {
	t.Helper()
	var talk bytes.Buffer
	c := cli.Command{Name: "tool", Verbs: []cli.Verb{{Name: "do", New: func(fs *pflag.FlagSet) cli.Action {
		add(fs)
		return func(_ context.Context, j *cli.Job, _ []string) error { return do(j) }
	}}}}
	code := cli.Main(t.Context(), c, append([]string{"tool", "do"}, args...), strings.NewReader(stdin), io.Discard, &talk)
	return code, talk.String()
}

func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUsers(t *testing.T) {
	const text = "\ufeffjoe\r\n# note\n\nold new\na=b\na b c\n=x\nx=bad:id\njoe\n"
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, text)
	z.Close()
	want := Names{
		Order: []string{"joe", "old", "a"}, Select: map[string]bool{"joe": true, "old": true, "a": true},
		Map:   map[string]string{"old": "new", "a": "b", "c": "d"},
		Named: []string{"joe", "old", "a", "c"},
	}
	mapping := file(t, "map", []byte("c d\n"))
	for _, tt := range []struct{ name, path, stdin string }{
		{"plain", file(t, "u", []byte(text)), ""},
		{"gzip", file(t, "u.gz", zipped.Bytes()), ""},
		{"standard input", "-", text},
	} {
		var u Users
		code, talk := job(t, u.Add, func(j *cli.Job) error {
			got, err := u.Read(j)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: %s", tt.name, d)
			}
			return err
		}, tt.stdin, "-u", tt.path, "-m", mapping)
		if code != cli.ExitLost {
			t.Errorf("%s: exit %d", tt.name, code)
		}
		for _, says := range []string{":6: \"a b c\" is neither", ":7: \"=x\" is not of the form", ":8: new id of x: ", ":9: user \"joe\" is named twice"} {
			if !strings.Contains(talk, says) {
				t.Errorf("%s: %q is not told in %q", tt.name, says, talk)
			}
		}
	}
}

// TestMapWithoutNewID: a line of a map that has no new id is told as that, with
// its place, and is no user.
func TestMapWithoutNewID(t *testing.T) {
	path := file(t, "map", []byte("# ids\njoe\nann=\nold new\n=x\nbob bob\n"))
	var u Users
	code, talk := job(t, u.Add, func(j *cli.Job) error {
		got, err := u.Read(j)
		want := Names{Map: map[string]string{"old": "new"}, Named: []string{"old", "bob"}}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		return err
	}, "", "-m", path)
	if code != cli.ExitLost {
		t.Errorf("exit %d", code)
	}
	for _, says := range []string{`map:2: "joe" has no new id: a line of a map is old=new`, `map:3: "ann=" has no new id`, `map:5: "=x" is not of the form old=new`} {
		if !strings.Contains(talk, says) {
			t.Errorf("%q is not told in %q", says, talk)
		}
	}
}

// A line that says the same again loses nothing: it was a problem.
func TestUserNamedTwice(t *testing.T) {
	for text, want := range map[string]struct {
		code int
		says string
	}{
		"joe\nann\njoe\n":     {cli.ExitDone, "warning: "},
		"joe a\njoe=a\n":      {cli.ExitDone, "warning: "},
		"joe a\njoe\n":        {cli.ExitLost, "problem: "},
		"joe a\nann\njoe b\n": {cli.ExitLost, "problem: "},
	} {
		var u Users
		code, talk := job(t, u.Add, func(j *cli.Job) error {
			_, err := u.Read(j)
			return err
		}, "", "-u", file(t, "u", []byte(text)))
		if code != want.code || !strings.Contains(talk, want.says) {
			t.Errorf("%q: exit %d, %q", text, code, talk)
		}
	}
}

func TestUserFilesOfAnotherKind(t *testing.T) {
	for name, data := range map[string]string{
		"LDIF":    "dn: uid=joe\nuid: joe\n",
		"empty":   "",
		"remarks": "# nobody\n\n",
		"binary":  "joe\x00\x01",
		"mbox":    "From joe\n",
		"long":    strings.Repeat("x", 5000),
		"dump":    "VERSION=3\n",
	} {
		var u Users
		code, talk := job(t, u.Add, func(j *cli.Job) error { _, err := u.Read(j); return err }, "", "-u", file(t, "u", []byte(data)))
		if code != cli.ExitFailed {
			t.Errorf("%s: exit %d, %q", name, code, talk)
		}
	}
}

func TestLimits(t *testing.T) {
	export := file(t, "export.ldif", []byte("dn: uid=joe,dc=x,dc=com\nobjectclass: inetMailUser\nuid: joe\nmailquota: 1M\n\n"+
		"dn: uid=joe,dc=y,dc=com\nobjectclass: inetMailUser\nuid: joe\nmailmsgquota: 5\n\nbroken\n"))
	var l Limits
	code, talk := job(t, l.Add, func(j *cli.Job) error {
		look, err := l.Read(j, func() (directory.IDs, error) {
			ids := directory.NewIDSet()
			ids.Add("joe")
			ids.Add("ann@y.com")
			return ids, nil
		})
		if err != nil {
			return err
		}
		for id, want := range map[string]storeconv.Quota{
			"joe":       {Bytes: 1 << 20, Messages: storeconv.NotSaid},
			"joe@y.com": {Bytes: storeconv.NotSaid, Messages: 5},
		} {
			if got, ok := look(id); !ok || got != want {
				t.Errorf("%s: %+v, %v", id, got, ok)
			}
		}
		return nil
	}, "", "--limits", export)
	if code != cli.ExitLost || !strings.Contains(talk, "the default domain is x.com\n") || !strings.Contains(talk, "line 11") {
		t.Errorf("exit %d, %q", code, talk)
	}
}

func TestExportsOfAnotherKind(t *testing.T) {
	db := make([]byte, 512)
	binary.BigEndian.PutUint32(db[12:], 0x053162)
	tar := make([]byte, 1024)
	copy(tar[257:], "ustar")
	for name, data := range map[string][]byte{"a Berkeley DB file": db, "a tar archive": tar, "an empty file": nil} {
		code, talk := job(t, func(*pflag.FlagSet) {}, func(j *cli.Job) error {
			_, err := OpenExport(j, file(t, "export", data))
			return err
		}, "")
		if code != cli.ExitFailed || !strings.Contains(talk, name+", no directory export") {
			t.Errorf("%s: exit %d, %q", name, code, talk)
		}
	}
}

// TestListedAs: an id that a line of a file of users cannot name is not put
// into one.
func TestListedAs(t *testing.T) {
	for id, want := range map[string]bool{
		"joe": true, "joe@siroe.com": true, "": false, "#joe": false, "a b": false, "a=b": false, " joe": false, "j%e": false, "anyone": false, "dn:x": false, "joe\n": false, "From ": false,
	} {
		if ListedAs(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
}
