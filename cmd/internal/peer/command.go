package peer

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Patience is after how long a test gives up what does not end or come: many
// times what it takes on a quiet machine, and less than a run of the tests of
// one package may take.
var Patience = map[bool]time.Duration{false: 3 * time.Minute, true: time.Hour}[os.Getenv("IMSCONV_FULL") != ""]

// lastWords is how long a process has to say what it waited for.
const lastWords = 2 * time.Second

// Command is exec.Command for a process that ends with the test, and with the
// process of the test, however that ends. One that does not end within
// [Patience] fails the test: it gets SIGQUIT, for which a program in Go prints
// what each of its goroutines waits for, and then its whole process group is
// killed. Who sets SysProcAttr has to begin a group, by Setpgid or Setsid.
func Command(t testing.TB, name string, args ...string) *exec.Cmd {
	return CommandFor(t, Patience, name, args...)
}

// CommandFor is [Command] with a time of its own.
func CommandFor(t testing.TB, limit time.Duration, name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 10 * time.Second
	cmd.Cancel = func() error {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("%s has not ended in %v", strings.Join(cmd.Args, " "), limit)
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGQUIT)
			time.Sleep(lastWords)
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // gone, if it fails
		return nil
	}
	t.Cleanup(func() {
		if cmd.Process != nil && cmd.ProcessState == nil { // nobody waited for it
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			_ = cmd.Wait()
		}
		cancel()
	})
	return cmd
}

// server is a command of a program that runs until it is stopped: it ends with
// the process of the test, however that ends.
func server(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// stop ends a server that is asked to by a signal, or, when it takes too long,
// by another; done is closed once somebody has waited for it.
func stop(cmd *exec.Cmd, sig os.Signal, done <-chan struct{}) {
	_ = cmd.Process.Signal(sig) // it has ended, if it fails
	select {
	case <-done:
	case <-time.After(stopTime):
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-done
	}
}

// stopTime is how long a server has to end by itself.
const stopTime = 20 * time.Second

// ended waits for a process, and closes the channel when it is gone.
func ended(cmd *exec.Cmd) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(done)
	}()
	return done
}

// Await waits until something is true, and fails the test when that takes
// longer than [Patience]; what names it.
func Await(t testing.TB, what string, is func() bool) {
	t.Helper()
	const glance = time.Millisecond
	for end := time.Now().Add(Patience); !is(); time.Sleep(glance) {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain: %s", Patience, what)
		}
	}
}
