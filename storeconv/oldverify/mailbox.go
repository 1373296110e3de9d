package oldverify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"slices"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// boxResult is what checking one mailbox found.
type boxResult struct {
	header         ims.Header
	indexed        bool // there is an index of ours
	foreign        bool // there is an index of somebody else
	noMailbox      bool // INBOX's directory holds no mailbox at all, only folders
	seen, deleted  mboxlist.UIDSet
	messages, size int64 // files, and the sum of their sizes
	links          int64
	notes          []note
}

// maxBoxNotes bounds the lines kept of one mailbox; more are of no use to anybody.
const maxBoxNotes = 10000

// boxChecker checks mailboxes, one at a time.
type boxChecker struct {
	noIndex bool
	meter   storeconv.Progress
	buf     []byte
	sum     hash.Hash

	box  *ims.Mailbox
	res  boxResult
	uids []uint32 // of the index
}

func newBoxChecker(noIndex bool, meter storeconv.Progress) *boxChecker {
	return &boxChecker{noIndex: noIndex, meter: meter, buf: make([]byte, 128<<10), sum: sha256.New()}
}

func (c *boxChecker) problem(kind, where, format string, args ...any) {
	if len(c.res.notes) < maxBoxNotes {
		c.res.notes = append(c.res.notes, note{kind: kind, where: where, text: fmt.Sprintf(format, args...)})
	}
}

// check checks a mailbox: the index itself, every message of it, every file.
func (c *boxChecker) check(ctx context.Context, box *ims.Mailbox) boxResult {
	c.box, c.res, c.uids = box, boxResult{}, c.uids[:0]
	switch {
	case box.HasIndex:
		c.index(ctx)
	case box.Name == ims.Inbox && !box.HasMessageDirs():
		c.res.noMailbox = true
	case !c.noIndex:
		c.problem("no-index", box.Path, "the mailbox has no %s", ims.IndexName)
	}
	c.files(ctx)
	return c.res
}

// index reads the index and checks the messages that it names.
func (c *boxChecker) index(ctx context.Context) {
	path := c.box.Path + "/" + ims.IndexName
	if c.noIndex {
		c.problem("index", path, "there is an index in a store that should have none")
	}
	f, err := c.box.Index()
	if err != nil {
		c.problem(ims.Unreadable, path, "%v", err)
		return
	}
	defer f.Close()
	ir, err := ims.NewIndexReader(f)
	if errors.Is(err, ims.ErrForeignIndex) {
		c.res.foreign = true
		return
	}
	if err != nil {
		c.problem("bad-index", path, "%v", err)
		return
	}
	c.res.indexed, c.res.header = true, ir.Header
	var counted ims.Header
	counted.Reset()
	for ctx.Err() == nil {
		rec, err := ir.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			c.problem("bad-index", path, "%v", err)
			return
		}
		counted.Add(rec)
		c.uids = append(c.uids, rec.UID)
		if rec.Flags&ims.Seen != 0 {
			c.res.seen = c.res.seen.Add(rec.UID)
		}
		if rec.Flags&ims.Deleted != 0 {
			c.res.deleted = c.res.deleted.Add(rec.UID)
		}
		c.keywords(path, rec)
		c.message(rec)
	}
	c.headerFields(path, &counted)
}

// keywords checks that every keyword of a message has a name.
func (c *boxChecker) keywords(path string, rec *ims.Record) {
	names := len(c.res.header.Userflags)
	if len(rec.Keywords) <= names/8 {
		return
	}
	for n := names; n < 8*len(rec.Keywords); n++ {
		if rec.HasKeyword(n) {
			c.problem("index-flags", path, "uid %d has keyword %d, Userflags names %d", rec.UID, n, names)
			return
		}
	}
}

// headerFields holds the header against what its messages add up to, and against where it lies.
func (c *boxChecker) headerFields(path string, counted *ims.Header) {
	h := &c.res.header
	wrong := func(name string, has, want any) {
		if has != want {
			c.problem("index-header", path, "%s is %v, should be %v", name, has, want)
		}
	}
	wrong("Name", h.Name, c.box.FullName())
	wrong("Partition", h.Partition, c.box.Partition)
	wrong("Exists", h.Exists, counted.Exists)
	wrong("Largest Msg", h.LargestMsg, counted.LargestMsg)
	wrong("Quota Used", h.QuotaUsed, counted.QuotaUsed)
	wrong("Oldest Uid", h.OldestUID, counted.OldestUID)
	wrong("Oldest Msg", timeText(h.OldestMsg), timeText(counted.OldestMsg))
	wrong("Last Append", timeText(h.LastAppend), timeText(counted.LastAppend))
	if h.LastUID < counted.LastUID {
		c.problem("index-header", path, "Last UID is %d, there is a uid %d", h.LastUID, counted.LastUID)
	}
	if h.UIDValidity == 0 {
		c.problem("index-header", path, "UID Validity is 0")
	}
}

func timeText(seconds int64) string {
	if t := string(ims.AppendTime(nil, seconds)); t != "" {
		return t
	}
	return "none"
}

// message checks one file against its record.
func (c *boxChecker) message(rec *ims.Record) {
	path := c.box.Path + "/" + ims.MessagePath(rec.UID)
	f, err := c.box.Open(rec.UID)
	if errors.Is(err, fs.ErrNotExist) {
		c.problem("missing-file", path, "the index names it, the file is not there")
		return
	}
	if err != nil {
		c.problem(ims.Unreadable, path, "%v", err)
		return
	}
	defer f.Close()
	var head headerScan
	size, err := c.read(f, &head)
	if err != nil {
		c.problem(ims.Unreadable, path, "%v", err)
		return
	}
	c.res.messages++
	c.res.size += size
	if f.Links > 1 {
		c.res.links++
	}
	if c.meter != nil {
		c.meter.Add(1, size)
	}
	var sum [32]byte
	switch c.sum.Sum(sum[:0]); {
	case size != rec.Size:
		c.problem("wrong-size", path, "%d bytes, the index says %d", size, rec.Size)
	case rec.HasSum() && sum != rec.SHA256:
		c.problem("wrong-content", path, "SHA-256 is %s, the index says %s", hex.EncodeToString(sum[:]), hex.EncodeToString(rec.SHA256[:]))
	case head.size() != rec.HSize:
		c.problem("wrong-header-size", path, "a header of %d bytes, the index says %d", head.size(), rec.HSize)
	}
}

// read hashes a file into c.sum and measures its header.
func (c *boxChecker) read(f io.Reader, head *headerScan) (int64, error) {
	c.sum.Reset()
	var size int64
	for {
		n, err := f.Read(c.buf)
		c.sum.Write(c.buf[:n])
		head.write(c.buf[:n])
		size += int64(n)
		if err == io.EOF {
			return size, nil
		}
		if err != nil {
			return size, err
		}
	}
}

// headerScan counts the bytes of a message's header as they come: up to and with the first empty line; all of a message
// that has none. It is written apart from the restoring side on purpose.
type headerScan struct {
	n     int64
	line  int  // bytes of the line so far
	first byte // of the line
	done  bool // the empty line has come
}

func (h *headerScan) write(p []byte) {
	for len(p) > 0 && !h.done {
		end := bytes.IndexByte(p, '\n')
		part := p
		if end >= 0 {
			part = p[:end]
		}
		if h.line == 0 && len(part) > 0 {
			h.first = part[0]
		}
		h.line += len(part)
		h.n += int64(len(part))
		if end < 0 {
			return
		}
		h.n++
		h.done = h.line == 0 || h.line == 1 && h.first == '\r'
		h.line = 0
		p = p[end+1:]
	}
}

// size is the header's size in bytes. One that does not end within maxHeader bytes is cut there, as the index has it.
func (h *headerScan) size() int64 { return min(h.n, maxScan) }

// maxScan is how much of a message an index searches for its header, in bytes.
const maxScan = 256 << 10

// files holds the files of the directories against the index.
func (c *boxChecker) files(ctx context.Context) {
	stray := func(kind, path, text string) { c.problem(kind, path, "%s", text) }
	err := c.box.Messages(stray, func(uid uint32) error {
		_, named := slices.BinarySearch(c.uids, uid)
		switch {
		case named: // checked with its record
		case c.res.indexed:
			c.problem(ims.StrayFile, c.box.Path+"/"+ims.MessagePath(uid), "a message file that the index does not name")
		default:
			c.unindexed(uid)
		}
		return ctx.Err()
	})
	if err != nil {
		return // the run is being stopped
	}
}

// unindexed counts a message of which only the file tells.
func (c *boxChecker) unindexed(uid uint32) {
	info, err := c.box.Stat(uid)
	if err != nil && !errors.Is(err, ims.ErrNotRegular) {
		c.problem(ims.Unreadable, c.box.Path+"/"+ims.MessagePath(uid), "%v", err)
		return
	}
	c.res.messages++
	c.res.size += info.Size
	if info.Links > 1 {
		c.res.links++
	}
	if c.meter != nil {
		c.meter.Add(1, info.Size)
	}
}
