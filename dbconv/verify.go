package dbconv

import (
	"context"

	"imsconv/dbconv/bdb"
)

// VerifyOptions are the options of Verify.
type VerifyOptions struct {
	Common
	NoOrder bool   // leave out key order and hash placement (db_verify -o)
	Name    string // put before the position of each fault; "": nothing
}

// Verify checks the structure of the database file src. Every fault goes to the
// log as a problem of kind "fault"; the error is for a file that cannot be
// checked: unreadable, no Berkeley DB file, encrypted, of an unknown version.
func Verify(ctx context.Context, src Source, opts VerifyOptions) (bdb.VerifyReport, error) {
	log := opts.log()
	pageSize := int64(0)
	bopts := bdb.VerifyOptions{
		NoOrder: opts.NoOrder,
		Note:    func(e *bdb.Error) { log.Warning("odd", named(opts.Name, e.Position()), e.What()) },
		Fault:   func(e *bdb.Error) { log.Problem("fault", named(opts.Name, e.Position()), e.What()) },
	}
	if m, err := bdb.NewReader(src, src.Size(), bdb.Options{}); err == nil {
		pageSize = int64(m.Meta().PageSize)
	}
	if opts.Progress != nil {
		bopts.Progress = func(pages int64) { opts.Progress.Add(pages, pages*pageSize) }
	}
	return bdb.Verify(ctx, src, src.Size(), bopts)
}
