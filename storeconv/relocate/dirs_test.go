package relocate

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/nms"
)

// TestModelOfDirectory takes a directory's parent for its model only where the
// source has none. One that cannot be looked at stays the model, so that the
// error is met where attributes are copied.
func TestModelOfDirectory(t *testing.T) {
	src := t.TempDir()
	for _, dir := range []string{"/root", "/root/there"} {
		if err := os.Mkdir(src+dir, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("loop", src+"/loop"); err != nil {
		t.Fatal(err)
	}
	d := dirTimes{pairs: map[string]string{
		"root":       src + "/root",
		"root/there": src + "/root/there",
		"root/gone":  src + "/root/gone",
		"root/loop":  src + "/loop",
	}}
	for dir, want := range map[string]string{
		"root/there": src + "/root/there",
		"root/gone":  src + "/root",
		"root/loop":  src + "/loop",
	} {
		if got := d.model(dir); got != want {
			t.Errorf("%s takes after %s, want %s", dir, got, want)
		}
	}
}

// TestOwnerOfDatabases ends a run that cannot tell whose the databases are.
func TestOwnerOfDatabases(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root keeps owners")
	}
	loop := t.TempDir() + "/loop"
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	r := relocation{src: &nms.Store{DataDB: loop}}
	if owner, err := r.databaseOwner(); !errors.Is(err, unix.ELOOP) {
		t.Errorf("owner %v, %v", owner, err)
	}
}
