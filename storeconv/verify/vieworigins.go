package verify

import (
	"cmp"
	"encoding/binary"
	"io"
	"iter"
	"slices"
)

// origin4 is where a message came from, and the start of its content's sum.
// maxOrigins bounds them to 64 MiB.
type origin4 struct{ from, validity, uid, sum uint32 }

const maxOrigins = 4 << 20

func (o origin4) compare(p origin4) int {
	return cmp.Or(cmp.Compare(o.from, p.from), cmp.Compare(o.validity, p.validity), cmp.Compare(o.uid, p.uid))
}

func shortSum(sum *[32]byte) uint32 { return binary.BigEndian.Uint32(sum[:]) }

// find returns the record of the message that came from a UID of a mailbox with
// this UIDVALIDITY in the stream (0: not said). There may be several: of users
// whose mail was put together, and of a UID that was given out twice. Then it
// is the one with this content, or the first, when none has it. Nil: there is
// none.
func (v *boxView) find(uid, validity uint32, sum *[32]byte) (*viewRecord, error) {
	if v.header == nil {
		return v.findFile(uid, sum)
	}
	if rec, err := v.ahead(uid); err != nil || rec != nil && rec.from(uid, validity) && rec.sum == *sum {
		return rec, err
	}
	own, err := v.from(uid, validity)
	if err != nil || len(own) == 0 {
		return nil, err
	}
	for _, o := range own {
		if o.sum != shortSum(sum) {
			continue
		}
		if rec, err := v.byUID(o.uid); err != nil || rec != nil && rec.sum == *sum {
			return rec, err
		}
	}
	return v.byUID(own[0].uid)
}

// candidates returns, of the messages that came from a UID, as many as are
// worth looking at.
func (v *boxView) candidates(uid, validity uint32) ([]*viewRecord, error) {
	if v.header == nil {
		rec, err := v.findFile(uid, nil)
		if rec == nil || err != nil {
			return nil, err
		}
		return []*viewRecord{rec}, nil
	}
	own, err := v.from(uid, validity)
	if err != nil {
		return nil, err
	}
	var all []*viewRecord
	for _, o := range own[:min(len(own), maxCandidates)] {
		rec, err := v.byUID(o.uid)
		if err != nil {
			return nil, err
		}
		if rec != nil {
			all = append(all, rec)
		}
	}
	return all, nil
}

// maxCandidates bounds the messages of one origin that a link is held against.
const maxCandidates = 1000

// from says whether the message came from that UID of a mailbox with that
// UIDVALIDITY; 0 is not known.
func (r *viewRecord) from(uid, validity uint32) bool {
	return r.origUID == uid && (validity == 0 || r.origValidity == validity)
}

// findContent returns a record with this content that does not say where it
// came from: restores go by the content of such.
func (v *boxView) findContent(sum [32]byte) *viewRecord {
	if v.bySum == nil {
		v.bySum = make(map[[32]byte]int)
		for i := len(v.all) - 1; i >= 0; i-- {
			if r := &v.all[i]; r.origUID == 0 || r.origValidity == 0 {
				v.bySum[r.sum] = i
			}
		}
	}
	if i, ok := v.bySum[sum]; ok {
		return &v.all[i]
	}
	return nil
}

// hadOthers says whether the mailbox holds messages that came from elsewhere
// than a mailbox of which this is said. Those without an origin did, unless the
// source names not all of its own.
func (v *boxView) hadOthers(said uidsSaid) bool {
	if v.held() {
		return said.others(func(yield func(uint32) bool) {
			for i := range v.all {
				if !yield(v.all[i].origValidity) {
					return
				}
			}
		})
	}
	if err := v.collectOrigins(); err != nil {
		return false // told where the records are looked for
	}
	return said.others(func(yield func(uint32) bool) {
		for _, o := range v.origins {
			if !yield(o.validity) {
				return
			}
		}
	})
}

// others tells whether UIDVALIDITYs of origins are those of other mailboxes.
func (s uidsSaid) others(origins iter.Seq[uint32]) bool {
	own, none := s.made == 1, false
	for validity := range origins {
		switch validity {
		case s.validity:
			own = true
		case 0:
			none = true
		default:
			return true
		}
	}
	return none && !(own && s.made != 0)
}

// namesRecord tells whether a message is one that the source names by its UID,
// where it does not name all of its own.
func (s uidsSaid) namesRecord(rec *viewRecord) bool {
	return s.made != 0 && s.validity != 0 && rec.origValidity == s.validity && rec.origUID < s.made
}

// takeContent returns a record with this content that no other message was
// found to be, nor one that the source names: the one of that place, if it is
// in it, or one of that date, else any, or else the one of that place and date,
// whose content is wrong. Nil: there is none.
func (v *boxView) takeContent(said uidsSaid, uid uint32, date int64, sum *[32]byte) (*viewRecord, error) {
	rec, err := v.ahead(uid)
	if err != nil {
		return nil, err
	}
	if rec != nil && (rec.date != date || v.taken[uid] || said.namesRecord(rec)) {
		rec = nil
	}
	if rec == nil || rec.sum != *sum {
		other, err := v.ofContent(said, date, sum)
		if err != nil {
			return nil, err
		}
		if other != nil || rec != nil && rec.origValidity != 0 {
			rec = other
		}
	}
	if rec == nil {
		return nil, nil
	}
	if v.taken == nil {
		v.taken = make(map[uint32]bool)
	}
	v.taken[rec.uid] = true
	return rec, nil
}

func (v *boxView) ofContent(said uidsSaid, date int64, sum *[32]byte) (any *viewRecord, err error) {
	all, err := v.withContent(sum)
	for i := range all {
		rec := &all[i]
		switch {
		case v.taken[rec.uid], said.namesRecord(rec):
		case rec.date == date:
			return rec, nil
		case any == nil:
			any = rec
		}
	}
	return any, err
}

// withContent returns the records with a content, as many as are worth looking
// at.
func (v *boxView) withContent(sum *[32]byte) (all []viewRecord, err error) {
	if v.content == nil {
		if err := v.collectOrigins(); err != nil {
			return nil, err
		}
		v.content = slices.Clone(v.origins)
		slices.SortFunc(v.content, func(o, p origin4) int { return cmp.Or(cmp.Compare(o.sum, p.sum), cmp.Compare(o.uid, p.uid)) })
	}
	short := shortSum(sum)
	i, _ := slices.BinarySearchFunc(v.content, short, func(o origin4, sum uint32) int { return cmp.Compare(o.sum, sum) })
	for ; i < len(v.content) && v.content[i].sum == short && len(all) < maxCandidates; i++ {
		rec, err := v.byUID(v.content[i].uid)
		if err != nil {
			return all, err
		}
		if rec != nil && rec.sum == *sum {
			all = append(all, *rec)
		}
	}
	return all, nil
}

// from lists the messages that came from a UID of a mailbox with this
// UIDVALIDITY, or of any when that is 0.
func (v *boxView) from(uid, validity uint32) ([]origin4, error) {
	if err := v.collectOrigins(); err != nil {
		return nil, err
	}
	i, _ := slices.BinarySearchFunc(v.origins, origin4{from: uid, validity: validity}, origin4.compare)
	n := i
	for n < len(v.origins) && v.origins[n].from == uid && (validity == 0 || v.origins[n].validity == validity) {
		n++
	}
	return v.origins[i:n], nil
}

// collectOrigins finds where the messages came from. For that it reads an index
// that is too long to hold.
func (v *boxView) collectOrigins() error {
	if v.origins != nil {
		return nil
	}
	v.origins = make([]origin4, 0, len(v.all))
	for i := range v.all {
		r := &v.all[i]
		v.origins = append(v.origins, origin4{r.origUID, r.origValidity, r.uid, shortSum(&r.sum)})
	}
	if !v.held() {
		if err := v.readOrigins(); err != nil {
			v.origins = nil
			return err
		}
	}
	slices.SortFunc(v.origins, origin4.compare)
	return nil
}

func (v *boxView) readOrigins() error {
	if err := v.rewind(); err != nil {
		return err
	}
	v.last = 1<<32 - 1 // the next search starts again
	for len(v.origins) < maxOrigins {
		rec, err := v.ir.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		v.origins = append(v.origins, origin4{rec.OrigUID, rec.OrigValidity, rec.UID, shortSum(&rec.SHA256)})
	}
	return nil
}
