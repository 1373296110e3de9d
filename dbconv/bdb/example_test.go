package bdb_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"

	"imsconv/dbconv/bdb"
)

// memory is a file in memory.
type memory struct{ b []byte }

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if n := int(off) + len(p); n > len(m.b) {
		m.b = append(m.b, make([]byte, n-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}

// Going through the records of a file, and hearing of what is wrong with it.
func ExampleCursor_All() {
	file := made()
	r, err := bdb.NewReader(bytes.NewReader(file), int64(len(file)), bdb.Options{
		Problem: func(err error) {
			var e *bdb.Error
			if errors.As(err, &e) && e.Severity() > 1 {
				fmt.Println(e.Kind(), e.Position(), e.What())
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Meta().Type, r.Meta().Version)
	for rec, err := range r.Cursor().All() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %s\n", rec.Key, rec.Value)
	}
	// Output:
	// btree 6
	// anna 20480 311
	// bob -1 12
}

// Looking a key up.
func ExampleReader_Get() {
	file := made()
	r, err := bdb.NewReader(bytes.NewReader(file), int64(len(file)), bdb.Options{})
	if err != nil {
		log.Fatal(err)
	}
	value, err := r.Get([]byte("bob"))
	fmt.Printf("%s %v\n", value, err)
	_, err = r.Get([]byte("carl"))
	fmt.Println(errors.Is(err, bdb.ErrNotFound))
	// Output:
	// -1 12 <nil>
	// true
}

// Writing a file: records may come in any order.
func made() []byte {
	var file memory
	w, err := bdb.NewWriter(&file, bdb.WriterOptions{Version: 6, ByteOrder: binary.BigEndian, Name: "quota.db2"})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range [][2]string{{"bob", "-1 12"}, {"anna", "20480 311"}} {
		if err := w.Put([]byte(r[0]), []byte(r[1])); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	return file.b
}

// Checking a file.
func ExampleVerify() {
	file := made()
	file[8192+22] ^= 1 // where the items of the leaf begin
	rep, err := bdb.Verify(context.Background(), bytes.NewReader(file), int64(len(file)), bdb.VerifyOptions{
		Fault: func(e *bdb.Error) { fmt.Println(e) },
	})
	fmt.Println(rep.Records, rep.Missing, err)
	// Output:
	// page 1 (offset 8192): items do not fill the page from offset 7900
	// 2 1 <nil>
}
