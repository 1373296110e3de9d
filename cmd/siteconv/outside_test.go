package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"imsconv/cmd/internal/cli"
)

// describedSites are sites with a site.toml: of SIMS, of NMS with its partition
// behind a link, and of mailbox files with a list of users; with each the files
// that no run may write over.
func describedSites(t *testing.T) map[string][]string {
	t.Helper()
	dir, nms := t.TempDir(), nmsSite(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"sims", "mbox", "mbox/users"} {
		if err := os.Mkdir(at(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	letter := "From a@b Mon Jan  3 10:00:00 2000\nSubject: one\n\ntext\n"
	files := map[string]string{
		"sims/export.ldif": readFile(t, sample+"/sims/export.ldif"), "sims/backup.sims": readFile(t, sample+"/sims/backup.sims"),
		"sims/site.toml":   "scenario = \"sims-offline\"\n",
		"mbox/export.ldif": readFile(t, sample+"/sims/export.ldif"), "mbox/list.txt": "aduser01\n",
		"mbox/users/aduser01": letter, "mbox/users/aduser02": letter,
		"mbox/site.toml": "scenario = \"sims-offline\"\n[inputs]\nstream = \"users\"\n[restore]\nusers = \"list.txt\"\n",
	}
	for name, text := range files {
		write(t, dir, name, []byte(text))
	}
	write(t, nms, "site.toml", []byte("scenario = \"nms-single\"\n"))
	// Where a partition lies behind a link, its own path is an input too.
	part, apart := filepath.Join(nms, "store/partition/primary"), at("primary")
	if err := os.Rename(part, apart); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(apart, part); err != nil {
		t.Fatal(err)
	}
	message, err := filepath.Glob(filepath.Join(apart, "=user/*/*/*/00/*.msg"))
	if err != nil || len(message) == 0 {
		t.Fatal(message, err)
	}
	sites := map[string][]string{
		at("sims"): {at("sims/export.ldif"), at("sims/backup.sims"), at("sims/site.toml")},
		at("mbox"): {at("mbox/export.ldif"), at("mbox/users/aduser02"), at("mbox/site.toml"), at("mbox/list.txt")},
		nms:        {message[0]},
	}
	for _, name := range []string{"export.ldif", "site.toml", "store/quota.db2", "store/mboxlist/data.db2"} {
		sites[nms] = append(sites[nms], filepath.Join(nms, name))
	}
	return sites
}

// TestInputsAreNotWrittenOver: no verb puts its log or its report into the
// place of an input that site.toml names or that it finds by looking. A verb
// that is new says here how it reads a site; what options and arguments name is
// for TestOutside.
func TestInputsAreNotWrittenOver(t *testing.T) {
	reads := map[string]func(site, out string) [][]string{
		"init": func(site, _ string) [][]string {
			return [][]string{{site, "--force"}, {site, "--dry-run"}, {site, "-o", "-"}}
		},
		"plan": func(site, out string) [][]string { return [][]string{{"--site", site, "--out", out}} },
		"run": func(site, out string) [][]string {
			run := []string{"--site", site, "--out", out}
			return [][]string{run, append(slices.Clone(run), "--preflight"), append(slices.Clone(run), "--dry-run")}
		},
		"report": nil, // these two read an output
		"status": nil,
	}
	commands := command()
	for i := range commands.Verbs {
		verb := commands.Verbs[i].Name
		lines, ok := reads[verb]
		if !ok {
			t.Errorf("%s: whether it reads a site is not known here", verb)
		}
		if lines == nil {
			continue
		}
		for site, files := range describedSites(t) {
			for _, path := range files {
				if verb == "init" && filepath.Base(path) == "list.txt" {
					continue // no input that it looks for
				}
				for _, option := range []string{"--log", "--report"} {
					for _, line := range lines(site, filepath.Join(t.TempDir(), "out")) {
						spares(t, path, slices.Concat([]string{verb}, line, []string{option, path}))
					}
				}
			}
		}
	}
}

// spares holds that a command line is refused and that a file stays as it is.
func spares(t *testing.T, path string, args []string) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	code, _, talk := siteconv(t, args...)
	if code != cli.ExitUsage {
		t.Errorf("%q: exit %d, want %d: %s", args, code, cli.ExitUsage, talk)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("%q: %s is another file now, %v", args, path, err)
		if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLogOfAnEarlierInit: what --log left in the folder of a site is no input,
// and written anew.
func TestLogOfAnEarlierInit(t *testing.T) {
	site := filepath.Join(t.TempDir(), "sims")
	if err := os.CopyFS(site, os.DirFS(sample+"/sims")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		code, _, talk := siteconv(t, "init", site, "--force", "--log", filepath.Join(site, "init.log"), "--report", filepath.Join(site, "init.json"))
		if code != cli.ExitDone {
			t.Errorf("exit %d: %s", code, talk)
		}
	}
}
