package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const verifyPackage = module + "storeconv/verify"

// verifyImports are the packages of this project that verify may know: formats,
// and the ground for the identifiers below.
var verifyImports = []string{
	module + "storeconv", module + "storeconv/sims", module + "storeconv/nms", module + "storeconv/ims",
	module + "dbconv/mboxlist", module + "dbconv/bdb",
}

// verifyGround are the identifiers of the ground that verify may use: types and
// parsers of options, and how to tell something.
var verifyGround = []string{
	"Log", "Note", "Severity", "Warning", "Problem", "Progress", "Discard",
	"Selection", "Databases", "Shard", "ShardPlan", "ParseShard", "Quota", "NotSaid", "Owner", "ParseOwner",
}

// verifyFormats are functions of the formats that decide something which verify
// must decide by itself: names, places and sums.
var verifyFormats = []string{
	"Hash", "EscapeName", "UnescapeName", "Component", "UserDir", "MailboxDir", "MailboxPath", "MailboxFromPath", "MailboxName",
	"MessageDir", "MessagePath", "AppendMessagePath", "CheckUserID", "CheckMailbox", "ParseMessageName",
}

// TestVerifySharesFormatsOnly holds the verifier apart from what it verifies.
// Its tests may run the conversions.
func TestVerifySharesFormatsOnly(t *testing.T) {
	for _, below := range []string{"", "maildirs", "trees"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "..", "storeconv", "verify", below, "*.go"))
		if err != nil || len(files) < 5 {
			t.Fatalf("%d files: %v", len(files), err)
		}
		imports := verifyImports
		if below != "" { // what is chosen is decided once
			imports = append(slices.Clone(imports), verifyPackage)
		}
		if below == "trees" { // how a line of a file is read, and where a message begins in one
			imports = append(imports, module+"storeconv/maildir", module+"storeconv/mbox")
		}
		for _, path := range files {
			if !strings.HasSuffix(path, "_test.go") {
				checkVerifyFile(t, path, imports)
			}
		}
	}
}

// treeDecisions are functions of the formats that decide what trees must decide
// by itself: where mailboxes lie, and which UIDs and rights they have.
var treeDecisions = []string{"LayoutOf", "Folders", "Escaped", "ReadBox", "OpenDir", "ACLOf", "ParseLetters"}

func checkVerifyFile(t *testing.T, path string, imports []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range f.Imports {
		to, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(to, module) && !slices.Contains(imports, to) {
			t.Errorf("%s imports %s", path, to)
		}
		if imp.Name != nil {
			t.Errorf("%s gives %s another name, which hides what is used of it", path, to)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		pkg, ok := sel.X.(*ast.Ident)
		switch {
		case !ok:
		case pkg.Name == "storeconv" && !slices.Contains(verifyGround, sel.Sel.Name):
			t.Errorf("%s uses storeconv.%s, which is no type or parser of options", path, sel.Sel.Name)
		case pkg.Name == "maildir" && slices.Contains(treeDecisions, sel.Sel.Name):
			t.Errorf("%s uses maildir.%s, which the restore uses too", path, sel.Sel.Name)
		case pkg.Name == "ims" && slices.Contains(verifyFormats, sel.Sel.Name):
			t.Errorf("%s uses ims.%s, which the conversions use too", path, sel.Sel.Name)
		}
		return true
	})
}

// TestVerifyDoesNotLinkTheJournal: a program that only verifies has no database
// engine in it.
func TestVerifyDoesNotLinkTheJournal(t *testing.T) {
	for _, pkg := range append([]string{verifyPackage, verifyPackage + "/maildirs", verifyPackage + "/trees"}, verifyImports...) {
		if linksJournal(t, pkg) {
			t.Errorf("%s links the journal", pkg)
		}
	}
}

// linksJournal tells whether a package, or any that it imports, is pebble or
// the journal on it.
func linksJournal(t *testing.T, pkg string) bool {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", pkg)
	cmd.Dir = filepath.Join("..", "..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(strings.Fields(string(out)), func(dep string) bool {
		return strings.HasPrefix(dep, pebble) || dep == module+"storeconv/internal/journal"
	})
}
