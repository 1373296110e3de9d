package ledger

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// kindScan finds the kinds of problems and warnings in sources: constants that
// are given to a parameter, a field or a variable of the name kind or class.
type kindScan struct {
	t      *testing.T
	consts map[string]map[string]string // package, name: value
	params map[string]map[int]bool      // function or method: places of the parameter
	fields map[string]int               // struct type: place of the field
	found  map[string]string            // kind: a place
	fset   *token.FileSet
}

var (
	kindName = regexp.MustCompile(`^(?i:kind|class)$`)
	kindText = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
)

// scanKinds reads the sources of packages, given by their folders.
func scanKinds(t *testing.T, dirs []string) map[string]string {
	s := &kindScan{t: t, consts: map[string]map[string]string{}, params: map[string]map[int]bool{}, fields: map[string]int{}, found: map[string]string{}, fset: token.NewFileSet()}
	var files []*ast.File
	for _, dir := range dirs {
		paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(s.fset, path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
			s.declare(f)
		}
	}
	for _, f := range files {
		s.use(f)
	}
	return s.found
}

// declare notes constants, functions and structs.
func (s *kindScan) declare(f *ast.File) {
	pkg := f.Name.Name
	if s.consts[pkg] == nil {
		s.consts[pkg] = map[string]string{}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			if n.Tok != token.CONST {
				return true
			}
			for _, spec := range n.Specs {
				v := spec.(*ast.ValueSpec)
				for i, name := range v.Names {
					if i < len(v.Values) {
						if text, ok := literal(v.Values[i]); ok {
							s.consts[pkg][name.Name] = text
						}
					}
				}
			}
		case *ast.FuncDecl:
			s.function(n.Name.Name, n.Type)
		case *ast.Field: // a method of an interface, or a field that is a function
			if fn, ok := n.Type.(*ast.FuncType); ok {
				for _, name := range n.Names {
					s.function(name.Name, fn)
				}
			}
		case *ast.TypeSpec:
			s.structure(n)
		case *ast.AssignStmt:
			for i, r := range n.Rhs {
				fn, ok := r.(*ast.FuncLit)
				if id, isName := n.Lhs[min(i, len(n.Lhs)-1)].(*ast.Ident); ok && isName {
					s.function(id.Name, fn.Type)
				}
			}
		}
		return true
	})
}

func (s *kindScan) function(name string, fn *ast.FuncType) {
	at := 0
	for _, p := range fn.Params.List {
		_, inPackage := p.Type.(*ast.SelectorExpr) // of another sort, as mboxlist.Kind
		for _, n := range p.Names {
			if kindName.MatchString(n.Name) && !inPackage {
				if s.params[name] == nil {
					s.params[name] = map[int]bool{}
				}
				s.params[name][at] = true
			}
			at++
		}
		if len(p.Names) == 0 {
			at++
		}
	}
}

func (s *kindScan) structure(n *ast.TypeSpec) {
	if at, ok := kindPlace(n.Type); ok {
		s.fields[n.Name.Name] = at
	}
}

// kindPlace is the place of the field that is a kind among those of a struct.
func kindPlace(typ ast.Expr) (place int, ok bool) {
	st, ok := typ.(*ast.StructType)
	if !ok {
		return 0, false
	}
	at := 0
	for _, f := range st.Fields.List {
		for _, name := range f.Names {
			if kindName.MatchString(name.Name) {
				return at, true
			}
			at++
		}
		if len(f.Names) == 0 {
			at++
		}
	}
	return 0, false
}

// use notes the constants that are kinds.
func (s *kindScan) use(f *ast.File) {
	pkg := f.Name.Name
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			for at := range s.params[nameOf(n.Fun)] {
				if at < len(n.Args) {
					s.note(pkg, n.Args[at])
				}
			}
		case *ast.CompositeLit:
			s.composite(pkg, n)
		case *ast.AssignStmt:
			for i, l := range n.Lhs {
				if i < len(n.Rhs) && kindName.MatchString(nameOf(l)) {
					s.note(pkg, n.Rhs[i])
				}
			}
		case *ast.FuncDecl:
			if n.Name.Name == "Kind" && n.Body != nil {
				ast.Inspect(n.Body, func(n ast.Node) bool {
					if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
						s.note(pkg, r.Results[0])
					}
					return true
				})
			}
		}
		return true
	})
}

func (s *kindScan) composite(pkg string, n *ast.CompositeLit) {
	at, known := s.fields[nameOf(n.Type)]
	s.elements(pkg, at, known, n)
	// Elements of a slice or map leave their type out.
	var element ast.Expr
	switch t := n.Type.(type) {
	case *ast.ArrayType:
		element = t.Elt
	case *ast.MapType:
		element = t.Value
	}
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			e = kv.Value
		}
		if c, ok := e.(*ast.CompositeLit); ok && c.Type == nil && element != nil {
			at, known := s.fields[nameOf(element)]
			if place, ok := kindPlace(element); ok {
				at, known = place, true
			}
			s.elements(pkg, at, known, c)
		}
	}
}

func (s *kindScan) elements(pkg string, at int, known bool, n *ast.CompositeLit) {
	for i, e := range n.Elts {
		kv, keyed := e.(*ast.KeyValueExpr)
		switch {
		case keyed && kindName.MatchString(nameOf(kv.Key)):
			s.note(pkg, kv.Value)
		case !keyed && known && i == at:
			s.note(pkg, e)
		}
	}
}

// note takes an expression whose value is a kind, where it is a constant.
func (s *kindScan) note(pkg string, e ast.Expr) {
	text, ok := literal(e)
	switch e := e.(type) {
	case *ast.Ident:
		text, ok = s.consts[pkg][e.Name], s.consts[pkg][e.Name] != ""
	case *ast.SelectorExpr:
		text, ok = s.consts[nameOf(e.X)][e.Sel.Name], s.consts[nameOf(e.X)][e.Sel.Name] != ""
	}
	if ok && kindText.MatchString(text) && s.found[text] == "" {
		s.found[text] = s.fset.Position(e.Pos()).String()
	}
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.StarExpr:
		return nameOf(e.X)
	}
	return ""
}

// told are the packages whose kinds siteconv tells beside those that it links:
// steps of a conversion that it may have.
var told = []string{"./cmd/siteconv", "./storeconv/export", "./storeconv/verify", "./storeconv/verify/maildirs", "./ldifconv/check", "./ldifconv/schema"}

func TestEveryKindHasAdvice(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", append([]string{"list", "-deps", "-f", "{{if not .Standard}}{{.Dir}}{{end}}"}, told...)...)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for dir := range strings.Lines(string(out)) {
		if dir = strings.TrimSpace(dir); strings.HasPrefix(dir, root+"/") && !silent[strings.TrimPrefix(dir, root+"/")] {
			dirs = append(dirs, dir)
		}
	}
	found := scanKinds(t, dirs)
	for kind, place := range found {
		for _, lang := range []string{"en", "ja"} {
			if _, ok := AdviceFor(kind, lang); !ok && !notKinds[kind] {
				t.Errorf("%s: nothing in kinds.tsv says what the kind %q is, and what to do", strings.TrimPrefix(place, root+"/"), kind)
			}
		}
	}
	if len(found) < 200 {
		t.Errorf("only %d kinds were found in the sources", len(found))
	}
	for name := range notKinds {
		if _, ok := AdviceFor(name, "en"); ok {
			t.Errorf("%q is a kind", name)
		}
	}
}

// TestAdviceFits: what is said of a kind is about it, and a value that stays is
// not one that a rule has changed.
func TestAdviceFits(t *testing.T) {
	for kind, want := range map[string]string{
		"quota-value": "no rule fits it", "quota-kept": "did this by rule", "lock": "did this by rule",
		"backup-before-lock": "--stream", "foreign-stream": "--stream",
	} {
		if a, _ := AdviceFor(kind, "en"); !strings.Contains(a.Do, want) {
			t.Errorf("%s: %q says nothing of %q", kind, a.Do, want)
		}
	}
}

// silent are packages that tell nothing of a conversion: some show what others
// have told, and what a look at a folder doubts goes into site.toml. Plans of
// shards are linked with the options and made by storeconv alone.
var silent = set("cmd/internal/ledger cmd/internal/page cmd/internal/runbook cmd/internal/site storeconv/shards")

// notKinds are constants that a parameter of that name gets and that are not
// told: steps of the file system, names of attributes, roots of hash tables.
var notKinds = set("aci active bytes copy create cur form fsync inetdomainbasedn internet link mailbox mailboxes maildir mailfoldermap mailhost mbox mboxlist members messages mkdir native new objectclass open partition problem relink remove rename rmdir run toml top uniquemember user warning")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// TestKindsTable: both tables are in order, each advice is used, and the
// Japanese is Japanese.
func TestKindsTable(t *testing.T) {
	used, last := map[string]bool{}, ""
	for line := range strings.Lines(kindsText) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if f[0] <= last {
			t.Errorf("%s does not come after %s", f[0], last)
		}
		last = f[0]
		used[f[1]] = true
		if strings.HasSuffix(f[2], ".") || strings.HasSuffix(f[3], "。") || !japanese.MatchString(f[3]) {
			t.Errorf("%q", line)
		}
	}
	for line := range strings.Lines(adviceText) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 || !used[f[0]] || !strings.HasSuffix(f[1], ".") || !strings.HasSuffix(strings.TrimRight(f[2], ")"), "。") || !japanese.MatchString(f[2]) {
			t.Errorf("%q", line)
		}
	}
}

var japanese = regexp.MustCompile(`\p{Hiragana}`)
