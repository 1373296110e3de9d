package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A program that pads with a char from 128 on stores a negative number: the
// file is sound, and printed as db_dump prints it.
func TestNegativePad(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.db"), filepath.Join(dir, "out.db")
	tool(t, "VERSION=3\nformat=print\ntype=recno\nre_len=5\nHEADER=END\n ab\n cdefg\nDATA=END\n", "db5.3_load", "-c", "db_lorder=1234", in)
	b, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(b[84:], 0xffffffb0)
	if err := os.WriteFile(in, b, 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "", "verify", in)
	text := must(t, "", "dump", "-p", in)
	if theirs := tool(t, "", "db5.3_dump", "-p", in); text != theirs || !strings.Contains(text, "re_pad=0xffffffb0\n") {
		t.Errorf("%s\nwant: %s", text, theirs)
	}
	text = strings.Replace(text, " ab   \n", " ab\n", 1)
	must(t, text, "load", out)
	if got := tool(t, "", "db5.3_dump", "-p", out); !strings.Contains(got, "re_pad=0xb0\n") || !strings.Contains(got, ` ab\b0\b0\b0`+"\n") {
		t.Errorf("loaded: %s", got)
	}
	if status, _, talk := run(t, strings.Replace(text, "0xffffffb0", "0x1b0", 1), "load", "--force", out); status != 1 {
		t.Errorf("a pad of two bytes: status %d\n%s", status, talk)
	}
}
