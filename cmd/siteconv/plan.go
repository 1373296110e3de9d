package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/runbook"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/survey"
	"imsconv/storeconv/durable"
)

const planDoc = `Writes the runbook of a site: every step of the migration guide's scenario in its
order, with command lines that hold the values of site.toml, quoted for the
shell and for the LDAP client that the site has. Each step names the machine,
says why it is done, what is seen when all went well and how to go back; a step
that cannot be taken back is preceded by a check. Our commands stand in the place
of imsdirmig, imsdaaci, imbackup | imsrestore and cp, and name them; where our
way differs from the guide's, the step says so and why. Announcements, conditions
and the space that everything takes are there too.

    DIR/runbook.LANG.md     Markdown with boxes to tick
    DIR/runbook.LANG.html   one page without scripts, for a screen and for paper

The inputs are looked at for their sizes, where they are there already. Hours
are told with --bench FILE, a report of storeconv bench --report FILE for the
disk of the new store.

In the scenario sims-online, old mail follows new mail as in the guide, or is
put in place before anything is delivered (--old-mail before); the runbook says
what each costs. In sims-incremental the users go in a pilot batch and as many
even batches as --batches says.

Nothing is changed and no password is asked for, stored or printed.`

func planVerb() cli.Verb {
	return cli.Verb{
		Name:    "plan",
		Prints:  cli.Always,
		Summary: "write the runbook of a site, in English or Japanese",
		See:     []string{"siteconv-init(1)", "siteconv-run(1)", "storeconv-bench(1)"},
		Doc:     planDoc,
		Example: `siteconv plan --site site --lang ja --out plan
storeconv bench --dir /srv/new --report bench.json && siteconv plan --site site --out plan --bench bench.json --force`,
		New: func(fs *pflag.FlagSet) cli.Action {
			f := planFlags{lang: flags.NewChoice("en", runbook.Langs()...), old: flags.NewChoice(runbook.After, runbook.After, runbook.Before)}
			fs.StringVar(&f.site, "site", "", "`DIR` with a site.toml, or the file itself")
			cli.Place(fs, "site")
			fs.Var(&f.lang, "lang", "language of the runbook, `LANG`: en or ja")
			fs.StringVar(&f.out, "out", "", "write the runbook to `DIR`, which is made when it is missing")
			cli.Place(fs, "out")
			fs.StringVar(&f.converted, "converted", "", "the `FOLDER` that the runbook's own commands write to (default converted below --out)")
			cli.Place(fs, "converted")
			fs.StringVar(&f.bench, "bench", "", "tell hours, by `FILE`, the report of storeconv bench (- for standard input)")
			fs.Var(&f.old, "old-mail", "of sims-online: old mail comes in `WHEN`: after or before new mail is delivered")
			fs.IntVar(&f.batches, "batches", 0, "of sims-incremental: `N` batches behind the pilot batch (default: one for 1,500 users)")
			fs.BoolVar(&f.force, "force", false, "replace a runbook that exists and says something else")
			f.oldGiven = func() bool { return fs.Changed("old-mail") }
			return f.run
		},
	}
}

// planFlags are the command line of plan.
type planFlags struct {
	site, out, converted, bench string
	lang, old                   flags.Choice
	batches                     int
	force                       bool
	oldGiven                    func() bool
}

// mostPlanned is how many batches a runbook has at most: each has its pages.
const mostPlanned = 200

func (f *planFlags) run(ctx context.Context, job *cli.Job, args []string) error {
	switch {
	case len(args) > 0:
		return cli.Usagef("plan takes no arguments: %q", args[0])
	case f.site == "" || f.out == "":
		return cli.Usagef("--site and --out are needed")
	case f.batches < 0 || f.batches > mostPlanned:
		return cli.Usagef("--batches %d: 1 to %d", f.batches, mostPlanned)
	}
	in, err := f.input(job)
	if err != nil {
		return err
	}
	if in.Facts, err = survey.Read(ctx, job, in.Site); err != nil {
		return err
	}
	plan, err := runbook.Build(in)
	if err != nil {
		return err
	}
	return f.write(job, plan)
}

// input is what the command line and site.toml say.
func (f *planFlags) input(job *cli.Job) (runbook.Input, error) {
	in := runbook.Input{Lang: runbook.Lang(f.lang.Value), OldMail: f.old.Value, Batches: f.batches}
	s, err := loadSite(job, f.site)
	if err != nil {
		return in, cli.WithHint(err, "siteconv init writes a site.toml")
	}
	s.Complete()
	if err := s.CheckPlan(); err != nil {
		return in, err
	}
	in.Site = s
	job.Source(f.site)
	switch {
	case f.oldGiven() && s.Scenario != site.SIMSOnline:
		return in, cli.Usagef("--old-mail is of sims-online; the scenario of %s is %s", s.Path, s.Scenario)
	case f.batches > 0 && s.Scenario != site.SIMSIncremental:
		return in, cli.Usagef("--batches is of sims-incremental; the scenario of %s is %s", s.Path, s.Scenario)
	}
	for _, p := range []*string{&s.Path, &s.Dir, &f.out} {
		if *p, err = filepath.Abs(*p); err != nil {
			return in, err
		}
	}
	in.Folder, in.Converted = f.out, filepath.Join(f.out, "converted")
	if f.converted != "" {
		if in.Converted, err = filepath.Abs(f.converted); err != nil {
			return in, err
		}
	}
	if err := apartFrom(s.Dir, in.Folder, in.Converted); err != nil {
		return in, err
	}
	if f.bench != "" {
		in.Rates, err = readRates(job, f.bench)
	}
	return in, err
}

// apartFrom refuses folders inside of a site's, and the other way round:
// nothing is written beside inputs, and the runbook's own commands would be
// refused.
func apartFrom(site string, folders ...string) error {
	for _, folder := range folders {
		if durable.Nest(folder, site) {
			return cli.WithHint(fmt.Errorf("%s and the folder of the site, %s, lie inside each other", folder, site), "name a folder elsewhere with --out")
		}
	}
	return nil
}

// write writes both forms of the plan.
func (f *planFlags) write(job *cli.Job, plan *runbook.Plan) error {
	if err := os.MkdirAll(f.out, 0o777); err != nil {
		return err
	}
	for _, form := range []struct {
		ext   string
		write func(io.Writer) error
	}{{"md", plan.WriteMarkdown}, {"html", plan.WriteHTML}} {
		path := filepath.Join(f.out, fmt.Sprintf("runbook.%s.%s", plan.Lang, form.ext))
		if err := f.writeFile(job, path, form.write); err != nil {
			return err
		}
		job.Output("runbook", path)
		if _, err := fmt.Fprintln(job.Stdout, path); err != nil {
			return err
		}
	}
	steps := 0
	for _, ph := range plan.Phases {
		steps += len(ph.Steps)
	}
	job.Count("steps", int64(steps))
	return nil
}

// writeFile writes a file. One that says the same already is left as it is.
func (f *planFlags) writeFile(job *cli.Job, path string, write func(io.Writer) error) error {
	var text bytes.Buffer
	if err := write(&text); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, text.Bytes()) {
		return nil
	}
	w, err := job.Create(path, f.force)
	if err != nil {
		return cli.WithHint(err, "--force replaces it")
	}
	defer w.Abort()
	if _, err := w.Write(text.Bytes()); err != nil {
		return err
	}
	return w.Commit()
}

// benchReport is what a plan wants of a report of storeconv bench.
type benchReport struct {
	Rows []struct {
		Jobs int    `json:"jobs"`
		Sync string `json:"sync"`
		benchRate
		Verify benchRate `json:"verify"`
	} `json:"rows"`
	Best *struct {
		Row int `json:"row"`
	} `json:"best"`
}

type benchRate struct {
	MessagesPerS float64 `json:"messages_per_s"`
	MBPerS       float64 `json:"mb_per_s"`
}

// readRates reads the speed of the best setting from a report.
func readRates(job *cli.Job, path string) (*runbook.Rates, error) {
	in, err := job.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var b benchReport
	if err := json.NewDecoder(in).Decode(&b); err != nil {
		return nil, fmt.Errorf("%s: no report: %w", path, err)
	}
	if b.Best == nil || b.Best.Row < 0 || b.Best.Row >= len(b.Rows) {
		return nil, cli.WithHint(fmt.Errorf("%s: no report of storeconv bench", path), "storeconv bench --dir DIR --report FILE writes one")
	}
	row := b.Rows[b.Best.Row]
	if row.MessagesPerS <= 0 || row.MBPerS <= 0 {
		return nil, fmt.Errorf("%s: row %d has no messages_per_s and mb_per_s", path, b.Best.Row)
	}
	return &runbook.Rates{
		Restore: runbook.Rate(row.benchRate), Verify: runbook.Rate(row.Verify), Jobs: row.Jobs, Sync: row.Sync,
	}, nil
}
