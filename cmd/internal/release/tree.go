package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// entry is a file or a symbolic link of an archive.
type entry struct {
	name string      // slashes, relative
	from string      // the file on this machine that has the content
	mode fs.FileMode // permissions of a file
	link string      // target of a symbolic link; "" is a file
}

// tree is the content of an archive by name. The archive for offline hosts and
// the packages are made of one tree.
type tree map[string]entry

const (
	plain   fs.FileMode = 0o644
	program fs.FileMode = 0o755
)

// add puts an entry into the tree. A name that is there already is an error.
func (t tree) add(e entry) error {
	if other, taken := t[e.name]; taken {
		return fmt.Errorf("%s comes from %s and from %s", e.name, origin(other), origin(e))
	}
	if !fs.ValidPath(e.name) {
		return fmt.Errorf("%q is no name for a file of an archive", e.name)
	}
	t[e.name] = e
	return nil
}

func origin(e entry) string {
	if e.link != "" {
		return "a link to " + e.link
	}
	return e.from
}

// addFolder puts all files below dir into the tree, with the permissions that
// are said, under a prefix.
func (t tree) addFolder(prefix, dir string, mode fs.FileMode) error {
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		return t.add(entry{name: path.Join(prefix, filepath.ToSlash(rel)), from: file, mode: mode})
	})
}

// sorted are the entries in the order of their names.
func (t tree) sorted() []entry {
	list := make([]entry, 0, len(t))
	for _, e := range t {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return list
}

// folders are all folders of the tree, each before what lies in it.
func (t tree) folders() []string {
	seen := map[string]bool{}
	for name := range t {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			seen[dir] = true
		}
	}
	list := make([]string, 0, len(seen))
	for dir := range seen {
		list = append(list, dir)
	}
	slices.Sort(list)
	return list
}

// write puts a text into a file of the folder of work, and names it.
func write(dir, name, text string) (string, error) {
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", err
	}
	return file, os.WriteFile(file, []byte(text), 0o644)
}
