package bdb

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// sorted returns what the Sorter should give: by key, and for equal keys in the
// order of arrival, or by value.
func sorted(recs []record, byValue bool) []record {
	want := slices.Clone(recs)
	slices.SortStableFunc(want, func(a, b record) int {
		if c := strings.Compare(a.key, b.key); c != 0 || !byValue {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	return want
}

func TestSorter(t *testing.T) {
	recs := randomRecords(20000, 1, 5, 40)
	for i := range recs {
		if i%3 == 0 {
			recs[i].key = recs[i/2].key
		}
		if i%100 == 0 {
			recs[i].key = recs[i].key[:min(i%9, len(recs[i].key))]
		}
		if i%900 == 0 && i > 0 { // nothing at all, before a record of that key
			recs[i-1] = record{}
		}
	}
	tests := []struct {
		name    string
		memory  int
		byValue bool
		spills  bool
	}{
		{"memory", 1 << 30, false, false},
		{"memory by value", 1 << 30, true, false},
		{"runs", 100 << 10, false, true},
		{"runs by value", 100 << 10, true, true},
		{"several passes", 2 << 10, false, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			s := newSorter(t.TempDir(), tc.memory, tc.byValue)
			for _, r := range recs {
				if err := s.Add([]byte(r.key), []byte(r.value)); err != nil {
					t.Fatal(err)
				}
			}
			if spills := len(s.runs) > 0; spills != tc.spills {
				t.Errorf("spilled: %t", spills)
			}
			want := sorted(recs, tc.byValue)
			i := 0
			err := s.Drain(func(key, value []byte) error {
				if i >= len(want) || !bytes.Equal(key, []byte(want[i].key)) || !bytes.Equal(value, []byte(want[i].value)) {
					t.Fatalf("record %d differs", i)
				}
				i++
				return nil
			})
			if err != nil || i != len(want) {
				t.Errorf("%d records of %d, error %v", i, len(want), err)
			}
		})
	}
}
