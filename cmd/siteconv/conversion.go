package main

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/cmd/siteconv/internal/outdir"
	"imsconv/cmd/siteconv/internal/preflight"
	"imsconv/storeconv"
)

// conversion is the conversion of one site: what to convert, and how.
type conversion struct {
	site     *site.Site // as site.toml and the command line say
	scenario scenario
	inputs   []inputs.Input // the export first, then the stream or the store
	out      string

	base          []string
	defaultDomain string
	set           settings
	jobs          int
	sync          storeconv.SyncMode
	only          string // the one step to do; "": all
	dryRun        bool
	noVerify      bool

	owners  map[string]string // of mail with a new id, the user who has it, see userOf
	ahead   map[string]string // new ids of mail that no entry has, where one has the old id
	whole   string            // the output folder of the site, when out is that of a part of it; else ""
	batch   *batch            // nil: the whole site
	closing *closing          // nil: what comes before the closing pass

	tops    []string           // the DNs of the top entries of the export
	mail    *inputs.Mail       // of the stream or store
	pre     preflight.Findings // what a look before the run has found
	account outdir.Account
	keep    func() error // marks the current step as done; nothing in a dry run
}

func (c *conversion) export() *inputs.Input { return &c.inputs[0] }
func (c *conversion) store() *inputs.Input  { return &c.inputs[1] }

// backup is the mail of a SIMS site.
func (c *conversion) backup() inputs.Backup {
	return inputs.Backup{Path: c.store().Path, How: c.set.source}
}

// users reads the users of the export, those at and below the bases of the
// site.
func (c *conversion) users() inputs.Export {
	return inputs.Export{Input: c.export(), Base: c.site.Directory.Base, Domain: c.defaultDomain}
}

// hasMail says whether there is a stream or store yet: that of a batch is
// backed up when its users are locked.
func (c *conversion) hasMail() bool { return len(c.inputs) > 1 }

// root is the output folder of the site: its parts share one store.
func (c *conversion) root() string { return cmp.Or(c.whole, c.out) }

func (c *conversion) storeDir() string { return filepath.Join(c.root(), "store") }
func (c *conversion) mailDir() string  { return filepath.Join(c.root(), "mail") }

// tempDir is where the conversions put what does not fit in memory: beside
// their output, so that it needs no other file system. In a dry run it is the
// system's.
func (c *conversion) tempDir() string {
	if c.dryRun {
		return ""
	}
	return filepath.Join(c.out, outdir.TempName)
}

// describe is the site as site.toml and the command line say it.
func (f *runFlags) describe(job *cli.Job) (*site.Site, error) {
	for name, path := range map[string]string{"ldif": f.ldif, "stream": f.stream} {
		if path == "-" {
			return nil, cli.WithHint(cli.Usagef("--%s -: a run reads its inputs several times, and once more when it goes on: standard input is there once", name), "write it to a file, which may be compressed with gzip or LZ4")
		}
	}
	if f.scenario.Value != "" {
		if _, err := findScenario(f.scenario.Value); err != nil {
			return nil, err
		}
	}
	s, err := f.siteFile(job)
	if err != nil {
		return nil, err
	}
	f.override(s)
	switch noOut := f.out == "" && !f.dryRun && !f.preflight; {
	case s.Scenario == "" && noOut:
		return nil, cli.Usagef("--scenario and --out are needed")
	case s.Scenario == "":
		return nil, cli.Usagef("which scenario? (--scenario, or scenario in site.toml)")
	case noOut:
		return nil, cli.Usagef("where to? (--out)")
	}
	s.Complete()
	if f.via.Value != "" && !s.NMS() {
		return nil, cli.Usagef("--via is for an NMS store: a stream's messages are written")
	}
	if err := f.overrideMail(s); err != nil {
		return nil, err
	}
	return s, s.Check()
}

// conversion makes one of the command line and of site.toml.
func (f *runFlags) conversion(job *cli.Job) (*conversion, error) {
	s, err := f.describe(job)
	if err != nil {
		return nil, err
	}
	sc, err := findScenario(s.Scenario)
	if err != nil {
		return nil, err
	}
	c := &conversion{site: s, scenario: sc, keep: func() error { return nil }, out: f.out,
		base: s.Directory.Base, defaultDomain: s.Directory.DefaultDomain, jobs: f.jobs.Number(), sync: f.sync.Mode,
		only: f.only, dryRun: f.dryRun || f.preflight, noVerify: f.noVerify, mail: inputs.NewMail()}
	if c.set.source, err = s.RestoreChoices(); err != nil {
		return nil, err
	}
	if err := checkFiles(s); err != nil {
		return nil, err
	}
	if c.inputs, err = f.inputs(&sc, s); err != nil {
		return nil, err
	}
	return c, c.checkOnly()
}

// inputs are the export and the stream or store.
func (f *runFlags) inputs(sc *scenario, s *site.Site) ([]inputs.Input, error) {
	mail, flag := inputs.Input{Role: "stream", Path: f.place(s, f.stream, s.Inputs.Stream)}, f.stream
	if sc.nms() {
		mail, flag = inputs.Input{Role: "nms-store", Path: f.place(s, f.store, s.Inputs.Store)}, f.store
	}
	list := []inputs.Input{{Role: "ldif", Path: f.place(s, f.ldif, s.Inputs.LDIF)}, mail}
	if sc.batches && flag == "" && missing(mail.Path) {
		list = list[:1]
	}
	for i := range list {
		in := &list[i]
		if in.Path == "" {
			return nil, cli.Usagef("no --site DIR and no --%s: where is the input?", in.Role)
		}
		in.Name = filepath.Base(in.Path)
	}
	return list, nil
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return path == "" || errors.Is(err, fs.ErrNotExist)
}

// place is where an input lies: a path of the command line as it is, one of
// site.toml below the file's folder, a usual name below that of --site; ""
// when there is no folder.
func (f *runFlags) place(s *site.Site, flag, said string) string {
	switch {
	case flag != "" || filepath.IsAbs(said):
		return said
	case s.Dir == "":
		return ""
	}
	return filepath.Join(s.Dir, said)
}

// state is what makes a second run the same as this one.
func (c *conversion) state() (outdir.State, error) {
	options, err := c.options()
	return outdir.State{Scenario: c.scenario.name, Inputs: c.inputs, Options: options}, err
}
