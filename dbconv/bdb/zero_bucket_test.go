package bdb

import (
	"bytes"
	"context"
	"testing"
)

// zeroed reads, checks and salvages b with a page of zeros, and returns what
// each has to tell.
func zeroed(t *testing.T, b []byte, page int) (records, problems, missing, lost int64) {
	t.Helper()
	b = bytes.Clone(b)
	ps := int(metasOf(t, b)[0].PageSize)
	clear(b[page*ps : (page+1)*ps])
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), Options{Problem: func(err error) {
		if e, ok := err.(*Error); !ok || !e.Tolerated {
			problems++
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	all, err := readAll(r)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := Verify(context.Background(), bytes.NewReader(b), int64(len(b)), VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, saved, _ := salvageBytes(t, b, false)
	return int64(len(all)), problems, rep.Missing, saved.Lost
}

// A bucket whose page is all zeros has lost its keys: one that was split, one
// of the two that a file begins with, and one that the count of keys misses.
func TestZeroedBuckets(t *testing.T) {
	_, files := fixtureFiles(t)
	for _, name := range []string{"2.7.7/hash-le-basic-p1024.db", "4.1.25/hash-le-basic-p1024.db", "5.3.28/hash-le-basic-p1024.db", "5.3.28/hash-le-small.db", "4.1.25/hash-le-small.db"} {
		b := files[name]
		if b == nil {
			t.Fatalf("no %s", name)
		}
		m := metasOf(t, b)[0]
		r, err := NewReader(bytes.NewReader(b), int64(len(b)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		whole, err := readAll(r)
		if err != nil {
			t.Fatal(err)
		}
		for bucket := uint64(0); bucket <= uint64(m.MaxBucket); bucket++ {
			got, problems, missing, lost := zeroed(t, b, int(m.bucketPage(bucket)))
			if got < int64(len(whole)) && (problems == 0 || missing == 0 || lost == 0) {
				t.Errorf("%s, %d buckets, page of bucket %d zeroed: %d records of %d; told: reader %d, verify %d, salvage %d", name, m.MaxBucket+1, bucket, got, len(whole), problems, missing, lost)
			}
		}
	}
}

// What the count of keys says when pages of buckets are all zeros.
func TestFewerKeys(t *testing.T) {
	for _, tt := range []struct {
		what         string
		m            Meta
		found, zeros int64
		told, lost   bool
	}{
		{"as counted", Meta{Version: 9, MaxBucket: 1, NumElem: 3}, 3, 1, false, false},
		{"no zeros: the count alone", Meta{Version: 9, MaxBucket: 1, NumElem: 30}, 3, 0, false, false},
		{"keys of one bucket of two", Meta{Version: 9, MaxBucket: 1, NumElem: 30}, 16, 1, true, true},
		{"half of many", Meta{Version: 9, MaxBucket: 1, NumElem: 30}, 15, 1, true, true},
		{"few keys, dumped and loaded", Meta{Version: 9, MaxBucket: 1, NumElem: 4}, 2, 1, true, false},
		{"an estimate", Meta{Version: 9, MaxBucket: 127, FillFactor: 8, NumElem: 1384, Spares: [32]uint32{1, 1, 1, 1, 1, 1, 1, 1}}, 384, 6, true, false},
		{"more than an estimate", Meta{Version: 9, MaxBucket: 127, FillFactor: 8, NumElem: 1500, Spares: [32]uint32{1, 1, 1, 1, 1, 1, 1, 1}}, 384, 6, true, true},
		{"an estimate, most are empty", Meta{Version: 9, MaxBucket: 1023, FillFactor: 2, NumElem: 2010, Spares: [32]uint32{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}}, 10, 1013, false, false},
	} {
		text, lost := tt.m.fewerKeys(tt.found, tt.zeros)
		if (text != "") != tt.told || lost != tt.lost {
			t.Errorf("%s: %q, lost %t", tt.what, text, lost)
		}
	}
}
