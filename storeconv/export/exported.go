package export

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
)

// Where an export keeps what it must know the next time.
const (
	exportedDir  = ims.WorkDir + "/" + durable.ExportedDir
	pendingDir   = ims.WorkDir + "/" + durable.PendingDir
	settingsFile = ims.WorkDir + "/export"
)

// The first lines of the files.
const (
	exportedMagic = "imsconv-exported 1"
	pendingMagic  = "imsconv-pending 1"
	settingsMagic = "imsconv-export 1"
)

// listName is the base name of the list of a user, by place.
func listName(place string) string {
	name := ims.EscapeName(place)
	if len(name) > 200 {
		sum := sha256.Sum256([]byte(place))
		name = name[:150] + "%" + hex.EncodeToString(sum[:16])
	}
	return name
}

// head is the beginning of a list: whose it is, and the mailboxes.
type head struct {
	magic  string
	user   string
	source string // what the source calls him, by onLine; "": an older list, which does not say
	place  string
	needs  needs
	boxes  []headBox
}

// isAnothers tells whether the list is that of another user of the source.
func (h *head) isAnothers(source string) bool { return h.source != "" && h.source != onLine(source) }

// headBox is a mailbox in a list.
type headBox struct {
	name     string // in the source
	target   string // on the new side
	dir      string // below the user's place
	validity uint32 // UIDVALIDITY of the source's mailbox; 0: it has none
	known    bool   // UIDVALIDITY is the source's own word

	// Of a list of what is to be done.
	number    int      // of the directory with the new files
	made      bool     // that directory is the whole mailbox
	subscribe []string // the lines of subscriptions that come with it
	next      uint32   // UIDNEXT of the source, where that of the destination is below it; else 0
	was       string   // of an mbox file: what the one was that it is made from
}

// appendHead appends the text of a head, with the empty line that ends it.
func appendHead(dst []byte, h *head) []byte {
	dst = fmt.Appendf(dst, "%s\nuser %s\nplace %s\n", h.magic, h.user, h.place)
	if h.source != "" {
		dst = fmt.Appendf(dst, "source %s\n", h.source)
	}
	if words := h.needs.words(); words != nil {
		dst = fmt.Appendf(dst, "needs %s\n", strings.Join(words, " "))
	}
	for _, b := range h.boxes {
		validity := "-"
		if b.known {
			validity = strconv.FormatUint(uint64(b.validity), 10)
		}
		dst = fmt.Appendf(dst, "mailbox %s\t%s\t%s\t%s\n", b.name, b.target, b.dir, validity)
		if h.magic == pendingMagic {
			dst = fmt.Appendf(dst, "number %d\n", b.number)
		}
		if b.made {
			dst = append(dst, "made\n"...)
		}
		if b.was != "" {
			dst = fmt.Appendf(dst, "was %s\n", b.was)
		}
		if b.next != 0 {
			dst = fmt.Appendf(dst, "next %d\n", b.next)
		}
		for _, line := range b.subscribe {
			dst = fmt.Appendf(dst, "subscribe %s\n", line)
		}
	}
	return append(dst, '\n')
}

// onLine is a user of a source on a line: a stream may have any bytes there.
func onLine(source string) string {
	q := strconv.Quote(source)
	return q[1 : len(q)-1]
}

// listReader reads a list line by line.
type listReader struct {
	head head
	br   *bufio.Reader
	line int
	box  int // of the message lines that come
}

var errBadList = errors.New("not a list of exported mail")

// listBuffer is the size of the buffer that a list is read through, in bytes.
const listBuffer = 64 << 10

// newListReader reads the head of a list. A *bufio.Reader of listBuffer it
// takes as it is.
func newListReader(r io.Reader, magic string) (*listReader, error) {
	l := &listReader{br: bufio.NewReaderSize(r, listBuffer), box: -1}
	first, err := l.next()
	if err != nil || first != magic {
		return nil, l.fail(err)
	}
	l.head.magic = magic
	for {
		line, err := l.next()
		if err != nil {
			return nil, l.fail(err)
		}
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "":
			return l, nil
		case "user":
			l.head.user = value
		case "source":
			l.head.source = value
		case "place":
			l.head.place = value
		case "needs":
			l.head.needs = needsOf(strings.Fields(value))
		case "mailbox":
			b, ok := parseHeadBox(value)
			if !ok {
				return nil, l.fail(nil)
			}
			l.head.boxes = append(l.head.boxes, b)
		default:
			if !l.head.more(key, value) {
				return nil, l.fail(nil)
			}
		}
	}
}

// more takes a line about the last mailbox.
func (h *head) more(key, value string) bool {
	if h.magic != pendingMagic || len(h.boxes) == 0 {
		return false
	}
	b := &h.boxes[len(h.boxes)-1]
	switch key {
	case "number":
		n, err := strconv.ParseUint(value, 10, 31)
		b.number = int(n)
		return err == nil
	case "next":
		n, err := strconv.ParseUint(value, 10, 32)
		b.next = uint32(n)
		return err == nil
	case "made":
		b.made = true
	case "was":
		b.was = value
	case "subscribe":
		b.subscribe = append(b.subscribe, value)
	default:
		return false
	}
	return true
}

func (l *listReader) fail(err error) error {
	if err == nil || err == io.EOF {
		err = errBadList
	}
	return fmt.Errorf("line %d: %w", l.line, err)
}

func parseHeadBox(value string) (b headBox, ok bool) {
	f := strings.Split(value, "\t")
	if len(f) != 4 {
		return b, false
	}
	b = headBox{name: f[0], target: f[1], dir: f[2], known: f[3] != "-"}
	if b.known {
		n, err := strconv.ParseUint(f[3], 10, 32)
		if err != nil {
			return b, false
		}
		b.validity = uint32(n)
	}
	return b, b.dir == "" || b.dir != "." && filepath.IsLocal(b.dir) && path.Clean(b.dir) == b.dir
}

func (l *listReader) next() (string, error) {
	line, err := l.br.ReadString('\n')
	l.line++
	if err != nil {
		if line != "" {
			err = io.ErrUnexpectedEOF
		}
		return "", err
	}
	return line[:len(line)-1], nil
}

// entry is a message in a list.
type entry struct {
	record
	sign     byte // of a list of what is to be done: '+' new, '=' flags; else 0
	keywords []string
	base     string // "": made of the record
	recent   bool   // written by this run
}

// fileBase is the name of the message's file, without its flags.
func (e *entry) fileBase() string {
	if e.base != "" {
		return e.base
	}
	return maildir.FileName(e.date, e.uid, e.size, e.vsize())
}

// message returns the next message and the number of its mailbox; io.EOF at
// the end.
func (l *listReader) message(e *entry) (box int, err error) {
	for {
		line, err := l.next()
		if err == io.EOF {
			return 0, io.EOF
		}
		if err != nil {
			return 0, l.fail(err)
		}
		if number, ok := strings.CutPrefix(line, "@ "); ok {
			if l.box, err = strconv.Atoi(number); err != nil || l.box < 0 || l.box >= len(l.head.boxes) {
				return 0, l.fail(nil)
			}
			continue
		}
		if l.box < 0 || !e.parse(line) {
			return 0, l.fail(nil)
		}
		return l.box, nil
	}
}

// append appends the line of a message.
func (e *entry) append(dst []byte) []byte {
	if e.sign != 0 {
		dst = append(dst, e.sign)
	}
	dst = append(strconv.AppendUint(dst, uint64(e.uid), 10), '\t')
	dst = append(strconv.AppendInt(dst, e.date, 10), '\t')
	dst = append(strconv.AppendInt(dst, e.size, 10), '\t')
	dst = append(strconv.AppendInt(dst, e.vsize(), 10), '\t')
	if e.sum != [32]byte{} {
		dst = hex.AppendEncode(dst, e.sum[:])
	}
	dst = append(dst, '\t')
	dst = append(dst, maildir.FlagLetters(e.flags, nil)...)
	dst = append(dst, '\t')
	for i, k := range e.keywords {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, k...)
	}
	if e.base != "" {
		dst = append(append(dst, '\t'), e.base...)
	}
	return append(dst, '\n')
}

// parse is the inverse of append.
func (e *entry) parse(line string) bool {
	*e = entry{}
	if line != "" && (line[0] == '+' || line[0] == '=') {
		e.sign, line = line[0], line[1:]
	}
	f := strings.Split(line, "\t")
	if len(f) != 7 && len(f) != 8 {
		return false
	}
	uid, ok := ims.ParseUID(f[0])
	date, err1 := strconv.ParseInt(f[1], 10, 64)
	size, err2 := strconv.ParseInt(f[2], 10, 64)
	vsize, err3 := strconv.ParseInt(f[3], 10, 64)
	if !ok || errors.Join(err1, err2, err3) != nil || size < 0 || vsize < size || vsize-size > 1<<32-1 {
		return false
	}
	e.uid, e.date, e.size, e.bare = uid, date, size, uint32(vsize-size)
	if f[4] != "" {
		if n, err := hex.Decode(e.sum[:], []byte(f[4][:min(len(f[4]), 64)])); err != nil || n != len(e.sum) {
			return false
		}
	}
	e.flags, _, _ = maildir.ParseLetters(f[5])
	e.keywords = strings.Fields(f[6])
	if len(f) == 8 {
		e.base = f[7]
		return e.base != "" && !strings.ContainsAny(e.base, "/\x00")
	}
	return true
}

// openList opens a list below the destination; fs.ErrNotExist when there is
// none.
func openList(d *durable.Dir, name, magic string) (*durable.File, *listReader, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, nil, err
	}
	l, err := newListReader(f, magic)
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return f, l, nil
}

func isMissing(err error) bool { return isAny(err, unix.ENOENT, unix.ENOTDIR) }

func isAny(err error, numbers ...unix.Errno) bool {
	for _, n := range numbers {
		if errors.Is(err, n) {
			return true
		}
	}
	return false
}
