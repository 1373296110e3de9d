package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/dbconv"
)

const loadDoc = `
Reads text in the form of db_dump, of any release, from standard input or -f and
writes the database OUT: a btree or recno; a hash becomes a btree, and with -t recno a
queue or heap a recno. Page size,
byte order and kind are those that the text names, unless an option says otherwise. Records may
come in any order; what memory does not hold is sorted through temporary files.
A later record of a key replaces an earlier one, as with db_load, unless the database
has several records of a key (duplicates=1); with -n the first alone stays, in either.

Text with named databases (database=NAME) becomes a file with sub-databases.
With -T the text has no header: a key and a value in turn, a line each, of a recno
values only; -t says what they are. With --format json every line is an object as
dump writes it; the kind is -t, a btree unless said otherwise, and -c duplicates=1
keeps several records of a key.

A line that cannot be read is listed, its record left out, and the rest loaded.
Where a line is missing, or there is one too many, what could be a value and a key
is left out and listed: no record is made of it. Where the keys of a btree are out
of order and missing lines could be why, so are the records there: if the text was
put together in any order, -t hash takes them, and makes a btree of them too. For this the text is read twice,
from a pipe through a temporary file. JSON is taken strictly: members given twice,
unknown members, wrong types and bytes that are no UTF-8 are listed. A key or value
longer than --max-value is listed, and its record left out.

Memory stays below 64 MiB, as long as no value is longer than a few MiB.
` + targetDoc

func loadVerb() cli.Verb {
	return cli.Verb{
		Name:    "load",
		Args:    "OUT",
		Summary: "make a database from text, as db_load does",
		See:     []string{"dbconv-dump(1)", "db_load(1)"},
		Doc:     loadDoc,
		Example: "$ dbconv dump data.db2 | dbconv load --bdb 6 --byte-order big folder.db\ndbconv: done: records 1204, pages 31",
		Exit3:   "done, but parts of the text could not be read; each is listed",
		New: func(fs *pflag.FlagSet) cli.Action {
			var l loadOptions
			l.target.add(fs, 9, "that of the text, else big", "that of the text, else 8K")
			fs.StringVarP(&l.in, "file", "f", "-", "read from `FILE`")
			l.kind.Add(fs, "type", "t", "`KIND` of the database: btree, hash or recno, against what the text says", "", "btree", "hash", "recno")
			fs.BoolVarP(&l.plain, "text", "T", false, "the text has no header; -t is wanted")
			l.format.Add(fs, "format", "", "`FORM` of the text: db_dump or json", "db_dump", "db_dump", "json")
			fs.BoolVarP(&l.keepFirst, "no-overwrite", "n", false, "keep the first record of a key, list the others")
			fs.StringArrayVarP(&l.settings, "config", "c", nil, "`NAME=VALUE`: a header line, against what the text says")
			fs.VarP(&l.sub, "subdatabase", "s", "load into the sub-database `NAME`")
			fs.BoolVar(&l.strict, "strict", false, "stop at the first line that cannot be read and write nothing")
			l.max.add(fs)
			return l.run
		},
	}
}

type loadOptions struct {
	target
	sub                      subName
	max                      maxValue
	in                       string
	kind, format             flags.Choice
	plain, keepFirst, strict bool
	settings                 []string
}

func (l *loadOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	if len(args) != 1 {
		return cli.Usagef("one argument is wanted: the database to write")
	}
	out := args[0]
	opts, err := l.options(job, out)
	if err != nil {
		return err
	}
	if l.in != "-" && cli.SameFile(l.in, out) {
		return cli.Usagef("%s and %s are one file", l.in, out)
	}
	text, err := l.open(job)
	if err != nil {
		return err
	}
	defer text.Close()
	var rep dbconv.Report
	err = l.write(job, out, func(dst io.WriterAt) (err error) {
		rep, err = dbconv.Load(ctx, dst, text, opts)
		return named(l.in, err)
	})
	if errors.Is(err, dbconv.ErrSubdatabases) {
		return cli.WithHint(err, "--bdb 9 has sub-databases")
	}
	if err != nil {
		return err
	}
	counts(job, rep)
	return nil
}

// open opens the text. A plain file, as standard input too, can be read twice
// without a copy: it is an io.Seeker.
func (l *loadOptions) open(job *cli.Job) (io.ReadCloser, error) {
	if l.in == "-" {
		if f, err := job.PlainStdin(); f != nil || err != nil {
			return f, err
		}
	}
	in, err := job.Open(l.in)
	if err != nil {
		return nil, err
	}
	if in.File == nil {
		return in, nil
	}
	if _, err := in.File.Seek(0, io.SeekStart); err != nil {
		in.Close()
		return nil, err
	}
	return in.File, nil
}

func (l *loadOptions) options(job *cli.Job, out string) (dbconv.LoadOptions, error) {
	output := l.output(out)
	if l.kind.Value == "" && l.plain {
		return dbconv.LoadOptions{}, cli.Usagef("-T wants -t")
	}
	opts := dbconv.LoadOptions{
		JSON:   l.format.Value == "json",
		Common: dbconv.Common{Log: job, Progress: job.Meter("records", 0, 0), Strict: l.strict, MaxItem: l.max.bytes(job)},
		Output: output, Type: l.kind.Value, Plain: l.plain, KeepFirst: l.keepFirst, Subdatabase: l.sub.name,
	}
	for _, s := range l.settings {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return opts, cli.Usagef("-c: %q is not of the form name=value", s)
		}
		opts.Settings = append(opts.Settings, [2]string{name, value})
	}
	return opts, nil
}
