package durable

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
)

// TestDirectoryWithoutItsOwner takes up after a process that was killed between
// making a directory and giving it its owner. What it never made, or has files
// in it, keeps the owner that it has.
func TestDirectoryWithoutItsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	path := t.TempDir()
	for _, dir := range []string{"left", "full/file", "others", "above"} {
		if err := os.MkdirAll(filepath.Join(path, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(path+"/others", 77, 77); err != nil {
		t.Fatal(err)
	}
	s, err := OpenStore(path, Options{Owner: &storeconv.Owner{UID: 1234, GID: 99}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, dir := range []string{"left/new", "full/new", "others", "new"} {
		if err := s.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	r := begin(t, s, "run")
	if err := r.Stage.Mkdir("1"); err != nil {
		t.Fatal(err)
	}
	if err := r.move(Move{From: "1", To: "above/tree"}, 0); err != nil {
		t.Fatal(err)
	}
	if err := r.End(true); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string][2]uint32{
		"left": {1234, 99}, "left/new": {1234, 99}, "new": {1234, 99}, "full/new": {1234, 99},
		"above": {1234, 99}, "above/tree": {1234, 99},
		"full":   {0, uint32(os.Getegid())},
		"others": {77, 77},
	} {
		var st unix.Stat_t
		if err := unix.Stat(filepath.Join(path, dir), &st); err != nil || [2]uint32{st.Uid, st.Gid} != want {
			t.Errorf("%s: owner %d:%d, want %v, %v", dir, st.Uid, st.Gid, want, err)
		}
	}
}

// unowned is a file system on which a directory of some name cannot be given
// away.
type unowned struct {
	FS
	name string
}

func (u unowned) Fchownat(dir int, name string, uid, gid, flags int) error {
	if name == u.name {
		return unix.EIO
	}
	return u.FS.Fchownat(dir, name, uid, gid, flags)
}

func (u unowned) Fchown(fd, uid, gid int) error {
	if u.name == "." {
		return unix.EIO
	}
	return u.FS.Fchown(fd, uid, gid)
}

// TestStoreWithoutItsOwner: a store that a run has made, and could not give its
// owner, gets it from the next. One that was made for it keeps what it has.
func TestStoreWithoutItsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	path, owner := t.TempDir(), &storeconv.Owner{UID: 1234, GID: 99}
	if s, err := OpenStore(path+"/left", Options{Owner: owner, FS: unowned{OS, "."}}); err == nil {
		s.Close()
		t.Error("no error")
	}
	for dir, mode := range map[string]os.FileMode{"made": 0o755, "full": 0o700} {
		if err := os.Mkdir(filepath.Join(path, dir), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path+"/full/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]uint32{"left": 1234, "made": 0, "full": 0, "new": 1234} {
		s, err := OpenStore(filepath.Join(path, dir), Options{Owner: owner})
		if err != nil {
			t.Fatal(err)
		}
		var st unix.Stat_t
		if err := unix.Fstat(s.FD(), &st); err != nil || st.Uid != want {
			t.Errorf("%s: owner %d, want %d, %v", dir, st.Uid, want, err)
		}
		s.Close()
	}
}
