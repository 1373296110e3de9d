package bdb

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Magic numbers. From 2.0 on they stand at byte 12, in 1.85 at byte 0.
const (
	magicBtree = 0x053162
	magicHash  = 0x061561
	magicQueue = 0x042253
	magicHeap  = 0x074582
	magicLog   = 0x040988
)

// metaSize is the part of page 0 that has a meaning, and that a checksum
// covers.
const metaSize = 512

// Btree and recno flags as stored from 2.0 on.
const (
	flagDup      = 0x001
	flagRecno    = 0x002
	flagRecNum   = 0x004
	flagFixed    = 0x008
	flagRenumber = 0x010
	flagSubDB    = 0x020
	flagDupSort  = 0x040
	flagCompress = 0x080
)

// Hash flags as stored.
const (
	flagHashDup     = 0x01
	flagHashSubDB   = 0x02
	flagHashDupSort = 0x04
)

// 1.85 btree flags.
const (
	flag185NoDups = 0x20
	flag185Recno  = 0x80
)

// readMeta reads the metadata page at page pgno of a file of size bytes. pgno
// is 0 for the file's own; then ps is not looked at.
func readMeta(r io.ReaderAt, size int64, pgno uint32, ps int) (Meta, []byte, error) {
	off := int64(pgno) * int64(ps)
	buf := make([]byte, metaSize)
	n, err := r.ReadAt(buf, off)
	if err != nil && err != io.EOF {
		return Meta{}, nil, fmt.Errorf("reading the metadata page: %w", err)
	}
	m, err := parseMeta(buf[:n], size)
	m.PageNo = pgno
	if e, ok := err.(*Error); ok && e.Page >= 0 {
		e.Page, e.Offset = int64(pgno), off
	}
	return m, buf[:n], err
}

// parseMeta understands the metadata page of any version from its first bytes.
func parseMeta(b []byte, size int64) (Meta, error) {
	if size == 0 {
		return Meta{}, fileError(ErrEmpty, "")
	}
	for _, bo := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if len(b) >= 24 {
			switch bo.Uint32(b[12:]) {
			case magicBtree, magicHash:
				return parseMeta2(b, size, bo)
			case magicQueue:
				return parseQueue(b, size, bo)
			case magicHeap:
				return parseHeap(b, size, bo)
			case magicLog:
				return Meta{}, fileError(ErrUnsupported, "a log file of a database environment")
			}
		}
	}
	for _, bo := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if len(b) >= 8 {
			switch bo.Uint32(b) {
			case magicBtree:
				return parseBtree185(b, size, bo)
			case magicHash:
				return parseHash185(b, size, bo)
			}
		}
	}
	if size < metaSize {
		return Meta{}, fileError(ErrNotBerkeleyDB, "%d bytes, and no magic number", size)
	}
	return Meta{}, fileError(ErrNotBerkeleyDB, "no magic number")
}

// parseMeta2 understands the metadata page of 2.0 and later.
func parseMeta2(b []byte, size int64, bo binary.ByteOrder) (Meta, error) {
	m := Meta{ByteOrder: bo, Size: size, Version: bo.Uint32(b[16:]), Type: Btree}
	what := "btree"
	if bo.Uint32(b[12:]) == magicHash {
		m.Type, what = Hash, "hash"
	}
	switch {
	case m.Type == Btree && m.Version >= 6 && m.Version <= 10:
	case m.Type == Hash && m.Version >= 4 && m.Version <= 10:
	default:
		return m, fileError(ErrUnsupported, "%s version %d", what, m.Version)
	}
	if len(b) < metaSize {
		return m, metaError("the file ends inside the metadata page, after %d bytes", len(b))
	}
	if err := m.setPageSize(uint64(bo.Uint32(b[20:])), 512, 65536); err != nil {
		return m, err
	}
	m.LSN = [2]uint32{bo.Uint32(b), bo.Uint32(b[4:])}
	switch {
	case m.Type == Btree && m.Version == 6:
		m.btree6(b)
	case m.Type == Hash && m.Version <= 5:
		m.hash5(b)
	case m.Type == Btree:
		m.btree7(b)
	default:
		m.hash6(b)
	}
	return m, m.features(b)
}

// parseQueue understands the metadata page of a queue of 3.1 and later.
func parseQueue(b []byte, size int64, bo binary.ByteOrder) (Meta, error) {
	u := bo.Uint32
	m := Meta{ByteOrder: bo, Size: size, Version: u(b[16:]), Type: Queue, FixedLen: true}
	if m.Version != 3 && m.Version != 4 {
		return m, fileError(ErrUnsupported, "queue version %d", m.Version)
	}
	if len(b) < metaSize {
		return m, metaError("the file ends inside the metadata page, after %d bytes", len(b))
	}
	if err := m.setPageSize(uint64(u(b[20:])), 512, 65536); err != nil {
		return m, err
	}
	m.LSN = [2]uint32{u(b), u(b[4:])}
	if err := m.features(b); err != nil {
		return m, err
	}
	copy(m.UID[:], b[52:72])
	m.Free = u(b[28:])
	m.FirstRec, m.NextRec, m.RecLen, m.RecPad, m.RecPage = u(b[72:]), u(b[76:]), u(b[80:]), u(b[84:]), u(b[88:])
	if extent := u(b[92:]); extent != 0 {
		return m, fileError(ErrForm, "queue with extent files of %d pages", extent)
	}
	if wrong := m.queueFits(); wrong != "" {
		return m, metaError("%s", wrong)
	}
	return m, nil
}

// parseHeap understands the metadata page of a heap.
func parseHeap(b []byte, size int64, bo binary.ByteOrder) (Meta, error) {
	u := bo.Uint32
	m := Meta{ByteOrder: bo, Size: size, Version: u(b[16:]), Type: Heap}
	if m.Version != 1 {
		return m, fileError(ErrUnsupported, "heap version %d", m.Version)
	}
	if len(b) < metaSize {
		return m, metaError("the file ends inside the metadata page, after %d bytes", len(b))
	}
	if err := m.setPageSize(uint64(u(b[20:])), 512, 65536); err != nil {
		return m, err
	}
	m.LSN = [2]uint32{u(b), u(b[4:])}
	m.generic8(b)
	m.Free, m.RawFlags = u(b[28:]), u(b[48:])
	m.Regions, m.LimitGiB, m.LimitBytes, m.RegionSize = u(b[76:]), u(b[80:]), u(b[84:]), u(b[88:])
	return m, m.features(b)
}

func (m *Meta) setPageSize(ps uint64, low, high uint64) error {
	if ps < low || ps > high || ps&(ps-1) != 0 {
		return metaError("page size %d is no power of two from %d to %d", ps, low, high)
	}
	m.PageSize = int(ps)
	m.Pages = m.Size / int64(ps)
	if m.Pages == 0 {
		return metaError("the file of %d bytes is shorter than one page of %d", m.Size, ps)
	}
	return nil
}

// summable tells whether the version knows checksums, encryption and
// partitions.
func (m *Meta) summable() bool {
	switch m.Type {
	case Heap:
		return true
	case Hash:
		return m.Version >= 8
	case Queue:
		return m.Version >= 4
	}
	return m.Version >= 9
}

// features refuses what is named but not read.
func (m *Meta) features(b []byte) error {
	if m.summable() {
		if b[24] != 0 {
			return &Error{Page: 0, Item: NoItem, Err: ErrEncrypted, Text: fmt.Sprintf("encryption algorithm %d", b[24])}
		}
		m.Checksum = b[26]&1 != 0
		if b[26]&6 != 0 {
			return fileError(ErrForm, "partitioned database")
		}
		if m.Version >= 10 && b[26]&8 != 0 {
			return fileError(ErrForm, "sliced database")
		}
	}
	if (m.Type == Btree || m.Type == Recno) && m.Version >= 9 && m.RawFlags&flagCompress != 0 {
		return fileError(ErrForm, "compressed btree")
	}
	return nil
}

func (m *Meta) btreeFlags(flags uint32) {
	m.RawFlags = flags
	m.Dup = flags&flagDup != 0
	m.RecNum = flags&flagRecNum != 0
	m.FixedLen = flags&flagFixed != 0
	m.Renumber = flags&flagRenumber != 0
	if flags&flagRecno != 0 {
		m.Type = Recno
	}
	if m.Version >= 7 {
		m.SubDBs = flags&flagSubDB != 0
	}
	if m.Version >= 8 {
		m.DupSort = flags&flagDupSort != 0
	}
}

func (m *Meta) hashFlags(flags uint32) {
	m.RawFlags = flags
	m.Dup = flags&flagHashDup != 0
	m.SubDBs = m.Version >= 6 && flags&flagHashSubDB != 0
	m.DupSort = m.Version >= 7 && flags&flagHashDupSort != 0
}

func (m *Meta) btree6(b []byte) {
	u := m.ByteOrder.Uint32
	m.MaxKey, m.MinKey, m.Free = u(b[24:]), u(b[28:]), u(b[32:])
	m.btreeFlags(u(b[36:]))
	m.RecLen, m.RecPad = u(b[40:]), u(b[44:])
	copy(m.UID[:], b[48:68])
	m.Root = 1
}

func (m *Meta) btree7(b []byte) {
	u := m.ByteOrder.Uint32
	m.Free = u(b[28:])
	if m.Version == 7 {
		m.btreeFlags(u(b[32:]))
		copy(m.UID[:], b[36:56])
		b = b[56:]
	} else {
		m.generic8(b)
		m.btreeFlags(u(b[48:]))
		b = b[72:]
	}
	m.MaxKey, m.MinKey, m.RecLen, m.RecPad, m.Root = u(b), u(b[4:]), u(b[8:]), u(b[12:]), u(b[16:])
}

// generic8 reads what 3.1 added to the metadata of all access methods.
func (m *Meta) generic8(b []byte) {
	u := m.ByteOrder.Uint32
	m.LastPage, m.KeyCount, m.RecordCount = u(b[32:]), u(b[40:]), u(b[44:])
	m.unused36 = u(b[36:])
	copy(m.UID[:], b[52:72])
}

func (m *Meta) hash5(b []byte) {
	u := m.ByteOrder.Uint32
	m.OvflPoint, m.Free = u(b[24:]), u(b[28:])
	m.MaxBucket, m.HighMask, m.LowMask = u(b[32:]), u(b[36:]), u(b[40:])
	m.FillFactor, m.NumElem, m.CharKey = u(b[44:]), u(b[48:]), u(b[52:])
	m.hashFlags(u(b[56:]))
	for i := range m.Spares {
		m.Spares[i] = u(b[60+4*i:])
	}
	copy(m.UID[:], b[188:208])
	m.HashFunc = hashFuncOf(m.CharKey)
}

func (m *Meta) hash6(b []byte) {
	u := m.ByteOrder.Uint32
	m.Free = u(b[28:])
	if m.Version == 6 {
		m.hashFlags(u(b[32:]))
		copy(m.UID[:], b[36:56])
		b = b[56:]
	} else {
		m.generic8(b)
		m.hashFlags(u(b[48:]))
		b = b[72:]
	}
	m.MaxBucket, m.HighMask, m.LowMask = u(b), u(b[4:]), u(b[8:])
	m.FillFactor, m.NumElem, m.CharKey = u(b[12:]), u(b[16:]), u(b[20:])
	for i := range m.Spares {
		m.Spares[i] = u(b[24+4*i:])
	}
	m.HashFunc = hashFuncOf(m.CharKey)
}

func parseBtree185(b []byte, size int64, bo binary.ByteOrder) (Meta, error) {
	m := Meta{Type: Btree, Version: bo.Uint32(b[4:]), Legacy185: true, ByteOrder: bo, Size: size, Root: 1}
	if m.Version != 3 {
		return m, fileError(ErrUnsupported, "1.x btree version %d", m.Version)
	}
	if len(b) < 24 {
		return m, metaError("the file ends inside the metadata page, after %d bytes", len(b))
	}
	if err := m.setPageSize(uint64(bo.Uint32(b[8:])), 512, 32768); err != nil {
		return m, err
	}
	m.Free, m.NumElem, m.RawFlags = bo.Uint32(b[12:]), bo.Uint32(b[16:]), bo.Uint32(b[20:])
	m.NoDups = m.RawFlags&flag185NoDups != 0
	m.Dup = !m.NoDups
	if m.RawFlags&flag185Recno != 0 {
		m.Type, m.Dup = Recno, false
	}
	return m, nil
}

// header185 is the size of a 1.85 hash header in bytes.
const header185 = 260

func parseHash185(b []byte, size int64, bo binary.ByteOrder) (Meta, error) {
	u := bo.Uint32
	m := Meta{Type: Hash, Version: u(b[4:]), Legacy185: true, ByteOrder: bo, Size: size}
	if m.Version != 2 && m.Version != 1 {
		return m, fileError(ErrUnsupported, "1.86 hash version %d", m.Version)
	}
	if bo != binary.BigEndian {
		return m, fileError(ErrUnsupported, "1.x hash with a little-endian header")
	}
	if len(b) < header185 {
		return m, metaError("the file ends inside the header, after %d bytes", len(b))
	}
	switch lorder := u(b[8:]); lorder {
	case 1234:
		m.ByteOrder = binary.LittleEndian
	case 4321:
	default:
		return m, metaError("byte order %d is neither 1234 nor 4321", lorder)
	}
	if err := m.setPageSize(uint64(u(b[12:])), 64, 32768); err != nil {
		return m, err
	}
	m.OvflPoint, m.MaxBucket, m.HighMask, m.LowMask = u(b[32:]), u(b[40:]), u(b[44:]), u(b[48:])
	m.FillFactor, m.NumElem, m.HeaderPages, m.CharKey = u(b[52:]), u(b[56:]), u(b[60:]), u(b[64:])
	for i := range m.Spares {
		m.Spares[i] = u(b[68+4*i:])
		m.Bitmaps[i] = bo.Uint16(b[196+2*i:])
	}
	m.HashFunc = hashFuncOf(m.CharKey)
	return m, nil
}

func metaError(format string, args ...any) *Error {
	return &Error{Page: 0, Offset: 0, Item: NoItem, Text: fmt.Sprintf(format, args...), Err: ErrCorrupt}
}
