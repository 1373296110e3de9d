package bdb

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// The figures agree with what is read, and with each other.
func TestStat(t *testing.T) {
	names, files := fixtureFiles(t)
	for _, name := range names {
		if strings.Contains(name, "encrypt") {
			continue
		}
		b := files[name]
		all, err := readFile(b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for db, records := range all {
			sub := &db
			if len(all) == 1 && db == "" {
				sub = nil
			}
			st, err := Stat(context.Background(), bytes.NewReader(b), int64(len(b)), sub)
			if err != nil {
				t.Fatal(name, err)
			}
			keys := map[string]bool{}
			for _, r := range records {
				keys[r.key] = true
			}
			distinct := int64(len(keys))
			if st.Meta.Legacy185 && st.Meta.Type == Btree { // duplicates are pairs of their own
				distinct = int64(len(records))
			}
			strict, _ := faulty(name)
			if st.Data != int64(len(records)) || st.Keys != distinct || st.Faults > 0 && !strict {
				t.Errorf("%s %s: %d keys, %d data, %d faults; want %d and %d", name, db, st.Keys, st.Data, st.Faults, distinct, len(records))
			}
			if st.Meta.Type != Hash && db == "" && st.Meta.Size > 0 {
				pages := 1 + st.Internal.Pages + st.Leaf.Pages + st.Duplicate.Pages + st.Overflow.Pages + st.FreeList
				if shared := strings.Contains(name, "overflow") || strings.Contains(name, "del"); pages != st.Meta.Pages && !shared {
					t.Errorf("%s: %d pages counted, the file has %d", name, pages, st.Meta.Pages)
				}
			}
		}
	}
}
