package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"imsconv/cmd/internal/peer"
)

// unpacked is the folder of an archive that is unpacked once for all tests,
// which only read it.
func unpacked(t *testing.T, arch string) string {
	t.Helper()
	dir := filepath.Join(filepath.Dir(releases(t)[0]), "unpacked")
	folder := filepath.Join(dir, archiveFolder(arch))
	if _, err := os.Stat(folder); err == nil {
		return folder
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return unpackTo(t, arch, dir)
}

// unpack is unpacked for a test that changes something.
func unpack(t *testing.T, arch string) string {
	t.Helper()
	return unpackTo(t, arch, t.TempDir())
}

func archiveFolder(arch string) string { return "imsconv-" + testVersion + "-linux-" + arch }

// unpackTo unpacks the archive for a processor with tar, and returns its
// folder.
func unpackTo(t *testing.T, arch, dir string) string {
	t.Helper()
	folder := archiveFolder(arch)
	runIn(t, dir, 0, peer.Need(t, "tar"), "xzf", filepath.Join(releases(t)[0], folder+".tar.gz"))
	return filepath.Join(dir, folder)
}

// compiler is the version of Go that the programs are made with: go.mod's.
func compiler(t *testing.T, dir string) string {
	t.Helper()
	info, err := buildinfo.ReadFile(filepath.Join(dir, "bin", "storeconv"))
	if err != nil {
		t.Fatal(err)
	}
	return info.GoVersion
}

var testPrograms = []string{"dbconv", "ldifconv", "siteconv", "storeconv"}

func TestReleaseHasAllThatGoesAlong(t *testing.T) {
	dir := unpacked(t, "amd64")
	have := readAll(t, dir)
	want := []string{
		"selftest", "MODULES.tsv", "README.md", "CHANGELOG.md", "LICENSE", "docs/formats.md", "testdata/site/sims/backup.sims",
		"share/man/man5/ims-store.5", "share/man/man5/sims-tar.5", "share/man/man5/store.idx.5",
		"share/man/man1/storeconv-restore.1", "share/man/man1/siteconv-run.1", "share/man/man1/imsrestore.1",
		"licences/github.com/cockroachdb/pebble/v2@v2.1.7/LICENSE", "licences/std@" + compiler(t, dir) + "/LICENSE",
	}
	for _, p := range testPrograms {
		want = append(want, "bin/"+p, "share/man/man1/"+p+".1", "share/bash-completion/completions/"+p,
			"share/zsh/site-functions/_"+p, "share/fish/vendor_completions.d/"+p+".fish")
	}
	for _, name := range want {
		if len(have[name]) == 0 {
			t.Errorf("no %s", name)
		}
	}
	for old, program := range map[string]string{
		"imsdirmig": "ldifconv", "imsdaaci": "ldifconv", "imsrestore": "storeconv", "imsbackup": "storeconv", "imbackup": "storeconv",
		"imcheck": "storeconv", "hashdir": "storeconv", "reconstruct": "storeconv", "iminitquota": "storeconv",
	} {
		if got := string(have["bin/"+old]); got != "link to "+program {
			t.Errorf("bin/%s: %q, want a link to %s", old, got, program)
		}
	}
	for name := range have {
		if strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "go.mod") {
			t.Errorf("%s is of no use there", name)
		}
	}
}

// TestReleaseIsOfNoMachine: times, owners and permissions are those of the
// commit, and no path of this machine is in a file.
func TestReleaseIsOfNoMachine(t *testing.T) {
	date := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f, err := os.Open(filepath.Join(releases(t)[1], "imsconv-"+testVersion+"-linux-arm64.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var last string
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(date) || h.Uid != 0 || h.Gid != 0 || h.Uname != "root" || h.Mode&^0o777 != 0 {
			t.Errorf("%s: %v %d:%d %q %o", h.Name, h.ModTime, h.Uid, h.Gid, h.Uname, h.Mode)
		}
		if h.Typeflag == tar.TypeReg && h.Mode != 0o644 && h.Mode != 0o755 {
			t.Errorf("%s has the mode %o", h.Name, h.Mode)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(made.dir)) {
			t.Errorf("%s names the folder it was made in", h.Name)
		}
		last = h.Name
	}
	if last == "" {
		t.Error("an empty archive")
	}
}

func TestReleaseIsStatic(t *testing.T) {
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		dir := unpacked(t, arch)
		for _, p := range testPrograms {
			f, err := elf.Open(filepath.Join(dir, "bin", p))
			if err != nil {
				t.Fatal(err)
			}
			if f.Machine != machine {
				t.Errorf("%s: %s is for %v", arch, p, f.Machine)
			}
			for _, part := range f.Progs {
				if part.Type == elf.PT_INTERP || part.Type == elf.PT_DYNAMIC {
					t.Errorf("%s: %s wants libraries (%v)", arch, p, part.Type)
				}
			}
			f.Close()
		}
	}
}

// TestReleaseListsModules holds the list against the programs themselves.
func TestReleaseListsModules(t *testing.T) {
	listed := map[string]string{} // licence by module and version
	text, err := os.ReadFile(filepath.Join(releases(t)[0], "imsconv-"+testVersion+"-modules.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(cells) != 4 {
			t.Fatalf("%q has %d cells", line, len(cells))
		}
		listed[cells[0]+"@"+cells[1]] = cells[2]
	}
	for _, arch := range []string{"amd64", "arm64"} {
		dir := unpacked(t, arch)
		for _, p := range testPrograms {
			info, err := buildinfo.ReadFile(filepath.Join(dir, "bin", p))
			if err != nil {
				t.Fatal(err)
			}
			for _, dep := range info.Deps {
				if listed[dep.Path+"@"+dep.Version] == "" {
					t.Errorf("%s for %s links %s %s, which has no licence in the list", p, arch, dep.Path, dep.Version)
				}
				texts, err := filepath.Glob(filepath.Join(dir, "licences", filepath.FromSlash(dep.Path)+"@"+dep.Version, "*"))
				if err != nil || len(texts) == 0 {
					t.Errorf("no text of the licence of %s %s: %v", dep.Path, dep.Version, err)
				}
			}
		}
	}
	for module, licence := range map[string]string{
		"imsconv@" + testVersion: "Apache-2.0", "std@" + compiler(t, unpacked(t, "amd64")): "BSD-3-Clause",
		"github.com/cockroachdb/pebble/v2@v2.1.7": "Apache-2.0 AND BSD-3-Clause AND MIT", "github.com/pkg/errors@v0.9.1": "BSD-2-Clause",
	} {
		if listed[module] != licence {
			t.Errorf("%s: %q, want %q", module, listed[module], licence)
		}
	}
}

// TestExpectedSums holds what the self-test expects of the messages against the
// description of the sample site, which no program of ours has written.
func TestExpectedSums(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "site", "expect.json"))
	if err != nil {
		t.Fatal(err)
	}
	var site struct {
		Mailboxes []struct {
			Messages []struct{ Path, SHA256 string }
		}
	}
	if err := json.Unmarshal(text, &site); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, box := range site.Mailboxes {
		for _, m := range box.Messages {
			want = append(want, m.SHA256+"  store/"+m.Path)
		}
	}
	sums, err := os.ReadFile(filepath.Join(sumsDir, "sims.sha256"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(sums)) {
		if line = strings.TrimSpace(line); strings.HasSuffix(line, ".msg") {
			got = append(got, line)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) < 50 || !slices.Equal(got, want) {
		t.Errorf("sims.sha256 has %d messages, the description of the site %d, and they are not the same", len(got), len(want))
	}
}
