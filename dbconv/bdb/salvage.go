package bdb

import (
	"context"
	"io"
)

// SalvageOptions say how far Salvage goes.
type SalvageOptions struct {
	// Aggressive also takes deleted records and what is left on doubtful pages,
	// as db_dump -R does.
	Aggressive bool
	// Problem receives what was lost, an *Error each; nil: ignored.
	Problem func(err error)
	// MaxItem as in Options.
	MaxItem int64
	// Progress is called now and then with the pages read since the last call.
	Progress func(pages int64)
}

// SalvageReport is what Salvage counted.
type SalvageReport struct {
	Meta    Meta  // of the file, as far as it could be read or guessed
	Pages   int64 // pages scanned
	Records int64 // records given to emit
	Lost    int64 // records or pages that could not be read
	Guessed bool  // the metadata page was unusable; page size and byte order are guessed
}

// Salvage gives emit every record that can still be read, in page order, without
// using the tree or the buckets. The slices are valid during the call only.
func Salvage(ctx context.Context, r io.ReaderAt, size int64, opts SalvageOptions, emit func(key, value []byte) error) (SalvageReport, error) {
	panic("not yet")
}
