package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
)

// selftest is the script of that name in the archive.
//
//go:embed selftest
var selftest string

// documents are what git tracks of the clone that goes along as it is.
var documents = []string{"README*.md", "CHANGELOG.md", "LICENSE", "docs/", "deploy/", "testdata/site/"}

// sumsDir holds, in the archive and here, what the self-test must find.
const sumsDir = "selftest.sums"

// release is one release being made.
type release struct {
	*source
	version    string
	maintainer string
	level      int    // of gzip
	work       string // folder for what is made on the way
	programs   []string
	oldNames   []oldName
	modules    []*module
	shared     tree              // what is the same for all processors
	built      map[string]string // folder of the programs, by processor
}

// tree is the content of the archive for one processor.
func (r *release) tree(arch string) (tree, error) {
	t := tree{}
	for name, e := range r.shared {
		t[name] = e
	}
	for _, p := range r.programs {
		if err := t.add(entry{name: "bin/" + p, from: filepath.Join(r.built[arch], p), mode: program}); err != nil {
			return nil, err
		}
	}
	for _, old := range r.oldNames {
		if err := t.add(entry{name: "bin/" + old.name, link: old.program}); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// share collects what is the same for all processors.
func (r *release) share(ctx context.Context, runnable string) error {
	r.shared = tree{}
	if err := r.addDocuments(ctx); err != nil {
		return err
	}
	if err := r.addManual(ctx, runnable); err != nil {
		return err
	}
	if err := r.addCompletions(ctx, runnable); err != nil {
		return err
	}
	if err := r.addSelftest(ctx); err != nil {
		return err
	}
	if err := r.addText("MODULES.tsv", modulesTable(r.modules), plain); err != nil {
		return err
	}
	return addLicences(r.shared, r.modules, ownModule)
}

// ownModule is the project itself.
const ownModule = "imsconv"

// addText makes a file of a text and puts it into the shared tree.
func (r *release) addText(name, text string, mode os.FileMode) error {
	file, err := write(filepath.Join(r.work, "texts"), name, text)
	if err != nil {
		return err
	}
	return r.shared.add(entry{name: name, from: file, mode: mode})
}

// addDocuments takes documents and the sample site over, but not what only
// builds and tests need. A script stays a program, as git has it.
func (r *release) addDocuments(ctx context.Context) error {
	names, err := r.tracked(ctx, documents...)
	if err != nil {
		return err
	}
	for _, name := range names {
		switch path.Base(name) {
		case "go.mod", "go.sum":
			continue
		}
		if path.Ext(name) == ".go" {
			continue
		}
		file := filepath.Join(r.root, filepath.FromSlash(name))
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		mode := plain
		if info.Mode()&0o100 != 0 {
			mode = program
		}
		if err := r.shared.add(entry{name: name, from: file, mode: mode}); err != nil {
			return err
		}
	}
	return nil
}

// addSelftest adds the script and what it compares with.
func (r *release) addSelftest(ctx context.Context) error {
	if err := r.addText("selftest", selftest, program); err != nil {
		return err
	}
	const here = "cmd/internal/release/" + sumsDir + "/"
	sums, err := r.tracked(ctx, here)
	if err != nil {
		return err
	}
	for _, name := range sums {
		from := filepath.Join(r.root, filepath.FromSlash(name))
		if err := r.shared.add(entry{name: sumsDir + "/" + path.Base(name), from: from, mode: plain}); err != nil {
			return err
		}
	}
	inputs, err := r.sumsOf("testdata/site/")
	if err != nil {
		return err
	}
	return r.addTexts(sumsDir, map[string]string{
		"inputs.sha256": inputs, "names": r.namesTable(), "version": r.version + "\n",
	})
}

func (r *release) addTexts(dir string, texts map[string]string) error {
	for name, text := range texts {
		if err := r.addText(dir+"/"+name, text, plain); err != nil {
			return err
		}
	}
	return nil
}

// sumsOf is the text for sha256sum -c of the files of the shared tree below a
// folder, relative to the tree.
func (r *release) sumsOf(dir string) (string, error) {
	var b strings.Builder
	for _, e := range r.shared.sorted() {
		if !strings.HasPrefix(e.name, dir) {
			continue
		}
		sum, err := cli.FileSHA256(e.from)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s  %s\n", sum, e.name)
	}
	return b.String(), nil
}

// namesTable lists the programs, and then the old names with the programs that
// answer to them.
func (r *release) namesTable() string {
	lines := slices.Clone(r.programs)
	for _, old := range r.oldNames {
		lines = append(lines, old.name+" "+old.program)
	}
	return strings.Join(lines, "\n") + "\n"
}
