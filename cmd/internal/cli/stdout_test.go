package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestReportApart: data and report are never both on standard output: a verb
// that says so is refused before it begins, and one that has not said so as
// soon as it prints.
func TestReportApart(t *testing.T) {
	began := false
	verb := func(name string, prints Prints) Verb {
		return Verb{Name: name, Prints: prints, New: func(fs *pflag.FlagSet) Action {
			list := fs.Bool("list", false, "print")
			return func(_ context.Context, job *Job, _ []string) error {
				if began = true; !*list {
					return nil
				}
				_, err := fmt.Fprintln(job.Stdout, "data")
				return err
			}
		}}
	}
	cmd := Command{Name: "program", Verbs: []Verb{verb("always", Always), verb("with", With("list")), verb("forgetful", nil)}}
	for _, tt := range []struct {
		line   string
		status int
		begins bool
		stdout string
	}{
		{"always --report -", ExitUsage, false, ""},
		{"always --log -", ExitUsage, false, ""},
		{"always --report /dev/stdout", ExitUsage, false, ""},
		{"always --report /dev/null --list", ExitDone, true, "data"},
		{"with --report - --list", ExitUsage, false, ""},
		{"with --report -", ExitDone, true, `"command": "program with"`},
		{"forgetful --report - --list", ExitUsage, true, ""},
		{"forgetful --report - --log -", ExitUsage, false, ""},
		{"version --report -", ExitUsage, false, ""},
		{"completion bash --report -", ExitUsage, false, ""},
	} {
		began = false
		var stdout, stderr bytes.Buffer
		status := Main(t.Context(), cmd, append([]string{"program"}, strings.Fields(tt.line)...), strings.NewReader(""), &stdout, &stderr)
		if status != tt.status || began != tt.begins || !strings.Contains(stdout.String(), tt.stdout) || tt.stdout == "" && stdout.Len() > 0 {
			t.Errorf("%s: status %d, began %v, %q\n%s", tt.line, status, began, stdout.String(), stderr.String())
		}
		if tt.status == ExitUsage && !strings.Contains(stderr.String(), "hint: name a file") {
			t.Errorf("%s: %s", tt.line, stderr.String())
		}
	}
}
