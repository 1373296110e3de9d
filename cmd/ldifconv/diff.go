package main

import (
	"context"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/ldifconv/diff"
	"imsconv/ldifconv/ldif"
)

const diffDoc = `
Compares two exports and writes the change records that turn A into B: deletions,
children before parents, then modifications, then additions, parents before
children. ldapmodify applies them; --undo FILE receives the way back.

Not a difference: the order of entries, attributes and values, folding and
base64, the spelling of DNs, attribute and class names, attributes that a server
keeps itself (creatorsName, modifyTimestamp, entryUUID ...), those of --ignore,
and the tombstones of a server. Any other byte of a value is one.

An entry under another name is deleted and added, unless --match ATTR names an
attribute, such as uid, whose value tells that it is the same entry: then it is
renamed (changetype modrdn) when no entry lies below it and no other entry that
goes or comes has the value. With --match additions come first and deletions
last, so that entries can move into new branches and out of old ones.

--format text shows the same for people: - gone, + new, ! changed, > renamed, and
below each the values.

What could not be read is not taken for missing: nothing is written of an entry
whose record is damaged on either side, nor, when a damaged record does not tell
its name, of entries that the other side alone has. Each is told. A file that is
no export, or one of change records, is refused before anything is written.

The exports may have any size. They are joined by an index in a scratch folder of
--temp, which takes as much room as both, and is removed at the end. Memory stays
below 64 MiB and 32 MiB for the index.

A and B are plain, gzip or LZ4 files; one of them may be - for standard input.
`

func diffVerb() cli.Verb {
	return cli.Verb{
		Name:    "diff",
		Args:    "A B",
		Summary: "write the changes that turn one export into another",
		See:     []string{"ldifconv-upgrade(1)", "ldapmodify(1)"},
		Doc:     diffDoc,
		Example: "$ ldifconv diff before.ldif after.ldif --undo back.ldif -o changes.ldif\n$ ldifconv diff --format text --ignore userPassword monday.ldif friday.ldif",
		Exit:    diffExit,
		ExitDoc: "0    the exports are equal\n1    they differ\n2    trouble: wrong options or arguments, a failure, a record that cannot be\n     compared\n130  interrupted",
		New: func(fs *pflag.FlagSet) cli.Action {
			o := diffOptions{maxEntry: 8 << 20}
			o.format.Add(fs, "format", "", "what is written, `FORM`: changes (records for ldapmodify) or text", "changes", "changes", "text")
			fs.StringVarP(&o.out, "output", "o", "-", "write to `FILE`")
			fs.StringVar(&o.undo, "undo", "", "write the change records that turn B into A to `FILE`")
			fs.BoolVar(&o.force, "force", false, "replace an output file that exists and holds something else")
			fs.StringArrayVar(&o.ignore, "ignore", nil, "do not compare the attribute `ATTR`, with whatever options; may be repeated")
			fs.StringVar(&o.match, "match", "", "know an entry under another name by its value of `ATTR`, such as uid")
			fs.StringArrayVar(&o.schemas, "schema", nil, "add the definitions of `FILE` to the schema, which knows aliases and DNs; may be repeated")
			cli.Reads(fs, "schema")
			fs.StringVar(&o.temp, "temp", "", "make the scratch folder in `DIR`")
			cli.Place(fs, "temp")
			fs.Var(&o.maxEntry, "max-entry", "report entries of more than `SIZE` bytes (K, M, G) as damaged")
			return o.run
		},
	}
}

// diffDiffers is the count that tells diffExit that the exports differ.
const diffDiffers = "differences"

// diffExit gives the statuses of diff(1).
func diffExit(status int, r cli.Report) int {
	switch {
	case status != cli.ExitDone:
		return 2
	case r.Counts.Get(diffDiffers) > 0:
		return 1
	}
	return 0
}

type diffOptions struct {
	format                 flags.Choice
	out, undo, match, temp string
	force                  bool
	ignore, schemas        []string
	maxEntry               flags.Size
}

func (o *diffOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	if len(args) != 2 {
		return cli.Usagef("diff takes two exports")
	}
	if o.maxEntry <= 0 {
		return cli.Usagef("--max-entry %d: a size above 0", int64(o.maxEntry))
	}
	if args[0] == "-" && args[1] == "-" {
		return cli.Usagef("only one export can be standard input")
	}
	hintMaxEntry(job)
	opt := diff.Options{Ignore: o.ignore, Match: o.match, MaxEntry: int(o.maxEntry), TempDir: o.temp, Log: job}
	for _, name := range append([]string{o.match}, o.ignore...) {
		if name != "" && !isDescription(name) {
			return cli.Usagef("%q is no attribute description", name)
		}
	}
	if o.format.Value == "text" {
		opt.Format = diff.Text
	}
	for _, path := range []string{o.out, o.undo} {
		if path != "-" && (cli.SameFile(path, args[0]) || cli.SameFile(path, args[1])) {
			return cli.Usagef("%s: is an input and an output", path)
		}
	}
	if o.undo != "" && o.undo == o.out && o.out != "/dev/null" {
		return cli.Usagef("%s: is the output and the undo", o.undo)
	}
	var err error
	if opt.Schema, err = readSchemas(job, o.schemas); err != nil {
		return err
	}
	if err := scratchRoom(o.temp, totalSize(args)); err != nil {
		return err
	}
	inputs, closeAll, err := openInputs(job, args)
	if err != nil {
		return err
	}
	defer closeAll()
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(32<<20 + diff.Cache/2 + 4*max(0, int64(o.maxEntry)-8<<20)))
	two := ldifInputs(inputs)
	return o.compare(ctx, job, two[0], two[1], opt)
}

// isDescription reports whether name can be an attribute description: a name or
// an OID, and options.
func isDescription(name string) bool {
	for i, part := range strings.Split(name, ";") {
		part = strings.ToLower(part)
		if part == "" || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			return false
		}
		if i == 0 && strings.IndexByte("-_.", part[0]) >= 0 {
			return false
		}
	}
	return true
}

// compare runs the comparison into its files.
func (o *diffOptions) compare(ctx context.Context, job *cli.Job, a, b ldif.Input, opt diff.Options) error {
	files := outputs{job: job, force: o.force}
	defer files.close()
	out, err := files.create(o.out)
	if err != nil {
		return err
	}
	if o.undo != "" {
		if opt.Undo, err = files.create(o.undo); err != nil {
			return err
		}
	}
	opt.Progress = job.Meter("entries", 0, 0)
	r, err := diff.Run(ctx, out, a, b, opt)
	if err != nil {
		return err
	}
	if err := files.commit(); err != nil {
		return err
	}
	job.Count("entries of A", r.A)
	job.Count("entries of B", r.B)
	job.Count("deleted", r.Deleted)
	job.Count("modified", r.Modified)
	job.Count("renamed", r.Renamed)
	job.Count("added", r.Added)
	if r.Withheld > 0 {
		job.Count("withheld", r.Withheld)
	}
	if r.Tombstones > 0 {
		job.Count("tombstones left alone", r.Tombstones)
	}
	job.Count(diffDiffers, r.Deleted+r.Modified+r.Renamed+r.Added)
	return nil
}
