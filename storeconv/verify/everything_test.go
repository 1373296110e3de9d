package verify_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite/scratch"
	"imsconv/storeconv/verify"
)

// smallSite is a stream of two users that has everything once, and its store.
func smallSite(t *testing.T) *restored {
	t.Helper()
	var b bytes.Buffer
	w, err := sims.NewWriter(&b, sims.Header{Date: 981538200}, 0)
	must(t, err)
	put := func(m sims.Member, body string) {
		m.Size = int64(len(body))
		must(t, w.WriteMember(&m))
		_, err := w.Write([]byte(body))
		must(t, err)
	}
	text := func(n int) string {
		return fmt.Sprintf("Date: Mon, %d May 2000 09:00:00 +0000\r\nMessage-ID: <%d@a>\r\n\r\nhi %d\r\n", n, n, n)
	}
	put(sims.Member{Kind: sims.User, Name: "ann", Quota: 20480, HasQuota: true}, "")
	put(sims.Member{Kind: sims.Mailbox, Name: "ann/INBOX", UIDValidity: 77, UIDNext: 9, Subscribed: 1, Keywords: "work Junk"}, "")
	put(sims.Member{Kind: sims.Message, Name: "ann/INBOX/2", UID: 2, Time: 958000002, Flags: `\Seen work`}, text(2))
	put(sims.Member{Kind: sims.Message, Name: "ann/INBOX/4", UID: 4, Time: 958000004, Flags: `\Deleted \Answered`}, text(4))
	put(sims.Member{Kind: sims.Mailbox, Name: "ann/Mail/Work", UIDValidity: 78, UIDNext: 2, ACL: "ann\tlrswipcda\nbob\tlr"}, "")
	put(sims.Member{Kind: sims.Message, Name: "ann/Mail/Work/1", UID: 1, Time: 4200000001}, "bare\nlines\n")
	put(sims.Member{Kind: sims.Mailbox, Name: "ann/Void", UIDValidity: 79, UIDNext: 5, Subscribed: 1, Keywords: "later"}, "")
	put(sims.Member{Kind: sims.User, Name: "bob"}, "")
	put(sims.Member{Kind: sims.Mailbox, Name: "bob/INBOX", UIDValidity: 80, UIDNext: 3}, "")
	put(sims.Member{Kind: sims.Link, Name: "bob/INBOX/1", UID: 1, Link: "ann/INBOX/2", Time: 958000009}, "")
	put(sims.Member{Kind: sims.Message, Name: "bob/INBOX/2", UID: 2, Time: 958000010, Flags: `\Flagged`}, text(6))
	must(t, w.Close())
	dir := scratch.Dir(t)
	s := &restored{stream: filepath.Join(dir, "site.sims"), store: filepath.Join(dir, "store")}
	must(t, os.WriteFile(s.stream, b.Bytes(), 0o600))
	s.run(t, restore.Options{})
	return s
}

// byDesign are the changes of a store that are no problem: by the file, what
// was done to it begins with, the kind of the warning that is told ("": none),
// and why.
var byDesign = []struct{ file, change, warning, why string }{
	{"store.idx", "lost the line Bare LF", "", "it may be missing: whoever wants to know looks at the messages"},
	{"store.idx", "changed the name of Bare LF", "index-header", "as if it were missing; the other field is told"},
	{"store.idx", "lost a byte of the name of Bare LF", "index-header", "likewise"},
	{"store.idx", "case of the name of Bare LF", "index-header", "likewise"},
	{"store.idx", "changed Bare LF", "index-header", "of another sum of bytes nobody goes by it"},
	{"store.idx", "lost a byte of Bare LF", "index-header", "likewise"},
	{"store.idx", "case of SHA-256", "", "hexadecimal digits have no case"},
	{"store.idx", "case of Userflags", "", "keywords have no case"},
	{"store.idx", "changed Original-Uid", "other-origin", "no client sees it; a store's own backup has other UIDs than the message came with"},
	{"store.idx", "lost a byte of Original-Uid", "other-origin", "likewise"},
	{"store.idx", "lost a byte of Original-Uid", "", "a UIDVALIDITY of 0 is not known"},
	{"quota.db", "changed ann", "quota-", "limits and the last warning may come from a directory and from a server"},
	{"quota.db", "lost a byte of ann", "quota-", "likewise"},
	{"quota.db", "doubled a byte of ann", "quota-", "likewise"},
	{"quota.db", "changed bob", "", "likewise, and the stream says nothing of them"},
	{"quota.db", "lost a byte of bob", "", "likewise"},
	{"peruser.db", "changed ", "last-access", "a later backup may have been restored since"},
	{"peruser.db", "doubled a byte of ", "last-access", "likewise"},
}

// everyChange tries changes of a store.
type everyChange struct {
	*restored
	made int
	used [32]bool // rows of byDesign
}

// told wants a problem after a change, or what byDesign says.
func (e *everyChange) told(t *testing.T, file, change string) {
	t.Helper()
	e.made++
	if os.Getenv("IMSCONV_FULL") != "1" && e.made%4 != 0 {
		return // a fixed sample
	}
	_, log := verifyStore(t, e.store, verify.StoreOptions{Jobs: 1}, e.stream)
	if len(log.problems) > 0 {
		return
	}
	for i, d := range byDesign {
		if strings.HasSuffix(file, d.file) && strings.HasPrefix(change, d.change) && (d.warning == "") == (len(log.warnings) == 0) &&
			!slices.ContainsFunc(log.warnings, func(line string) bool { return !strings.HasPrefix(line, d.warning) }) {
			e.used[i] = true
			return
		}
	}
	t.Errorf("%s, %s: no problem, and the warnings %q", file, change, log.warnings)
}

// TestEveryChangeIsTold makes every small change of every file of a store: each
// line of an index lost, doubled, swapped with the next, and its bytes changed
// and lost; bytes of the messages; records of the databases. With its stream
// beside it the store has a problem each time, but for what byDesign says.
// Without IMSCONV_FULL=1 a quarter of the changes is verified.
func TestEveryChangeIsTold(t *testing.T) {
	e := everyChange{restored: smallSite(t)}
	_, log := verifyStore(t, e.store, verify.StoreOptions{Jobs: 1}, e.stream)
	log.none(t)
	must(t, filepath.WalkDir(e.store, func(path string, d fs.DirEntry, err error) error {
		must(t, err)
		switch {
		case d.IsDir():
		case d.Name() == "store.idx":
			e.each(t, path, lineChanges)
		case strings.HasSuffix(path, ".msg"):
			e.each(t, path, bodyChanges)
		}
		return nil
	}))
	for kind := mboxlist.FolderDB; kind <= mboxlist.PeruserDB; kind++ {
		path := filepath.Join(e.store, "mboxlist", kind.FileName())
		was := readDatabase(t, path)
		changes := recordChanges(was)
		if kind == mboxlist.FolderDB {
			for _, key := range []string{"user/ann/INBOX", "user/ann/", "user", "shared/x"} {
				more := maps.Clone(was)
				more[key] = was["user/ann"]
				changes = append(changes, recordChange{"more: " + key, more})
			}
		}
		for _, c := range changes {
			keepTimes(t, path, func() { writeDatabase(t, path, c.records) })
			e.told(t, kind.FileName(), c.what)
		}
		keepTimes(t, path, func() { writeDatabase(t, path, was) })
	}
	_, log = verifyStore(t, e.store, verify.StoreOptions{Jobs: 1}, e.stream)
	log.none(t)
	for i, d := range byDesign {
		if os.Getenv("IMSCONV_FULL") == "1" && !e.used[i] {
			t.Errorf("%s, %s: is told after all", d.file, d.change)
		}
	}
	t.Logf("%d changes", e.made)
}

// change is a file that has been changed, and how.
type change struct {
	what string
	text []byte
}

// each makes every change of a file, one at a time. The file stays the same
// one, with its names and its time.
func (e *everyChange) each(t *testing.T, path string, changes func([]byte) []change) {
	t.Helper()
	was, err := os.ReadFile(path)
	must(t, err)
	write := func(text []byte) { keepTimes(t, path, func() { must(t, os.WriteFile(path, text, 0o600)) }) }
	for _, c := range changes(was) {
		write(c.text)
		e.told(t, strings.TrimPrefix(path, e.store+"/"), c.what)
	}
	write(was)
}

var indexFields = []string{"Uid", "InternalDate", "SentDate", "Size", "HSize", "SFlags", "UFlags", "Original-Uid", "SHA-256", "Message-id"}

// lineChanges are all lines of an index lost, doubled and swapped with the
// next, and all bytes changed and lost.
func lineChanges(text []byte) (all []change) {
	lines := bytes.SplitAfter(text, []byte("\n"))
	lines = lines[:len(lines)-1]
	at := 0
	for i, line := range lines {
		name, _, inHeader := strings.Cut(string(line), ":")
		if !inHeader {
			name = strings.TrimSuffix(string(line[:min(len(line), 20)]), "\n")
		}
		all = append(all,
			change{"lost the line " + name, bytes.Join(slices.Delete(slices.Clone(lines), i, i+1), nil)},
			change{"doubled the line " + name, bytes.Join(slices.Insert(slices.Clone(lines), i, line), nil)})
		if i > 0 {
			swapped := slices.Clone(lines)
			swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
			all = append(all, change{"swapped the line " + name, bytes.Join(swapped, nil)})
		}
		for k := range line {
			what := name
			switch tabs := bytes.Count(line[:k], []byte("\t")); {
			case inHeader && k <= len(name):
				what = "the name of " + name
			case !inHeader && bytes.Count(line, []byte("\t")) == len(indexFields)-1:
				what = indexFields[tabs]
			}
			if what == "SHA-256" && k%8 != 0 {
				continue // one digit is as another
			}
			all = append(all, byteChanges(text, at+k, what)...)
		}
		at += len(line)
	}
	return all
}

// byteChanges are a byte of something changed and lost, and its case if it has
// one.
func byteChanges(text []byte, at int, what string) []change {
	where := fmt.Sprintf("%s (%q at %d)", what, text[at], at)
	other, letter := bytes.Clone(text), bytes.Clone(text)
	other[at] ^= 1
	all := []change{{"changed " + where, other}, {"lost a byte of " + where, slices.Delete(bytes.Clone(text), at, at+1)}}
	if c := text[at] | 0x20; 'a' <= c && c <= 'z' {
		letter[at] ^= 0x20
		all = append(all, change{"case of " + where, letter})
	}
	return all
}

// bodyChanges are some bytes of a message changed and lost, and more of them.
func bodyChanges(text []byte) (all []change) {
	for at := 0; at < len(text); at += 7 {
		all = append(all, byteChanges(text, at, "the message")...)
	}
	return append(all, change{"one more", append(bytes.Clone(text), '\n')}, change{"none", nil})
}

// recordChange is the records of a database, changed, and how.
type recordChange struct {
	what    string
	records map[string]string
}

// recordChanges are all records lost, called otherwise, with each byte changed,
// with the value of another, and more records than there are.
func recordChanges(was map[string]string) (all []recordChange) {
	keys := make([]string, 0, len(was))
	for key := range was {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	with := func(what string, change func(map[string]string)) {
		records := maps.Clone(was)
		change(records)
		all = append(all, recordChange{what, records})
	}
	for i, key := range keys {
		name := strings.ReplaceAll(key, "\t", " ")
		with("lost "+name, func(r map[string]string) { delete(r, key) })
		with("another key than "+name, func(r map[string]string) { r[key+"x"] = r[key]; delete(r, key) })
		with("a further key like "+name, func(r map[string]string) { r[key+"x"] = r[key] })
		with("empty "+name, func(r map[string]string) { r[key] = "" })
		for at := range len(was[key]) {
			with(fmt.Sprintf("changed %s at %d", name, at), func(r map[string]string) {
				value := []byte(r[key])
				value[at] ^= 1
				r[key] = string(value)
			})
			with(fmt.Sprintf("lost a byte of %s at %d", name, at), func(r map[string]string) { r[key] = r[key][:at] + r[key][at+1:] })
			with(fmt.Sprintf("doubled a byte of %s at %d", name, at), func(r map[string]string) { r[key] = r[key][:at+1] + r[key][at:] })
		}
		if next := keys[(i+1)%len(keys)]; was[key] != was[next] {
			with("swapped "+name, func(r map[string]string) { r[key], r[next] = r[next], r[key] })
		}
	}
	return all
}
