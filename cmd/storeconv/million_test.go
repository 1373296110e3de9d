package main

import (
	"path/filepath"
	"testing"
)

// TestMillionMailboxes: one user may have a million mailboxes. It takes
// minutes, some GiB and four million inodes where temporary files are;
// storeconv/restore TestMemoryOfMailboxes is its sample.
func TestMillionMailboxes(t *testing.T) {
	if !full {
		t.Skip("takes minutes")
	}
	dir := t.TempDir() // not in memory: what lies there may have too few inodes
	at := func(name string) string { return filepath.Join(dir, name) }
	manyMailboxes(t, at("s.sims"), 1_000_000, 1)
	for n := range 2 {
		o := runFew(t, 0, "restore", "-f", at("s.sims"), "--store", at("store"), "--quiet")
		t.Logf("time %d: %d MiB", n, o.rss>>20)
		if o.rss > 256<<20 {
			t.Errorf("time %d: %d MiB", n, o.rss>>20)
		}
	}
}
