package testsite

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestNMSDeterminism: the same options give the same tree, other seeds another.
func TestNMSDeterminism(t *testing.T) {
	opts := NMSOptions{Seed: 1, Users: 6, Messages: 60}
	first, second := nmsHash(t, opts), nmsHash(t, opts)
	if first != second {
		t.Error("two runs of one seed differ")
	}
	opts.Seed = 2
	if nmsHash(t, opts) == first {
		t.Error("two seeds give one tree")
	}
}

func nmsHash(t *testing.T, opts NMSOptions) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "nms")
	site, err := WriteNMS(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	files := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		fmt.Fprintln(h, rel, info.Mode(), info.ModTime().UnixNano())
		if d.IsDir() {
			return nil
		}
		if filepath.Ext(path) == ".msg" || filepath.Ext(path) == ".idx" {
			files++
		}
		data, err := os.ReadFile(path)
		h.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files != site.Files || site.Messages != opts.Messages || len(site.Users) != opts.Users {
		t.Errorf("%d files, told %+v", files, site)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
