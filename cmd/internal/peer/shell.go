package peer

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
)

// Bash asks a real bash, in dir, what it would complete command lines to, each
// given as the words that readline makes of it. The last word is the one at the
// cursor. Like readline, it parts words at = and :.
func Bash(t *testing.T, script, dir string, lines ...[]string) [][]string {
	t.Helper()
	var in strings.Builder
	in.WriteString(script)
	in.WriteString("\n_of() { local f=$(complete -p \"${1##*/}\"); f=${f#*-F }; \"${f%% *}\"; }\n")
	for _, words := range lines {
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = cli.Quote(w)
		}
		in.WriteString("COMP_WORDS=(" + strings.Join(quoted, " ") + ") COMP_CWORD=" + "$((${#COMP_WORDS[@]} - 1))\n")
		in.WriteString("COMP_LINE=" + cli.Quote(lineOf(words)) + " COMP_POINT=${#COMP_LINE}\n_of \"${COMP_WORDS[0]}\"\n")
		in.WriteString("((${#COMPREPLY[@]})) && printf '%s\\0' \"${COMPREPLY[@]}\"\nprintf '\\1\\0'\n")
	}
	cmd := Command(t, Need(t, "bash"), "--norc", "--noprofile", "-u", "/dev/stdin")
	cmd.Dir, cmd.Stdin, cmd.Env = dir, strings.NewReader(in.String()), append(os.Environ(), "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("bash: %v: %s", err, stderr.String())
	}
	var answers [][]string
	for block := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x01\x00"), "\x01\x00") {
		answers = append(answers, strings.Split(strings.TrimSuffix(block, "\x00"), "\x00"))
		if block == "" {
			answers[len(answers)-1] = nil
		}
	}
	if len(answers) != len(lines) {
		t.Fatalf("bash gives %d answers to %d lines", len(answers), len(lines))
	}
	return answers
}

// Fish asks a real fish, in dir, what it would complete command lines to.
func Fish(t *testing.T, script, dir string, lines ...string) [][]string {
	t.Helper()
	in := script + "\n"
	for _, line := range lines {
		in += "complete -C " + cli.Quote(line) + "\nprintf '\\1'\n"
	}
	cmd := Command(t, Need(t, "fish"), "--no-config", "/dev/stdin")
	cmd.Dir, cmd.Stdin, cmd.Env = dir, strings.NewReader(in), append(os.Environ(), "HOME="+t.TempDir())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("fish: %v: %s", err, stderr.String())
	}
	blocks := strings.Split(string(out), "\x01")
	if len(blocks) != len(lines)+1 {
		t.Fatalf("fish gives %d answers to %d lines", len(blocks)-1, len(lines))
	}
	answers := make([][]string, len(lines))
	for i := range answers {
		for row := range strings.Lines(blocks[i]) {
			word, _, _ := strings.Cut(strings.TrimSuffix(row, "\n"), "\t")
			answers[i] = append(answers[i], word)
		}
	}
	return answers
}

// lineOf is the command line that words are of: = and : stand without blanks.
func lineOf(words []string) string {
	line := ""
	for i, w := range words {
		glued := i > 0 && (strings.Trim(w, "=:") == "" && w != "" || strings.HasSuffix(line, "=") || strings.HasSuffix(line, ":"))
		if i > 0 && !glued {
			line += " "
		}
		line += w
	}
	return line
}
