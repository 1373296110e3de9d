package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/dbconv"
)

const salvageDoc = `
Writes every record that can still be read in the damaged, truncated or
not cleanly closed Berkeley DB file IN to the new database OUT. Every page is looked at:
the records of all leaves and buckets are taken, whatever the tree above them, the
buckets or the free list say; then pages of duplicates that no key led to are told
of. When the metadata page is unusable, page size, byte order and access method are
found from the pages. What is lost is listed: page, item, offset, reason; then what
was found is held against what the tree, the chains, the buckets, record counts
and the number of pages promise, and what is promised and not there is listed too.

Without -R the result holds nothing doubtful, and a file is refused that says it is
compressed, partitioned or sliced: what its pages hold are no records. With it, as
with db_dump -R, come deleted records too, records of pages whose checksum or own
number is wrong, and values whose key is lost, under the key UNKNOWN_KEY or, in a
recno, behind its last record; and what is on the pages of a file that is compressed
and the like, which it may say by damage alone.

OUT is a btree sorted by key in byte order (a recno stays one, a queue or heap becomes
one). A key found on two
pages keeps the record of the later page unless the database has duplicates, and is
listed unless both records are the same. Records of a file
with sub-databases that belong to none of them go to the sub-database __OTHER__. With
--format db_dump the result is the text form of db_dump, in page order, and OUT
may be "-".

IN is opened for reading only and never changed. OUT is written under another
name, made durable, and renamed; without --force it must not exist.
` + targetDoc + sourceDoc

func salvageVerb() cli.Verb {
	return cli.Verb{
		Name:    "salvage",
		Args:    "IN OUT",
		Summary: "write what can still be read of a damaged database",
		See:     []string{"dbconv-dump(1)", "dbconv-verify(1)", "db_dump(1)"},
		Doc:     salvageDoc,
		Example: "$ dbconv salvage broken.db rescued.db\ndbconv: problem: page 17 (offset 139264): page says it is page 4: its records are lost\ndbconv: done: records 2985, pages scanned 322, lost 1",
		Exit3:   "done, but parts of IN are lost; each is listed",
		New: func(fs *pflag.FlagSet) cli.Action {
			var s salvageOptions
			s.target.add(fs, 9, "that of IN", "that of IN")
			fs.BoolVarP(&s.aggressive, "aggressive", "R", false, "take what is doubtful too")
			fs.BoolVarP(&s.normal, "records", "r", false, "accepted as db_dump has it: the default")
			s.format.Add(fs, "format", "", "`FORM` of the result: db or db_dump", "db", "db", "db_dump")
			fs.BoolVarP(&s.print, "print", "p", false, "with --format db_dump: printable characters as they are")
			s.max.add(fs)
			return reading(s.run)
		},
	}
}

type salvageOptions struct {
	target
	aggressive, normal, print bool
	format                    flags.Choice
	max                       maxValue
}

func (s *salvageOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	in, out, err := inOut(args)
	if err != nil {
		return err
	}
	output := s.output(out)
	src, err := openSource(job, in, s.sortDir(out))
	if err != nil {
		return err
	}
	defer src.Close()
	opts := dbconv.SalvageOptions{
		Common:     dbconv.Common{Log: job, Progress: job.Meter("pages", 0, 0), MaxItem: s.max.bytes(job)},
		Output:     output,
		Aggressive: s.aggressive,
		Print:      s.print,
	}
	var rep dbconv.SalvageReport
	if s.format.Value == "db_dump" {
		rep, err = s.text(ctx, job, out, src, opts)
	} else {
		err = s.write(job, out, func(dst io.WriterAt) (err error) {
			rep, err = dbconv.Salvage(ctx, dst, src, opts)
			return err
		})
	}
	if refused := unread(in, err); refused != nil {
		return refused
	}
	if err != nil {
		return fmt.Errorf("%s: %w", cli.InputName(in), err)
	}
	job.Note(cli.InputName(in) + ": " + describe(rep.Meta))
	job.Count("records", rep.Written)
	if rep.Databases > 0 {
		job.Count("databases", int64(rep.Databases))
	}
	if rep.Replaced > 0 {
		job.Count("replaced", rep.Replaced)
	}
	job.Count("pages scanned", rep.Pages)
	job.Count("lost", rep.Lost)
	if rep.Doubtful > 0 {
		job.Hint("with -R, what is doubtful is taken too: pages whose number or checksum is wrong, values whose key is lost")
	}
	return nil
}

// text writes the result as db_dump text.
func (s *salvageOptions) text(ctx context.Context, job *cli.Job, out string, src *source, opts dbconv.SalvageOptions) (dbconv.SalvageReport, error) {
	file, err := job.CreateOrKeep(out, s.force)
	if err != nil {
		return dbconv.SalvageReport{}, err
	}
	defer file.Abort()
	rep, err := dbconv.SalvageText(ctx, file, src, opts)
	if err != nil {
		return rep, err
	}
	return rep, file.Commit()
}
