package peer

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inner is the test of a subprocess that TestProcessesEnd runs and ends.
const inner = "IMSCONV_PEER_INNER"

// recorder is a test that fails without failing the one that looks at it.
type recorder struct {
	testing.TB
	said    string
	cleanup []func()
}

func (r *recorder) Errorf(format string, args ...any) { r.said += fmt.Sprintf(format, args...) }
func (r *recorder) Cleanup(f func())                  { r.cleanup = append(r.cleanup, f) }

// end is the end of that test.
func (r *recorder) end() {
	for i := len(r.cleanup) - 1; i >= 0; i-- {
		r.cleanup[i]()
	}
}

// alive tells whether a process is there, and no zombie.
func alive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	_, rest, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(rest, "Z")
}

// sleeper is a shell that starts a process of its own, tells its number, and
// waits for it.
const sleeper = "sleep 1000 & echo $!; wait"

// startSleeper starts one, and returns it with the number of its own process.
func startSleeper(t *testing.T, cmd *exec.Cmd) (pid string) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(pid)
}

// TestProcessesEnd: a process does not outlive its test, whoever waits for it,
// and of one that does not end the test is told.
func TestProcessesEnd(t *testing.T) {
	if os.Getenv(inner) != "" {
		cmd := Command(t, "sh", "-c", "echo $$; sleep 1000")
		fmt.Println(startSleeper(t, cmd))
		time.Sleep(time.Minute)
		return
	}
	r := &recorder{TB: t}
	cmd := Command(r, "sh", "-c", sleeper)
	pid := startSleeper(t, cmd)
	r.end()
	Await(t, "the process of a test that has ended is gone", func() bool { return !alive(pid) })
	if r.said != "" {
		t.Errorf("the test failed: %s", r.said)
	}

	cmd = CommandFor(r, 50*time.Millisecond, "sh", "-c", "trap 'echo stuck >&2' QUIT; "+sleeper+"; wait")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	pid = startSleeper(t, cmd)
	if err := cmd.Wait(); err == nil {
		t.Error("a process without an end has ended well")
	}
	Await(t, "the process of a shell that was ended is gone", func() bool { return !alive(pid) })
	if !strings.HasSuffix(r.said, "has not ended in 50ms") || stderr.String() != "stuck\n" {
		t.Errorf("the test was told %q, and the process has said %q", r.said, stderr.String())
	}
	r.end()
}

// TestProcessesEndWithTheTests: a process does not outlive the tests that are
// killed.
func TestProcessesEndWithTheTests(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := Command(t, self, "-test.run=^TestProcessesEnd$")
	cmd.Env = append(os.Environ(), inner+"=1")
	pid := startSleeper(t, cmd)
	if !alive(pid) {
		t.Fatalf("no process %q", pid)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	Await(t, "the process is gone", func() bool { return !alive(pid) })
}

// TestPortsAreTakenOnce: of all tests of the machine, one has a port, and it is
// none that the system gives to whoever connects.
func TestPortsAreTakenOnce(t *testing.T) {
	r := &recorder{TB: t}
	seen := map[int]bool{}
	for range 300 {
		port := FreePort(r)
		if seen[port] {
			t.Fatalf("port %d twice", port)
		}
		seen[port] = true
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
	first, last := testPorts(t)
	for port := range seen {
		if port < first || port > last {
			t.Errorf("port %d is not within %d and %d", port, first, last)
		}
	}
	r.end()
}
