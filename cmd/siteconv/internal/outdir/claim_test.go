package outdir

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A second run does not touch a folder that another one is at work on.
func TestHold(t *testing.T) {
	dir := t.TempDir()
	release, err := Hold(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Hold(dir); err == nil || !strings.Contains(err.Error(), "another run is at work there") {
		t.Errorf("held twice: %v", err)
	}
	release()
	again, err := Hold(dir)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

// TestForceAsksWhatStays: a run that starts afresh asks whether anything must
// stay once no other run can add to the folder, and before anything is removed.
func TestForceAsksWhatStays(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, "store")
	if err := errors.Join(os.Mkdir(kept, 0o700), os.WriteFile(filepath.Join(dir, StateName), []byte("{}"), 0o600)); err != nil {
		t.Fatal(err)
	}
	stays := errors.New("it stays")
	_, _, err := Claim(dir, State{Scenario: "new"}, true, func() error {
		if _, err := Hold(dir); err == nil {
			t.Error("another run can hold the folder meanwhile")
		}
		return stays
	})
	if _, gone := os.Stat(kept); gone != nil || !errors.Is(err, stays) {
		t.Errorf("%v, %v", err, gone)
	}
	_, release, err := Claim(dir, State{Scenario: "new"}, true, func() error { return nil })
	if err != nil {
		t.Fatalf("it is held still: %v", err)
	}
	defer release()
	if _, err := os.Stat(kept); err == nil {
		t.Error("nothing was removed")
	}
}
