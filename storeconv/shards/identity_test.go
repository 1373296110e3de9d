package shards

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/nms"
)

// TestIdentityNeedsTheMachine passes over a directory of a store that may not
// be read, and not over one that the machine could not open: a plan with such
// an identity is refused as that of another store.
func TestIdentityNeedsTheMachine(t *testing.T) {
	part := nms.Partition{Name: "primary", Path: t.TempDir()}
	if err := os.MkdirAll(part.Path+"/"+nms.UserRoot+"/00/85/=joe", 0o700); err != nil {
		t.Fatal(err)
	}
	use := func(string, string) error { return nil }
	for err, passed := range map[error]bool{unix.EACCES: true, unix.EIO: true, unix.EMFILE: false, unix.ENFILE: false, unix.ENOMEM: false} {
		if got := passOver(part.Path, &os.PathError{Op: "open", Path: part.Path, Err: err}); (got == nil) != passed {
			t.Errorf("%v: %v", err, got)
		}
	}
	var most unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &most); err != nil {
		t.Fatal(err)
	}
	none := unix.Rlimit{Max: most.Max}
	_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &none)
	err := eachUserDir([]nms.Partition{part}, passOver, use)
	if back := unix.Setrlimit(unix.RLIMIT_NOFILE, &most); back != nil {
		t.Fatal(back)
	}
	if err == nil {
		t.Error("no open file was left, and the store has an identity")
	}
}
