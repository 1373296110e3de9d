package restore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite/edits"
)

// FuzzRestore holds that no stream makes a restore crash, fail, or write beside
// its store, that a dry run counts what a real one writes, and that a second
// run finds everything in place.
func FuzzRestore(f *testing.F) {
	samples := [][]byte{
		tape(f, may20, firstTape...),
		tape(f, may20, "box joe/INBOX 7", "msg joe/INBOX/300 - c", `msg joe/INBOX/2 expired a`, "link ann/x/1 - joe/INBOX/2", "msg joe/INBOX/2 - b"),
		sampleBytes(f)[:9<<10],
	}
	for i := range samples {
		f.Add(byte(i), []byte{}, i > 0, false)
	}
	f.Add(byte(0), []byte("\x01\x08\x02\x01\x04\x04\x00\x05"), true, true)
	base, err := os.MkdirTemp("/dev/shm", "imsconv-fuzz-")
	if err != nil {
		f.Skip(err)
	}
	f.Cleanup(func() { os.RemoveAll(base) })
	f.Fuzz(func(t *testing.T, which byte, damage []byte, piped, mend bool) {
		b := edits.Apply(samples[int(which)%len(samples)], damage)
		if mend {
			edits.MendTar(b)
		}
		dir, err := os.MkdirTemp(base, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		store := filepath.Join(dir, "store")
		run := func(dry bool) (Report, bool) {
			var in io.Reader = bytes.NewReader(b)
			if piped {
				in = pipe{in}
			}
			s, err := NewStream("fuzz", in)
			if err != nil {
				t.Fatal(err)
			}
			rep, err := Restore(context.Background(), store, []*Stream{s}, Options{DryRun: dry, Sync: storeconv.SyncNone, Jobs: 1})
			if errors.Is(err, sims.ErrProfile) {
				return rep, false
			}
			if err != nil {
				t.Fatal(err)
			}
			return rep, true
		}
		dry, ok := run(true)
		if !ok {
			return
		}
		real, _ := run(false)
		if dry.Users != real.Users || dry.Messages != real.Messages || dry.Expired != real.Expired {
			t.Fatalf("dry run %+v, real run %+v", dry, real)
		}
		hash, _ := treeHash(t, store)
		if again, _ := run(false); again.Messages > real.Refused {
			t.Fatalf("second run: %+v", again)
		} else if now, _ := treeHash(t, store); now != hash && again.Messages == 0 {
			t.Fatal("a second run that restores nothing changes the store")
		}
		list, err := os.ReadDir(dir)
		if err != nil || len(list) != 1 {
			t.Fatalf("beside the store: %v, %v", list, err)
		}
	})
}
