package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/site"
	"imsconv/storeconv"
)

// conversion is the conversion of one site: what to convert, and how.
type conversion struct {
	site     *site.Site // as site.toml and the command line say
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
	only          string // the one step to do; "": all
	dryRun        bool
	noVerify      bool

	tops    []string         // the DNs of the top entries of the export
	stored  *directory.IDSet // the user ids of the store side
	account account
	keep    func() error // marks the current step as done; nothing in a dry run
}

func (c *conversion) export() *input { return &c.inputs[0] }
func (c *conversion) store() *input  { return &c.inputs[1] }

func (c *conversion) storeDir() string { return filepath.Join(c.out, "store") }
func (c *conversion) mailDir() string  { return filepath.Join(c.out, "mail") }

// tempDir is where the conversions put what does not fit in memory: beside
// their output, so that it needs no other file system. In a dry run it is the
// system's.
func (c *conversion) tempDir() string {
	if c.dryRun {
		return ""
	}
	return filepath.Join(c.out, tempName)
}

// conversion makes one of the command line and of site.toml.
func (f *runFlags) conversion() (*conversion, error) {
	s, err := f.siteFile()
	if err != nil {
		return nil, err
	}
	f.override(s)
	if s.Scenario == "" || (f.out == "" && !f.dryRun) {
		return nil, cli.Usagef("--scenario and --out are needed")
	}
	sc, err := findScenario(s.Scenario)
	if err != nil {
		return nil, err
	}
	c := &conversion{site: s, scenario: sc, keep: func() error { return nil }, out: f.out,
		base: s.Directory.Base, defaultDomain: s.Directory.DefaultDomain,
		databases: f.database.Form(), via: f.via.Value, owner: f.owner, jobs: f.jobs.Number(), sync: f.sync.Mode,
		only: f.only, dryRun: f.dryRun, noVerify: f.noVerify}
	if f.via.Value != "" && !sc.nms() {
		return nil, cli.Usagef("--via is for an NMS store: a stream's messages are written")
	}
	if err := c.checkOnly(); err != nil {
		return nil, err
	}
	if c.inputs, err = f.inputs(&sc, s); err != nil {
		return nil, err
	}
	return c, f.apart(c.inputs)
}

// override lets the command line win over site.toml.
func (f *runFlags) override(s *site.Site) {
	for _, o := range []struct {
		flag string
		to   *string
	}{{f.scenario, &s.Scenario}, {f.destination.Value, &s.Destination}, {f.defaultDomain, &s.Directory.DefaultDomain}} {
		if o.flag != "" {
			*o.to = o.flag
		}
	}
	if len(f.base) > 0 {
		s.Directory.Base = f.base
	}
	if s.Destination == "" {
		s.Destination = site.IMS
	}
}

// inputs are the export and the stream or store.
func (f *runFlags) inputs(sc *scenario, s *site.Site) ([]input, error) {
	export, err := findInput("ldif", f.ldif, f.place(s, s.Inputs.LDIF, "export.ldif"))
	if err != nil {
		return nil, err
	}
	role, flag, usual := "stream", f.stream, f.place(s, s.Inputs.Stream, "backup.sims")
	if sc.nms() {
		role, flag, usual = "nms-store", f.store, f.place(s, s.Inputs.Store, "store")
	}
	mail, err := findInput(role, flag, usual)
	return []input{export, mail}, err
}

// place is where an input lies that no flag names: as site.toml says, else
// under its usual name in the site's folder; "" without one.
func (f *runFlags) place(s *site.Site, said, usual string) string {
	switch {
	case filepath.IsAbs(said):
		return said
	case s.Dir != "" && said != "":
		return filepath.Join(s.Dir, said)
	case f.site != "":
		return filepath.Join(f.site, usual)
	}
	return ""
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

// state is what makes a second run the same as this one.
func (c *conversion) state() state {
	return state{Scenario: c.scenario.name, Inputs: c.inputs, Options: c.options()}
}

// options are those that shape the output.
func (c *conversion) options() map[string]string {
	return map[string]string{
		"destination":    c.site.Destination,
		"base":           strings.Join(c.site.Directory.Base, "\n"),
		"default-domain": c.defaultDomain,
		"bdb":            fmt.Sprint(c.databases.Version),
		"byte-order":     orderName(c.databases.ByteOrder),
		"page-size":      fmt.Sprint(c.databases.PageSize),
		"via":            c.via,
		"owner":          c.owner.String(),
	}
}

func orderName(order binary.ByteOrder) string {
	if order == nil {
		return ""
	}
	return order.String()
}

// survey reads the inputs once: to know them again, and to learn the users of
// the store, the top entries of the export and the default domain.
func (c *conversion) survey(ctx context.Context, job *cli.Job) error {
	for _, in := range c.inputs {
		if err := job.Reads(in.path); err != nil {
			return err
		}
	}
	if err := c.checkProduct(ctx, job); err != nil {
		return err
	}
	c.stored = directory.NewIDSet()
	if err := c.surveyStore(ctx, job); err != nil {
		return err
	}
	if err := c.export().fingerprint(ctx, nil); err != nil {
		return err
	}
	return c.surveyExport(job)
}
