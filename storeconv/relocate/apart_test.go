package relocate

import (
	"os"
	"path/filepath"
	"testing"
)

// TestApart: source and store do not lie inside each other, be their paths
// relative or not, nor does the store in a partition that lies elsewhere.
func TestApart(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, d := range []string{"nms", "part"} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	abs := func(path string) string { return filepath.Join(dir, path) }
	for _, test := range []struct {
		from, store string
		apart       bool
	}{
		{"nms", "nms/x", false},
		{abs("nms"), "nms/x", false},
		{"nms", abs("nms/x"), false},
		{abs("nms"), ".", false},
		{"nms", "part", false},
		{"nms", abs("part/x/y"), false},
		{"nms", "nms2", true},
		{abs("nms"), "out", true},
		{"nms", abs("partition"), true},
	} {
		r := &relocation{from: test.from, store: test.store}
		r.opts.Partitions = []Partition{{Name: "other", Path: "part"}}
		if err := r.apart(); (err == nil) != test.apart {
			t.Errorf("%s and %s: %v", test.from, test.store, err)
		}
	}
}
