package crashfs

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// names lists the paths of the files and directories of f.
func names(f *FS) string {
	var out []string
	for _, line := range f.Tree("/", nil) {
		out = append(out, strings.Fields(line)[0])
	}
	return strings.Join(out, " ")
}

// put writes a file; sync says whether its bytes are made durable.
func put(t *testing.T, f *FS, name, text string, sync bool) {
	t.Helper()
	fd, err := f.Openat(unix.AT_FDCWD, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o600)
	if err == nil {
		_, err = f.Write(fd, []byte(text))
	}
	if err == nil && sync {
		err = f.Fsync(fd)
	}
	if err == nil {
		err = f.Close(fd)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func syncDir(t *testing.T, f *FS, name string) {
	t.Helper()
	fd, err := f.Openat(unix.AT_FDCWD, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err == nil {
		err = f.Fsync(fd)
	}
	if err == nil {
		err = f.Close(fd)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// states returns the trees that a power cut now may leave.
func states(f *FS) []string {
	var out []string
	for _, cut := range f.PowerCuts(f.Ops(), 1) {
		out = append(out, names(cut))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestPowerCut(t *testing.T) {
	tests := []struct {
		name string
		do   func(t *testing.T, f *FS) error
		want []string
	}{
		{"nothing synced", func(t *testing.T, f *FS) error {
			put(t, f, "/a", "1", false)
			put(t, f, "/b", "2", true)
			return nil
		}, []string{"", "a", "a b", "b"}},
		{"directory synced", func(t *testing.T, f *FS) error {
			put(t, f, "/a", "1", false)
			syncDir(t, f, "/")
			put(t, f, "/b", "2", false)
			return nil
		}, []string{"a", "a b"}},
		{"two renames", func(t *testing.T, f *FS) error {
			put(t, f, "/a", "1", true)
			put(t, f, "/b", "2", true)
			syncDir(t, f, "/")
			if err := f.Renameat2(unix.AT_FDCWD, "/a", unix.AT_FDCWD, "/c", 0); err != nil {
				return err
			}
			return f.Renameat2(unix.AT_FDCWD, "/b", unix.AT_FDCWD, "/a", 0)
		}, []string{"a", "a b", "a c", "b c"}},
		{"across directories", func(t *testing.T, f *FS) error {
			if err := f.Mkdirat(unix.AT_FDCWD, "/d", 0o700); err != nil {
				return err
			}
			put(t, f, "/a", "1", true)
			syncDir(t, f, "/")
			if err := f.Renameat2(unix.AT_FDCWD, "/a", unix.AT_FDCWD, "/d/a", 0); err != nil {
				return err
			}
			syncDir(t, f, "/d")
			return nil
		}, []string{"a d", "d d/a"}},
		{"everything synced", func(t *testing.T, f *FS) error {
			put(t, f, "/a", "1", false)
			f.Sync()
			return nil
		}, []string{"a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := New()
			if err := tt.do(t, f); err != nil {
				t.Fatal(err)
			}
			if got := states(f); !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// A file whose entry is durable and whose bytes are not is empty, or has a
// hole.
func TestLostBytes(t *testing.T) {
	f := New()
	put(t, f, "/a", "one", false)
	fd, err := f.Openat(unix.AT_FDCWD, "/a", unix.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Pwrite(fd, []byte("two"), 3); err != nil {
		t.Fatal(err)
	}
	syncDir(t, f, "/")
	var got []string
	for _, cut := range f.PowerCuts(f.Ops(), 1) {
		n, err := cut.lookup(unix.AT_FDCWD, "/a")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(n.data))
	}
	slices.Sort(got)
	if want := []string{"", "\x00\x00\x00two", "one", "onetwo"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// A cut may come right before a sync, and in the state that a cut has left.
func TestCutBeforeSync(t *testing.T) {
	f := New()
	put(t, f, "/a", "1", false)
	before := f.Ops()
	f.Sync()
	if n, m := f.Pending(before), f.Pending(f.Ops()); n != 2 || m != 0 {
		t.Errorf("%d and %d operations are pending", n, m)
	}
	put(t, f, "/b", "2", false)
	killed := f.Killed(f.Ops())
	if names(killed) != "a b" || killed.Pending(killed.Ops()) != 2 {
		t.Errorf("%s, %d pending", names(killed), killed.Pending(killed.Ops()))
	}
	for _, cut := range f.PowerCuts(f.Ops(), 1) {
		if n := cut.Pending(cut.Ops()); n != 0 {
			t.Errorf("%d operations are pending after a power cut", n)
		}
	}
}

func TestLocksEndWithTheProcess(t *testing.T) {
	f := New()
	put(t, f, "/lock", "", false)
	take := func(f *FS, kind int16) error {
		fd, err := f.Openat(unix.AT_FDCWD, "/lock", unix.O_RDWR, 0)
		if err == nil {
			_, err = f.Lock(fd, unix.F_OFD_SETLK, unix.Flock_t{Type: kind, Start: 7, Len: 1})
		}
		return err
	}
	if err := take(f, unix.F_RDLCK); err != nil {
		t.Fatal(err)
	}
	if err := take(f, unix.F_RDLCK); err != nil {
		t.Errorf("two readers: %v", err)
	}
	if err := take(f, unix.F_WRLCK); err != unix.EAGAIN {
		t.Errorf("a writer beside readers: %v", err)
	}
	if err := take(f.Killed(f.Ops()), unix.F_WRLCK); err != nil {
		t.Errorf("after the process: %v", err)
	}
}
