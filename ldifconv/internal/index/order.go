package index

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"imsconv/ldifconv/ldif"
)

// Mark is the place of one entry in a piece of output and in the tree.
type Mark struct {
	End    int    // where the entry ends in the piece
	Depth  int    // number of RDNs; 0 for the root entry and for a name that is no DN
	DN     uint64 // hash of the normalised DN
	Parent uint64 // hash of the parent's
	Norm   []byte // the normalised DN; it stays the caller's
	Pos    uint64 // where the entry stands in the input; it grows from entry to entry
}

// MarkOf returns the mark of an entry.
func MarkOf(end int, norm []byte, pos uint64) Mark {
	m := Mark{End: end, Depth: ldif.DepthNormDN(norm), DN: Hash(norm), Norm: norm, Pos: pos}
	if parent, ok := ldif.ParentNormDN(norm); ok {
		m.Parent = Hash(parent)
	}
	return m
}

// Order writes entries so that each stands behind its parent, when the parent
// is among them. Entries that come so go straight through. From the first entry
// on whose parent was not there yet, all go to a temporary file: only the end
// of the input tells whether the parent is missing or late. If it is missing
// the rest is copied as it came. If one is late the rest is written by depth,
// entries of one depth as they came. Memory does not grow with the input, but
// for a fraction of a byte for each entry.
type Order struct {
	w   io.Writer
	dir string

	seen    *First // the positions of entries, those passed and a few to come
	last    [64]uint64
	lastAt  int
	spool   *os.File
	spoolW  *bufio.Writer
	list    *os.File // depth and size of each spooled entry
	listW   *bufio.Writer
	awaited Table           // parents that spooled entries miss
	late    bool            // one of them came
	depths  map[uint64]bool // of the spooled entries
	count   int64
	orphans orphans
}

// NewOrder returns an Order that writes to w and holds temporary files in dir.
// seen holds the positions of all entries that are put, before they are: an
// entry has passed when its position is below that of the one at hand.
func NewOrder(w io.Writer, dir string, seen *First) *Order {
	return &Order{w: w, dir: dir, seen: seen, awaited: Table{Dir: dir}, orphans: orphans{rest: Pairs{Dir: dir}}}
}

// Put writes the entries of data; the marks cover it from beginning to end.
func (o *Order) Put(data []byte, marks []Mark) error {
	defer o.orphans.children(marks)
	if o.spool != nil {
		return o.putSpool(data, marks, 0)
	}
	from := 0
	for i := range marks {
		m := &marks[i]
		ready, err := o.ready(m)
		if err != nil {
			return err
		}
		if !ready {
			if _, err := o.w.Write(data[:from]); err != nil {
				return err
			}
			if err := o.startSpool(); err != nil {
				return err
			}
			return o.putSpool(data[from:], marks[i:], from)
		}
		from = m.End
	}
	if len(data) == 0 {
		return nil
	}
	_, err := o.w.Write(data)
	return err
}

// ready reports whether an entry's parent has passed, or cannot exist.
func (o *Order) ready(m *Mark) (bool, error) {
	if m.Depth <= 1 {
		return true, nil
	}
	for _, p := range o.last {
		if p == m.Parent && p != 0 {
			return true, nil
		}
	}
	pos, ok, err := o.seen.Get(m.Parent)
	if ok = ok && pos < m.Pos; ok {
		o.last[o.lastAt] = m.Parent
		o.lastAt = (o.lastAt + 1) % len(o.last)
	}
	return ok, err
}

func (o *Order) startSpool() error {
	var err error
	if o.spool, err = TempFile(o.dir); err != nil {
		return err
	}
	if o.list, err = TempFile(o.dir); err != nil {
		return err
	}
	o.spoolW, o.listW = bufio.NewWriterSize(o.spool, 256<<10), bufio.NewWriterSize(o.list, 64<<10)
	o.depths = map[uint64]bool{}
	return nil
}

// putSpool keeps entries for later. The marks' ends are base too large.
func (o *Order) putSpool(data []byte, marks []Mark, base int) error {
	from := 0
	var buf [binary.MaxVarintLen64]byte
	for i := range marks {
		m := &marks[i]
		if err := o.await(m); err != nil {
			return err
		}
		depth := uint64(m.Depth)
		if !o.depths[depth] {
			o.depths[depth] = true
		}
		o.listW.Write(buf[:binary.PutUvarint(buf[:], depth)])
		o.listW.Write(buf[:binary.PutUvarint(buf[:], uint64(m.End-base-from))])
		from = m.End - base
		o.count++
	}
	if _, err := o.spoolW.Write(data); err != nil {
		return fmt.Errorf("temporary file: %w", err)
	}
	return nil
}

// await notes what a spooled entry waits for, and whether it was waited for.
func (o *Order) await(m *Mark) error {
	ready, err := o.ready(m)
	if err != nil {
		return err
	}
	if !ready {
		if err := o.orphans.add(m); err != nil {
			return err
		}
	}
	if !o.late {
		if _, o.late, err = o.awaited.Get(m.DN); err != nil {
			return err
		}
	}
	if !ready {
		if err := o.awaited.Put(m.Parent, 0); err != nil {
			return err
		}
	}
	return nil
}

// Finish writes what was kept. reordered says that it is not in the order in
// which it came.
func (o *Order) Finish() (reordered bool, err error) {
	if o.spool == nil {
		return false, nil
	}
	if err := errors.Join(o.spoolW.Flush(), o.listW.Flush()); err != nil {
		return false, fmt.Errorf("temporary file: %w", err)
	}
	if !o.late {
		_, err := io.Copy(o.w, io.NewSectionReader(o.spool, 0, 1<<62))
		return false, err
	}
	for _, depth := range slices.Sorted(maps.Keys(o.depths)) {
		if err := o.writeDepth(depth); err != nil {
			return true, err
		}
	}
	return true, nil
}

// writeDepth copies the entries of one depth, reading both files once from
// beginning to end.
func (o *Order) writeDepth(depth uint64) error {
	list := bufio.NewReaderSize(io.NewSectionReader(o.list, 0, 1<<62), 64<<10)
	spool := bufio.NewReaderSize(io.NewSectionReader(o.spool, 0, 1<<62), 256<<10)
	out := bufio.NewWriterSize(o.w, 256<<10)
	skip := int64(0) // bytes of entries of other depths
	for range o.count {
		d, err := binary.ReadUvarint(list)
		if err != nil {
			return fmt.Errorf("temporary file: %w", err)
		}
		n, err := binary.ReadUvarint(list)
		if err != nil {
			return fmt.Errorf("temporary file: %w", err)
		}
		if d != depth {
			skip += int64(n)
			continue
		}
		if err := discard(spool, skip); err != nil {
			return fmt.Errorf("temporary file: %w", err)
		}
		skip = 0
		if _, err := io.CopyN(out, spool, int64(n)); err != nil {
			return err
		}
	}
	return out.Flush()
}

// discard skips n bytes, which may be more than an int holds.
func discard(r *bufio.Reader, n int64) error {
	for n > 0 {
		step := int(min(n, 1<<30))
		if _, err := r.Discard(step); err != nil {
			return err
		}
		n -= int64(step)
	}
	return nil
}

// Close removes the temporary files.
func (o *Order) Close() error {
	err := errors.Join(o.awaited.Close(), o.orphans.rest.Close())
	for _, f := range []*os.File{o.spool, o.list} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}
