package journal

import (
	"fmt"
	"slices"
	"testing"
)

func TestJournal(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, true); err == nil {
		t.Error("a journal that is open is opened again")
	}
	if err := j.Mark("d/joe", "d/ann"); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		if err := j.Put(fmt.Sprintf("l/%03d", i), []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	b := j.Batch()
	b.Put("x", []byte("y"))
	b.Delete("d/ann")
	if b.Len() != 2 {
		t.Errorf("%d changes", b.Len())
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = Open(dir, false); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for key, want := range map[string]bool{"d/joe": true, "d/ann": false, "d/": false, "x": true} {
		if got, err := j.Done(key); err != nil || got != want {
			t.Errorf("%s: %v, %v", key, got, err)
		}
	}
	var keys []string
	n := 0
	err = j.Range("l/", func(key, value []byte) error {
		if string(key) != fmt.Sprintf("l/%03d", n) || value[0] != byte(n) {
			t.Errorf("key %q", key)
		}
		keys = append(keys, string(key))
		n++
		return nil
	})
	if err != nil || n != 300 || !slices.IsSorted(keys) {
		t.Errorf("%d keys, %v", n, err)
	}
	if err := j.Drop("l/"); err != nil {
		t.Fatal(err)
	}
	if err := j.Range("", func(key, _ []byte) error {
		if key[0] == 'l' {
			t.Errorf("key %q is still there", key)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := after("a\xff\xff"); string(got) != "b" {
		t.Errorf("after a: %q", got)
	}
}
