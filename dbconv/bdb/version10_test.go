package bdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// Version 10 has the pages of version 9; only the metadata has more fields. No
// release that writes it can be had here: the number is changed.
func TestVersion10(t *testing.T) {
	names, files := fixtureFiles(t)
	tried := 0
	for _, name := range names {
		if !strings.HasPrefix(name, "5.3.28/") || strings.Contains(name, "encrypt") || strings.Contains(name, "chksum") || strings.Contains(name, "subdb") || strings.Contains(name, "heap") {
			continue
		}
		tried++
		b := bytes.Clone(files[name])
		order := binary.ByteOrder(binary.LittleEndian)
		if b[12] == 0 {
			order = binary.BigEndian
		}
		order.PutUint32(b[16:], 10)
		want, err := readFile(files[name], Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := readFile(b, Options{Strict: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := diffRecords(got, want); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if strict, _ := faulty(name); !strict {
			if faults, err := verifyBytes(b, false); err != nil || len(faults) > 0 {
				t.Errorf("%s: %v, %.1q", name, err, faults)
			}
		}
	}
	if tried < 20 {
		t.Errorf("%d files", tried)
	}
}

// A blob lies in another file: it is told of by name.
func TestBlobsAreTold(t *testing.T) {
	_, files := fixtureFiles(t)
	b := bytes.Clone(files["5.3.28/bt-le-small.db"])
	binary.LittleEndian.PutUint32(b[16:], 10)
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	leaf := b[int(r.meta.Root)*r.meta.PageSize:]
	b[int(r.meta.Root)*r.meta.PageSize+int(binary.LittleEndian.Uint16(leaf[28:]))+2] = kindBlob
	var told error
	if _, err := readFile(b, Options{Problem: func(err error) {
		if told == nil {
			told = err
		}
	}}); err != nil || !errors.Is(told, ErrUnsupported) || !strings.Contains(told.Error(), "blob") {
		t.Errorf("%v, told %v", err, told)
	}
	b[26] = 8
	if _, err := NewReader(bytes.NewReader(b), int64(len(b)), Options{}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("sliced: %v", err)
	}
}
