package merge_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/shards/merge"
)

func TestRecordName(t *testing.T) {
	for want, n := range map[string][2]int{
		"01-of-04.json": {1, 4}, "12-of-99.json": {12, 99}, "007-of-100.json": {7, 100}, "0123-of-9999.json": {123, 9999},
	} {
		if got := merge.RecordName(n[0], n[1]); got != want {
			t.Errorf("%v: %s, want %s", n, got, want)
		}
	}
}

// A store without records has none; what a killed run has left of one is none;
// what is no file is an error and waits for nobody.
func TestReadRecords(t *testing.T) {
	store := t.TempDir()
	if records, err := merge.ReadRecords(store); err != nil || records != nil {
		t.Errorf("%v %v", records, err)
	}
	writeRecord(t, store, 2, 3)
	writeRecord(t, store, 1, 3)
	dir := filepath.Join(store, merge.RecordsDir)
	must(t, os.WriteFile(dir+"/.03-of-03.json.imsconv.tmp", nil, 0o600))
	records, err := merge.ReadRecords(store)
	if err != nil || len(records) != 2 || records[0].Shard.Index != 1 || records[1].Path != dir+"/02-of-03.json" || records[1].Store != store {
		t.Errorf("%+v %v", records, err)
	}
	for name, spoil := range map[string]func(path string) error{
		"fifo":  func(path string) error { return unix.Mkfifo(path, 0o600) },
		"dir":   func(path string) error { return os.Mkdir(path, 0o700) },
		"link":  func(path string) error { return os.Symlink(dir+"/01-of-03.json", path) },
		"empty": func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"huge": func(path string) error {
			f, err := os.Create(path)
			must(t, err)
			must(t, f.Truncate(1<<40))
			return f.Close()
		},
	} {
		path := dir + "/03-of-03.json"
		must(t, spoil(path))
		if _, err := merge.ReadRecords(store); err == nil {
			t.Errorf("%s: no error", name)
		}
		must(t, os.Remove(path))
	}
}

// FuzzParseRecord: whatever is read has a part that exists, and never more
// memory than the text is worth.
func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(`{"command": "storeconv restore", "exit": 3, "shard": {"index": 1, "count": 2, "plan": "", "source": "ab"}, "options": {"newline": "crlf"}, "inputs": [{"role": "map", "bytes": 3, "sha256": "00"}], "problems": {"kinds": {"no-tree": 1}, "items": [{"kind": "no-tree", "where": "x: user/joe"}]}}`))
	f.Add([]byte(`{"shard": {"index": 0, "count": 0}}`))
	f.Add([]byte(`{"exit": 1, "shard": {"index": 1, "count": 1}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := merge.ParseRecord(text)
		if err != nil {
			return
		}
		if s := r.Shard; s.Index < 1 || s.Index > s.Count || r.Exit != 0 && r.Exit != 3 {
			t.Errorf("%+v", r)
		}
		again, err := json.Marshal(r)
		must(t, err)
		other, err := merge.ParseRecord(again)
		if err != nil || fmt.Sprint(other) != fmt.Sprint(r) {
			t.Errorf("%+v and again %+v %v", r, other, err)
		}
	})
}
