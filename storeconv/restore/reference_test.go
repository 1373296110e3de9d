package restore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"imsconv/storeconv/testsite"
	"imsconv/storeconv/testsite/reference"
	"imsconv/storeconv/verify"
)

// storeLines gives every file of a store as a line: path, size, date, links,
// and for the text of an index the text itself.
func storeLines(t testing.TB, store string) []string {
	t.Helper()
	var lines []string
	first := make(map[uint64]string)
	err := filepath.WalkDir(store, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		st, err := os.Lstat(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, store+"/")
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch {
		case strings.HasPrefix(name, "mboxlist/"):
			for key, value := range reference.ReadList(t, path) {
				lines = append(lines, fmt.Sprintf("%s %q %q", name, key, value))
			}
		case strings.HasSuffix(name, ".msg"):
			sys := st.Sys().(*syscall.Stat_t)
			if first[sys.Ino] == "" {
				first[sys.Ino] = name
			}
			lines = append(lines, fmt.Sprintf("%s %v %d %d %x of %s", name, st.Mode(), st.ModTime().Unix(), sys.Nlink, sha256.Sum256(data), first[sys.Ino]))
		default:
			lines = append(lines, fmt.Sprintf("%s %v %s", name, st.Mode(), data))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

// TestRestoreAgainstReference holds what Restore leaves against what the
// plainest means make of the same stream: every byte of every message and
// index, every record of the databases, every date and link.
func TestRestoreAgainstReference(t *testing.T) {
	for _, opts := range []testsite.StreamOptions{
		{Seed: 41, Users: 15, Messages: 400, MedianSize: 1500, Links: 30, Odd: true},
		{Seed: 42, Users: 6, Mailboxes: 12, Messages: 400, MedianSize: 1500, Links: 50},
		{Seed: 43, Users: 10, Messages: 250, MedianSize: 1500, Links: 40, Expired: 30, Odd: true},
		{Seed: 44, Users: 3, Messages: 12, MedianSize: 900000, MaxSize: 3 << 20},
	} {
		s := reference.Make(t, opts)
		store := filepath.Join(t.TempDir(), "restored")
		data, err := os.ReadFile(s.Stream)
		if err != nil {
			t.Fatal(err)
		}
		stream, err := NewStream("site.sims", bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		log := new(reference.Recorder)
		if _, err := Restore(context.Background(), store, []*Stream{stream}, Options{Log: log}); err != nil {
			t.Fatal(err)
		}
		if len(log.Problems) > 0 {
			t.Errorf("seed %d: %q", opts.Seed, log.Problems)
		}
		got, want := storeLines(t, store), storeLines(t, s.Store)
		if opts.Odd {
			got, want = withoutHeaders(got), withoutHeaders(want)
		}
		var diff []string
		for i, j := 0, 0; i < len(got) || j < len(want); {
			switch {
			case j == len(want) || i < len(got) && got[i] < want[j]:
				diff = append(diff, "+ "+clipped(got[i]))
				i++
			case i == len(got) || want[j] < got[i]:
				diff = append(diff, "- "+clipped(want[j]))
				j++
			default:
				i++
				j++
			}
		}
		if len(diff) > 0 {
			t.Errorf("seed %d: %d lines differ:\n%s", opts.Seed, len(diff), strings.Join(diff[:min(len(diff), 10)], "\n"))
		}
		if _, log := checkStore(t, store, s.Stream, verify.StoreOptions{}); len(log.Problems) > 0 {
			t.Errorf("seed %d: verify: %q", opts.Seed, log.Problems)
		}
	}
}

// withoutHeaders drops SentDate and Message-id of the messages whose header is
// distorted on purpose: no document says what they are then.
func withoutHeaders(lines []string) []string {
	for i, line := range lines {
		if !strings.Contains(line, "store.idx") {
			continue
		}
		rows := strings.Split(line, "\n")
		for j, row := range rows {
			if f := strings.Split(row, "\t"); len(f) == 10 {
				f[2], f[9] = "", ""
				rows[j] = strings.Join(f, "\t")
			}
		}
		lines[i] = strings.Join(rows, "\n")
	}
	return lines
}

func clipped(line string) string { return line[:min(len(line), 900)] }
