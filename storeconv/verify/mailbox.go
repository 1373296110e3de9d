package verify

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
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
	unread         int64 // messages of the index that could not be read
	bareLF         int64 // messages with a line end that is not CR LF
	bareUIDs       []ims.UIDRange
	strange        strangeDates
	notes          []storeconv.Note
	err            error // of the run
}

func (r *boxResult) addBareLF(uid uint32) {
	r.bareLF++
	if n := len(r.bareUIDs); n > 0 && r.bareUIDs[n-1].Last+1 == uid {
		r.bareUIDs[n-1].Last = uid
		return
	}
	r.bareUIDs = append(r.bareUIDs, ims.UIDRange{First: uid, Last: uid})
}

// maxBoxNotes bounds the lines kept of one mailbox; more are of no use to
// anybody.
const maxBoxNotes = 10000

// boxChecker checks mailboxes, one at a time.
type boxChecker struct {
	v      *verifier
	read   *messageReader
	lister nms.Lister
	names  []nms.Entry
	ir     ims.IndexReader
	head   indexHead   // of the index at hand
	st     unix.Stat_t // of the message at hand
	path   []byte      // scratch of its path

	box  *mailbox
	res  boxResult
	uids []uint32 // of the index
}

func newBoxChecker(v *verifier) *boxChecker {
	return &boxChecker{v: v, read: newMessageReader(&v.cache)}
}

func (c *boxChecker) note(notes ...storeconv.Note) {
	if len(c.res.notes) < maxBoxNotes {
		c.res.notes = append(c.res.notes, notes...)
	}
}

// check checks a mailbox: the index itself, every message of it, every file.
func (c *boxChecker) check(ctx context.Context, box *mailbox) boxResult {
	c.box, c.res, c.uids = box, boxResult{}, c.uids[:0]
	switch {
	case box.hasIndex:
		c.index(ctx)
	case box.name == inbox && len(box.dirs) == 0:
		c.res.noMailbox = true
	case !c.v.opts.NoIndex:
		c.note(c.v.noIndex(box))
	}
	c.files(ctx)
	return c.res
}

// noIndex notes that a mailbox has no index. Of a relocated one the source
// tells whether there should be one.
func (v *verifier) noIndex(box *mailbox) storeconv.Note {
	n := problem("no-index", box.path, "the mailbox has no %s", indexName)
	if v.origin != nil && v.origin.covers(box.id) {
		n.Severity = storeconv.Warning
	}
	return n
}

// ours tells whether a restore made the mailbox: modes, owners and dates are
// its own then.
func (c *boxChecker) ours() bool { return c.res.indexed || c.v.opts.NoIndex && !c.res.foreign }

// index reads the index and checks the messages that it names.
func (c *boxChecker) index(ctx context.Context) {
	path := c.box.path + "/" + indexName
	if c.v.opts.NoIndex {
		c.note(problem("index", path, "there is an index in a store that should have none"))
	}
	fd, err := openFile(c.box.fd, indexName)
	if err != nil {
		c.note(problem("unreadable", path, "open: %v", err))
		return
	}
	defer unix.Close(fd)
	ir := &c.ir
	c.head.reset(fd)
	err = ir.Reset(&c.head)
	if errors.Is(err, ims.ErrForeignIndex) || errors.Is(err, ims.ErrNoBeginning) {
		c.foreignIndex(fd, path)
		return
	}
	if err != nil {
		c.note(problem("bad-index", path, "%v", err))
		return
	}
	c.res.indexed, c.res.header = true, ir.Header
	total, err := c.records(ctx, ir, path)
	if err != nil {
		c.note(problem("bad-index", path, "%v", err))
		return
	}
	if ctx.Err() == nil {
		c.headerForm(path)
		c.headerFields(path, &total)
		if total.noOrigin != 0 && total.origins > 0 {
			// Streams with and without UIDVALIDITY may be mixed.
			c.note(warning("no-origin", path, "uid %d has no Original-Uid, %d of %d messages have one", total.noOrigin, total.origins, total.count))
		}
		c.indexFile(fd, path, total.last)
	}
}

// foreignIndex tells an index of ours that has lost its beginning from the
// vendor's.
func (c *boxChecker) foreignIndex(fd int, path string) {
	why, err := damagedIndex(fd)
	switch {
	case err != nil:
		c.note(problem("unreadable", path, "%v", err))
	case why == "", c.v.origin != nil && c.v.origin.has(c.v.root, path):
		c.res.foreign = true
	default:
		c.note(problem("bad-index", path, "damaged index: %s", why))
	}
}

// indexFile checks what the file system says of the index: it has the date of
// the latest message.
func (c *boxChecker) indexFile(fd int, path string, last int64) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		c.note(problem("unreadable", path, "stat: %v", err))
		return
	}
	c.note(c.v.owner.attributes(path, &st)...)
	if date := max(last, 0); !sameFileDate(&st, date) {
		c.note(problem("file-date", path, "the file is of %s, the latest message of %s", fileDateText(&st), dateText(date)))
	}
}

// totals are what the records of an index add up to.
type totals struct {
	count, largest, size int64
	first, last          int64  // dates
	origins              int64  // records that have an Original-Uid
	noOrigin             uint32 // the first UID without one; 0: none
	lowUID, highUID      uint32
}

func (t *totals) add(r *ims.Record) {
	if t.count == 0 {
		t.first, t.last, t.lowUID = r.InternalDate, r.InternalDate, r.UID
	}
	if r.OrigUID != 0 {
		t.origins++
	} else if t.noOrigin == 0 {
		t.noOrigin = r.UID
	}
	t.count++
	t.size += r.Size
	t.largest = max(t.largest, r.Size)
	t.first, t.last = min(t.first, r.InternalDate), max(t.last, r.InternalDate)
	t.lowUID, t.highUID = min(t.lowUID, r.UID), max(t.highUID, r.UID)
}

func (c *boxChecker) records(ctx context.Context, ir *ims.IndexReader, path string) (totals, error) {
	t := totals{first: noDate, last: noDate}
	for ctx.Err() == nil {
		rec, err := ir.Next()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return t, err
		}
		t.add(rec)
		c.uids = append(c.uids, rec.UID)
		if rec.Flags&ims.Seen != 0 {
			c.res.seen = addUID(c.res.seen, rec.UID)
		}
		if rec.Flags&ims.Deleted != 0 {
			c.res.deleted = addUID(c.res.deleted, rec.UID)
		}
		c.keywords(path, rec)
		c.message(ctx, rec)
	}
	return t, nil
}

// addUID adds a UID above all of a set.
func addUID(set mboxlist.UIDSet, uid uint32) mboxlist.UIDSet {
	if n := len(set); n > 0 && set[n-1].Last == uid-1 {
		set[n-1].Last = uid
		return set
	}
	return append(set, mboxlist.UIDRange{First: uid, Last: uid})
}

// keywords checks that every keyword of a message has a name.
func (c *boxChecker) keywords(path string, rec *ims.Record) {
	names := len(c.res.header.Userflags)
	for n := names; n < 8*len(rec.Keywords); n++ {
		if rec.Keywords[n/8]>>(n%8)&1 != 0 {
			c.note(problem("index-flags", path, "uid %d has keyword %d, Userflags names %d", rec.UID, n, names))
			return
		}
	}
}

// indexVersion is the Version of an index of ours.
const indexVersion = "imsconv-1"

// headerFields holds the header against what its messages add up to, and
// against where it lies.
func (c *boxChecker) headerFields(path string, t *totals) {
	h := &c.res.header
	wrong := func(name string, has, want any) {
		if has != want {
			c.note(problem("index-header", path, "%s is %v, should be %v", name, has, want))
		}
	}
	wrong("Name", h.Name, c.box.fullName())
	wrong("Version", h.Version, indexVersion)
	wrong("Partition", h.Partition, c.box.partition)
	wrong("Exists", h.Exists, t.count)
	wrong("Largest Msg", h.LargestMsg, t.largest)
	wrong("Quota Used", h.QuotaUsed, t.size)
	wrong("Oldest Uid", h.OldestUID, t.lowUID)
	wrong("Oldest Msg", dateText(h.OldestMsg), dateText(t.first))
	wrong("Last Append", dateText(h.LastAppend), dateText(t.last))
	if h.LastUID < t.highUID {
		c.note(problem("index-header", path, "Last UID is %d, there is a uid %d", h.LastUID, t.highUID))
	}
	if h.UIDValidity == 0 {
		c.note(problem("index-header", path, "UID Validity is 0"))
	}
	switch {
	case !h.Bare.Known:
	case h.Bare.Of != h.QuotaUsed:
		c.note(warning("index-header", path, "Bare LF is of %d bytes, there are %d: nobody goes by it", h.Bare.Of, h.QuotaUsed))
	case c.res.unread == 0:
		wrong("Bare LF", h.Bare.Messages, c.res.bareLF)
		if h.Bare.Messages == c.res.bareLF && h.Bare.UIDs != nil && !slices.Equal(h.Bare.UIDs, c.res.bareUIDs) {
			c.note(problem("index-header", path, "Bare LF names other messages than those that have one"))
		}
	}
	for _, f := range h.Other {
		c.note(warning("index-header", path, "%s: a field that no index of this version has", f.Name))
	}
}

// message checks one file against its record.
func (c *boxChecker) message(ctx context.Context, rec *ims.Record) {
	c.path = append(append(c.path[:0], c.box.path...), '/')
	path := string(appendMessageFile(c.path, rec.UID))
	name := path[len(c.path):]
	dir, _, _ := strings.Cut(name, "/")
	st := &c.st
	var f facts
	var err error = unix.ENOENT
	if slices.Contains(c.box.dirs, dir) { // no link to somewhere else
		f, err = c.read.read(ctx, c.box.fd, name, st)
	}
	switch {
	case err == nil:
	case notThere(err):
		c.res.unread++
		c.note(problem("missing-file", path, "the index names it, the file is not there"))
		return
	default:
		c.res.unread++
		c.note(problem("unreadable", path, "%v", err))
		return
	}
	if f.bareLF {
		c.res.addBareLF(rec.UID)
	}
	c.count(f.size, st)
	c.note(c.v.owner.attributes(path, st)...)
	if c.contents(path, rec, &f) {
		c.summary(path, rec, &f.header)
	}
	if len(c.v.opts.Streams) == 0 {
		c.fileDate(path, rec.InternalDate, st)
	}
}

func (c *boxChecker) count(size int64, st *unix.Stat_t) {
	c.res.messages++
	c.res.size += size
	if st.Nlink > 1 {
		c.named(st)
	}
	if m := c.v.opts.Progress; m != nil {
		m.Add(1, size)
	}
}

// named counts one name of a file that has several.
func (c *boxChecker) named(st *unix.Stat_t) {
	c.res.links++
	c.v.dateLock.Lock()
	defer c.v.dateLock.Unlock()
	if err := c.v.named.Add(appendFile(nil, st), nil); err != nil && c.res.err == nil {
		c.res.err = err
	}
}

// contents compares the bytes; false: they are others, and nothing that is read
// out of them needs comparing.
func (c *boxChecker) contents(path string, rec *ims.Record, f *facts) bool {
	switch {
	case f.size != rec.Size:
		c.note(problem("wrong-size", path, "%d bytes, the index says %d", f.size, rec.Size))
	case !rec.HasSum():
		c.note(problem("wrong-content", path, "the index has no SHA-256, the file's is %s", hex.EncodeToString(f.sum[:])))
	case f.sum != rec.SHA256:
		c.note(problem("wrong-content", path, "SHA-256 is %s, the index says %s", hex.EncodeToString(f.sum[:]), hex.EncodeToString(rec.SHA256[:])))
	default:
		return true
	}
	return false
}

// summary compares what an index has out of the header of a message.
func (c *boxChecker) summary(path string, rec *ims.Record, h *headerFacts) {
	if h.size != rec.HSize {
		c.note(problem("wrong-header-size", path, "a header of %d bytes, the index says %d", h.size, rec.HSize))
	}
	if h.sentKnown && h.sent != rec.SentDate {
		c.note(problem("wrong-sent-date", path, "the Date field is %s, the index says %s", dateText(h.sent), dateText(rec.SentDate)))
	}
	if h.idKnown && rec.MessageID != h.ids[0] && rec.MessageID != h.ids[1] {
		c.note(problem("wrong-message-id", path, "the Message-ID field is %q, the index says %q", clip(h.ids[0]), clip(rec.MessageID)))
	}
}

// clip cuts a value for a message.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// files holds the files of the directories against the index.
func (c *boxChecker) files(ctx context.Context) {
	if c.ours() {
		c.directory("", c.box.fd)
	}
	for _, nn := range c.box.dirs {
		if ctx.Err() != nil {
			return
		}
		path := c.box.path + "/" + nn
		dir, err := nms.OpenDir(c.box.fd, nn)
		if err != nil {
			c.note(problem("unreadable", path, "%v", err))
			continue
		}
		if c.ours() {
			c.directory("/"+nn, dir)
		}
		c.messageDir(dir, nn)
		unix.Close(dir)
	}
}

func (c *boxChecker) directory(below string, dir int) {
	var st unix.Stat_t
	if err := unix.Fstat(dir, &st); err == nil {
		c.note(c.v.owner.attributes(c.box.path+below, &st)...)
	}
}

// messageDir looks at every name of a directory of messages. A symbolic link is
// no stray here: a relocated store may have them.
func (c *boxChecker) messageDir(dir int, nn string) {
	path := c.box.path + "/" + nn + "/"
	var err error
	c.names, err = c.lister.List(dir, c.names[:0])
	switch {
	case err != nil:
		c.note(problem("unreadable", path+".", "%v", err))
	case len(c.names) == 0 && !c.res.foreign:
		c.note(warning("empty-directory", strings.TrimSuffix(path, "/"), "a directory of messages without any"))
	}
	// In the order of the UIDs.
	slices.SortFunc(c.names, func(a, b nms.Entry) int { return cmp.Or(len(a.Name)-len(b.Name), strings.Compare(a.Name, b.Name)) })
	for _, e := range c.names {
		uid, ok := readMessageName(e.Name)
		switch {
		case !ok || e.Type != nms.File && e.Type != nms.Symlink:
			c.stray("stray-file", path+e.Name, "not a message file")
		case messageDir(uid) != nn:
			c.stray("misplaced", path+e.Name, "in the wrong directory, belongs in "+messageDir(uid))
		case !c.res.indexed:
			c.unindexed(dir, e.Name, path+e.Name)
		default:
			if _, named := slices.BinarySearch(c.uids, uid); !named {
				c.stray("stray-file", path+e.Name, "a message file that the index does not name")
			}
		}
	}
}

func (c *boxChecker) stray(kind, path, text string) {
	n := problem(kind, path, "%s", text)
	if o := c.v.origin; o != nil && o.has(c.v.root, path) {
		n.Severity, n.Text = storeconv.Warning, n.Text+" (as in the source)"
	}
	c.note(n)
}

// unindexed counts a message of which only the file tells.
func (c *boxChecker) unindexed(dir int, name, path string) {
	var st unix.Stat_t
	if err := statRegular(dir, name, &st); err != nil && err != errNotRegular {
		c.note(problem("unreadable", path, "%v", err))
		return
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		st.Size, st.Nlink = 0, 1
	}
	c.count(st.Size, &st)
	if c.ours() {
		c.note(c.v.owner.attributes(path, &st)...)
	}
}
