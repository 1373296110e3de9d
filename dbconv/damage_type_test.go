package dbconv

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/dbtext"
	"imsconv/dbconv/mboxlist"
)

// damage is what the errors of all formats have.
type damage interface {
	error
	Position() string
	Kind() string
	Severity() int
}

func TestEveryFormatTellsOfDamageAlike(t *testing.T) {
	_, noDB := bdb.NewReader(bytes.NewReader(make([]byte, 600)), 600, bdb.Options{})
	_, _, badText := func() ([]byte, []byte, error) {
		r := dbtext.NewPlainReader(bytes.NewReader([]byte("a\\\n1\n")), dbtext.Header{Type: "btree"})
		if _, err := r.Begin(); err != nil {
			t.Fatal(err)
		}
		return r.Next()
	}()
	_, badRecord := mboxlist.ParseFolder([]byte("\x00"))
	for _, tc := range []struct {
		err            error
		position, kind string
		severity       int
	}{
		{noDB, "", "not-berkeley-db", 2},
		{badText, "line 1", "bad-item", 2},
		{badRecord, "folder record: byte 0", "not-understood", 1},
	} {
		var d damage
		if !errors.As(fmt.Errorf("wrapped: %w", tc.err), &d) {
			t.Errorf("%v: no damage", tc.err)
			continue
		}
		if d.Position() != tc.position || d.Kind() != tc.kind || d.Severity() != tc.severity {
			t.Errorf("%v: %q %q %d", tc.err, d.Position(), d.Kind(), d.Severity())
		}
	}
}
