package ledger

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-imap/utf7"
)

// Row is one mailbox of the output.
type Row struct {
	User        string // the store's id
	Folder      string // its name, levels parted by "/", in Unicode
	Name        string // its name as IMAP has it, in modified UTF-7
	Messages    int64
	Bytes       int64  // of the messages, each reference at full size
	UIDValidity uint32 // 0: not known
	Digest      string // see [digest]; "": not made
	State       string // one of the states below
	Reason      string // why it is not whole; ""

	Years  map[int]int64 // messages by the year of their receive date, UTC; 0: no date
	Sizes  [len(sizeSteps) + 1]int64
	Oldest int64 // receive dates, seconds since 1970; 0 with Newest 0: none
	Newest int64
}

// The states of a mailbox.
const (
	Whole      = "whole"      // nothing was told of it
	Incomplete = "incomplete" // a problem names it
	Missing    = "missing"    // a problem names it, and it is not in the output
	Unsure     = "unsure"     // none names it, but one of a loss, of the batch or the whole, names no mailbox at all
)

// clone is a copy without what only sums need.
func (r *Row) clone() Row {
	c := *r
	c.Years = nil
	return c
}

// sizeSteps part the sizes of messages and mailboxes: below the first, up to
// the second, and so on.
var sizeSteps = [...]int64{10e3, 100e3, 1e6, 10e6, 100e6, 1e9, 10e9}

// sizeStep is the part that a size belongs to.
func sizeStep(n int64) int {
	i, _ := slices.BinarySearch(sizeSteps[:], n+1)
	return i
}

// addMessage counts one message.
func (r *Row) addMessage(size, date int64, dated bool) {
	r.Messages++
	r.Bytes += size
	r.Sizes[sizeStep(size)]++
	if r.Years == nil {
		r.Years = make(map[int]int64)
	}
	if !dated {
		r.Years[0]++
		return
	}
	r.Years[time.Unix(date, 0).UTC().Year()]++
	if r.Oldest == 0 && r.Newest == 0 {
		r.Oldest, r.Newest = date, date
	}
	r.Oldest, r.Newest = min(r.Oldest, date), max(r.Newest, date)
}

// digest is the identity of a mailbox's messages: the SHA-256 over lines
// "UID SHA-256" of them, in the order of their UIDs. The results of storeconv
// export have the same.
type digest struct {
	sum   hash.Hash
	line  []byte
	known bool // of all messages so far
}

func newDigest() *digest { return &digest{sum: sha256.New(), known: true} }

func (d *digest) add(uid uint32, body [32]byte) {
	d.line = fmt.Appendf(d.line[:0], "%d %x\n", uid, body)
	d.sum.Write(d.line)
}

// text is the digest; "" where the content of a message is not known.
func (d *digest) text() string {
	if !d.known {
		return ""
	}
	return hex.EncodeToString(d.sum.Sum(nil))
}

// hashBody reads a message.
func hashBody(r io.Reader, buf []byte) (sum [32]byte, err error) {
	h := sha256.New()
	if _, err = io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{r}, buf); err != nil {
		return sum, err
	}
	return [32]byte(h.Sum(nil)), nil
}

// folderText is a mailbox's name in Unicode; one that is not in modified UTF-7
// stays as it is.
func folderText(name string) string {
	text, err := utf7.Encoding.NewDecoder().String(name)
	if err != nil || !utf8.ValidString(text) {
		return name
	}
	return text
}

// tsvHeader names the columns of the list of mailboxes.
const tsvHeader = "user\tfolder\tmessages\tbytes\tuidvalidity\tdigest\tstate\treason\n"

// appendTSV appends the line of a mailbox. What is not known is "-".
func (r *Row) appendTSV(dst []byte) []byte {
	validity := "-"
	if r.UIDValidity != 0 {
		validity = fmt.Sprint(r.UIDValidity)
	}
	return fmt.Appendf(dst, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\n", oneLine(r.User), oneLine(r.Folder), r.Messages, r.Bytes,
		validity, cmp.Or(r.Digest, "-"), r.State, cmp.Or(oneLine(r.Reason), "-"))
}

// oneLine is a text as a field of a line: TAB, line ends and other bytes that
// would end it, and the backslash, are written as escapes.
func oneLine(s string) string {
	plain := func(r rune) bool { return r != '\\' && r != utf8.RuneError && unicode.IsPrint(r) }
	if utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	var b bytes.Buffer
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\n':
			b.WriteString(`\n`)
		case plain(r):
			b.WriteString(s[i : i+n])
		default:
			for _, c := range []byte(s[i : i+n]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		}
		i += n
	}
	return b.String()
}
