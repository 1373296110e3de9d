package batches

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/ldifconv/ldif"
)

// held is one user of a batch: what the records that unlock it give back, and
// what the export has now, by the attributes of lockPairs.
type held struct {
	id          string
	before, now [][]string
}

// TellOverwritten compares the entries of the batch, a file, with an export
// made after the lock. The records that unlock the users give back what was
// there before it: a forward that was set while the user was locked is
// overwritten, which is a problem, and who is not locked any more gets mail
// that the backup need not have.
func TellOverwritten(ctx context.Context, job *cli.Job, export inputs.Export, users Set, hosts site.Hosts, entries string) error {
	before, err := readBefore(ctx, export, entries)
	if err != nil {
		return err
	}
	var met []*held
	_, err = export.EachEntry(ctx, job, func(_ string, rec *ldif.Record) {
		id := strings.ToLower(export.ID(rec))
		if values, ok := before[id]; ok && users.Has(id) {
			delete(before, id)
			h := &held{id: users.Get(id), before: values, now: lockValues(rec)}
			h.tellChanged(job)
			if hosts.Side(site.MailHost(rec.Get("mailhost"))) != site.NewSide {
				met = append(met, h)
			}
		}
	})
	if err == nil {
		tellOpen(job, export.Path, met)
	}
	return err
}

// readBefore gives the values of the entries of a batch by lower-case store id.
func readBefore(ctx context.Context, export inputs.Export, entries string) (map[string][][]string, error) {
	f, err := os.Open(entries)
	if err != nil {
		return nil, err
	}
	defer f.Close() // opened for reading
	before := map[string][][]string{}
	_, err = inputs.ReadEntries(ctx, f, func(_ string, rec *ldif.Record) {
		if id := export.ID(rec); id != "" {
			before[strings.ToLower(id)] = lockValues(rec)
		}
	})
	return before, err
}

// lockValues are the values of the attributes that a lock sets, sorted.
func lockValues(rec *ldif.Record) (list [][]string) {
	for _, pair := range lockPairs() {
		var values []string
		for _, v := range rec.Get(strings.ToLower(pair.Attr)) {
			values = append(values, string(bytes.TrimSpace(v)))
		}
		slices.Sort(values)
		list = append(list, values)
	}
	return list
}

// sameValues compares values as the directory does, without regard to case.
func sameValues(a, b []string) bool { return slices.EqualFunc(a, b, strings.EqualFold) }

// tellChanged tells of values that are neither those of the lock nor those that
// the unlock gives back.
func (h *held) tellChanged(job *cli.Job) {
	for i, pair := range lockPairs() {
		if sameValues(h.now[i], h.before[i]) || sameValues(h.now[i], []string{pair.Value}) {
			continue
		}
		job.Problem("changed-since-lock", h.id, fmt.Sprintf("the export has %s %s, which is neither that of the lock nor that of before: the record that unlocks the user overwrites it with %s; set it again after that", pair.Attr, quoted(h.now[i]), quoted(h.before[i])))
	}
}

func quoted(values []string) string {
	if len(values) == 0 {
		return "(none)"
	}
	var list []string
	for _, v := range values {
		list = append(list, fmt.Sprintf("%q", v))
	}
	return strings.Join(list, ", ")
}

// locked says how many of the attributes are as the lock has set them, and open
// whether one is not that was locked.
func (h *held) locked() (n int, open bool) {
	for i, pair := range lockPairs() {
		switch is := []string{pair.Value}; {
		case sameValues(h.now[i], is):
			n++
		case !slices.ContainsFunc(h.now[i], func(v string) bool { return strings.EqualFold(v, pair.Value) }):
			open = true
		}
	}
	return n, open
}

// tellOpen tells of users who are not locked. When nobody is, as of a batch of
// one, the export may be older than the lock; that it is nobody can tell from
// it, and mail may be lost.
func tellOpen(job *cli.Job, path string, met []*held) {
	var open []string
	anybody := false
	for _, h := range met {
		n, is := h.locked()
		if is {
			open = append(open, h.id)
		}
		anybody = anybody || n == len(lockPairs()) && !sameValues(h.now[1], h.before[1])
	}
	switch {
	case len(open) == 0:
	case anybody:
		for _, id := range open {
			job.Problem("lock-gone", id, path+" has others of the batch locked, and not this user: what has come or was changed since the backup is not on the new host; lock the user again, make another backup, and give it with --stream")
		}
	default:
		job.Problem("lock-gone", open[0], path+" has nobody of the batch locked"+AndMore(len(open)-1)+": it was made before the lock, or the records that lock were not applied, or are taken back. What has come or was changed since the backup is not on the new host then; with an export made after the lock, given with --ldif and --force, this goes away")
	}
}
