package bdb

import (
	"context"
	"io"
)

// VerifyOptions say how strict Verify is.
type VerifyOptions struct {
	// NoOrder leaves out key order and hash placement: databases made with an
	// application's own comparison or hash function.
	NoOrder bool
	// Fault receives every fault, in the order found; nil: they are only counted.
	Fault func(*Error)
	// Progress is called now and then with the pages checked since the last call.
	Progress func(pages int64)
}

// VerifyReport is what Verify counted.
type VerifyReport struct {
	Meta    Meta
	Pages   int64 // pages of the file
	Records int64 // key and value pairs, all databases of the file
	Faults  int64
}

// Verify checks the structure of a whole file. It returns an error only when the
// file cannot be read at all (I/O, cancelled ctx); every fault goes to opts.Fault.
func Verify(ctx context.Context, r io.ReaderAt, size int64, opts VerifyOptions) (VerifyReport, error) {
	panic("not yet")
}
