package simulation

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable/crashfs"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/shards/merge"
	"imsconv/storeconv/testsite"
)

// mergeCase is a merge to be disturbed. The parts are real files; the store is
// simulated.
type mergeCase struct {
	name   string
	opt    merge.Options
	parts  []string
	linked bool     // the parts can be linked to
	before []string // parts that are merged first, undisturbed
	fail   func(call, name string) error
}

// TestMerge stops a merge after every operation.
func TestMerge(t *testing.T) {
	restored, relocated := restoredParts(t), relocatedParts(t)
	each := merge.Options{Via: merge.ViaCopy, Sync: storeconv.SyncUser}
	cases := []mergeCase{
		{name: "copy", parts: restored, opt: merge.Options{Via: merge.ViaCopy}},
		{name: "copy, each user", parts: restored, opt: each},
		{name: "copy without links", parts: restored, opt: each, fail: fails(unix.EPERM, "linkat")},
		{name: "copy without renameat2 and syncfs", parts: restored, opt: each, fail: fails(unix.ENOSYS, "exchange", "noreplace", "syncfs")},
		{name: "links", parts: restored, opt: merge.Options{Via: merge.ViaHardlink}, linked: true},
		{name: "links across devices", parts: restored, opt: merge.Options{Via: merge.ViaHardlink, Sync: storeconv.SyncUser}},
		{name: "one part is there", parts: restored, opt: merge.Options{Via: merge.ViaHardlink}, linked: true, before: restored[:1], fail: fails(unix.EINVAL, "exchange")},
		{name: "relocated", parts: relocated, opt: merge.Options{Via: merge.ViaCopy}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := c.store(t)
			f.Fail(c.fail)
			start := f.Ops()
			if err := c.run(f, c.parts); err != nil {
				t.Fatal(err)
			}
			if n := f.Open(); n != 0 {
				t.Errorf("%d descriptors are open after the run", n)
			}
			want := f.Tree(storePath, nil)
			states := 0
			crashes(f, start, func(when string, state *crashfs.FS) {
				states++
				state.Fail(c.fail)
				if err := c.run(state, c.parts); err != nil {
					t.Fatalf("%s: %v", when, err)
				}
				if got := state.Tree(storePath, nil); !slices.Equal(got, want) {
					t.Fatalf("%s:\n%s", when, difference(want, got))
				}
			})
			t.Logf("%d operations, %d states", f.Ops()-start, states)
		})
	}
}

func (c *mergeCase) run(f *crashfs.FS, parts []string) error {
	opt := c.opt
	opt.FS, opt.Jobs, opt.Partial = f, 1, len(parts) < len(c.parts)
	log := &problems{}
	opt.Log = log
	_, err := merge.Merge(context.Background(), storePath, parts, opt)
	if err == nil && log.first != "" {
		err = fmt.Errorf("problem: %s", log.first)
	}
	return err
}

// problems keeps the first problem.
type problems struct{ first string }

func (p *problems) Problem(kind, where, text string) {
	if p.first == "" {
		p.first = where + ": " + text + " [" + kind + "]"
	}
}

func (*problems) Warning(string, string, string) {}

// store makes the file system that the merge begins with, all durable.
func (c *mergeCase) store(t *testing.T) *crashfs.FS {
	f := crashfs.New()
	if c.linked {
		f.LinkReal()
	}
	if c.before != nil {
		if err := c.run(f, c.before); err != nil {
			t.Fatal(err)
		}
	}
	f.Sync()
	return f
}

// restoredParts makes the two parts of a stream.
func restoredParts(t *testing.T) (parts []string) {
	var stream bytes.Buffer
	if _, err := testsite.WriteStream(&stream, testsite.StreamOptions{Seed: 5, Users: 4, Mailboxes: 2, Messages: 14, Links: 30, MedianSize: 300}, nil); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 2; i++ {
		part := filepath.Join(t.TempDir(), "part")
		s, err := restore.NewStream("tape", bytes.NewReader(stream.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		opt := restore.Options{Selection: storeconv.Selection{Shard: storeconv.Shard{Index: i % 2, Count: 2}}}
		if _, err := restore.Restore(t.Context(), part, []*restore.Stream{s}, opt); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, writeRecord(t, part, i))
	}
	return parts
}

// relocatedParts makes the two parts of an NMS store.
func relocatedParts(t *testing.T) (parts []string) {
	from := filepath.Join(t.TempDir(), "nms")
	if _, err := testsite.WriteNMS(from, testsite.NMSOptions{Seed: 3, Users: 4, Mailboxes: 2, Messages: 9, Links: 30, MedianSize: 200}); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 2; i++ {
		part := filepath.Join(t.TempDir(), "part")
		opt := relocate.Options{Via: relocate.ViaCopy, Shard: storeconv.Shard{Index: i % 2, Count: 2}}
		if _, err := relocate.Relocate(t.Context(), part, from, opt); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, writeRecord(t, part, i))
	}
	return parts
}

// writeRecord leaves the record of part i of 2 in a store.
func writeRecord(t *testing.T, part string, i int) string {
	t.Helper()
	path := merge.RecordPath(part, i, 2)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`{"command": "storeconv restore", "exit": 0, "shard": {"index": %d, "count": 2}}`, i)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return part
}
