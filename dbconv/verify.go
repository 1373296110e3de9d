package dbconv

import (
	"context"
	"io"

	"imsconv/dbconv/bdb"
)

// VerifyOptions are the options of Verify.
type VerifyOptions struct {
	Common
	NoOrder bool   // leave out key order and hash placement (db_verify -o)
	Name    string // put before the position of each fault; "": nothing
}

// Verify checks the structure of the database file src, size bytes long. Every
// fault goes to the log as a problem of kind "fault"; the error is for a file that
// cannot be checked: unreadable, no Berkeley DB file, encrypted, of an unknown version.
func Verify(ctx context.Context, src io.ReaderAt, size int64, opts VerifyOptions) (bdb.VerifyReport, error) {
	log := opts.log()
	pageSize := int64(0)
	bopts := bdb.VerifyOptions{
		NoOrder: opts.NoOrder,
		Note:    func(e *bdb.Error) { log.Warning("odd", named(opts.Name, e.Where()), e.What()) },
		Fault:   func(e *bdb.Error) { log.Problem("fault", named(opts.Name, e.Where()), e.What()) },
	}
	if m, err := bdb.NewReader(src, size, bdb.Options{}); err == nil {
		pageSize = int64(m.Meta().PageSize)
	}
	if opts.Meter != nil {
		bopts.Progress = func(pages int64) { opts.Meter.Add(pages, pages*pageSize) }
	}
	return bdb.Verify(ctx, src, size, bopts)
}

// named puts a file's name before a position in it.
func named(name, where string) string {
	switch {
	case name == "":
		return where
	case where == "":
		return name
	}
	return name + ": " + where
}
