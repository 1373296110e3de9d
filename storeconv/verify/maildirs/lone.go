package maildirs

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"
)

// lone is a message on one side: of the source, or a line and its file.
type lone struct {
	uid  uint32
	sum  [32]byte
	name string  // of the file
	pop3 string  // UIDL of the line
	want message // of the source
}

// namesNothing tells a UID that was given when the source was read: the next
// time its message may have another.
func (b *boxChecker) namesNothing(uid uint32) bool { return b.box.made != 0 && uid >= b.box.made }

// remember keeps a message on one side: in the list, and in a crowd from the
// one that is too much for memory on.
func (b *boxChecker) remember(list *[]lone, side byte, l lone) {
	if b.crowd == nil && len(*list) < maxLone {
		*list = append(*list, l)
		return
	}
	if b.crowd == nil {
		b.crowd = newCrowd()
	}
	b.crowd.add(side, &l)
}

// hasDate tells whether the name of a file says the date of a message.
func hasDate(name string, want *message) bool {
	return strings.HasPrefix(name, fmt.Sprintf("%d.", max(want.date, 0)))
}

// isOther tells a message that has the UID of another in the source, as when a
// client was faster: neither the name of its file nor its bytes are those of
// the source's message. Where the UID names nothing, bytes and date decide.
func (b *boxChecker) isOther(line uidLine, want *message) bool {
	base, _, _ := strings.Cut(line.name, ":")
	made := b.namesNothing(want.uid)
	if !want.hasSum || !made && strings.HasPrefix(base, fmt.Sprintf("%d.M%dP", max(want.date, 0), want.uid)) {
		return false
	}
	first, end := b.names.find(base)
	return first != end && (made && !hasDate(base, want) || b.sumOf(string(b.names.name(first))) != want.sum)
}

// missing is for a message of the source that no line names.
func (b *boxChecker) missing(m *message) {
	if m.hasSum {
		b.remember(&b.absent, crowdAbsent, lone{uid: m.uid, sum: m.sum, want: *m})
		return
	}
	b.tellMissing(m.uid)
}

// unwanted is for a line whose UID the source does not have.
func (b *boxChecker) unwanted(line uidLine) {
	base, _, _ := strings.Cut(line.name, ":")
	first, end := b.names.find(base)
	if first == end {
		b.notes.problem("missing-file", b.at("dovecot-uidlist"), "UID %d has the file %q, which is not there", line.uid, clip(line.name))
		return
	}
	name := string(b.names.name(first))
	b.names.met[first] = true
	b.countFile(join(b.dir, "cur") + "/" + name)
	b.remember(&b.extra, crowdExtra, lone{uid: line.uid, sum: b.sumOf(name), name: name, pop3: line.pop3})
}

func (b *boxChecker) sumOf(name string) (sum [32]byte) {
	f, _, err := openFile(b.cur, name)
	if err != nil {
		return sum
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err == nil {
		h.Sum(sum[:0])
	}
	return sum
}

// otherUIDs tells of messages on one side only, and finds those that are there
// under another UID. Those whose UID in the source names nothing are right
// there, and are compared.
func (b *boxChecker) otherUIDs() error {
	var err error
	if b.crowd != nil {
		err = b.crowded()
	} else {
		b.few()
	}
	if b.made > 0 {
		b.notes.warning("other-uid", b.where(b.dir), "%d messages are there under other UIDs: the source says none for them, and they have those of the first time they were exported", b.made)
	}
	return err
}

// few is otherUIDs for those that are in memory.
func (b *boxChecker) few() {
	bySum := make(map[[32]byte][]lone)
	for _, l := range b.extra {
		bySum[l.sum] = append(bySum[l.sum], l)
	}
	for _, l := range b.absent {
		same := bySum[l.sum]
		if len(same) == 0 {
			b.tellMissing(l.uid)
			continue
		}
		i := max(0, slices.IndexFunc(same, func(there lone) bool { return hasDate(there.name, &l.want) }))
		there := same[i]
		bySum[l.sum] = slices.Delete(same, i, i+1)
		b.met(&l, &there)
	}
	for _, l := range b.extra {
		if same := bySum[l.sum]; len(same) > 0 && same[0].uid == l.uid {
			b.tellExtra(&l)
			bySum[l.sum] = same[1:]
		}
	}
}

func (b *boxChecker) tellMissing(uid uint32) {
	b.notes.problem("missing-message", b.where(b.dir), "message %d of the source is not there", uid)
}

func (b *boxChecker) tellExtra(l *lone) {
	b.notes.problem("extra-message", b.at("cur/"+l.name), "message %d is not in the source", l.uid)
}

// met is for a message of the source that is there under another UID.
func (b *boxChecker) met(l, there *lone) {
	switch {
	case b.namesNothing(l.uid):
		b.made++
		b.file(uidLine{uid: there.uid, name: there.name, pop3: there.pop3}, there.name, &l.want, there.uid)
	case l.uid > maxUID: // it must be
		b.notes.warning("other-uid", b.at("cur/"+there.name), "message %d of the source is there as %d", l.uid, there.uid)
	default:
		b.notes.problem("other-uid", b.at("cur/"+there.name), "message %d of the source is there as %d", l.uid, there.uid)
	}
}
