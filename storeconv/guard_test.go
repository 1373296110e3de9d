package storeconv

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

// TestAwait: a reader that waits for its source is left when the context ends;
// one that does not wait is waited for.
func TestAwait(t *testing.T) {
	readAll := func(r io.Reader) <-chan error {
		done := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, r)
			done <- err
		}()
		return done
	}
	silent, stop := io.Pipe()
	defer stop.Close()
	ended, cancel := context.WithCancel(t.Context())
	cancel()

	g := NewGuard(silent)
	if abandoned, err := Await(ended, readAll(g), nil, g); !abandoned || !errors.Is(err, context.Canceled) {
		t.Errorf("of a source that gives nothing: abandoned %v, %v", abandoned, err)
	}
	g = NewGuard(strings.NewReader("mail"))
	if abandoned, err := Await(t.Context(), readAll(g), g); abandoned || err != nil {
		t.Errorf("of a source that ends: abandoned %v, %v", abandoned, err)
	}
	late := make(chan error, 1)
	late <- io.ErrUnexpectedEOF
	if abandoned, err := Await(ended, late, nil); abandoned || err != io.ErrUnexpectedEOF {
		t.Errorf("of a reader that has ended: abandoned %v, %v", abandoned, err)
	}
}
