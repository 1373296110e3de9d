package main

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/dbconv"
)

const dumpDoc = `
Prints the records of the Berkeley DB file IN, of any release from 1.85 to 5.3
and either byte order, in the text form of db_dump, so that db_load and dbconv load
take it: header lines up to HEADER=END, then keys and values in turn, one a line
behind a blank, in hexadecimal or with -p as characters, then DATA=END. The order
is that of the library: by key for a btree, by bucket for a hash, by number for a
recno or queue, by address for a heap, of which values only are printed. A file with sub-databases is printed one after the other.

With --format json every record is an object a line: "key" and "value" as
strings when they are UTF-8, else "key_base64" and "value_base64"; the key of a recno
is a number, that of a heap the address of the record (page, 4 bytes, and slot, 2
bytes, big-endian); "database" names the sub-database.

Pages that cannot be read are listed on standard error, a line each, and the
records of all others are printed. After the last record the file is held against
its own structure, as verify does it: what by that is missing is listed too, so
that exit status 0 means that all records are there. A gzip or LZ4 file is
unpacked first.
` + targetDoc + sourceDoc

func dumpVerb() cli.Verb {
	return cli.Verb{
		Name:    "dump",
		Args:    "IN",
		Summary: "print a database as db_dump does",
		See:     []string{"dbconv-load(1)", "dbconv-salvage(1)", "db_dump(1)"},
		Doc:     dumpDoc,
		Example: "$ dbconv dump -p quota.db2\nVERSION=3\nformat=print\ntype=btree\ndb_pagesize=8192\nHEADER=END\n anna\n 20480 311\nDATA=END",
		Exit3:   "done, but parts of IN could not be read; each is listed",
		New: func(fs *pflag.FlagSet) cli.Action {
			var d dumpOptions
			fs.BoolVarP(&d.print, "print", "p", false, "printable characters as they are, instead of hexadecimal")
			fs.BoolVarP(&d.keys, "keys", "k", false, "record numbers of a recno or queue")
			fs.VarP(&d.sub, "subdatabase", "s", "print the sub-database `NAME` only")
			fs.BoolVarP(&d.list, "list", "l", false, "list the names of the sub-databases instead")
			d.format.Add(fs, "format", "", "`FORM` of the text: db_dump or json", "db_dump", "db_dump", "json")
			fs.StringVarP(&d.out, "output", "o", "-", "write to `FILE`")
			fs.StringVarP(&d.outOld, "file", "f", "", "the same `FILE`, as db_dump has it")
			fs.BoolVar(&d.force, "force", false, "replace FILE if it exists and holds something else")
			fs.BoolVar(&d.strict, "strict", false, "stop at the first damage")
			d.max.add(fs)
			return reading(d.run)
		},
	}
}

type dumpOptions struct {
	print, keys, list, force, strict bool
	sub                              subName
	max                              maxValue
	format                           flags.Choice
	out, outOld                      string
}

func (d *dumpOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	if len(args) != 1 {
		return cli.Usagef("one argument is wanted: the file to print")
	}
	if d.outOld != "" {
		d.out = d.outOld
	}
	if d.out != "-" && cli.SameFile(args[0], d.out) {
		return cli.Usagef("%s and %s are one file", args[0], d.out)
	}
	src, err := openSource(job, args[0], "")
	if err != nil {
		return err
	}
	defer src.Close()
	out, err := job.CreateOrKeep(d.out, d.force)
	if err != nil {
		return err
	}
	defer out.Abort()
	opts := dbconv.DumpOptions{
		Common: dbconv.Common{Log: job, Progress: job.Meter("records", 0, 0), Strict: d.strict, MaxItem: d.max.bytes(job)},
		Print:  d.print, Keys: d.keys, Subdatabase: d.sub.name, JSON: d.format.Value == "json",
	}
	if d.list {
		err = dbconv.ListSubdatabases(ctx, out, src, opts)
	} else {
		var rep dbconv.DumpReport
		rep, err = dbconv.Dump(ctx, out, src, opts)
		job.Count("records", rep.Records)
	}
	switch {
	case errors.Is(err, cli.ErrExists): // of the output
		return err
	case err != nil:
		return named(args[0], err)
	}
	return out.Commit()
}
