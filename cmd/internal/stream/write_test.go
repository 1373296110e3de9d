package stream

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/source"
)

type none struct{}

func (none) Add(int64, int64) {}

// TestMembersInBodies: a message to which somebody attached an archive as it is
// comes out of the stream of a tree whole and without a word, however long it
// is, and says its SHA-256, as no other does.
func TestMembersInBodies(t *testing.T) {
	var archive bytes.Buffer
	w, err := sims.NewWriter(&archive, sims.Header{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteMember(&sims.Member{Kind: sims.User, Name: "ann"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	head := "Subject: x\n\n" + strings.Repeat("a", 512-12)
	bodies := map[string]string{
		"1": head + archive.String(),
		"2": head,
		"3": head + strings.Repeat("b", 3<<20) + archive.String(),
		"4": head + strings.Repeat("c", 3<<20),
		"5": head + archive.String() + strings.Repeat("d", 2<<20) + "end",
		"6": "",
	}
	root := t.TempDir()
	cur := filepath.Join(root, "joe", "Maildir", "cur")
	if err := os.MkdirAll(cur, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, body := range bodies {
		if err := os.WriteFile(filepath.Join(cur, name+".x:2,S"), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	tree, err := source.Open(root, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	var out bytes.Buffer
	n, err := WriteTree(context.Background(), &out, tree, storeconv.Selection{}, storeconv.Discard, none{})
	if err != nil || n.Messages != int64(len(bodies)) || n.Refused != 0 {
		t.Fatalf("%+v, %v", n, err)
	}
	var got, want []string
	r := sims.NewReader(&out)
	for {
		m, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind != sims.Message {
			continue
		}
		vouched := m.SHA256 != ""
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%v %q", vouched, body))
	}
	for _, body := range bodies {
		want = append(want, fmt.Sprintf("%v %q", strings.Contains(body, "ustar"), body))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d messages are not the %d that went in", len(got), len(want))
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Errorf("%d: %d bytes, %.40s, want %d bytes, %.40s", i, len(got[i]), got[i], len(want[i]), want[i])
			}
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
