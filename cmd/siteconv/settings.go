package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/choices"
	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/site"
	"imsconv/ldifconv"
	"imsconv/storeconv/export"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/restore"
)

// settings are the options of the conversions that the steps run, as the tables
// of site.toml and the command line say them. Those that the scenario has no
// use for stay as they are.
type settings struct {
	upgrade  ldifconv.Options
	restore  restore.Options // of a SIMS site's store
	relocate relocate.Options
	export   export.Options
	source   *choices.Restore // how mailbox files and Maildirs are read
}

// siteFile is what site.toml says, when --site has one.
func (f *runFlags) siteFile(job *cli.Job) (*site.Site, error) {
	if f.site == "" {
		return &site.Site{}, nil
	}
	s, err := loadSite(job, f.site)
	if st, statErr := os.Stat(f.site); errors.Is(err, fs.ErrNotExist) && statErr == nil && st.IsDir() {
		return &site.Site{Dir: f.site}, nil
	}
	return s, err
}

// loadSite reads site.toml, which path is or has in it.
func loadSite(job *cli.Job, path string) (*site.Site, error) {
	file := path
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		file = filepath.Join(path, site.FileName)
	}
	if err := job.KeepsStill(file); err != nil {
		return nil, err
	}
	return site.Load(path)
}

// override lets the command line win over site.toml.
func (f *runFlags) override(s *site.Site) {
	for _, o := range []struct {
		flag string
		to   *string
	}{
		{f.scenario.Value, &s.Scenario}, {f.destination.Value, &s.Destination}, {f.defaultDomain, &s.Directory.DefaultDomain},
		{f.oldHost, &s.Hosts.Old}, {f.newHost, &s.Hosts.New},
		{f.ldif, &s.Inputs.LDIF}, {f.stream, &s.Inputs.Stream}, {f.store, &s.Inputs.Store},
	} {
		if o.flag != "" {
			*o.to = o.flag
		}
	}
	if len(f.base) > 0 {
		s.Directory.Base = f.base
	}
}

// overrideMail lets the options of the command line win over the table of the
// conversion that makes the mail, which is known once the site is complete.
func (f *runFlags) overrideMail(s *site.Site) error {
	name, c, _ := mailTable(s)
	set := pflag.NewFlagSet(name, pflag.ContinueOnError)
	c.Add(set)
	options := map[string]*site.Options{"restore": &s.Restore, "relocate": &s.Relocate, "export": &s.Export}[name]
	for _, option := range []string{"via", "owner", "bdb", "byte-order", "page-size"} {
		switch flag := f.set.Lookup(option); {
		case !flag.Changed:
		case set.Lookup(option) == nil:
			return cli.Usagef("--%s is no option of this conversion: storeconv %s has none", option, name)
		default:
			options.Set(option, flag.Value.String())
		}
	}
	return nil
}

// mailTable is the table of the conversion that makes the mail, and its
// options.
func mailTable(s *site.Site) (name string, c choices.Choices, options site.Options) {
	switch {
	case s.Destination == site.Maildir:
		return "export", new(choices.Export), s.Export
	case s.NMS():
		return "relocate", new(choices.Relocate), s.Relocate
	}
	return "restore", new(choices.Restore), s.Restore
}

// fill reads what the tables name, once, so that it is told once. Bases and
// default domain are known by now.
func (c *conversion) fill(job *cli.Job) error {
	up, err := c.site.UpgradeChoices()
	if err != nil {
		return err
	}
	up.DefaultDomain = c.defaultDomain
	c.set.upgrade = ldifconv.Options{From: c.scenario.product, Kinds: c.kinds(), Base: c.base, Jobs: c.jobs, Name: c.export().Path, TempDir: c.tempDir()}
	if err := up.Fill(job, &c.set.upgrade); err != nil {
		return err
	}
	c.moveHost(&c.set.upgrade)
	for _, name := range c.site.Unused() {
		job.Warning("table-unused", c.site.Path, fmt.Sprintf("the table %s is of a conversion that this scenario does not do", name))
	}
	return c.fillMail(job)
}

// fillMail reads the table of the conversion that makes the mail.
func (c *conversion) fillMail(job *cli.Job) error {
	switch name, _, _ := mailTable(c.site); name {
	case "export":
		e, err := c.site.ExportChoices()
		if err != nil {
			return err
		}
		c.set.export = export.Options{Jobs: c.jobs, Sync: c.sync, Command: job.CommandLine()}
		err = e.Fill(job, &c.set.export, !c.scenario.nms())
		c.set.export.Domain = c.defaultDomain
		return err
	case "relocate":
		r, err := c.site.RelocateChoices()
		if err != nil {
			return err
		}
		c.set.relocate = relocate.Options{Jobs: c.jobs, Sync: c.sync, Command: job.CommandLine()}
		return r.Fill(job, &c.set.relocate)
	}
	c.set.restore = restore.Options{Jobs: c.jobs, Sync: c.sync, Command: job.CommandLine()}
	err := c.set.source.Fill(job, &c.set.restore)
	c.set.restore.Domain = c.defaultDomain
	return err
}

// options are those that shape the output, as a later run must have them too.
// What a file holds counts, not where it lies.
func (c *conversion) options() (map[string]string, error) {
	options := map[string]string{
		"destination":    c.site.Destination,
		"base":           strings.Join(c.site.Directory.Base, "\n"),
		"default-domain": c.defaultDomain,
		"new-host":       c.newHost(),
		"no-verify":      fmt.Sprint(c.noVerify),
	}
	err := eachOption(c.site, func(key, value, path string) error {
		if path != "" {
			sum, err := cli.FileSHA256(path)
			if err != nil {
				return err
			}
			value = sum
		}
		options[key] = strings.TrimPrefix(options[key]+"\n"+value, "\n")
		return nil
	})
	if err != nil {
		return nil, err
	}
	return options, nil
}

// eachOption gives use the options of the tables that the conversion has a use
// for, as TABLE.NAME; path is where the file lies that the value names, "" for
// a value that names none.
func eachOption(s *site.Site, use func(key, value, path string) error) error {
	mail, ofMail, mailOptions := mailTable(s)
	for _, t := range []struct {
		name    string
		choices choices.Choices
		options site.Options
	}{{"upgrade", new(choices.Upgrade), s.Upgrade}, {mail, ofMail, mailOptions}} {
		set := pflag.NewFlagSet(t.name, pflag.ContinueOnError)
		t.choices.Add(set)
		for _, line := range t.options.Lines() {
			name, value, _ := strings.Cut(line, "=")
			path, _ := choices.File(set.Lookup(name), s.Dir, value)
			if err := use(t.name+"."+name, value, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkFiles sees that the files are there that options of site.toml name.
func checkFiles(s *site.Site) error {
	var faults []string
	err := eachOption(s, func(key, _, path string) error {
		if path == "" {
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			faults = append(faults, fmt.Sprintf("%s: %s: %v", s.Path, key, err))
			return nil
		}
		return f.Close()
	})
	if err == nil && len(faults) > 0 {
		err = errors.New(strings.Join(faults, "\n"))
		err = cli.WithHint(err, "a path in site.toml is relative to the folder of that file")
	}
	return err
}
