package shards

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/testsite/reference"
)

// What a survey cannot read is missing from its plan: that is a problem.
func TestUnreadableIsAProblem(t *testing.T) {
	log := new(reference.Recorder)
	w := &storeSurvey{log: log}
	if err := w.unreadable("=user/00", unix.EIO); err != nil {
		t.Fatal(err)
	}
	if err := w.unreadable("=user/01", unix.EMFILE); err == nil {
		t.Error("no error of the machine")
	}
	want := []string{"unreadable =user/00: input/output error: what lies there has no part in the plan"}
	if !slices.Equal(log.Problems, want) || len(log.Warnings) > 0 {
		t.Errorf("%q, %q", log.Problems, log.Warnings)
	}
}
