package restore

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
)

// linesKept bounds the index lines that are kept in memory, in bytes. Above it they go to files.
const linesKept = 24 << 20

const indexName = "store.idx"

// spill is the part of an index in the making that is on disk.
type spill struct {
	name string // in the run's folder
	f    *durable.File
}

// spillLines writes the index lines of the user's mailboxes to files.
func (c *collector) spillLines() error {
	for _, b := range c.open {
		x := &b.index
		if len(x.lines) == 0 {
			continue
		}
		if c.r.run == nil {
			x.lines = nil
			continue
		}
		if x.spill == nil {
			x.spill = &spill{name: fmt.Sprintf("stage/%d.lines", c.spills)}
			c.spills++
			var err error
			if x.spill.f, err = c.r.run.Dir.Create(x.spill.name); err != nil {
				return err
			}
		}
		if _, err := x.spill.f.Write(x.lines); err != nil {
			return err
		}
		x.lines = nil
	}
	c.lines, c.open = 0, c.open[:0]
	return nil
}

// seal writes the index of a mailbox. The index is complete then.
func (c *collector) seal(b *box) error {
	x := &b.index
	defer func() {
		c.lines = max(0, c.lines-len(x.lines))
		x.lines = nil
	}()
	c.defaults(b)
	if t := c.r.opt.Trace; t != nil {
		t(1, fmt.Sprintf("%s: %d messages, %d bytes", x.Name, x.Exists, x.QuotaUsed))
	}
	if c.r.run == nil {
		return nil
	}
	if b.old != nil && !b.changed {
		return c.keepIndex(b)
	}
	plain := b.old == nil && !x.unsorted && x.spill == nil
	if !plain {
		return c.sealMerged(b)
	}
	if c.r.opt.NoIndex {
		return c.r.run.Stage.MkdirAll(dirOf(b))
	}
	text := x.Header.Append(make([]byte, 0, 512+len(x.lines)))
	return c.writeIndex(b, append(text, x.lines...))
}

// dirOf is the directory of a mailbox in the stage, without a final slash.
func dirOf(b *box) string { return b.dir[:len(b.dir)-1] }

// writeIndex writes the text of a small index.
func (c *collector) writeIndex(b *box, text []byte) error {
	stage, name := c.r.run.Stage, b.dir+indexName
	when := max(b.index.LastAppend, 0)
	err := stage.WriteFile(name, when, text)
	if isNotExist(err) {
		if err := stage.MkdirAll(dirOf(b)); err != nil {
			return err
		}
		err = stage.WriteFile(name, when, text)
	}
	return err
}

// defaults fills the header fields that the stream did not.
func (c *collector) defaults(b *box) {
	x := &b.index
	x.Name, x.Partition = ims.MailboxName(b.v.id, b.name), c.r.partition
	if x.UIDValidity == 0 {
		x.UIDValidity = max(b.validity, 1)
	}
	if x.ACL == "" {
		x.ACL = b.v.id + "\t" + ownerRights
	}
	if x.Exists == 0 {
		last := x.LastUID
		x.Header.Reset()
		x.LastUID = last
	}
}

// sealMerged writes an index whose lines are not in one sorted piece: some lie on disk, some are in the store's old index, some came out of order.
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

// sortedLines returns a function that gives the new lines of an index in ascending order of UIDs, one record after the other. It takes 16 bytes a message.
func (c *collector) sortedLines(x *boxIndex) (next func() (*ims.Record, error), closeFile func(), err error) {
	var src io.ReaderAt = bytes.NewReader(x.lines)
	closeFile = func() {}
	if x.spill != nil {
		f, err := c.reopenSpill(x)
		if err != nil {
			return nil, nil, err
		}
		src, closeFile = f, func() { f.Close() }
	}
	at, err := scanLines(io.NewSectionReader(src, 0, 1<<62))
	if err != nil {
		closeFile()
		return nil, nil, err
	}
	slices.SortFunc(at, func(a, b lineAt) int { return int(int64(a.uid) - int64(b.uid)) })
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

// reopenSpill writes the last lines to the spill and opens it for reading.
func (c *collector) reopenSpill(x *boxIndex) (*os.File, error) {
	if _, err := x.spill.f.Write(x.lines); err != nil {
		return nil, err
	}
	x.lines = nil
	if err := x.spill.f.Close(); err != nil {
		return nil, err
	}
	f, err := c.r.run.Dir.Open(x.spill.name)
	if err != nil {
		return nil, err
	}
	return f, c.r.run.Dir.Remove(x.spill.name)
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

// mergeIndex writes the store's old lines and the new ones as one index, and counts it anew.
func (c *collector) mergeIndex(b *box, next func() (*ims.Record, error)) error {
	x := &b.index
	last := x.LastUID
	x.Header.Reset()
	x.LastUID = last
	x.seen, x.deleted = nil, nil
	name := fmt.Sprintf("stage/%s.records", b.v.stage)
	body, err := c.r.run.Dir.Create(name)
	if err != nil {
		return err
	}
	bw := bufio.NewWriterSize(body, 64<<10)
	err = c.eachRecord(b, next, func(rec *ims.Record) error {
		if u, ok := x.updates[rec.UID]; ok {
			rec.Flags, rec.Keywords = u.flags, u.keywords
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
	c.defaults(b)
	return c.joinIndex(b, name)
}

// joinIndex makes store.idx of the header and the records in the file name, which it removes.
func (c *collector) joinIndex(b *box, name string) error {
	body, err := c.r.run.Dir.Open(name)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := c.r.run.Dir.Remove(name); err != nil {
		return err
	}
	stage := c.r.run.Stage
	if err := stage.MkdirAll(dirOf(b)); err != nil || c.r.opt.NoIndex || b.old != nil && b.old.foreign {
		return err
	}
	f, err := stage.Create(b.dir + indexName)
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

// eachRecord calls fn for the old records of a mailbox and the new ones together, in ascending order of UIDs.
func (c *collector) eachRecord(b *box, next func() (*ims.Record, error), fn func(*ims.Record) error) error {
	oldNext, closeOld, err := b.old.records()
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
