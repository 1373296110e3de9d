package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/ledger"
	"imsconv/cmd/internal/page"
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

Where the output holds less mail than the runs have made, an index of a store
names a message whose file is not there, or something else that a run has made is
gone, such as a list of mailboxes or records, that is a problem. The mailboxes that
had more are named as far as the list of the last report in OUT has them; that
list then stays, as report.mailboxes.whole.tsv, until the mail is back.

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
all. Nothing of OUT is changed beside these files. The summary goes to
standard output, with --format json as an object.`,
		Example: `siteconv report converted
siteconv report converted --lang ja --out /srv/www/migration`,
		Exit3: "written, but something of the output is gone since the run, or could not be read; each is listed",
		New: func(fs *pflag.FlagSet) cli.Action {
			var f reportFlags
			f.lang.Add(fs, "lang", "", "`LANG` of the page: en or ja", ledger.Langs[0], ledger.Langs...)
			f.format.Add(fs, "format", "", "`FORM` of the summary: text or json", "text", "text", "json")
			fs.StringVar(&f.out, "out", "", "folder `DIR` for the files, made when it is missing (default OUT)")
			cli.Place(fs, "out")
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
	l, err := writeReport(ctx, job, args[0], f.out, reporting{langs: []string{f.lang.Value}, digests: !f.noDigests, gone: true})
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

// reporting is how a report is made.
type reporting struct {
	langs   []string // of the page
	digests bool     // messages are read for them
	gone    bool     // mail that the runs have made, and that is not there, is told
}

// writeReport reads the output of a conversion and writes its page, in each of
// some languages, and its list of mailboxes into a folder.
func writeReport(ctx context.Context, job *cli.Job, from, into string, r reporting) (*ledger.Ledger, error) {
	l, err := ledger.Open(from)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(into, 0o777); err != nil {
		return nil, err
	}
	err = outdir.WriteFile(job, filepath.Join(into, ledger.ListName), func(w *cli.OutputFile) error {
		err := l.Read(ctx, ledger.Reading{Digests: r.digests, List: w, Progress: job.Meter("mailboxes", 0, 0)})
		if err == nil && r.gone {
			err = tellGone(ctx, job, l)
		}
		if err == nil && isFolder(from, into) {
			err = keepWhole(job, l)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, u := range l.Unread {
		job.Problem(u.Kind, u.Where, u.Why)
	}
	for _, lang := range r.langs {
		path := filepath.Join(into, ledger.HTMLName(lang))
		if err := outdir.WriteFile(job, path, func(w *cli.OutputFile) error { return l.HTML(w, lang) }); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// tellGone tells of mail that is not there any more, by mailbox as far as the
// lists of earlier reports know, one of which the new list is about to replace.
func tellGone(ctx context.Context, job *cli.Job, l *ledger.Ledger) error {
	n := l.Gone()
	if n == 0 {
		return nil
	}
	job.Problem("mail-gone", l.Out, fmt.Sprintf("%s gone, or cannot be read, of those that the conversion has made", page.Amount(n, "message is", "messages are")))
	lists := []string{filepath.Join(l.Out, ledger.WholeListName), filepath.Join(l.Out, ledger.ListName)}
	return l.GoneBoxes(ctx, lists, func(b ledger.GoneBox) {
		job.Problem("mail-gone", "user/"+b.User+"/"+b.Folder, fmt.Sprintf("the mailbox has %s, and had %s when the report was made last", page.Amount(b.Is, "message", "messages"), page.Int(b.Was)))
	})
}

// keepWhole keeps the list of before mail was gone, which the new one is about
// to replace, for as long as mail is: the next report would not know what there
// was.
func keepWhole(job *cli.Job, l *ledger.Ledger) error {
	whole := filepath.Join(l.Out, ledger.WholeListName)
	if l.Gone() == 0 {
		if err := os.Remove(whole); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	list, err := os.Open(filepath.Join(l.Out, ledger.ListName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer list.Close() // opened for reading
	if !missing(whole) {
		return nil
	}
	return outdir.WriteFile(job, whole, func(w *cli.OutputFile) error { _, err := io.Copy(w, list); return err })
}

// isFolder tells whether two paths are one folder.
func isFolder(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
