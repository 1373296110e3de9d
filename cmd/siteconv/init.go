package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/fold"
)

const initDoc = `
Looks at the folder DIR with the inputs of a site, and writes DIR/site.toml, the
file that run and plan read: which product the directory export is of, its top
entries, domains and mail hosts, the default domain, how many users, messages and
bytes there are. What was found, and how it is known, is printed, and stands in
the file as comments. Every other key stands there with what it means and an
example.

Inputs are known by what they hold, not by their names: a directory export in
LDIF, plain, gzip or LZ4; a SIMS backup stream, plain or so compressed; a folder
of mailbox files or of Maildirs; a store of NMS. They may lie in folders of DIR,
and be links. Where several could be one input, all are named: the one with the
usual name (export.ldif, backup.sims, store) is taken, with a warning, and none
without it.

A site.toml that is there is replaced with --force only. Nothing else is written
into DIR. Where nothing can be written there, --output puts the file elsewhere,
with the whole paths of the inputs.
`

func initVerb() cli.Verb {
	return cli.Verb{
		Name:    "init",
		Prints:  cli.Always,
		Args:    "DIR",
		Place:   true,
		Summary: "look at the inputs of a site and write its site.toml",
		See:     []string{"siteconv-plan(1)", "siteconv-run(1)"},
		Doc:     initDoc,
		Files:   "  DIR/site.toml  what was found, and every key with what it means",
		Example: "siteconv init site\nsiteconv init --scenario sims-incremental site\nsiteconv init --output - /mnt/archive",
		New: func(fs *pflag.FlagSet) cli.Action {
			var f initFlags
			f.scenario.Add(fs, "scenario", "", "the scenario, `NAME`: sims-offline, sims-online, sims-incremental or nms-single (default: sims-offline or nms-single, by the product)", "", site.Scenarios()...)
			fs.StringVarP(&f.output, "output", "o", "", "write to `FILE` in place of DIR/site.toml; - is standard output")
			fs.BoolVar(&f.force, "force", false, "replace a site.toml that is there")
			fs.BoolVar(&f.dryRun, "dry-run", false, "look and print, write nothing")
			return f.run
		},
	}
}

type initFlags struct {
	scenario      flags.Choice
	output        string
	force, dryRun bool
}

func (f *initFlags) run(ctx context.Context, job *cli.Job, args []string) error {
	switch {
	case len(args) == 0:
		return cli.Usagef("which folder? (init DIR)")
	case len(args) > 1:
		return cli.Usagef("init takes one folder: what is %q?", args[1])
	}
	dir := args[0]
	if err := cli.NoFolder("DIR", dir); err != nil {
		return err
	}
	path := cmp.Or(f.output, filepath.Join(dir, site.FileName))
	if f.dryRun {
		job.DryRun()
	} else if err := f.mayWrite(path); err != nil {
		return err
	}
	job.Source(dir)
	if there := filepath.Join(dir, site.FileName); !cli.SameFile(path, there) {
		if err := job.KeepsStill(there); err != nil { // it stays as it is
			return err
		}
	}
	s, ev, err := site.Look(ctx, job, dir, f.scenario.Value)
	if err != nil {
		return err
	}
	for _, w := range ev.Warnings {
		job.Warning(w.Kind, inFolder(dir, w.Where), w.Text)
	}
	if err := f.write(job, dir, path, s, ev); err != nil {
		return err
	}
	if path != "-" {
		err = tellFound(job, dir, path, s, ev)
	}
	if err == nil && f.dryRun {
		return f.mayWrite(path) // what is there is told, and then what stands in the way
	}
	return err
}

// mayWrite refuses to replace a file before anything is looked at.
func (f *initFlags) mayWrite(path string) error {
	if f.force || path == "-" {
		return nil
	}
	if _, err := os.Lstat(path); err != nil {
		return nil // what is wrong with its folder is met by looking at it
	}
	return cli.WithHint(fmt.Errorf("%s is there already", path), "edit it, or replace it with --force; --output - shows what would be written")
}

// write writes the file and reads it again.
func (f *initFlags) write(job *cli.Job, dir, path string, s *site.Site, ev *site.Evidence) error {
	if f.output != "" {
		if err := wholePaths(dir, s, ev); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if err := site.Write(&b, s, ev); err != nil {
		return err
	}
	if _, err := site.Parse(path, b.Bytes()); err != nil { // the name of a folder above
		return fmt.Errorf("the file would not load: %w", err)
	}
	if f.dryRun {
		if _, err := job.CreateDry(path, true); err != nil {
			return readOnly(err, dir)
		}
		return nil
	}
	out, err := job.Create(path, f.force)
	if err != nil {
		return readOnly(err, dir)
	}
	defer out.Abort()
	if _, err := out.Write(b.Bytes()); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	if path != "-" {
		job.Output("file of the site", path)
		job.Next("look at " + cli.Quote(path) + ", and say what is missing in it")
	}
	return nil
}

// readOnly says what to do where nothing can be written.
func readOnly(err error, dir string) error {
	if errors.Is(err, fs.ErrPermission) || strings.Contains(err.Error(), "read-only") {
		return cli.WithHint(err, "--output FILE writes the file to another place than "+dir)
	}
	return err
}

// wholePaths makes the paths of inputs those of anywhere.
func wholePaths(dir string, s *site.Site, ev *site.Evidence) error {
	full, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for _, in := range []*string{&s.Inputs.LDIF, &s.Inputs.Stream, &s.Inputs.Store} {
		if *in != "" {
			*in = filepath.Join(full, *in)
		}
	}
	for _, others := range ev.Others {
		for i := range others {
			others[i] = filepath.Join(full, others[i])
		}
	}
	return nil
}

// inFolder is where a warning is about, in one line.
func inFolder(dir, name string) string {
	if name == "" {
		return dir
	}
	return oneLine(filepath.Join(dir, name))
}

// oneLine quotes a name that would not stand in a line as it is.
func oneLine(name string) string {
	if quoted := strconv.QuoteToGraphic(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

// tellFound prints what lies in the folder, and what follows.
func tellFound(job *cli.Job, dir, path string, s *site.Site, ev *site.Evidence) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Found in %s:\n", dir)
	if len(ev.Found) == 0 {
		b.WriteString("  nothing\n")
	}
	for _, used := range []bool{true, false} {
		for _, f := range ev.Found {
			if f.Used == used {
				b.WriteString(findingLine(f))
			}
		}
	}
	var known []string
	for _, v := range s.Values() {
		how, text := ev.How[v.Key], v.Text
		if n := strings.Count(text, "\n"); n > 0 {
			text = fmt.Sprintf("[a list of %d]", n-1)
		}
		if how != "" {
			known = append(known, fmt.Sprintf("  %s = %s\n%s", v.Key, text, fold.Prose(how, "      ", "      ")))
		}
	}
	if len(known) > 0 {
		fmt.Fprintf(&b, "\nKnown from that:\n%s", strings.Join(known, ""))
	}
	filled := *s
	filled.Directory.Domains = slices.Clone(s.Directory.Domains)
	filled.Complete()
	var unsaid []string
	for _, k := range site.Keys() {
		if others := ev.Others[k.Name]; len(others) > 1 && ev.How[k.Name] == "" && s.Uses(k.Name) {
			unsaid = append(unsaid, fold.Prose(fmt.Sprintf("%s: one of %s", k.Name, strings.Join(others, ", ")), "  ", "      "))
		}
	}
	if len(unsaid) > 0 {
		fmt.Fprintf(&b, "\nTo be chosen:\n%s", strings.Join(unsaid, ""))
	}
	if missing := filled.Missing(); len(missing) > 0 {
		fmt.Fprintf(&b, "\nTo be filled in for a runbook (siteconv plan):\n")
		for _, k := range missing {
			b.WriteString(fold.Prose(k.Name+": "+k.Doc, "  ", "      "))
		}
	}
	_, err := fmt.Fprint(job.Stdout, b.String())
	return err
}

// findingLine is what is said of one thing in the folder.
func findingLine(f site.Finding) string {
	what := f.What
	if !f.Used {
		what = "not used: " + what
	}
	line := fold.Prose(oneLine(f.Name)+": "+what, "  ", "      ")
	if f.Text != "" {
		line += fold.Prose(f.Text, "      ", "      ")
	}
	return line
}
