package peer

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// DS389 is an instance of 389 Directory Server, the heir of Netscape's, made
// for one test and removed with it. It listens on loopback only, has no part in
// the machine's service manager, and checks schema and syntax.
type DS389 struct {
	// URI and Password are for binds as cn=Directory Manager.
	URI, Password string

	t      testing.TB
	name   string
	slapd  string // the server itself
	ctl    func(args ...string) ([]byte, error)
	server *exec.Cmd
	done   <-chan struct{} // closed when it has ended
	letGo  func()          // ends what ends it with the test
}

// Manager is the DN of the administrator of a DS389.
const Manager = "cn=Directory Manager"

// withoutSystemd runs a program of 389-ds as on a machine without systemd.
const withoutSystemd = `import sys, runpy
sys.path[:0] = ['/usr/lib/python3/dist-packages']
import lib389.paths as paths
paths.Paths.with_systemd = property(lambda self: False)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
`

// NewDS389 makes an instance with one backend for each suffix, named after its
// place: b0, b1, and schema, the text of a file of its schema folder. It is not
// running yet.
func NewDS389(t testing.TB, schema []byte, suffixes ...string) *DS389 {
	t.Helper()
	create, control := Need(t, "dscreate"), Need(t, "dsctl")
	d := &DS389{t: t, name: fmt.Sprintf("imsconv%d", os.Getpid()), slapd: Need(t, "ns-slapd"), Password: "password1"}
	NeedFile(t, "/usr/bin/python3")
	if os.Getuid() != 0 {
		missing(t, "the right to make an instance of 389-ds (root)")
	}
	dir := t.TempDir()
	wrapper := filepath.Join(dir, "nosystemd.py")
	d.ctl = func(args ...string) ([]byte, error) {
		return Command(t, "/usr/bin/python3", append([]string{wrapper}, args...)...).CombinedOutput()
	}
	port := FreePort(t)
	d.URI = fmt.Sprintf("ldap://127.0.0.1:%d", port)
	write(t, wrapper, []byte(withoutSystemd))
	d.sweep(control)
	write(t, filepath.Join(dir, "instance.inf"), d.instance(port, suffixes))
	t.Cleanup(func() {
		d.Stop()
		if out, err := d.ctl(control, d.name, "remove", "--do-it"); err != nil {
			t.Logf("dsctl remove: %v\n%s", err, out)
		}
	})
	if out, err := d.ctl(create, "from-file", filepath.Join(dir, "instance.inf")); err != nil {
		t.Fatalf("dscreate: %v\n%s", err, out)
	}
	d.configure()
	write(t, filepath.Join(d.config(), "schema", "99imsconv.ldif"), schema)
	return d
}

// sweep removes the instances of tests that were killed.
func (d *DS389) sweep(control string) {
	found, _ := filepath.Glob("/etc/dirsrv/slapd-imsconv[0-9]*") // the pattern is right
	for _, path := range found {
		name := strings.TrimPrefix(filepath.Base(path), "slapd-")
		if _, err := os.Stat("/proc/" + strings.TrimPrefix(name, "imsconv")); err == nil {
			continue
		}
		if out, err := d.ctl(control, name, "remove", "--do-it"); err != nil {
			d.t.Logf("dsctl %s remove: %v\n%s", name, err, out)
		}
	}
}

// For makes faults of the server those of a subtest until the next call.
func (d *DS389) For(t testing.TB) *DS389 {
	d.t = t
	return d
}

// instance is what dscreate reads.
func (d *DS389) instance(port int, suffixes []string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "[general]\nconfig_version = 2\nfull_machine_name = localhost\nstrict_host_checking = False\nselinux = False\nsystemd = False\nstart = False\n"+
		"[slapd]\ninstance_name = %s\nport = %d\nsecure_port = 0\nroot_password = %s\nself_sign_cert = False\n", d.name, port, d.Password)
	for i, suffix := range suffixes {
		fmt.Fprintf(&b, "[backend-b%d]\nsuffix = %s\ncreate_suffix_entry = False\nsample_entries = no\n", i, suffix)
	}
	return b.Bytes()
}

func (d *DS389) config() string { return "/etc/dirsrv/slapd-" + d.name }

// configure keeps the server off the network, and from waiting for the disk:
// what it holds is gone with the test.
func (d *DS389) configure() {
	d.t.Helper()
	path := filepath.Join(d.config(), "dse.ldif")
	text, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("\ncn: config\n"), []byte("\ncn: config\nnsslapd-listenhost: 127.0.0.1\n"), 1)
	text = bytes.Replace(text, []byte("\nnsslapd-db-durable-transaction: on\n"), []byte("\nnsslapd-db-durable-transaction: off\n"), 1)
	write(d.t, path, text)
}

// Start starts the server and waits until it answers.
func (d *DS389) Start() {
	d.t.Helper()
	d.emptyLog()
	cmd := server(d.slapd, "-D", d.config(), "-i", filepath.Join("/run/dirsrv", "slapd-"+d.name+".pid"), "-d", "0")
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.server, d.done = cmd, ended(cmd)
	d.letGo = leash(d.t, d.server.Process.Pid)
	for end := time.Now().Add(Patience); time.Now().Before(end); {
		if c, err := net.Dial("tcp", strings.TrimPrefix(d.URI, "ldap://")); err == nil {
			c.Close()
			return
		}
		select {
		case <-d.done:
			d.t.Fatalf("389-ds does not start:\n%s", d.Log())
		case <-time.After(50 * time.Millisecond):
		}
	}
	d.Stop()
	d.t.Fatalf("389-ds opens no port in %v:\n%s", Patience, d.Log())
}

// leash has a shell kill a process when that of the test has gone. A server
// that changes its user forgets that it was to die with its parent. The
// function that is returned lets it live on.
func leash(t testing.TB, pid int) (letGo func()) {
	t.Helper()
	cmd := exec.Command("sh", "-c", "read -r line; kill -9 $0", strconv.Itoa(pid))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if _, err := cmd.StdinPipe(); err != nil { // ends with the process of the test
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// Stop stops the server.
func (d *DS389) Stop() {
	if d.server == nil {
		return
	}
	d.letGo()
	stop(d.server, os.Interrupt, d.done)
	d.server = nil
}

// Log is what the server has written to its error log since the last start or
// import.
func (d *DS389) Log() string {
	text, err := os.ReadFile(d.logPath())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (d *DS389) logPath() string { return "/var/log/dirsrv/slapd-" + d.name + "/errors" }

func (d *DS389) emptyLog() {
	if err := os.Truncate(d.logPath(), 0); err != nil && !os.IsNotExist(err) {
		d.t.Fatal(err)
	}
}

var (
	processed = regexp.MustCompile(`Import complete\.\s+Processed (\d+) entries`)
	skipped   = regexp.MustCompile(`\((\d+) were skipped\)`)
)

// Import loads LDIF into a backend with ldif2db, the server being down, and
// returns how many entries were taken and how many refused.
func (d *DS389) Import(backend int, text []byte) (taken, refused int) {
	d.t.Helper()
	d.emptyLog()
	path := d.ldif("in.ldif")
	write(d.t, path, text)
	if out, err := Command(d.t, d.slapd, "ldif2db", "-D", d.config(), "-n", fmt.Sprintf("b%d", backend), "-i", path).CombinedOutput(); err != nil {
		d.t.Fatalf("ldif2db: %v\n%s\n%s", err, out, d.Log())
	}
	log := d.Log()
	if m := processed.FindStringSubmatch(log); m != nil {
		taken, _ = strconv.Atoi(m[1])
	} else {
		d.t.Fatalf("ldif2db does not end well:\n%s", log)
	}
	if m := skipped.FindStringSubmatch(log); m != nil {
		refused, _ = strconv.Atoi(m[1])
	}
	return taken - refused, refused
}

// Export returns the content of a backend, as db2ldif writes it. The server may
// be up.
func (d *DS389) Export(backend int) []byte {
	d.t.Helper()
	path := d.ldif("out.ldif")
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		d.t.Fatal(err)
	}
	if out, err := Command(d.t, d.slapd, "db2ldif", "-D", d.config(), "-n", fmt.Sprintf("b%d", backend), "-a", path).CombinedOutput(); err != nil {
		d.t.Fatalf("db2ldif: %v\n%s", err, out)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	return text
}

func (d *DS389) ldif(name string) string {
	return filepath.Join("/var/lib/dirsrv", "slapd-"+d.name, "ldif", name)
}

func write(t testing.TB, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
