package site

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"

	"imsconv/cmd/internal/choices"
	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv"
	"imsconv/storeconv/export"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/restore"
)

func written(t *testing.T, s *Site, ev *Evidence) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, s, ev); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// allKeys are the keys of the struct and the options of the verbs.
func allKeys() []string {
	var names []string
	var walk func(t reflect.Type, prefix string)
	walk = func(t reflect.Type, prefix string) {
		for i := range t.NumField() {
			f := t.Field(i)
			name := f.Tag.Get("toml")
			switch {
			case name == "" || name == "-":
			case f.Type.Kind() == reflect.Struct:
				walk(f.Type, name+".")
			case f.Type.Kind() == reflect.Map:
				_, fs := newFlags(name)
				fs.VisitAll(func(f *pflag.Flag) { names = append(names, name+"."+f.Name) })
			default:
				names = append(names, prefix+name)
			}
		}
	}
	walk(reflect.TypeFor[Site](), "")
	return names
}

var keyLine = regexp.MustCompile(`^# ([a-z0-9-]+) = `)

// uncommented takes the # away in front of some keys.
func uncommented(t *testing.T, file string, names ...string) string {
	t.Helper()
	table, lines, done := "", strings.Split(file, "\n"), 0
	for i, line := range lines {
		if strings.HasPrefix(line, "[") {
			table = strings.Trim(line, "[]") + "."
		}
		if m := keyLine.FindStringSubmatch(line); m != nil && slices.Contains(names, table+m[1]) {
			lines[i] = line[2:]
			done++
		}
	}
	if done != len(names) {
		t.Fatalf("%d of %q are in the file", done, names)
	}
	return strings.Join(lines, "\n")
}

// with are keys that others need.
var with = map[string]string{"upgrade.append": "upgrade.add"}

// needed are a key and what it needs.
func needed(name string) []string {
	if other := with[name]; other != "" {
		return []string{name, other}
	}
	return []string{name}
}

// The file that is written has every key of the struct and of the verbs, once
// and in their order, and each of its examples is right.
func TestFileHasEveryKey(t *testing.T) {
	file := written(t, &Site{}, nil)
	var names []string
	table := ""
	for line := range strings.Lines(file) {
		if strings.HasPrefix(line, "[") {
			table = strings.Trim(line, "[]\n") + "."
		}
		if m := keyLine.FindStringSubmatch(line); m != nil {
			names = append(names, table+m[1])
		}
	}
	if d := cmp.Diff(allKeys(), names); d != "" {
		t.Fatal(d)
	}
	for _, name := range names {
		s, err := Parse("dir/site.toml", []byte(uncommented(t, file, needed(name)...)))
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if s.lines[name] == 0 {
			t.Errorf("%s is not read", name)
		}
	}
	if _, err := Parse("p", []byte(file)); err != nil {
		t.Errorf("as it is: %v", err)
	}
}

// What is written loads as the same site.
func TestWrittenLoadsAgain(t *testing.T) {
	same := func(s *Site, ev *Evidence) {
		t.Helper()
		again := parse(t, written(t, s, ev))
		if d := cmp.Diff(s, again, cmpopts.IgnoreUnexported(Site{}), cmpopts.IgnoreFields(Site{}, "Dir", "Path")); d != "" {
			t.Error(d)
		}
	}
	same(parse(t, whole), nil)
	s := parse(t, whole)
	s.Inputs.LDIF = `a "b" \c $(d) #e ` + "\u3042"
	s.Directory.Base = slices.Repeat([]string{`ou="a b"+cn=\,x,o=internet`}, 20)
	s.Export.Set("path", `%d/%n/"`)
	ev := newEvidence()
	ev.How["inputs.ldif"] = "a\nscenario = \"nms-single\"\r\u2028[hosts]\nold='x'"
	ev.Others["inputs.ldif"] = []string{`o"1`, "o2"}
	same(s, ev)
	file := written(t, s, ev)
	for _, want := range []string{"\n# ldif = \"o\\\"1\"\n# ldif = \"o2\"\n", `ldif = "a \"b\" \\c $(d) #e ` + "\u3042\"\n"} {
		if !strings.Contains(file, want) {
			t.Errorf("%q is not in the file", want)
		}
	}
}

func FuzzWrite(f *testing.F) {
	addTables(f, func(table string) { f.Add([]byte(table), "found") })
	f.Fuzz(func(t *testing.T, data []byte, how string) {
		s, err := Parse("p", data)
		if err != nil {
			return
		}
		ev := newEvidence()
		for _, k := range keys {
			ev.How[k.Name] = how
		}
		again := parse(t, written(t, s, ev))
		if d := cmp.Diff(s, again, cmpopts.IgnoreUnexported(Site{}), cmpopts.IgnoreFields(Site{}, "Dir", "Path"), cmpopts.EquateEmpty()); d != "" {
			t.Error(d)
		}
	})
}

// docs/site.md has a row for every key, with what the code says of it.
func TestDocs(t *testing.T) {
	path := filepath.Join("..", "..", "..", "docs", "site.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, keys, ok := strings.Cut(string(text), "\n## Keys\n")
	if !ok {
		t.Fatalf("%s has no keys", path)
	}
	var rows []string
	for line := range strings.Lines(keys) {
		if strings.HasPrefix(line, "| `") {
			rows = append(rows, strings.TrimSuffix(line, "\n"))
		}
	}
	if d := cmp.Diff(docRows(), rows); d != "" {
		t.Errorf("%s has other rows:\n%s", path, d)
	}
}

// docRows are the rows of the tables of docs/site.md.
func docRows() []string {
	cell := func(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
	var rows []string
	for _, k := range keys {
		rows = append(rows, "| `"+k.Name+"` | "+cell(sentence(k.Doc))+" | "+cell(k.Usual)+" | `"+k.Example+"` |")
	}
	for _, table := range Tables() {
		if verbs[table] == nil {
			continue
		}
		_, fs := newFlags(table)
		fs.VisitAll(func(f *pflag.Flag) {
			rows = append(rows, "| `"+table+"."+f.Name+"` | "+cell(sentence(optionText(f)))+" | `"+examples[table][f.Name]+"` |")
		})
	}
	return rows
}

// filled is what a conversion gets of a table.
func filled(t *testing.T, job *cli.Job, s *Site, table string) any {
	t.Helper()
	var got any
	var err error
	switch table {
	case "upgrade":
		o := ldifconv.Options{From: ldifconv.SIMS, Base: []string{"o=x"}, Kinds: ldifconv.All}
		var c *choices.Upgrade
		if c, err = s.UpgradeChoices(); err == nil {
			err = c.Fill(job, &o)
		}
		got = o
	case "restore":
		var o restore.Options
		var c *choices.Restore
		if c, err = s.RestoreChoices(); err == nil {
			err = c.Fill(job, &o)
			got = []any{o, c.References, c.Tree.Options(), c.Tree.Is(".")}
		}
	case "relocate":
		var o relocate.Options
		var c *choices.Relocate
		if c, err = s.RelocateChoices(); err == nil {
			err = c.Fill(job, &o)
		}
		got = o
	case "export":
		var o export.Options
		var c *choices.Export
		if c, err = s.ExportChoices(); err == nil {
			err = c.Fill(job, &o, !s.NMS())
		}
		got = o
	}
	if err != nil {
		t.Errorf("%s: %v", table, err)
	}
	return got
}

// Every option of the four tables reaches the conversion.
func TestOptionsReachConversions(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"users.txt": "joe\n", "ids.txt": "joe=ann\n", "uids.txt": "joe=ann\n", "programs.txt": "vacation /bin/vacation joe\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := written(t, &Site{}, nil)
	file = regexp.MustCompile(`(?m)^# owner = .*`).ReplaceAllString(file, `# owner = "0:0"`)
	inJob(t, func(job *cli.Job) {
		for _, name := range allKeys() {
			table, option, _ := strings.Cut(name, ".")
			if verbs[table] == nil {
				continue
			}
			s, err := Parse(filepath.Join(dir, FileName), []byte(uncommented(t, file, needed(name)...)))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			plain := &Site{}
			if other := with[name]; other != "" {
				plain = parse(t, uncommented(t, file, other))
			}
			if option == "via" || option == "partition" { // of a store
				s.Scenario, plain.Scenario = NMSSingle, NMSSingle
			}
			if reflect.DeepEqual(filled(t, job, plain, table), filled(t, job, s, table)) {
				t.Errorf("%s makes no difference", name)
			}
		}
	})
}

// inJob calls do with the job of a verb.
func inJob(t *testing.T, do func(job *cli.Job)) {
	t.Helper()
	var talk bytes.Buffer
	c := cli.Command{Name: "tool", Verbs: []cli.Verb{{Name: "do", New: func(*pflag.FlagSet) cli.Action {
		return func(_ context.Context, job *cli.Job, _ []string) error {
			do(job)
			return nil
		}
	}}}}
	if code := cli.Main(t.Context(), c, []string{"tool", "do"}, strings.NewReader(""), io.Discard, &talk); code == cli.ExitFailed {
		t.Errorf("%s", talk.String())
	}
}
