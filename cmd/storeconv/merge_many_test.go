package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"imsconv/storeconv/testsite"
)

// TestMergeManyParts: any number of parts is merged with few open files. There
// are more parts here than a process may open, and more than users.
func TestMergeManyParts(t *testing.T) {
	const parts = 40
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 71, Users: 30, Messages: 200, Links: -1})
	one, store := filepath.Join(dir, "one"), filepath.Join(dir, "store")
	mustRun(t, 0, "restore", "-f", stream, "--store", one, "--quiet")
	line := append([]string{"merge", "--store", store, "--quiet"}, makeParts(t, dir, parts, 0, "restore", "-f", stream, "--sync", "none", "--jobs", "1")...)
	if o := runLimited(t, parts-8, line...); o.exit != 0 {
		t.Fatalf("exit status %d\n%s", o.exit, o.stderr)
	}
	for i := 1; i <= parts; i++ {
		if err := os.RemoveAll(filepath.Join(dir, fmt.Sprintf("part%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	diffTrees(t, "merged", readTree(t, store), readTree(t, one), true)
}
