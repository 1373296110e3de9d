package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/outdir"
)

// TestLimitIsToldAfterAKill: a run that goes on behind the user whose limit is
// too small tells of it all the same, as the dry run does.
func TestLimitIsToldAfterAKill(t *testing.T) {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	args := append(edited("uid: keiko_s\n", "uid: keiko_s\nmailquota: 1000\n")(t, dir), "--out", out)
	const told = "keiko_s: mailQuota is 1000 bytes"
	if said := convert(t, cli.ExitDone, append(args, "--dry-run")...); strings.Count(said, told) != 1 {
		t.Errorf("the dry run: %s", said)
	}
	convert(t, cli.ExitDone, args...)
	// As a kill leaves it that falls when the store is there and its step
	// not done.
	st, err := outdir.ReadState(out)
	must(t, err)
	st.Finished, st.Done = false, []string{schemaStep, directoryStep, daaciStep}
	rep := readReport(t, out)
	rep.Warnings, rep.Counts = cli.Lines{}, nil
	var lines []outdir.StepLine
	for _, name := range st.Done {
		var l outdir.StepLine
		l.Name, l.Done, l.Told = name, true, rep
		lines = append(lines, l)
	}
	for name, v := range map[string]any{outdir.StateName: st, outdir.StepsName: lines} {
		data, err := json.Marshal(v)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(out, name), data, 0o600))
	}
	if said := convert(t, cli.ExitDone, args...); strings.Count(said, told) != 1 {
		t.Errorf("the run that goes on: %s", said)
	}
	if rep := readReport(t, out); rep.Warnings.Kinds.Get("quota-zero") != 1 {
		t.Errorf("%+v", rep.Warnings)
	}
}
