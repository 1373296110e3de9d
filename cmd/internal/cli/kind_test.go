package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
)

func TestKind(t *testing.T) {
	tar := make([]byte, 512)
	copy(tar[257:], "ustar")
	for _, tt := range []struct{ head, want string }{
		{"", "an empty file"},
		{string(tar), "a tar archive"},
		{strings.Repeat("\x00", 12) + "\x00\x05\x31\x62", "a Berkeley DB file"},
		{strings.Repeat("\x00", 12) + "\x62\x31\x05\x00", "a Berkeley DB file"},
		{"\x61\x15\x06\x00 release 1.85", "a Berkeley DB file"},
		{"DN: o=x\n", "an LDIF file"},
		{"version: 1\n", "an LDIF file"},
		{"From joe Mon Jan  1", "an mbox file"},
		{"VERSION=3\n", "a database in the text form of db_dump"},
		{"\xff\xd8\xff\xe0\x00\x10JFIF", "a JPEG picture"},
		{"joe\x00", "binary data"},
		{"joe\n", ""},
	} {
		if got := Kind([]byte(tt.head)); got != tt.want {
			t.Errorf("%.20q: %q, want %q", tt.head, got, tt.want)
		}
	}
}

// TestOpenReadsOn reads what was packed in several pieces.
func TestOpenReadsOn(t *testing.T) {
	gz := func(text string) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		io.WriteString(w, text)
		w.Close()
		return b.Bytes()
	}
	frame := func(text string) []byte {
		var b bytes.Buffer
		w := lz4.NewWriter(&b)
		io.WriteString(w, text)
		w.Close()
		return b.Bytes()
	}
	skip := []byte("\x57\x2a\x4d\x18\x03\x00\x00\x00abc")
	dir := t.TempDir()
	for name, parts := range map[string][][]byte{
		"gzip members":    {gz("hel"), gz("lo")},
		"lz4 frames":      {frame("hel"), frame("lo")},
		"lz4 skips first": {skip, skip, frame("hello")},
		"lz4 skips":       {frame("hel"), skip, frame("lo"), skip},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, bytes.Join(parts, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := newJob("tool", "do", nil, nil, io.Discard).Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(in); string(got) != "hello" || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		in.Close()
	}
}

func TestOpenNamesOtherCompressions(t *testing.T) {
	dir := t.TempDir()
	for name, head := range map[string]string{
		"zstd": "\x28\xb5\x2f\xfd", "xz": "\xfd7zXZ\x00", "bzip2": "BZh91AY&SY", "compress (.Z)": "\x1f\x9d\x90",
	} {
		path := filepath.Join(dir, "in")
		if err := os.WriteFile(path, []byte(head+"rest"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := newJob("tool", "do", nil, nil, io.Discard).Open(path)
		var hinted *hintedError
		if err == nil || !strings.Contains(err.Error(), "is compressed with "+name) || !errors.As(err, &hinted) {
			t.Errorf("%s: %v", name, err)
		}
	}
	path := filepath.Join(dir, "users")
	if err := os.WriteFile(path, []byte("BZhang\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newJob("tool", "do", nil, nil, io.Discard).Open(path); err != nil {
		t.Error(err)
	}
}

func TestStandardInputIsReadOnce(t *testing.T) {
	code, _, stderr := run(t, openTwice, "tool", "do")
	if code != ExitUsage || !strings.Contains(stderr, "once only") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

func openTwice(_ context.Context, j *Job, _ []string) error {
	for range 2 {
		if _, err := j.Open("-"); err != nil {
			return err
		}
	}
	return nil
}
