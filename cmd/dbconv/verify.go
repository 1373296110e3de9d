package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/dbconv"
	"imsconv/dbconv/bdb"
)

const verifyDoc = `
Checks the structure of each Berkeley DB file IN, of any release from 1.85 to 5.3
and either byte order: the metadata, page numbers, types and levels, that items
fill their pages, the order of keys, links between leaves, record counts, overflow
chains and their reference counts, duplicates, the bucket of every key, checksums,
the free list, sub-databases, and that no page is left over. Every fault is
a line on standard error: page, item, offset, what is wrong.

The check is strict. Keys out of byte order, keys in a bucket that the hash function
does not give, a hash function of the program's own, delete flags, pages that
nothing leads to and an empty file are faults. A database whose program has a
comparison or hash function of its own needs -o, as with db_verify. Faults inside the
bytes of keys and values show only in files with page checksums.

A fault by which no record is lost or changed ends with 3 as any other, and so
does a file of 0 bytes. Where records are missing, the other commands tell of it
too. A file that is not there, cannot be opened or is no Berkeley DB file cannot
be checked: the exit status is 1 then, whatever the others have, which are
checked all the same. IN is opened for reading only and never changed; a gzip or LZ4 file is unpacked
first.
` + sourceDoc

func verifyVerb() cli.Verb {
	return cli.Verb{
		Name:    "verify",
		Args:    "IN...",
		Summary: "check the structure of databases",
		See:     []string{"dbconv-salvage(1)", "db_verify(1)"},
		Doc:     verifyDoc,
		Example: "$ dbconv verify folder.db\ndbconv: done: files 1, pages 31, records 1204, faults 0",
		Exit3:   "faults were found; each is listed",
		New: func(fs *pflag.FlagSet) cli.Action {
			var v verifyOptions
			fs.BoolVarP(&v.noOrder, "no-order", "o", false, "leave out key order and hash placement")
			return reading(v.run)
		},
	}
}

type verifyOptions struct{ noOrder bool }

func (v *verifyOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	if len(args) == 0 {
		return cli.Usagef("the file to check is wanted")
	}
	var pages, records, faults int64
	unchecked := 0
	for _, path := range args {
		rep, err := v.file(ctx, job, path, len(args) > 1)
		if ctx.Err() != nil || cli.IsUsage(err) || cli.OfTemporary(err) || err != nil && len(args) == 1 {
			return err // of the machine, or of all files
		}
		if err != nil { // the other files are checked all the same
			job.Problem("unreadable", "", err.Error())
			unchecked++
		}
		pages, records, faults = pages+rep.Pages, records+rep.Records, faults+rep.Faults
	}
	job.Count("files", int64(len(args)-unchecked))
	job.Count("pages", pages)
	job.Count("records", records)
	job.Count("faults", faults)
	if faults > 0 {
		job.Hint("dbconv salvage writes what can still be read to a new file")
	}
	if unchecked > 0 {
		return fmt.Errorf("%d of %d files could not be checked; the others have %d faults", unchecked, len(args), faults)
	}
	return nil
}

// file checks one of the files. The error is for one that cannot be checked at
// all: nothing is known of it.
func (v *verifyOptions) file(ctx context.Context, job *cli.Job, path string, several bool) (rep bdb.VerifyReport, err error) {
	name := ""
	if several {
		name = cli.InputName(path)
	}
	src, err := openSource(job, path, "")
	if errors.Is(err, bdb.ErrEmpty) {
		job.Problem("empty", "", err.Error())
		return bdb.VerifyReport{Faults: 1}, nil
	}
	if err != nil {
		return rep, err
	}
	defer src.Close()
	rep, err = dbconv.Verify(ctx, src, dbconv.VerifyOptions{
		Common:  dbconv.Common{Log: job, Progress: job.Meter("pages", 0, src.size)},
		NoOrder: v.noOrder,
		Name:    name,
	})
	return rep, named(path, err)
}
