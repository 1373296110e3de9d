package main

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// module is a part of the programs that others wrote, or the project itself.
type module struct {
	path, version string
	licences      []string // SPDX identifiers
	texts         []string // files of the licences, relative to dir
	dir           string   // where the module lies on this machine
	programs      []string // that link it
}

// standardLibrary is what the list calls that which comes with the compiler.
const standardLibrary = "std"

// modulesOf reads from built programs which modules are linked into them,
// whatever go.mod says, and finds their licences. The programs are given by
// folder, one for each processor.
func (s *source) modulesOf(ctx context.Context, dirs map[string]string, programs []string, version string) ([]*module, error) {
	found := map[string]*module{}
	for _, dir := range dirs {
		for _, p := range programs {
			info, err := buildinfo.ReadFile(filepath.Join(dir, p))
			if err != nil {
				return nil, err
			}
			note(found, info.Main.Path, version, p)
			note(found, standardLibrary, info.GoVersion, p)
			for _, dep := range info.Deps {
				if dep.Replace != nil {
					return nil, fmt.Errorf("%s is replaced by %s: a release links what go.mod names", dep.Path, dep.Replace.Path)
				}
				note(found, dep.Path, dep.Version, p)
			}
		}
	}
	list := make([]*module, 0, len(found))
	for _, m := range found {
		slices.Sort(m.programs)
		m.programs = slices.Compact(m.programs)
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b *module) int {
		return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(a.version, b.version))
	})
	return list, s.findLicences(ctx, list, programs)
}

func note(found map[string]*module, path, version, program string) {
	key := path + "@" + version
	if found[key] == nil {
		found[key] = &module{path: path, version: version}
	}
	found[key].programs = append(found[key].programs, program)
}

// findLicences looks at the modules' own files, and only at those of packages
// that are linked.
func (s *source) findLicences(ctx context.Context, list []*module, programs []string) error {
	packages, roots, err := s.linked(ctx, programs)
	if err != nil {
		return err
	}
	env, err := s.cleanEnv(ctx, targets[0].arch) // the compiler of the programs
	if err != nil {
		return err
	}
	goroot, err := output(ctx, s.root, env, "go", "env", "GOROOT")
	if err != nil {
		return err
	}
	roots[standardLibrary] = strings.TrimSpace(string(goroot))
	for _, m := range list {
		if m.dir = roots[m.path]; m.dir == "" {
			return fmt.Errorf("%s %s is linked, and go list does not know it", m.path, m.version)
		}
		if m.licences, m.texts, err = licencesOf(m.dir, packages[m.path]); err != nil {
			return err
		}
	}
	return nil
}

// linked lists for each module its folder, and those of its packages that the
// programs link on any processor.
func (s *source) linked(ctx context.Context, programs []string) (packages map[string][]string, roots map[string]string, err error) {
	packages, roots = map[string][]string{}, map[string]string{}
	args := []string{"list", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Dir}}\t{{$.Dir}}{{end}}"}
	for _, p := range programs {
		args = append(args, "./cmd/"+p)
	}
	for _, t := range targets {
		env, err := s.cleanEnv(ctx, t.arch)
		if err != nil {
			return nil, nil, err
		}
		out, err := output(ctx, s.root, env, "go", args...)
		if err != nil {
			return nil, nil, err
		}
		for line := range strings.Lines(string(out)) {
			if cells := strings.Split(strings.TrimSpace(line), "\t"); len(cells) == 3 {
				roots[cells[0]] = cells[1]
				packages[cells[0]] = append(packages[cells[0]], cells[2])
			}
		}
	}
	return packages, roots, nil
}

// modulesTable is the list of modules as text, one a line.
func modulesTable(list []*module) string {
	var b strings.Builder
	b.WriteString("module\tversion\tlicence\tprograms\n")
	for _, m := range list {
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\n", m.path, m.version, strings.Join(m.licences, " AND "), strings.Join(m.programs, " "))
	}
	return b.String()
}

// addLicences puts the texts of all licences into a tree: most licences ask
// that the text goes where the program goes.
func addLicences(t tree, list []*module, own string) error {
	for _, m := range list {
		if m.path == own { // its text lies at the top
			continue
		}
		for _, text := range m.texts {
			name := "licences/" + m.path + "@" + m.version + "/" + text
			if err := t.add(entry{name: name, from: filepath.Join(m.dir, text), mode: plain}); err != nil {
				return err
			}
		}
	}
	return nil
}

// moduleFile writes the list of modules.
func moduleFile(file string, list []*module) error {
	return os.WriteFile(file, []byte(modulesTable(list)), 0o644)
}
