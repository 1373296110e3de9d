package merge

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/lists"
)

// kinds are the databases.
var kinds = [...]mboxlist.Kind{mboxlist.FolderDB, mboxlist.QuotaDB, mboxlist.SubscrDB, mboxlist.PeruserDB}

// form is what a database of the parts is like, and the part that says so.
type form struct {
	meta bdb.Meta
	part *part
}

// listPath is the place of a database in a store.
func listPath(kind mboxlist.Kind) string { return lists.Dir + "/" + kind.FileName() }

// checkLists refuses, before anything is written, parts whose databases are not
// of one form, and users who are in the lists of two parts.
func (m *merge) checkLists(ctx context.Context) error {
	for _, kind := range kinds {
		for _, p := range m.parts {
			if err := m.checkForm(kind, p); err != nil {
				return err
			}
		}
	}
	return m.checkUsers(ctx)
}

// checkForm looks at the form of one database. One that cannot be read is told
// when its records are wanted.
func (m *merge) checkForm(kind mboxlist.Kind, p *part) error {
	f, size, err := p.openList(kind)
	m.listed[kind] = m.listed[kind] || f != nil || err != nil
	if f == nil {
		return machineOnly(err)
	}
	defer f.Close() // opened for reading
	db, err := bdb.NewReader(f, size, bdb.Options{})
	if err != nil {
		return nil
	}
	if info, err := f.Stat(); err == nil {
		m.dates = max(m.dates, info.ModTime().Unix())
	}
	meta, first := db.Meta(), m.forms[kind]
	if first == nil {
		m.forms[kind] = &form{meta, p}
		return nil
	}
	if a := first.meta; a.Version != meta.Version || a.ByteOrder != meta.ByteOrder || a.PageSize != meta.PageSize {
		return fmt.Errorf("%s is of version %d, %v, with pages of %d bytes in %s, and of version %d, %v, with pages of %d bytes in %s: the parts were not made with the same options",
			listPath(kind), a.Version, a.ByteOrder, a.PageSize, first.part.path, meta.Version, meta.ByteOrder, meta.PageSize, p.path)
	}
	return nil
}

func machineOnly(err error) error {
	if ims.OfMachine(err) {
		return err
	}
	return nil
}

// openList opens a database of a part; nil when there is none.
func (p *part) openList(kind mboxlist.Kind) (*os.File, int64, error) {
	f, err := os.OpenFile(filepath.Join(p.path, listPath(kind)), os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0) // not to wait at a pipe
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ims.ErrNotRegular
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// eachRecord calls fn for the records of one database of a part, in the order
// in which it has them. What is wrong with it is told to log.
func (p *part) eachRecord(ctx context.Context, kind mboxlist.Kind, log storeconv.Log, fn func(key, value []byte) error) error {
	where := p.path + "/" + listPath(kind)
	f, size, err := p.openList(kind)
	if err != nil {
		log.Problem("database", where, err.Error())
		return machineOnly(err)
	}
	if f == nil {
		p.tellNoList(kind, log)
		return nil
	}
	defer f.Close() // opened for reading
	db, err := bdb.NewReader(f, size, bdb.Options{Problem: func(err error) { tellDatabase(log, where, err) }})
	if err != nil {
		log.Problem("database", where, err.Error())
		return nil
	}
	is := lists.NewRecognizer(kind)
	for c := db.Cursor(); ctx.Err() == nil; {
		key, value, err := c.Next()
		if err == io.EOF {
			if err := is.Err(); err != nil {
				log.Problem("database", where, err.Error())
			}
			return nil
		}
		if err != nil {
			log.Problem("database", where, err.Error())
			return machineOnly(err)
		}
		is.Record(key, value)
		if err := fn(key, value); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// tellDatabase tells what the database reader met.
func tellDatabase(log storeconv.Log, where string, err error) {
	var place *bdb.Error
	if !errors.As(err, &place) {
		log.Problem("database", where, err.Error())
		return
	}
	if w := place.Position(); w != "" {
		where += ": " + w
	}
	if place.Tolerated {
		log.Warning("database", where, place.What())
	} else {
		log.Problem("database", where, place.What())
	}
}

// ownerOf is the user whose record of a database a key is; ok is false for one
// that is no user's.
func ownerOf(kind mboxlist.Kind, key []byte) (id string, ok bool) {
	switch kind {
	case mboxlist.FolderDB:
		id, _, ok = mboxlist.SplitKey(string(key))
	case mboxlist.PeruserDB:
		id, _, ok = mboxlist.SplitPerUserKey(string(key))
	default:
		id, ok = string(key), len(key) > 0
	}
	return id, ok
}

// checkUsers refuses users who are in the mailbox lists of two parts.
func (m *merge) checkUsers(ctx context.Context) error {
	s := bdb.NewSorter("", storeconv.SortMemory)
	defer s.Close()
	for _, kind := range []mboxlist.Kind{mboxlist.FolderDB, mboxlist.QuotaDB} {
		for _, p := range m.parts {
			last := ""
			err := p.eachRecord(ctx, kind, storeconv.Discard, func(key, _ []byte) error {
				id, ok := ownerOf(kind, key)
				if !ok || id == last {
					return nil
				}
				last = id
				return s.Add([]byte(id), partTag(p))
			})
			if err != nil {
				return err
			}
		}
	}
	var c twins
	if err := s.Drain(func(id, tag []byte) error { c.add(m, id, tag); return nil }); err != nil {
		return err
	}
	return c.refuse()
}

// partTag is the number of a part as it stands in front of sorted values.
func partTag(p *part) []byte { return binary.BigEndian.AppendUint32(nil, uint32(p.number)) }

func (m *merge) tagged(tag []byte) *part { return m.parts[binary.BigEndian.Uint32(tag)] }

// twins counts users who are in two parts.
type twins struct {
	id, told []byte
	part     *part
	n        int64
	examples []string
}

// add takes the users in the order of their ids, and of the parts where they
// are equal.
func (c *twins) add(m *merge, id, tag []byte) {
	p := m.tagged(tag)
	switch {
	case c.part == nil || !bytes.Equal(id, c.id):
		c.id, c.part = append(c.id[:0], id...), p
	case p != c.part && !bytes.Equal(id, c.told):
		c.told = append(c.told[:0], id...)
		c.n++
		if len(c.examples) < 3 {
			c.examples = append(c.examples, fmt.Sprintf("%q in %s and %s", id, c.part.path, p.path))
		}
	}
}

func (c *twins) refuse() error {
	if c.n == 0 {
		return nil
	}
	more := ""
	if n := c.n - int64(len(c.examples)); n > 0 {
		more = fmt.Sprintf(", and %d more", n)
	}
	return fmt.Errorf("users are in the mailbox lists of two parts: %s%s; %w", strings.Join(c.examples, ", "), more, ErrTwins)
}

// refusals are the users of parts whose trees were left out: by a sum each,
// that of the id for records that name no partition, and that of both.
type refusals struct {
	seed maphash.Seed
	sums map[uint64]struct{}
}

// mostRefused bounds the memory of refusals. A store that holds more of the
// parts' users already is not the one that was meant.
const mostRefused = 1_000_000

func (r *refusals) add(p *part, id, partition string) error {
	if id == "" {
		return nil
	}
	if r.sums == nil {
		r.seed, r.sums = maphash.MakeSeed(), make(map[uint64]struct{})
	}
	r.sums[r.sum(p, id, "")] = struct{}{}
	r.sums[r.sum(p, id, partition)] = struct{}{}
	if len(r.sums) > 2*mostRefused {
		return fmt.Errorf("over %d users were refused: these are not the parts of this store", mostRefused)
	}
	return nil
}

func (r *refusals) sum(p *part, id, partition string) uint64 {
	return maphash.String(r.seed, id+"\x00"+partition+"\x00"+string(partTag(p)))
}

// has tells whether a record that a part has of a user is left out; partition
// is "" where it names none.
func (r *refusals) has(p *part, id, partition string) bool {
	if r.sums == nil {
		return false
	}
	_, ok := r.sums[r.sum(p, id, partition)]
	return ok
}

// mergeLists puts the databases of the parts together with those of the store,
// one after the other.
func (m *merge) mergeLists(ctx context.Context) error {
	if m.run == nil {
		return m.eachList(ctx, discardRecords)
	}
	opts := lists.Options{Sync: m.opts.Sync, Owner: m.listOwner(), Date: m.dates}
	return lists.Update(m.run, opts, func(w *lists.Writer) error {
		return m.eachList(ctx, func(kind mboxlist.Kind, records lists.Records) error {
			return w.Write(kind, m.form(w, kind), records, nil)
		})
	})
}

// eachList has the records of each database written that a part has. The trees
// are held against folder.db also where no part has one.
func (m *merge) eachList(ctx context.Context, write func(mboxlist.Kind, lists.Records) error) error {
	for _, kind := range kinds {
		do := write
		if !m.listed[kind] {
			do = discardRecords
		}
		records, stop, err := m.joined(ctx, kind)
		if err != nil {
			return err
		}
		err = do(kind, records)
		stop()
		if err != nil {
			return err
		}
	}
	return nil
}

// listFiles tells which files are the databases of a store. One that is
// replaced is another file.
func listFiles(store string) (files [4]uint64) {
	for i, kind := range kinds {
		var st unix.Stat_t
		if unix.Stat(filepath.Join(store, listPath(kind)), &st) == nil {
			files[i] = st.Ino
		}
	}
	return files
}

// discardRecords writes nothing.
func discardRecords(_ mboxlist.Kind, records lists.Records) error {
	return records(func(_, _ []byte) error { return nil })
}

// form is what a database becomes: as the store has it, else as the parts do.
func (m *merge) form(w *lists.Writer, kind mboxlist.Kind) storeconv.Databases {
	f := m.forms[kind]
	if f == nil || w.Has(kind) {
		return storeconv.Databases{}
	}
	return storeconv.Databases{Version: int(f.meta.Version), ByteOrder: f.meta.ByteOrder, PageSize: f.meta.PageSize}
}

// listOwner is the owner asked for, or, for root, that of the first part's
// databases.
func (m *merge) listOwner() *storeconv.Owner {
	if m.opts.Owner != nil || os.Geteuid() != 0 {
		return m.opts.Owner
	}
	for _, f := range m.forms {
		var st unix.Stat_t
		if f != nil && unix.Stat(filepath.Join(f.part.path, lists.Dir), &st) == nil {
			return &storeconv.Owner{UID: int(st.Uid), GID: int(st.Gid)}
		}
	}
	return nil
}

// joined gives the records of all parts in the order of their keys. Records of
// users who were left out are not among them. stop ends what is not read to the
// end.
func (m *merge) joined(ctx context.Context, kind mboxlist.Kind) (records lists.Records, stop func(), err error) {
	s := m.newSorter()
	for _, p := range m.parts {
		tag, buf := partTag(p), []byte(nil)
		err := p.eachRecord(ctx, kind, m.log, func(key, value []byte) error {
			buf = append(append(buf[:0], tag...), value...)
			return s.Add(key, buf)
		})
		if err != nil {
			s.Close()
			return nil, nil, err
		}
	}
	j := &joiner{m: m, kind: kind}
	if kind == mboxlist.FolderDB {
		j.cross = newCrossCheck(m)
	}
	stop = func() {
		s.Close()
		j.cross.stop()
	}
	return func(put func(key, value []byte) error) error {
		j.put = put
		if err := s.Drain(j.record); err != nil {
			return err
		}
		return j.cross.end()
	}, stop, nil
}

// joiner takes the sorted records of one database.
type joiner struct {
	m     *merge
	kind  mboxlist.Kind
	cross *crossCheck // nil: of this database nothing is held against the trees
	put   func(key, value []byte) error

	any        bool
	key, value []byte // of the last record that was put
	part       *part
}

// record takes one record, whose value has the part's tag in front.
func (j *joiner) record(key, tagged []byte) error {
	m, p, value := j.m, j.m.tagged(tagged), tagged[4:]
	if j.any && bytes.Equal(key, j.key) {
		if !bytes.Equal(value, j.value) {
			m.report.RecordsLeft++
			m.log.Problem("record-twice", fmt.Sprintf("%s/%s: %s", p.path, listPath(j.kind), key), "another record than in "+j.part.path+", which stays: left out")
		}
		return nil
	}
	partition := ""
	if j.kind == mboxlist.FolderDB {
		if folder, err := mboxlist.ParseFolder(value); err == nil {
			partition = folder.Partition
		}
	}
	if id, ok := ownerOf(j.kind, key); ok && m.refused.has(p, id, partition) {
		m.report.RecordsLeft++
		return nil
	}
	j.any, j.part = true, p
	j.key, j.value = append(j.key[:0], key...), append(j.value[:0], value...)
	if err := j.cross.record(p, string(key), partition); err != nil {
		return err
	}
	m.report.Lists[j.kind]++
	return j.put(key, value)
}
