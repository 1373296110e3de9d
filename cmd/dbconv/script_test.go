package main

import (
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"imsconv/dbconv/bdb/fixtures"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"dbconv": main, "reconstruct": main, "iminitquota": main})
}

// The scripts run the command; beside testscript's own commands they have
//
//	fixture RELEASE/NAME FILE   put a database of testdata/bdb into FILE
//	site PATH FILE              put a file of testdata/site into FILE
//	poke FILE OFFSET HEX        overwrite bytes of FILE
//	status N COMMAND ...        run a command that must exit with N
func TestScripts(t *testing.T) {
	site, err := filepath.Abs("../../testdata/site")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		// Its own folder stays where not all scripts are run.
		WorkdirRoot: t.TempDir(),
		Setup: func(e *testscript.Env) error {
			e.Setenv("SITE", site)
			e.Setenv("CASES", filepath.Join(site, "..", "bdb", "cases"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"fixture": func(ts *testscript.TestScript, _ bool, args []string) {
				files, err := fixtures.Files()
				ts.Check(err)
				data, ok := files[args[0]]
				if !ok {
					ts.Fatalf("no fixture %s", args[0])
				}
				ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[1])), 0o777))
				ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o666))
			},
			"poke": func(ts *testscript.TestScript, _ bool, args []string) {
				off, err := strconv.Atoi(args[1])
				ts.Check(err)
				b, err := hex.DecodeString(args[2])
				ts.Check(err)
				f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
				ts.Check(err)
				_, err = f.WriteAt(b, int64(off))
				ts.Check(err)
				ts.Check(f.Close())
			},
			"status": func(ts *testscript.TestScript, _ bool, args []string) {
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
			},
			"site": func(ts *testscript.TestScript, _ bool, args []string) {
				data, err := os.ReadFile(filepath.Join(site, args[0]))
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o666))
			},
		},
	})
}
