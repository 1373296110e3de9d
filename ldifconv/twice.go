package ldifconv

import (
	"errors"
	"fmt"
	"io"

	"imsconv/ldifconv/ldif"
)

// entryMark says where what one entry gave ends in the buffers of its batch,
// and what it counted.
type entryMark struct {
	dn   uint64 // hash of the normalised DN; 0 for a name that is none
	line int

	out, undo, save, notes, fired int
	people                        peopleMark

	before int // the number of notes before the first of this entry

	kind                          Kind
	selected, changed, restored   bool
	finished, tombstone, conflict bool
}

// packPos packs the place of an entry: the number of the input and the line.
func packPos(input, line int) uint64 { return uint64(input)<<40 | uint64(line) }

// where is the name of such a place.
func (r *run) where(pos uint64, dn []byte) string { return placeOf(r.inputs, pos, dn) }

func placeOf(inputs []Input, pos uint64, dn []byte) string {
	return position(inputs[pos>>40].Name, int(pos&(1<<40-1)), string(dn))
}

// again is the second entry of one DN.
type again struct {
	entry int    // number in the batch
	first uint64 // where the first one stands
}

// dropSecond finds the entries of a batch whose DN an entry before them has.
// Of those nothing is written but, in full output, the entry as it was.
func (r *run) dropSecond(b *batch) error {
	var list []again
	for i := range b.entries {
		e := &b.entries[i]
		if e.dn == 0 {
			continue
		}
		first, twice, err := r.seen.Put(e.dn, packPos(b.input, e.line))
		if err != nil {
			return err
		}
		if twice {
			list = append(list, again{i, first})
		}
	}
	if list == nil {
		return nil
	}
	return r.rewrite(b, list)
}

// rewrite leaves out what the entries of list gave, and tells of each.
func (r *run) rewrite(b *batch, list []again) error {
	old := *b
	b.out, b.undo, b.save, b.people, b.marks, b.notes, b.fired = nil, nil, nil, people{}, nil, nil, nil
	scan := ldif.Scanner{MaxEntry: r.opt.maxEntry()}
	scan.Reset(&b.chunk)
	var from entryMark
	mark := 0
	for i := range old.entries {
		e := old.entries[i]
		second := len(list) > 0 && list[0].entry == i
		switch {
		case second:
			rec, err := recordAt(&scan, e.line)
			if err != nil {
				return err
			}
			b.notes = append(b.notes, old.notes[from.notes:e.before]...)
			r.second(b, rec, &e, list[0].first)
			old.report.uncount(&e)
			list = list[1:]
		default:
			b.out = append(b.out, old.out[from.out:e.out]...)
			b.undo = append(b.undo, old.undo[from.undo:e.undo]...)
			b.save = append(b.save, old.save[from.save:e.save]...)
			b.people.addPart(&old.people, from.people, e.people)
			b.notes = append(b.notes, old.notes[from.notes:e.notes]...)
			b.fired = append(b.fired, old.fired[from.fired:e.fired]...)
		}
		for ; mark < len(old.marks) && old.marks[mark].End <= e.out; mark++ {
			m := old.marks[mark]
			m.End = len(b.out)
			b.marks = append(b.marks, m)
		}
		from = e
	}
	b.notes = append(b.notes, old.notes[from.notes:]...)
	b.report = old.report
	return nil
}

// second writes the entry as it was, in full output, and tells of it.
func (r *run) second(b *batch, rec *ldif.Record, e *entryMark, first uint64) {
	if r.full != nil {
		rec.Type, rec.Controls = ldif.Content, rec.Controls[:0]
		b.out = ldif.AppendRecord(b.out, rec)
	}
	b.problem("dn-twice", e.line, string(rec.DN), fmt.Sprintf("an entry of this DN stands at %s already: only that one is changed", r.where(first, nil)))
}

// recordAt reads on to the record whose dn line has this number.
func recordAt(scan *ldif.Scanner, line int) (*ldif.Record, error) {
	for {
		rec, err := scan.Next()
		if err == io.EOF {
			return nil, errors.New("internal error: an entry of the chunk is gone")
		}
		if err == nil && rec.Line == line {
			return rec, nil
		}
	}
}

// uncount takes back what an entry added to the counts.
func (r *Report) uncount(e *entryMark) {
	for _, c := range []struct {
		was bool
		n   *int64
	}{
		{e.selected, &r.Selected}, {e.changed, &r.Changed}, {e.restored, &r.Restored}, {e.finished, &r.Finished},
		{e.tombstone, &r.Tombstones}, {e.conflict, &r.Conflicts},
		{e.changed && e.kind&Users != 0, &r.Users}, {e.changed && e.kind&Groups != 0, &r.Groups}, {e.changed && e.kind == Domains, &r.Domains},
	} {
		if c.was {
			*c.n--
		}
	}
	r.Twice++
}

// tellTwice warns of addresses that two of the entries have.
func (r *run) tellTwice() error {
	return r.book.each(func(address []byte, first, other *listed) error {
		r.warn("address-twice", r.where(other.pos, other.dn), warnTwice(address, r.where(first.pos, first.dn)))
		return nil
	})
}

// tellOrphans warns, in full output, of entries whose parent is not there.
func (r *run) tellOrphans() error {
	told, more := 0, int64(0)
	rest, err := r.full.Orphans(func(norm []byte, pos uint64) {
		if told++; told > mostOrphans {
			more++
			return
		}
		parent, _ := ldif.ParentNormDN(norm)
		r.warn("no-parent", r.where(pos, norm), fmt.Sprintf("its parent %s is not in the input: a directory leaves the entry out", shown(string(parent))))
	})
	if more += rest; err == nil && more > 0 {
		r.warn("no-parent", "", fmt.Sprintf("%s more without a parent in the input", counted(more, "entry", "entries")))
	}
	return err
}

// mostOrphans is how many entries without a parent are named.
const mostOrphans = 50

// warn says something about the run as a whole.
func (r *run) warn(kind, where, text string) {
	r.report.Warnings[kind]++
	r.log().Warning(kind, where, text)
}

func (r *run) log() Log {
	if r.opt.Log == nil {
		return discard{}
	}
	return printableLog{r.opt.Log}
}
