// Package mandoc holds pages of the manual against the real mandoc.
package mandoc

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"imsconv/cmd/internal/peer"
)

// Columns is the width that pages keep to.
const Columns = 80

// link is what mandoc says of a page that refers to another: that a link of the
// file system would be better. A page in an archive has none.
var link = regexp.MustCompile(`(?m)^.*: WARNING: \.so is fragile, better use ln\(1\): .*\n`)

// Lint fails the test where mandoc -Tlint -W warning finds fault with a page.
// References (.so) are looked for from the folder above the page's.
func Lint(t testing.TB, path string) {
	t.Helper()
	out, _ := run(t, path, "-Tlint", "-W", "warning") // the status says no more
	if out = link.ReplaceAllString(out, ""); out != "" {
		t.Errorf("%s: %s", path, out)
	}
}

// overstruck is a character that a terminal of paper prints twice, for bold or
// underlined text.
var overstruck = regexp.MustCompile(`.\x08`)

// Show returns the page as a terminal of 80 columns shows it, and fails the
// test where a line is longer.
func Show(t testing.TB, path string) string {
	t.Helper()
	out, err := run(t, path, "-Tutf8", "-Owidth=80")
	if err != nil {
		t.Errorf("%s: %v: %s", path, err, out)
	}
	out = overstruck.ReplaceAllString(out, "")
	for line := range strings.Lines(out) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > Columns {
			t.Errorf("%s: %d columns: %s", path, n, line)
		}
	}
	return out
}

func run(t testing.TB, path string, args ...string) (string, error) {
	t.Helper()
	cmd := peer.Command(t, peer.Need(t, "mandoc"), append(args, path)...)
	cmd.Dir = filepath.Dir(filepath.Dir(path))
	out, err := cmd.CombinedOutput()
	return string(out), err
}
