package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/dbconv"
)

const convertDoc = `
Reads the Berkeley DB file IN, of any release from 1.85 to 5.3, of either byte
order, a btree, hash, recno, queue or heap, and writes its records to OUT as a btree (a
recno stays one, a queue or heap becomes one) of the wanted on-disk version, byte order and page size. Keys,
values, the order of keys, sets of duplicates and record numbers stay as they are;
a hash, which has no order, is sorted. Page checksums are kept in version 9.

The order of a btree whose keys are not in byte order, because its program
compares them in its own way, is kept and told of; db_verify wants -o for such a
file. Versions 6 and 7 do not store whether duplicates are sorted: for a program
that wants them so, give --sort-duplicates, as db_upgrade -s.

The records of a heap get the numbers 1, 2, 3 in the order of their addresses. With
-t btree they get their addresses as keys: page (4 bytes) and slot (2), big-endian.

A file with sub-databases becomes one with sub-databases, in version 7 and
later; -s takes one of them, and is needed for version 6.

IN is opened for reading only and never changed. OUT is written under another
name, made durable, and renamed; without --force it must not exist. Files of a
database environment beside IN (__db.*, log.*) are warned about. Pages that cannot
be read are listed, a line each, and everything else is converted; so is what by
the structure of the file should be there and is not, as verify finds it. A file of
0 bytes is no database. A gzip or LZ4 file is unpacked first.

Memory stays below 64 MiB at any size; a sort goes through temporary files.
` + targetDoc + sourceDoc

func convertVerb() cli.Verb {
	return cli.Verb{
		Name:    "convert",
		Args:    "IN OUT",
		Summary: "write a database in another version, byte order or page size",
		See:     []string{"dbconv-verify(1)", "db_upgrade(1)"},
		Doc:     convertDoc,
		Example: "$ dbconv convert data.db2 data-v9.db --byte-order little\ndbconv: done: records 1204, pages 31",
		Exit3:   "done, but parts of IN could not be read; each is listed",
		New: func(fs *pflag.FlagSet) cli.Action {
			var c convertOptions
			c.target.add(fs, 9, "that of IN", "that of IN")
			fs.VarP(&c.sub, "subdatabase", "s", "convert the sub-database `NAME` only")
			c.kind.Add(fs, "type", "t", "what a heap becomes, `KIND`: recno (the default) or btree", "", "recno", "btree")
			fs.BoolVar(&c.sortDups, "sort-duplicates", false, "sort the values of a key and mark the file so (version 8 and later)")
			fs.BoolVar(&c.strict, "strict", false, "stop at the first damage and write nothing")
			c.max.add(fs)
			return reading(c.run)
		},
	}
}

type convertOptions struct {
	target
	sub      subName
	sortDups bool
	strict   bool
	kind     flags.Choice
	max      maxValue
}

func (c *convertOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	in, out, err := inOut(args)
	if err != nil {
		return err
	}
	output := c.output(out)
	src, err := openSource(job, in, c.sortDir(out))
	if err != nil {
		return err
	}
	defer src.Close()
	var rep dbconv.Report
	err = c.write(job, out, func(dst io.WriterAt) (err error) {
		rep, err = dbconv.Convert(ctx, dst, src, dbconv.ConvertOptions{
			Common:      dbconv.Common{Log: job, Progress: job.Meter("records", 0, 0), Strict: c.strict, MaxItem: c.max.bytes(job)},
			Output:      output,
			Subdatabase: c.sub.name, SortDups: c.sortDups, HeapKeys: c.kind.Value == "btree",
		})
		return named(in, err)
	})
	if errors.Is(err, dbconv.ErrNoHeap) {
		return cli.WithHint(err, "-t btree is for a heap")
	}
	if errors.Is(err, dbconv.ErrSubdatabases) {
		return cli.WithHint(err, "-s NAME converts one of them")
	}
	if err != nil {
		return err
	}
	job.Note(cli.InputName(in) + ": " + describe(rep.Source))
	counts(job, rep)
	return nil
}
