package bdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxNames bounds the memory of a list of sub-databases, in bytes.
const maxNames = 8 << 20

// Subdatabases returns the names of the sub-databases in key order, nil when
// the file holds one database only. More than 8 MiB of names is an error.
func (r *Reader) Subdatabases() ([]string, error) {
	if !r.meta.SubDBs {
		return nil, nil
	}
	var names []string
	total := 0
	c := r.Cursor()
	for {
		key, _, err := c.Next()
		if err == io.EOF {
			r.reach = &reach{seen: c.in.seen, left: map[string]bool{}, overflow: r.overflowBudget()}
			for _, name := range names {
				r.reach.left[name] = true
			}
			if len(names) == 0 {
				return nil, r.hold(r.reach.seen, false, "")
			}
			return names, nil
		}
		if err != nil {
			return names, err
		}
		if total += len(key) + 16; total > maxNames {
			return names, fileError(ErrUnsupported, "more than %d bytes of sub-database names", maxNames)
		}
		names = append(names, string(key))
	}
}

// Open returns a Reader of the sub-database name, ErrNotFound when there is
// none. A name that Subdatabases listed and that cannot be opened counts as
// read.
func (r *Reader) Open(name string) (*Reader, error) {
	sub, err := r.open(name)
	if err == nil || r.reach == nil || !r.reach.left[name] {
		return sub, err
	}
	delete(r.reach.left, name)
	if len(r.reach.left) == 0 {
		err = errors.Join(err, r.hold(r.reach.seen, false, ""))
	}
	return nil, err
}

func (r *Reader) open(name string) (*Reader, error) {
	if !r.meta.SubDBs {
		return nil, fileError(ErrNotFound, "sub-database %q: the file holds one database only", name)
	}
	value, err := r.Get([]byte(name))
	if errors.Is(err, ErrNotFound) {
		return nil, fileError(ErrNotFound, "sub-database %q", name)
	}
	if err != nil {
		return nil, err
	}
	m, raw, err := r.subMeta(value)
	if err != nil {
		return nil, fmt.Errorf("sub-database %q: %w", name, err)
	}
	sub := &Reader{r: r.r, meta: m, lay: layoutOf(&m), opts: r.opts, name: name, master: r}
	if err := sub.checkLength(&input{Reader: sub}); err != nil {
		return nil, err
	}
	if m.Checksum {
		if ok, _ := sub.lay.checkSum(raw, metaChecksumAt); !ok {
			in := &input{Reader: sub}
			return sub, in.problem(in.damage(int64(m.PageNo), NoItem, "checksum of the metadata page does not match"))
		}
	}
	return sub, nil
}

// subMeta reads the metadata page that a record of the master database names: 4
// bytes, big-endian from 3.1 on, in the order of the writing host in 3.0.
func (r *Reader) subMeta(value []byte) (Meta, []byte, error) {
	if len(value) != 4 {
		return Meta{}, nil, metaError("its page number has %d bytes, not 4", len(value))
	}
	orders := []binary.ByteOrder{binary.BigEndian}
	if r.meta.Version == 7 {
		orders = append(orders, binary.LittleEndian)
	}
	var first error
	var meta Meta
	for _, bo := range orders {
		no := bo.Uint32(value)
		m, raw, err := r.metaAt(no)
		if err == nil {
			return m, raw, nil
		}
		if first == nil {
			meta, first = m, err
		}
	}
	return meta, nil, first
}

// metaAt reads the metadata page no of a sub-database.
func (r *Reader) metaAt(no uint32) (Meta, []byte, error) {
	if no == 0 || int64(no) >= r.meta.Pages {
		return Meta{}, nil, metaError("its metadata page is %d, the file has %d pages", no, r.meta.Pages)
	}
	m, raw, err := readMeta(r.r, r.meta.Size, no, r.meta.PageSize)
	if err != nil {
		return m, raw, err
	}
	bad := ""
	switch {
	case m.Legacy185 || m.PageSize != r.meta.PageSize || m.ByteOrder != r.meta.ByteOrder || m.Checksum != r.meta.Checksum:
		bad = "differs in page size, byte order or checksums from the file"
	case r.lay.u32(raw[8:]) != no:
		bad = fmt.Sprintf("says it is page %d", r.lay.u32(raw[8:]))
	}
	if bad != "" {
		in := &input{Reader: r}
		return m, raw, in.damage(int64(no), NoItem, "metadata page of a sub-database %s", bad)
	}
	m.SubDBs = false // the flag says that it is one, here
	return m, raw, nil
}
