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

// mark removes the records of parts that are merged, and leaves in the store
// what a later merge is told in their place. Where it cannot, the records stay:
// a later merge joins them again.
func (v *mergeFlags) mark(job *cli.Job) error {
	m := mergeMark{Report: job.Snapshot(), End: v.markTime()}
	m.Problems.Items, m.Warnings.Items = []cli.Line{}, []cli.Line{}
	text, err := json.Marshal(&m)
	if err == nil && len(text) > merge.MostMark {
		m.Details = nil
		text, err = json.Marshal(&m)
	}
	if err != nil {
		return err
	}
	left, err := merge.MarkMerged(v.store, text)
	switch {
	case err != nil:
		return err
	case !left:
		job.Note("no mark for a second merge can be left in " + v.store + ": the records of the parts stay there, in " +
			merge.RecordsDir + ", by which it ends as this one; nothing else needs them")
		return nil
	}
	return merge.RemoveRecords(v.store)
}

// markTime is now, and not before the last change of the mailbox lists:
// whatever the clock of their server.
func (v *mergeFlags) markTime() time.Time {
	now := time.Now().UTC()
	if info, err := os.Stat(v.listsDir()); err == nil && info.ModTime().After(now) {
		return info.ModTime().UTC()
	}
	return now
}

// mergeMark is what a merge leaves: its report, without the single problems.
type mergeMark struct {
	cli.Report
	End time.Time `json:"end"`
}

// recall takes over the report that an earlier merge of the same store has left
// where --report wants this one, else what it has left in the store: the
// records that it was joined from are gone, and whoever runs a merge again that
// has ended well is to find that it has. It is told whether there is one.
func (v *mergeFlags) recall(job *cli.Job) bool {
	return v.recallReport(job) || v.recallMark(job)
}

func (v *mergeFlags) recallMark(job *cli.Job) bool {
	var m mergeMark
	text := merge.Merged(v.store)
	if text == nil || json.Unmarshal(text, &m) != nil || !isMerge(&m.Report) || v.changedSince(m.End) {
		return false
	}
	job.Recall(m.Report)
	return true
}

func (v *mergeFlags) recallReport(job *cli.Job) bool {
	path := job.About().Options["report"]
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	r, about, err := cli.ParseReport(text)
	if err != nil || !v.isOf(&r, &about) || v.changedSince(about.End) {
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

// isMerge tells whether a report is that of a merge that has done its work.
func isMerge(r *cli.Report) bool {
	return r.Command == "storeconv merge" && (r.Exit == cli.ExitDone || r.Exit == cli.ExitLost) && !r.DryRun
}

// isOf tells whether a report is that of a merge of parts that were made in
// this store.
func (v *mergeFlags) isOf(r *cli.Report, about *cli.About) bool {
	if !isMerge(r) || len(about.Arguments) > 0 {
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
	info, err := os.Stat(v.listsDir())
	return err != nil || info.ModTime().After(end)
}

func (v *mergeFlags) listsDir() string { return filepath.Join(v.store, lists.Dir) }
