package relocate

import (
	"archive/tar"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"imsconv/dbconv/bdb"
)

// fixture is one of the database files that real libraries wrote.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open("../../testdata/bdb/fixtures.tar.zst")
	must(t, err)
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderMaxWindow(1<<30))
	must(t, err)
	defer z.Close()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			t.Fatalf("no fixture %s", name)
		}
		must(t, err)
		if strings.TrimPrefix(h.Name, "./") == name {
			data, err := io.ReadAll(r)
			must(t, err)
			return data
		}
	}
}

// TestRelocateRealDatabases takes files of the real Berkeley DB 2.7.7, of both
// byte orders, for the databases of a store: their records are nobody's
// mailboxes and go over as they are, in the source's byte order.
func TestRelocateRealDatabases(t *testing.T) {
	for _, name := range []string{"bt-be-basic-p1024.db", "bt-le-basic-p1024.db", "bt-le-overflow-p1024.db", "bt-be-overflow-p1024.db"} {
		t.Run(name, func(t *testing.T) {
			data := fixture(t, "2.7.7/"+name)
			from := copySample(t)
			must(t, os.Chmod(from+"/quota.db2", 0o600))
			must(t, os.Chmod(from+"/mboxlist/data.db2", 0o600))
			must(t, os.WriteFile(from+"/mboxlist/data.db2", data, 0o600))
			// The keys of the overflow files are too long for user ids.
			must(t, os.WriteFile(from+"/quota.db2", fixture(t, "2.7.7/"+strings.Replace(name, "overflow", "basic", 1)), 0o600))
			store := filepath.Join(memoryDir(t), "store")
			_, h := relocate(t, store, from, Options{})
			for _, p := range h.problems {
				if !strings.HasPrefix(p, "no-record: ") {
					t.Error(p)
				}
			}
			for old, db := range map[string]string{"mboxlist/data.db2": "folder.db", "quota.db2": "quota.db"} {
				path, source := store+"/mboxlist/"+db, meta(t, filepath.Join(from, old))
				if !maps.Equal(records(t, filepath.Join(from, old)), records(t, path)) {
					t.Errorf("%s has other records", db)
				}
				if got := meta(t, path); got.ByteOrder != source.ByteOrder || got.PageSize != source.PageSize || got.Version != 6 {
					t.Errorf("%s: version %d, %v, pages of %d", db, got.Version, got.ByteOrder, got.PageSize)
				}
			}
		})
	}
}

// TestRelocateDuplicates lists a second record of a key.
func TestRelocateDuplicates(t *testing.T) {
	from := copySample(t)
	path := from + "/quota.db2"
	must(t, os.Remove(path))
	f, err := os.Create(path)
	must(t, err)
	w, err := bdb.NewWriter(f, bdb.WriterOptions{Name: "quota.db2", TreeOptions: bdb.TreeOptions{Duplicates: true}})
	must(t, err)
	for _, r := range [][2]string{{"anna", "1 1"}, {"anna", "2 2"}, {"wallyc", "3 3"}} {
		must(t, w.Put([]byte(r[0]), []byte(r[1])))
	}
	must(t, w.Close())
	must(t, f.Close())
	store := filepath.Join(memoryDir(t), "store")
	_, h := relocate(t, store, from, Options{})
	wantProblems(t, h, []string{`duplicate: quota.db2: anna: another record`})
	if d := cmp.Diff(map[string]string{"anna": "1 1", "wallyc": "3 3"}, records(t, store+"/mboxlist/quota.db")); d != "" {
		t.Error(d)
	}
}
