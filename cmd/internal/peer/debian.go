package peer

import (
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// DebianRoot makes a root folder with nothing in it but the files of the Debian
// packages that are named, and of those that they depend on: by dpkg's lists,
// as they are installed here. Documents and translations are left out.
func DebianRoot(t testing.TB, packages ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"bin", "sbin", "lib", "lib64"} {
		if err := os.MkdirAll(filepath.Join(root, "usr", dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("usr/"+dir, filepath.Join(root, dir)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "tmp"), 0o777); err != nil {
		t.Fatal(err)
	}
	done := map[string]bool{}
	for queue := packages; len(queue) > 0; queue = queue[1:] {
		if name := queue[0]; !done[name] {
			done[name] = true
			copyPackage(t, root, name)
			queue = append(queue, dependencies(t, name)...)
		}
	}
	return root
}

// dependencies are the packages that one depends on; of alternatives, the first
// that is installed.
func dependencies(t testing.TB, name string) []string {
	t.Helper()
	out, err := exec.Command(Need(t, "dpkg-query"), "-W", "-f", "${Depends}, ${Pre-Depends}", name).Output()
	if err != nil {
		missing(t, "the Debian package "+name)
	}
	var names []string
	for part := range strings.SplitSeq(string(out), ",") {
		for choice := range strings.SplitSeq(part, "|") {
			if other := packageName.FindString(strings.TrimSpace(choice)); other != "" && installed(other) {
				names = append(names, other)
				break
			}
		}
	}
	return names
}

var packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+`)

func installed(name string) bool {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${db:Status-Status}", name).Output()
	return err == nil && strings.HasPrefix(string(out), "installed")
}

// copyPackage copies the files of one package below root.
func copyPackage(t testing.TB, root, name string) {
	t.Helper()
	out, err := exec.Command("dpkg", "-L", name).Output()
	if err != nil {
		missing(t, "the Debian package "+name)
	}
	for line := range strings.Lines(string(out)) {
		file := strings.TrimSpace(line)
		if strings.HasPrefix(file, "/usr/share/") || !filepath.IsAbs(file) {
			continue
		}
		if err := copyFile(filepath.Join(root, file), file); err != nil {
			t.Fatal(err)
		}
	}
}

// copyFile copies a file or a symbolic link; of a folder it does nothing.
func copyFile(to, from string) error {
	info, err := os.Lstat(from)
	if err != nil || info.IsDir() {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		if _, err := os.Stat(to); err == nil { // a folder that is here under two names
			return nil
		}
		return os.Symlink(target, to)
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// Chroot is the command that runs a program in a root folder of its own,
// without a network and without the environment of here, which names folders
// that are not there: its words, before those of the program. A system that
// lets nobody leave its network is told in the log.
func Chroot(t testing.TB, root string) []string {
	t.Helper()
	bare := []string{Need(t, "env"), "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	chroot := []string{Need(t, "chroot"), root}
	alone := []string{Need(t, "unshare"), "-n"}
	if os.Geteuid() != 0 {
		alone = append(alone, "-r")
	}
	if exec.Command(alone[0], append(alone[1:], "true")...).Run() == nil {
		return slices.Concat(bare, alone, chroot)
	}
	if os.Geteuid() != 0 {
		missing(t, "the right to make a user namespace (unshare -r)")
	}
	t.Log("unshare -n is refused here: the network stays")
	return append(bare, chroot...)
}
