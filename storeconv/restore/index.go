package restore

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
)

// boxIndex is an index in the making.
type boxIndex struct {
	ims.Header
	set     bool // UIDVALIDITY stays: the stream has said it, or messages hold it
	changed bool // against the one in the store

	defaultACL bool // nothing said any rights

	lines    []byte
	unsorted bool
	last     uint32
	keywords map[string]int
	words    int  // bytes of the keywords, each with a blank
	noRoom   bool // one had no room, which is told
	seen     mboxlist.UIDSet
	deleted  mboxlist.UIDSet
	updates  map[uint32]newFlags
	again    map[uint32]bool     // messages whose files were gone and are written again
	later    []laterLink         // that get their places at the end of the visit
	spilled  []piece             // lines that are on disk
	slot     int                 // in lineBudget, while there are lines in memory
	fresh    []storedMessage     // of a dry run that keeps what it would put into place
	met      uidRanges           // messages from before the run that the stream has, and no visit before
	was      map[uint32]oldFlags // flags that they had before the run, where it has changed them
	mine     uidRanges           // what messages of the stream are whose names do not tell it
	bare     uidRanges           // messages with a line end that is not CR LF
	unsure   bool                // and perhaps more of those that were there
}

// newFlags replace the flags of a message that is there.
type newFlags struct {
	flags    ims.Flags
	keywords []byte
	origin   *origin // of one that no index names; nil: it is named
}

// origin is what the stream says of a message beside its flags.
type origin struct {
	date     int64
	validity uint32
	uid      uint32
	unsaid   bool // the stream says nothing of flags
}

// change puts what is new into the record of a message.
func (n *newFlags) change(rec *ims.Record) {
	rec.Flags, rec.Keywords = n.flags, n.keywords
	if o := n.origin; o != nil {
		rec.InternalDate, rec.OrigValidity, rec.OrigUID = o.date, o.validity, o.uid
	}
}

// linesKept bounds the index lines that are kept in memory, in bytes. Above it
// they go to a file.
const linesKept = 24 << 20

// lineBudget counts the index lines in memory.
type lineBudget struct {
	held, most int    // bytes
	open       []*box // that lines are held of
	spill      spill
	spare      [][]byte // room for lines
}

// What is kept as room for lines: so many pieces, none larger than that.
const (
	sparesKept   = 64
	largestSpare = 64 << 10
)

// begin takes in a mailbox that is about to have lines in memory.
func (l *lineBudget) begin(b *box) {
	b.index.slot = len(l.open)
	l.open = append(l.open, b)
}

// room is for the lines of a mailbox that has none yet.
func (l *lineBudget) room() (room []byte) {
	if last := len(l.spare) - 1; last >= 0 {
		room, l.spare = l.spare[last], l.spare[:last]
	}
	return room
}

// end lets the lines of a mailbox in memory go.
func (l *lineBudget) end(b *box) {
	x := &b.index
	if len(x.lines) == 0 {
		return
	}
	last := len(l.open) - 1
	l.open[x.slot] = l.open[last]
	l.open[x.slot].index.slot = x.slot
	l.open[last] = nil
	l.open = l.open[:last]
	l.held -= len(x.lines)
	if len(l.spare) < sparesKept && cap(x.lines) <= largestSpare {
		l.spare = append(l.spare, x.lines[:0])
	}
	x.lines = nil
}

// apply puts in what the stream says about the mailbox, with its rights as the
// store has them. room is false where a keyword had none.
func (x *boxIndex) apply(s *boxStep, acl string) (room bool) {
	m := s.attrs
	room = true
	if m.UIDValidity != 0 && !x.set {
		x.UIDValidity, x.set = m.UIDValidity, true
	}
	if m.UIDNext > 0 {
		x.LastUID = max(x.LastUID, m.UIDNext-1)
	}
	if m.Subscribed >= 0 {
		x.Subscribed = m.Subscribed == 1 || s.joined && x.Subscribed
	}
	if m.ACL != "" && !s.joined {
		x.ACL = acl
	}
	for _, k := range strings.Fields(m.Keywords) {
		room = x.keyword(k) >= 0 && room
	}
	return room
}

// maxWords bounds the keywords of a mailbox, in bytes: no reader takes a longer
// line of an index.
const maxWords = ims.MaxIndexLine - 64

// keyword returns the bit of a keyword, which is added when it is new; -1 when
// it has no room. Its case does not matter.
func (x *boxIndex) keyword(word string) int {
	if n, ok := x.keywords[strings.ToLower(word)]; ok {
		return n
	}
	if x.words+len(word) >= maxWords {
		return -1
	}
	x.Userflags = append(x.Userflags, strings.Clone(word))
	x.noteKeyword(len(x.Userflags) - 1)
	return len(x.Userflags) - 1
}

// noteKeyword makes the keyword of a bit known.
func (x *boxIndex) noteKeyword(n int) {
	if x.keywords == nil {
		x.keywords = make(map[string]int)
	}
	x.keywords[strings.ToLower(x.Userflags[n])] = n
	x.words += len(x.Userflags[n]) + 1
}

// setKeywords gives a record its keywords. One that has no room is left out,
// which is told once a mailbox.
func (c *collector) setKeywords(b *box, rec *ims.Record, words []string, offset int64, name string) {
	for _, w := range words {
		if n := b.index.keyword(w); n >= 0 {
			rec.SetKeyword(n)
		} else {
			c.tellNoRoom(b, offset, name)
		}
	}
}

// tellNoRoom tells of a keyword that has no room in the index of a mailbox.
func (c *collector) tellNoRoom(b *box, offset int64, name string) {
	if x := &b.index; !x.noRoom {
		x.noRoom = true
		c.problem(b.v, "keyword", c.r.whereOf(b.v.stream, offset, name),
			fmt.Sprintf("the keywords of the mailbox take more than %d bytes: from here on new ones are left out", maxWords))
	}
}

// mark puts the flags of a message into the sets of the owner's record, in
// ascending order.
func (x *boxIndex) mark(rec *ims.Record) {
	if rec.Flags&ims.Seen != 0 {
		x.seen = x.seen.Add(rec.UID)
	}
	if rec.Flags&ims.Deleted != 0 {
		x.deleted = x.deleted.Add(rec.UID)
	}
}

// restart empties the counts, to be counted anew. The highest UID stays.
func (x *boxIndex) restart() {
	last := x.LastUID
	x.Header.Reset()
	x.LastUID = last
	x.seen, x.deleted = nil, nil
}

// index adds the line of a message.
func (c *collector) index(e *entry, info *content) error {
	x := &e.box.index
	if x.UIDValidity == 0 || !x.set && !e.unsaid() {
		x.UIDValidity = e.validity
	}
	flags, words, _ := parseFlags(e.flags)
	rec := ims.Record{
		UID: e.uid, InternalDate: e.date, SentDate: info.text.Sent, Size: info.size, HSize: info.text.HeaderSize, Flags: flags,
		OrigValidity: e.origin(), OrigUID: e.origUID, SHA256: info.sum, MessageID: info.text.ID,
	}
	c.setKeywords(e.box, &rec, words, e.offset, e.name)
	if old := e.box.existing; old != nil && old.foreign {
		c.countUnnoted(e, flags, words)
	}
	x.Header.Add(&rec)
	if info.bare {
		x.bare.add(rec.UID)
	}
	if e.nameless || e.uid != e.origUID {
		x.mine.add(rec.UID)
	}
	if c.r.keepsPlanned(e.box) {
		m := messageOf(&rec)
		m.short = info.short
		x.fresh = append(x.fresh, m)
	}
	if e.uid <= x.last {
		x.unsorted = true
	}
	x.last = max(x.last, e.uid)
	before := len(x.lines)
	if before == 0 {
		c.lines.begin(e.box)
		x.lines = c.lines.room()
	}
	x.lines = rec.Append(x.lines)
	c.lines.held += len(x.lines) - before
	if !x.unsorted {
		x.mark(&rec)
	}
	e.box.v.tally.changed, x.changed = true, true
	if t := c.r.opt.Trace; t != nil {
		t(2, ims.MailboxName(e.box.v.id, e.box.name)+" "+ims.MessagePath(e.uid))
	}
	if c.lines.held > c.lines.most {
		return c.spillLines()
	}
	return nil
}

// seal writes the index of a mailbox. The index is complete then.
func (c *collector) seal(b *box) error {
	x := &b.index
	defer func() {
		c.lines.end(b)
	}()
	c.fillHeader(b)
	if t := c.r.opt.Trace; t != nil {
		t(1, fmt.Sprintf("%s: %d messages, %d bytes", x.Name, x.Exists, x.QuotaUsed))
	}
	switch {
	case c.r.dry():
		return nil
	case b.existing != nil && !x.changed:
		return c.keepIndex(b)
	case b.existing != nil || x.unsorted || len(x.spilled) > 0:
		return c.sealMerged(b)
	case c.r.opt.NoIndex:
		return c.r.folder.Stage.MkdirAll(dirOf(b))
	}
	text := x.Header.Append(make([]byte, 0, 512+len(x.lines)))
	return c.writeIndex(b, append(text, x.lines...))
}

// dirOf is the directory of a mailbox in the stage, without a final slash.
func dirOf(b *box) string { return b.dir[:len(b.dir)-1] }

// writeIndex writes the text of a small index.
func (c *collector) writeIndex(b *box, text []byte) error {
	stage, name := c.r.folder.Stage, b.dir+ims.IndexName
	date := max(b.index.LastAppend, 0)
	err := stage.WriteFile(name, date, text)
	if isNotExist(err) {
		if err := stage.MkdirAll(dirOf(b)); err != nil {
			return err
		}
		err = stage.WriteFile(name, date, text)
	}
	return err
}

// fillHeader fills the header fields that the stream did not.
func (c *collector) fillHeader(b *box) {
	x := &b.index
	x.Name, x.Partition = ims.MailboxName(b.v.id, b.name), c.r.partition
	if x.UIDValidity == 0 {
		x.UIDValidity = max(b.plan.validity, 1)
	}
	if x.ACL == "" {
		x.ACL, x.defaultACL = b.v.id+"\t"+ims.OwnerRights, true
	}
	if x.Exists == 0 {
		last := x.LastUID
		x.Header.Reset()
		x.LastUID = last
	}
	if x.Bare = (ims.BareLF{}); !x.unsure {
		x.SetBareLF(x.bare.forIndex())
	}
}

// keepIndex counts a mailbox whose index stays as it is.
func (c *collector) keepIndex(b *box) error {
	x := &b.index
	x.restart()
	next, closeOld, err := b.existing.records()
	if err != nil {
		return err
	}
	defer closeOld()
	for {
		rec, err := next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		x.Header.Add(rec)
		x.mark(rec)
	}
	c.fillHeader(b)
	return nil
}

// sealMerged writes an index whose lines are not in one sorted piece: some lie
// on disk, some are in the store's old index, some came out of order.
func (c *collector) sealMerged(b *box) error {
	lines, closeLines, err := c.sortedLines(&b.index)
	if err != nil {
		return err
	}
	defer closeLines()
	return c.mergeIndex(b, lines)
}

// lineAt is one line of an index in the making.
type lineAt struct {
	uid    uint32
	length uint32
	off    int64
}

// sortedLines returns a function that gives the new lines of an index in
// ascending order of UIDs, one record after the other. It takes 16 bytes a
// message.
func (c *collector) sortedLines(x *boxIndex) (next func() (*ims.Record, error), closeFile func(), err error) {
	src := c.lines.spill.reader(x)
	closeFile = func() { c.lines.spill.forget(x) }
	at, err := scanLines(io.NewSectionReader(src, 0, 1<<62))
	if err != nil {
		closeFile()
		return nil, nil, err
	}
	slices.SortFunc(at, func(a, b lineAt) int { return cmp.Compare(a.uid, b.uid) })
	var rec ims.Record
	var buf []byte
	i := 0
	next = func() (*ims.Record, error) {
		if i == len(at) {
			return nil, io.EOF
		}
		l := at[i]
		i++
		buf = slices.Grow(buf[:0], int(l.length))[:l.length]
		if _, err := src.ReadAt(buf, l.off); err != nil && err != io.EOF {
			return nil, err
		}
		return &rec, rec.Parse(buf)
	}
	return next, closeFile, nil
}

// scanLines finds the lines and their UIDs.
func scanLines(r io.Reader) ([]lineAt, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	var out []lineAt
	for off := int64(0); ; {
		line, err := br.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("index lines: %w", err)
		}
		digits, _, _ := bytes.Cut(line, []byte("\t"))
		uid, ok := ims.ParseUID(string(digits))
		if !ok {
			return nil, fmt.Errorf("internal error: index line without UID at offset %d", off)
		}
		out = append(out, lineAt{uid, uint32(len(line) - 1), off})
		off += int64(len(line))
	}
}

// mergeIndex writes the store's old lines and the new ones as one index, and
// counts it anew.
func (c *collector) mergeIndex(b *box, next func() (*ims.Record, error)) error {
	x := &b.index
	x.restart()
	name := fmt.Sprintf("stage/%s.records", b.v.stage)
	body, err := c.r.folder.Dir.Create(name)
	if err != nil {
		return err
	}
	bw := bufio.NewWriterSize(body, 64<<10)
	err = c.eachRecord(b, next, func(rec *ims.Record) error {
		if u, ok := x.updates[rec.UID]; ok {
			u.change(rec)
		}
		x.Header.Add(rec)
		x.mark(rec)
		_, err := bw.Write(rec.Append(bw.AvailableBuffer()))
		return err
	})
	if err == nil {
		err = bw.Flush()
	}
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	c.fillHeader(b)
	return c.joinIndex(b, name)
}

// joinIndex makes store.idx of the header and the records in the file name,
// which it removes.
func (c *collector) joinIndex(b *box, name string) error {
	body, err := c.r.folder.Dir.Open(name)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := c.r.folder.Dir.Remove(name); err != nil {
		return err
	}
	stage := c.r.folder.Stage
	if err := stage.MkdirAll(dirOf(b)); err != nil || c.r.opt.NoIndex || b.existing != nil && b.existing.foreign {
		return err
	}
	f, err := stage.Create(b.dir + ims.IndexName)
	if err != nil {
		return err
	}
	if _, err = f.Write(b.index.Header.Append(nil)); err == nil {
		_, err = io.Copy(f, body)
	}
	if err == nil {
		err = f.SetTime(max(b.index.LastAppend, 0))
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// eachRecord calls fn for the old records of a mailbox and the new ones
// together, in ascending order of UIDs.
func (c *collector) eachRecord(b *box, next func() (*ims.Record, error), fn func(*ims.Record) error) error {
	oldNext, closeOld, err := b.existing.records()
	if err != nil {
		return err
	}
	defer closeOld()
	a, err1 := oldNext()
	n, err2 := next()
	for {
		switch {
		case err1 != nil && err1 != io.EOF:
			return err1
		case err2 != nil && err2 != io.EOF:
			return err2
		case err1 == io.EOF && err2 == io.EOF:
			return nil
		case err2 == io.EOF || err1 == nil && a.UID < n.UID:
			if err := fn(a); err != nil {
				return err
			}
			a, err1 = oldNext()
		default:
			if err := fn(n); err != nil {
				return err
			}
			n, err2 = next()
		}
	}
}
