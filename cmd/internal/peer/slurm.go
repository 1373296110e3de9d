package peer

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Slurm is a real Slurm of one node, this machine, with an authentication
// service of its own. It keeps everything in one folder, listens on loopback
// and needs neither systemd nor cgroups. All of it runs as the user of the
// test.
type Slurm struct {
	Dir string // its folder

	t       testing.TB
	node    string // the name of this machine
	servers []*daemon
}

// daemon is a program that runs until the end of the test.
type daemon struct {
	name string
	cmd  *exec.Cmd
	done <-chan struct{} // closed when it has ended
	log  string
}

// glance is how often it is looked whether something is true.
const glance = 50 * time.Millisecond

// slurmConf is the configuration. A job that is requeued waits for cred_expire
// seconds before it starts again; so much is enough for one machine. The node
// has the cores it is told, whether the machine has them or not.
const slurmConf = `ClusterName=test
SlurmctldHost=%[1]s(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=%[2]s/munge.sock,cred_expire=5
CryptoType=crypto/munge
SlurmUser=%[3]s
SlurmdUser=%[3]s
SlurmctldPort=%[4]d
SlurmdPort=%[5]d
SlurmctldPidFile=%[2]s/slurmctld.pid
SlurmdPidFile=%[2]s/slurmd.pid
SlurmdSpoolDir=%[2]s/spool
SlurmdParameters=config_overrides
StateSaveLocation=%[2]s/state
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=100000,batch_sched_delay=0,bf_interval=1
ReturnToService=2
KillWait=5
MpiDefault=none
SwitchType=switch/none
NodeName=%[1]s NodeAddr=127.0.0.1 CPUs=%[6]d RealMemory=1024 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
`

// NewSlurm starts a Slurm that runs so many jobs at once. It ends, with its
// jobs, at the end of the test.
func NewSlurm(t testing.TB, jobs int) *Slurm {
	t.Helper()
	s := &Slurm{t: t, Dir: shortTempDir(t, "slurm")}
	munged, ctld, slurmd := Need(t, "munged"), Need(t, "slurmctld"), Need(t, "slurmd")
	for _, name := range [...]string{"sbatch", "squeue", "scontrol", "scancel", "sinfo"} {
		Need(t, name)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	s.node, _, _ = strings.Cut(host, ".")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.conf(), fmt.Appendf(nil, slurmConf, s.node, s.Dir, me.Username, FreePort(t), FreePort(t), jobs))
	for _, dir := range [...]string{"spool", "state"} {
		if err := os.Mkdir(filepath.Join(s.Dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(s.stop)
	s.authenticate(munged)
	s.start("slurmctld", ctld, "-D", "-f", s.conf())
	s.start("slurmd", slurmd, "-D", "-f", s.conf(), "-N", s.node)
	s.Until("the node is idle", func() bool { return s.Ask("sinfo", "-h", "-o", "%T") == "idle" })
	return s
}

// authenticate starts munged with a key of its own.
func (s *Slurm) authenticate(munged string) {
	s.t.Helper()
	key := make([]byte, 128)
	rand.Read(key)
	if err := os.WriteFile(filepath.Join(s.Dir, "munge.key"), key, 0o600); err != nil {
		s.t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(s.Dir, name) }
	s.start("munged", munged, "--foreground", "--force", "--key-file="+at("munge.key"), "--socket="+at("munge.sock"),
		"--pid-file="+at("munged.pid"), "--log-file="+at("munged.log"), "--seed-file="+at("munged.seed"))
	s.Until("munged has a socket", func() bool {
		c, err := net.Dial("unix", at("munge.sock"))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (s *Slurm) conf() string { return filepath.Join(s.Dir, "slurm.conf") }

// start runs a server until the end of the test.
func (s *Slurm) start(name, path string, args ...string) {
	s.t.Helper()
	v := &daemon{name: name, cmd: server(path, args...), log: filepath.Join(s.Dir, name+".out")}
	out, err := os.Create(v.log)
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close()
	v.cmd.Env, v.cmd.Stdout, v.cmd.Stderr = s.Env(), out, out
	if err := v.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	v.done = ended(v.cmd)
	s.servers = append(s.servers, v)
}

// stop ends all jobs and then the servers, the last one first.
func (s *Slurm) stop() {
	if len(s.servers) == 3 {
		if _, err := s.try("scancel", "--full", "--signal=KILL", "--partition=all"); err == nil {
			s.try("scancel", "--partition=all")
		}
		for range 100 {
			if left, err := s.try("squeue", "-h"); err != nil || left == "" {
				break
			}
			time.Sleep(glance)
		}
	}
	for i := len(s.servers) - 1; i >= 0; i-- {
		stop(s.servers[i].cmd, syscall.SIGTERM, s.servers[i].done)
	}
	s.servers = nil
}

// Env is the environment in which programs of Slurm, and what they start, speak
// to this one.
func (s *Slurm) Env() []string { return append(os.Environ(), "SLURM_CONF="+s.conf()) }

// try runs a program of Slurm and returns what it prints.
func (s *Slurm) try(name string, args ...string) (string, error) {
	cmd := Command(s.t, Need(s.t, name), args...)
	cmd.Env = s.Env()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, lastOf(errs.Bytes()))
	}
	return strings.TrimSpace(out.String()), nil
}

// Ask runs a program of Slurm, which must not fail, and returns what it prints.
func (s *Slurm) Ask(name string, args ...string) string {
	s.t.Helper()
	out, err := s.try(name, args...)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.logs())
	}
	return out
}

// Field is a field of a job, or of a task of an array, as scontrol shows it.
func (s *Slurm) Field(job, name string) string {
	s.t.Helper()
	for field := range strings.FieldsSeq(s.Ask("scontrol", "show", "job", "--oneliner", job)) {
		if value, ok := strings.CutPrefix(field, name+"="); ok {
			return value
		}
	}
	s.t.Fatalf("job %s has no %s", job, name)
	return ""
}

// Until waits for something to become true, and fails the test when that takes
// too long; what names it.
func (s *Slurm) Until(what string, is func() bool) {
	s.t.Helper()
	for end := time.Now().Add(Patience); !is(); time.Sleep(glance) {
		if time.Now().After(end) {
			queue, _ := s.try("squeue", "-o", "%i %j %T %r")
			s.t.Fatalf("waited %v in vain: %s\n%s\n%s", Patience, what, queue, s.logs())
		}
	}
}

// logs is the end of what each server has said.
func (s *Slurm) logs() string {
	var b strings.Builder
	for _, v := range s.servers {
		text, err := os.ReadFile(v.log)
		fmt.Fprintf(&b, "%s (%v):\n%s\n", v.name, err, lastOf(text))
	}
	return b.String()
}
