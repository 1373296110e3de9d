package peer

import (
	"bytes"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Slapd is a real OpenLDAP server on a socket in its own folder. It runs
// between Start and Stop; Dump reads its database while it does not.
type Slapd struct {
	Dir    string // its folder
	URI    string // of its socket
	Suffix string

	t                  testing.TB
	slapd, cat, modify string
	server             *exec.Cmd
	done               <-chan struct{} // closed when it has ended
}

const (
	slapdRoot     = "cn=root"
	slapdPassword = "secret"
)

// NewSlapd loads an export into a fresh database below suffix, with a schema in
// OpenLDAP's form.
func NewSlapd(t testing.TB, schema []byte, suffix, export string) *Slapd {
	t.Helper()
	d := &Slapd{
		t: t, Suffix: suffix, Dir: shortTempDir(t, "slapd"),
		slapd: Need(t, "slapd"), cat: Need(t, "slapcat"), modify: Need(t, "ldapmodify"),
	}
	add := Need(t, "slapadd")
	d.URI = "ldapi://" + url.PathEscape(filepath.Join(d.Dir, "s"))
	write(t, filepath.Join(d.Dir, "merged.schema"), schema)
	write(t, d.config(), fmt.Appendf(nil, `include %[1]s/merged.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix %[2]q
rootdn "%[3]s,%[2]s"
rootpw %[4]s
directory %[1]s/db
maxsize 1073741824
dbnosync
`, d.Dir, suffix, slapdRoot, slapdPassword))
	if err := os.Mkdir(filepath.Join(d.Dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.run(add, "-q", "-f", d.config(), "-l", export)
	return d
}

// shortTempDir is a temporary folder whose name leaves room for a socket's (108
// bytes in all).
func shortTempDir(t testing.TB, prefix string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (d *Slapd) config() string { return filepath.Join(d.Dir, "slapd.conf") }

// run runs a program, which must not fail, and returns its standard output.
func (d *Slapd) run(name string, args ...string) []byte {
	d.t.Helper()
	cmd := Command(d.t, name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		d.t.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, lastOf(errs.Bytes()), lastOf(out.Bytes()))
	}
	return out.Bytes()
}

// lastOf is the end of a long text.
func lastOf(b []byte) []byte { return b[max(0, len(b)-2000):] }

// Start runs the server until Stop, or the end of the test.
func (d *Slapd) Start() {
	d.t.Helper()
	socket := filepath.Join(d.Dir, "s")
	os.Remove(socket) // left by a server before
	d.server = server(d.slapd, "-d", "0", "-h", d.URI, "-f", d.config())
	var errs bytes.Buffer
	d.server.Stderr = &errs
	if err := d.server.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.done = ended(d.server)
	d.t.Cleanup(d.Stop)
	for end := time.Now().Add(Patience); time.Now().Before(end); {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			return
		}
		select {
		case <-d.done:
			d.t.Fatalf("slapd does not start\n%s", lastOf(errs.Bytes()))
		case <-time.After(25 * time.Millisecond):
		}
	}
	d.Stop()
	d.t.Fatalf("slapd opens no socket in %v\n%s", Patience, lastOf(errs.Bytes()))
}

// Stop ends the server, if it runs.
func (d *Slapd) Stop() {
	if d.server == nil {
		return
	}
	stop(d.server, os.Interrupt, d.done)
	d.server = nil
}

// Try gives change records to the real ldapmodify while the server runs, and
// returns what it says when one is refused.
func (d *Slapd) Try(changes []byte) error {
	d.t.Helper()
	path := filepath.Join(d.Dir, "changes.ldif")
	write(d.t, path, changes)
	out, err := Command(d.t, d.modify, "-x", "-H", d.URI, "-D", slapdRoot+","+d.Suffix, "-w", slapdPassword, "-f", path).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ldapmodify: %w\n%s", err, lastOf(out))
	}
	return nil
}

// Search is what the real ldapsearch prints of everything below the suffix,
// while the server runs, be it all or not.
func (d *Slapd) Search(options ...string) []byte {
	d.t.Helper()
	args := append([]string{"-x", "-H", d.URI, "-D", slapdRoot + "," + d.Suffix, "-w", slapdPassword, "-b", d.Suffix}, options...)
	var out bytes.Buffer
	cmd := Command(d.t, Need(d.t, "ldapsearch"), args...)
	cmd.Stdout = &out
	_ = cmd.Run() // its status is the result, which its output has too
	return out.Bytes()
}

// Apply is Try for change records that must all be taken, on a server that does
// not run before and after.
func (d *Slapd) Apply(changes []byte) {
	d.t.Helper()
	d.Start()
	defer d.Stop()
	if err := d.Try(changes); err != nil {
		d.t.Fatal(err)
	}
}

// Dump is its content as LDIF.
func (d *Slapd) Dump() []byte {
	d.t.Helper()
	return d.run(d.cat, "-f", d.config(), "-o", "ldif-wrap=no")
}
