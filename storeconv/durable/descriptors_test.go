package durable_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/durable/crashfs"
)

// No number of users, and no depth of folders, takes more than a few
// descriptors.
func TestDescriptors(t *testing.T) {
	f := crashfs.New()
	f.Fail(missing(unix.EINVAL, "exchange"))
	s, err := durable.OpenStore(storePath, durable.Options{FS: f})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Begin("many")
	if err != nil {
		t.Fatal(err)
	}
	deep := strings.Repeat("/=folder", 240)
	var moves []durable.Move
	for i := range 300 {
		m := durable.Move{From: fmt.Sprint(i), To: userRoot + fmt.Sprint(i), Exchange: true}
		if err := errors.Join(r.Stage.MkdirAll(m.From), s.MkdirAll(m.To)); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			if err := errors.Join(s.MkdirAll(m.To+deep), s.WriteFile(m.To+deep+"/1.msg", 0, []byte("one"))); err != nil {
				t.Fatal(err)
			}
		}
		moves = append(moves, m)
	}
	if err := errors.Join(r.Commit(moves, nil), r.End(true), s.Close()); err != nil {
		t.Fatal(err)
	}
	if n := f.MostOpen(); n > 10 {
		t.Errorf("%d descriptors were open at once", n)
	}
	if n := f.Open(); n != 0 {
		t.Errorf("%d descriptors are still open", n)
	}
	if _, err := f.Fstatat(unix.AT_FDCWD, storePath+"/.imsconv", 0); err != unix.ENOENT {
		t.Errorf("the run has left something: %v", err)
	}
}
