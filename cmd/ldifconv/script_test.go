package main

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/rogpeppe/go-internal/testscript"
)

// fullRun says whether the long forms of the tests run, as .ci/full has it.
var fullRun = os.Getenv("IMSCONV_FULL") != ""

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"ldifconv":  main,
		"imsdirmig": main,
		"imsdaaci":  main,
		"measured":  measuredMain,
	})
}

// TestScripts runs testdata/script. In a script, `pack gzip|lz4 IN OUT`
// compresses a file, `repeat N TEXT FILE` appends TEXT N times.
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
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"pack":   pack,
			"repeat": repeatText,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

func pack(ts *testscript.TestScript, neg bool, args []string) {
	out, err := os.Create(ts.MkAbs(args[2]))
	ts.Check(err)
	var w io.WriteCloser = gzip.NewWriter(out)
	if args[0] == "lz4" {
		w = lz4.NewWriter(out)
	}
	_, err = io.WriteString(w, ts.ReadFile(args[1]))
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(out.Close())
}

func repeatText(ts *testscript.TestScript, neg bool, args []string) {
	n := 0
	for _, c := range args[0] {
		n = 10*n + int(c-'0')
	}
	f, err := os.OpenFile(ts.MkAbs(args[2]), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	ts.Check(err)
	_, err = io.WriteString(f, strings.Repeat(strings.ReplaceAll(args[1], `\n`, "\n"), n))
	ts.Check(err)
	ts.Check(f.Close())
}
