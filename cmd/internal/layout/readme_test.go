package layout

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// section is what two languages of a README have in common: the level of the
// heading, the command lines below it without their comments, the names in code
// quotes, whose order is that of the language, and how many rows and items.
type section struct {
	Level    int
	Commands []string
	Names    []string
	Rows     int
	Items    int
}

var codeSpan = regexp.MustCompile("`[^`]+`")

// sections reads the Markdown of a README.
func sections(text string) []section {
	var all []section
	var prose strings.Builder
	end := func() {
		if len(all) > 0 {
			names := codeSpan.FindAllString(prose.String(), -1)
			slices.Sort(names)
			all[len(all)-1].Names = names
		}
		prose.Reset()
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if hashes := len(line) - len(strings.TrimLeft(line, "#")); hashes > 0 {
			end()
			all = append(all, section{Level: hashes})
			continue
		}
		s := &all[len(all)-1]
		command, isCommand := strings.CutPrefix(line, "    ")
		switch {
		case isCommand && strings.HasPrefix(command, "#"): // a comment of the shell
		case isCommand:
			s.Commands = append(s.Commands, command)
		default:
			prose.WriteString(line + " ")
			if strings.HasPrefix(line, "|") {
				s.Rows++
			}
			if strings.HasPrefix(line, "- ") {
				s.Items++
			}
		}
	}
	end()
	return all
}

func readme(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmesAgree holds the Japanese README to the English one.
func TestReadmesAgree(t *testing.T) {
	english, japanese := sections(readme(t, "README.md")), sections(readme(t, "README.ja.md"))
	if len(english) < 4 || len(english[0].Commands) < 10 {
		t.Fatalf("README.md has %d sections, the first with %d commands", len(english), len(english[0].Commands))
	}
	if diff := cmp.Diff(english, japanese); diff != "" {
		t.Errorf("README.md (-) and README.ja.md (+):\n%s", diff)
	}
}

// madeBy is what a command of the README makes a folder or a file of.
var madeBy = regexp.MustCompile(`(\w+conv) ([a-z-]+) .*--out (\S+)`)

// TestReadmeOutputsApart wants one thing in every place: the commands are given
// one after another, in one folder.
func TestReadmeOutputsApart(t *testing.T) {
	made := map[string]string{}
	for _, s := range sections(readme(t, "README.md")) {
		for _, command := range s.Commands {
			m := madeBy.FindStringSubmatch(command)
			if m == nil {
				continue
			}
			by, place := m[1]+" "+m[2], m[3]
			if made[place] == "" {
				made[place] = by
			}
			if made[place] != by {
				t.Errorf("%s is made by %s and by %s", place, made[place], by)
			}
		}
	}
	if len(made) < 4 {
		t.Errorf("%d places are found", len(made))
	}
}

// TestReadmeBuildsThePrograms wants that what README.md has built is what it
// says is built.
func TestReadmeBuildsThePrograms(t *testing.T) {
	m := regexp.MustCompile("`go build -o bin/ (\\S+)` builds the four programs").FindStringSubmatch(readme(t, "README.md"))
	if m == nil {
		t.Fatal("README.md builds no programs")
	}
	list := exec.Command("sh", "-c", "go list -f '{{if eq .Name \"main\"}}{{.ImportPath}}{{end}}' "+m[1])
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"imsconv/cmd/dbconv", "imsconv/cmd/ldifconv", "imsconv/cmd/siteconv", "imsconv/cmd/storeconv"}
	if diff := cmp.Diff(want, strings.Fields(string(out))); diff != "" {
		t.Errorf("programs (-) and what %s has (+):\n%s", m[1], diff)
	}
}

// TestReadmeNamesEveryVerb holds the table of the README to the programs.
func TestReadmeNamesEveryVerb(t *testing.T) {
	rows := map[string][]string{}
	for line := range strings.Lines(readme(t, "README.md")) {
		if cells := strings.Split(line, "|"); len(cells) == 5 {
			for _, verb := range codeSpan.FindAllString(cells[3], -1) {
				name := strings.Trim(cells[1], " `")
				rows[name] = append(rows[name], strings.Trim(verb, "`"))
			}
		}
	}
	// What every program has is told below the table.
	everywhere := []string{"version", "completion", "manual"}
	for _, program := range []string{"ldifconv", "storeconv", "dbconv", "siteconv"} {
		cmd := exec.Command("go", "run", "./cmd/"+program, "--help")
		cmd.Dir = root
		help, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s --help: %v\n%s", program, err, help)
		}
		_, list, ok := strings.Cut(string(help), "\nVERBS\n")
		if !ok {
			t.Fatalf("%s --help lists no verbs:\n%s", program, help)
		}
		list, _, _ = strings.Cut(list, "\n\n")
		var verbs []string
		for line := range strings.Lines(list) {
			// Summaries that need a second line are indented further.
			if strings.HasPrefix(line, "     ") {
				continue
			}
			if word := strings.Fields(line)[0]; !slices.Contains(everywhere, word) {
				verbs = append(verbs, word)
			}
		}
		slices.Sort(verbs)
		slices.Sort(rows[program])
		if diff := cmp.Diff(verbs, rows[program]); diff != "" {
			t.Errorf("%s has the verbs (-), README.md lists (+):\n%s", program, diff)
		}
	}
}
