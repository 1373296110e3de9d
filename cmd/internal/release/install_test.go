package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"imsconv/cmd/internal/peer"
)

// allOK is how the self-test ends when it found nothing.
const allOK = " checks, all ok\n"

// selftestTime is what the self-test may take of a processor: what else the
// machine does is nothing to it.
const selftestTime = 10 * time.Second

// selftestIn runs the self-test of a root folder that is all there is for it,
// without a network.
func selftestIn(t *testing.T, root, path string) {
	t.Helper()
	before := usedByChildren(t)
	args := append(peer.Chroot(t, root), path)
	out := runIn(t, "/", 0, args[0], args[1:]...)
	if took := usedByChildren(t) - before; took > selftestTime {
		t.Errorf("the self-test took %v", took)
	}
	if !strings.HasSuffix(out, allOK) {
		t.Errorf("the self-test ended with status 0 and %q", out)
	}
	left, err := os.ReadDir(filepath.Join(root, "tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("%d files are left in /tmp: %v", len(left), err)
	}
}

// usedByChildren is the time of a processor that programs have taken which the
// tests have run.
func usedByChildren(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// freshRoot is a Debian system of a shell and coreutils; with everything, one
// that debootstrap has made.
func freshRoot(t *testing.T) string {
	t.Helper()
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skipf("no release for %s", runtime.GOARCH)
	}
	if !full() {
		return peer.DebianRoot(t, "dash", "coreutils")
	}
	root := filepath.Join(t.TempDir(), "root")
	runIn(t, "/", 0, peer.Need(t, "debootstrap"), "--variant=minbase", "stable", root)
	return root
}

func TestReleaseOnAFreshRoot(t *testing.T) {
	root := freshRoot(t)
	folder := unpack(t, runtime.GOARCH)
	if err := os.Rename(folder, filepath.Join(root, "imsconv")); err != nil {
		t.Fatal(err)
	}
	before := readAll(t, filepath.Join(root, "imsconv"))
	selftestIn(t, root, "/imsconv/selftest")
	if after := readAll(t, filepath.Join(root, "imsconv")); !maps.EqualFunc(before, after, bytes.Equal) {
		t.Error("the self-test has changed the archive's files")
	}
}

// TestReleaseAsDebianPackage installs the package, runs the self-test where it
// lies then, and removes it again.
func TestReleaseAsDebianPackage(t *testing.T) {
	root := freshRoot(t)
	before := readAll(t, filepath.Join(root, "usr"))
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	status := filepath.Join(root, "var/lib/dpkg/status")
	if _, err := os.Stat(status); err != nil {
		if err := os.WriteFile(status, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dpkg := func(args ...string) {
		t.Helper()
		all := append([]string{"--root=" + root, "--force-not-root", "--force-script-chrootless", "--log=/dev/null"}, args...)
		runIn(t, "/", 0, peer.Need(t, "dpkg"), all...)
	}
	dpkg("-i", filepath.Join(releases(t)[0], "imsconv_"+testVersion+"_"+runtime.GOARCH+".deb"))
	selftestIn(t, root, "/usr/share/imsconv/selftest")
	for _, file := range []string{"man/man1/storeconv-restore.1.gz", "bash-completion/completions/siteconv", "doc/imsconv/copyright"} {
		if _, err := os.Stat(filepath.Join(root, "usr/share", file)); err != nil {
			t.Error(err)
		}
	}
	args := append(peer.Chroot(t, root), "imcheck", "--help")
	runIn(t, "/", 0, args[0], args[1:]...)
	dpkg("-P", "imsconv")
	after := readAll(t, filepath.Join(root, "usr"))
	if !slices.Equal(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after))) {
		t.Error("files are left once the package is removed")
	}
	if _, err := os.Stat(filepath.Join(root, "usr/share/imsconv")); !os.IsNotExist(err) {
		t.Errorf("the folder of the package is left: %v", err)
	}
}

// TestReleaseAsRPM is the same with rpm, which also checks what it installed.
func TestReleaseAsRPM(t *testing.T) {
	root := freshRoot(t)
	rpm := func(args ...string) {
		t.Helper()
		words := []string{peer.Need(t, "rpm"), "--root=" + root, "--dbpath=/var/lib/rpm"}
		if os.Geteuid() != 0 {
			words = append([]string{peer.Need(t, "unshare"), "-r"}, words...)
		}
		runIn(t, "/", 0, words[0], append(words[1:], args...)...)
	}
	for _, target := range targets {
		if target.arch == runtime.GOARCH {
			rpm("-i", "--nodeps", "--ignorearch", filepath.Join(releases(t)[0], formats[1].file(testVersion, target)))
		}
	}
	rpm("-V", "imsconv")
	selftestIn(t, root, "/usr/share/imsconv/selftest")
	rpm("-e", "imsconv")
	for _, gone := range []string{"usr/bin/storeconv", "usr/share/imsconv", "usr/share/doc/imsconv"} {
		if _, err := os.Lstat(filepath.Join(root, gone)); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", gone, err)
		}
	}
}

// TestReleasePackagesHoldTheArchive compares both packages with the archive,
// file by file, each file at its place.
func TestReleasePackagesHoldTheArchive(t *testing.T) {
	for _, target := range targets {
		archive := readAll(t, unpacked(t, target.arch))
		for _, f := range formats {
			packed := unpackPackage(t, f, target)
			for name, text := range archive {
				place := f.place(name)
				got, there := packed[place]
				delete(packed, place)
				if strings.HasSuffix(place, ".gz") {
					got = expand(t, got)
				}
				if !there || !bytes.Equal(got, text) {
					t.Errorf("%s %s: %s is not the archive's %s (there: %v)", f.name, target.arch, place, name, there)
				}
			}
			extra := slices.Sorted(maps.Keys(packed))
			var want []string
			if f.name == "deb" {
				want = []string{"usr/share/doc/imsconv/changelog.gz", "usr/share/doc/imsconv/copyright", "usr/share/lintian/overrides/imsconv"}
			}
			if !slices.Equal(extra, want) {
				t.Errorf("%s %s has %q besides, want %q", f.name, target.arch, extra, want)
			}
		}
	}
}

// unpackPackage reads the files of a package with the tools of its own system.
func unpackPackage(t *testing.T, f format, target target) map[string][]byte {
	t.Helper()
	file := filepath.Join(releases(t)[0], f.file(testVersion, target))
	dir := t.TempDir()
	if f.name == "deb" {
		runIn(t, dir, 0, peer.Need(t, "dpkg-deb"), "-x", file, dir)
		return readAll(t, dir)
	}
	script := peer.Need(t, "rpm2cpio") + ` "$1" | ` + peer.Need(t, "cpio") + " --extract --make-directories --no-absolute-filenames --quiet"
	runIn(t, dir, 0, "sh", "-ec", script, "sh", file)
	return readAll(t, dir)
}

func expand(t *testing.T, text []byte) []byte {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestReleasePackagesSayWhatTheyAre reads what the package tools will show.
func TestReleasePackagesSayWhatTheyAre(t *testing.T) {
	dir := releases(t)[0]
	for _, target := range targets {
		deb := filepath.Join(dir, "imsconv_"+testVersion+"_"+target.arch+".deb")
		got := runIn(t, dir, 0, peer.Need(t, "dpkg-deb"), "-f", deb, "Package", "Version", "Architecture", "Maintainer", "Depends", "Section")
		want := "Package: imsconv\nVersion: 1.2.0~rc1\nArchitecture: " + target.arch +
			"\nMaintainer: The Testers <testers@imsconv.test>\nSection: mail\n"
		if sortLines(got) != sortLines(want) {
			t.Errorf("deb says %q, want %q", got, want)
		}
		rpm := filepath.Join(dir, "imsconv-"+testVersion+"."+target.rpm+".rpm")
		got = runIn(t, dir, 0, peer.Need(t, "rpm"), "-qp", "--qf", "%{NAME} %{VERSION}-%{RELEASE} %{ARCH} %{BUILDHOST} %{BUILDTIME} %{LICENSE}\n", rpm)
		want = fmt.Sprintf("imsconv 1.2.0~rc1-1 %s localhost 1767323045 Apache-2.0\n", target.rpm)
		if !strings.HasSuffix(got, want) {
			t.Errorf("rpm says %q, want %q", got, want)
		}
	}
}

func sortLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestReleaseSelftestSeesDamage: what came over damaged, and a program that is
// not of this release, end the self-test with 1.
func TestReleaseSelftestSeesDamage(t *testing.T) {
	dir := unpack(t, runtime.GOARCH)
	sums := filepath.Join(dir, sumsDir, "nms.sha256")
	text, err := os.ReadFile(sums)
	if err != nil {
		t.Fatal(err)
	}
	if text[0]++; text[0] > '9' {
		text[0] = '0' // another digit, whatever it was
	}
	if err := os.WriteFile(sums, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, sumsDir, "version"), []byte("9.9\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "bin", "imcheck")); err != nil {
		t.Fatal(err)
	}
	out := runIn(t, t.TempDir(), 1, filepath.Join(dir, "selftest"))
	for _, want := range []string{"FAILED  nms: the files are those expected", "FAILED  dbconv is of this version", "FAILED  imcheck --help", "selftest: 6 of "} {
		if !strings.Contains(out, want) {
			t.Errorf("the self-test says nothing of %q:\n%s", want, out)
		}
	}
	runIn(t, t.TempDir(), 2, filepath.Join(dir, "selftest"), "--help")
}

// TestReleaseSelftestWithoutRoom gives the self-test files of 2 MiB at most.
func TestReleaseSelftestWithoutRoom(t *testing.T) {
	temp := t.TempDir()
	selftest := filepath.Join(unpacked(t, runtime.GOARCH), "selftest")
	out := runIn(t, temp, 1, "sh", "-c", `ulimit -f 4096; TMPDIR=. exec "$0"`, selftest)
	if out != "selftest: . has no room for 8 MiB; TMPDIR names another folder\n" {
		t.Errorf("the self-test says %q", out)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("%d files are left: %v", len(left), err)
	}
}

// TestReleaseSelftestOfReadOnly tries an archive that its owner has made
// read-only, without root's right to write all the same.
func TestReleaseSelftestOfReadOnly(t *testing.T) {
	args := []string{filepath.Join(unpack(t, runtime.GOARCH), "selftest")}
	if os.Geteuid() == 0 {
		args = append([]string{peer.Need(t, "setpriv"), "--bounding-set=-dac_override,-dac_read_search"}, args...)
	}
	dir := filepath.Dir(args[len(args)-1])
	runIn(t, "/", 0, "chmod", "-R", "a-w", dir)
	t.Cleanup(func() { runIn(t, "/", 0, "chmod", "-R", "u+w", dir) })
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	if out := runIn(t, temp, 0, args[0], args[1:]...); !strings.HasSuffix(out, allOK) {
		t.Errorf("the self-test says %q", out)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("%d files are left: %v", len(left), err)
	}
}

// TestReleaseOnAnotherProcessor runs the programs of arm64 in an emulator: what
// they are, and the self-test, under the old names too.
func TestReleaseOnAnotherProcessor(t *testing.T) {
	emulator := peer.Need(t, "qemu-aarch64-static")
	dir := unpack(t, "arm64")
	if err := os.Rename(filepath.Join(dir, "bin"), filepath.Join(dir, "real")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "real"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		script := fmt.Sprintf("#!/bin/sh\nexec %s -0 %s %s/real/%[2]s \"$@\"\n", emulator, e.Name(), dir)
		if err := os.WriteFile(filepath.Join(dir, "bin", e.Name()), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	commit := strings.TrimSpace(runIn(t, made.clones[0], 0, "git", "rev-parse", "HEAD"))
	for _, p := range testPrograms {
		out := runIn(t, dir, 0, filepath.Join(dir, "bin", p), "version")
		if !strings.HasPrefix(out, p+" "+testVersion+"\ncommit "+commit+"\n") || !strings.Contains(out, "linux/arm64") {
			t.Errorf("%s version: %q", p, out)
		}
	}
	if out := runIn(t, dir, 0, filepath.Join(dir, "selftest")); !strings.HasSuffix(out, allOK) {
		t.Errorf("the self-test says %q", out)
	}
}

// TestReleaseAsDebianChecksIt asks Debian's own checker. It is slow.
func TestReleaseAsDebianChecksIt(t *testing.T) {
	if !full() {
		t.Skip("with IMSCONV_FULL=1")
	}
	deb := filepath.Join(releases(t)[0], "imsconv_"+testVersion+"_amd64.deb")
	out, err := peer.Command(t, peer.Need(t, "lintian"), "--no-cfg", "--allow-root", deb).CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("imsconv:")) {
		t.Errorf("lintian: %v\n%s", err, out)
	}
}
