package bdb

import (
	"bytes"
	"context"
	"errors"
	"slices"
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
	case strings.Contains(name, "curdel"):
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

// Release 4.1 stored checksums in the order of the host, in files of the other
// order too: reading and checking go on, a note tells.
func TestChecksumsOfTheOtherOrder(t *testing.T) {
	_, files := fixtureFiles(t)
	for _, name := range []string{"4.1.25/bt-le-chksum-p1024", "4.1.25/hash-le-chksum-p1024"} {
		b := bytes.Clone(files[name+".db"])
		for at := 0; at < len(b); at += 1024 {
			sum := b[at+checksumAt:]
			if at == 0 {
				sum = b[metaChecksumAt:]
			}
			slices.Reverse(sum[:4])
		}
		notes := 0
		rep, err := Verify(context.Background(), bytes.NewReader(b), int64(len(b)), VerifyOptions{Note: func(*Error) { notes++ }})
		if err != nil || rep.Faults != 0 || notes != 1 {
			t.Errorf("%s: %d faults, %d notes, %v", name, rep.Faults, notes, err)
		}
		want, err := parseDump(files[name+".dump"])
		if err != nil {
			t.Fatal(err)
		}
		got, err := readFile(b, Options{Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		if diff := diffRecords(got, want); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		b[5*1024+700] ^= 1
		if faults, _ := verifyBytes(b, false); len(faults) == 0 {
			t.Errorf("%s: a changed byte: %q", name, faults)
		}
	}
}

func TestHashFunctions(t *testing.T) {
	for f, want := range map[HashFunc]uint32{Hash2: 0x3a588027, Hash3: 0x298ab2f5, Hash4: 0x956e7de3, Hash5: 0x5e688dd1} {
		if got := f.Sum([]byte(charKey)); got != want || hashFuncOf(want) != f {
			t.Errorf("%s: %#x, want %#x", f, got, want)
		}
	}
	if f := hashFuncOf(0xa6dec2dc); f != HashUnknown {
		t.Errorf("an application's function is taken for %s", f)
	}
}
