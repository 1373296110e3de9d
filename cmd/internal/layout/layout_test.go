// Package layout holds the test that keeps the house as it is drawn: which
// package may import which.
package layout

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "imsconv/"
	pebble = "github.com/cockroachdb/pebble"
	plots  = "gonum.org/"
)

// pebbleUsers are the only importers of pebble.
var pebbleUsers = map[string]bool{"storeconv/internal/journal": true, "ldifconv/internal/index": true}

// testOnly are modules that only tests import.
var testOnly = []string{"github.com/google/go-cmp", "github.com/rogpeppe/go-internal", "github.com/klauspost/compress"}

// releaseOnly are modules that package and license what is released; no program
// links them.
var releaseOnly = []string{"github.com/goreleaser/", "github.com/google/licensecheck"}

// generators make the inputs of tests. They live beside the format they make;
// any test may import them, and no program links them.
var generators = map[string]bool{
	"storeconv/testsite": true, "storeconv/testsite/reference": true, "storeconv/testsite/edits": true, "storeconv/durable/crashfs": true,
	"ldifconv/testdir": true, "dbconv/bdb/fixtures": true,
}

// converters are the three that know nothing of each other, but for storeconv,
// which writes mailbox list databases.
var converters = []string{"ldifconv", "storeconv", "dbconv"}

// grounded are the packages of storeconv that stand on its ground floor, the
// package storeconv itself: options, log, progress. The formats do not.
var grounded = map[string]bool{
	"storeconv/restore": true, "storeconv/relocate": true, "storeconv/backup": true, "storeconv/verify": true,
	"storeconv/lists": true, "storeconv/selection": true, "storeconv/durable": true, "storeconv/export": true,
	"storeconv/verify/maildirs": true, "storeconv/verify/trees": true, "storeconv/bench": true,
	"storeconv/shards": true, "storeconv/shards/merge": true, "storeconv/carry": true,
}

// conversions know nothing of each other.
var conversions = map[string]bool{
	"storeconv/restore": true, "storeconv/relocate": true, "storeconv/backup": true, "storeconv/verify": true, "storeconv/export": true,
	"storeconv/shards/merge": true,
}

// breach says what is wrong with package from importing to; "" is nothing.
func breach(from, to string, test bool) string {
	if strings.HasPrefix(to, pebble) {
		if !pebbleUsers[from] {
			return "pebble belongs to the journal and the index"
		}
		return ""
	}
	if strings.HasPrefix(to, plots) && top(from) != "benchmarks" {
		return "plots belong to the benchmarks"
	}
	for _, m := range releaseOnly {
		if strings.HasPrefix(to, m) && from != "cmd/internal/release" {
			return "only the release packages anything"
		}
	}
	for _, m := range testOnly {
		if strings.HasPrefix(to, m) && !test && !generators[from] {
			return "only tests import it"
		}
	}
	to, ours := strings.CutPrefix(to, module)
	if !ours {
		return ""
	}
	switch {
	case top(to) == "benchmarks" && top(from) != "benchmarks":
		return "benchmarks are not part of the product"
	case generators[to]:
		if test || generators[from] || top(from) == "benchmarks" {
			return ""
		}
		return "no program links what makes the inputs of tests"
	case top(from) == "cmd", top(from) == "benchmarks":
		return ""
	case top(to) == "cmd":
		return "nothing below cmd knows of flags and terminals"
	case top(from) != top(to):
		if top(from) == "storeconv" && top(to) == "dbconv" {
			return ""
		}
		return "the converters know nothing of each other"
	case from == "storeconv" && top(to) == from && !test:
		return "the ground floor knows nothing of what stands on it"
	case conversions[from] && conversions[to] && !test:
		return "a conversion knows nothing of another"
	case to == top(to):
		if grounded[from] {
			return ""
		}
		// An external test of a format may drive the conversion above it.
		if test {
			return ""
		}
		return "a format knows nothing of the conversion above it"
	}
	return ""
}

func top(pkg string) string {
	first, _, _ := strings.Cut(pkg, "/")
	return first
}

func TestImports(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "testdata" || name == ".git" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		files++
		checkFile(t, root, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Errorf("only %d source files were looked at", files)
	}
}

func checkFile(t *testing.T, root, path string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	dir, err := filepath.Rel(root, filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	from := filepath.ToSlash(dir)
	test := strings.HasSuffix(path, "_test.go")
	for _, imp := range f.Imports {
		to, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			t.Error(err)
			continue
		}
		if why := breach(from, to, test); why != "" {
			t.Errorf("%s imports %s: %s", path, to, why)
		}
	}
}

// TestTopLevel keeps the folders of the top level to those that are agreed.
// What the commands of the README write there is nobody's: only what is
// committed counts, or, where there is no repository, all.
func TestTopLevel(t *testing.T) {
	allowed := map[string]bool{}
	for _, name := range append([]string{"cmd", "testdata", "benchmarks", "deploy", "docs"}, converters...) {
		allowed[name] = true
	}
	git := exec.Command("git", "ls-tree", "-d", "--name-only", "HEAD")
	git.Dir = root
	list, err := git.Output()
	if err != nil {
		t.Logf("git ls-tree: %v", err)
		entries, err := os.ReadDir(root)
		if err != nil {
			t.Fatal(err)
		}
		list = nil
		for _, e := range entries {
			if e.IsDir() {
				list = append(list, e.Name()+"\n"...)
			}
		}
	}
	for name := range strings.Lines(string(list)) {
		if name = strings.TrimSpace(name); name[0] != '.' && !allowed[name] {
			t.Errorf("the folder %s does not belong at the top level", name)
		}
	}
}

func TestBreach(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		ok       bool
	}{
		{"cmd/dbconv", "imsconv/dbconv", true},
		{"storeconv", "imsconv/dbconv/mboxlist", true},
		{"storeconv", "imsconv/storeconv/ims", false},
		{"storeconv/restore", "imsconv/storeconv/ims", true},
		{"storeconv/restore", "imsconv/storeconv", true},
		{"storeconv/restore", "imsconv/storeconv/relocate", false},
		{"storeconv/internal/journal", pebble + "/v2", true},
		{"dbconv", "imsconv/storeconv/ims", false},
		{"ldifconv", "imsconv/dbconv/bdb", false},
		{"dbconv/bdb", "imsconv/dbconv", false},
		{"storeconv", "imsconv/cmd/internal/cli", false},
		{"storeconv", pebble + "/v2", false},
		{"storeconv/ims", "imsconv/storeconv", false},
		{"ldifconv", "github.com/google/go-cmp/cmp", false},
		{"ldifconv/testdir", "imsconv/storeconv/testsite", true},
		{"cmd/storeconv", "imsconv/storeconv/testsite", false},
		{"cmd/storeconv", "imsconv/benchmarks", false},
		{"benchmarks/compare", "imsconv/benchmarks/measure", true},
		{"benchmarks/compare", plots + "v1/plot", true},
		{"storeconv/bench", plots + "v1/plot", false},
		{"storeconv/bench", "imsconv/storeconv/testsite", false},
		{"cmd/internal/release", "github.com/goreleaser/nfpm/v2/files", true},
		{"cmd/internal/release", "github.com/google/licensecheck", true},
		{"cmd/internal/cli", "github.com/goreleaser/nfpm/v2", false},
		{"cmd/storeconv", "github.com/google/licensecheck", false},
	} {
		if why := breach(tt.from, tt.to, false); (why == "") != tt.ok {
			t.Errorf("%s -> %s: %q", tt.from, tt.to, why)
		}
	}
}
