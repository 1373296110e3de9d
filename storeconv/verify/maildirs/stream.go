package maildirs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify"
)

// sortMemory is what one sorter holds in memory, in bytes.
const sortMemory = 16 << 20

// streams reads streams into the order of users, mailboxes and UIDs.
type streams struct {
	v       *verifier
	choice  *verify.Choice
	claims  *claims
	user    string      // of the stream, who came last
	number  int         // his among those of his place
	records *bdb.Sorter // what must be there
	bodies  *bdb.Sorter // messages under the name of their first copy
	date    int64       // of the stream at hand
	ends    lineEnds
}

func (v *verifier) openStreams() (*streams, error) {
	choice, err := verify.Choose(v.opts.Selection)
	if err != nil {
		return nil, err
	}
	claims, err := v.newClaims()
	if err != nil {
		return nil, err
	}
	return &streams{
		v: v, choice: choice, claims: claims, records: bdb.NewSorter("", sortMemory), bodies: bdb.NewSorter("", sortMemory), ends: lineEnds{way: v.opts.Newline},
	}, nil
}

func (s *streams) close() {
	s.records.Close()
	s.bodies.Close()
}

// read reads one stream.
func (s *streams) read(ctx context.Context, in verify.Stream) error {
	r := sims.NewReader(in.R)
	header, err := r.Header()
	if err != nil {
		return fmt.Errorf("%s: %w", in.Name, err)
	}
	s.date = header.Date
	for n := 0; ; n++ {
		if n%64 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		m, err := r.Next()
		if err == nil {
			err = s.member(r, m)
		}
		if err == io.EOF {
			return nil
		}
		var damage *sims.Error
		if errors.As(err, &damage) {
			if damage.Class == sims.NoEnd {
				s.v.report.NoEnd = append(s.v.report.NoEnd, in.Name)
			}
			storeconv.Note{Severity: storeconv.Severity(damage.Severity()), Kind: damage.Class, Where: in.Name + ": " + damage.Position(), Text: damage.Text}.Tell(s.v.log)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", in.Name, err)
		}
	}
}

func (s *streams) member(r *sims.Reader, m *sims.Member) error {
	if m.User != s.user {
		s.user, s.number = m.User, s.claims.add(m.User)
	}
	id, taken, err := s.choice.User(m.User)
	id = keyOf(id, s.number)
	if err != nil && taken {
		s.v.log.Problem("refused", sims.DisplayName(m.Name), err.Error())
		taken = false
	}
	if m.Kind == sims.User {
		if !taken {
			return nil
		}
		var p packer
		p.number(int64(bit(m.HasQuota)))
		p.number(m.Quota)
		return s.records.Add(userKey(id), p.b)
	}
	name := ""
	if taken {
		if name, taken, err = s.choice.Mailbox(m.User, m.Mailbox); err != nil {
			s.v.log.Problem("refused", sims.DisplayName(m.Name), err.Error())
			taken = false
		}
	}
	if m.Kind == sims.Mailbox {
		if !taken {
			return nil
		}
		return s.records.Add(boxKey(id, name), s.head(m).pack())
	}
	return s.message(r, m, id, name, taken)
}

func (s *streams) head(m *sims.Member) *mailbox {
	b := &mailbox{validity: m.UIDValidity, next: m.UIDNext, made: m.MadeUIDs, subscribed: m.Subscribed, keywords: strings.Fields(m.Keywords)}
	if b.validity == 0 && s.date > 0 {
		b.validity = uint32(s.date)
	}
	b.rights, _ = s.choice.Rights(m.ACL) // a line that is none has been told by the reader
	return b
}

// message keeps a message under the name of its first copy. What is not
// exported itself is kept for the sake of its links.
func (s *streams) message(r *sims.Reader, m *sims.Member, id, name string, taken bool) error {
	words := strings.Fields(m.Flags)
	var w message
	w.date = m.Time
	for _, word := range words {
		switch flag := ims.ParseFlag(word); {
		case flag != 0:
			w.flags |= flag
		case word == "expired":
			taken = false
		case word != "pending":
			w.keywords = append(w.keywords, word)
		}
	}
	first, kind := m.Name, byte(0)
	if m.Kind == sims.Link {
		first, kind = m.Link, 1
	} else if err := s.body(r, &w); err != nil {
		return err
	}
	var key []byte
	if taken {
		key = messageKey(id, name, m.UID)
	}
	p := packer{}
	p.text(string(key))
	return s.bodies.Add(append(append([]byte(first), 0), kind), w.pack(p.b))
}

// body reads the bytes of a message as the export writes them.
func (s *streams) body(r *sims.Reader, w *message) error {
	h := sha256.New()
	s.ends.reset()
	for {
		piece, err := r.Chunk()
		if err == io.EOF {
			piece = s.ends.rest()
			w.size += int64(len(piece))
			h.Write(piece)
			h.Sum(w.sum[:0])
			w.hasSum = true
			return nil
		}
		if err != nil {
			return err
		}
		piece = s.ends.convert(piece)
		w.size += int64(len(piece))
		h.Write(piece)
	}
}

// join gives links the bodies of their first copies. Those of which there is
// more than one are told from others by a hash of the first one's name.
func (s *streams) join(ctx context.Context) error {
	var body message
	var name, bodyKey []byte
	wait := false // body has not been passed on
	pass := func() error {
		if !wait {
			return nil
		}
		wait = false
		return s.pass(bodyKey, &body)
	}
	n := 0
	err := s.bodies.Drain(func(key, value []byte) error {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		u := unpacker{b: value}
		target := []byte(u.text())
		var m message
		if err := errors.Join(u.err, m.unpack(u.b)); err != nil {
			return err
		}
		first, kind := key[:len(key)-1], key[len(key)-1]
		same := bytes.Equal(first, name)
		if kind == 0 {
			if err := pass(); err != nil {
				return err
			}
			if same { // the name a second time: links are to the first
				return s.pass(target, &m)
			}
			name, body, bodyKey, wait = bytes.Clone(first), m, target, true
			return nil
		}
		if same {
			sum := sha256.Sum256(name)
			copy(body.shared[:], sum[:])
			m.size, m.sum, m.hasSum, m.shared = body.size, body.sum, body.hasSum, body.shared
		} else {
			s.v.unknown.Add(1)
		}
		if err := pass(); err != nil {
			return err
		}
		return s.pass(target, &m)
	})
	if err != nil {
		return err
	}
	return pass()
}

func (s *streams) pass(key []byte, m *message) error {
	if len(key) == 0 {
		return nil
	}
	return s.records.Add(key, m.pack(nil))
}

// record is one of the sorted records.
type record struct {
	key, value []byte
}

// batch is how many of them are handed over at a time, ahead how many batches.
const (
	batch = 256
	ahead = 16
)

// run hands the users out.
func (s *streams) run(ctx context.Context, hand func(*user) error) error {
	var id string
	first := true
	var out chan []record // to the user at hand; nil: he is passed over
	var pending []record
	flush := func() error {
		if len(pending) == 0 {
			return nil
		}
		select {
		case out <- pending:
			pending = nil
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	err := s.records.Drain(func(key, value []byte) error {
		if who, _, _ := splitKey(key); first || who != id {
			if err := flush(); err != nil {
				return err
			}
			if out != nil {
				close(out)
			}
			first, id, out = false, who, nil
			name, number := ofKey(who)
			if all, owner := s.claims.of(name); number != owner {
				return hand(s.claims.refused(all, owner, number))
			}
			out = make(chan []record, ahead)
			if err := hand(newFeed(ctx, name, out, s).user()); err != nil {
				return err
			}
		}
		if out == nil {
			return nil // of one whose place is another's
		}
		if pending = append(pending, record{bytes.Clone(key), bytes.Clone(value)}); len(pending) < batch {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if out != nil {
		close(out)
	}
	return err
}

// feed reads the records of one user.
type feed struct {
	ctx  context.Context
	id   string
	in   <-chan []record
	s    *streams
	rest []record
}

func newFeed(ctx context.Context, id string, in <-chan []record, s *streams) *feed {
	return &feed{ctx: ctx, id: id, in: in, s: s}
}

// peek returns the next record without passing over it, nil at the end.
func (f *feed) peek() (*record, error) {
	for len(f.rest) == 0 {
		select {
		case more, ok := <-f.in:
			if !ok {
				return nil, context.Cause(f.ctx)
			}
			f.rest = more
		case <-f.ctx.Done():
			return nil, context.Cause(f.ctx)
		}
	}
	return &f.rest[0], nil
}

func (f *feed) user() *user {
	u := &user{id: f.id}
	u.boxes = func(fn func(*mailbox) error) error {
		for {
			r, err := f.peek()
			if r == nil {
				return err
			}
			_, name, _ := splitKey(r.key)
			if name == "" {
				f.head(u, r)
				continue
			}
			box, err := f.mailbox(name)
			if err == nil {
				err = fn(box)
			}
			for err == nil { // what fn has not read
				if _, err = box.messages(); err == io.EOF {
					break
				}
			}
			if err != io.EOF {
				return err
			}
		}
	}
	return u
}

// head takes what the stream says of the user; the first word counts.
func (f *feed) head(u *user, r *record) {
	f.rest = f.rest[1:]
	p := unpacker{b: r.value}
	if said := p.number() == 1; said && !u.hasQuota {
		u.hasQuota, u.quota = true, storeconv.Quota{Bytes: p.number(), Messages: -1}
	}
}

// mailbox takes the heads of a mailbox; the first that says something counts.
func (f *feed) mailbox(name string) (*mailbox, error) {
	box := &mailbox{name: name, subscribed: -1, known: true}
	for heads := 0; ; heads++ {
		r, err := f.peek()
		if err != nil {
			return nil, err
		}
		if r == nil {
			break
		}
		if _, other, uid := splitKey(r.key); other != name || uid != 0 {
			break
		}
		if heads == 0 {
			if err := box.unpack(r.value); err != nil {
				return nil, err
			}
		}
		f.rest = f.rest[1:]
	}
	if box.validity == 0 && f.s.date > 0 {
		box.validity = uint32(f.s.date)
	}
	var m message
	last := uint32(0)
	box.messages = func() (*message, error) {
		for {
			r, err := f.peek()
			if err != nil {
				return nil, err
			}
			if r == nil {
				return nil, io.EOF
			}
			_, other, uid := splitKey(r.key)
			if other != name {
				return nil, io.EOF
			}
			f.rest = f.rest[1:]
			if uid == last {
				continue // a second message of this UID is refused
			}
			m = message{}
			last, m.uid = uid, uid
			return &m, m.unpack(r.value)
		}
	}
	return box, nil
}

// lineEnds writes line ends in one way; the zero value keeps them.
type lineEnds struct {
	way string // "", keep, crlf or lf
	cr  bool   // a CR came last: with lf it is held back
	out []byte
}

func (l *lineEnds) reset() { l.cr = false }

// convert takes the next piece; what it returns is valid until the next call.
// With lf the end must be asked for with rest.
func (l *lineEnds) convert(piece []byte) []byte {
	if l.way != "crlf" && l.way != "lf" {
		return piece
	}
	l.out = slices.Grow(l.out[:0], len(piece)+len(piece)/16+1)
	for _, c := range piece {
		switch {
		case l.way == "crlf":
			if c == '\n' && !l.cr {
				l.out = append(l.out, '\r')
			}
			l.out = append(l.out, c)
		case l.cr && c != '\n':
			l.out = append(l.out, '\r')
			fallthrough
		default:
			if c != '\r' {
				l.out = append(l.out, c)
			}
		}
		l.cr = c == '\r'
	}
	return l.out
}

// rest is what is held back at the end.
func (l *lineEnds) rest() []byte {
	if l.way == "lf" && l.cr {
		l.cr = false
		return []byte{'\r'}
	}
	return nil
}
