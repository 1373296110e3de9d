package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/ledger"
	"imsconv/cmd/siteconv/internal/outdir"
)

// reportFlags are the command line of report.
type reportFlags struct {
	lang, format flags.Choice
	out          string
	noDigests    bool
}

func reportVerb() cli.Verb {
	return cli.Verb{
		Name:    "report",
		Prints:  cli.Always,
		Args:    "OUT",
		Summary: "tell what a conversion has made: a page, a list of mailboxes, a summary",
		See:     []string{"siteconv-run(1)", "storeconv-export(1)"},
		Doc: `Reads the output of siteconv run in the folder OUT, its report.json and those of
its batches, and writes

    report.LANG.html       one page for screen, phone and paper, without scripts
    report.mailboxes.tsv   a line a mailbox

Problems come first, with their places and what to do about each kind. Then what
went in and what came out, so that the sums agree: source = written + linked +
left out by rule + refused; and the same figures as counted in the output as it
lies there now. Then warnings, the directory before and after, domains, users,
who is over quota, mailboxes, dates, sizes, time and throughput, and the identity
(SHA-256) of every input with versions and options.

The columns of report.mailboxes.tsv, separated by TABs: user, folder, messages,
bytes, UIDVALIDITY, digest, state, reason. What is not known is "-". The digest is
the SHA-256 over lines "UID SHA-256" of the mailbox's messages, in the order of
their UIDs; storeconv export --results has the same. A store's own index has what
it needs; of Maildirs, and of a store that came from NMS, the messages are read,
unless --no-digests is there. The state is whole, incomplete (a problem names the
mailbox), missing (a problem names it, and it is not in OUT) or unsure (none names
it, but some loss names no mailbox, so that it may be one of this; a loss of a batch
is one of its users). A TAB, a line
end, a byte that does not print and a backslash are written \t, \n, \xHH and \\.

The page shows the first and the largest of long tables and says so; the list has
all. Nothing of OUT is changed beside these two files. The summary goes to
standard output, with --format json as an object.`,
		Example: `siteconv report converted
siteconv report converted --lang ja --out /srv/www/migration`,
		Exit3: "written, but something of the output could not be read; each is listed",
		New: func(fs *pflag.FlagSet) cli.Action {
			var f reportFlags
			f.lang.Add(fs, "lang", "", "`LANG` of the page: en or ja", ledger.Langs[0], ledger.Langs...)
			f.format.Add(fs, "format", "", "`FORM` of the summary: text or json", "text", "text", "json")
			fs.StringVar(&f.out, "out", "", "folder `DIR` for the files, made when it is missing (default OUT)")
			fs.BoolVar(&f.noDigests, "no-digests", false, "do not read messages: no digests of Maildirs and of stores from NMS")
			return f.run
		},
	}
}

func (f *reportFlags) run(ctx context.Context, job *cli.Job, args []string) error {
	switch {
	case len(args) != 1:
		return cli.Usagef("report takes one argument, the folder OUT of a conversion")
	}
	if err := cli.NoFolder("OUT", args[0]); err != nil {
		return err
	}
	if f.out == "" {
		f.out = args[0]
	}
	job.Source(args[0])
	l, err := writeReport(ctx, job, args[0], f.out, []string{f.lang.Value}, !f.noDigests)
	if err != nil {
		return err
	}
	figures := l.Figures()
	job.Data(&figures)
	if f.format.Value == "json" {
		return figures.WriteJSON(job.Stdout)
	}
	if err := l.Summary(job.Stdout); err != nil {
		return err
	}
	_, err = fmt.Fprintf(job.Stdout, "\n%s\n%s\n", filepath.Join(f.out, ledger.HTMLName(f.lang.Value)), filepath.Join(f.out, ledger.ListName))
	return err
}

// writeReport reads the output of a conversion and writes its page, in each of
// some languages, and its list of mailboxes into a folder.
func writeReport(ctx context.Context, job *cli.Job, from, into string, langs []string, digests bool) (*ledger.Ledger, error) {
	l, err := ledger.Open(from)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(into, 0o777); err != nil {
		return nil, err
	}
	err = outdir.WriteFile(job, filepath.Join(into, ledger.ListName), func(w *cli.OutputFile) error {
		return l.Read(ctx, ledger.Reading{Digests: digests, List: w, Progress: job.Meter("mailboxes", 0, 0)})
	})
	if err != nil {
		return nil, err
	}
	for _, u := range l.Unread {
		job.Problem(u.Kind, u.Where, u.Why)
	}
	for _, lang := range langs {
		path := filepath.Join(into, ledger.HTMLName(lang))
		if err := outdir.WriteFile(job, path, func(w *cli.OutputFile) error { return l.HTML(w, lang) }); err != nil {
			return nil, err
		}
	}
	return l, nil
}
