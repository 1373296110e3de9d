package storeconv

import (
	"context"
	"errors"
	"fmt"
	"io"

	"imsconv/storeconv/sims"
)

// ListReport counts what a stream holds.
type ListReport struct {
	Users, Mailboxes int64 // announced by a directory
	Messages, Links  int64
	Bytes            int64 // of the messages
}

// List reads a stream to its end and calls fn for its header, with no member, and then for every member, in stream order;
// the member is valid during the call. Bodies are not read. What is wrong with the stream goes to log (nil: nowhere), with
// name in front of the position. An error of fn ends the reading and is returned.
func List(ctx context.Context, name string, src io.Reader, log Log, fn func(sims.Header, *sims.Member) error) (ListReport, error) {
	var rep ListReport
	if log == nil {
		log = discard{}
	}
	r := sims.NewReader(src)
	header, err := r.Header()
	if err != nil {
		return rep, fmt.Errorf("%s: %w", name, err)
	}
	if err := fn(header, nil); err != nil {
		return rep, err
	}
	for ctx.Err() == nil {
		m, err := r.Next()
		var p *sims.Problem
		switch {
		case errors.Is(err, io.EOF):
			return rep, nil
		case errors.As(err, &p):
			tellStream(log, name, p)
			continue
		case err != nil:
			return rep, fmt.Errorf("%s: %w", name, err)
		}
		rep.count(m)
		if err := fn(header, m); err != nil {
			return rep, err
		}
	}
	return rep, ctx.Err()
}

func (rep *ListReport) count(m *sims.Member) {
	switch m.Kind {
	case sims.User:
		rep.Users++
	case sims.Mailbox:
		rep.Mailboxes++
	case sims.Message:
		rep.Messages++
		rep.Bytes += m.Size
	case sims.Link:
		rep.Links++
	}
}

// tellStream tells what a stream's reader met, with the position in the stream called name.
func tellStream(log Log, name string, p *sims.Problem) {
	where := fmt.Sprintf("%s: offset %d", name, p.Offset)
	if p.Name != "" {
		where += ": " + sims.DisplayName(p.Name)
	}
	if p.Warning {
		log.Warning(p.Kind, where, p.Text)
		return
	}
	log.Problem(p.Kind, where, p.Text)
}
