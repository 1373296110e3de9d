package bdb

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

// verifyBytes returns the faults of a file as text.
func verifyBytes(b []byte, loose bool) (faults []string, err error) {
	_, err = Verify(context.Background(), bytes.NewReader(b), int64(len(b)), VerifyOptions{
		NoOrder: loose,
		Fault:   func(e *Error) { faults = append(faults, e.Error()) },
	})
	return faults, err
}

// faulty tells which fixtures have faults under strict rules and with NoOrder.
func faulty(name string) (strict, loose bool) {
	switch {
	case strings.Contains(name, "curdel"), name == "1.85/bt-le-empty.db":
		return true, true
	case strings.Contains(name, "revcmp"), strings.Contains(name, "customhash"):
		return true, false
	}
	return false, false
}

func TestVerifyFixtures(t *testing.T) {
	names, files := fixtureFiles(t)
	for _, name := range names {
		if strings.Contains(name, "encrypt") {
			if _, err := verifyBytes(files[name], false); !errors.Is(err, ErrEncrypted) {
				t.Errorf("%s: error %v, want ErrEncrypted", name, err)
			}
			continue
		}
		wantStrict, wantLoose := faulty(name)
		for _, c := range []struct{ loose, want bool }{{false, wantStrict}, {true, wantLoose}} {
			faults, err := verifyBytes(files[name], c.loose)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if (len(faults) > 0) != c.want {
				t.Errorf("%s: NoOrder %t: %d faults, first: %q", name, c.loose, len(faults), faults[:min(1, len(faults))])
			}
		}
	}
}

func TestVerifyNoticesFilesNotClosed(t *testing.T) {
	_, files := fixtureFiles(t)
	for _, name := range []string{"unclosed/2.7.7-bt.db", "unclosed/2.7.7-hash.db"} {
		faults, err := verifyBytes(files[name], false)
		if err != nil || len(faults) == 0 {
			t.Errorf("%s: %d faults, error %v", name, len(faults), err)
		}
		var unreached bool
		_, err = readFile(files[name], Options{Problem: func(err error) { unreached = unreached || errors.Is(err, ErrUnreached) }})
		if err != nil || !unreached {
			t.Errorf("%s: reading tells of unreached pages: %t, error %v", name, unreached, err)
		}
	}
}
