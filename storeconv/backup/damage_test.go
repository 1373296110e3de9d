package backup

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// linkedStore is a store of two mailboxes with links within and between them.
func linkedStore(t *testing.T) string {
	t.Helper()
	var text bytes.Buffer
	w, err := sims.NewWriter(&text, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*sims.Member{
		{Kind: sims.Mailbox, Name: "anna/INBOX", UIDValidity: 8, UIDNext: 3},
		{Kind: sims.Message, Name: "anna/INBOX/1", Flags: `\Draft`, Time: 11, Size: 3},
		{Kind: sims.Mailbox, Name: "joe/INBOX", UIDValidity: 7, UIDNext: 9},
		{Kind: sims.Message, Name: "joe/INBOX/2", Flags: `\Seen`, Time: 12, Size: 3},
		{Kind: sims.Message, Name: "joe/INBOX/3", Flags: `\Flagged`, Time: 13, Size: 3},
		{Kind: sims.Link, Name: "joe/INBOX/5", Flags: `\Answered`, Time: 15, Link: "joe/INBOX/2"},
		{Kind: sims.Message, Name: "joe/INBOX/6", Flags: `\Seen \Flagged`, Time: 16, Size: 3},
		{Kind: sims.Link, Name: "joe/INBOX/7", Flags: `\Draft`, Time: 17, Link: "anna/INBOX/1"},
	} {
		if err := w.WriteMember(m); err != nil {
			t.Fatal(err)
		}
		if m.Size > 0 {
			fmt.Fprintf(w, "%3d", m.Time)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return restored(t, text.Bytes())
}

// described are the messages of a stream, by name: kind, flags, date and the
// body, that of a link too. A link to what has not come yet is told so.
func described(t *testing.T, stream []byte) map[string]string {
	t.Helper()
	out, bodies := map[string]string{}, map[string]string{}
	r := sims.NewReader(bytes.NewReader(stream))
	for {
		m, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		body := ""
		switch m.Kind {
		case sims.Message:
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			body = string(b)
			bodies[m.Name] = body
		case sims.Link:
			if body = bodies[m.Link]; body == "" {
				body = "a link to nothing that has come"
			}
		default:
			continue
		}
		out[m.Name] = fmt.Sprintf("%v [%s] %d %q", m.Kind, m.Flags, m.Time, body)
	}
}

// TestDamagedIndex: whatever a damaged index does not tell any more of, the
// message file is in the backup, under its UID, and each is told.
func TestDamagedIndex(t *testing.T) {
	dir := ims.UserDir("primary", "joe")
	line := func(uid string) func(b []byte) []byte { // takes a line away
		return func(b []byte) []byte {
			at := bytes.Index(b, []byte("\n"+uid+"\t")) + 1
			return slices.Delete(b, at, at+bytes.IndexByte(b[at:], '\n')+1)
		}
	}
	broken := func(uid string) func(b []byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte("\n"+uid+"\t"), []byte("\nx"+uid+"\t"), 1) }
	}
	all := []int{2, 3, 5, 6, 7}
	for name, c := range map[string]struct {
		damage func(b []byte) []byte
		lost   []int // UIDs
		bad    bool  // the index itself is told
	}{
		"a line":              {broken("3"), []int{3}, true},
		"the first line":      {broken("2"), []int{2}, true},
		"the line of a link":  {broken("5"), []int{5}, true},
		"two lines":           {func(b []byte) []byte { return broken("6")(broken("2")(b)) }, []int{2, 6}, true},
		"a line is missing":   {line("2"), []int{2}, true},
		"the last is missing": {line("7"), []int{7}, true},
		"cut":                 {func(b []byte) []byte { return b[:len(b)-5] }, []int{7}, true},
		"cut in the header":   {func(b []byte) []byte { return b[:60] }, all, true},
		"a header line":       {func(b []byte) []byte { return bytes.Replace(b, []byte("Last UID: "), []byte("Last UID: x"), 1) }, all, true},
		"the first byte":      {func(b []byte) []byte { b[0] ^= 1; return b }, all, true},
		"zeros":               {func(b []byte) []byte { clear(b); return b }, all, true},
		"empty":               {func(b []byte) []byte { return nil }, all, true},
	} {
		for _, ignore := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, %v", name, ignore), func(t *testing.T) {
				store := linkedStore(t)
				whole, _, log := backupOf(t, store, Options{IgnoreLinks: ignore})
				if len(log.Problems) > 0 {
					t.Fatal(log.Problems)
				}
				want := described(t, whole)
				if len(want) != 6 {
					t.Fatal(want)
				}
				var told []string
				if c.bad {
					told = append(told, "bad-index "+dir)
				}
				for _, uid := range c.lost {
					at := fmt.Sprintf("joe/INBOX/%d", uid)
					before, rest, _ := strings.Cut(want[at], "[")
					_, rest, _ = strings.Cut(rest, "] ")
					_, body, _ := strings.Cut(rest, " ")
					info, err := os.Stat(filepath.Join(store, dir, ims.MessagePath(uint32(uid))))
					if err != nil {
						t.Fatal(err)
					}
					want[at] = fmt.Sprintf("%s[] %d %s", before, info.ModTime().Unix(), body)
					told = append(told, "no-index "+dir+"/"+ims.MessagePath(uint32(uid)))
				}
				path := filepath.Join(store, dir, ims.IndexName)
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, c.damage(text), 0o600); err != nil {
					t.Fatal(err)
				}
				stream, rep, log := backupOf(t, store, Options{IgnoreLinks: ignore})
				if diff := cmp.Diff(want, described(t, stream)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				var got []string
				for _, line := range log.Problems {
					line, _, _ = strings.Cut(line, ": ")
					got = append(got, line)
				}
				if diff := cmp.Diff(told, got); diff != "" || len(log.Warnings) > 0 || rep.Foreign > 0 {
					t.Errorf("told (-want +got):\n%s%q, %+v", diff, log.Warnings, rep)
				}
			})
		}
	}
}

// TestStraysAreToldOnce: what lies among the messages is told once, whoever's
// index the mailbox has, and a file that an index in order does not name is
// none of the backup's.
func TestStraysAreToldOnce(t *testing.T) {
	dir := ims.UserDir("primary", "joe")
	for name, c := range map[string]struct {
		index string // "": its own
		want  []string
	}{
		"its own": {"", []string{"stray-file " + dir + "/00/odd", "misplaced " + dir + "/00/700.msg", "not-indexed " + dir + "/00/9.msg"}},
		"foreign": {"\x00\x81\x07", []string{"no-index " + dir, "stray-file " + dir + "/00/odd", "misplaced " + dir + "/00/700.msg"}},
		"none":    {"none", []string{"no-index " + dir, "stray-file " + dir + "/00/odd", "misplaced " + dir + "/00/700.msg"}},
	} {
		store := linkedStore(t)
		for _, file := range []string{"odd", "700.msg", "9.msg"} {
			if err := os.WriteFile(filepath.Join(store, dir, "00", file), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(store, dir, ims.IndexName)
		var err error
		switch c.index {
		case "":
		case "none":
			err = os.Remove(path)
		default:
			err = os.WriteFile(path, []byte(c.index), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, _, log := backupOf(t, store, Options{})
		var got []string
		for _, line := range slices.Concat(log.Problems, log.Warnings) {
			line, _, _ = strings.Cut(line, ": ")
			got = append(got, line)
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: told %q, want %q", name, got, c.want)
		}
	}
}

// TestUnreadableIndex: an index that cannot be read is not called damaged, and
// is told of once.
func TestUnreadableIndex(t *testing.T) {
	store := linkedStore(t)
	path := filepath.Join(ims.UserDir("primary", "joe"), ims.IndexName)
	if err := os.Remove(filepath.Join(store, path)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(ims.IndexName, filepath.Join(store, path)); err != nil { // for root, too
		t.Fatal(err)
	}
	_, rep, log := backupOf(t, store, Options{IgnoreLinks: true})
	if rep.Messages != 6 || len(log.Problems) != 1 || !strings.HasPrefix(log.Problems[0], "unreadable "+path+": ") || strings.Contains(log.Problems[0], "damaged") {
		t.Errorf("%+v %q", rep, log.Problems)
	}
}
