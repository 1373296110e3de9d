package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/flags"
	"imsconv/storeconv"
)

// scenario is one of the guide's chapters.
type scenario struct {
	name string
	nms  bool // from NMS; else from SIMS
}

var scenarios = []scenario{{name: "sims-offline"}, {name: "nms-single", nms: true}}

func findScenario(name string) (scenario, error) {
	var names []string
	for _, s := range scenarios {
		if s.name == name {
			return s, nil
		}
		names = append(names, s.name)
	}
	return scenario{}, cli.Usagef("--scenario %q is none of %s", name, strings.Join(names, ", "))
}

// site is one conversion: what to convert, and how.
type site struct {
	scenario scenario
	inputs   []input // the export first, then the stream or the store
	out      string

	base          []string
	defaultDomain string
	databases     storeconv.Databases
	via           string
	owner         flags.Owner
	jobs          int
	sync          storeconv.SyncMode
	dryRun        bool

	stored *directory.IDSet // the user ids of the store side
	keep   func() error     // marks the current stage as done; nothing in a dry run
}

func (s *site) export() *input { return &s.inputs[0] }
func (s *site) store() *input  { return &s.inputs[1] }

func (s *site) storeDir() string { return filepath.Join(s.out, "store") }

// tempDir is where the conversions put what does not fit in memory: beside
// their output, so that it needs no other file system. In a dry run it is the
// system's.
func (s *site) tempDir() string {
	if s.dryRun {
		return ""
	}
	return filepath.Join(s.out, tempName)
}

// runFlags are the command line of run.
type runFlags struct {
	scenario, site, out string
	ldif, stream, store string
	base                []string
	defaultDomain       string
	database            flags.Database
	via                 flags.Choice
	owner               flags.Owner
	sync                flags.Sync
	jobs                flags.Jobs
	force, dryRun       bool
}

func runVerb() cli.Verb {
	return cli.Verb{
		Name:    "run",
		Summary: "convert a whole site: directory, mail store, mailbox lists",
		Resumes: true,
		Doc: `Converts one site in the way that a scenario of the migration guide tells, and
writes everything into one folder:

    OUT/ldif/domains.changes.ldif   change records for the domains
    OUT/ldif/users.changes.ldif     change records for users and groups
    OUT/ldif/upgraded.ldif          the whole upgraded directory
    OUT/ldif/undo.ldif              change records that take it all back
    OUT/store/                      the iMS message store with its mailbox lists
    OUT/report.json                 what was done, lost and left

Scenarios:

    sims-offline   a SIMS 4.0 directory export and backup stream; DIR holds
                   export.ldif and backup.sims
    nms-single     an NMS 4.x directory export and store; DIR holds export.ldif
                   and store/

An input that has another name or place is named by its own flag. LDIF and
stream may be compressed (LZ4 frame or gzip). Inputs are only read.

A run that was interrupted is finished by the same command. A finished run is
not done again: the same command prints its summary and changes nothing. Other
inputs or options into the same folder are refused.

The summary goes to standard output, problems and warnings to standard error.`,
		Example: `siteconv run --scenario sims-offline --site site --out converted
ldapmodify -D "cn=Directory Manager" -W -f converted/ldif/domains.changes.ldif
ldapmodify -D "cn=Directory Manager" -W -f converted/ldif/users.changes.ldif`,
		Exit3: "done, but an entry, message or record was refused, unreadable or lost; each is listed",
		New: func(fs *pflag.FlagSet) cli.Action {
			var f runFlags
			fs.StringVar(&f.scenario, "scenario", "", "`NAME` of the scenario: sims-offline or nms-single")
			fs.StringVar(&f.site, "site", "", "`DIR` with the inputs under their usual names")
			fs.StringVar(&f.out, "out", "", "output folder `DIR`: new, empty, or of an earlier run")
			fs.StringVar(&f.ldif, "ldif", "", "directory export `FILE`, instead of DIR/export.ldif")
			fs.StringVar(&f.stream, "stream", "", "SIMS backup stream `FILE`, instead of DIR/backup.sims")
			fs.StringVar(&f.store, "nms-store", "", "NMS store `DIR`, instead of DIR/store")
			fs.StringArrayVarP(&f.base, "base", "b", nil, "upgrade the entries at or below `DN`; may repeat (default: the top entries of the export)")
			fs.StringVar(&f.defaultDomain, "default-domain", "", "`DOMAIN` whose users have the bare uid as store id (default: the one that fits the store)")
			f.via = flags.NewChoice("", "hardlink", "copy", "symlink")
			fs.Var(&f.via, "via", "how the messages of an NMS store come over, `WAY`: hardlink, copy or symlink (default hardlink on one file system, else copy)")
			f.owner.Add(fs, "owner of the store (of an NMS store with --via copy)")
			f.database.Add(fs, 6, "6", "big; of an NMS store, its own", "8K; of an NMS store, its own")
			f.sync.Add(fs)
			f.jobs.Add(fs, "workers; the output is the same for any number,")
			fs.BoolVar(&f.dryRun, "dry-run", false, "read and convert everything, write nothing")
			fs.BoolVar(&f.force, "force", false, "remove what an earlier run left in the output folder and start afresh")
			return f.run
		},
	}
}

func (f *runFlags) conversion() (*site, error) {
	if f.scenario == "" || (f.out == "" && !f.dryRun) {
		return nil, cli.Usagef("--scenario and --out are needed")
	}
	sc, err := findScenario(f.scenario)
	if err != nil {
		return nil, err
	}
	if f.via.Value != "" && !sc.nms {
		return nil, cli.Usagef("--via is for an NMS store: a stream's messages are written")
	}
	s := &site{scenario: sc, keep: func() error { return nil }, out: f.out, base: f.base, defaultDomain: f.defaultDomain,
		databases: f.database.Form(), via: f.via.Value, owner: f.owner, jobs: f.jobs.Number(), sync: f.sync.Mode, dryRun: f.dryRun}
	export, err := findInput("ldif", f.ldif, f.site, "export.ldif")
	if err != nil {
		return nil, err
	}
	role, flag, usual := "stream", f.stream, "backup.sims"
	if sc.nms {
		role, flag, usual = "nms-store", f.store, "store"
	}
	store, err := findInput(role, flag, f.site, usual)
	if err != nil {
		return nil, err
	}
	s.inputs = []input{export, store}
	return s, f.apart(s.inputs)
}

// apart refuses an output folder inside of what is read, which is the site's
// folder too, and the other way round.
func (f *runFlags) apart(inputs []input) error {
	if f.out == "" {
		return nil
	}
	read := make([]string, 0, 3)
	for _, in := range inputs {
		read = append(read, in.path)
	}
	if f.site != "" {
		read = append(read, f.site)
	}
	for _, path := range read {
		nested, err := nest(f.out, path)
		if err != nil {
			return err
		}
		if nested {
			return cli.WithHint(fmt.Errorf("the output folder %s and the input %s lie inside each other", f.out, path), "name a folder elsewhere with --out")
		}
	}
	return nil
}

func (f *runFlags) run(ctx context.Context, job *cli.Job, args []string) error {
	if len(args) > 0 {
		return cli.Usagef("run takes no arguments, only flags: %q", args[0])
	}
	s, err := f.conversion()
	if err != nil {
		return err
	}
	for _, in := range s.inputs {
		if err := job.Reads(in.path); err != nil {
			return err
		}
	}
	if err := s.survey(ctx, job); err != nil {
		return err
	}
	if s.dryRun {
		job.DryRun()
		for _, st := range s.stages() {
			if err := st.do(ctx, job); err != nil {
				return err
			}
		}
		return s.summary(job, job.Snapshot())
	}
	st, err := claim(s.out, s.state(f), f.force)
	if err != nil {
		return err
	}
	if st.Finished {
		return s.recall(job)
	}
	if err := s.convert(ctx, job, &st); err != nil {
		return err
	}
	return s.conclude(job, st)
}

// state is what makes a second run the same as this one.
func (s *site) state(f *runFlags) state {
	return state{Scenario: s.scenario.name, Inputs: s.inputs, Options: map[string]string{
		"base":           strings.Join(f.base, "\n"),
		"default-domain": s.defaultDomain,
		"bdb":            fmt.Sprint(s.databases.Version),
		"byte-order":     orderName(s.databases.ByteOrder),
		"page-size":      fmt.Sprint(s.databases.PageSize),
		"via":            s.via,
		"owner":          s.owner.String(),
	}}
}

func orderName(order binary.ByteOrder) string {
	if order == nil {
		return ""
	}
	return order.String()
}

// stage is one part of a conversion, done whole before the next.
type stage struct {
	name string
	do   func(ctx context.Context, job *cli.Job) error
	tidy func(ctx context.Context, job *cli.Job) error // for a stage that was done by an interrupted run; may be nil
}

// stages are the parts in their order: the store comes after the directory, for
// its quotas are those of the upgraded entries.
func (s *site) stages() []stage {
	return []stage{{name: "directory", do: s.upgradeLDIF}, {name: "store", do: s.convertStore, tidy: s.tidyStore}, {name: "comparison", do: s.compare}}
}

// convert does the stages that are not done, and keeps what each has told, so
// that a run that goes on after an interruption ends with the same report.
func (s *site) convert(ctx context.Context, job *cli.Job, st *state) error {
	if err := sweep(s.out); err != nil {
		return err
	}
	// The state comes first: a folder without it is nobody's.
	if err := st.write(job, s.out); err != nil {
		return err
	}
	for _, dir := range []string{filepath.Join(s.out, "ldif"), s.tempDir()} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	if st.Report != nil {
		job.Recall(*st.Report)
	}
	for i, stage := range s.stages() {
		if i < len(st.Done) {
			if stage.tidy == nil {
				continue
			}
			if err := stage.tidy(ctx, job); err != nil {
				return err
			}
			continue
		}
		s.keep = func() error {
			rep := job.Snapshot()
			st.Done, st.Report = append(st.Done, stage.name), &rep
			return st.write(job, s.out)
		}
		if err := stage.do(ctx, job); err != nil {
			return err
		}
		if len(st.Done) > i {
			continue // the stage has seen to it itself
		}
		if err := s.keep(); err != nil {
			return err
		}
	}
	st.Done, st.Report = nil, nil
	return os.RemoveAll(s.tempDir())
}

// conclude writes the report and marks the run as finished.
func (s *site) conclude(job *cli.Job, st state) error {
	for _, o := range []struct{ name, path string }{
		{"domain changes", domainChanges}, {"user and group changes", userChanges}, {"upgraded directory", upgraded},
		{"undo of all changes", undo}, {"message store", "store"}, {"report", "report.json"},
	} {
		job.Output(o.name, o.path)
	}
	for _, step := range nextSteps() {
		job.Next(step)
	}
	rep := job.Snapshot()
	err := writeFile(job, filepath.Join(s.out, "report.json"), func(w *cli.OutputFile) error { return rep.Write(w) })
	if err != nil {
		return err
	}
	st.Finished = true
	if err := st.write(job, s.out); err != nil {
		return err
	}
	return s.summary(job, rep)
}

// recall tells again what a finished run told.
func (s *site) recall(job *cli.Job) error {
	data, err := os.ReadFile(filepath.Join(s.out, "report.json"))
	if err != nil {
		return cli.WithHint(err, "--force starts afresh")
	}
	var rep cli.Report
	if err := json.Unmarshal(data, &rep); err != nil {
		return cli.WithHint(fmt.Errorf("%s: %w", filepath.Join(s.out, "report.json"), err), "--force starts afresh")
	}
	for _, o := range rep.Outputs {
		if _, err := os.Stat(filepath.Join(s.out, o.Path)); err != nil {
			return cli.WithHint(fmt.Errorf("this conversion was finished, but its %s is gone: %w", o.Name, err), "--force starts afresh")
		}
	}
	job.Recall(rep)
	job.Note(s.out + " holds this very conversion, finished: nothing to do")
	return s.summary(job, rep)
}

// nextSteps are what an administrator does with the output, from within the
// output folder.
func nextSteps() []string {
	return []string{
		`ldapmodify -D "cn=Directory Manager" -W -f ` + domainChanges,
		`ldapmodify -D "cn=Directory Manager" -W -f ` + userChanges,
		"cp -a store/. <ServerRoot>/msg-<instance>/store/ && chown -R mailsrv <ServerRoot>/msg-<instance>/store",
		"su mailsrv -c '<ServerRoot>/bin/msg/admin/bin/reconstruct -r -f && <ServerRoot>/bin/msg/admin/bin/reconstruct -q'",
	}
}
