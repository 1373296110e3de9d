package merge

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNoMark: whoever cannot leave a mark says so.
func TestNoMark(t *testing.T) {
	store := t.TempDir()
	left, err := MarkMerged(store, make([]byte, MostMark+1))
	if left || err != nil || Merged(store) != nil {
		t.Errorf("a text that is too long: %v, %v, %d bytes", left, err, len(Merged(store)))
	}
	if left, err := MarkMerged("/proc", []byte("text")); left || err != nil {
		t.Errorf("a file system that takes no attributes: %v, %v", left, err)
	}
	if _, err := MarkMerged(store+"/none", []byte("text")); err == nil {
		t.Error("a store that is not there was marked")
	}
}

// TestMarkStays: a mark that cannot be removed is told, and one that is not
// there is not.
func TestMarkStays(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may act as two users")
	}
	store := t.TempDir()
	if left, err := MarkMerged(store, []byte("text")); !left || err != nil {
		t.Fatalf("no mark: %v", err)
	}
	const everybody, nobody = 0o777 | os.ModeSticky, 65534
	err := errors.Join(os.Chmod(store, everybody), os.Chmod(filepath.Dir(store), everybody))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // which ends with its goroutine, whoever it acts as
		if err = unix.Setfsuid(nobody); err == nil {
			err = unmark(store)
		}
	}()
	<-ended
	if err == nil || !strings.Contains(err.Error(), MergedAttribute) {
		t.Errorf("a mark that stays: %v", err)
	}
	if err := unmark(t.TempDir()); err != nil {
		t.Errorf("no mark: %v", err)
	}
}
