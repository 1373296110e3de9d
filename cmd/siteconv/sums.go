package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/ledger"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/storeconv/export"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/restore"
)

// setSums keeps what became of every message of the source, which were counted
// when it was looked at, and tells when the two do not agree.
func (c *conversion) setSums(job *cli.Job, s ledger.Sums) {
	s.Source = c.mail.Messages
	if c.batch != nil {
		ofOthers(s.LeftOut)
	}
	c.account.Run.Sums = s
	if d := s.Difference(); d != 0 {
		job.Problem("sums-differ", c.mailName(), fmt.Sprintf("the source has %d messages, and %d were written, linked, left out or refused: nothing is known of the difference of %d", s.Source, s.Accounted(), d))
	}
}

// reasons are those of some rules that have held of any message.
func reasons(list ...ledger.Reason) []ledger.Reason {
	return slices.DeleteFunc(list, func(r ledger.Reason) bool { return r.N == 0 })
}

// lost are reasons by the kind of a problem.
func lost(kinds map[string]int64) (list []ledger.Reason) {
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		list = append(list, ledger.Reason{Rule: kind, N: kinds[kind]})
	}
	return list
}

func restoredSums(rep *restore.Report) ledger.Sums {
	return ledger.Sums{
		Written: rep.Messages - rep.Links, Linked: rep.Links,
		LeftOut: reasons(ledger.Reason{Rule: ledger.Expired, N: rep.Expired}, ledger.Reason{Rule: ledger.NotSelected, N: rep.NotSelected}, ledger.Reason{Rule: ledger.Duplicate, N: rep.Duplicates + rep.Repeated}),
		Refused: lost(rep.Lost),
	}
}

// relocatedSums also takes the users that were not selected, and what the
// relocation has told to lose.
func (c *conversion) relocatedSums(rep *relocate.Report, losses *losses) ledger.Sums {
	var out int64
	if chosen := c.set.relocate.Users; chosen != nil {
		for id, n := range c.mail.PerUser {
			if !chosen[id] {
				out += n
			}
		}
	}
	linked := rep.Linked + rep.Shared
	return ledger.Sums{
		Written: rep.Messages - linked, Linked: linked,
		LeftOut: reasons(ledger.Reason{Rule: ledger.NotSelected, N: out}),
		Refused: lost(losses.messages),
	}
}

// losses is a log that counts the messages which a relocation tells to leave
// out, by the kind of the problem: a message, or a directory with those in it.
type losses struct {
	*cli.Job
	store    string
	parts    []nms.Partition // that lie elsewhere, whose paths are whole ones
	mu       sync.Mutex
	messages map[string]int64
}

func (c *conversion) losses(job *cli.Job) *losses {
	l := &losses{Job: job, messages: make(map[string]int64)}
	if c.hasMail() {
		l.store, l.parts = c.store().Path, c.store().Parts
	}
	return l
}

// Problem implements storeconv.Log.
func (l *losses) Problem(kind, where, text string) {
	l.Job.Problem(kind, where, text)
	// Of what is carried over as it is, nothing is lost from the sums.
	leavesOut := (kind == "unreadable" || strings.HasSuffix(text, "left out")) && !strings.HasSuffix(text, "carried over as it is")
	path := filepath.Join(l.store, where)
	_, elsewhere := inputs.PartitionOf(l.parts, where)
	if elsewhere {
		path = where
	}
	if !leavesOut || !elsewhere && !strings.HasPrefix(where, "partition/") {
		return
	}
	n := messagesBelow(path)
	l.mu.Lock()
	defer l.mu.Unlock()
	if n > 0 {
		l.messages[kind] += n
	}
}

// strays tells of messages that lie where no mailbox has them, which an export
// passes over.
func (l *losses) strays(ctx context.Context, store string) error {
	root, err := os.Open(store)
	if err != nil {
		return err
	}
	defer root.Close() // opened for reading
	stray := func(e *ims.Error) {
		if n := messagesBelow(filepath.Join(store, e.Path)); n > 0 {
			l.Job.Problem("stray", e.Path, e.Text+": left out")
			l.messages["stray"] += n
		}
	}
	for box, err := range ims.NewReader(root).All() {
		var lies *ims.Error
		switch {
		case errors.As(err, &lies):
			stray(lies)
			continue
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		if err := box.Messages(stray, func(uint32) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// messagesBelow counts the message files at or below a path.
func messagesBelow(path string) (n int64) {
	// What cannot be read was not counted in the source either.
	_ = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && nms.IsMessage(d.Name()) {
			n++
		}
		return nil
	})
	return n
}

// exportedSums takes what a piece of the run that was interrupted had exported
// as written; again says that an earlier stream of the batch has brought it.
func exportedSums(rep *export.Report, losses *losses, again bool) ledger.Sums {
	for kind, n := range rep.Lost {
		losses.messages[kind] += n
	}
	linked, there, duplicates := rep.Links+rep.Shared, rep.There, int64(0)
	if again {
		there, duplicates = 0, rep.There
	}
	return ledger.Sums{
		Written: rep.Messages + there - linked, Linked: linked,
		LeftOut: reasons(ledger.Reason{Rule: ledger.Expired, N: rep.Expired}, ledger.Reason{Rule: ledger.NotSelected, N: rep.NotSelected}, ledger.Reason{Rule: ledger.Duplicate, N: duplicates}),
		Refused: lost(losses.messages),
	}
}
