package restore

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite/reference"
	"imsconv/storeconv/verify"
)

// checkStore verifies a store, with its stream when there is one.
func checkStore(t testing.TB, store, stream string, opts verify.StoreOptions) (verify.StoreReport, *reference.Recorder) {
	t.Helper()
	log := new(reference.Recorder)
	opts.Log = log
	if stream != "" {
		f, err := os.Open(stream)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		opts.Streams = append(opts.Streams, verify.Stream{Name: "site.sims", R: f})
	}
	rep, err := verify.Store(context.Background(), store, opts)
	if err != nil {
		t.Fatal(err)
	}
	return rep, log
}

// checkStreams verifies a store with its streams.
func checkStreams(t testing.TB, store string, opts verify.StoreOptions, streams ...[]byte) *reference.Recorder {
	t.Helper()
	log := new(reference.Recorder)
	opts.Log = log
	for i, data := range streams {
		opts.Streams = append(opts.Streams, verify.Stream{Name: fmt.Sprintf("stream%d", i), R: bytes.NewReader(data)})
	}
	if _, err := verify.Store(context.Background(), store, opts); err != nil {
		t.Fatal(err)
	}
	return log
}

// restoreClean restores streams that nothing is wrong with.
func restoreClean(t testing.TB, store string, opt Options, streams ...[]byte) {
	t.Helper()
	var in []*Stream
	for i, data := range streams {
		s, err := NewStream(fmt.Sprintf("stream%d", i), bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, s)
	}
	log := new(reference.Recorder)
	opt.Log = log
	if _, err := Restore(context.Background(), store, in, opt); err != nil {
		t.Fatal(err)
	}
	if len(log.Problems) > 0 {
		t.Fatalf("restore: %q", log.Problems)
	}
}

// brokenPlace is a file system on which a directory cannot be opened.
type brokenPlace struct {
	durable.FS
	name string // the end of its path
}

func (b brokenPlace) Openat(dir int, name string, flags int, mode uint32) (int, error) {
	if strings.HasSuffix(name, b.name) && flags&unix.O_DIRECTORY != 0 {
		return -1, unix.EIO
	}
	return b.FS.Openat(dir, name, flags, mode)
}

// brokenSource has a header and nothing else that can be read.
type brokenSource struct{ Source }

func (brokenSource) Next() (*sims.Member, error) { return nil, unix.EIO }

// TestErrorsNameTheirSide: an error of the store names the place in the store
// and no stream, one of a stream the stream.
func TestErrorsNameTheirSide(t *testing.T) {
	b := tape(t, may20, "box joe/INBOX 7", "msg joe/INBOX/1 - one")
	store := restored(t, Options{}, b)
	place := ims.MailboxDir("primary", "joe", "INBOX")
	_, _, err := restoreTo(t, store, Options{FS: brokenPlace{durable.OS, place}}, bytes.NewReader(b))
	if want := "open " + filepath.Join(store, place) + ": input/output error"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	broken := stream(t, "s0", bytes.NewReader(b))
	broken.Source = brokenSource{broken.Source}
	_, err = Restore(context.Background(), store, []*Stream{broken}, Options{})
	if want := "s0: input/output error"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
