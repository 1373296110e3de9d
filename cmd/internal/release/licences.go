package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

var (
	// termsFile is a file that says under which terms one may copy.
	termsFile = regexp.MustCompile(`(?i)^(licen[sc]e|copying|unlicen[sc]e)([-._].*)?$`)
	// noticeFile goes along with the terms: the Apache licence asks for it.
	noticeFile = regexp.MustCompile(`(?i)^(notice|patents|copyright|authors)([-._].*)?$`)
	// sourceFile is a file of a program that happens to have such a name.
	sourceFile = regexp.MustCompile(`(?i)\.(go|s|c|h|csv|json|ya?ml|sh|py|tmpl)$`)
)

// knownPart is how much of the words of a licence file must be licences that
// are known, in percent. The rest is who holds the rights, and headings.
const knownPart = 90

// licencesOf finds the licence files of a module: those at its root, and those
// on the way from there to each of the packages that are linked. It returns the
// SPDX identifiers and the files, relative to the root, all sorted.
func licencesOf(root string, packages []string) (ids, files []string, err error) {
	for _, dir := range waysTo(root, packages) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, nil, err
		}
		for _, e := range entries {
			found, isTerms, err := licenceFile(dir, e)
			if err != nil {
				return nil, nil, err
			}
			if isTerms {
				rel, err := filepath.Rel(root, filepath.Join(dir, e.Name()))
				if err != nil {
					return nil, nil, err
				}
				files = append(files, filepath.ToSlash(rel))
			}
			ids = append(ids, found...)
		}
	}
	slices.Sort(ids)
	slices.Sort(files)
	if len(ids) == 0 {
		return nil, nil, fmt.Errorf("%s: no licence: no file LICENSE, COPYING or the like", root)
	}
	return slices.Compact(ids), files, nil
}

// waysTo are the folders from the root to each package.
func waysTo(root string, packages []string) []string {
	dirs := []string{root}
	for _, dir := range packages {
		for ; len(dir) > len(root); dir = filepath.Dir(dir) {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// licenceFile looks at one file. Terms that are not known are an error.
func licenceFile(dir string, e fs.DirEntry) (ids []string, isTerms bool, err error) {
	if !e.Type().IsRegular() || sourceFile.MatchString(e.Name()) {
		return nil, false, nil
	}
	if noticeFile.MatchString(e.Name()) {
		return nil, true, nil
	}
	if !termsFile.MatchString(e.Name()) {
		return nil, false, nil
	}
	file := filepath.Join(dir, e.Name())
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, false, err
	}
	ids, err = identify(text)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", file, err)
	}
	return ids, true, nil
}

// identify names the licences of a text by their SPDX identifiers.
func identify(text []byte) ([]string, error) {
	found := licensecheck.Scan(text)
	var ids []string
	for _, m := range found.Match {
		if !m.IsURL { // a URL is a mention, the text is a grant
			ids = append(ids, m.ID)
		}
	}
	switch {
	case ids == nil:
		return nil, fmt.Errorf("unknown licence")
	case found.Percent < knownPart:
		return nil, fmt.Errorf("only %.0f percent of the text are a known licence (%s)", found.Percent, strings.Join(ids, ", "))
	}
	return ids, nil
}
