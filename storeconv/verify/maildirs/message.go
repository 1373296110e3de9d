package maildirs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/verify"
)

// message holds one message against the source.
func (b *boxChecker) message(line uidLine, want *message) {
	base, _, _ := strings.Cut(line.name, ":")
	first, end := b.names.find(base)
	switch {
	case first == end:
		b.notes.problem("missing-file", b.at("dovecot-uidlist"), "UID %d has the file %q, which is not there", line.uid, clip(line.name))
		return
	case b.names.met[first]:
		b.notes.problem("same-name", b.at("dovecot-uidlist"), "UID %d has the file of another, %q", line.uid, clip(line.name))
		return
	case end-first > 1:
		b.notes.problem("same-name", b.at("cur/"+string(b.names.name(first))), "%d files are of one name but for their flags", end-first)
	}
	for i := first; i < end; i++ {
		b.names.met[i] = true
	}
	name := string(b.names.name(first))
	if st := b.file(line, name, want, want.uid); st != nil {
		b.used.bytes += st.Size
		b.used.count++
	}
}

// file compares a file with its message in the source; uid is the one that its
// UIDL is made of. nil: the file cannot be read.
func (b *boxChecker) file(line uidLine, name string, want *message, uid uint32) *unix.Stat_t {
	b.report.Messages++
	b.flags(name, want)
	if format := b.v.uidl.of(b.list.validity, uid); line.pop3 != format {
		b.notes.problem("pop3-uidl", b.at("dovecot-uidlist"), "message %d has the UIDL %q, should have %q", line.uid, line.pop3, format)
	}
	f, st, err := openFile(b.cur, name)
	if err != nil {
		b.notes.problem("unreadable", b.at("cur/"+name), "%v", err)
		return nil
	}
	defer f.Close()
	b.attributes(b.at("cur/"+name), st)
	b.date(name, st, want)
	b.content(name, f, st, want)
	b.link(name, st, want)
	return st
}

// date compares time and name of the file with the receive date.
func (b *boxChecker) date(name string, st *unix.Stat_t, want *message) {
	date := want.date
	if date == ims.NoTime {
		date = 0
	}
	seconds, _, _ := strings.Cut(name, ".")
	if seconds != strconv.FormatInt(max(date, 0), 10) {
		b.notes.problem("date", b.at("cur/"+name), "the name begins with %q, the date is %d", clip(seconds), date)
	}
	if want.date == ims.NoTime || st.Mtim.Sec == date && st.Mtim.Nsec == 0 || st.Mtim.Sec == date && !b.box.known {
		return
	}
	if verify.CutDate(date, st.Mtim.Sec) {
		b.notes.warning("date", b.at("cur/"+name), "the file is of %d, the date is %d, which its file system does not keep", st.Mtim.Sec, date)
		return
	}
	b.notes.problem("date", b.at("cur/"+name), "the file is of %d.%09d, the date is %d", st.Mtim.Sec, st.Mtim.Nsec, date)
}

// systemLetters are the letters of flags.
var systemLetters = map[byte]ims.Flags{'D': ims.Draft, 'F': ims.Flagged, 'R': ims.Answered, 'S': ims.Seen, 'T': ims.Deleted}

// flags compares flags and keywords.
func (b *boxChecker) flags(name string, want *message) {
	_, info, _ := strings.Cut(name, ":")
	letters, ok := strings.CutPrefix(info, "2,")
	if !ok {
		b.notes.problem("file-name", b.at("cur/"+name), "no flags behind its name")
	}
	var flags ims.Flags
	var words []string
	for i := range len(letters) {
		c := letters[i]
		switch {
		case i > 0 && letters[i-1] >= c:
			b.notes.problem("file-name", b.at("cur/"+name), "the letters of its flags do not rise")
		case systemLetters[c] != 0:
			flags |= systemLetters[c]
		case c >= 'a' && c <= 'z' && b.letters[c-'a'] != "":
			words = append(words, strings.ToLower(b.letters[c-'a']))
		default:
			b.notes.problem("flags", b.at("cur/"+name), "nothing says what %q is", c)
		}
	}
	if !b.box.known {
		return
	}
	wanted := b.words(want)
	slices.Sort(words)
	if all := ims.Draft | ims.Flagged | ims.Answered | ims.Seen | ims.Deleted; flags != want.flags&all {
		b.notes.problem("flags", b.at("cur/"+name), "the flags are %s, the source has %s", flagText(flags), flagText(want.flags&all))
	}
	if !slices.Equal(words, wanted) {
		b.notes.problem("keywords", b.at("cur/"+name), "the keywords are %q, the source has %q", words, wanted)
	}
}

// words counts the keywords of a message and returns, sorted, those that have
// letters.
func (b *boxChecker) words(want *message) []string {
	var all, kept []string
	for _, word := range want.keywords {
		all = append(all, strings.ToLower(word))
	}
	slices.Sort(all)
	for _, word := range slices.Compact(all) {
		b.counts[word]++
		if b.letter(word) < 0 {
			b.lost[word]++
			continue
		}
		kept = append(kept, word)
	}
	return kept
}

func flagText(f ims.Flags) string {
	if f == 0 {
		return "none"
	}
	return strings.Join(f.Names(), " ")
}

// content compares the bytes, and the sizes that the name says.
func (b *boxChecker) content(name string, f *os.File, st *unix.Stat_t, want *message) {
	got, err := sumBytes(b.ctx, f, &lineEnds{})
	if err != nil {
		b.notes.problem("unreadable", b.at("cur/"+name), "%v", err)
		return
	}
	b.report.Bytes += got.size
	if b.v.opts.Progress != nil {
		b.v.opts.Progress.Add(1, got.size)
	}
	b.size(name, "S", got.size)
	b.size(name, "W", got.size+got.bare)
	if !want.hasSum {
		if !b.fromSource(name, want) {
			return
		}
	}
	if got.sum != want.sum {
		b.notes.problem("wrong-content", b.at("cur/"+name), "%d bytes of SHA-256 %s, message %d of the source has %d of %s",
			got.size, hex.EncodeToString(got.sum[:]), want.uid, want.size, hex.EncodeToString(want.sum[:]))
	}
}

// fromSource reads what the source has, in the line ends of the export.
func (b *boxChecker) fromSource(name string, want *message) bool {
	if want.open == nil {
		b.report.Unknown++
		return false
	}
	src, err := want.open()
	if err != nil {
		b.notes.warning("source", b.at("cur/"+name), "message %d of the source cannot be read: %v", want.uid, err)
		b.report.Unknown++
		return false
	}
	defer src.Close()
	s, err := sumBytes(b.ctx, src, &lineEnds{way: b.v.opts.Newline})
	if err != nil {
		b.notes.warning("source", b.at("cur/"+name), "message %d of the source cannot be read: %v", want.uid, err)
		b.report.Unknown++
		return false
	}
	want.sum, want.size = s.sum, s.size
	return true
}

// size compares a size in the name.
func (b *boxChecker) size(name, key string, want int64) {
	base, _, _ := strings.Cut(name, ":")
	for field := range strings.SplitSeq(base, ",") {
		text, ok := strings.CutPrefix(field, key+"=")
		if !ok {
			continue
		}
		if n, err := strconv.ParseInt(text, 10, 64); err != nil || n != want {
			b.notes.problem("wrong-size", b.at("cur/"+name), "the name says %s=%s, it is %d", key, clip(text), want)
		}
		return
	}
	b.notes.problem("wrong-size", b.at("cur/"+name), "the name does not say %s=", key)
}

// bytesSum is what counts of the bytes of a message.
type bytesSum struct {
	size, bare int64 // bare are LFs without a CR in front
	sum        [32]byte
}

func sumBytes(ctx context.Context, r io.Reader, ends *lineEnds) (bytesSum, error) {
	var s bytesSum
	h := sha256.New()
	last := byte(0)
	take := func(piece []byte) {
		for _, c := range piece {
			if c == '\n' && last != '\r' {
				s.bare++
			}
			last = c
		}
		s.size += int64(len(piece))
		h.Write(piece)
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		take(ends.convert(buf[:n]))
		if err == io.EOF {
			take(ends.rest())
			h.Sum(s.sum[:0])
			return s, nil
		}
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return s, err
		}
	}
}

// cause is why work ends: what ended the context, or another error.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
