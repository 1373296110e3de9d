package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"imsconv/cmd/internal/peer"
)

// testVersion is that of the releases that the tests make.
const testVersion = "1.2.0-rc1"

// full says that everything is to be done of which the gate takes a sample.
func full() bool { return os.Getenv("IMSCONV_FULL") == "1" }

// made are two releases of one commit, made in two clones in two folders.
var made struct {
	once   sync.Once
	dir    string // for the time being
	clones [2]string
	out    [2]string
	err    error
}

func TestMain(m *testing.M) {
	if err := os.Unsetenv("SOURCE_DATE_EPOCH"); err != nil {
		panic(err)
	}
	code := m.Run()
	if made.dir != "" {
		if err := os.RemoveAll(made.dir); err != nil {
			panic(err)
		}
	}
	os.Exit(code)
}

// releases makes both releases, once for all tests, and returns their folders.
func releases(t *testing.T) [2]string {
	t.Helper()
	if testing.Short() {
		t.Skip("making a release is not short")
	}
	peer.Need(t, "git")
	made.once.Do(func() { made.err = makeBoth(t.Context()) })
	if made.err != nil {
		t.Fatal(made.err)
	}
	return made.out
}

func makeBoth(ctx context.Context) (err error) {
	if made.dir, err = os.MkdirTemp("", "release-test-"); err != nil {
		return err
	}
	// The clones differ in all that must not matter: path, time zone, what the
	// go command was told, permissions of new files.
	for i, at := range []string{"one", "another/and/deeper/clone"} {
		made.clones[i] = filepath.Join(made.dir, at)
		made.out[i] = filepath.Join(made.dir, "out"+at[:1])
		if err := clone(made.clones[i]); err != nil {
			return err
		}
	}
	if err := makeTest(ctx, 0); err != nil {
		return err
	}
	for name, value := range map[string]string{"TZ": "Asia/Tokyo", "GOAMD64": "v3", "GOFLAGS": "-tags=other", "CGO_ENABLED": "1"} {
		old, set := os.LookupEnv(name)
		if err := os.Setenv(name, value); err != nil {
			return err
		}
		defer func() {
			if set {
				err = os.Setenv(name, old)
			} else {
				err = os.Unsetenv(name)
			}
		}()
	}
	defer umask(umask(0o077))
	return makeTest(ctx, 1)
}

// makeTest makes the release of clone i. The gate compresses little.
func makeTest(ctx context.Context, i int) error {
	opt, err := parse([]string{
		"--version", testVersion, "--out", made.out[i], "--root", made.clones[i], "--maintainer", "The Testers <testers@imsconv.test>",
	})
	if err != nil {
		return err
	}
	if !full() {
		opt.level = gzip.BestSpeed
	}
	return makeRelease(ctx, opt)
}

// clone makes a repository of the files that are here, committed or not, whose
// one commit is always the same.
func clone(dir string) error {
	root := filepath.Join("..", "..", "..")
	out, err := exec.Command("git", "-C", root, "ls-files", "-coz", "--exclude-standard").Output()
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if err := copyTo(filepath.Join(dir, name), filepath.Join(root, name)); err != nil {
			return err
		}
	}
	return commitAll(dir)
}

// commitAll makes a repository of a folder, at a time and by a user that are
// always the same.
func commitAll(dir string) error {
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=t", "-c", "user.email=t@imsconv.test", "commit", "-q", "-m", "all"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
		if out, err := cmd.CombinedOutput(); err != nil {
			return &fs.PathError{Op: string(out), Path: dir, Err: err}
		}
	}
	return nil
}

func copyTo(to, from string) error {
	text, err := os.ReadFile(from)
	if os.IsNotExist(err) { // removed, and not committed yet
		return nil
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, text, info.Mode().Perm())
}

func TestReleaseOfTwoClonesIsTheSame(t *testing.T) {
	out := releases(t)
	want := []string{
		"SHA256SUMS",
		"imsconv-1.2.0-rc1-linux-amd64.tar.gz", "imsconv-1.2.0-rc1-linux-arm64.tar.gz", "imsconv-1.2.0-rc1-modules.tsv",
		"imsconv-1.2.0-rc1.aarch64.rpm", "imsconv-1.2.0-rc1.x86_64.rpm",
		"imsconv_1.2.0-rc1_amd64.deb", "imsconv_1.2.0-rc1_arm64.deb",
	}
	var files [2]map[string][]byte
	for i, dir := range out {
		files[i] = readAll(t, dir)
		if got := slices.Sorted(maps.Keys(files[i])); !slices.Equal(got, want) {
			t.Errorf("clone %d: %q, want %q", i, got, want)
		}
	}
	for name, text := range files[0] {
		if !bytes.Equal(text, files[1][name]) {
			t.Errorf("%s differs", name)
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "install.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range want {
		if name = strings.ReplaceAll(name, testVersion, "1.2.0"); !bytes.Contains(page, []byte("`"+name+"`")) {
			t.Errorf("docs/install.md says nothing of %s", name)
		}
	}
	// Nothing is left of the making.
	entries, err := os.ReadDir(made.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s is left", e.Name())
		}
	}
}

// readAll reads the files below a folder, by name.
func readAll(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	texts := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			texts[rel] = []byte("link to " + target)
			return err
		}
		texts[rel], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestReleaseSums(t *testing.T) {
	dir := releases(t)[0]
	runIn(t, dir, 0, peer.Need(t, "sha256sum"), "--check", "--strict", "SHA256SUMS")
	text := readAll(t, dir)
	if got, want := bytes.Count(text["SHA256SUMS"], []byte("\n")), len(text)-1; got != want {
		t.Errorf("sums of %d files, want %d", got, want)
	}
}

// runIn runs a program in a folder; it must end with a status. The output of
// both kinds is returned.
func runIn(t *testing.T, dir string, status int, name string, args ...string) string {
	t.Helper()
	cmd := peer.Command(t, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("%s: %v", name, err)
	}
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Fatalf("%s %s: exit status %d, want %d:\n%s", name, strings.Join(args, " "), got, status, out)
	}
	return string(out)
}
