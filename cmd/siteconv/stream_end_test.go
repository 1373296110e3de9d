package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
)

// withoutEnd is the sample's stream without its end marker.
func withoutEnd(t *testing.T, dir string) string {
	t.Helper()
	data := strings.TrimRight(readFile(t, sample+"/sims/backup.sims"), "\x00")
	data += strings.Repeat("\x00", (512-len(data)%512)%512)
	return write(t, dir, "backup.sims", []byte(data))
}

// TestStreamWithoutItsEnd: that a stream may be cut is told where somebody
// reads what to do: in the summary, in the report and in the runbook.
func TestStreamWithoutItsEnd(t *testing.T) {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	stream := withoutEnd(t, dir)
	code, stdout, stderr := siteconv(t, "run", "--scenario", "sims-offline", "--ldif", sample+"/sims/export.ldif", "--stream", stream, "--out", out)
	if code == cli.ExitFailed || !strings.Contains(strings.Join(strings.Fields(stdout), " "), "What to do next cd "+out+" # before all else: the stream has no end marker;") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	for name, want := range map[string][]string{
		"report.en.html": {"Look whether the backup ran to its end", "Before all else: the stream has no end marker", "if it is cut, what came behind its last member is in none"},
		"report.ja.html": {"バックアップが最後まで実行されたことを確認", "最後の項目より後のメッセージは上記の件数に含まれていません"},
	} {
		for _, text := range want {
			if page := readFile(t, filepath.Join(out, name)); !strings.Contains(strings.ToLower(page), strings.ToLower(text)) {
				t.Errorf("%s does not say %q", name, text)
			}
		}
	}
	if _, stdout, _ := siteconv(t, "report", out); !strings.Contains(strings.Join(strings.Fields(stdout), " "), "if it is cut, what came behind its last member") {
		t.Errorf("the summary of the report does not say it:\n%s", stdout)
	}
	must(t, os.WriteFile(filepath.Join(dir, "export.ldif"), []byte(readFile(t, sample+"/sims/export.ldif")), 0o600))
	toml := `scenario = "sims-offline"
[hosts]
old = "oldmail.siroe.com"
[directory]
host = "ldap.siroe.com"
base = ["o=internet"]
default-domain = "siroe.com"
default-organization = "dc=siroe,dc=com,o=internet"
[servers]
root = "/ims"
instance = "new"
directory-root = "/slapd"
`
	must(t, os.WriteFile(filepath.Join(dir, "site.toml"), []byte(toml), 0o600))
	for _, lang := range []struct{ lang, want string }{{"en", "has no end marker: where imbackup did not run to its end"}, {"ja", "には終端標識がありません"}} {
		plan := t.TempDir()
		if code, stdout, stderr := siteconv(t, "plan", "--site", dir, "--out", plan, "--lang", lang.lang); code != cli.ExitDone {
			t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
		}
		if text := readFile(t, filepath.Join(plan, "runbook."+lang.lang+".md")); !strings.Contains(text, lang.want) {
			t.Errorf("the runbook does not say %q", lang.want)
		}
	}
}

// TestCutStream: that a stream is cut off comes before what is done with the
// output.
func TestCutStream(t *testing.T) {
	data := readFile(t, sample+"/sims/backup.sims")
	cut := write(t, t.TempDir(), "cut.sims", []byte(data[:len(data)-30000]))
	out := filepath.Join(t.TempDir(), "out")
	code, stdout, stderr := siteconv(t, "run", "--scenario", "sims-offline", "--ldif", sample+"/sims/export.ldif", "--stream", cut, "--out", out)
	if code != cli.ExitLost || !strings.Contains(strings.Join(strings.Fields(stdout), " "), "What to do next cd "+out+" # before all else: the stream is cut off,") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	if page := readFile(t, filepath.Join(out, "report.ja.html")); !strings.Contains(page, "ストリームが途中で切れており、ユーザー単位で欠けているおそれがある") {
		t.Error("the Japanese report does not say it")
	}
}
