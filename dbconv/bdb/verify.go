package bdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// VerifyOptions say how strict Verify is.
type VerifyOptions struct {
	// NoOrder leaves out key order and hash placement: databases made with an
	// application's own comparison or hash function.
	NoOrder bool
	// Fault receives every fault, in the order found; nil: they are only
	// counted.
	Fault func(*Error)
	// Note receives what is odd but no fault; nil: nothing does.
	Note func(*Error)
	// Progress is called now and then with the pages checked since the last
	// call.
	Progress func(pages int64)
}

// VerifyReport is what Verify counted.
type VerifyReport struct {
	Meta      Meta
	Pages     int64 // pages of the file
	Databases int64 // 1, or the master and its sub-databases
	Records   int64 // key and value pairs of all databases but the master
	Faults    int64
	// Missing is how many of the faults mean that records are missing, changed
	// or cannot be reached: those of Severity 2. A Cursor tells of the same.
	Missing int64
}

// Verify checks the structure of a whole file: every field of the metadata,
// every page header and item, levels, key order, links, record counts, overflow
// chains and their reference counts, duplicate sets, bucket placement, the free
// list, and that nothing is left over. It reads each page once or twice and
// keeps a bit a page.
//
// It returns an error when the file cannot be read (I/O, cancelled ctx) or is
// not one it knows (ErrNotBerkeleyDB, ErrUnsupported, ErrEncrypted); every
// fault goes to opts.Fault.
func Verify(ctx context.Context, r io.ReaderAt, size int64, opts VerifyOptions) (VerifyReport, error) {
	m, raw, err := readMeta(r, size, 0, 0)
	rd := &Reader{r: r, meta: m, lay: layoutOf(&m), opts: Options{MaxItem: DefaultMaxItem}}
	v := newVerifier(ctx.Err, rd, opts)
	v.report.Meta, v.report.Pages, v.report.Databases = m, m.Pages, 1
	var e *Error
	switch {
	case errors.As(err, &e) && (errors.Is(err, ErrCorrupt) || errors.Is(err, ErrEmpty)):
		v.tell(e)
		return v.report, nil
	case err != nil:
		return v.report, err
	}
	err = v.file(raw)
	return v.report, err
}

// newVerifier returns a verifier of the file of rd. stop is asked now and then;
// its error ends the check.
func newVerifier(stop func() error, rd *Reader, opts VerifyOptions) *verifier {
	v := &verifier{stop: stop, opts: opts, rd: rd, lay: &rd.lay, refs: map[uint32]*reference{}, reached: newPageSet()}
	v.pager = newPager(rd.r, max(rd.meta.PageSize, 64), rd.meta.Pages)
	v.reached.add(0)
	return v
}

// A verifier is one run of Verify.
type verifier struct {
	stop    func() error
	opts    VerifyOptions
	stats   *Stats // nil: not wanted
	report  VerifyReport
	rd      *Reader // of the file, or of the sub-database being checked
	lay     *layout
	pager   *pager
	reached *pageSet   // pages that something led to
	cursors *fileCheck // what cursors have seen before; nil: every page is looked at
	free    *pageSet   // 1.85 hash: pages that the bitmaps call free; nil: not wanted
	nodes   []*node    // one for each level of the walk, reused
	packs   []*packing
	depth   int
	refs    map[uint32]*reference // overflow chains referred to more than once
	refsOut bool                  // refs is full, later ones are not counted
	again   int64                 // pages of shared chains read again
	// againOut: too many of them, no more are read.
	againOut bool
	harmless bool  // faults here cost no record: free list, keys of internal pages
	log      bool  // a log position was told of
	pairs    int64 // of the hash that is being checked
	zeros    int64 // its buckets whose pages are all zeros
	visited  int64 // pages since the last Progress
	sums     int   // byte order of the checksums: 1 the file's, -1 the other, 0 none was seen
	keyBuf   []byte
	valBuf   []byte
}

// maxRefs bounds the memory of the reference counts: about 24 MB.
const maxRefs = 250_000

// tell counts a fault and hands it on.
func (v *verifier) tell(e *Error) {
	e.Tolerated = e.Tolerated || v.harmless
	v.report.Faults++
	if !e.Tolerated {
		v.report.Missing++
	}
	if v.opts.Fault != nil {
		v.opts.Fault(e)
	}
}

// odd tells of a fault by which no record is lost.
func (v *verifier) odd(no int64, item int, format string, args ...any) {
	e := v.damage(no, item, format, args...)
	e.Tolerated = true
	v.tell(e)
}

// lost tells of a fault by which records are missing or changed.
func (v *verifier) lost(no int64, item int, format string, args ...any) {
	v.tell(v.damage(no, item, format, args...))
}

// unled tells of a fault by which nothing leads to records that are there.
func (v *verifier) unled(no int64, item int, format string, args ...any) {
	e := v.damage(no, item, format, args...)
	e.unled = true
	v.tell(e)
}

// unlinked tells of a leaf that links to another page than the tree does: a
// scan finds that page, unless the file does not have it.
func (v *verifier) unlinked(leaf, to uint32, format string, args ...any) {
	if int64(to) >= v.lay.pages {
		v.lost(int64(leaf), NoItem, format+", the file has %d pages", append(args, v.lay.pages)...)
		return
	}
	v.unled(int64(leaf), NoItem, format, args...)
}

func (v *verifier) damage(no int64, item int, format string, args ...any) *Error {
	in := input{Reader: v.rd}
	return in.damage(no, item, format, args...)
}

// errFewerKeys is the class of a note that a hash has fewer keys than it
// counts.
var errFewerKeys = fmt.Errorf("%w", ErrCorrupt)

// note tells of what is odd but no fault.
func (v *verifier) note(no int64, class error, format string, args ...any) {
	if v.opts.Note == nil {
		return
	}
	e := v.damage(no, NoItem, format, args...)
	e.Tolerated, e.Err = true, class
	v.opts.Note(e)
}

// without runs check; what it finds costs no record.
func (v *verifier) without(check func() error) error {
	before := v.harmless
	v.harmless = true
	defer func() { v.harmless = before }()
	return check()
}

// file checks everything once the metadata could be read.
func (v *verifier) file(raw []byte) error {
	v.fileShape()
	v.checkMeta(raw, 0)
	if err := v.database(); err != nil {
		return err
	}
	if v.rd.meta.SubDBs {
		if err := v.subDatabases(); err != nil {
			return err
		}
	}
	if err := v.without(v.freeList); err != nil {
		return err
	}
	v.leftReferences()
	v.progress(0)
	return v.leftPages()
}

// fileShape checks the size of the file against its page size.
func (v *verifier) fileShape() {
	m := &v.rd.meta
	v.logged(0, m.LSN)
	if tail := m.Size % int64(m.PageSize); tail != 0 {
		v.lost(-1, NoItem, "the file ends %d bytes into page %d", tail, m.Pages)
	}
	if err := v.rd.checkPageSize(); err != nil {
		v.lost(0, NoItem, "%v", err)
	}
}

// database checks the database of v.rd.
func (v *verifier) database() error {
	m := &v.rd.meta
	before := v.report.Records
	var err error
	switch {
	case m.Legacy185 && m.Type == Hash:
		err = v.hash185()
	case m.Legacy185:
		err = v.tree185()
	case m.Type == Hash:
		err = v.hash()
	case m.Type == Queue:
		err = v.queue()
	case m.Type == Heap:
		err = v.heap()
	default:
		err = v.tree()
	}
	if m.SubDBs {
		v.report.Records = before
	}
	return err
}

// subDatabases checks every database that the master names.
func (v *verifier) subDatabases() error {
	master := v.rd
	c := master.Cursor()
	for {
		key, value, err := c.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		m, raw, err := master.subMeta(value)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				return err
			}
			v.lost(e.Page, NoItem, "sub-database %q: %s", key, e.Text)
			continue
		}
		v.report.Databases++
		v.rd = &Reader{r: master.r, meta: m, lay: layoutOf(&m), opts: master.opts, name: string(key), master: master}
		v.lay = &v.rd.lay
		if v.claim(m.PageNo, place{0, NoItem}) {
			v.checkMeta(raw, m.PageNo)
			if err := v.database(); err != nil {
				return err
			}
		}
	}
	v.rd, v.lay = master, &master.lay
	return nil
}

// claim marks page no as reached from a place, a fault when it cannot be or
// was.
func (v *verifier) claim(no uint32, from place) bool {
	if no == 0 || int64(no) >= v.lay.pages {
		v.lost(from.page, from.item, "leads to page %d, the file has %d pages", no, v.lay.pages)
		return false
	}
	if v.reached.add(int64(no)) {
		v.unled(from.page, from.item, "leads to page %d, which was reached before", no)
		return false
	}
	return true
}

// progress counts pages and looks at the context now and then.
func (v *verifier) progress(pages int64) {
	v.visited += pages
	if v.opts.Progress != nil && (v.visited >= 1024 || pages == 0) {
		v.opts.Progress(v.visited)
		v.visited = 0
	}
}

// load reads a claimed page into nd. ok is false when it is unusable, which was
// told.
func (v *verifier) load(nd *node, no uint32) (ok bool, err error) {
	if err := v.stop(); err != nil {
		return false, err
	}
	v.progress(1)
	b, err := v.pager.page(int64(no))
	if err != nil {
		return false, err
	}
	if nd.buf == nil {
		nd.buf = make([]byte, v.lay.ps)
	}
	copy(nd.buf, b)
	nd.no = int64(no)
	v.lay.decode(nd)
	v.logged(nd.no, [2]uint32{v.lay.u32(b), v.lay.u32(b[4:])})
	if v.lay.sum && !v.summed(nd.buf, nd.no) {
		return nd.pgno == no, nil
	}
	return true, nil
}

// maxLogFile is the highest number of a log file that is believed: 2.x and 3.0
// left what was in memory in the place of the log position of duplicate pages.
const maxLogFile = 1 << 20

// believedLog tells whether a page has a position in log file number n.
func believedLog(n uint32) bool { return n != 0 && n <= maxLogFile }

// logged looks at the log position of a page: any but the first log file,
// number 0, belongs to an environment. It is told of once.
func (v *verifier) logged(no int64, lsn [2]uint32) {
	if believedLog(lsn[0]) && !v.log {
		v.log = true
		v.note(no, ErrLogged, "log position %d/%d; what the server had not written when it stopped is in its log only", lsn[0], lsn[1])
	}
}

// summed checks the checksum of a page; a page of zeros has none.
func (v *verifier) summed(b []byte, no int64) bool {
	ok, swapped := v.lay.checkSum(b, checksumAt)
	if !ok {
		if !allZero(b) {
			v.lost(no, NoItem, "checksum does not match")
		}
		return allZero(b)
	}
	v.sumOrder(no, v.lay.u32(b[checksumAt:]), swapped)
	return true
}

// sumOrder compares the byte order of a checksum with the one met first.
// Release 4.1 stored all of them in the order of the host, in files of the
// other order too.
func (v *verifier) sumOrder(no int64, sum uint32, swapped bool) {
	switch {
	case sum == bits.ReverseBytes32(sum): // the same in both orders
	case v.sums == 0 && swapped:
		v.sums = -1
		v.note(no, ErrCorrupt, "checksums are stored in the other byte order, as release 4.1 did; later tools refuse them")
	case v.sums == 0:
		v.sums = 1
	case swapped != (v.sums < 0):
		v.odd(no, NoItem, "checksum in another byte order than those before")
	}
}

// own is load for a page that must know its number.
func (v *verifier) own(nd *node, no uint32) (bool, error) {
	ok, err := v.load(nd, no)
	if !ok || err != nil {
		return false, err
	}
	if nd.pgno != no {
		if nd.zero() {
			v.lost(nd.no, NoItem, "page is all zeros, it was never written")
		} else {
			v.lost(nd.no, NoItem, "page says it is page %d", nd.pgno)
		}
		return false, nil
	}
	return true, nil
}

// node is the buffer of the next level; release gives it back.
func (v *verifier) node() *node {
	if v.depth == len(v.nodes) {
		v.nodes = append(v.nodes, &node{})
		v.packs = append(v.packs, &packing{})
	}
	v.depth++
	return v.nodes[v.depth-1]
}

func (v *verifier) release() { v.depth-- }

// freeList follows the chain of free pages from the file's metadata.
func (v *verifier) freeList() error {
	m := &v.rd.meta
	if m.Legacy185 {
		return v.freeList185()
	}
	from := place{0, NoItem}
	nd := v.node()
	defer v.release()
	for no := m.Free; no != 0; no = nd.next {
		if !v.claim(no, from) {
			return nil
		}
		ok, err := v.own(nd, no)
		if !ok || err != nil {
			return err
		}
		if nd.typ != pageInvalid {
			v.odd(nd.no, NoItem, "page of type %d on the free list", nd.typ)
			return nil
		}
		from = place{nd.no, NoItem}
		if v.stats != nil {
			v.stats.FreeList++
		}
	}
	return nil
}

// leftReferences tells of overflow chains with fewer references than they
// count.
func (v *verifier) leftReferences() {
	for _, no := range sortedKeys(v.refs) {
		if r := v.refs[no]; r.left > 0 {
			v.odd(int64(no), NoItem, "overflow chain counts %d references, %d were found", r.total, r.total-r.left)
		}
	}
}

// leftPages tells of pages that nothing led to.
func (v *verifier) leftPages() error {
	if v.reached.full {
		v.odd(-1, NoItem, "the file has too many pages to tell which are not reached")
		return nil
	}
	if v.rd.meta.Legacy185 && v.rd.meta.Type == Hash {
		return nil // done with its bitmaps
	}
	for no := int64(1); no < v.rd.meta.Pages; no++ {
		if v.reached.has(no) {
			continue
		}
		if err := v.leftPage(no); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) leftPage(no int64) error {
	b, err := v.pager.page(no)
	if err != nil {
		return err
	}
	nd := node{buf: b, no: no}
	v.lay.decode(&nd)
	text := fmt.Sprintf("nothing leads to this page of type %d", nd.typ)
	switch {
	case nd.zero():
		text = "nothing leads to this page of zeros"
	case v.rd.meta.Legacy185:
		text = "nothing leads to this page"
	}
	if !v.lay.holdsRecords(&nd) {
		v.odd(no, NoItem, "%s", text)
		return nil
	}
	e := v.damage(no, NoItem, "%s", text)
	e.Err, e.unled = errUnledPage, true
	v.tell(e)
	return nil
}

// errUnledPage is the class of the faults that Cursor gathers under
// ErrUnreached.
var errUnledPage = fmt.Errorf("%w", ErrCorrupt)

// holdsRecords tells whether a page that nothing leads to means lost records:
// it holds items, parts of long ones, or the metadata of a sub-database.
func (l *layout) holdsRecords(nd *node) bool {
	if l.legacy {
		return l.holdsRecords185(nd.buf)
	}
	switch nd.typ {
	case pageInvalid, pageIBtree, pageIRecno:
		return false
	case pageHashMeta, pageBtreeMeta:
		return true
	case pageOverflow:
		return nd.low != 0
	}
	return nd.n != 0
}
