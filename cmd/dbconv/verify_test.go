package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"imsconv/cmd/internal/peer"
	"imsconv/dbconv"
	"imsconv/dbconv/bdb"
	"imsconv/dbconv/bdb/fixtures"
)

// newest are the fixtures of the versions that the peer's tools read.
func newest(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := fixtures.Files()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for name, data := range files {
		if (strings.HasPrefix(name, "5.3.28/") || strings.HasPrefix(name, "4.1.25/")) && strings.HasSuffix(name, ".db") && !strings.Contains(name, "encrypt") {
			all[name] = data
		}
	}
	return all
}

func sortedNames(files map[string][]byte) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// runPeer runs a peer's tool on a copy of data; ok is false when the tool
// crashed or did not end.
func runPeer(t *testing.T, tool string, data []byte, args ...string) (stdout string, status int, ok bool) {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		t.Fatal(err)
	}
	// Five seconds of work tell of a loop on a busy machine too.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	line := append([]string{"-c", `ulimit -t 5 && exec "$0" "$@"`, tool}, args...)
	cmd := exec.CommandContext(ctx, "sh", append(line, copied)...)
	cmd.Dir = filepath.Dir(copied)
	var out bytes.Buffer
	cmd.Stdout = &limitedBuffer{&out}
	err := cmd.Run()
	if ctx.Err() != nil || cmd.ProcessState.ExitCode() < 0 {
		return "", 0, false
	}
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode(), true
}

// limitedBuffer keeps 64 MiB: a peer that loops prints without end.
type limitedBuffer struct{ b *bytes.Buffer }

func (l *limitedBuffer) Write(p []byte) (int, error) {
	if l.b.Len() > 64<<20 {
		return 0, io.ErrShortWrite
	}
	return l.b.Write(p)
}

func countFaults(data []byte, loose bool) int64 {
	rep, err := dbconv.Verify(context.Background(), bytes.NewReader(data), dbconv.VerifyOptions{NoOrder: loose})
	if err != nil {
		return 1
	}
	return rep.Faults
}

// What db_verify finds in a damaged file, verify finds too.
func TestVerifyFindsWhatThePeerFinds(t *testing.T) {
	tool := peer.Need(t, "db5.3_verify")
	files := newest(t)
	tries := 3
	if os.Getenv("IMSCONV_FULL") != "" {
		tries = 60
	}
	for _, name := range sortedNames(files) {
		data := files[name]
		_, status, ok := runPeer(t, tool, data)
		if ours := countFaults(data, false) > 0; ok && ours != (status != 0) {
			t.Errorf("%s: faults %t, status of the peer %d", name, ours, status)
		}
		rng := rand.New(rand.NewSource(int64(len(data))))
		for n := range tries {
			b := bytes.Clone(data)
			at := rng.Intn(len(b))
			if n%2 == 0 {
				at = at/512*512 + rng.Intn(40)
			}
			b[at] ^= 1 << rng.Intn(8)
			_, status, ok := runPeer(t, tool, b)
			if ok && status != 0 && countFaults(b, false) == 0 {
				t.Errorf("%s: byte %d from %#x to %#x: the peer finds a fault", name, at, data[at], b[at])
			}
		}
	}
}

// stat prints what db_stat -d prints, but of heaps with free slots: of these
// db_stat looks at as many slots as there are records, from the first, and
// counts a free one as a record.
func TestStatIsThePeers(t *testing.T) {
	tool := peer.Need(t, "db5.3_stat")
	files := newest(t)
	for _, name := range sortedNames(files) {
		data := files[name]
		if strings.Contains(name, "/heap-") && (strings.Contains(name, "del") || strings.Contains(name, "p64k")) {
			continue
		}
		out, status, ok := runPeer(t, tool, data, "-d")
		if !ok || status != 0 {
			t.Fatalf("%s: status of the peer %d", name, status)
		}
		_, want, _ := strings.Cut(out, "\n") // the local time
		lines, err := dbconv.Stat(context.Background(), bytes.NewReader(data), nil, dbconv.Common{})
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		if err := printStat(&got, lines); err != nil {
			t.Fatal(err)
		}
		if got.String() != want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got.String(), want)
		}
	}
}

// salvageItems are the keys and values that Salvage finds, in hexadecimal.
func salvageItems(t *testing.T, data []byte) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	_, err := bdb.Salvage(context.Background(), bytes.NewReader(data), int64(len(data)), bdb.SalvageOptions{Aggressive: true}, func(k, v []byte) error {
		all[fmt.Sprintf("%x", k)], all[fmt.Sprintf("%x", v)] = true, true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Salvage finds what db_dump -r finds, and the result is a sound database.
func TestSalvageFindsWhatThePeerFinds(t *testing.T) {
	dump := peer.Need(t, "db5.3_dump")
	verify := peer.Need(t, "db5.3_verify")
	files := newest(t)
	for _, name := range []string{"bt-le-basic-p1024", "bt-be-basic-p1024", "hash-le-basic-p1024", "bt-le-overflow-p1024", "bt-le-dup-p1024", "hash-le-dupsort-p1024"} {
		data := files["5.3.28/"+name+".db"]
		rng := rand.New(rand.NewSource(1))
		for range 3 {
			b := bytes.Clone(data)
			page := (1 + rng.Intn(len(b)/1024-1)) * 1024
			rng.Read(b[page : page+1024])
			ours := salvageItems(t, b)
			out, _, ok := runPeer(t, dump, b, "-r")
			if ok {
				if lost := lacking(ours, out); lost != "" {
					t.Errorf("%s page %d: the peer has an item that is missing: %.100s", name, page/1024, lost)
				}
			}
			var dst memory
			_, err := dbconv.Salvage(context.Background(), &dst, bytes.NewReader(b), dbconv.SalvageOptions{Output: dbconv.Output{TempDir: t.TempDir()}})
			if err != nil {
				t.Fatal(err)
			}
			if _, status, ok := runPeer(t, verify, dst.b); !ok || status != 0 {
				t.Errorf("%s page %d: db_verify of the result: status %d", name, page/1024, status)
			}
		}
	}
}

// lacking is an item of a dump that is not in have; "" when all are. A key
// whose value is lost, or the reverse, is half a record.
func lacking(have map[string]bool, dump string) string {
	lines := strings.Split(dump, "\n")
	unknown := fmt.Sprintf(" %x", "UNKNOWN_")
	for i, line := range lines {
		item, ok := strings.CutPrefix(line, " ")
		if !ok || have[item] || strings.HasPrefix(line, unknown) {
			continue
		}
		if strings.HasPrefix(lines[i+1], unknown) || strings.HasPrefix(lines[i-1], unknown) {
			continue
		}
		return item
	}
	return ""
}

// memory is a destination in memory.
type memory struct{ b []byte }

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if need := int(off) + len(p); need > len(m.b) {
		m.b = append(m.b, make([]byte, need-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}

func (m *memory) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(m.b).ReadAt(p, off) }
