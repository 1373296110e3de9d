package site

import (
	"slices"
	"strings"

	"imsconv/cmd/internal/choices"
	"imsconv/cmd/internal/cli"
)

// checkTables tells of options that do not go together.
func (s *Site) checkTables(faults *Faults) {
	for _, table := range Tables() {
		if verbs[table] == nil {
			continue
		}
		options := *s.field(table).(*Options)
		if len(options) == 0 {
			continue
		}
		c, err := s.choices(table, options, true)
		if err != nil {
			continue // told with the key
		}
		if err := s.together(c); err != nil {
			*faults = append(*faults, &Fault{s.Path, s.lineOf(table), table, err.Error()})
		}
	}
}

func (s *Site) together(c choices.Choices) error {
	switch c := c.(type) {
	case *choices.Upgrade:
		return c.Check()
	case *choices.Restore:
		return c.Check()
	case *choices.Relocate:
		return c.Check()
	case *choices.Export:
		if s.Scenario != "" { // which says whether it is made of a stream
			return c.Check(!s.NMS())
		}
	}
	return nil
}

// lineOf is the line of a key, or of the first one of a table; 0 is none.
func (s *Site) lineOf(name string) int {
	if line := s.lines[name]; line > 0 {
		return line
	}
	first := 0
	for key, line := range s.lines {
		if strings.HasPrefix(key, name+".") && (first == 0 || line < first) {
			first = line
		}
	}
	return first
}

// Check tells, as a usage error that wraps [Faults], what a conversion lacks
// and what of the site cannot be, whether it comes from a file or from a
// command line. Whether the inputs are there and what they hold is for whoever
// reads them.
func (s *Site) Check() error { return usage(s.faults()) }

// CheckPlan tells besides what a runbook cannot do without: hosts, DNs, roots.
func (s *Site) CheckPlan() error {
	faults := s.faults()
	for _, k := range s.Missing() {
		if !slices.ContainsFunc(faults, func(f *Fault) bool { return f.Key == k.Name }) {
			faults = append(faults, s.missing(k.Name))
		}
	}
	return usage(faults)
}

// Missing are the keys that a runbook cannot do without and that have no value.
func (s *Site) Missing() []Key {
	var missing []Key
	for _, k := range keys {
		if slices.Contains(s.planned(), k.Name) && !s.said(k.Name) {
			missing = append(missing, k)
		}
	}
	return missing
}

func usage(faults Faults) error {
	if err := faults.err(); err != nil {
		return cli.Usagef("%w", err)
	}
	return nil
}

func (s *Site) faults() (faults Faults) {
	if s.Scenario == "" {
		faults = append(faults, s.missing("scenario"))
	}
	for _, k := range keys {
		faults = append(faults, s.checkKey(k)...)
	}
	s.checkTables(&faults)
	return append(faults, s.checkScenario()...)
}

// checkKey looks again at a value, which may come from elsewhere than the file.
func (s *Site) checkKey(k Key) (faults Faults) {
	r := reader{site: s}
	at := place{path: k.Name, line: s.lines[k.Name]}
	switch field := s.field(k.Name).(type) {
	case *string:
		r.check(at, k, *field)
	case *[]string:
		for _, text := range *field {
			r.check(at, k, text)
		}
	}
	return r.faults
}

// checkScenario tells what a scenario lacks, and what belongs to another one.
func (s *Site) checkScenario() (faults Faults) {
	if s.Scenario == SIMSIncremental {
		for _, name := range []string{"hosts.old", "hosts.new"} {
			if !s.said(name) {
				faults = append(faults, s.missing(name))
			}
		}
		if s.Hosts.New != "" && strings.EqualFold(s.Hosts.New, s.Hosts.Old) {
			faults = append(faults, s.faultOf("hosts.new", "the same as hosts.old: batches go to a new host"))
		}
		for table, options := range map[string]Options{"restore": s.Restore, "export": s.Export} {
			if options["users"] != nil {
				faults = append(faults, s.faultOf(table+".users", "batches say whose mail goes over: siteconv run --batch NAME --users FILE"))
			}
		}
		if s.Upgrade["uid-map"] != nil {
			faults = append(faults, s.faultOf("upgrade.uid-map", "the upgrade comes after all batches, and users would find empty mailboxes till then: change the uids in the directory before their batch, and export it again; map is for mail that has the old ids"))
		}
	}
	switch {
	case s.Scenario == "":
	case s.NMS() && s.Inputs.Stream != "":
		faults = append(faults, s.faultOf("inputs.stream", "of SIMS: the scenario is "+s.Scenario+", which has inputs.nms-store"))
	case !s.NMS() && s.Inputs.Store != "":
		faults = append(faults, s.faultOf("inputs.nms-store", "of NMS: the scenario is "+s.Scenario+", which has inputs.stream"))
	}
	return faults
}

// Unused are the tables with options that the scenario and the destination have
// no step for, such as restore with mail that goes to Maildirs.
func (s *Site) Unused() []string {
	used := []string{"upgrade", "restore"}
	switch {
	case s.Destination == Maildir:
		used[1] = "export"
	case s.NMS():
		used[1] = "relocate"
	}
	var unused []string
	for _, table := range Tables() {
		if verbs[table] != nil && len(*s.field(table).(*Options)) > 0 && !slices.Contains(used, table) {
			unused = append(unused, table)
		}
	}
	return unused
}

// planned are the keys that a runbook cannot do without.
func (s *Site) planned() []string {
	names := []string{"hosts.old", "directory.host", "directory.base", "directory.default-organization", "servers.root", "servers.instance", "servers.directory-root"}
	if s.Scenario == SIMSIncremental { // elsewhere it is hosts.old
		names = append(names, "hosts.new")
	}
	if s.NMS() {
		names = append(names, "servers.old-root", "servers.old-instance")
	}
	return names
}

// said tells whether a key has a value.
func (s *Site) said(name string) bool {
	switch field := s.field(name).(type) {
	case *string:
		return *field != ""
	case *[]string:
		return len(*field) > 0
	}
	return true
}

// missing is the fault of a key that is not there.
func (s *Site) missing(name string) *Fault {
	i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == name })
	return &Fault{s.Path, 0, name, "missing: " + keys[i].Doc}
}

func (s *Site) faultOf(name, text string) *Fault {
	return &Fault{s.Path, s.lines[name], name, text}
}
