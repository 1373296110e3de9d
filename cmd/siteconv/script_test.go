package main

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"siteconv": main})
}

func TestScripts(t *testing.T) {
	site, err := filepath.Abs(sample)
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: "testdata/script", WorkdirRoot: t.TempDir(), Setup: func(e *testscript.Env) error {
		e.Setenv("SITE", site)
		return nil
	}})
}
