package inputs

import (
	"crypto/sha256"
	"os"
	"syscall"
	"testing"

	"imsconv/storeconv/ims"
)

// TestNoOpenFileIsNoListing lists a tree when the process has no open file left
// to give: were that taken for a folder that cannot be read, the same command,
// given again, would find the output of another run.
func TestNoOpenFileIsNoListing(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(root+"/partition/primary", 0o700); err != nil {
		t.Fatal(err)
	}
	var most syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &most); err != nil {
		t.Fatal(err)
	}
	none := syscall.Rlimit{Max: most.Max}
	l := lister{unreadable: func(string) {}, each: func(rel string, _ int64, _ uint64) {
		if rel == "partition" {
			_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none)
		}
	}}
	_, err := l.tree(t.Context(), sha256.New(), root, nil)
	if back := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &most); back != nil {
		t.Fatal(back)
	}
	if !ims.OfMachine(err) {
		t.Errorf("the listing of a tree that could not be opened: %v", err)
	}

	// A folder that may not be read is part of the listing.
	if os.Geteuid() == 0 {
		return
	}
	if err := os.Chmod(root+"/partition", 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(root+"/partition", 0o700)
	var closed []string
	l = lister{each: func(string, int64, uint64) {}, unreadable: func(rel string) { closed = append(closed, rel) }}
	if _, err := l.tree(t.Context(), sha256.New(), root, nil); err != nil || len(closed) != 1 {
		t.Errorf("a folder that may not be read: %v, %q", err, closed)
	}
}
