package dbconv

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	"imsconv/dbconv/bdb"
)

// A StatLine is one figure of a database: db_stat prints the value, a TAB, the
// text.
type StatLine struct {
	Value string `json:"value"`
	Text  string `json:"text"`
}

// Stat returns the figures that db_stat -d prints of the database name of the
// file src, nil for the file's own. What makes them incomplete goes to the log.
func Stat(ctx context.Context, src Source, name *string, opts Common) ([]StatLine, error) {
	st, err := bdb.Stat(ctx, src, src.Size(), name)
	if err != nil {
		return nil, err
	}
	if st.Faults > 0 {
		text := fmt.Sprintf("the file has %d faults", st.Faults)
		if st.Faults == 1 {
			text = "the file has a fault"
		}
		opts.log().Problem("incomplete", "", text+" (see verify): the figures cover what could be reached")
	}
	var l statLines
	switch st.Meta.Type {
	case bdb.Heap:
		l.heap(&st)
	case bdb.Queue:
		l.queue(&st)
	case bdb.Hash:
		l.head(&st)
		l.hash(&st)
	default:
		l.head(&st)
		l.tree(&st)
	}
	return l, nil
}

type statLines []StatLine

func (l *statLines) add(text string, format string, args ...any) {
	*l = append(*l, StatLine{fmt.Sprintf(format, args...), text})
}

func (l *statLines) usage(what string, u bdb.Usage, pageSize int) {
	l.add(fmt.Sprintf("Number of bytes free in %s pages (%d%% ff)", what, u.Full(pageSize)), "%d", u.Free)
}

// head is what all access methods have.
func (l *statLines) head(st *bdb.Stats) {
	m := &st.Meta
	what, magic := "Btree", "53162"
	if m.Type == bdb.Hash {
		what, magic = "Hash", "61561"
	}
	l.add(what+" magic number", "%s", magic)
	l.add(what+" version number", "%d", m.Version)
	order := "Little-endian"
	if m.ByteOrder == binary.BigEndian {
		order = "Big-endian"
	}
	l.add("Byte order", "%s", order)
	l.add("Flags", "%s", strings.Join(flagNames(m), ", "))
}

// flagNames are the names that db_stat has for the flags, in its order.
func flagNames(m *bdb.Meta) (names []string) {
	for _, f := range []struct {
		set  bool
		name string
	}{
		{m.Dup, "duplicates"},
		{m.Type == bdb.Recno, "recno"},
		{m.RecNum, "record-numbers"},
		{m.FixedLen, "fixed-length"},
		{m.Renumber, "renumber"},
		{m.SubDBs || m.PageNo != 0, "multiple-databases"},
		{m.DupSort, "sorted duplicates"},
	} {
		if f.set {
			names = append(names, f.name)
		}
	}
	return names
}

func (l *statLines) heap(st *bdb.Stats) {
	m := &st.Meta
	l.add("Heap magic number", "74582")
	l.add("Heap version number", "%d", m.Version)
	l.add("Underlying database page size", "%d", m.PageSize)
	l.add("Number of records in the database", "%d", st.Data)
	l.add("Number of database pages", "%d", m.Pages)
	l.add("Number of database regions", "%d", m.Regions)
	l.add("Number of pages in a region", "%d", m.RegionSize)
}

func (l *statLines) queue(st *bdb.Stats) {
	m := &st.Meta
	l.add("Queue magic number", "42253")
	l.add("Queue version number", "%d", m.Version)
	l.add("Fixed-length record size", "%d", m.RecLen)
	l.add("Fixed-length record pad", "%#x", m.RecPad)
	l.add("Underlying database page size", "%d", m.PageSize)
	l.add("Underlying database extent size", "0")
	l.add("Number of records in the database", "%d", st.Keys)
	l.add("Number of data items in the database", "%d", st.Data)
	l.add("Number of database pages", "%d", st.Leaf.Pages)
	l.usage("database", st.Leaf, m.PageSize)
	l.add("First undeleted record", "%d", m.FirstRec)
	l.add("Next available record number", "%d", m.NextRec)
}

func (l *statLines) tree(st *bdb.Stats) {
	m := &st.Meta
	keys := "Number of unique keys in the tree"
	if m.Type == bdb.Recno {
		l.add("Fixed-length record size", "%d", m.RecLen)
		l.add("Fixed-length record pad", "%#x", m.RecPad)
		keys = "Number of records in the tree"
	} else if !m.Legacy185 {
		l.add("Minimum keys per-page", "%d", m.MinKey)
	}
	l.add("Underlying database page size", "%d", m.PageSize)
	if m.Type == bdb.Btree && !m.Legacy185 {
		l.add("Overflow key/data size", "%d", m.OverflowSize())
	}
	l.add("Number of levels in the tree", "%d", st.Levels)
	l.add(keys, "%d", st.Keys)
	l.add("Number of data items in the tree", "%d", st.Data)
	for _, u := range []struct {
		what  string
		usage bdb.Usage
	}{
		{"tree internal", st.Internal}, {"tree leaf", st.Leaf}, {"tree duplicate", st.Duplicate}, {"tree overflow", st.Overflow},
	} {
		l.add("Number of "+u.what+" pages", "%d", u.usage.Pages)
		l.usage(u.what, u.usage, m.PageSize)
	}
	l.add("Number of empty pages", "%d", st.Empty)
	l.add("Number of pages on the free list", "%d", st.FreeList)
}

func (l *statLines) hash(st *bdb.Stats) {
	m := &st.Meta
	l.add("Number of pages in the database", "%d", m.Pages)
	l.add("Underlying database page size", "%d", m.PageSize)
	l.add("Specified fill factor", "%d", m.FillFactor)
	l.add("Number of keys in the database", "%d", st.Keys)
	l.add("Number of data items in the database", "%d", st.Data)
	l.add("Number of hash buckets", "%d", st.Bucket.Pages)
	if m.Legacy185 {
		l.add("Number of overflow pages", "%d", st.BucketOverflow.Pages)
		return
	}
	l.add(fmt.Sprintf("Number of bytes free on bucket pages (%d%% ff)", st.Bucket.Full(m.PageSize)), "%d", st.Bucket.Free)
	for _, u := range []struct {
		what  string
		usage bdb.Usage
	}{{"overflow", st.Overflow}, {"bucket overflow", st.BucketOverflow}, {"duplicate", st.Duplicate}} {
		l.add("Number of "+u.what+" pages", "%d", u.usage.Pages)
		l.usage(u.what, u.usage, m.PageSize)
	}
	l.add("Number of pages on the free list", "%d", st.FreeList)
}
