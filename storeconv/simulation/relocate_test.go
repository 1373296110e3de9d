package simulation

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable/crashfs"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/testsite"
)

// relocateCase is a relocation to be disturbed. The source is real files; the
// new store is simulated.
type relocateCase struct {
	name   string
	from   string
	opt    relocate.Options
	linked bool // the source can be linked to
	before []string
	fail   func(call, name string) error
}

// TestRelocate stops a relocation after every operation. Where the new store is
// on a file system without links, nothing shares files there.
func TestRelocate(t *testing.T) {
	from := filepath.Join(t.TempDir(), "nms")
	site, err := testsite.WriteNMS(from, testsite.NMSOptions{Seed: 3, Users: 3, Mailboxes: 2, Messages: 9, Links: 30, MedianSize: 200})
	if err != nil {
		t.Fatal(err)
	}
	first := site.Users[:1]
	cases := []relocateCase{
		{name: "copy", opt: relocate.Options{Via: relocate.ViaCopy}},
		{name: "copy, each user", opt: relocate.Options{Via: relocate.ViaCopy, Sync: storeconv.SyncUser}},
		{name: "copy without links", opt: relocate.Options{Via: relocate.ViaCopy}, fail: fails(unix.EPERM, "linkat")},
		{name: "links", opt: relocate.Options{Via: relocate.ViaHardlink}, linked: true},
		{name: "links across devices", opt: relocate.Options{Via: relocate.ViaHardlink, Sync: storeconv.SyncUser}},
		{name: "symbolic links", opt: relocate.Options{Via: relocate.ViaSymlink}, fail: fails(unix.ENOSYS, "noreplace", "syncfs")},
		{name: "a user is there", opt: relocate.Options{Via: relocate.ViaHardlink}, linked: true, before: first, fail: fails(unix.EINVAL, "exchange")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.from = from
			f := c.store(t)
			f.Fail(c.fail)
			start := f.Ops()
			if err := c.run(f, nil); err != nil {
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
				if err := c.run(state, nil); err != nil {
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

func (c *relocateCase) run(f *crashfs.FS, users []string) error {
	opt := c.opt
	opt.FS, opt.Jobs = f, 1
	if users != nil {
		opt.Users = make(map[string]bool)
		for _, u := range users {
			opt.Users[u] = true
		}
	}
	_, err := relocate.Relocate(context.Background(), storePath, c.from, opt)
	return err
}

// store makes the file system that the run begins with: with a user who lacks a
// message, when one is to be there before.
func (c *relocateCase) store(t *testing.T) *crashfs.FS {
	f := crashfs.New()
	if c.linked {
		f.LinkReal()
	}
	if c.before != nil {
		if err := c.run(f, c.before); err != nil {
			t.Fatal(err)
		}
		removeOne(t, f)
	}
	f.Sync()
	return f
}

// removeOne removes the last message of the store.
func removeOne(t *testing.T, f *crashfs.FS) {
	t.Helper()
	lines := f.Tree(storePath, nil)
	slices.Reverse(lines)
	for _, line := range lines {
		if name, _, _ := strings.Cut(line, " "); filepath.Ext(name) == ".msg" {
			if err := f.Unlinkat(unix.AT_FDCWD, storePath+"/"+name, 0); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("the store has no message")
}
