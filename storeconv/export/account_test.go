package export

import (
	"bytes"
	"errors"
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
	for seed := range uint64(80) {
		data := damagedStream(whole, seed)
		src, err := FromStream("stream", bytes.NewReader(data))
		if err != nil {
			continue // no stream any more
		}
		rep, err := Export(t.Context(), filepath.Join(t.TempDir(), "out"), src, Options{DryRun: seed%4 > 0, Sync: storeconv.SyncNone})
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
			continue
		}
		got := rep.Messages + rep.Expired + rep.NotSelected + rep.There
		for kind, n := range rep.Lost {
			got += n
			kinds[kind] = true
		}
		if want := messagesOf(data); got != want {
			t.Errorf("seed %d: %d messages of %d: %+v", seed, got, want, rep)
		}
	}
	if len(kinds) < 3 {
		t.Errorf("too few kinds of damage were met: %v", kinds)
	}
}

// damagedStream is a stream with some bytes changed, or blocks gone or twice.
func damagedStream(whole []byte, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	data := bytes.Clone(whole)
	for range 1 + r.IntN(10) {
		at := r.IntN(len(data)/512) * 512
		switch r.IntN(5) {
		case 0:
			data[at+r.IntN(512)] ^= byte(1 + r.IntN(255))
		case 1:
			clear(data[at : at+512])
		case 2:
			data = append(data[:at], data[at+512:]...)
		case 3: // a member again
			data = append(data[:at:at], append(bytes.Clone(data[at:min(at+2048, len(data))]), data[at:]...)...)
		case 4:
			if r.IntN(6) == 0 {
				return data[:max(at, 4096)]
			}
		}
	}
	return data
}

// messagesOf counts what the reader gives as messages.
func messagesOf(data []byte) (n int64) {
	r := sims.NewReader(bytes.NewReader(data))
	for {
		m, err := r.Next()
		var damage *sims.Error
		switch {
		case err == io.EOF:
			return n
		case errors.As(err, &damage):
			if damage.Member != nil {
				n++
			}
		case err != nil:
			return n
		case m.Kind == sims.Message || m.Kind == sims.Link:
			n++
		}
	}
}
