package main

import (
	"context"
	"io"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/dbconv"
	"imsconv/dbconv/mboxlist"
)

const folderDoc = `
Makes the folder.db of an iPlanet Messaging Server 5.x store from the data.db2
of a Netscape Messaging Server 4.x store (or another folder.db). The guide copied
the file; this also changes its version and byte order, checks its pages, renames
users and takes them over in batches. Records go over byte for byte, in the byte
order and page size of the source, on-disk version 6.

-m renames users: in the keys (user/<id> and user/<id>/<folder>) and as
identifiers of access control lists, where the value is text of the form
"partition TAB identifier TAB rights ..."; where two identifiers become one, its
rights are joined. A value of any other form goes over as it is and is a problem,
and so does a key that is no mailbox's, unless most are. A user whose new id
somebody else has, or gets too, keeps the old one, in all records, and is told.
-u takes only the users named; with it, records that are no user's stay behind. A user named in -m or -u who is in no
record is told; nothing selected of a database that has records is a problem.

Keys of another form are read with --key-form: %s stands for the id and the folder,
which are separated by the byte before it, and %00 for a zero byte, as in user.%s
or user/%s%00; a dot in an id is then stored as ^ where the separator is a dot.
Without it, the form that most keys have is named when users are to be found.
` + targetDoc + sourceDoc

func folderVerb() cli.Verb {
	return cli.Verb{
		Name:    "folder",
		Args:    "DATA.DB2 FOLDER.DB",
		Summary: "make folder.db from data.db2",
		See:     []string{"dbconv-mboxlist(1)", "dbconv-quota(1)", "storeconv-relocate(1)", "ims-store(5)"},
		Doc:     folderDoc,
		Example: "$ dbconv folder store/mboxlist/data.db2 folder.db\ndbconv: done: records 1204, pages 31",
		Exit3:   "done, but parts of the source, or records, could not be read; each is listed",
		New: func(fs *pflag.FlagSet) cli.Action {
			var f listFlags
			f.add(fs)
			return reading(f.runFolder)
		},
	}
}

// listFlags are the flags that folder and quota share.
type listFlags struct {
	target
	users   flags.Users
	strict  bool
	keyForm string
	max     maxValue
	src     *source // once it is open
}

func (f *listFlags) add(fs *pflag.FlagSet) {
	f.users.Add(fs)
	f.target.add(fs, 6, "that of the source", "that of the source")
	fs.BoolVar(&f.strict, "strict", false, "stop at the first damage and write nothing")
	f.max.add(fs)
	fs.StringVar(&f.keyForm, "key-form", "", "`FORM` of the keys, with %s for id and folder, as user.%s or user/%s%00 (default that of the store's databases)")
}

// options reads the files that the flags name.
func (f *listFlags) options(job *cli.Job, out string) (opts dbconv.ListOptions, err error) {
	names, err := f.users.Read(job)
	if err != nil {
		return opts, err
	}
	opts.Output = f.output(out)
	opts.Select, opts.Rename, opts.Named = names.Selected(), names.NewID(), names.Named
	if f.keyForm != "" {
		form, err := mboxlist.ParseKeyForm(f.keyForm)
		if err != nil {
			return opts, cli.Usagef("--key-form: %v", err)
		}
		opts.KeyForm = &form
	}
	opts.Common = dbconv.Common{Log: job, Progress: job.Meter("records", 0, 0), Strict: f.strict, MaxItem: f.max.bytes(job)}
	return opts, nil
}

func (f *listFlags) runFolder(ctx context.Context, job *cli.Job, args []string) error {
	return f.convert(job, args, func(opts dbconv.ListOptions, dst io.WriterAt, src *source) (dbconv.ListReport, error) {
		return dbconv.Folder(ctx, dst, src, opts)
	})
}

// source opens the source, once.
func (f *listFlags) source(job *cli.Job, in, out string) (*source, error) {
	var err error
	if f.src == nil {
		f.src, err = openSource(job, in, f.sortDir(out))
	}
	return f.src, err
}

func (f *listFlags) convert(job *cli.Job, args []string, do func(dbconv.ListOptions, io.WriterAt, *source) (dbconv.ListReport, error)) error {
	in, out, err := inOut(args)
	if err != nil {
		return err
	}
	opts, err := f.options(job, out)
	if err != nil {
		return err
	}
	src, err := f.source(job, in, out)
	if err != nil {
		return err
	}
	defer src.Close()
	var rep dbconv.ListReport
	err = f.write(job, out, func(dst io.WriterAt) (err error) {
		rep, err = do(opts, dst, src)
		return named(in, err)
	})
	if err != nil {
		return err
	}
	listCounts(job, rep)
	return nil
}

func listCounts(job *cli.Job, rep dbconv.ListReport) {
	job.Count("records", rep.Records)
	for _, c := range []struct {
		name string
		n    int64
	}{
		{"keys renamed", rep.Renamed}, {"values changed", rep.Changed}, {"added", rep.Added},
		{"not selected", rep.Unselected}, {"values of another form", rep.Opaque},
		{"deleted records passed over", rep.Deleted}, {"replaced", rep.Replaced},
	} {
		if c.n > 0 {
			job.Count(c.name, c.n)
		}
	}
	job.Count("pages", rep.Pages)
}
