// Package bdbfixtures unpacks the files of testdata/bdb, which real Berkeley DB
// releases wrote, for tests.
package bdbfixtures

import (
	"archive/tar"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// window is the largest window that a packed archive may ask for, in bytes.
const window = 1 << 30

// Files returns the content of every file by its name in the archive
// ("2.7.7/bt-le-small.db"). It unpacks once; nobody may change the bytes.
var Files = sync.OnceValues(func() (map[string][]byte, error) {
	f, err := os.Open(filepath.Join(root(), "testdata", "bdb", "fixtures.tar.zst"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderMaxWindow(window))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	files := map[string][]byte{}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if files[strings.TrimPrefix(h.Name, "./")], err = io.ReadAll(t); err != nil {
			return nil, err
		}
	}
})

// root is the directory of go.mod: tests run in the directory of their package.
func root() string {
	dir := "."
	for range 10 {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Join(dir, "..")
	}
	return "."
}
