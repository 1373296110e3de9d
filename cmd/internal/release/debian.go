package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// compress makes a compressed file of a text, as Debian asks of manual pages
// and change logs: best, without a name and a time.
func compress(work, name string, text []byte) (string, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(text); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return write(work, name, b.String())
}

// addDebian adds what Debian's policy asks of every package: the change log in
// its own form, and the terms.
func (r *release) addDebian(placed tree, work string) error {
	version := strings.Replace(r.version, "-", "~", 1)
	log := fmt.Sprintf("imsconv (%s) stable; urgency=medium\n\n  * Release %s, made of commit %s.\n  * What is new stands in CHANGELOG.md.\n\n -- %s  %s\n",
		version, r.version, r.commit, r.maintainer, r.date.Format(time.RFC1123Z))
	changes, err := compress(work, docDir+"/changelog.gz", []byte(log))
	if err != nil {
		return err
	}
	if err := placed.add(entry{name: docDir + "/changelog.gz", from: changes, mode: plain}); err != nil {
		return err
	}
	terms, err := r.copyright()
	if err != nil {
		return err
	}
	for name, text := range map[string]string{docDir + "/copyright": terms, "usr/share/lintian/overrides/imsconv": overrides} {
		file, err := write(work, name, text)
		if err != nil {
			return err
		}
		if err := placed.add(entry{name: name, from: file, mode: plain}); err != nil {
			return err
		}
	}
	return nil
}

// overrides says to Debian's checker what is meant as it is.
const overrides = `# Meant for hosts without a network, whatever libraries they have.
imsconv: statically-linked-binary [usr/bin/*]
# Mail of the last century in the charsets of its time, to try the programs on.
imsconv: national-encoding [usr/share/imsconv/testdata/*]
`

// copyright is the file of that name, in Debian's form 1.0.
func (r *release) copyright() (string, error) {
	var holders, modules, terms []string
	for _, m := range r.modules {
		terms = append(terms, m.licences...)
		if m.path == ownModule {
			continue
		}
		lines, err := m.holders()
		if err != nil {
			return "", err
		}
		holders = append(holders, lines...)
		modules = append(modules, fmt.Sprintf("  %s %s: %s", m.path, m.version, strings.Join(m.licences, " and ")))
	}
	slices.Sort(holders)
	slices.Sort(terms)
	return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: imsconv

Files: *
Copyright: ` + r.date.Format("2006") + ` the authors of imsconv
 ` + strings.Join(slices.Compact(holders), "\n ") + `
License: ` + strings.Join(slices.Compact(terms), " and ") + `
 imsconv is licensed under the Apache License 2.0; on Debian systems its text
 lies in /usr/share/common-licenses/Apache-2.0.
 .
 The programs are linked statically with these modules, the texts of whose
 licences lie in /` + docDir + `/licences:
 .
` + strings.Join(modules, "\n") + "\n", nil
}

// rights is a line of a licence that says who holds the rights.
var rights = regexp.MustCompile(`(?im)^[\s*#/]*(copyright\s+(?:\(c\)|©|[0-9]{4}).*?)\s*$`)

// holders are the lines of a module's licences that say who holds the rights.
func (m *module) holders() ([]string, error) {
	var lines []string
	for _, name := range m.texts {
		text, err := os.ReadFile(filepath.Join(m.dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		for _, found := range rights.FindAllStringSubmatch(string(text), -1) {
			lines = append(lines, found[1])
		}
	}
	if lines == nil {
		lines = []string{"the authors of " + m.path}
	}
	return lines, nil
}
