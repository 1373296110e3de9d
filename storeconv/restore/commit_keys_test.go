package restore

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

// TestKeysOfTheJournal: what the journal has of one kind is not under a key of
// another kind, which would remove or read it with its own.
func TestKeysOfTheJournal(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "commit.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, value := range spec.Values {
			name := spec.Names[i]
			lit, ok := value.(*ast.BasicLit)
			if !ok || !strings.HasPrefix(name.Name, "key") {
				continue
			}
			key, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			for other, value := range keys {
				if strings.HasPrefix(key, value) || strings.HasPrefix(value, key) {
					t.Errorf("%s and %s are %q and %q", name.Name, other, key, value)
				}
			}
			keys[name.Name] = key
		}
		return true
	})
	if len(keys) < 20 {
		t.Errorf("%d keys", len(keys))
	}
}
