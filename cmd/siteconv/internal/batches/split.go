package batches

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/page"
	"imsconv/cmd/internal/roster"
	"imsconv/cmd/siteconv/internal/outdir"
	"imsconv/ldifconv"
)

// splitName is the file that says a split is complete, and what it is.
const splitName = "split.json"

// Split is the users of the site spread over lists, made once for all of its
// parts: were each part chosen anew, users would move between parts when one is
// created or another batch is made in the meantime.
type Split struct {
	Lists int       `json:"lists"`
	By    roster.By `json:"by"`
	Users []int64   `json:"users"` // of each list
}

// SplitDir is the folder of the lists of a split into n.
func SplitDir(out string, n int) string { return filepath.Join(out, fmt.Sprintf("split%d", n)) }

// splitPart takes the list of --part for the names, and makes the split when
// this is the first of its parts, as made says.
func (ch *Chooser) splitPart(ctx context.Context) (made bool, err error) {
	dir := SplitDir(ch.Out, ch.Split)
	s, err := readSplit(dir)
	var users []string
	switch {
	case err != nil:
	case s == nil:
		if err = ch.checkNoParts(dir); err != nil {
			return false, err
		}
		made = true
		users, err = ch.makeSplit(ctx, dir)
	case ch.By != roster.Auto && s.By != ch.By:
		err = cli.WithHint(fmt.Errorf("--by %s: the %d lists of %s were made without it, or by something else", ch.By, ch.Split, dir), "leave --by away for the other parts")
	default:
		path := filepath.Join(dir, roster.FileName(ch.Part-1, ch.Split, "txt"))
		if users, err = ReadUsers(path); err == nil && users == nil {
			err = cli.WithHint(fmt.Errorf("%s: the list of the part is gone", path), "put the file back from a backup of the folder")
		}
	}
	if err != nil {
		return made, err
	}
	ch.Names = Set{}
	for _, id := range users {
		ch.Names.Add(id)
	}
	if len(ch.Names) == 0 {
		return made, fmt.Errorf("%s: part %d has no users: there are fewer users than parts", dir, ch.Part)
	}
	return made, nil
}

// checkNoParts refuses to make lists anew of which a batch has had one: in the
// new ones users stand in other parts, and those who are in the part of that
// batch now would be in no other.
func (ch *Chooser) checkNoParts(dir string) error {
	rows, err := Read(ch.Out)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.Name != ch.Name && strings.HasSuffix(row.Part, fmt.Sprintf("/%d", ch.Split)) {
			return cli.WithHint(fmt.Errorf("%s: the lists of the split are gone, and the batch %s was made of one", dir, row.Name),
				"put the folder back from a backup; or split the users who are left into another number of parts")
		}
	}
	return nil
}

// readSplit reads what a split is; nil when there is none, or none that is
// complete.
func readSplit(dir string) (*Split, error) {
	path := filepath.Join(dir, splitName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var s Split
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, outdir.Damaged(path, err)
	}
	return &s, nil
}

// makeSplit spreads the users of no batch over the lists, and returns that of
// --part.
func (ch *Chooser) makeSplit(ctx context.Context, dir string) ([]string, error) {
	ch.reset()
	var sizes ldifconv.Sums
	defer sizes.Close()
	if err := ch.readSizes(&sizes); err != nil {
		return nil, err
	}
	balance := roster.NewBalance(ch.Split, ch.By, &sizes)
	lists := make([][]string, ch.Split)
	some := false
	counts, err := ch.Export.EachUser(ctx, ch.Job, ch.Job, "", func(m *roster.Member) error {
		if !ch.consider(m) {
			return nil
		}
		some = true
		at, err := balance.Place(m)
		if err == nil {
			lists[at] = append(lists[at], m.ID)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	ch.tellLeft()
	if !some { // lists of nobody would stay when there are users again
		return nil, ch.nobody(&counts)
	}
	if n := balance.Unsized(); n > 0 {
		ch.Job.Warning("no-size", ch.Sizes, page.Amount(n, "user has no size and counts", "users have no size and count")+" as empty")
	}
	if !ch.DryRun {
		s := &Split{Lists: ch.Split, By: ch.By, Users: balance.Counts()}
		err = ch.writeSplit(dir, s, lists)
	}
	return lists[ch.Part-1], err
}

// RemoveSplits removes the lists of all splits of an output folder. What says
// that one is complete goes first, so that an interruption leaves none that
// lacks a list.
func RemoveSplits(out string) error {
	paths, err := outdir.Glob(out, filepath.Join("split*", splitName))
	if err != nil {
		return err
	}
	for _, path := range paths {
		dir, n := filepath.Dir(path), 0
		if _, err := fmt.Sscanf(filepath.Base(dir), "split%d", &n); err != nil || filepath.Base(dir) != filepath.Base(SplitDir(out, n)) {
			continue // a copy that somebody keeps
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// readSizes reads --sizes.
func (ch *Chooser) readSizes(to *ldifconv.Sums) error {
	path := ch.Sizes
	if path == "" {
		return nil
	}
	in, err := ch.Job.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	read, err := roster.ReadSizes(in, path, to)
	if err == nil && !read {
		err = fmt.Errorf("%s: the file holds nothing", path)
	}
	return err
}

// writeSplit writes the lists, and last what makes them complete.
func (ch *Chooser) writeSplit(dir string, s *Split, lists [][]string) error {
	if err := os.RemoveAll(dir); err != nil { // what a killed run left
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for i, users := range lists {
		if err := WriteUsers(ch.Job, filepath.Join(dir, roster.FileName(i, s.Lists, "txt")), users); err != nil {
			return err
		}
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return outdir.WriteFile(ch.Job, filepath.Join(dir, splitName), func(w *cli.OutputFile) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

// WriteUsers writes a list.
func WriteUsers(job *cli.Job, path string, users []string) error {
	return outdir.WriteFile(job, path, func(f *cli.OutputFile) error {
		w := bufio.NewWriter(f)
		for _, id := range users {
			w.WriteString(roster.Line(id)) // an error comes back from Flush
		}
		return w.Flush()
	})
}

// WriteLeft writes a list of users, and as comments those who can be in none
// and what else is left.
func WriteLeft(w io.Writer, users []string, unlisted []Unlisted, more []string) error {
	b := bufio.NewWriter(w)
	for _, id := range users {
		b.WriteString(roster.Line(id)) // an error comes back from Flush
	}
	for _, u := range unlisted {
		fmt.Fprintf(b, "# %q, line %d: %s\n", u.DN, u.Line, u.Why)
	}
	for _, text := range more {
		fmt.Fprintf(b, "# %s\n", text)
	}
	return b.Flush()
}
