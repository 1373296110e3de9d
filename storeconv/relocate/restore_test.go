package relocate

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
)

// TestRelocateIntoStore adds an NMS store to a store that has users of its own:
// their records stay.
func TestRelocateIntoStore(t *testing.T) {
	from := copySample(t)
	store := filepath.Join(memoryDir(t), "store")
	must(t, os.MkdirAll(filepath.Join(store, "mboxlist"), 0o700))
	own := map[string]map[string]string{
		"folder.db":  {"user/zoe": "primary\tzoe\tlrswipcda", "user/zoe/Sent": "primary\tzoe\tlrswipcda"},
		"quota.db":   {"zoe": "100 -1 7 3 -1"},
		"subscr.db":  {"zoe": "user/zoe"},
		"peruser.db": {"zoe\tuser/zoe": "900000000\t1:3\t"},
	}
	for name, records := range own {
		f, err := os.Create(filepath.Join(store, "mboxlist", name))
		must(t, err)
		w, err := bdb.NewWriter(f, bdb.WriterOptions{Version: 9, Name: name})
		must(t, err)
		for key, value := range records {
			must(t, w.Put([]byte(key), []byte(value)))
		}
		must(t, w.Close())
		must(t, f.Close())
	}
	peruser := readFile(t, store+"/mboxlist/peruser.db")
	_, h := relocate(t, store, from, Options{})
	h.none(t)
	want := records(t, from+"/mboxlist/data.db2")
	maps.Copy(want, own["folder.db"])
	if !maps.Equal(want, records(t, store+"/mboxlist/folder.db")) {
		t.Error("folder.db is not the records of both")
	}
	want = records(t, from+"/quota.db2")
	maps.Copy(want, own["quota.db"])
	if !maps.Equal(want, records(t, store+"/mboxlist/quota.db")) {
		t.Error("quota.db is not the records of both")
	}
	if records(t, store+"/mboxlist/subscr.db")["zoe"] != "user/zoe" {
		t.Error("subscr.db has lost zoe")
	}
	if string(readFile(t, store+"/mboxlist/peruser.db")) != string(peruser) {
		t.Error("peruser.db was changed")
	}
}

// TestRelocateDamagedDestination stops where the store's own database cannot be
// read whole, and leaves it alone.
func TestRelocateDamagedDestination(t *testing.T) {
	from := copySample(t)
	store := filepath.Join(memoryDir(t), "store")
	relocate(t, store, from, Options{})
	path := store + "/mboxlist/folder.db"
	data := readFile(t, path)
	data[8192+8] ^= 0xff
	must(t, os.WriteFile(path, data, 0o600))
	if _, err := Relocate(context.Background(), store, from, Options{Sync: storeconv.SyncNone}); err == nil {
		t.Error("no error")
	}
	if string(readFile(t, path)) != string(data) {
		t.Error("folder.db was replaced")
	}
}
