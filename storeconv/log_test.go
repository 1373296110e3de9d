package storeconv_test

import (
	"errors"
	"fmt"
	"testing"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/sims"
)

// TestDamage: the errors of every format are found as Damage, and become notes
// without saying their position twice.
func TestDamage(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want storeconv.Note
	}{
		{&sims.Error{Offset: 512, Name: "joe/INBOX/1", Class: sims.BadType, Text: "a named pipe"},
			storeconv.Note{Severity: storeconv.Problem, Kind: "bad-type", Where: "offset 512: joe/INBOX/1", Text: "a named pipe"}},
		{&sims.Error{Offset: 9, Class: sims.NoEnd, Text: "no end", Tolerated: true},
			storeconv.Note{Severity: storeconv.Warning, Kind: "no-end-marker", Where: "offset 9", Text: "no end"}},
		{&ims.Error{Path: "partition/x", Class: ims.StrayFile, Text: "not a directory"},
			storeconv.Note{Severity: storeconv.Warning, Kind: "stray-file", Where: "partition/x", Text: "not a directory"}},
		{&nms.Error{Line: 2, Text: "not the name of a mailbox"},
			storeconv.Note{Severity: storeconv.Warning, Kind: "not-understood", Where: "line 2", Text: "not the name of a mailbox"}},
	} {
		var d storeconv.Damage
		if !errors.As(fmt.Errorf("wrapped: %w", tt.err), &d) {
			t.Errorf("%v is no Damage", tt.err)
		} else if got := storeconv.NoteOf(d); got != tt.want {
			t.Errorf("%+v, want %+v", got, tt.want)
		}
	}
	var d storeconv.Damage
	if !errors.As(error(&bdb.Error{}), &d) {
		t.Error("a database's error is no Damage")
	}
}
