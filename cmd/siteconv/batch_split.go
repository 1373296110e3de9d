package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/page"
	"imsconv/cmd/internal/roster"
	"imsconv/cmd/siteconv/internal/outdir"
	"imsconv/ldifconv"
)

// splitName is the file that says a split is complete, and what it is.
const splitName = "split.json"

// split is the users of the site spread over lists, made once for all of its
// parts: were each part chosen anew, users would move between parts when one is
// created or another batch is made in the meantime.
type split struct {
	Lists int       `json:"lists"`
	By    roster.By `json:"by"`
	Users []int64   `json:"users"` // of each list
}

func splitDir(out string, n int) string { return filepath.Join(out, fmt.Sprintf("split%d", n)) }

// splitPart returns the list of --part, and makes the split when this is the
// first of its parts.
func (ch *chooser) splitPart(ctx context.Context) (userSet, error) {
	f := ch.flags
	dir := splitDir(ch.c.whole, f.split)
	s, err := readSplit(dir)
	var users []string
	switch {
	case err != nil:
	case s == nil:
		users, err = ch.makeSplit(ctx, dir)
	case f.by.Value != "" && s.By != roster.By(f.by.Value):
		err = cli.WithHint(fmt.Errorf("--by %s: the %d lists of %s were made without it, or by something else", f.by.Value, f.split, dir), "leave --by away for the other parts")
	default:
		users, err = readUsers(filepath.Join(dir, roster.FileName(f.part-1, f.split, "txt")))
	}
	if err != nil {
		return nil, err
	}
	set := userSet{}
	for _, id := range users {
		set.add(id)
	}
	if len(set) == 0 {
		return nil, fmt.Errorf("%s: part %d has no users: there are fewer users than parts", dir, f.part)
	}
	return set, nil
}

// readSplit reads what a split is; nil when there is none, or none that is
// complete.
func readSplit(dir string) (*split, error) {
	path := filepath.Join(dir, splitName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var s split
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &s, nil
}

// makeSplit spreads the users of no batch over the lists, and returns that of
// --part.
func (ch *chooser) makeSplit(ctx context.Context, dir string) ([]string, error) {
	ch.reset()
	var sizes ldifconv.Sums
	defer sizes.Close()
	if err := ch.readSizes(&sizes); err != nil {
		return nil, err
	}
	balance := roster.NewBalance(ch.flags.split, roster.By(ch.flags.by.Value), &sizes)
	lists := make([][]string, ch.flags.split)
	_, err := ch.c.eachUser(ctx, ch.job, ch.job, "", func(m *roster.Member) error {
		if !ch.consider(m) {
			return nil
		}
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
	if n := balance.Unsized(); n > 0 {
		ch.job.Warning("no-size", ch.flags.sizes, page.Counted(n, "user has no size and counts", "users have no size and count")+" as empty")
	}
	if !ch.c.dryRun {
		s := &split{Lists: ch.flags.split, By: roster.By(ch.flags.by.Value), Users: balance.Counts()}
		err = ch.writeSplit(dir, s, lists)
	}
	return lists[ch.flags.part-1], err
}

// readSizes reads --sizes.
func (ch *chooser) readSizes(to *ldifconv.Sums) error {
	path := ch.flags.sizes
	if path == "" {
		return nil
	}
	in, err := ch.job.Open(path)
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
func (ch *chooser) writeSplit(dir string, s *split, lists [][]string) error {
	if err := os.RemoveAll(dir); err != nil { // what a killed run left
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for i, users := range lists {
		if err := writeUsers(ch.job, filepath.Join(dir, roster.FileName(i, s.Lists, "txt")), users); err != nil {
			return err
		}
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return outdir.WriteFile(ch.job, filepath.Join(dir, splitName), func(w *cli.OutputFile) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

// writeUsers writes a list.
func writeUsers(job *cli.Job, path string, users []string) error {
	return outdir.WriteFile(job, path, func(f *cli.OutputFile) error {
		w := bufio.NewWriter(f)
		for _, id := range users {
			w.WriteString(roster.Line(id)) // an error comes back from Flush
		}
		return w.Flush()
	})
}
