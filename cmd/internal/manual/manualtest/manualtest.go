// Package manualtest holds the pages and the help of a program against what
// all of them promise. Each program's own tests call it, so that no binary has
// to be built for it.
package manualtest

import (
	_ "embed"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/manual"
	"imsconv/cmd/internal/manual/mandoc"
)

// pagesText are the pages of all programs, a line each, which other pages may
// refer to.
//
//go:embed pages.txt
var pagesText string

// foreign are pages of other programs.
var foreign = []string{
	"cp(1)", "db_dump(1)", "db_load(1)", "db_stat(1)", "db_upgrade(1)", "db_verify(1)", "doveadm(1)",
	"ldapmodify(1)", "man(1)", "mandoc(1)", "slapadd(8)", "slapcat(8)", "tar(1)",
}

// order is the customary order of the parts of a page.
var order = []string{
	"SYNOPSIS", "DESCRIPTION", "VERBS", "OPTIONS", "OLD NAMES", "STREAMS", "EXIT STATUS", "ENVIRONMENT",
	"FILES", "NOTES", "EXAMPLES", "SEE ALSO",
}

// Program checks a program: the help of it and of every verb has no line of
// more than 80 columns, its pages are those of pages.txt, clean in the eyes of
// mandoc, no wider than 80 columns as it shows them, have their parts in
// the customary order, and refer to pages that are there.
func Program(t *testing.T, command func() cli.Command) {
	dir := filepath.Join(t.TempDir(), "man1")
	name := command().Name
	if code := run(t, command, nil, name, "manual", "--out", dir); code != cli.ExitDone {
		t.Fatalf("manual --out ends with %d", code)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		mandoc.Lint(t, path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(text), ".so ") {
			continue
		}
		base := strings.TrimSuffix(f.Name(), ".1")
		have = append(have, base+"(1)")
		page(t, base, mandoc.Show(t, path))
		help(t, command, append([]string{name}, append(verb(name, base), "--help")...))
		if !strings.Contains(string(text), `.TH "`) || run(t, command, func(out string) {
			if out != string(text) {
				t.Errorf("manual prints another page than %s", path)
			}
		}, append([]string{name, "manual"}, verb(name, base)...)...) != cli.ExitDone {
			t.Errorf("%s: manual does not print it", base)
		}
	}
	listed(t, name, have)
}

// verb is the argument for the verb of a page; none for the program's.
func verb(program, page string) []string {
	if page == program {
		return nil
	}
	return []string{strings.TrimPrefix(page, program+"-")}
}

func run(t *testing.T, command func() cli.Command, look func(stdout string), argv ...string) int {
	t.Helper()
	var out, talk strings.Builder
	code := cli.Main(t.Context(), command(), argv, strings.NewReader(""), &out, &talk)
	if code != cli.ExitDone {
		t.Errorf("%q: exit %d: %s", argv, code, talk.String())
	}
	if look != nil {
		look(out.String())
	}
	return code
}

func help(t *testing.T, command func() cli.Command, argv []string) {
	t.Helper()
	run(t, command, func(out string) {
		if !strings.HasPrefix(out, "NAME\n    ") {
			t.Errorf("%q prints no page", argv)
		}
		for line := range strings.Lines(out) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > manual.Columns {
				t.Errorf("%q: %d columns: %s", argv, n, line)
			}
		}
	}, argv...)
}

var (
	part      = regexp.MustCompile(`(?m)^[A-Z][A-Z ]+$`)
	reference = regexp.MustCompile(`([a-z_][a-z0-9_.-]*)\(([1-9])\)`)
)

// page checks a page as it is shown.
func page(t *testing.T, name, shown string) {
	t.Helper()
	parts := part.FindAllString(shown, -1)
	at := -1
	for _, p := range parts {
		i := slices.Index(order, p)
		if p != "NAME" && i <= at {
			t.Errorf("%s: %s is not where it belongs", name, p)
		}
		at = i
	}
	for _, must := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"} {
		if !slices.Contains(parts, must) {
			t.Errorf("%s has no %s", name, must)
		}
	}
	_, see, _ := strings.Cut(shown, "\nSEE ALSO\n")
	if see == "" {
		return
	}
	see = strings.TrimRight(see, "\n ")
	see = see[:strings.LastIndex(see, "\n")+1] // the last line is the page's foot
	refs := reference.FindAllString(see, -1)
	if len(refs) == 0 {
		t.Errorf("%s refers to no page", name)
	}
	for _, r := range refs {
		if !slices.Contains(strings.Fields(pagesText), r) && !slices.Contains(foreign, r) {
			t.Errorf("%s refers to %s, which is not there", name, r)
		}
		if r == name+"(1)" {
			t.Errorf("%s refers to itself", name)
		}
	}
}

// listed holds a program's pages against the list.
func listed(t *testing.T, program string, have []string) {
	t.Helper()
	var want []string
	for line := range strings.FieldsSeq(pagesText) {
		if line == program+"(1)" || strings.HasPrefix(line, program+"-") {
			want = append(want, line)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("pages are %q, pages.txt has %q", have, want)
	}
}
