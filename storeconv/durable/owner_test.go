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
