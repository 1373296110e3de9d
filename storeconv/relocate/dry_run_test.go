package relocate

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv/ims"
)

// TestDryRunTellsWhatTheRunTells: problems and warnings of a dry run are those
// of the run, of a new store and of one in use.
func TestDryRunTellsWhatTheRunTells(t *testing.T) {
	const subscriptions = "user/72/e5/keiko_s.sub"
	moved := func(t *testing.T, root, name, to string) {
		must(t, os.MkdirAll(filepath.Join(root, filepath.Dir(to)), 0o700))
		must(t, os.Rename(filepath.Join(root, name), filepath.Join(root, to)))
	}
	copied := func(t *testing.T, root, name, to string) {
		must(t, os.MkdirAll(filepath.Join(root, filepath.Dir(to)), 0o700))
		must(t, exec.Command("cp", "-a", filepath.Join(root, name), filepath.Join(root, to)).Run())
	}
	kindsOf := func(told []string) (kinds []string) {
		for _, s := range told {
			kind, _, _ := strings.Cut(s, ": ")
			kinds = append(kinds, kind)
		}
		return kinds
	}
	for _, tt := range []struct {
		name   string
		opts   Options
		source func(t *testing.T, from string)  // what is done to the source,
		store  func(t *testing.T, store string) // and to a store in use; nil: it is a new one
		kinds  []string                         // of what is told
	}{
		{name: "nothing"},
		{name: "strangers", kinds: []string{"not-a-user", "not-a-user", "not-a-file", "no-users"}, source: func(t *testing.T, from string) {
			must(t, os.WriteFile(filepath.Join(from, "user/72/e5/%zz"), []byte("x"), 0o600))
			must(t, os.WriteFile(filepath.Join(from, "partition/primary/core"), nil, 0o600))
			must(t, os.Symlink("x", filepath.Join(from, "user/72/e5/link")))
			must(t, os.MkdirAll(filepath.Join(from, "partition/second"), 0o700))
		}},
		{name: "a user who is not there", opts: Options{Users: map[string]bool{"keiko_s": true, "nobody": true}}, kinds: []string{"no-such-user"}},
		{name: "a wrong hash", kinds: []string{"wrong-hash"}, source: func(t *testing.T, from string) {
			moved(t, from, keikoDir, "partition/primary/=user/00/00/=keiko_s")
		}},
		{name: "two trees of a user", opts: Options{RepairHash: true}, kinds: []string{"already-there"}, source: func(t *testing.T, from string) {
			must(t, os.CopyFS(filepath.Join(from, "partition/primary/=user/00/00/=keiko_s"), os.DirFS(filepath.Join(from, keikoDir))))
		}},
		{name: "two trees that lie wrong", opts: Options{RepairHash: true}, kinds: []string{"already-there"}, source: func(t *testing.T, from string) {
			must(t, os.CopyFS(filepath.Join(from, "partition/primary/=user/00/00/=keiko_s"), os.DirFS(filepath.Join(from, keikoDir))))
			moved(t, from, keikoDir, "partition/primary/=user/01/00/=keiko_s")
		}},
		{name: "two equal trees of a user", opts: Options{RepairHash: true}, kinds: []string{"already-there"}, source: func(t *testing.T, from string) {
			copied(t, from, keikoDir, "partition/primary/=user/00/00/=keiko_s")
		}},
		{name: "two equal trees that lie wrong", opts: Options{RepairHash: true}, kinds: []string{"already-there"}, source: func(t *testing.T, from string) {
			copied(t, from, keikoDir, "partition/primary/=user/00/00/=keiko_s")
			moved(t, from, keikoDir, "partition/primary/=user/01/00/=keiko_s")
		}},
		{name: "hard links", opts: Options{Via: ViaHardlink}},
		{name: "shared messages", source: func(t *testing.T, from string) {
			dir := filepath.Join(from, keikoDir, "00")
			must(t, os.Link(filepath.Join(dir, "1.msg"), filepath.Join(dir, "98.msg")))
			must(t, os.Link(filepath.Join(dir, "1.msg"), filepath.Join(dir, "99.msg")))
		}},
		{name: "not all is there", kinds: nil, store: func(t *testing.T, store string) {
			must(t, os.Remove(filepath.Join(store, keikoDir, "00/1.msg")))
		}},
		{name: "in use", store: func(*testing.T, string) {}},
		{name: "other subscriptions, another tree, no quotas", kinds: []string{"already-there", "already-there", "missing-database"}, store: func(t *testing.T, store string) {
			must(t, os.WriteFile(filepath.Join(store, subscriptions), []byte("others\n"), 0o600))
			must(t, os.WriteFile(filepath.Join(store, keikoDir, ims.IndexName), []byte("another\n"), 0o600))
			must(t, os.Remove(filepath.Join(store, "mboxlist/quota.db")))
		}},
		{name: "an interrupted run", kinds: []string{"leftover"}, store: func(t *testing.T, store string) {
			must(t, os.MkdirAll(filepath.Join(store, ims.WorkDir, "restore-1/stage"), 0o700))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from := copySample(t)
			store := filepath.Join(memoryDir(t), "store")
			if tt.opts.Via == "" {
				tt.opts.Via = ViaCopy
			}
			if tt.store != nil {
				relocate(t, store, from, tt.opts)
				tt.store(t, store)
			}
			if tt.source != nil {
				tt.source(t, from)
			}
			opts := tt.opts
			opts.DryRun = true
			look, dry := relocate(t, store, from, opts)
			run, wet := relocate(t, store, from, tt.opts)
			if d := cmp.Diff(run, look); d != "" {
				t.Errorf("a dry run counts otherwise (-run +dry):\n%s", d)
			}
			told := func(h *heard) []string {
				list := slices.Concat(h.problems, h.warnings)
				slices.Sort(list)
				return list
			}
			if d := cmp.Diff(told(wet), told(dry)); d != "" {
				t.Errorf("a dry run tells otherwise (-run +dry):\n%s", d)
			}
			for _, kind := range tt.kinds {
				if !slices.ContainsFunc(told(wet), func(s string) bool { return strings.HasPrefix(s, kind+": ") }) {
					t.Errorf("%s is not told", kind)
				}
			}
			if tt.opts.RepairHash { // what cannot be put right is told by each run
				for _, o := range []Options{tt.opts, opts} {
					if _, again := relocate(t, store, from, o); !slices.Equal(kindsOf(told(again)), tt.kinds) {
						t.Errorf("the same again, dry %v, told %q", o.DryRun, told(again))
					}
				}
			}
			if len(told(wet)) != len(tt.kinds) {
				t.Errorf("told %q, %d kinds wanted", told(wet), len(tt.kinds))
			}
		})
	}
}
