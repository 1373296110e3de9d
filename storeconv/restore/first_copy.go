package restore

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strconv"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/selection"
	"imsconv/storeconv/sims"
)

// storedCopy is a message that a link may point to.
type storedCopy struct {
	content
	at selection.Place
}

// copiesKept is the number of messages that the collector remembers. Of older
// ones the place follows from the member name, and the rest is read again from
// the file: a link costs at most one reading, and the table needs no entry for
// each message of the site.
const copiesKept = 1 << 15

// copyTable remembers the last messages by member name. Their number is known
// and they go in the order in which they came: so they lie in blocks that are
// never moved, made when they are needed, and an index of hashes has numbers.
type copyTable struct {
	seed   maphash.Seed
	index  map[uint64]uint32 // of messages by the hash of their names
	blocks []*[copyBlock]namedCopy
	next   uint32 // to be used, and used again
}

type namedCopy struct {
	name string // "": none
	storedCopy
}

const copyBlock = 256

func (t *copyTable) init() {
	t.seed, t.index = maphash.MakeSeed(), make(map[uint64]uint32)
}

func (t *copyTable) at(n uint32) *namedCopy { return &t.blocks[n/copyBlock][n%copyBlock] }

// get returns the message of a member name, if it is among the last.
func (t *copyTable) get(name string) (*storedCopy, bool) {
	n, ok := t.index[maphash.String(t.seed, name)]
	if !ok || t.at(n).name != name {
		return nil, false
	}
	return &t.at(n).storedCopy, true
}

// add remembers a message. Of two names with one hash the later one is known.
func (t *copyTable) add(name string, info storedCopy) {
	key := maphash.String(t.seed, name)
	n, ok := t.index[key]
	if !ok || t.at(n).name != name {
		n = t.room()
		t.index[key] = n
	}
	*t.at(n) = namedCopy{name, info}
}

// forget forgets the message of a member name.
func (t *copyTable) forget(name string) {
	key := maphash.String(t.seed, name)
	if n, ok := t.index[key]; ok && t.at(n).name == name {
		delete(t.index, key)
		*t.at(n) = namedCopy{}
	}
}

// room returns the number of the oldest message, which is forgotten, or of none
// yet.
func (t *copyTable) room() uint32 {
	n := t.next
	t.next = (n + 1) % copiesKept
	if int(n/copyBlock) == len(t.blocks) {
		t.blocks = append(t.blocks, new([copyBlock]namedCopy))
	}
	if old := t.at(n); old.name != "" {
		if key := maphash.String(t.seed, old.name); t.index[key] == n {
			delete(t.index, key)
		}
	}
	return n
}

// nameSet is a set of names by 64 bits of hash, for dry runs. It stops taking
// in names at its limit, and then says yes to all.
type nameSet struct {
	seed maphash.Seed
	m    map[uint64]nameInfo
	full bool
}

// nameInfo is what a dry run knows of a message that a link may point to.
type nameInfo struct {
	size  int64
	sum   uint64 // of its content, as shortSum gives it; 0: not known
	spare bool   // it is left out itself
}

// shortSum is the start of a SHA-256: enough for figures.
func shortSum(sum [32]byte) uint64 { return binary.BigEndian.Uint64(sum[:8]) }

const namesKept = 1 << 20

func (s *nameSet) add(name string, info nameInfo) {
	if s.m == nil {
		s.m, s.seed = make(map[uint64]nameInfo), maphash.MakeSeed()
	}
	key := maphash.String(s.seed, name)
	_, known := s.m[key]
	if s.full = s.full || len(s.m) >= namesKept && !known; !s.full || known {
		s.m[key] = info
	}
}

func (s *nameSet) get(name string) (nameInfo, bool) {
	if s.m == nil {
		return nameInfo{}, false
	}
	info, ok := s.m[maphash.String(s.seed, name)]
	return info, ok || s.full
}

// spare is a body that is not in the store and may still be needed by a link:
// of a first copy that was expired, refused or not selected.
type spare struct {
	stream int
	offset int64  // of the body in the stream, if that can be read again
	spool  string // else a file in the run's folder
	size   int64
	date   int64 // of the file that is made of it; with own, that of the link it is made for
	own    bool  // no run has the message, since it has expired
}

// spareOf is the spare body of a message of a stream.
func spareOf(stream int, m *sims.Member) spare {
	return spare{stream: stream, offset: m.Data, size: m.Size, date: m.Time, own: marksOf(m.Flags)&markExpired != 0}
}

// openSpare opens a spare body.
func (r *run) openSpare(h *spare) body {
	if h.spool == "" {
		return &spareBody{r: io.NewSectionReader(r.all[h.stream].At, h.offset, h.size), left: h.size}
	}
	f, err := r.folder.Dir.Open(h.spool)
	if err != nil {
		return &spareBody{err: err}
	}
	return &spareBody{r: f, f: f, left: h.size}
}

// spareBody reads a body of known size.
type spareBody struct {
	r    io.Reader
	f    *durable.File
	left int64
	err  error
}

func (s *spareBody) next(buf []byte) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.left == 0 {
		return nil, io.EOF
	}
	n, err := s.r.Read(buf[:min(int64(len(buf)), s.left)])
	s.left -= int64(n)
	if n > 0 {
		return buf[:n], nil
	}
	if err == nil || err == io.EOF {
		err = truncated()
	}
	return nil, err
}

func (s *spareBody) close() {
	if s.f != nil {
		s.f.Close()
	}
}

// append writes a spare body for the journal.
func (h *spare) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(h.stream))
	dst = binary.AppendVarint(dst, h.offset)
	dst = binary.AppendVarint(dst, h.size)
	dst = binary.AppendVarint(dst, h.date)
	own := int64(0)
	if h.own {
		own = 1
	}
	dst = binary.AppendVarint(dst, own)
	return append(dst, h.spool...)
}

var errSpare = errors.New("journal: what it has of a body held back cannot be read")

func parseSpare(b []byte) (*spare, error) {
	var h spare
	stream, n := binary.Uvarint(b)
	if n <= 0 {
		return nil, errSpare
	}
	h.stream, b = int(stream), b[n:]
	var own int64
	for _, field := range [...]*int64{&h.offset, &h.size, &h.date, &own} {
		if *field, n = binary.Varint(b); n <= 0 {
			return nil, errSpare
		}
		b = b[n:]
	}
	h.spool, h.own = string(b), own == 1
	return &h, nil
}

// keepSpare keeps the body of a message that is left out, for links that may
// come. Of a stream that cannot be read again only expired ones are kept, in
// files; the others must come from a reference stream.
func (p *planner) keepSpare(m *sims.Member, expired bool) error {
	again := p.r.streams[p.stream].At != nil
	if !again && !expired {
		return nil
	}
	age, err := p.ageOf(m)
	if err != nil {
		return err
	}
	if p.r.dry() {
		p.add(&spareStep{m.Name + age, m.Size})
		return nil
	}
	h := spareOf(p.stream, m)
	if !again {
		if h.spool, err = p.spool(nil); err != nil {
			return err
		}
	}
	return p.spares.Put(keySpare+m.Name+age, h.append(nil))
}

// spool writes the current body to a file of the run, and to sum.
func (p *planner) spool(sum *visitSum) (string, error) {
	name := "stage/spool-" + strconv.Itoa(p.spools)
	p.spools++
	f, err := p.r.folder.Dir.Create(name)
	if err != nil {
		return "", err
	}
	for {
		b, err := p.src.Chunk()
		sum.body(b)
		if err == io.EOF {
			return name, f.Close()
		}
		if err == nil {
			_, err = f.Write(b)
		}
		if err != nil {
			f.Close()
			return "", err
		}
	}
}

// spareFor returns the spare body of a member.
func (r *run) spareFor(name string) (*spare, bool, error) { return r.spareAt(keySpare + name) }

func (r *run) spareAt(key string) (*spare, bool, error) {
	b, ok, err := r.jr.Get(key)
	if err != nil || !ok {
		return nil, false, err
	}
	h, err := parseSpare(b)
	return h, err == nil, err
}

// spareInReference looks for the first copy of a link in the reference streams,
// which are read once, at the first need. Streams that cannot be read again by
// offset are no help. Until all streams have been read, what they say of the
// mailbox of the first copy may be still to come, and a better place for the
// link with it.
func (r *run) spareInReference(s *linkStep) (*spare, bool, error) {
	if len(r.opt.Reference) == 0 || s.firstSaid.validity == 0 && !s.last {
		return nil, false, nil
	}
	if !r.referenced {
		r.referenced = true
		for _, ref := range r.opt.Reference {
			r.all = append(r.all, ref)
			if ref.At == nil {
				r.log.Warning("reference", ref.Name, "a reference must be a plain file: not used")
				continue
			}
			if err := r.readReference(ref, len(r.all)-1); err != nil {
				return nil, false, err
			}
		}
	}
	if s.firstSaid.validity == 0 {
		return r.spareAt(refKey(s.first, anyValidity))
	}
	body, ok, err := r.spareAt(refKey(s.first, s.firstSaid.validity))
	if err == nil && !ok {
		body, ok, err = r.spareAt(refKey(s.first, 0))
	}
	return body, ok, err
}

// anyValidity stands for whichever UIDVALIDITY comes first.
const anyValidity = -1

// refKey is the key of a body of a reference stream, where its mailbox has that
// UIDVALIDITY; 0: not said.
func refKey[V uint32 | int](name string, validity V) string {
	return keyReference + name + ageMark + strconv.FormatInt(int64(validity), 10)
}

// readReference notes where the bodies of a reference stream lie: of several of
// one name and UIDVALIDITY the first.
func (r *run) readReference(s *Stream, number int) error {
	var box string
	var validity uint32 // of box
	for {
		m, err := s.Source.Next()
		if err == io.EOF {
			return nil
		}
		if p := damageOf(err); p != nil {
			r.log.Warning(p.Class, s.Name+": "+p.Error(), "in a reference stream")
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		if m.Kind == sims.User {
			continue
		}
		if name := m.User + "/" + m.Mailbox; name != box || m.Kind == sims.Mailbox {
			if name != box {
				validity = 0
			}
			box, validity = name, cmp.Or(m.UIDValidity, validity)
		}
		if m.Kind != sims.Message {
			continue
		}
		h := spareOf(number, m)
		for _, key := range [...]string{refKey(m.Name, validity), refKey(m.Name, anyValidity)} {
			_, have, err := r.jr.Get(key)
			if err == nil && !have {
				err = r.jr.Put(key, h.append(nil))
			}
			if err != nil {
				return err
			}
		}
	}
}
