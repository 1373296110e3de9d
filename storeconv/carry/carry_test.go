package carry_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/carry"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/nms"
)

// plainNames takes what comes behind a = for the part of a mailbox name, and
// refuses other directories. It notes who was asked about.
type plainNames struct {
	as    map[string]string // names of counterparts that differ
	stray []string
}

func (n *plainNames) Message(name string, inBox bool) bool { return inBox && nms.IsMessage(name) }

func (n *plainNames) Folder(_ *carry.Walk, name string) (component, counterpart string, ok bool) {
	component, ok = strings.CutPrefix(name, "=")
	counterpart = name
	if as := n.as[name]; as != "" {
		counterpart = as
	}
	return component, counterpart, ok
}

func (n *plainNames) Stray(w *carry.Walk) { n.stray = append(n.stray, w.At()) }

// makeTree makes files below a new directory: what ends in a slash is a
// directory, "a -> b" a symbolic link, all else a file with its name in it.
func makeTree(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		link, target, isLink := strings.Cut(name, " -> ")
		path := filepath.Join(root, link)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		switch {
		case err != nil:
		case isLink:
			err = os.Symlink(target, path)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		default:
			err = os.WriteFile(path, []byte(name), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// topOf opens a tree and its counterpart; "" is none.
func topOf(t *testing.T, src, dst string) *carry.Top {
	t.Helper()
	top := &carry.Top{Where: "u", Src: open(t, src), Dst: -1}
	if dst != "" {
		top.Dst = open(t, dst)
	}
	if err := unix.Fstat(top.Src, &top.Stat); err != nil {
		t.Fatal(err)
	}
	return top
}

func open(t *testing.T, path string) int {
	t.Helper()
	fd, err := nms.OpenPath(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// tell writes the notes of a walk as lines.
func tell(w *carry.Walk) []string {
	var lines []string
	for _, n := range w.Notes {
		lines = append(lines, fmt.Sprintf("%s %s: %s", n.Kind, n.Where, n.Text))
	}
	return lines
}

func TestWalk(t *testing.T) {
	tests := []struct {
		name   string
		tree   []string
		counts carry.Counts
		boxes  []string
		notes  []string
		stray  []string
	}{
		{"an INBOX", []string{"store.idx", "00/1.msg", "00/2.msg"}, carry.Counts{Mailboxes: 1, Messages: 2, Others: 1, Bytes: 16}, []string{""}, nil, nil},
		{"a message beside the messages", []string{"3.msg", "00/1.msg"}, carry.Counts{Mailboxes: 1, Messages: 1, Others: 1, Bytes: 8}, []string{""}, nil, nil},
		{"folders", []string{"=b/00/", "=a/=c/store.idx", "=d/"}, carry.Counts{Mailboxes: 2, Others: 1}, []string{"a/c", "b"}, nil, nil},
		{"below a name that is none", []string{"x/store.idx", "x/=a/00/1.msg"}, carry.Counts{Messages: 1, Others: 1, Bytes: 13}, nil, nil, nil},
		{"among messages", []string{"00/=x/1.msg", "00/01/store.idx"}, carry.Counts{Mailboxes: 1, Others: 2}, []string{""}, nil, []string{"u/00/01", "u/00/=x"}},
		{"what is no file", []string{"00/1.msg -> 2.msg"}, carry.Counts{Mailboxes: 1}, []string{""}, []string{"not-a-file u/00/1.msg: a symbolic link: left out"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			names := new(plainNames)
			w := carry.NewWalk(nil, names)
			// A walk before it leaves nothing behind.
			if err := w.Tree(new(carry.Looker), topOf(t, makeTree(t, "=z/store.idx", "=z/l -> z"), "")); err != nil {
				t.Fatal(err)
			}
			if err := w.Tree(new(carry.Looker), topOf(t, makeTree(t, tt.tree...), "")); err != nil {
				t.Fatal(err)
			}
			slices.Sort(names.stray)
			if w.Counts != tt.counts || !slices.Equal(w.Boxes, tt.boxes) || !slices.Equal(tell(w), tt.notes) || !slices.Equal(names.stray, tt.stray) {
				t.Errorf("counts %+v, mailboxes %q, notes %q, stray %q", w.Counts, w.Boxes, tell(w), names.stray)
			}
		})
	}
}

// TestWalkDeep walks further down than mailboxes go.
func TestWalkDeep(t *testing.T) {
	root := makeTree(t, strings.Repeat("=d/", nms.MaxDepth+3)+"store.idx")
	w := carry.NewWalk(nil, new(plainNames))
	if err := w.Tree(new(carry.Looker), topOf(t, root, "")); err != nil {
		t.Fatal(err)
	}
	if len(w.Notes) != 1 || w.Notes[0].Kind != "too-deep" || w.Counts.Others != 0 {
		t.Errorf("notes %q, counts %+v", tell(w), w.Counts)
	}
}

// listing is what a tree looks like: modes, times, contents, and which names
// are one file.
func listing(t *testing.T, root string) []string {
	t.Helper()
	first := make(map[uint64]string)
	var lines []string
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		text, name := []byte(nil), strings.TrimPrefix(path, root)
		if st.Mode&unix.S_IFMT == unix.S_IFREG {
			if text, err = os.ReadFile(path); err != nil {
				return err
			}
			if first[st.Ino] == "" {
				first[st.Ino] = name
			}
		}
		lines = append(lines, fmt.Sprintf("%s %o %d.%d %q %s", name, st.Mode, st.Mtim.Sec, st.Mtim.Nsec, text, first[st.Ino]))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// TestClone makes a tree anew, under other names where the conversion says so.
func TestClone(t *testing.T) {
	src := makeTree(t, "store.idx", "00/1.msg", "=a/00/2.msg", "=a/store.idx")
	if err := os.Link(src+"/00/1.msg", src+"/00/3.msg"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(src+"/=a", 0o551); err != nil {
		t.Fatal(err)
	}
	for _, via := range []string{"copy", "link"} {
		t.Run(via, func(t *testing.T) {
			dst := t.TempDir()
			var met []string
			c := carry.Cloner{
				Files: durable.Cloner{FS: durable.OS, Pool: durable.NewLinkPool(open(t, t.TempDir()))},
				Met: func(w *carry.Walk, name string, mode uint32) {
					met = append(met, fmt.Sprintf("%s/%s %o", w.At(), name, mode&0o7777))
				},
			}
			want := carry.Counts{Mailboxes: 2, Messages: 3, Others: 2, Bytes: 27, Copied: 40, Shared: 1}
			if via == "link" {
				c.Link = func(_ *carry.Walk, src, dst int, name string, _ *unix.Stat_t) error {
					return durable.OS.Linkat(src, name, dst, name)
				}
				want.Copied, want.Shared, want.Linked = 21, 0, 3
			}
			w := carry.NewWalk(nil, new(plainNames))
			if err := w.Tree(&c, topOf(t, src, dst)); err != nil {
				t.Fatal(err)
			}
			if w.Counts != want || len(met) != 5 || len(w.Notes) > 0 {
				t.Errorf("counts %+v, met %q, notes %q", w.Counts, met, tell(w))
			}
			got, wantTree := listing(t, dst), listing(t, src)
			// The top stays writable until it is in place.
			if got, want := got[1:], wantTree[1:]; !slices.Equal(got, want) {
				t.Errorf("the tree is\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// TestCloneRenames writes a folder under the name that the conversion gives it.
func TestCloneRenames(t *testing.T) {
	dst := t.TempDir()
	w := carry.NewWalk(nil, &plainNames{as: map[string]string{"=a": "=A"}})
	c := carry.Cloner{Files: durable.Cloner{FS: durable.OS}}
	if err := w.Tree(&c, topOf(t, makeTree(t, "=a/=b/00/1.msg"), dst)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dst + "/=A/=b/00/1.msg"); err != nil || !slices.Equal(w.Boxes, []string{"a/b"}) {
		t.Errorf("mailboxes %q, %v", w.Boxes, err)
	}
}

// TestLinkErrors tells what becomes of a message that cannot be linked.
func TestLinkErrors(t *testing.T) {
	wrapped := fmt.Errorf("change owner: %w", unix.EPERM)
	tests := []struct {
		name string
		err  error
		want carry.Counts
		note string
		end  error // of the walk
	}{
		{"too many links", unix.EMLINK, carry.Counts{Mailboxes: 1, Messages: 1, Bytes: 8, Copied: 8, Fallback: 1}, "", nil},
		{"gone", unix.ENOENT, carry.Counts{Mailboxes: 1}, "unreadable u/00/1.msg: link: no such file or directory", nil},
		{"may not be read", &durable.SourceError{Err: errors.New("open: no")}, carry.Counts{Mailboxes: 1}, "unreadable u/00/1.msg: open: no", nil},
		{"no space", unix.ENOSPC, carry.Counts{}, "", unix.ENOSPC},
		{"of another call", wrapped, carry.Counts{}, "", wrapped},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := carry.Cloner{Files: durable.Cloner{FS: durable.OS}, Link: func(*carry.Walk, int, int, string, *unix.Stat_t) error { return tt.err }}
			w := carry.NewWalk(nil, new(plainNames))
			err := w.Tree(&c, topOf(t, makeTree(t, "00/1.msg"), t.TempDir()))
			if !errors.Is(err, tt.end) {
				t.Fatalf("the error is %v", err)
			}
			if err == nil && (w.Counts != tt.want || strings.Join(tell(w), "\n") != tt.note) {
				t.Errorf("counts %+v, notes %q", w.Counts, tell(w))
			}
		})
	}
}

// closed is a file system in which nobody may open directories of a name.
type closed struct {
	durable.FS
	name string
}

func (c closed) Openat(dir int, name string, flags int, mode uint32) (int, error) {
	if name == c.name {
		return -1, unix.EACCES
	}
	return c.FS.Openat(dir, name, flags, mode)
}

// TestCompareClosed: a directory of the counterpart that cannot be opened is
// neither another thing nor one more than the source has.
func TestCompareClosed(t *testing.T) {
	src, dst := makeTree(t, "store.idx", "=a/store.idx"), t.TempDir()
	w := carry.NewWalk(nil, new(plainNames))
	if err := w.Tree(&carry.Cloner{Files: durable.Cloner{FS: durable.OS}}, topOf(t, src, dst)); err != nil {
		t.Fatal(err)
	}
	var got []string
	c := carry.Comparer{FS: closed{durable.OS, "=a"}}
	c.Differs = func(w *carry.Walk, name string, d carry.Difference, err error) {
		got = append(got, fmt.Sprintf("%s %s %s %v", w.At(), name, differences[d], err))
	}
	c.Begin()
	if err := w.Tree(&c, topOf(t, src, dst)); err != nil {
		t.Fatal(err)
	}
	if want := "u/=a  Closed permission denied|u/=a store.idx NoFile <nil>"; strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// differences are the names of what a comparison finds.
var differences = map[carry.Difference]string{
	carry.Closed: "Closed",
	carry.NoFile: "NoFile", carry.NoDirectory: "NoDirectory", carry.NotDirectory: "NotDirectory", carry.MoreFiles: "MoreFiles",
	carry.OtherMode: "OtherMode", carry.OtherSize: "OtherSize", carry.OtherTime: "OtherTime", carry.OtherContent: "OtherContent",
}

// sameIndex compares an index by its bytes.
func sameIndex(src, dst int, name string) (same, known bool, err error) {
	if name != "store.idx" {
		return false, false, nil
	}
	a, errA := os.ReadFile(fmt.Sprintf("/proc/self/fd/%d/%s", src, name))
	b, errB := os.ReadFile(fmt.Sprintf("/proc/self/fd/%d/%s", dst, name))
	return string(a) == string(b), true, errors.Join(errA, errB)
}

func TestCompare(t *testing.T) {
	names := []string{"store.idx", "00/1.msg", "=a/store.idx"}
	later := unix.NsecToTimespec(1_100_000_000e9)
	touch := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dst string) {
			if err := unix.UtimesNanoAt(unix.AT_FDCWD, dst+name, []unix.Timespec{later, later}, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	write := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dst string) {
			if err := os.WriteFile(dst+name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dst string) {
			if err := os.RemoveAll(dst + name); err != nil {
				t.Fatal(err)
			}
		}
	}
	linked := func(t *testing.T, dst string) {
		remove("/00/1.msg")(t, dst)
		elsewhere := makeTree(t, "00/1.msg")
		touch("/00/1.msg")(t, elsewhere)
		if err := os.Symlink(elsewhere+"/00/1.msg", dst+"/00/1.msg"); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name   string
		change func(t *testing.T, dst string)
		follow bool
		want   []string
	}{
		{"nothing", func(*testing.T, string) {}, false, nil},
		{"a file less", remove("/00/1.msg"), false, []string{"u/00 1.msg NoFile"}},
		{"a directory less", remove("/=a"), false, []string{"u/=a  NoDirectory", "u/=a store.idx NoFile"}},
		{"a file for a directory", func(t *testing.T, dst string) { remove("/=a")(t, dst); write("/=a", "")(t, dst) }, false,
			[]string{"u  MoreFiles", "u/=a  NotDirectory", "u/=a store.idx NoFile"}},
		{"a file more", write("/00/2.msg", ""), false, []string{"u/00  MoreFiles"}},
		{"one less, one more", func(t *testing.T, dst string) { remove("/00/1.msg")(t, dst); write("/00/2.msg", "")(t, dst) }, false,
			[]string{"u/00  MoreFiles", "u/00 1.msg NoFile"}},
		{"another mode", func(t *testing.T, dst string) {
			if err := os.Chmod(dst+"/00/1.msg", 0o600); err != nil {
				t.Fatal(err)
			}
		}, false, []string{"u/00 1.msg OtherMode"}},
		{"another size", write("/00/1.msg", "1"), false, []string{"u/00 1.msg OtherSize"}},
		{"another time", touch("/00/1.msg"), false, []string{"u/00 1.msg OtherTime"}},
		{"another content", write("/store.idx", "STORE.IDX"), false, []string{"u store.idx OtherContent"}},
		{"another time and the same content", touch("/store.idx"), false, nil},
		{"a symbolic link", linked, false, []string{"u/00 1.msg OtherMode"}},
		{"a symbolic link to such a file", linked, true, []string{"u/00 1.msg OtherTime"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src, dst := makeTree(t, names...), t.TempDir()
			w := carry.NewWalk(nil, new(plainNames))
			if err := w.Tree(&carry.Cloner{Files: durable.Cloner{FS: durable.OS}}, topOf(t, src, dst)); err != nil {
				t.Fatal(err)
			}
			tt.change(t, dst)
			c := carry.Comparer{FS: durable.OS, Follow: tt.follow}
			var got []string
			c.Differs = func(w *carry.Walk, name string, d carry.Difference, err error) {
				got = append(got, fmt.Sprintf("%s %s %s", w.At(), name, differences[d]))
				if (err != nil) != (d == carry.NotDirectory) {
					t.Errorf("%s: the error is %v", got, err)
				}
			}
			c.Same = sameIndex
			c.Begin()
			if err := w.Tree(&c, topOf(t, src, dst)); err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("found %q, not %q", got, tt.want)
			}
		})
	}
}
