package maildir

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Box is a mailbox: its messages in the order of their UIDs. It keeps some 100
// bytes a message.
type Box struct {
	Header UidlistHeader // as the uidlist says; zero without one
	Listed bool          // there is a uidlist that can be read, or what mbsync keeps
	Newest int64         // latest modification of its directories, seconds since 1970
	Last   uint32        // the highest UID, given here or in the uidlist; messages that are gone count
	Given  int           // messages that got their UIDs here
	Named  int           // messages with a UID in their names, where no uidlist is
	Anew   bool          // no UID was left for some: all got theirs anew, and the old UIDVALIDITY means nothing

	dir     *Dir
	names   []byte
	entries []boxEntry
}

type boxEntry struct {
	at  uint64
	n   uint16
	new bool
	uid uint32
}

// maxName bounds the name of a file, in bytes; no file system has longer ones.
const maxName = 4096

// ReadBox reads which messages the mailbox in d has, and their UIDs. Files that
// no uidlist names get UIDs behind the last, in the order of the numbers that
// their names begin with. tell gets what is wrong with single lines and files.
// d stays open as long as the Box is used.
func ReadBox(d *Dir, tell func(*Error)) *Box {
	b := &Box{dir: d}
	for _, sub := range [...]string{"cur", "new"} {
		b.list(sub, tell)
	}
	b.sortByName()
	b.readUIDs(tell)
	b.giveUIDs()
	return b
}

// list notes the files of cur or new.
func (b *Box) list(sub string, tell func(*Error)) {
	d, err := b.dir.Open(sub)
	if err != nil {
		if !missing(err) {
			tell(asError(b.dir.join(sub), Unreadable, err))
		}
		return
	}
	defer d.Close()
	if info, err := b.dir.Stat(sub); err == nil {
		b.Newest = max(b.Newest, info.Time)
	}
	err = d.EachName(func(name string) {
		switch {
		case name[0] == '.':
			if name != "." && name != ".." {
				tell(&Error{Path: d.join(name), Class: Stray, Text: "begins with a dot, which no message does: not read"})
			}
		case len(name) <= maxName:
			b.entries = append(b.entries, boxEntry{at: uint64(len(b.names)), n: uint16(len(name)), new: sub == "new"})
			b.names = append(b.names, name...)
		}
	})
	if err != nil {
		tell(asError(d.path, Unreadable, err))
	}
}

func (b *Box) name(e *boxEntry) []byte { return b.names[e.at : e.at+uint64(e.n)] }

// baseOf cuts the flags off a name.
func baseOf(name []byte) []byte {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		return name[:i]
	}
	if end, _, ok := otherInfo(name); ok {
		return name[:end]
	}
	return name
}

// sortByName puts the entries into the order of their base names.
func (b *Box) sortByName() {
	slices.SortFunc(b.entries, func(x, y boxEntry) int {
		n, m := b.name(&x), b.name(&y)
		return cmp.Or(bytes.Compare(baseOf(n), baseOf(m)), bytes.Compare(n, m), cmp.Compare(b2i(x.new), b2i(y.new)))
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// readUIDs gives the entries the UIDs of the first uidlist that can be read,
// else those of mbsync.
func (b *Box) readUIDs(tell func(*Error)) {
	for _, name := range [...]string{UidlistName, CourierName} {
		f, _, err := b.dir.OpenFile(name)
		if err == nil {
			err = b.readUidlist(f, name, tell)
			f.Close()
		}
		if err == nil {
			b.Listed = true
			return
		}
		if !missing(err) {
			tell(asError(b.dir.join(name), BadUidlist, err))
		}
	}
	b.readMbsync(tell)
}

func (b *Box) readUidlist(f *os.File, name string, tell func(*Error)) error {
	r, err := NewUidlistReader(f)
	if err != nil {
		return err
	}
	b.Header = r.Header
	for e, err := range r.All() {
		var fault *Error
		switch {
		case errors.As(err, &fault):
			tell(asError(b.dir.join(name), BadUidlist, fault))
		case err != nil:
			return err
		default:
			b.Last = max(b.Last, e.UID)
			b.give(e)
		}
	}
	return nil
}

// give gives the file of a line its UID. A file that is gone was expunged.
func (b *Box) give(line *UidlistEntry) {
	base := baseOf([]byte(line.Name))
	i, _ := slices.BinarySearchFunc(b.entries, base, func(e boxEntry, base []byte) int {
		return bytes.Compare(baseOf(b.name(&e)), base)
	})
	best := -1
	for ; i < len(b.entries) && bytes.Equal(baseOf(b.name(&b.entries[i])), base); i++ {
		exact := string(b.name(&b.entries[i])) == line.Name
		if b.entries[i].uid == 0 && (best < 0 || exact) {
			best = i
		}
	}
	if best >= 0 {
		b.entries[best].uid = line.UID
	}
}

// giveUIDs gives the others UIDs, and puts all into their order.
func (b *Box) giveUIDs() {
	if b.Header.Next > 0 {
		b.Last = max(b.Last, b.Header.Next-1)
	}
	var rest []int
	for i := range b.entries {
		if b.entries[i].uid == 0 {
			rest = append(rest, i)
		}
	}
	b.byNumber(rest)
	if int64(b.Last)+int64(len(rest)) > MaxUID {
		b.Anew, b.Last, rest = true, 0, b.all()
	}
	for _, i := range rest {
		b.Last++
		b.Given++
		b.entries[i].uid = b.Last
	}
	slices.SortFunc(b.entries, func(x, y boxEntry) int { return cmp.Compare(x.uid, y.uid) })
}

// all are the places of all entries, those with UIDs first and in their order.
func (b *Box) all() []int {
	var places, rest []int
	for i := range b.entries {
		if b.entries[i].uid == 0 {
			rest = append(rest, i)
		} else {
			places = append(places, i)
		}
	}
	slices.SortFunc(places, func(i, j int) int { return cmp.Compare(b.entries[i].uid, b.entries[j].uid) })
	b.byNumber(rest)
	return append(places, rest...)
}

// byNumber sorts places by the numbers that the names begin with.
func (b *Box) byNumber(places []int) {
	slices.SortStableFunc(places, func(i, j int) int { return cmp.Compare(b.number(i), b.number(j)) })
}

// number is what the name of an entry begins with.
func (b *Box) number(i int) int64 {
	digits, _, _ := bytes.Cut(b.name(&b.entries[i]), []byte("."))
	return number(string(digits))
}

// Len is the number of messages.
func (b *Box) Len() int { return len(b.entries) }

// Message is a message of a Box.
type Message struct {
	Dir  string // cur or new
	Name string // of the file
	UID  uint32
}

// At returns message i.
func (b *Box) At(i int) Message {
	e := &b.entries[i]
	dir := "cur"
	if e.new {
		dir = "new"
	}
	return Message{dir, string(b.name(e)), e.uid}
}

// ReadFile calls read with a small file of the mailbox, where there is one.
// found says whether; what is wrong with the file goes to tell.
func (d *Dir) ReadFile(name, class string, tell func(*Error), read func(io.Reader) error) (found bool) {
	f, _, err := d.OpenFile(name)
	if err == nil {
		err = read(f)
		f.Close()
	}
	if missing(err) {
		return false
	}
	if err != nil {
		tell(asError(d.join(name), class, err))
	}
	return true
}

// Leftovers counts what deliveries have left unfinished in tmp.
func (d *Dir) Leftovers() (n int) {
	tmp, err := d.Open("tmp")
	if err != nil {
		return 0
	}
	defer tmp.Close()
	names, _ := tmp.Names() // nobody misses what cannot even be counted
	return len(names)
}

// Text is a message of the mailbox, opened.
type Text struct {
	*os.File
	Info FileInfo
}

// OpenMessage opens a message of the mailbox in d.
func (d *Dir) OpenMessage(m Message) (*Text, error) {
	sub, err := d.Open(m.Dir)
	if err != nil {
		return nil, err
	}
	defer sub.Close()
	f, info, err := sub.OpenFile(m.Name)
	if err != nil {
		return nil, err
	}
	return &Text{f, info}, nil
}

// String names the message for errors.
func (m Message) String() string { return fmt.Sprintf("%s/%s", m.Dir, m.Name) }
