package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"imsconv/cmd/internal/cli"
)

// benchRoom is where a measurement is made: a folder of its own in DIR, which a
// keeper removes when this process ends, however it ends.
type benchRoom struct {
	dir, work string
	keeper    *keeper
}

// workName is the folder of a measurement in DIR.
const workName = "storeconv-bench"

// makeRoom makes a folder in an empty directory, and the directory when it is
// not there.
func makeRoom(dir string) (*benchRoom, error) {
	made := false
	switch err := os.Mkdir(dir, 0o700); {
	case err == nil:
		made = true
	case !errors.Is(err, os.ErrExist):
		return nil, err
	}
	if err := checkEmpty(dir); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	r := &benchRoom{dir: dir, work: filepath.Join(dir, workName)}
	remove := []string{r.work}
	if made {
		remove = append(remove, dir)
	}
	if err := os.Mkdir(r.work, 0o700); err != nil {
		return nil, err
	}
	if r.keeper, err = startKeeper(remove); err != nil {
		return nil, errors.Join(err, os.Remove(r.work))
	}
	return r, nil
}

// checkEmpty refuses a directory that has anything in it but what a new file
// system has.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch e.Name() {
		case "lost+found":
		case workName:
			return cli.WithHint(fmt.Errorf("%s is not empty: there is %s, another measurement or what one has left", dir, e.Name()),
				"when no storeconv bench is at work there: rm -r "+cli.Quote(filepath.Join(dir, workName)))
		default:
			return cli.WithHint(fmt.Errorf("%s is not empty: there is %s", dir, e.Name()),
				"name an empty directory, or one that is not there, on the disk that is to be measured")
		}
	}
	return nil
}

// clear has the keeper remove everything and waits for it, after an interrupt
// not for long: the keeper goes on by itself.
func (r *benchRoom) clear(ctx context.Context, job *cli.Job) error {
	removed := r.keeper.release()
	select {
	case <-removed:
	case <-ctx.Done():
		select {
		case <-removed:
		case <-time.After(keeperPatience):
			job.Note("what is in " + r.work + " is being removed by a process that goes on")
			return nil
		}
	}
	if _, err := os.Lstat(r.work); err == nil {
		return fmt.Errorf("%s could not be removed", r.work)
	}
	return nil
}

// keeperPatience is how long an interrupted run waits for the removal.
const keeperPatience = 400 * time.Millisecond

// keeper is a process that removes directories as soon as this one has ended or
// says so. A terminal's interrupt does not reach it.
type keeper struct {
	cmd   *exec.Cmd
	stdin io.Closer // its end is the sign
}

// What a process does that bench starts.
const (
	childStep = "step"
	childKeep = "keep"
)

// benchChild is a command that runs this program's bench as a child.
func benchChild(ctx context.Context, what string, args ...string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Args = append([]string{"storeconv", "bench", "--quiet", "--child", what}, args...)
	return cmd, nil
}

func startKeeper(remove []string) (*keeper, error) {
	cmd, err := benchChild(context.Background(), childKeep, append([]string{"--"}, remove...)...)
	if err != nil {
		return nil, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &keeper{cmd, stdin}, cmd.Start()
}

// release tells the keeper to remove, and closes the channel when it has.
func (k *keeper) release() <-chan struct{} {
	done := make(chan struct{})
	k.stdin.Close() // a pipe's end: nothing is written
	go func() {
		defer close(done)
		_ = k.cmd.Wait() // what it could not remove is still there, which is seen
	}()
	return done
}

// keep is the keeper: it removes dirs when its standard input ends, the first
// with all that is in it, the others if they are empty. A process that was
// killed with its parent may still be writing, so it tries again.
func keep(job *cli.Job, dirs []string) error {
	if len(dirs) == 0 || filepath.Base(dirs[0]) != workName {
		return cli.Usagef("--child %s removes the folder of a measurement only", childKeep)
	}
	if _, err := io.Copy(io.Discard, job.Stdin); err != nil {
		return err
	}
	for i, dir := range dirs {
		remove := os.RemoveAll
		if i > 0 {
			remove = os.Remove
		}
		err := remove(dir)
		for range 100 {
			if err == nil || errors.Is(err, fs.ErrNotExist) || i > 0 {
				break
			}
			time.Sleep(50 * time.Millisecond)
			err = remove(dir)
		}
		if err != nil && i == 0 {
			return err
		}
	}
	return nil
}
