package dbconv

import (
	"context"
	"errors"

	"imsconv/dbconv/bdb"
)

// Log receives what a conversion has to say while it runs. Safe for concurrent use.
type Log interface {
	Problem(kind, where, text string) // something refused, unreadable or lost
	Warning(kind, where, text string) // a mapping note or tolerance
}

// Meter counts what has been done, for a progress display.
type Meter interface{ Add(items, bytes int64) }

// Common are the options that every conversion has.
type Common struct {
	Log    Log
	Meter  Meter
	Strict bool // stop at the first damage
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

// readerOptions passes what the reader finds on to the log.
func (c Common) readerOptions() bdb.Options {
	log := c.log()
	return bdb.Options{Strict: c.Strict, Problem: func(err error) { tell(log, err) }}
}

// tell sorts an error of the reader into problems and warnings.
func tell(log Log, err error) {
	var e *bdb.Error
	if !errors.As(err, &e) {
		log.Problem("damaged", "", err.Error())
		return
	}
	if e.Tolerated {
		log.Warning(kindOf(err), e.Where(), e.What())
		return
	}
	log.Problem(kindOf(err), e.Where(), e.What())
}

func kindOf(err error) string {
	switch {
	case errors.Is(err, bdb.ErrTooBig):
		return "too-big"
	case errors.Is(err, bdb.ErrUnreached):
		return "unclosed"
	case errors.Is(err, bdb.ErrDeleted):
		return "deleted"
	case errors.Is(err, bdb.ErrLogged):
		return "environment"
	case errors.Is(err, bdb.ErrUnsupported):
		return "unsupported"
	}
	return "damaged"
}

// tickEvery is how many records pass between looks at the context.
const tickEvery = 4096

// ticker counts records for the meter and looks at the context now and then.
type ticker struct {
	ctx   context.Context
	meter Meter
	items int64
	bytes int64
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
	if t.meter != nil {
		t.meter.Add(t.items, t.bytes)
	}
	t.items, t.bytes = 0, 0
	return t.ctx.Err()
}
