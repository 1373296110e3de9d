package merge_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/lists"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/shards/merge"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/testsite/scratch"
)

// kept is a log that keeps what it is told.
type kept struct {
	mu    sync.Mutex
	lines []string // "kind where: text"
}

func (k *kept) Problem(kind, where, text string) { k.add(kind, where, text) }
func (k *kept) Warning(kind, where, text string) { k.add("warning "+kind, where, text) }

func (k *kept) add(kind, where, text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lines = append(k.lines, kind+" "+where+": "+text)
}

// wants holds what was told against beginnings of lines, one each.
func (k *kept) wants(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(k.lines)
	slices.Sort(want)
	ok := len(k.lines) == len(want)
	for i := range min(len(k.lines), len(want)) {
		ok = ok && strings.HasPrefix(k.lines[i], want[i])
	}
	if !ok {
		t.Errorf("told:\n%s\nwant:\n%s", strings.Join(k.lines, "\n"), strings.Join(want, "\n"))
	}
}

// site is three parts of one stream, and the store of a single run.
type site struct {
	dir, whole string
	parts      []string
	users      []string
}

// newSite restores a stream without links in three parts. The users of part 1
// come first.
func newSite(t *testing.T) *site {
	t.Helper()
	var stream bytes.Buffer
	opts := testsite.StreamOptions{Seed: 7, Users: 9, Mailboxes: 2, Messages: 60, Links: -1, MedianSize: 300}
	if _, err := testsite.WriteStream(&stream, opts, nil); err != nil {
		t.Fatal(err)
	}
	s := &site{dir: memoryDir(t)}
	s.whole = filepath.Join(s.dir, "whole")
	restoreTo(t, s.whole, stream.Bytes(), storeconv.Shard{})
	for i := 1; i <= 3; i++ {
		shard := storeconv.Shard{Index: i % 3, Count: 3}
		part := filepath.Join(s.dir, fmt.Sprintf("p%d", i))
		restoreTo(t, part, stream.Bytes(), shard)
		writeRecord(t, part, i, 3)
		for j := range opts.Users {
			if id := testsite.UserID(j); shard.Has(id) {
				s.users = append(s.users, id)
			}
		}
		s.parts = append(s.parts, part)
	}
	if len(s.users) != opts.Users {
		t.Fatalf("%d users", len(s.users))
	}
	return s
}

// memoryDir is a directory of the test in memory where there is such a place:
// what is durable is another test's business.
func memoryDir(t *testing.T) string {
	t.Helper()
	return scratch.Dir(t)
}

func restoreTo(t *testing.T, store string, stream []byte, shard storeconv.Shard) {
	t.Helper()
	in, err := restore.NewStream("tape", bytes.NewReader(stream))
	must(t, err)
	_, err = restore.Restore(t.Context(), store, []*restore.Stream{in}, restore.Options{Sync: storeconv.SyncNone, Selection: storeconv.Selection{Shard: shard}})
	must(t, err)
}

// writeRecord leaves the record of a part in its store.
func writeRecord(t *testing.T, part string, i, n int) {
	t.Helper()
	path := merge.RecordPath(part, i, n)
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	text := fmt.Sprintf(`{"command": "storeconv restore", "exit": 0, "shard": {"index": %d, "count": %d}}`, i, n)
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// store is where the site is merged to.
func (s *site) store() string { return filepath.Join(s.dir, "store") }

// merge merges the parts.
func (s *site) merge(t *testing.T, opt merge.Options) (merge.Report, *kept) {
	t.Helper()
	log := &kept{}
	opt.Log = log
	rep, err := merge.Merge(t.Context(), s.store(), s.parts, opt)
	must(t, err)
	for i := range log.lines {
		log.lines[i] = strings.ReplaceAll(log.lines[i], s.dir+"/", "")
	}
	return rep, log
}

// user is the directory of a user in a store.
func user(store, id string) string { return filepath.Join(store, ims.UserDir("primary", id)) }

// files lists the files and directories below a directory with their sizes and
// the dates of messages.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		line := name + " " + info.Mode().String()
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %d %x", info.ModTime().Unix(), text)
			if strings.HasSuffix(name, ims.IndexName) {
				line = fmt.Sprintf("%s %x", name, text)
			}
		}
		out = append(out, line)
		return err
	}))
	return out
}

// same holds the merged store against the one of a single run, less some users
// and, with lists false, the databases.
func (s *site) same(t *testing.T, lists bool, without ...string) {
	t.Helper()
	got, want := files(t, s.store()), files(t, s.whole)
	drop := func(lines []string) []string {
		return slices.DeleteFunc(lines, func(line string) bool {
			for _, id := range without {
				if strings.Contains(line, "/"+ims.Component(id)+"/") || strings.Contains(line, "/"+ims.Component(id)+" ") {
					return true
				}
			}
			// The hash directories of users who are left out.
			return !lists && strings.HasPrefix(line, "mboxlist/") || len(without) > 0 && strings.Count(line, "/") < 5
		})
	}
	if got, want = drop(got), drop(want); !slices.Equal(got, want) {
		for _, l := range got {
			if !slices.Contains(want, l) {
				t.Errorf("+ %.200s", l)
			}
		}
		for _, l := range want {
			if !slices.Contains(got, l) {
				t.Errorf("- %.200s", l)
			}
		}
	}
}

// has tells whether folder.db of the merged store has a user's INBOX.
func (s *site) has(t *testing.T, id string) bool {
	t.Helper()
	l, err := lists.Open(s.store(), storeconv.Discard)
	must(t, err)
	defer l.Close()
	_, ok, err := l.Get(mboxlist.FolderDB, "user/"+id)
	must(t, err)
	return ok
}
