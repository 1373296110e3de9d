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
	return f.check == checkYes || f.check == "" && f.format == "ldif"
}

// heapGrowth is how much the heap may grow, in percent, before it is collected:
// what a run holds is little, and most of the rest is used again. The limit
// holds all the same.
const heapGrowth = 400

// heap is the heap that the run is held to. Everything is streamed: a small one
// is enough, whatever the processor count. A check has its index beside it.
func (f *upgradeFlags) heap() int64 {
	heap := int64(30<<20) + 4*max(0, int64(f.maxEntry)-8<<20)
	if f.checks() {
		heap += check.DefaultCache / 2
	}
	return heap
}

// upgrade does it, and returns what a check found in the output, nil without
// one.
func (f *upgradeFlags) upgrade(ctx context.Context, out io.Writer, inputs []ldifconv.Input, opt ldifconv.Options) (ldifconv.Report, *check.Report, error) {
	if !f.checks() {
		rep, err := ldifconv.UpgradeAll(ctx, out, inputs, opt)
		return rep, nil, err
	}
	as := check.IMS
	if f.only { // what no rule changed is what it was
		as = check.Auto
	}
	checked := check.NewTee(ctx, nil, f.out, check.Options{As: as, TempDir: opt.TempDir, MaxEntry: opt.MaxEntry})
	rep, err := ldifconv.UpgradeAll(ctx, io.MultiWriter(out, checked), inputs, opt)
	found, checkErr := checked.Close()
	return rep, &found, cmp.Or(err, checkErr)
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
	where, as := "the output", ""
	if f.out != "-" && !strings.HasPrefix(f.out, "/dev/") {
		where = cli.Quote(f.out)
	}
	if !f.only {
		as = "--as ims50 "
	}
	job.Note(fmt.Sprintf("a check of the output finds errors: ldifconv check %s%s lists them", as, where))
}
