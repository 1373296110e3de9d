package restore

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"

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
