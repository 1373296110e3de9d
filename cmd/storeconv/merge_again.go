package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/lists"
	"imsconv/storeconv/shards/merge"
)

// recall takes over the report that an earlier merge of the same store has left
// in it, or where --report wants this one: the records that it was joined from
// are gone, and whoever runs a merge again that has ended well is to find that
// it has. It is told whether there is one.
func (v *mergeFlags) recall(job *cli.Job) bool {
	return v.recallFrom(job, merge.MergedPath(v.store), isMerge) ||
		v.recallFrom(job, job.About().Options["report"], v.isOf)
}

// recallFrom takes over the report at path if it is the one that is wanted.
func (v *mergeFlags) recallFrom(job *cli.Job, path string, wanted func(*cli.Report, *cli.About) bool) bool {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	r, about, err := cli.ParseReport(text)
	if err != nil || !wanted(&r, &about) || v.changedSince(about.End) {
		return false
	}
	var own struct {
		Shards json.RawMessage `json:"shards"`
	}
	if json.Unmarshal(text, &own) != nil || own.Shards == nil {
		return false
	}
	r.Data = own
	job.Recall(r)
	return true
}

// isMerge tells whether a report is that of a merge of parts that were made in
// the store that it is about.
func isMerge(r *cli.Report, about *cli.About) bool {
	return r.Command == "storeconv merge" && (r.Exit == cli.ExitDone || r.Exit == cli.ExitLost) && !r.DryRun && len(about.Arguments) == 0
}

// isOf is isMerge of a report that may be about another store.
func (v *mergeFlags) isOf(r *cli.Report, about *cli.About) bool {
	if !isMerge(r, about) {
		return false
	}
	here, err := os.Stat(v.store)
	return err == nil && slices.ContainsFunc(r.Outputs, func(o cli.Output) bool {
		info, err := os.Stat(o.Path)
		return o.Name == "store" && err == nil && os.SameFile(here, info)
	})
}

// changedSince tells whether a mailbox list of the store was made or replaced
// later: by something that the merge knew nothing of.
func (v *mergeFlags) changedSince(end time.Time) bool {
	info, err := os.Stat(filepath.Join(v.store, lists.Dir))
	return err != nil || info.ModTime().After(end)
}
