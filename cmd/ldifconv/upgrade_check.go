package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv"
	"imsconv/ldifconv/check"
)

// The arguments of --check.
const (
	checkYes = "yes"
	checkNo  = "no"
)

// checks says whether what is written is checked on the way.
func (f *upgradeFlags) checks() bool {
	return f.check.Value == checkYes || f.check.Value == "" && f.format.Value == "ldif"
}

// heapGrowth is how much the heap may grow, in percent, before it is collected:
// what a run holds is little, and most of the rest is used again. The limit
// holds all the same.
const heapGrowth = 400

// heap is the heap that the run is held to. Everything is streamed: a small one
// is enough, whatever the processor count. A check has its index beside it.
func (f *upgradeFlags) heap() int64 {
	heap := int64(30<<20) + 4*max(0, int64(f.MaxEntry)-8<<20)
	if f.checks() {
		heap += check.DefaultCache / 2
	}
	return heap
}

// checkRoom looks for the room that the index of a check takes. A check that
// was not asked for is left out where there is none.
func (f *upgradeFlags) checkRoom(job *cli.Job, args []string) error {
	if !f.checks() {
		return nil
	}
	err := scratchRoom("", totalSize(args))
	if err == nil {
		return nil
	}
	if f.check.Value == checkYes {
		return cli.WithHint(fmt.Errorf("--check: %w", err), "TMPDIR names another folder")
	}
	f.notChecked(job, err)
	f.check.Value = checkNo
	return nil
}

// notChecked tells that a check that was not asked for did not take place.
func (f *upgradeFlags) notChecked(job *cli.Job, err error) {
	job.Warning("not-checked", "--check", fmt.Sprintf("the output is not checked: %v: TMPDIR names another folder, and ldifconv check checks it afterwards", err))
}

// upgrade does it, and returns what a check found in the output, nil without
// one.
func (f *upgradeFlags) upgrade(ctx context.Context, job *cli.Job, out io.Writer, inputs []ldifconv.Input, opt ldifconv.Options) (ldifconv.Report, *check.Report, error) {
	if !f.checks() {
		rep, err := ldifconv.UpgradeAll(ctx, out, inputs, opt)
		return rep, nil, err
	}
	as := check.IMS
	if f.only { // what no rule changed is what it was
		as = check.Auto
	}
	checked := &beside{w: check.NewTee(ctx, nil, f.out, check.Options{As: as, TempDir: opt.TempDir, MaxEntry: opt.MaxEntry})}
	rep, err := ldifconv.UpgradeAll(ctx, io.MultiWriter(out, checked), inputs, opt)
	found, checkErr := checked.w.Close()
	if err = cmp.Or(err, ctx.Err()); err != nil || checkErr == nil {
		return rep, &found, err
	}
	if f.check.Value == checkYes {
		return rep, nil, fmt.Errorf("--check: %w", checkErr)
	}
	f.notChecked(job, checkErr)
	return rep, nil, nil
}

// beside hands a copy of the output to a check. One that fails takes no more,
// and the output goes on.
type beside struct {
	w   *check.Tee
	err error
}

// Write implements io.Writer.
func (b *beside) Write(p []byte) (int, error) {
	if b.err == nil {
		_, b.err = b.w.Write(p)
	}
	return len(p), nil
}

// tellChecked puts what the check found into the summary.
func (f *upgradeFlags) tellChecked(job *cli.Job, found *check.Report) {
	if found == nil {
		return
	}
	errors := found.BySeverity[check.Error]
	job.Count("check errors", errors)
	job.Count("check warnings", found.BySeverity[check.Warning])
	job.Count("check infos", found.BySeverity[check.Info])
	for _, code := range check.Codes() {
		if n := found.ByCode[code.Name]; n > 0 {
			job.Detail("check "+code.Name, n)
		}
	}
	if errors == 0 {
		return
	}
	command := "ldifconv check"
	if !f.only {
		command += " --as ims50"
	}
	if f.out != "-" && !strings.HasPrefix(f.out, "/dev/") {
		command += " " + cli.Quote(f.out)
	}
	job.Note("a check of the output finds errors: " + command + " lists them")
}
