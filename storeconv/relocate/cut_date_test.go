package relocate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imsconv/storeconv/durable/crashfs"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/testsite/reference"
)

// TestDatesTheNewFileSystemCuts: the date of a message is nowhere but in the
// file. One that the new file system cannot keep is told, and the same command
// again finds the tree in place.
func TestDatesTheNewFileSystemCuts(t *testing.T) {
	from := t.TempDir()
	box := filepath.Join(from, ims.UserDir("primary", "joe"), "00")
	if err := os.MkdirAll(box, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, date := range map[string]int64{"1.msg": -1000000000, "2.msg": 900000000} {
		path := filepath.Join(box, name)
		if err := os.WriteFile(path, []byte("Subject: a\r\n\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Unix(date, 0), time.Unix(date, 0)); err != nil {
			t.Fatal(err)
		}
	}
	f := crashfs.New()
	f.Times(func(s int64) int64 { return max(s, 0) })
	for n := range 2 {
		log := new(reference.Recorder)
		rep, err := relocate.Relocate(t.Context(), "/store", from, relocate.Options{Via: relocate.ViaCopy, FS: f, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		for _, line := range log.Problems {
			if strings.Contains(line, "cut-date") && strings.Contains(line, "1.msg") {
				told++
			}
		}
		if told != 1-n || rep.Placed != int64(1-n) || rep.Unchanged != int64(n) {
			t.Errorf("time %d: %+v, said %q", n, rep, log.Problems)
		}
	}
}
