package main

import (
	"bytes"
	"context"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/roster"
)

// seen is what an export says of the users of all batches, and who is in none.
type seen struct {
	left   []string         // users of no batch who are on the old host
	others userSet          // all users of no batch
	where  map[string]place // of users of batches, by lower-case id
}

// place is where the entry of a user says that it is.
type place struct {
	host   host
	locked bool
}

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
			s.where[id] = place{at, isLocked(m)}
			return nil
		}
		s.others.add(m.ID)
		if at == oldHost {
			s.left = append(s.left, m.ID)
		}
		return nil
	})
	return s, err
}

// isLocked says whether the folders of a user are locked.
func isLocked(m *roster.Member) bool {
	for _, v := range m.Record.Get("mailfoldermap") {
		if bytes.EqualFold(bytes.TrimSpace(v), []byte("LOCK")) {
			return true
		}
	}
	return false
}

// judge takes what an export says of the users of a batch into its row, when it
// is newer than the batch.
func (s *seen) judge(row *batchRow, export *input) {
	if len(row.state.Inputs) == 0 || row.state.Inputs[0].SHA256 == export.SHA256 {
		return
	}
	row.Seen = &seenUsers{}
	for _, id := range row.ids {
		at, ok := s.where[strings.ToLower(id)]
		switch {
		case !ok:
			row.Seen.NotThere++
		case at.locked:
			row.Seen.Locked++
		case at.host == newHost:
			row.Seen.Moved++
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
