package manual

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBrokenCommandsRun: a shell takes the broken lines for the command.
func TestBrokenCommandsRun(t *testing.T) {
	const show = `show() { for a; do printf '<%s>' "$a"; done; echo; }; `
	for _, line := range []string{
		`show upgrade -M sims -m domains -b o=internet --undo undo-domains.ldif export.ldif | cat -`,
		`show daaci --dc-root o=internet --service-admin uid=admin,ou=People,dc=siroe,dc=com,o=internet export.ldif -o daaci.ldif`,
		`show -w "a quoted text with blanks" 'and another, "so" long' that\ is\ one and "more \" than" seventy columns of it`,
		`show one && show --path '%d/%n/Maildir' --default-domain siroe.com --owner vmail --more of it, and more && show three | cat - | cat -`,
		`show short`,
	} {
		lines := breakCommand(line, commandWidth)
		for _, l := range lines {
			if width(l) > commandWidth {
				t.Errorf("%q has %d columns", l, width(l))
			}
		}
		broken := strings.Join(lines, "\n")
		if one := regexp.MustCompile(` \\\n +`).ReplaceAllString(broken, " "); one != line {
			t.Errorf("%q became %q", line, one)
		}
		want, err := exec.Command("sh", "-c", show+line).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		got, err := exec.Command("sh", "-c", show+broken).CombinedOutput()
		if err != nil || string(got) != string(want) {
			t.Errorf("%s\nprints %s%v, want %s", broken, got, err, want)
		}
	}
}

func TestCommands(t *testing.T) {
	long := strings.Repeat("output ", 12)
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"a\nb\n", []string{"a", "b"}},
		{"$ a\n" + long, []string{"$ a", long}},
		{"$ 7\tx", []string{"$ 7     x"}},
		{"a --option value --other value --third value --fourth value --fifth value in", []string{
			`a --option value --other value --third value --fourth value \`, `    --fifth value in`,
		}},
		{"$ a --option value --other value --third value --fourth value --xxxxxxx y | b", []string{
			`$ a --option value --other value --third value --fourth value \`, `    --xxxxxxx y \`, `    | b`,
		}},
	} {
		if d := cmp.Diff(tt.want, Commands(tt.text).Lines); d != "" {
			t.Errorf("%q: %s", tt.text, d)
		}
	}
}
