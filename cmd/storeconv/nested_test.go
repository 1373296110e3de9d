package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv/ims"
)

// TestDeeplyNestedFoldersRelocated: a few open files are enough for folders
// nested as deep as a mailbox name can say, however the store is made.
func TestDeeplyNestedFoldersRelocated(t *testing.T) {
	dir := scratch(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	folder := at("nms/" + ims.UserDir("primary", "joe"))
	for range 245 {
		folder += "/=d"
		if err := os.MkdirAll(folder+"/00", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(folder+"/00/1.msg", []byte("Subject: a\r\n\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runFew(t, 3, "relocate", "--from", at("nms"), "--store", at("dry"), "--dry-run", "--jobs", "4")
	for _, via := range []string{"hardlink", "copy", "symlink"} {
		// 3: the store has no mboxlist.
		o := runFew(t, 3, "relocate", "--from", at("nms"), "--store", at(via), "--via", via, "--jobs", "4")
		if !strings.Contains(o.stderr, "messages 245") {
			t.Errorf("%s: %s", via, o.stderr)
		}
		o = runFew(t, 3, "relocate", "--from", at("nms"), "--store", at(via), "--via", via)
		if strings.Contains(o.stderr, "already-there") {
			t.Errorf("%s again: %s", via, o.stderr)
		}
		runFew(t, 0, "verify", "--store", at(via), "--from", at("nms"), "--quiet")
	}
	// A message that is missing is put in by a tree made anew.
	if err := os.Remove(at("copy/" + strings.TrimPrefix(folder, at("nms")+"/") + "/00/1.msg")); err != nil {
		t.Fatal(err)
	}
	runFew(t, 3, "relocate", "--from", at("nms"), "--store", at("copy"), "--via", "copy")
	runFew(t, 0, "verify", "--store", at("copy"), "--from", at("nms"), "--quiet")
}
