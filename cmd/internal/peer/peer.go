// Package peer finds the real programs that tests compare with: OpenLDAP,
// 389 Directory Server, Berkeley DB, GNU tar, lz4, Dovecot, Chromium, Slurm,
// GNU parallel, mandoc.
package peer

import (
	"os"
	"os/exec"
	"testing"
)

// dirs are where Debian keeps servers, which are not on every PATH.
var dirs = []string{"/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/lib/dovecot"}

// Need returns the path of a program. Where it is missing the test is skipped
// with that reason, or fails when IMSCONV_PEERS=require is set, as it is in CI.
func Need(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range dirs {
		if path, err := exec.LookPath(dir + "/" + name); err == nil {
			return path
		}
	}
	missing(t, name)
	return ""
}

// NeedFile is Need for a file that comes with a program.
func NeedFile(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		missing(t, path)
	}
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("IMSCONV_PEERS") == "require" {
		t.Fatalf("%s is not installed, and IMSCONV_PEERS=require asks for it", what)
	}
	t.Skipf("%s is not installed", what)
}
