// Package reference makes a stream and, by the plainest means, the store that a
// restore of it has to leave, for tests to compare.
package reference

import (
	"archive/tar"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/testsite"
)

// Site is a stream and, with the plainest means (archive/tar, one file after
// the other), the store that a restore of it has to leave. It knows nothing of
// the restoring code: both are held against each other.
type Site struct {
	Stream, Store string
	Want          *testsite.Expect
	bodies        map[string][]byte // by hash
}

// Make makes a stream and its store in a directory of the test.
func Make(t testing.TB, opts testsite.StreamOptions) *Site {
	t.Helper()
	dir := t.TempDir()
	s := &Site{
		Stream: filepath.Join(dir, "site.sims"), Store: filepath.Join(dir, "store"),
		Want: new(testsite.Expect), bodies: make(map[string][]byte),
	}
	var stream bytes.Buffer
	if _, err := testsite.WriteStream(&stream, opts, s.Want.Add); err != nil {
		t.Fatal(err)
	}
	s.readBodies(t, bytes.NewReader(stream.Bytes()))
	if err := os.WriteFile(s.Stream, stream.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	date := opts.Date
	if date == 0 {
		date = 981538200
	}
	s.build(t, date)
	return s
}

func (s *Site) readBodies(t testing.TB, r io.Reader) {
	t.Helper()
	sums := make(map[string]string)
	for _, box := range s.Want.Mailboxes {
		for _, m := range box.Messages {
			sums[box.User+"/"+box.Name+"/"+strings.TrimSuffix(filepath.Base(m.Path), ".msg")] = m.SHA256
		}
	}
	links := make(map[string]string)
	byName := make(map[string][]byte)
	tr := tar.NewReader(r)
	for {
		hdr, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch hdr.Typeflag {
		case tar.TypeReg:
			body, err := io.ReadAll(tr)
			if err != nil {
				t.Fatal(err)
			}
			byName[hdr.Name] = body
		case tar.TypeLink:
			links[hdr.Name] = hdr.Linkname
		}
	}
	for name, sum := range sums {
		if first, ok := links[name]; ok {
			name = first
		}
		s.bodies[sum] = byName[name]
	}
}

func (s *Site) build(t testing.TB, date int64) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	lists := [4]map[string][]byte{{}, {}, {}, {}}
	usage := make(map[string]*mboxlist.Quota)
	size := make(map[string]int64)
	subscribed := make(map[string]mboxlist.Subscriptions)
	for _, box := range s.Want.Mailboxes {
		dir := filepath.Join(s.Store, box.Dir)
		must(os.MkdirAll(dir, 0o700))
		x := index(t, &box)
		var per mboxlist.PerUser
		per.LastAccess = date
		var bare []ims.UIDRange
		for i, m := range box.Messages {
			path := filepath.Join(s.Store, m.Path)
			must(os.MkdirAll(filepath.Dir(path), 0o700))
			if m.Linked {
				must(os.Link(filepath.Join(s.Store, m.First), path))
			} else {
				must(os.WriteFile(path, s.bodies[m.SHA256], 0o600))
				must(os.Chtimes(path, time.Time{}, time.Unix(m.FileDate, 0)))
			}
			rec := &x.Messages[i]
			rec.HSize = headerSize(s.bodies[m.SHA256])
			if body := string(s.bodies[m.SHA256]); strings.Count(body, "\n") > strings.Count(body, "\r\n") {
				if n := len(bare); n > 0 && bare[n-1].Last+1 == m.UID {
					bare[n-1].Last = m.UID
				} else {
					bare = append(bare, ims.UIDRange{First: m.UID, Last: m.UID})
				}
			}
			if rec.Flags&ims.Seen != 0 {
				per.Seen = per.Seen.Add(m.UID)
			}
			if rec.Flags&ims.Deleted != 0 {
				per.Deleted = per.Deleted.Add(m.UID)
			}
			size[box.User] += m.Size
		}
		x.Count()
		x.SetBareLF(bare)
		x.LastUID = max(x.LastUID, box.UIDNext-1)
		var idx bytes.Buffer
		must(x.WriteIndex(&idx))
		must(os.WriteFile(filepath.Join(dir, ims.IndexName), idx.Bytes(), 0o600))

		full := mboxlist.FolderKey(box.User, box.Name)
		folder := mboxlist.Folder{Partition: "primary"}
		for line := range strings.SplitSeq(box.ACL, "\n") {
			id, rights, _ := strings.Cut(line, "\t")
			folder.ACL = append(folder.ACL, mboxlist.ACE{Identifier: id, Rights: rights})
		}
		lists[mboxlist.FolderDB][full] = folder.Append(nil)
		lists[mboxlist.PeruserDB][mboxlist.PerUserKey(box.User, full)] = per.Append(nil)
		if box.Subscribed == 1 {
			subscribed[box.User] = append(subscribed[box.User], full)
		}
		q := usage[box.User]
		if q == nil {
			q = &mboxlist.Quota{KB: box.Quota, Messages: -1, LastWarned: -1}
			if q.KB > 0 {
				q.KB /= 1024
			}
			usage[box.User] = q
		}
		q.UsageMessages += int64(len(box.Messages))
	}
	for user, q := range usage {
		q.UsageKB = (size[user] + 1023) / 1024
		lists[mboxlist.QuotaDB][user] = q.Append(nil)
	}
	for user, names := range subscribed {
		sort.Strings(names)
		lists[mboxlist.SubscrDB][user] = names.Append(nil)
	}
	for kind, records := range lists {
		WriteList(t, filepath.Join(s.Store, "mboxlist", mboxlist.Kind(kind).FileName()), records)
	}
}

func index(t testing.TB, box *testsite.Mailbox) *ims.Index {
	t.Helper()
	x := &ims.Index{Header: ims.Header{
		Name: mboxlist.FolderKey(box.User, box.Name), UIDValidity: box.UIDValidity, Subscribed: box.Subscribed == 1,
		Partition: "primary", ACL: strings.ReplaceAll(box.ACL, "\n", "\t"), Userflags: strings.Fields(box.Keywords),
	}}
	for _, m := range box.Messages {
		rec := ims.Record{
			UID: m.UID, InternalDate: m.Date, SentDate: ims.NoTime, Size: m.Size,
			OrigValidity: box.UIDValidity, OrigUID: m.UID, MessageID: m.MessageID,
		}
		if m.Sent != 0 {
			rec.SentDate = m.Sent
		}
		if _, err := hex.Decode(rec.SHA256[:], []byte(m.SHA256)); err != nil {
			t.Fatal(err)
		}
		for _, flag := range m.Flags {
			if f := ims.ParseFlag(flag); f != 0 {
				rec.Flags |= f
				continue
			}
			for i, name := range x.Userflags {
				if name == flag {
					rec.SetKeyword(i)
				}
			}
		}
		x.Messages = append(x.Messages, rec)
	}
	return x
}

// WriteList writes a database of these records.
func WriteList(t testing.TB, path string, records map[string][]byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := bdb.NewWriter(f, bdb.WriterOptions{Name: filepath.Base(path)})
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]string, 0, len(records))
	for key := range records {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		if err := w.Put([]byte(key), records[key]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// Recorder is a Log that keeps its lines. Several goroutines may write to it;
// read it when they have ended.
type Recorder struct {
	Problems, Warnings []string
	mu                 sync.Mutex
}

// Problem keeps "kind where: text".
func (r *Recorder) Problem(kind, where, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Problems = append(r.Problems, kind+" "+where+": "+text)
}

// Warning keeps "kind where: text".
func (r *Recorder) Warning(kind, where, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Warnings = append(r.Warnings, kind+" "+where+": "+text)
}

// ReadList reads a database.
func ReadList(t testing.TB, path string) map[string][]byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	db, err := bdb.NewReader(f, st.Size(), bdb.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	records := make(map[string][]byte)
	for c := db.Cursor(); ; {
		key, value, err := c.Next()
		if err == io.EOF {
			return records
		}
		if err != nil {
			t.Fatal(err)
		}
		records[string(key)] = bytes.Clone(value)
	}
}

// DiffLines fails the test when two lists of lines differ in more than order.
func DiffLines(t testing.TB, what string, got, want []string) {
	t.Helper()
	var diff []string
	for _, line := range got {
		if !slices.Contains(want, line) {
			diff = append(diff, "+ "+line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			diff = append(diff, "- "+line)
		}
	}
	if len(diff) > 0 || len(got) != len(want) {
		slices.Sort(diff)
		t.Errorf("%s: %d members, want %d:\n%s", what, len(got), len(want), strings.Join(diff[:min(len(diff), 20)], "\n"))
	}
}

// headerSize counts the bytes of a message up to and with the empty line that
// ends its header; all of them when there is none.
func headerSize(body []byte) int64 {
	size := 0
	for line := range bytes.Lines(body) {
		size += len(line)
		if len(bytes.TrimRight(line, "\r\n")) == 0 && bytes.HasSuffix(line, []byte("\n")) {
			break
		}
	}
	return int64(size)
}
