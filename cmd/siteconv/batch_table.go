package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/cmd/internal/ledger"
	"imsconv/cmd/siteconv/internal/outdir"
)

// The states of a batch. What is done on the hosts between two of them is known
// from a newer export alone.
const (
	begun     = "begun"     // its users are not chosen to the end
	planned   = "planned"   // the records that lock its users are there
	locked    = "locked"    // the export has all of them locked
	restoring = "restoring" // its mail is not there to the end
	restored  = "restored"  // its mail is there, and the records that unlock its users
	moved     = "done"      // the export has all of them on the new host
)

// batchRow is a batch as status tells of it.
type batchRow struct {
	Name      string `json:"name"`
	State     string `json:"state"`
	Part      string `json:"part,omitempty"` // of a split, K/N
	Users     int64  `json:"users"`
	Mailboxes int64  `json:"mailboxes"`
	Messages  int64  `json:"messages"`
	Bytes     int64  `json:"bytes"`
	Problems  int64  `json:"problems"`

	// Seen is what a newer export says of its users; nil without one.
	Seen *seenUsers `json:"in_directory,omitempty"`

	ids   []string
	state outdir.State
}

// seenUsers counts users of a batch by their entries.
type seenUsers struct {
	Locked   int64 `json:"locked"`
	Moved    int64 `json:"moved"`    // and not locked, or only as before the batch
	Neither  int64 `json:"neither"`  // on the old host and not locked
	NotThere int64 `json:"no_entry"` //
}

// readBatches reads all batches of an output folder, by name.
func readBatches(out string) ([]*batchRow, error) {
	names, err := batchNames(out)
	if err != nil {
		return nil, err
	}
	var rows []*batchRow
	for _, name := range names {
		row, err := readBatch(batchDir(out, name), name)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func readBatch(dir, name string) (*batchRow, error) {
	row := &batchRow{Name: name, State: begun}
	st, err := outdir.ReadState(dir)
	if err != nil || st == nil {
		return row, err
	}
	row.state, row.Part = *st, st.Options["part"]
	if row.ids, err = readUsers(filepath.Join(dir, usersName)); err != nil {
		return nil, err
	}
	row.Users = int64(len(row.ids))
	switch {
	case st.Finished:
		row.State = restored
	case !slices.Contains(st.Done, lockStep):
	case len(st.Inputs) == 1:
		row.State = planned
	default:
		row.State = restoring
	}
	return row, row.readReport(dir)
}

// readReport takes the counts from the report of the batch, which a batch that
// is under way need not have.
func (row *batchRow) readReport(dir string) error {
	path := filepath.Join(dir, "report.json")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var part ledger.Part
	for _, into := range []any{&part.Report, &part.Run} {
		if err := json.Unmarshal(data, into); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	all := part.Moved()
	row.Mailboxes, row.Messages, row.Bytes = all.Mailboxes, all.Messages, all.Bytes
	row.Problems = part.Report.Problems.Total
	return nil
}

// finished says whether nothing is left to be done for the batch here.
func (row *batchRow) finished() bool { return row.State == restored || row.State == moved }

// unfinished are the batches that are not, with their states.
func unfinished(rows []*batchRow) []string {
	var list []string
	for _, row := range rows {
		if !row.finished() {
			list = append(list, row.Name+" ("+row.State+")")
		}
	}
	return list
}

// openParts are the parts of a split that no batch is of.
func openParts(rows []*batchRow, n int) []int {
	var open []int
	for k := 1; k <= n; k++ {
		part := fmt.Sprintf("%d/%d", k, n)
		if !slices.ContainsFunc(rows, func(row *batchRow) bool { return row.Part == part }) {
			open = append(open, k)
		}
	}
	return open
}

// readSplits are the splits of an output folder, by their number of lists.
func readSplits(out string) ([]*split, error) {
	dirs, err := outdir.Glob(out, "split*")
	if err != nil {
		return nil, err
	}
	var list []*split
	for _, dir := range dirs {
		s, err := readSplit(dir)
		if err != nil {
			return nil, err
		}
		if s != nil && s.Lists > 0 && filepath.Base(dir) == filepath.Base(splitDir(out, s.Lists)) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *split) int { return a.Lists - b.Lists })
	return list, nil
}

// ranges writes ascending numbers shortly: 1-3, 7.
func ranges(list []int) string {
	var parts []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		text := fmt.Sprint(list[i])
		if j > i {
			text += fmt.Sprintf("-%d", list[j])
		}
		parts = append(parts, text)
		i = j + 1
	}
	return strings.Join(parts, ", ")
}
