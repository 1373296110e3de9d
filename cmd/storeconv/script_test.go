package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"imsconv/storeconv/testsite"
)

// tidy removes the binary that some tests build.
type tidy struct{ m *testing.M }

func (t tidy) Run() int {
	code := t.m.Run()
	if buildDir != "" {
		os.RemoveAll(buildDir)
	}
	return code
}

func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){
		"storeconv": main, "imsrestore": main, "imsbackup": main, "hashdir": main,
		"imrestore": main, "imbackup": main, "imcheck": main, "reconstruct": main, "iminitquota": main,
	})
}

// peerCondition is the condition [peer:NAME] of scripts: whether a real program
// is there; where peers are required, a missing one fails the script.
func peerCondition(cond string) (bool, error) {
	name, ok := strings.CutPrefix(cond, "peer:")
	if !ok {
		return false, fmt.Errorf("unknown condition %q", cond)
	}
	if _, err := exec.LookPath(name); err == nil {
		return true, nil
	}
	if os.Getenv("IMSCONV_PEERS") == "require" {
		return false, fmt.Errorf("%s is not installed, and IMSCONV_PEERS=require asks for it", name)
	}
	return false, nil
}

// The scripts run the command under its own and its old names; $SITE is
// testdata/site. Beside testscript's own commands they have
//
//	status N COMMAND ...         run a command that must exit with N
//	stream FILE [KEY=N ...]      make a SIMS stream; keys are seed, users, mailboxes, messages, links, expired, size, odd, sorted
//	poke FILE OFFSET TEXT        overwrite bytes of FILE
func TestScripts(t *testing.T) {
	site, err := filepath.Abs("../../testdata/site")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Condition: peerCondition,
		Dir:       "testdata/script",
		// Its own folder stays where not all scripts are run.
		WorkdirRoot: t.TempDir(),
		Setup: func(e *testscript.Env) error {
			e.Setenv("SITE", site)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status": scriptStatus,
			"stream": scriptStream,
			"poke":   scriptPoke,
		},
	})
}

func scriptStatus(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit status %d, want %s", code, args[0])
	}
}

func scriptStream(ts *testscript.TestScript, _ bool, args []string) {
	opts := testsite.StreamOptions{MedianSize: 1000}
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		n, err := strconv.Atoi(value)
		ts.Check(err)
		switch key {
		case "seed":
			opts.Seed = uint64(n)
		case "users":
			opts.Users = n
		case "mailboxes":
			opts.Mailboxes = n
		case "messages":
			opts.Messages = n
		case "links":
			opts.Links = n
		case "expired":
			opts.Expired = n
		case "size":
			opts.MedianSize = n
		case "odd":
			opts.Odd = n != 0
		case "sorted":
			opts.Sorted = n != 0
		default:
			ts.Fatalf("no key %q", key)
		}
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = testsite.WriteStream(f, opts, nil)
	ts.Check(err)
	ts.Check(f.Close())
}

func scriptPoke(ts *testscript.TestScript, _ bool, args []string) {
	off, err := strconv.Atoi(args[1])
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	_, err = f.WriteAt([]byte(args[2]), int64(off))
	ts.Check(err)
	ts.Check(f.Close())
}
