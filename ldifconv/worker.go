package ldifconv

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// worker upgrades the entries of batches, one at a time.
type worker struct {
	run   *run
	scan  ldif.Scanner
	d     draft
	norm  []byte // the normalised DN of the entry
	up    suffix // the parent of the last entry
	met   found
	rdn   []byte      // scratch of keepNaming
	names []staleName // scratch of stale
	one   entryMark
}

func newWorker(r *run) *worker {
	w := &worker{run: r, scan: ldif.Scanner{MaxEntry: r.opt.maxEntry()}}
	w.met.under = make([]int64, len(r.sel.bases))
	return w
}

// upgrade does all records of a batch.
func (w *worker) upgrade(b *batch) {
	b.report.Bytes = int64(len(b.chunk.Data))
	if b.chunk.TooBig > 0 {
		b.report.Bytes = b.chunk.TooBig
	}
	if n := len(b.chunk.Data); cap(b.out) < n && n <= largestChunk {
		// Most often enough, for the chunks to come too: memory that grows is
		// touched twice.
		b.out = make([]byte, 0, n+n/8)
	}
	w.scan.Reset(&b.chunk)
	for {
		rec, err := w.scan.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			w.damage(b, err.(*ldif.Error))
		} else {
			w.one = entryMark{line: rec.Line, before: len(b.notes)}
			w.entry(b, rec)
			w.endEntry(b)
		}
		if b.full() && !w.run.flush(b) {
			return
		}
	}
	if cap(b.chunk.Data) > keepBuffer { // what the last record points to is not kept
		w.scan, w.d = ldif.Scanner{MaxEntry: w.scan.MaxEntry}, draft{}
	}
	if b.chunk.Unterminated {
		line := b.chunk.LastLine()
		b.notes = append(b.notes, note{kind: "no-line-end", line: line, text: "the input ends in the middle of a line: was it cut off"})
	}
}

// fate finds out what the upgrade does to the name of an entry, and whether it
// takes its uid. It changes nothing, and says what it has to say to b.
func (w *worker) fate(b *batch, rec *ldif.Record) (what fate, losesUID bool) {
	d := &w.d
	d.load(rec, b)
	w.one.dn = index.Hash(w.norm)
	d.kind = w.kindOf(b, d)
	tombstone, conflict := ldif.OfServer(&rec.Entry)
	if tombstone || conflict || !w.run.rules.takesUID(d) {
		return keepsName, false
	}
	here := d.kind&w.run.sel.kinds != 0 && w.run.sel.below(w.norm) && w.run.sel.matches(&rec.Entry)
	switch {
	case d.renamed == nil:
		return keepsName, here
	case !here:
		return getsLater, false
	}
	return getsName, true
}

// Kinds of problems by which there is no entry, beside the classes of damage: a
// record that is none, and an input that cannot be read to its end.
const (
	changeRecord   = "change-record"
	restUnreadable = "unreadable"
)

// LosesEntry tells whether a problem of that kind is one of a record of which
// no entry is made, and not of what an entry has in it.
func LosesEntry(kind string) bool {
	switch kind {
	case ldif.BadLine, ldif.BadBase64, ldif.BadURL, ldif.BadRecord, ldif.NoDN, ldif.SecondDN, ldif.BadChange, ldif.BadVersion, ldif.SearchResult, ldif.EntryTooLong:
		return true
	case changeRecord, restUnreadable:
		return true
	}
	return false
}

// damage reports a record that could not be read.
func (w *worker) damage(b *batch, e *ldif.Error) {
	b.report.Damaged++
	text := e.Text
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	b.problem(e.Kind(), e.Line, e.DN, text)
	w.reject(b, e.Line, text, e.Raw)
}

// reject copies a record to the rejects.
func (w *worker) reject(b *batch, line int, text string, raw []byte) {
	if w.run.opt.Rejects == nil {
		return
	}
	b.rejects = fmt.Appendf(b.rejects, "# %s: %s\n", position(b.name, line, ""), oneLine(text))
	b.rejects = append(b.rejects, raw...)
	b.rejects = append(b.rejects, "\n\n"...)
}

// oneLine makes text safe for a comment.
func oneLine(text string) string {
	out := []byte(text)
	for i, c := range out {
		if c < ' ' {
			out[i] = ' '
		}
	}
	return string(out)
}

// entry does one record.
func (w *worker) entry(b *batch, rec *ldif.Record) {
	if rec.Type != ldif.Content && rec.Type != ldif.Add {
		b.report.Damaged++
		text := fmt.Sprintf("a %s record is no entry of an export", rec.Type)
		b.problem(changeRecord, rec.Line, string(rec.DN), text)
		w.reject(b, rec.Line, text, rec.Raw)
		return
	}
	if len(rec.Controls) > 0 {
		b.warn(rec, "controls", "the controls of the record are left out: it is taken for the entry that it adds")
	}
	b.report.Entries++
	var err error
	if w.norm, err = w.up.normDN(w.norm[:0], rec.DN); err != nil {
		b.problem("bad-dn", rec.Line, string(rec.DN), "not a distinguished name: the entry is left as it is")
		w.reject(b, rec.Line, "not a distinguished name", rec.Raw)
		w.norm = w.norm[:0]
		w.tellPassed(b, rec)
		w.pass(b, rec)
		return
	}
	if w.run.opt.Rules.MakeDCTree {
		w.run.nodes.note(w.norm)
	}
	if old, err := w.run.rules.options.belowRenamed(w.norm); err != nil {
		b.err = err
	} else if old != nil && !w.run.opt.AddOnly {
		b.problem("below-renamed", rec.Line, string(rec.DN), fmt.Sprintf("lies below an entry named by the uid %.200q, which the map changes: full output leaves it where it is, and not every server moves it with that entry", old))
	}
	w.one.dn = index.Hash(w.norm)
	w.met.meet(w.norm)
	if !w.run.sel.under(w.norm, w.met.under) || !w.run.sel.matches(&rec.Entry) {
		w.staysDomain(b, rec)
		w.tellPassed(b, rec)
		w.pass(b, rec)
		return
	}
	d := &w.d
	d.load(rec, b)
	d.kind = w.kindOf(b, d)
	w.one.kind = d.kind
	w.met.classes(d, w.run.opt.From)
	if d.kind&w.run.sel.kinds == 0 {
		w.tellPassed(b, rec)
		w.pass(b, rec)
		return
	}
	if w.leftAlone(b, &rec.Entry) {
		w.tellPassed(b, rec)
		w.pass(b, rec)
		return
	}
	b.report.Selected++
	w.one.selected = true
	if d.kind == Both {
		d.warn("user-and-list", "the entry is a user and a list: upgraded as both")
	}
	if both := TagSIMS40 | TagNMS41; tagsOf(&d.had)&both == both && !w.run.opt.AddOnly {
		d.warnf("two-products", "the entry is of SIMS and of NMS at once: upgraded as one of %s, what is of the other stays", w.run.opt.From)
	}
	w.change(b, d)
	w.tellChanged(b, d)
	if d.kind&Both != 0 && !w.run.opt.AddOnly {
		b.people.add(d, packPos(b.input, rec.Line))
	}
	if !d.changed() {
		b.report.Finished++
		w.one.finished = true
		w.pass(b, rec)
		return
	}
	w.emit(b, d)
}

// kindOf is the kind of an entry by its classes or, for a node of the domain
// component tree, by what lies below it.
func (w *worker) kindOf(b *batch, d *draft) Kind {
	kind := w.run.rules.kindOf(d)
	if kind != 0 {
		return kind
	}
	below, err := w.run.survey.below(w.norm, w.one.dn)
	if err != nil {
		b.err = err
	}
	if below.any() {
		return Domains
	}
	return 0
}

// staysDomain warns of a node that is not selected though users or lists that
// are have it as their domain.
func (w *worker) staysDomain(b *batch, rec *ldif.Record) {
	below, err := w.run.survey.below(w.norm, w.one.dn)
	if err != nil {
		b.err = err
	}
	if below.users()+below.lists() > 0 {
		b.warn(rec, "domain-stays", fmt.Sprintf("%s below it, and it stays as it is: the base or the filter leaves it out", below.lies()))
	}
}

// leftAlone counts an entry that belongs to the directory server: a tombstone,
// also where replication had a conflict over it before, or one of two.
func (w *worker) leftAlone(b *batch, e *ldif.Entry) bool {
	tombstone, conflict := ldif.OfServer(e)
	switch {
	case tombstone:
		b.report.Tombstones++
	case conflict:
		b.report.Conflicts++
	}
	w.one.tombstone, w.one.conflict = tombstone, conflict && !tombstone
	return tombstone || conflict
}

// endEntry notes where what the entry gave ends.
func (w *worker) endEntry(b *batch) {
	w.one.out, w.one.undo, w.one.save, w.one.people = len(b.out), len(b.undo), len(b.save), b.people.mark()
	w.one.notes, w.one.fired = len(b.notes), len(b.fired)
	b.entries = append(b.entries, w.one)
}

// suffix remembers the parent of an entry and its normal form: the next entry
// most often has the same.
type suffix struct{ raw, norm []byte }

// normDN is ldif.AppendNormDN, faster for the sister of the entry before.
func (s *suffix) normDN(dst, dn []byte) ([]byte, error) {
	cut := -1
	for i, c := range dn {
		if c == ',' {
			cut = i
			break
		}
		if c == '\\' || c == '"' || c == ';' {
			break
		}
	}
	if cut < 0 {
		return ldif.AppendNormDN(dst, dn)
	}
	if parent := dn[cut+1:]; !bytes.Equal(parent, s.raw) || len(s.norm) == 0 {
		norm, err := ldif.AppendNormDN(s.norm[:0], parent)
		if err != nil || len(norm) == 0 {
			s.norm = s.norm[:0]
			return ldif.AppendNormDN(dst, dn)
		}
		s.raw, s.norm = append(s.raw[:0], parent...), norm
	}
	dst, err := ldif.AppendNormDN(dst, dn[:cut])
	if err != nil || len(dst) == 0 {
		return dst, ldif.ErrDN
	}
	return append(append(dst, ','), s.norm...), nil
}

// change makes the draft what the entry becomes.
func (w *worker) change(b *batch, d *draft) {
	if w.run.state != nil {
		found, err := w.run.state.restore(d, w.norm)
		if err != nil {
			b.problem("not-restored", d.rec.Line, string(d.rec.DN), err.Error())
		}
		if found {
			b.report.Restored++
			w.one.restored = true
		}
	}
	if !w.run.opt.AddOnly {
		w.run.rules.apply(d)
	}
	d.applyPairs(w.run.pairs, w.run.opt.Append)
	w.keepNaming(d)
}

// emit writes a changed entry.
func (w *worker) emit(b *batch, d *draft) {
	b.report.Changed++
	w.one.changed = true
	if d.kind&Users != 0 {
		b.report.Users++
	}
	if d.kind&Groups != 0 {
		b.report.Groups++
	}
	if d.kind == Domains {
		b.report.Domains++
	}
	if w.run.full != nil {
		b.out = d.appendFull(b.out)
		w.mark(b)
	} else {
		b.out = d.appendChanges(b.out)
	}
	if w.run.opt.Undo != nil {
		b.undo = d.appendUndo(b.undo, nil)
	}
	if w.run.opt.Save != nil {
		b.save = d.appendUndo(b.save, w.saved)
	}
}

// saved reports whether -A names the field.
func (w *worker) saved(f *field) bool {
	for i := range w.run.pairs {
		s := &w.run.pairs[i]
		if s.id == f.id && (s.id != schema.None || equalFold(s.desc, f.desc)) {
			return true
		}
	}
	return false
}

// pass writes an entry as it is, in full output.
func (w *worker) pass(b *batch, rec *ldif.Record) {
	if w.run.full == nil {
		return
	}
	rec.Type, rec.Controls = ldif.Content, rec.Controls[:0]
	b.out = ldif.AppendRecord(b.out, rec)
	w.mark(b)
}

// mark notes where an entry of the full output ends, and its place in the tree.
func (w *worker) mark(b *batch) {
	from := len(b.norms)
	b.norms = append(b.norms, w.norm...)
	b.marks = append(b.marks, index.MarkOf(len(b.out), b.norms[from:], packPos(b.input, w.one.line)))
}

// keepNaming keeps the values that the DN is made of: a directory refuses to
// change them in a modify.
func (w *worker) keepNaming(d *draft) {
	if len(w.norm) == 0 {
		return
	}
	rdn := w.norm
	if parent, ok := ldif.ParentNormDN(w.norm); ok && len(parent) > 0 {
		rdn = rdn[:len(rdn)-len(parent)-1]
	}
	for len(rdn) > 0 {
		var pair []byte
		pair, rdn = cutByte(rdn, '+')
		name, _ := cutByte(pair, '=')
		id, _ := d.names.attr(name)
		if id == schema.None || d.slot[id] == 0 {
			continue
		}
		if f := &d.fields[d.slot[id]-1]; f.differs() && !d.byRename(f) {
			w.keepNamingValue(d, f, pair[len(name)+1:])
		}
	}
}

// keepNamingValue puts the value norm of the RDN back into f when it is gone.
func (w *worker) keepNamingValue(d *draft, f *field, norm []byte) {
	for _, v := range f.now {
		if w.isNaming(v, norm) {
			return
		}
	}
	for _, v := range f.old {
		if !w.isNaming(v, norm) {
			continue
		}
		d.assign(f.id, append(slices.Clone(f.now), v))
		d.warnf("naming-value", "%s %q is part of the name and stays", f.desc, v)
		return
	}
}

// isNaming reports whether the value v is written norm in a normalised DN.
func (w *worker) isNaming(v, norm []byte) bool {
	w.rdn = append(append(append(w.rdn[:0], `x="`...), escapeQuotes(v)...), '"')
	got, err := ldif.AppendNormDN(nil, w.rdn)
	return err == nil && string(got[2:]) == string(norm)
}

func escapeQuotes(v []byte) []byte {
	out := make([]byte, 0, len(v))
	for _, c := range v {
		if c == '"' || c == '\\' {
			out = append(out, '\\')
		}
		out = append(out, c)
	}
	return out
}

// cutByte is bytes.Cut at a byte.
func cutByte(b []byte, sep byte) (before, after []byte) {
	if i := bytes.IndexByte(b, sep); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}
