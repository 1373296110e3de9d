package bdb

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
)

// TestGetKeepsItsPage: looking a record up takes memory for its value and
// little else, whatever the size of a page.
func TestGetKeepsItsPage(t *testing.T) {
	if testing.Short() {
		t.Skip("memory is not what the race detector is asked about")
	}
	const lookups, most = 2000, 1000
	var recs []record
	for i := range 20000 {
		recs = append(recs, record{fmt.Sprintf("key%06d", i), fmt.Sprintf("value %d", i)})
	}
	var dst memFile
	write(t, &dst, WriterOptions{PageSize: 16384}, recs)
	r, err := NewReader(bytes.NewReader(dst.b), int64(len(dst.b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	get := func(i int) {
		if value, err := r.Get([]byte(recs[i].key)); err != nil || string(value) != recs[i].value {
			t.Fatalf("%s: %q, %v", recs[i].key, value, err)
		}
	}
	get(7) // has the frames of the file read
	get(len(recs) - 7)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range lookups {
		get(i * 7919 % len(recs))
	}
	runtime.ReadMemStats(&after)
	if each := int64(after.TotalAlloc-before.TotalAlloc) / lookups; each > most {
		t.Errorf("%d bytes a lookup, at most %d", each, most)
	}
}
