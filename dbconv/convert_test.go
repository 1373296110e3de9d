package dbconv

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"testing"
)

// forms are the kinds of file written in tests.
func forms() []Output {
	var all []Output
	for _, v := range []int{6, 7, 8, 9} {
		for _, o := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
			for _, ps := range []int{0, 512, 1024, 8192, 65536} {
				all = append(all, Output{Version: v, ByteOrder: o, PageSize: ps, Name: "x.db"})
			}
		}
	}
	return all
}

// Every fixture, in every writable form, reads back equal. By default each
// fixture is written in a sample of the forms, so that all forms are met.
func TestConvertFixtures(t *testing.T) {
	names, files := readable(t)
	all := forms()
	full := os.Getenv("IMSCONV_FULL") != ""
	for i, name := range names {
		want, meta := records(t, files[name])
		for j, out := range all {
			if !full && (i+j)%13 != 0 || meta.SubDBs && out.Version == 6 {
				continue
			}
			t.Run(fmt.Sprintf("%s/v%d-%s-%d", name, out.Version, out.ByteOrder, out.PageSize), func(t *testing.T) {
				dst, log := &memFile{}, &recorder{}
				rep, err := Convert(context.Background(), dst, bytes.NewReader(files[name]), ConvertOptions{Common: Common{Log: log}, Output: out})
				if err != nil || len(log.problems) > 0 {
					t.Fatal(err, log.problems)
				}
				got, m := records(t, dst.b)
				if !slices.Equal(want, got) || rep.Records != int64(len(want)) {
					t.Fatalf("%d records read back, %d reported, want %d", len(got), rep.Records, len(want))
				}
				if int(m.Version) != out.Version || m.ByteOrder != out.ByteOrder || out.PageSize != 0 && m.PageSize != out.PageSize {
					t.Errorf("written as version %d, %s, page size %d", m.Version, m.ByteOrder, m.PageSize)
				}
			})
		}
	}
}

// A damaged count of records must not blow the file up.
func TestRecordNumbersBeyondTheFile(t *testing.T) {
	log := &recorder{}
	n := numbers{log: log, limit: 1000}
	var got []string
	for _, key := range []string{"1", "2", "1002", "4000000000", "4000000001", "4000001000", "8000000000"} {
		got = append(got, string(n.check([]byte(key))))
	}
	want := []string{"1", "2", "1002", "1003", "1004", "2003", "2004"}
	if !slices.Equal(got, want) || len(log.problems) != 2 {
		t.Errorf("got %v, want %v, problems %q", got, want, log.problems)
	}
}
