package dbconv

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"imsconv/dbconv/bdb"
)

// A page of a recno that says it is a leaf of a btree has no numbers to give:
// what is left is written all the same.
func TestSalvageOfMisfitPages(t *testing.T) {
	_, files := readable(t)
	for _, name := range []string{"2.7.7/recno-le-p1024.db", "5.3.28/recno-le-p1024.db"} {
		leaf := 2
		for files[name][leaf*1024+25] != 6 {
			leaf++
		}
		for _, typ := range []byte{1, 5, 7, 12, 13} {
			for _, aggressive := range []bool{false, true} {
				b := bytes.Clone(files[name])
				b[leaf*1024+25] = typ
				dst, log := new(memFile), new(recorder)
				rep, err := Salvage(context.Background(), dst, bytes.NewReader(b), SalvageOptions{Common: Common{Log: log}, Output: Output{TempDir: t.TempDir()}, Aggressive: aggressive})
				if err != nil || rep.Written == 0 || rep.Lost == 0 || rep.Replaced > 0 || len(log.problems) == 0 {
					t.Errorf("%s, page %d of type %d: %d written, %d lost, %v, %d problems", name, leaf, typ, rep.Written, rep.Lost, err, len(log.problems))
					continue
				}
				if got, _ := records(t, dst.b); int64(len(got)) != rep.Written {
					t.Errorf("%s, page %d of type %d: %d records, want %d", name, leaf, typ, len(got), rep.Written)
				}
			}
		}
	}
}

// Page 0 of a file was overwritten by the metadata of its recno: what nothing
// leads to any more goes, with its keys, to a database of its own.
func TestSalvageUnderForeignPage0(t *testing.T) {
	file := new(memFile)
	w, err := bdb.NewWriter(file, bdb.WriterOptions{Version: 9, PageSize: 512, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	put := func(key, value string) {
		if err := w.Put([]byte(key), []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	for _, opts := range []bdb.TreeOptions{{}, {Recno: true}} {
		if err := w.Sub(fmt.Sprintf("recno %v", opts.Recno), opts); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			key := fmt.Sprintf("key %03d", i)
			if opts.Recno {
				key = strconv.Itoa(i + 1)
			}
			put(key, "value "+key)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b := file.b
	for page := 1; page < len(b)/512; page++ {
		if b[page*512+25] == 9 && b[page*512+51]&2 != 0 { // metadata of a recno
			copy(b[12:512], b[page*512+12:])
		}
	}
	for _, aggressive := range []bool{false, true} {
		dst, log := new(memFile), new(recorder)
		if _, err := Salvage(context.Background(), dst, bytes.NewReader(b), SalvageOptions{Common: Common{Log: log}, Output: Output{TempDir: t.TempDir()}, Aggressive: aggressive}); err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		all, _ := records(t, dst.b)
		for _, r := range all {
			got[r.db+": "+r.key+": "+r.value] = true
		}
		for i := range 100 {
			key := fmt.Sprintf("key %03d", i)
			if !got[bdb.OtherDatabase+": "+key+": value "+key] {
				t.Fatalf("%s is not there; %d records, told: %.300s", key, len(all), strings.Join(log.problems, "\n"))
			}
		}
	}
}
