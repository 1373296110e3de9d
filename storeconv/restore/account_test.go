package restore

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/sims"
)

// TestEveryMessageIsAccountedFor damages a stream in many ways: whatever the
// reader gives as a message is written, left out by a rule, or lost by a kind.
func TestEveryMessageIsAccountedFor(t *testing.T) {
	whole, err := os.ReadFile("../../testdata/site/sims/backup.sims")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for seed := range uint64(120) {
		data := damaged(whole, seed)
		want := messagesOf(data)
		for _, dry := range []bool{true, seed%4 > 0} { // what is written costs more time
			tape, err := NewStream("stream", bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			rep, err := Restore(t.Context(), filepath.Join(t.TempDir(), "store"), []*Stream{tape}, Options{DryRun: dry, Sync: storeconv.SyncNone})
			if err != nil {
				continue // no stream any more
			}
			got := rep.Messages + rep.Expired + rep.NotSelected + rep.Duplicates + rep.Repeated
			for kind, n := range rep.Lost {
				got += n
				kinds[kind] = true
			}
			if got != want {
				t.Errorf("seed %d, dry run %v: %d messages of %d: %+v", seed, dry, got, want, rep)
			}
		}
	}
	if len(kinds) < 4 {
		t.Errorf("too few kinds of damage were met: %v", kinds)
	}
}

// damaged is a stream with some bytes changed, blocks gone, or its end cut off.
func damaged(whole []byte, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	data := bytes.Clone(whole)
	for range 1 + r.IntN(12) {
		at := r.IntN(len(data)/512) * 512
		switch r.IntN(6) {
		case 0:
			data[at+r.IntN(512)] ^= byte(1 + r.IntN(255))
		case 1:
			clear(data[at : at+512])
		case 2:
			data = append(data[:at], data[at+512:]...)
		case 3:
			copy(data[at:], fmt.Sprintf("user/INBOX/%d", r.IntN(9)))
		case 4: // a member again
			data = append(data[:at:at], append(bytes.Clone(data[at:min(at+2048, len(data))]), data[at:]...)...)
		case 5:
			if r.IntN(4) == 0 {
				data = data[:at+r.IntN(512)]
			}
		}
		if len(data) < 4096 {
			break
		}
	}
	return data
}

// messagesOf counts what the reader gives as messages.
func messagesOf(data []byte) (n int64) {
	r := sims.NewReader(bytes.NewReader(data))
	for {
		m, err := r.Next()
		if err == io.EOF {
			return n
		}
		if damage := damageOf(err); err != nil && damage == nil {
			return n
		}
		if owes(m, err) {
			n++
		}
	}
}
