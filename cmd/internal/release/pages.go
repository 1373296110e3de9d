package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"imsconv/cmd/internal/manual"
)

// shells are those that completions are made for, and how such a file is called
// below share.
var shells = []struct{ name, file string }{
	{"bash", "bash-completion/completions/%s"},
	{"zsh", "zsh/site-functions/_%s"},
	{"fish", "fish/vendor_completions.d/%s.fish"},
}

// addCompletions lets each program print its completions.
func (r *release) addCompletions(ctx context.Context, runnable string) error {
	for _, p := range r.programs {
		for _, shell := range shells {
			out, err := output(ctx, "/", nil, filepath.Join(runnable, p), "completion", shell.name)
			if err != nil {
				return err
			}
			if err := r.addText("share/"+fmt.Sprintf(shell.file, p), string(out), plain); err != nil {
				return err
			}
		}
	}
	return nil
}

// addManual lets each program write its pages of section 1, and makes those of
// section 5 of the text on the formats.
func (r *release) addManual(ctx context.Context, runnable string) error {
	const manualDir = "share/man/"
	for _, p := range r.programs {
		pages := filepath.Join(r.work, "man1", p)
		if _, err := output(ctx, "/", nil, filepath.Join(runnable, p), "manual", "--out", pages); err != nil {
			return err
		}
		if err := r.shared.addFolder(manualDir+"man1", pages, plain); err != nil {
			return err
		}
		old, err := oldNamesOf(p, pages)
		if err != nil {
			return err
		}
		r.oldNames = append(r.oldNames, old...)
	}
	text, err := os.ReadFile(filepath.Join(r.root, "docs", "formats.md"))
	if err != nil {
		return err
	}
	pages, err := manual.Formats(string(text), "imsconv "+r.version, r.date.Format(time.DateOnly))
	if err != nil {
		return err
	}
	for _, p := range pages {
		var page strings.Builder
		if err := manual.WriteMan(&page, p); err != nil {
			return err
		}
		if err := r.addText(fmt.Sprintf("%sman%d/%s", manualDir, p.Section, p.File()), page.String(), plain); err != nil {
			return err
		}
	}
	return nil
}

// oldName is a name of an old program that one of ours answers to.
type oldName struct{ name, program string }

// reference is the page of an old name: it refers to that of a verb.
var reference = regexp.MustCompile(`^\.so man1/([^/\n]+)\.1\n$`)

// oldNamesOf reads the old names of a program from the pages that it has
// written: the program alone knows them.
func oldNamesOf(program, pages string) ([]oldName, error) {
	entries, err := os.ReadDir(pages)
	if err != nil {
		return nil, err
	}
	var names []oldName
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(pages, e.Name()))
		if err != nil {
			return nil, err
		}
		to := reference.FindStringSubmatch(string(text))
		if to == nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(pages, to[1]+".1")); err != nil {
			return nil, fmt.Errorf("%s refers to a page that %s has not written: %w", e.Name(), program, err)
		}
		names = append(names, oldName{strings.TrimSuffix(e.Name(), ".1"), program})
	}
	return names, nil
}
