package restore

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/testsite/reference"
	"imsconv/storeconv/verify"
)

// TestDamagedStreams spoils a stream at random, restores it, and holds the
// store against itself: whatever a stream says, the store that it leaves is one
// without a fault, and so is that of the same stream restored again.
func TestDamagedStreams(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	if os.Getenv("IMSCONV_FULL") == "1" {
		rounds = 3000
	}
	var whole bytes.Buffer
	opts := testsite.StreamOptions{Seed: 51, Users: 5, Mailboxes: 3, Messages: 60, MedianSize: 700, MaxSize: 5000, Links: 40, Expired: 15, Odd: true}
	if _, err := testsite.WriteStream(&whole, opts, nil); err != nil {
		t.Fatal(err)
	}
	base := shmDir(t)
	for round := range rounds {
		rng := rand.New(rand.NewPCG(uint64(round), 77))
		data := spoil(rng, whole.Bytes())
		store := filepath.Join(base, "store")
		restore := func() {
			stream, err := NewStream("spoilt", bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Restore(context.Background(), store, []*Stream{stream}, Options{}); err != nil && !strings.Contains(err.Error(), "profile") {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		restore()
		if _, err := os.Stat(filepath.Join(store, "mboxlist")); err != nil {
			continue // the header itself was spoilt
		}
		log := checkStreams(t, store, verify.StoreOptions{})
		if len(log.Problems) > 0 {
			t.Fatalf("round %d:\n%s", round, strings.Join(log.Problems, "\n"))
		}
		// A second run may find first copies that came too late in the first; it
		// loses nothing.
		once := messageFiles(t, store)
		restore()
		twice := messageFiles(t, store)
		for name, sum := range once {
			if twice[name] != sum {
				t.Fatalf("round %d: the same stream again changed %s", round, name)
			}
		}
		if log := checkStreams(t, store, verify.StoreOptions{}); len(log.Problems) > 0 {
			t.Fatalf("round %d, restored again:\n%s", round, strings.Join(log.Problems, "\n"))
		}
		if err := os.RemoveAll(store); err != nil {
			t.Fatal(err)
		}
	}
}

// spoil returns a copy of a stream with some damage.
func spoil(rng *rand.Rand, whole []byte) []byte {
	data := bytes.Clone(whole)
	block := func() int { return 512 * rng.IntN(len(data)/512) }
	for range 1 + rng.IntN(4) {
		at := block()
		switch rng.IntN(7) {
		case 0: // a bit
			data[rng.IntN(len(data))] ^= 1 << rng.IntN(8)
		case 1: // a block overwritten
			for i := range data[at : at+512] {
				data[at+i] = byte(rng.Uint32())
			}
		case 2: // a block of zeros
			clear(data[at : at+512])
		case 3: // blocks lost
			end := min(len(data), at+512*(1+rng.IntN(8)))
			data = append(data[:at], data[end:]...)
		case 4: // blocks twice
			end := min(len(data), at+512*(1+rng.IntN(8)))
			data = append(data[:end:end], append(bytes.Clone(data[at:end]), data[end:]...)...)
		case 5: // a part moved to the end
			end := min(len(data), at+512*(1+rng.IntN(40)))
			part := bytes.Clone(data[at:end])
			data = append(append(data[:at:at], data[end:]...), part...)
		case 6: // the end lost
			data = data[:max(1024, len(data)-rng.IntN(len(data)/2))]
		}
		if len(data) < 2048 {
			return data
		}
	}
	return data
}

// messageFiles gives the content of every message file.
func messageFiles(t *testing.T, store string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for _, line := range storeLines(t, store) {
		name, rest, _ := strings.Cut(line, ".msg -rw")
		f := strings.Fields(rest)
		if len(f) > 3 {
			files[name] = f[3]
		}
	}
	return files
}

// TestDamagedStreamsWithOptions does the same with everything that a restore
// may be told, twice over into one store, and holds one worker against seven.
func TestDamagedStreamsWithOptions(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 10
	}
	if os.Getenv("IMSCONV_FULL") == "1" {
		rounds = 2000
	}
	var streams [2]bytes.Buffer
	for i := range streams {
		opts := testsite.StreamOptions{Seed: uint64(60 + i), Users: 4, Mailboxes: 3, Messages: 45, MedianSize: 600, MaxSize: 4000, Links: 40, Expired: 15, Odd: true}
		if _, err := testsite.WriteStream(&streams[i], opts, nil); err != nil {
			t.Fatal(err)
		}
	}
	base := shmDir(t)
	for round := range rounds {
		rng := rand.New(rand.NewPCG(uint64(round), 78))
		data := [][]byte{spoil(rng, streams[0].Bytes()), spoil(rng, streams[1].Bytes())}
		again := data
		if rng.IntN(2) == 0 {
			again = [][]byte{spoil(rng, streams[0].Bytes())}
		}
		opt := Options{Existing: Existing(rng.IntN(3)), CRLF: rng.IntN(4) == 0, Sync: storeconv.SyncMode(rng.IntN(3))}
		if rng.IntN(4) == 0 {
			opt.Map = map[string]string{"user0": "user1", "John.Smith3": "j3"}
		}
		if rng.IntN(4) == 0 {
			opt.Shard = storeconv.Shard{Index: rng.IntN(2), Count: 2}
		}
		var lines [2][]string
		for i, jobs := range []int{1, 7} {
			store := filepath.Join(base, "store")
			opt.Jobs = jobs
			if !restoreSpoilt(t, store, opt, data) || !restoreSpoilt(t, store, opt, again) {
				break
			}
			if log := checkStreams(t, store, verify.StoreOptions{}); len(log.Problems) > 0 {
				t.Fatalf("round %d, %+v:\n%s", round, opt, strings.Join(log.Problems, "\n"))
			}
			lines[i] = storeLines(t, store)
			if err := os.RemoveAll(store); err != nil {
				t.Fatal(err)
			}
		}
		if reference.DiffLines(t, "seven workers", lines[1], lines[0]); t.Failed() {
			t.Fatalf("round %d, %+v", round, opt)
		}
	}
}

// restoreSpoilt restores streams and says whether there was anything to
// restore.
func restoreSpoilt(t *testing.T, store string, opt Options, data [][]byte) bool {
	t.Helper()
	var streams []*Stream
	for i, d := range data {
		s, err := NewStream(fmt.Sprint(i), bytes.NewReader(d))
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, s)
	}
	if _, err := Restore(t.Context(), store, streams, opt); err != nil {
		if strings.Contains(err.Error(), "profile") {
			return false
		}
		t.Fatal(err)
	}
	return true
}
