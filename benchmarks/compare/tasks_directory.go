package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// startTasks is what a program takes that does nothing.
func startTasks(s *suite) ([]task, error) {
	t := task{name: "start", title: "Start-up", unit: "runs", items: 1, note: "A program that prints its version."}
	for _, name := range [...]string{"ldifconv", "storeconv", "dbconv"} {
		t.list = append(t.list, contender{name: name, role: ours, does: name + " --version", cmd: command{argv: []string{s.ours[name], "--version"}}})
	}
	if s.found("ldapmodify") {
		t.list = append(t.list, contender{name: "ldapmodify", role: peer, does: "ldapmodify -n < /dev/null", cmd: command{shell: "exec ldapmodify -n </dev/null"}})
	}
	return []task{t}, nil
}

// upgradeTasks upgrade exports of several sizes. Ours parses, upgrades and
// writes all change records; the peers only parse.
func upgradeTasks(s *suite) ([]task, error) {
	var tasks []task
	users := s.opt.size.Users
	for _, in := range []struct {
		name, title string
		users       int
		varied      bool
		parsers     bool
	}{
		{"upgrade-shape", "Upgrade, users of one shape", users, false, false},
		{"upgrade-varied", "Upgrade, users that all differ", s.opt.size.Varied, true, false},
		{"upgrade-tenth", "Upgrade, a tenth of that", users / 10, false, true},
		{"upgrade-hundredth", "Upgrade, a hundredth", users / 100, false, false},
	} {
		if !s.opt.has(in.name) {
			continue
		}
		var entries int
		fill := plainExport(in.users, &entries)
		if in.varied {
			fill = variedExport(in.users, &entries)
		}
		file := in.name + ".ldif"
		size, err := s.file(file, fill)
		if err != nil {
			return nil, err
		}
		t := task{name: in.name, title: in.title, unit: "entries", items: int64(entries), bytes: size,
			note: "ldifconv upgrade reads, upgrades and writes all change records; the others read."}
		t.list = append(t.list, s.upgrade(file, "--jobs 0 (one a processor)", entries), s.upgradeJobs(file, 1, entries))
		if in.name == "upgrade-shape" {
			for _, jobs := range [...]int{2, 4} {
				t.list = append(t.list, s.upgradeJobs(file, jobs, entries))
			}
		}
		t.list = append(t.list, s.readers(file, entries, in.parsers)...)
		t.list = append(t.list, contender{name: "read and split", role: limit, does: "the bare loop: read, split into records and lines",
			cmd: command{argv: []string{s.at("loops"), "split", s.at(file)}}})
		tasks = append(tasks, t)
	}
	return tasks, nil
}

// upgrade is ldifconv upgrade of a file. Its change records are counted against
// what the upgrade says it has changed.
func (s *suite) upgrade(file, how string, entries int, args ...string) contender {
	const result = "changes.ldif"
	argv := append([]string{s.ours["ldifconv"], "upgrade", "--quiet", "-M", "sims", "-b", "o=internet", "-o", s.at(result), s.at(file)}, args...)
	c := contender{name: "ldifconv upgrade", role: ours, does: "ldifconv upgrade -M sims -b o=internet -o changes.ldif export.ldif " + strings.Join(args, " ")}
	if how != "" && len(args) > 0 {
		c.name += ", " + how
	}
	c.cmd, c.prepare = command{argv: argv}, s.remove(result)
	c.check = func(first bool) error {
		if first {
			return s.checkUpgrade(file, result, entries)
		}
		n, err := countLines(s.at(result), "changetype: ")
		if err == nil && n < entries/2 {
			err = fmt.Errorf("%d change records for %d entries", n, entries)
		}
		return err
	}
	return c
}

func (s *suite) upgradeJobs(file string, jobs, entries int) contender {
	n := strconv.Itoa(jobs)
	c := s.upgrade(file, "--jobs "+n, entries, "--jobs", n)
	c.series, c.x = "ldifconv upgrade", float64(jobs)
	return c
}

// checkUpgrade reads the change records with go-ldap/ldif, and has the upgraded
// directory made in full, in which no entry may be missing.
func (s *suite) checkUpgrade(file, changes string, entries int) error {
	if out, err := exec.Command(s.at("loops"), "go-ldap", s.at(file)).CombinedOutput(); err != nil {
		return fmt.Errorf("the input is not read by go-ldap/ldif: %w: %.300s", err, out)
	}
	n, err := countLines(s.at(changes), "changetype: ")
	if err != nil || n < entries/2 {
		return fmt.Errorf("%d change records for %d entries: %w", n, entries, err)
	}
	const full = "full.ldif"
	defer os.Remove(s.at(full))
	if err := s.sayWhat("ldifconv", "upgrade", "--quiet", "-M", "sims", "-b", "o=internet", "--format", "ldif", "-o", s.at(full), s.at(file)); err != nil {
		return err
	}
	got, err := countLines(s.at(full), "dn:")
	if err == nil && got < entries {
		err = fmt.Errorf("%d of %d entries are left", got, entries)
	}
	return err
}

// readers are the peers that read the same file. all takes in those that need
// too long for a large one.
func (s *suite) readers(file string, entries int, all bool) []contender {
	path := s.at(file)
	var list []contender
	if s.found("ldapmodify") {
		list = append(list, contender{name: "ldapmodify -a -n", role: peer, does: "ldapmodify -a -n -f export.ldif",
			cmd: command{argv: []string{"ldapmodify", "-a", "-n", "-f", path}}, check: func(first bool) error {
				if !first {
					return nil
				}
				return wantAdds(path, entries)
			}})
	}
	if !all {
		return list
	}
	if s.opt.wants("go-ldap") {
		list = append(list, contender{name: "go-ldap/ldif", role: peer, does: "a program around ldif.UnmarshalEntries",
			cmd: command{argv: []string{s.at("loops"), "go-ldap", path}}})
	}
	if s.opt.wants("perl") {
		if s.has("perl", "-MNet::LDAP::LDIF", "-e", "1") {
			list = append(list, contender{name: "Net::LDAP::LDIF", role: peer, does: "perl: read_entry until eof", cmd: command{argv: []string{"perl", "-MNet::LDAP::LDIF", "-e", perlReader, path}}})
		} else {
			s.missing["perl with Net::LDAP::LDIF"] = true
		}
	}
	if python, ok := s.python(); ok {
		list = append(list, contender{name: "python-ldap", role: peer, does: "python: ldif.LDIFRecordList.parse", cmd: command{argv: []string{python, "-c", pythonReader, path}}})
	}
	if c, ok := s.slapadd(path); ok {
		list = append(list, c)
	}
	return list
}

const (
	perlReader   = `$l = Net::LDAP::LDIF->new($ARGV[0], "r", onerror => "die"); while (!$l->eof) { $e = $l->read_entry; $n++ if $e } die "no entries" unless $n`
	pythonReader = "import sys, ldif\np = ldif.LDIFRecordList(open(sys.argv[1], 'rb'))\np.parse()\nassert p.all_records"
)

// has tells whether a command succeeds.
func (s *suite) has(argv ...string) bool { return exec.Command(argv[0], argv[1:]...).Run() == nil }

// python finds an interpreter that has python-ldap.
func (s *suite) python() (string, bool) {
	if !s.opt.wants("python") {
		return "", false
	}
	for _, p := range [...]string{"python3", "/usr/bin/python3"} {
		if s.has(p, "-c", "import ldif, ldap") {
			return p, true
		}
	}
	s.missing["python with python-ldap"] = true
	return "", false
}

// wantAdds counts what ldapmodify says it would add.
func wantAdds(path string, entries int) error {
	cmd := exec.Command("ldapmodify", "-a", "-n", "-v", "-f", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	n, err := countAdds(out)
	if werr := cmd.Wait(); err == nil {
		err = werr
	}
	if err == nil && n != entries {
		err = fmt.Errorf("ldapmodify read %d entries, want %d", n, entries)
	}
	return err
}

func countAdds(r io.Reader) (int, error) {
	text, err := io.ReadAll(r)
	return strings.Count(string(text), "adding new entry "), err
}
