package bdb

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Magic number of a btree or recno file, and the flags of its metadata page.
const (
	outMagic       = 0x053162
	outFlagDup     = 0x01
	outFlagRecno   = 0x02
	outFlagRecNum  = 0x04
	outFlagFixed   = 0x08
	outFlagRenum   = 0x10
	outFlagSubDB   = 0x20
	outFlagDupSort = 0x40
	defaultMinKey  = 2
	outPad         = 0x20
	outMetaSum     = 0x01 // at byte 26 of the metadata: pages have checksums
)

// metaPage is what a metadata page says.
type metaPage struct {
	tree TreeOptions
	page uint32
	root uint32
	free uint32
	subs bool // the records are names of sub-databases
	uid  [20]byte
}

// metaLayout gives the offsets of the fields of a version.
type metaLayout struct {
	free, lastPage, flags, uid, maxKey, minKey, reLen, rePad, root int
}

var metaLayouts = map[int]metaLayout{
	6: {free: 32, flags: 36, uid: 48, maxKey: 24, minKey: 28, reLen: 40, rePad: 44},
	7: {free: 28, flags: 32, uid: 36, maxKey: 56, minKey: 60, reLen: 64, rePad: 68, root: 72},
	8: {free: 28, lastPage: 32, flags: 48, uid: 52, maxKey: 72, minKey: 76, reLen: 80, rePad: 84, root: 88},
	9: {free: 28, lastPage: 32, flags: 48, uid: 52, maxKey: 72, minKey: 76, reLen: 80, rePad: 84, root: 88},
}

// writeMeta writes a metadata page. Fields that stay zero: LSN, maxkey, cached
// counts and encryption.
func (w *Writer) writeMeta(m metaPage) error {
	p, at := w.pages, metaLayouts[w.opts.Version]
	page := make([]byte, p.size)
	p.put32(page[8:], m.page)
	p.put32(page[12:], outMagic)
	p.put32(page[16:], uint32(w.opts.Version))
	p.put32(page[20:], uint32(p.size))
	p.put32(page[at.free:], m.free)
	p.put32(page[at.flags:], m.flags(w.opts.Version))
	copy(page[at.uid:], m.uid[:])
	p.put32(page[at.minKey:], uint32(max(m.tree.MinKey, defaultMinKey)))
	if m.tree.FixedLength > 0 {
		p.put32(page[at.reLen:], uint32(m.tree.FixedLength))
		p.put32(page[at.rePad:], uint32(m.tree.Pad))
	} else if w.opts.Version > 6 {
		p.put32(page[at.rePad:], outPad)
	}
	if at.root != 0 {
		page[25] = outMeta
		p.put32(page[at.root:], m.root)
	}
	if w.opts.Checksum {
		page[26] = outMetaSum
	}
	if at.lastPage != 0 {
		last := p.next - 1
		if m.page != 0 {
			last = m.page // of a sub-database, its metadata page itself
		}
		p.put32(page[at.lastPage:], last)
	}
	return p.write(m.page, page)
}

func (m metaPage) flags(version int) uint32 {
	var f uint32
	set := func(on bool, flag uint32) {
		if on {
			f |= flag
		}
	}
	set(m.subs || m.page != 0, outFlagSubDB)
	set(m.tree.Duplicates, outFlagDup)
	set(m.tree.DuplicatesSorted && version >= 8, outFlagDupSort)
	set(m.tree.Recno, outFlagRecno)
	set(m.tree.RecordNumbers, outFlagRecNum)
	set(m.tree.Renumber && m.tree.Recno, outFlagRenum)
	set(m.tree.FixedLength > 0, outFlagFixed)
	return f
}

// subEntry is a sub-database that has been written, or is being written.
type subEntry struct {
	name string
	tree TreeOptions
	page uint32 // its metadata page
	root uint32
}

// Sub starts the sub-database name: the Puts that follow go to it. A file has
// either sub-databases or records of its own; version 6 has no sub-databases.
func (w *Writer) Sub(name string, tree TreeOptions) error {
	if w.err != nil {
		return w.err
	}
	w.err = w.startSub(name, tree)
	return w.err
}

func (w *Writer) startSub(name string, tree TreeOptions) error {
	switch {
	case w.opts.Version < 7:
		return fmt.Errorf("bdb: version %d has no sub-databases", w.opts.Version)
	case len(w.subs) == 0 && (w.records > 0 || w.group.has || w.sort != nil && w.sort.Count() > 0):
		return errors.New("bdb: the file has records of its own")
	}
	if _, ok := w.names[name]; ok {
		return fmt.Errorf("bdb: sub-database %.80q comes twice", name)
	}
	tree, err := tree.checked(w.opts.PageSize)
	if err != nil {
		return err
	}
	if err := w.endSub(); err != nil {
		return err
	}
	page, err := w.pages.alloc()
	if err != nil {
		return err
	}
	w.uid.database(name)
	w.names[name] = struct{}{}
	w.subs = append(w.subs, subEntry{name: name, tree: tree, page: page})
	w.sub = true
	w.begin(tree, 0)
	return nil
}

// endSub completes the sub-database that is being written.
func (w *Writer) endSub() error {
	if !w.sub {
		return nil
	}
	root, err := w.finish()
	if err != nil {
		return err
	}
	w.subs[len(w.subs)-1].root = root
	w.sub = false
	return nil
}

// closeSubs completes the last sub-database and starts the tree of names, whose
// values are page numbers of metadata, in version 7 in the file's byte order,
// later big-endian.
func (w *Writer) closeSubs() error {
	if err := w.endSub(); err != nil {
		return err
	}
	if len(w.subs) == 0 {
		return nil
	}
	w.begin(TreeOptions{MinKey: defaultMinKey}, rootPage)
	for _, s := range w.subs {
		var b [4]byte
		if w.opts.Version == 7 {
			w.pages.put32(b[:], s.page)
		} else {
			binary.BigEndian.PutUint32(b[:], s.page)
		}
		if err := w.sort.Add([]byte(s.name), b[:]); err != nil {
			return err
		}
	}
	return nil
}
