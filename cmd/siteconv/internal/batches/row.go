package batches

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"imsconv/cmd/internal/ledger"
	"imsconv/cmd/siteconv/internal/outdir"
)

// The states of a batch. What is done on the hosts between two of them is known
// from a newer export alone.
const (
	Begun     = "begun"     // its users are not chosen to the end
	Planned   = "planned"   // the records that lock its users are there
	Locked    = "locked"    // the export has all of them locked
	Restoring = "restoring" // its mail is not there to the end
	Restored  = "restored"  // its mail is there, and the records that unlock its users
	Moved     = "done"      // the export has all of them on the new host
	Lost      = "lost"      // its folder does not say any more who is in it
)

// LockStep is the first step of a batch: when it is done, its users may be
// locked.
const LockStep = "lock"

// Row is a batch as status tells of it.
type Row struct {
	Name      string `json:"name"`
	State     string `json:"state"`
	Part      string `json:"part,omitempty"` // of a split, K/N
	Users     int64  `json:"users"`
	Mailboxes int64  `json:"mailboxes"`
	Messages  int64  `json:"messages"`
	Bytes     int64  `json:"bytes"`
	Problems  int64  `json:"problems"`

	// Lost says what of its folder is gone; nil: nothing.
	Lost *Loss `json:"-"`

	// Seen is what a newer export says of its users; nil without one.
	Seen *SeenUsers `json:"in_directory,omitempty"`

	IDs    []string     `json:"-"`
	Result outdir.State `json:"-"` // how far its runs have come
}

// SeenUsers counts users of a batch by their entries.
type SeenUsers struct {
	Locked   int64 `json:"locked"`
	Moved    int64 `json:"moved"`    // and not locked, or only as before the batch
	Neither  int64 `json:"neither"`  // on the old host and not locked
	NotThere int64 `json:"no_entry"` // those who never had one among them
	Gone     int64 `json:"gone"`     // of these, who had one at the lock
}

// Read reads all batches of an output folder, by name.
func Read(out string) ([]*Row, error) {
	names, err := Names(out)
	if err != nil {
		return nil, err
	}
	var rows []*Row
	for _, name := range names {
		row, err := readBatch(out, name)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func readBatch(out, name string) (*Row, error) {
	row := &Row{Name: name, State: Begun}
	m, err := readMembers(out, name)
	if err == nil {
		err = m.checkKept(out, name)
	}
	if err != nil {
		return nil, err
	}
	row.IDs, row.Users, row.Lost = m.ids, int64(len(m.ids)), m.lost
	if st := m.state; st != nil {
		row.Result, row.Part = *st, st.Options["part"]
	}
	switch st := &row.Result; {
	case m.lost != nil:
		row.State = Lost
	case st.Finished:
		row.State = Restored
	case !slices.Contains(st.Done, LockStep):
	case len(st.Inputs) == 1:
		row.State = Planned
	default:
		row.State = Restoring
	}
	return row, row.readReport(Dir(out, name))
}

// readReport takes the counts from the report of the batch, which a batch that
// is under way need not have.
func (row *Row) readReport(dir string) error {
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
			return outdir.Damaged(path, err)
		}
	}
	all := part.Moved()
	row.Mailboxes, row.Messages, row.Bytes = all.Mailboxes, all.Messages, all.Bytes
	row.Problems = part.Report.Problems.Total
	return nil
}

// Finished says whether nothing is left to be done for the batch here.
func (row *Row) Finished() bool { return row.State == Restored || row.State == Moved }

// Unfinished are the batches that are not, with their states.
func Unfinished(rows []*Row) []string {
	var list []string
	for _, row := range rows {
		if !row.Finished() {
			list = append(list, row.Name+" ("+row.State+")")
		}
	}
	return list
}

// OpenParts are the parts of a split that no batch is of.
func OpenParts(rows []*Row, n int) []int {
	var open []int
	for k := 1; k <= n; k++ {
		part := fmt.Sprintf("%d/%d", k, n)
		if !slices.ContainsFunc(rows, func(row *Row) bool { return row.Part == part }) {
			open = append(open, k)
		}
	}
	return open
}

// ReadSplits are the splits of an output folder, by their number of lists.
func ReadSplits(out string) ([]*Split, error) {
	dirs, err := outdir.Glob(out, "split*")
	if err != nil {
		return nil, err
	}
	var list []*Split
	for _, dir := range dirs {
		s, err := readSplit(dir)
		if err != nil {
			return nil, err
		}
		if s != nil && s.Lists > 0 && filepath.Base(dir) == filepath.Base(SplitDir(out, s.Lists)) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *Split) int { return a.Lists - b.Lists })
	return list, nil
}
