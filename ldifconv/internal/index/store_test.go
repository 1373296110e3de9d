package index

import (
	"encoding/binary"
	"fmt"
	"os"
	"testing"
)

func TestStore(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenStore(dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	const n = 100_000
	key := func(i int) []byte {
		return binary.BigEndian.AppendUint64([]byte{'k'}, uint64(i)*0x9e3779b97f4a7c15)
	}
	for i := range n {
		if err := s.Put(key(i), fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Put([]byte{'l'}, []byte("beyond")); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(key(7), []byte("new")); err != nil {
		t.Fatal(err)
	}
	seen, last := 0, ""
	err = s.Scan([]byte{'k'}, func(k, v []byte) error {
		if string(k) <= last {
			t.Fatalf("%x comes after %x", k, last)
		}
		last = string(k)
		seen++
		return nil
	})
	if err != nil || seen != n {
		t.Fatalf("%d pairs seen, %v", seen, err)
	}
	if v, ok, err := s.Get(nil, key(7)); err != nil || !ok || string(v) != "new" {
		t.Errorf("%q, %t, %v", v, ok, err)
	}
	if _, ok, err := s.Get(nil, key(n)); ok || err != nil {
		t.Errorf("a key that was never put: %t, %v", ok, err)
	}
	if k, v, ok, err := s.First([]byte{'l'}); !ok || err != nil || string(k) != "l" || string(v) != "beyond" {
		t.Errorf("%q, %q, %t, %v", k, v, ok, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
