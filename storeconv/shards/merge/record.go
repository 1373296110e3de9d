package merge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/shards"
)

// RecordsDir is where a store keeps the records of the parts that it was made
// of, until they are merged.
const RecordsDir = ims.WorkDir + "/" + durable.ShardsDir

// Mark says which part of a site a run has made.
type Mark struct {
	Index  int    `json:"index"`           // from 1 to Count
	Count  int    `json:"count"`           // of all parts
	Plan   string `json:"plan"`            // stands for the plan's content; "": parts by the hash of ids
	Source string `json:"source"`          // stands for the content of what was read; "": nothing does
	Paths  string `json:"paths,omitempty"` // the PATHs that were selected, a line each
}

// Record is what the run of one part has left in its store when it had done its
// work: its report.
type Record struct {
	Store string `json:"-"` // that it lies in
	Path  string `json:"-"` // of the file

	Command string            `json:"command"` // the program and its verb
	Exit    int               `json:"exit"`    // 0, or 3: something was lost
	Options map[string]string `json:"options"` // those that were set, by their long names
	Inputs  []recordInput     `json:"inputs"`
	Shard   Mark              `json:"shard"`
	Counts  map[string]int64  `json:"counts"`
	Earlier Earlier           `json:"earlier"`

	Problems struct {
		Kinds map[string]int64 `json:"kinds"`
		Items []recordLine     `json:"items"`
	} `json:"problems"`
}

// Earlier are the runs of the same part that ended with 0 or 3 before the one
// that has left the record.
type Earlier struct {
	Runs   int              `json:"runs"`
	Counts map[string]int64 `json:"counts,omitempty"` // of all of them together, by their names
}

// recordInput is one file that a run read.
type recordInput struct {
	Role   string `json:"role"` // the option that named it
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// recordLine is one problem that a run has told.
type recordLine struct {
	Kind  string `json:"kind"`
	Where string `json:"where"`
}

// RecordName is the name of the record of a part in RecordsDir: both numbers
// have as many digits as the count, two at least.
func RecordName(index, count int) string {
	width := max(2, len(strconv.Itoa(count)))
	return fmt.Sprintf("%0*d-of-%0*d.json", width, index, width, count)
}

// RecordPath is the place of the record of a part in its store.
func RecordPath(store string, index, count int) string {
	return filepath.Join(store, RecordsDir, RecordName(index, count))
}

// mostRecord bounds what is read of a record, in bytes.
const mostRecord = 32 << 20

// ReadRecords reads the records that the store has, in the order of their
// names. A store that has none is no error.
func ReadRecords(store string) ([]Record, error) {
	names, err := recordNames(store)
	if err != nil {
		return nil, err
	}
	var out []Record
	for _, name := range names {
		r, err := readRecord(store, name)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// recordNames lists the files of a store's records. What a killed run has left
// of one has a name that begins with a dot.
func recordNames(store string) ([]string, error) {
	list, err := os.ReadDir(filepath.Join(store, RecordsDir))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range list {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func readRecord(store, name string) (Record, error) {
	path := filepath.Join(store, RecordsDir, name)
	text, err := readRegular(path)
	if err != nil {
		return Record{}, err
	}
	r, err := ParseRecord(text)
	if err == nil && name != RecordName(r.Shard.Index, r.Shard.Count) {
		err = fmt.Errorf("it is that of part %d of %d", r.Shard.Index, r.Shard.Count)
	}
	if err != nil {
		return Record{}, fmt.Errorf("%s: %w", path, err)
	}
	r.Store, r.Path = store, path
	return r, nil
}

// readRegular reads a regular file of at most mostRecord bytes, and waits for
// no pipe.
func readRegular(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close() // opened for reading
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w", path, ims.ErrNotRegular)
	}
	text, err := io.ReadAll(io.LimitReader(f, mostRecord+1))
	if err == nil && int64(len(text)) > mostRecord {
		err = fmt.Errorf("%s: over %d bytes", path, mostRecord)
	}
	return text, err
}

// ParseRecord reads a record.
func ParseRecord(text []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("no record of a shard: %w", err)
	}
	m := &r.Shard
	switch {
	case m.Count < 1 || m.Count > shards.MostParts || m.Index < 1 || m.Index > m.Count:
		return r, fmt.Errorf("no record of a shard: part %d of %d", m.Index, m.Count)
	case r.Exit != 0 && r.Exit != 3:
		return r, fmt.Errorf("a record of a run that ended with %d", r.Exit)
	}
	return r, nil
}

// mergedDir is what RecordsDir is called while it is removed: the folder of a
// run that has done its work.
const mergedDir = ims.WorkDir + "/" + durable.ShardsDir + ".done"

// RemoveRecords removes the records of a store when they have been merged: all
// of them by one durable rename, or none. It ends what an earlier call has
// left.
func RemoveRecords(store string) error {
	d, err := durable.OpenDir(store)
	if err != nil {
		return err
	}
	defer d.Close() // nothing was written through it
	if err := d.RemoveAll(mergedDir); err != nil {
		return err
	}
	if err := d.Rename(RecordsDir, d, mergedDir); errors.Is(err, fs.ErrNotExist) {
		return removeWorkDir(store)
	} else if err != nil {
		return err
	}
	if err := d.SyncNames(ims.WorkDir); err != nil {
		return err
	}
	if err := d.RemoveAll(mergedDir); err != nil {
		return err
	}
	return removeWorkDir(store)
}

// removeWorkDir removes the working directory of a store where no run has
// anything in it.
func removeWorkDir(store string) error {
	s, err := durable.OpenStore(store, durable.Options{})
	if err != nil {
		return err
	}
	return errors.Join(s.RemoveWorkDir(), s.Close())
}
