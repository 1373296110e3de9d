package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/dbconv"
)

const statDoc = `
Prints what db_stat -d tells of the Berkeley DB file IN, of any release from 1.85
to 5.3 and either byte order: version, byte order, flags, page size, levels, keys, data
items, pages of each kind with the bytes free on them, and the free list. Everything is
counted in the pages, by going through the structure of the database as verify
does; the counts cached in the file are not used and, other than by db_stat, not
written. A line is the figure, a TAB, and its name; with --format json the lines are
one array of objects with "value" and "text".

IN is opened for reading only and never changed.
` + sourceDoc

func statVerb() cli.Verb {
	return cli.Verb{
		Name:    "stat",
		Prints:  cli.Always,
		Args:    "IN",
		Summary: "print the figures of a database as db_stat does",
		See:     []string{"dbconv-verify(1)", "db_stat(1)"},
		Doc:     statDoc,
		Example: "$ dbconv stat folder.db\n53162\tBtree magic number\n6\tBtree version number\nBig-endian\tByte order\n...",
		Exit3:   "done, but the file has faults and the figures are incomplete",
		New: func(fs *pflag.FlagSet) cli.Action {
			var s statOptions
			fs.BoolVarP(&s.file, "database", "d", false, "accepted as db_stat has it: IN may follow")
			fs.VarP(&s.sub, "subdatabase", "s", "figures of the sub-database `NAME`")
			s.format.Add(fs, "format", "", "`FORM` of the output: text or json", "text", "text", "json")
			return reading(s.run)
		},
	}
}

type statOptions struct {
	file   bool
	sub    subName
	format flags.Choice
}

func (s *statOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	if len(args) != 1 {
		return cli.Usagef("one argument is wanted: the file to look at")
	}
	src, err := openSource(job, args[0], "")
	if err != nil {
		return err
	}
	defer src.Close()
	lines, err := dbconv.Stat(ctx, src, s.sub.name, dbconv.Common{Log: job})
	if err != nil {
		return named(args[0], err)
	}
	if s.format.Value == "json" {
		enc := json.NewEncoder(job.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(lines)
	}
	return printStat(job.Stdout, lines)
}

func printStat(w io.Writer, lines []dbconv.StatLine) error {
	b := bufio.NewWriter(w)
	for _, l := range lines {
		fmt.Fprintf(b, "%s\t%s\n", l.Value, l.Text)
	}
	return b.Flush()
}
