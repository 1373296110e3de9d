package layout

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// root is the top of the repository.
var root = filepath.Join("..", "..", "..")

// light are the packages that a program may import without linking pebble.
var light = []string{
	"storeconv/sims", "storeconv/ims", "storeconv/nms", "storeconv/maildir", "storeconv/mbox", "storeconv/verify",
	"dbconv/bdb", "dbconv/mboxlist", "dbconv", "ldifconv/ldif", "ldifconv/filter", "ldifconv/schema",
}

func TestFormatsDoNotLinkPebble(t *testing.T) {
	for _, pkg := range light {
		cmd := exec.Command("go", "list", "-deps", module+pkg)
		cmd.Dir = root
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", pkg, err, stderr.String())
		}
		for dep := range strings.Lines(string(out)) {
			if strings.HasPrefix(dep, pebble) {
				t.Errorf("%s links %s", pkg, dep)
				break
			}
		}
	}
}

// TestProgramsLinkNoPackager: what makes a release brings many modules along,
// and none of them is in a program.
func TestProgramsLinkNoPackager(t *testing.T) {
	if !linksAny(t, "cmd/internal/release", releaseOnly) {
		t.Error("the release links no packager: this test looks for the wrong thing")
	}
	mains, err := filepath.Glob(filepath.Join(root, "cmd", "*", "main.go"))
	if err != nil || len(mains) < 4 {
		t.Fatalf("%d programs: %v", len(mains), err)
	}
	for _, m := range mains {
		if name := filepath.Base(filepath.Dir(m)); linksAny(t, "cmd/"+name, releaseOnly) {
			t.Errorf("%s links what packages the release", name)
		}
	}
}

// linksAny tells whether a package, or any that it imports, has one of the
// beginnings.
func linksAny(t *testing.T, pkg string, beginnings []string) bool {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", module+pkg)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", pkg, err)
	}
	for dep := range strings.Lines(string(out)) {
		for _, b := range beginnings {
			if strings.HasPrefix(dep, b) {
				return true
			}
		}
	}
	return false
}

// sourceFiles calls do with every Go file of the repository, relative to root.
func sourceFiles(t *testing.T, do func(rel string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git") {
			return fs.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(path, ".go") {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			do(filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// maxFiles is how many files, tests not counted, a folder of storeconv has at
// most: more is not one room any longer.
const maxFiles = 25

func TestRoomsAreSmall(t *testing.T) {
	files := map[string]int{}
	sourceFiles(t, func(rel string) {
		if strings.HasPrefix(rel, "storeconv/") && !strings.HasSuffix(rel, "_test.go") {
			files[filepath.Dir(rel)]++
		}
	})
	for dir, n := range files {
		if n > maxFiles {
			t.Errorf("%s has %d files", dir, n)
		}
	}
}

// commentWidth is the column at which comments end.
const commentWidth = 80

func TestCommentsFitThePage(t *testing.T) {
	sourceFiles(t, func(rel string) {
		f, err := os.Open(filepath.Join(root, rel))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		sc := bufio.NewScanner(f)
		sc.Buffer(nil, 1<<20)
		for n := 1; sc.Scan(); n++ {
			text := strings.TrimLeft(sc.Text(), "\t")
			if strings.HasPrefix(text, "// ") && utf8.RuneCountInString(sc.Text()) > commentWidth && !strings.Contains(text, "://") {
				t.Errorf("%s:%d: a comment of %d columns", rel, n, utf8.RuneCountInString(sc.Text()))
			}
		}
		if err := sc.Err(); err != nil {
			t.Errorf("%s: %v", rel, err)
		}
	})
}

// TestPromises holds the table of promises in docs/architecture.md: every test
// that it names is there, in the package that it names.
func TestPromises(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "| promise | test |")
	if !ok {
		t.Fatal("docs/architecture.md has no table of promises")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	named := 0
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		if len(cells) != 4 || strings.HasPrefix(cells[1], "--") {
			continue
		}
		for part := range strings.SplitSeq(cells[2], ";") {
			_, rest, _ := strings.Cut(part, "`")
			pkg, tests, ok := strings.Cut(rest, "`")
			if !ok {
				t.Errorf("%q names no package", part)
			}
			for test := range strings.SplitSeq(tests, ",") {
				named++
				if !hasTest(t, pkg, strings.TrimSpace(test)) {
					t.Errorf("%s has no test %q", pkg, strings.TrimSpace(test))
				}
			}
		}
	}
	if named < 20 {
		t.Errorf("only %d tests are named", named)
	}
}

// hasTest looks for a test function in the test files of a package.
func hasTest(t *testing.T, pkg, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pkg), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("func "+name+"(")) {
			return true
		}
	}
	return false
}
