package check

import (
	"context"
	"io"

	"imsconv/ldifconv/ldif"
)

// Tee checks what is written to it, beside what writes it: the counts of a
// conversion's own output.
type Tee struct {
	w      *io.PipeWriter
	result chan teeResult
}

type teeResult struct {
	report Report
	err    error
}

// NewTee starts a check of the LDIF that is written to the Tee. Findings go to
// dst, nil for counts alone, when the Tee is closed. Close must be called.
func NewTee(ctx context.Context, dst func(*Finding) error, name string, o Options) *Tee {
	r, w := io.Pipe()
	t := &Tee{w: w, result: make(chan teeResult, 1)}
	go func() {
		report, err := Run(ctx, dst, []ldif.Input{{Name: name, Reader: r}}, o)
		r.CloseWithError(err) // a writer does not wait for one that has gone
		t.result <- teeResult{report, err}
	}()
	return t
}

// Write implements io.Writer. An error is one of the check.
func (t *Tee) Write(p []byte) (int, error) { return t.w.Write(p) }

// Close ends the output and returns what the check found.
func (t *Tee) Close() (Report, error) {
	t.w.Close() // never fails
	r := <-t.result
	return r.report, r.err
}
