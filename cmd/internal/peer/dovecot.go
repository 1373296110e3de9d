package peer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Dovecot is a Dovecot without a daemon: each session is a process of its own
// that speaks over a pipe and is logged in from its start. Where the test is
// root, the processes are those of a user without rights, because Dovecot opens
// no mail as root.
type Dovecot struct {
	t         testing.TB
	imap, adm string
	conf, log string
}

// nobody is who Dovecot is where the test is root.
const nobody = 65534

// unprivileged is what a configuration of a real site does not say.
const unprivileged = `
base_dir = %[1]s/run
state_dir = %[1]s/run
log_path = %[1]s/dovecot.log
first_valid_uid = 1
first_valid_gid = 1
ssl = no
`

// NewDovecot prepares a Dovecot with the configuration conf. It keeps its own
// files in dir.
func NewDovecot(t testing.TB, dir string, conf []byte) *Dovecot {
	t.Helper()
	d := &Dovecot{
		t: t, imap: Need(t, "imap"), adm: Need(t, "doveadm"),
		conf: filepath.Join(dir, "dovecot.conf"), log: filepath.Join(dir, "dovecot.log"),
	}
	if err := os.MkdirAll(filepath.Join(dir, "run"), 0o777); err != nil {
		t.Fatal(err)
	}
	write(t, d.conf, fmt.Appendf(bytes.Clone(conf), unprivileged, dir))
	write(t, d.log, nil)
	d.Own(dir)
	return d
}

// Own gives everything below a directory to the user that Dovecot is, and opens
// the way to it.
func (d *Dovecot) Own(dir string) {
	d.t.Helper()
	if os.Getuid() != 0 {
		return
	}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	})
	if err != nil {
		d.t.Fatal(err)
	}
	for dir = filepath.Dir(dir); dir != "/"; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o001 == 0 {
			if err := os.Chmod(dir, info.Mode().Perm()|0o011); err != nil {
				d.t.Fatal(err)
			}
		}
	}
}

// command is a process of Dovecot that works for a user.
func (d *Dovecot) command(user, home, program string, args ...string) *exec.Cmd {
	cmd := Command(d.t, program, append([]string{"-c", d.conf}, args...)...)
	cmd.Env = []string{"USER=" + user, "HOME=" + home, "PATH=" + os.Getenv("PATH"), "TZ=UTC"}
	cmd.Dir = filepath.Dir(d.conf)
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	return cmd
}

// Doveadm runs a command of doveadm for a user and returns what it printed.
func (d *Dovecot) Doveadm(user, home string, args ...string) (string, error) {
	cmd := d.command(user, home, d.adm, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if lines := complaints(stderr.String()); err != nil || len(lines) > 0 {
		err = errors.Join(fmt.Errorf("doveadm %s", strings.Join(args, " ")), err, errors.New(stderr.String()))
	}
	return stdout.String(), err
}

// Complaints are the lines of the log file at warning or above since the last
// call. Sessions write theirs elsewhere; see IMAP.Close.
func (d *Dovecot) Complaints() []string {
	text, err := os.ReadFile(d.log)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.t.Fatal(err)
	}
	if err := os.Truncate(d.log, 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.t.Fatal(err)
	}
	return complaints(string(text))
}

// complaints are the lines of a log at warning or above.
func complaints(log string) []string {
	var lines []string
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "Info: ") && !strings.Contains(line, "Debug: ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}
