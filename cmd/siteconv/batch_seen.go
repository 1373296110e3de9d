package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/roster"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/ldifconv/ldif"
)

// seen is what an export says of the users of all batches, and who is in none.
type seen struct {
	left   []string         // users of no batch who are on the old host
	others userSet          // all users of no batch
	where  map[string]place // of users of batches, by lower-case id
}

// place is where the entry of a user says that it is.
type place struct {
	id     string // in the store, as the export has it
	host   host
	locked bool
	before bool // on the new host, with a lock that is older than the batch
}

// moved says whether nothing is left to be done for the user: the unlock gives
// back a lock that is older than the batch.
func (p place) moved() bool { return p.host == newHost && (!p.locked || p.before) }

// look reads the export for the users of the batches.
func (c *conversion) look(ctx context.Context, job *cli.Job, log teller) (*seen, error) {
	of, err := batchOf(c.whole, "")
	if err != nil {
		return nil, err
	}
	s := &seen{where: map[string]place{}, others: userSet{}}
	_, err = c.eachUser(ctx, job, log, "", func(m *roster.Member) error {
		at := c.hostOf(m)
		id := strings.ToLower(m.ID)
		if _, ok := of[id]; ok {
			s.where[id] = place{id: m.ID, host: at, locked: isLocked(m.Record)}
			return nil
		}
		s.others.add(m.ID)
		if at == oldHost {
			s.left = append(s.left, m.ID)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, c.lookBefore(ctx, s, of)
}

// lookBefore marks the users who were locked when their batch was begun, by the
// entries that the batch has kept. of tells the batch of each user.
func (c *conversion) lookBefore(ctx context.Context, s *seen, of map[string]string) error {
	names := map[string]bool{}
	for id, at := range s.where {
		if at.locked && at.host == newHost {
			names[of[id]] = true
		}
	}
	for name := range names {
		f, err := os.Open(filepath.Join(batchDir(c.whole, name), entriesName))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed: then the lock is nobody's that is known
		}
		if err != nil {
			return err
		}
		_, err = readEntries(ctx, f, func(_ string, rec *ldif.Record) {
			id := strings.ToLower(c.idOf(rec))
			if at, ok := s.where[id]; ok && at.locked && at.host == newHost && isLocked(rec) {
				at.before = true
				s.where[id] = at
			}
		})
		f.Close() // opened for reading
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	return nil
}

// lockedBefore are the users who are on the new host with a lock that is older
// than their batch.
func (s *seen) lockedBefore() []string {
	var list []string
	for _, at := range s.where {
		if at.before {
			list = append(list, at.id)
		}
	}
	slices.Sort(list)
	return list
}

// isLocked says whether the folders of a user are locked.
func isLocked(rec *ldif.Record) bool {
	for _, v := range rec.Get("mailfoldermap") {
		if bytes.EqualFold(bytes.TrimSpace(v), []byte("LOCK")) {
			return true
		}
	}
	return false
}

// judge takes what an export says of the users of a batch into its row, when it
// is newer than the batch.
func (s *seen) judge(row *batchRow, export *inputs.Input) {
	if len(row.state.Inputs) == 0 || row.state.Inputs[0].SHA256 == export.SHA256 {
		return
	}
	row.Seen = &seenUsers{}
	for _, id := range row.ids {
		at, ok := s.where[strings.ToLower(id)]
		switch {
		case !ok:
			row.Seen.NotThere++
		case at.moved():
			row.Seen.Moved++
		case at.locked:
			row.Seen.Locked++
		default:
			row.Seen.Neither++
		}
	}
	n := int64(len(row.ids)) - row.Seen.NotThere
	switch {
	case n == 0:
	case row.State == planned && row.Seen.Locked == n:
		row.State = locked
	case row.State == restored && row.Seen.Moved == n:
		row.State = moved
	}
}
