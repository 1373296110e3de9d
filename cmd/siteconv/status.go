package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/ledger"
	"imsconv/cmd/internal/manual"
	"imsconv/cmd/internal/page"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/cmd/siteconv/internal/outdir"
)

const statusDoc = `Lists the batches of an output folder of the scenario sims-incremental, with
their states:

    begun      its users are not all written down: the same command goes on
    planned    the records that lock its users are there
    locked     the export has all of them locked
    restoring  its mail is not all there: the same command goes on
    restored   its mail is there, and the records that unlock and move its users
    done       the export has all of them on the new host, and not locked
    lost       its list of users is gone or not whole, or its state: that is a problem, and no
               batch is made before it is back. USERS are those whose entries
               it has kept

A user whom the site had locked before the batch is done with that lock, which
the unlock gives back, and is named below the table. So are users of the old host
who are in no batch, those who can be in none, because their id cannot stand in a
list, and those who had an entry and have none now: a batch with such users is
not done, for the export may lack more than those who were deleted.

What has been done to the directory is known from an export that is newer than
the batch: --ldif names one, and then the table says how many entries of each
batch are locked and how many have moved. Without --ldif it is the export of the
last run without --batch that is read, for the users who are in no batch. Nothing
is written.`

func statusVerb() cli.Verb {
	return cli.Verb{
		Name:    "status",
		Prints:  cli.Always,
		Args:    "OUT",
		Summary: "list the batches of a migration, and who is in none",
		See:     []string{"siteconv-run(1)"},
		Doc:     statusDoc,
		Example: "$ siteconv status moved\n$ siteconv status moved --ldif today.ldif --format json",
		Exit3:   "a record of the export could not be read, a user has no id that can stand in a list, or a batch has lost its list of users or its state; each is listed",
		New: func(fs *pflag.FlagSet) cli.Action {
			var f statusFlags
			fs.StringVar(&f.ldif, "ldif", "", "directory export `FILE`, as new as possible (- for standard input)")
			cli.Reads(fs, "ldif")
			f.format.Add(fs, "format", "", "`FORM` of the list: text or json", "text", "text", "json")
			return f.run
		},
	}
}

type statusFlags struct {
	ldif   string
	format flags.Choice
}

// status is what the verb tells.
type status struct {
	Batches []*batches.Row `json:"batches"`
	Splits  []partsLeft    `json:"splits,omitempty"`
	// Closing is "finished", "users left" (finished, and not for all), "begun"
	// or "not begun".
	Closing string `json:"closing"`
	// OfNoBatch are users of the old host; nil when there is no export.
	OfNoBatch []string `json:"users_of_no_batch"`
	// Unlisted are users of the old host who can be in no batch.
	Unlisted []batches.Unlisted `json:"users_of_no_list,omitempty"`
	// Gone had an entry when their batch, or the migration, began.
	Gone []string `json:"users_gone,omitempty"`
	// GoneLists are the DNs of mail lists that were there when the migration
	// began.
	GoneLists []string `json:"lists_gone,omitempty"`
	// LockedBefore have moved with a lock that is older than their batch.
	LockedBefore []string `json:"locked_before_batch,omitempty"`
	Export       string   `json:"export,omitempty"` // where they are from
}

// partsLeft are the parts of a split of which there is no batch yet.
type partsLeft struct {
	Lists int   `json:"lists"`
	Left  []int `json:"left"`
}

func (f *statusFlags) run(ctx context.Context, job *cli.Job, args []string) error {
	if len(args) != 1 {
		return cli.Usagef("which output folder? status OUT")
	}
	if err := cli.NoFolder("OUT", args[0]); err != nil {
		return err
	}
	job.Source(args[0])
	c, err := outputOf(args[0])
	if err != nil {
		return err
	}
	s, err := readStatus(job, c.whole)
	if err != nil {
		return err
	}
	if err := f.findExport(c, job); err != nil {
		return err
	}
	if len(c.inputs) > 0 {
		if stdin := c.inputs[0].Stdin; stdin != nil {
			defer stdin.Close()
		}
		if err := s.look(ctx, c, job); err != nil {
			return err
		}
	}
	if f.format.Value == "json" {
		enc := json.NewEncoder(job.Stdout)
		enc.SetEscapeHTML(false)
		return enc.Encode(s)
	}
	return s.print(job.Stdout)
}

// outputOf is the conversion that an output folder is of, as far as its batches
// need it.
func outputOf(out string) (*conversion, error) {
	st, err := outdir.ReadState(out)
	switch {
	case err != nil:
		return nil, err
	case st == nil:
		return nil, fmt.Errorf("%s is no output folder of siteconv run", out)
	case st.Scenario != site.SIMSIncremental:
		return nil, fmt.Errorf("%s is of the scenario %s, which has no batches", out, st.Scenario)
	}
	c := &conversion{site: &site.Site{}, whole: out, out: out, defaultDomain: st.Options["default-domain"]}
	if base := st.Options["base"]; base != "" {
		c.site.Directory.Base = strings.Split(base, "\n")
	}
	names, err := batches.Names(out)
	if err != nil || len(names) == 0 {
		return c, err
	}
	// The hosts are those of the batches: they are the same ones for all.
	first, err := outdir.ReadState(batches.Dir(out, names[0]))
	if err != nil || first == nil {
		return c, err
	}
	c.site.Hosts = site.Hosts{Old: first.Options["old-host"], New: first.Options["new-host"]}
	return c, nil
}

func readStatus(job *cli.Job, out string) (*status, error) {
	s := &status{Closing: "not begun"}
	var err error
	if s.Batches, err = batches.Read(out); err != nil {
		return nil, err
	}
	for _, row := range s.Batches {
		if row.Lost != nil {
			job.Problem("batch-lost", batches.Dir(out, row.Name), row.Lost.Text+"; "+row.Lost.Hint)
		}
	}
	splits, err := batches.ReadSplits(out)
	if err != nil {
		return nil, err
	}
	for _, sp := range splits {
		s.Splits = append(s.Splits, partsLeft{Lists: sp.Lists, Left: batches.OpenParts(s.Batches, sp.Lists)})
	}
	st, err := outdir.ReadState(filepath.Join(out, closingDir))
	if err != nil {
		return nil, err
	}
	if st != nil {
		s.Closing = "begun"
		if st.Finished {
			s.Closing = "finished"
			if left, err := os.Stat(filepath.Join(out, closingDir, outdir.LeftName)); err == nil && left.Size() > 0 {
				s.Closing = "users left"
			}
		}
	}
	return s, nil
}

// findExport takes the export that is named, else that of the last run without
// batches, if it is still there.
func (f *statusFlags) findExport(c *conversion, job *cli.Job) error {
	path := f.ldif
	if path == "" {
		var err error
		if path, err = exportOf(c.whole); err != nil {
			return err
		}
		if _, err := os.Stat(path); err != nil {
			job.Note("no export: who is in no batch is not known; --ldif names one")
			return nil
		}
	}
	in := inputs.Input{Role: "ldif", Name: filepath.Base(path), Path: path}
	if path == "-" {
		var err error
		if in.Stdin, err = job.Again(path, ""); err != nil {
			return err
		}
	}
	c.inputs = []inputs.Input{in}
	return nil
}

// exportOf is the export that a finished run was made of, as it was named; ""
// when the run does not say.
func exportOf(out string) (string, error) {
	data, err := os.ReadFile(filepath.Join(out, "report.json"))
	if err != nil {
		return "", nil // the run is not finished
	}
	var run ledger.Run
	if err := json.Unmarshal(data, &run); err != nil {
		return "", outdir.Damaged(filepath.Join(out, "report.json"), err)
	}
	for _, in := range run.Inputs {
		if in.Role == "ldif" {
			return in.Path, nil
		}
	}
	return "", nil
}

// look takes in what the export says.
func (s *status) look(ctx context.Context, c *conversion, job *cli.Job) error {
	export := c.export()
	if err := export.Fingerprint(ctx, nil); err != nil {
		return err
	}
	found, err := batches.Look(ctx, job, job, c.whole, c.users(), c.site.Hosts)
	if err != nil {
		return err
	}
	for _, row := range s.Batches {
		found.Judge(row, export)
	}
	s.OfNoBatch, s.Export = append([]string{}, found.Left...), export.Path
	s.LockedBefore, s.Unlisted, s.Gone = found.LockedBefore(), found.Unlisted, found.Gone.Sorted()
	s.GoneLists = found.GoneLists
	return nil
}

// namesShown is how many users of a kind are named on the terminal.
const namesShown = 20

// print writes the table and what is left.
func (s *status) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	seen := false
	for _, row := range s.Batches {
		seen = seen || row.Seen != nil
	}
	fmt.Fprint(tw, "BATCH\tSTATE\tUSERS\tMAILBOXES\tMESSAGES\tBYTES\tPROBLEMS")
	if seen {
		fmt.Fprint(tw, "\tLOCKED\tMOVED")
	}
	fmt.Fprintln(tw)
	for _, row := range s.Batches {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s", row.Name, row.State, page.Int(row.Users), page.Int(row.Mailboxes), page.Int(row.Messages), page.Int(row.Bytes), page.Int(row.Problems))
		switch {
		case row.Seen != nil:
			fmt.Fprintf(tw, "\t%s\t%s", page.Int(row.Seen.Locked), page.Int(row.Seen.Moved))
		case seen:
			fmt.Fprint(tw, "\t-\t-")
		}
		fmt.Fprintln(tw)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	return s.printLeft(w)
}

func (s *status) printLeft(w io.Writer) error {
	var b strings.Builder
	for _, sp := range s.Splits {
		switch {
		case len(sp.Left) > 0:
			fmt.Fprintf(&b, "split into %d: no batch yet of part %s\n", sp.Lists, ranges(sp.Left))
		default:
			fmt.Fprintf(&b, "split into %d: a batch of each part\n", sp.Lists)
		}
	}
	if len(s.LockedBefore) > 0 {
		writeNames(&b, "moved, and locked as before their batch", s.LockedBefore)
	}
	if s.OfNoBatch != nil {
		writeNames(&b, "users of no batch", s.OfNoBatch)
	}
	if len(s.Unlisted) > 0 {
		fmt.Fprintf(&b, "users of the old host who can be in no batch: %s\n", page.Int(int64(len(s.Unlisted))))
		for _, u := range s.Unlisted[:min(len(s.Unlisted), namesShown)] {
			fmt.Fprintf(&b, "  %q, line %d: %s\n", u.DN, u.Line, u.Why)
		}
		if len(s.Unlisted) > namesShown {
			b.WriteString("  ...; --format json lists all\n")
		}
	}
	if len(s.Gone) > 0 {
		writeNames(&b, "users no more in this export (deleted, another uid, left out)", s.Gone)
	}
	if len(s.GoneLists) > 0 {
		fmt.Fprintf(&b, "mail lists that this export has no more, deleted or left out of it: %s\n", page.Int(int64(len(s.GoneLists))))
		for _, dn := range s.GoneLists[:min(len(s.GoneLists), namesShown)] {
			fmt.Fprintf(&b, "  %q\n", dn)
		}
		if len(s.GoneLists) > namesShown {
			b.WriteString("  ...; --format json lists all\n")
		}
	}
	fmt.Fprintf(&b, "closing pass: %s\n", s.Closing)
	_, err := io.WriteString(w, b.String())
	return err
}

// ranges writes ascending numbers shortly: 1-3, 7.
func ranges(list []int) string {
	var parts []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		text := fmt.Sprint(list[i])
		if j > i {
			text += fmt.Sprintf("-%d", list[j])
		}
		parts = append(parts, text)
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

// writeNames writes how many users there are, and the first of them.
func writeNames(b *strings.Builder, title string, ids []string) {
	text := title + ": " + page.Int(int64(len(ids)))
	for i, id := range ids[:min(len(ids), namesShown)] {
		text += map[bool]string{true: ": ", false: ", "}[i == 0] + id
	}
	if len(ids) > namesShown {
		text += ", ...; --format json lists all"
	}
	b.WriteString(strings.Join(manual.Hang(text, manual.Columns, "", "  "), "\n") + "\n")
}
