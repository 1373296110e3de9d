package dbconv

import (
	"context"
	"errors"
	"io"

	"imsconv/dbconv/bdb"
)

// Log receives what a conversion has to say while it runs. Safe for concurrent
// use.
type Log interface {
	Problem(kind, where, text string) // something refused, unreadable or lost
	Warning(kind, where, text string) // a mapping note or tolerance
}

// Progress counts what has been done, for a display. Safe for concurrent use.
type Progress interface{ Add(items, bytes int64) }

// A Source is a database file, open for reading: *io.SectionReader,
// *bytes.Reader.
type Source interface {
	io.ReaderAt
	Size() int64 // bytes
}

// Common are the options that every conversion has.
type Common struct {
	Log      Log      // nil: nobody is told
	Progress Progress // nil: nothing is counted
	Strict   bool     // stop at the first damage
	// MaxItem is the longest key or value in bytes that is read or written; 0:
	// 16 MiB. The record of a longer one is a problem and left out.
	MaxItem int64
}

// silent is the Log of a caller that gives none.
type silent struct{}

func (silent) Problem(kind, where, text string) {}
func (silent) Warning(kind, where, text string) {}

func (c Common) log() Log {
	if c.Log == nil {
		return silent{}
	}
	return c.Log
}

// open reads the metadata of src; what the reader finds goes to the log.
func (c Common) open(ctx context.Context, src Source) (*bdb.Reader, error) {
	log := c.log()
	return bdb.NewReader(src, src.Size(), bdb.Options{
		Strict: c.Strict, Check: ctx.Err, MaxItem: c.MaxItem,
		Problem: func(err error) { tell(log, "", err) },
	})
}

// tell sorts damage into problems and warnings. at is put before its position.
func tell(log Log, at string, err error) {
	var e *bdb.Error
	if !errors.As(err, &e) {
		log.Problem("damaged", at, err.Error())
		return
	}
	if e.Severity() == 1 {
		log.Warning(e.Kind(), named(at, e.Position()), e.What())
		return
	}
	log.Problem(e.Kind(), named(at, e.Position()), e.What())
}

// named puts a name before a position.
func named(name, where string) string {
	switch {
	case name == "":
		return where
	case where == "":
		return name
	}
	return name + ": " + where
}

// tickEvery is how many records pass between looks at the context.
const tickEvery = 4096

// ticker counts records for the progress display and looks at the context now
// and then.
type ticker struct {
	ctx      context.Context
	progress Progress
	items    int64
	bytes    int64
}

func (t *ticker) tick(n int) error {
	t.items++
	t.bytes += int64(n)
	if t.items < tickEvery {
		return nil
	}
	return t.flush()
}

func (t *ticker) flush() error {
	if t.progress != nil {
		t.progress.Add(t.items, t.bytes)
	}
	t.items, t.bytes = 0, 0
	return t.ctx.Err()
}
