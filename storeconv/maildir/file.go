package maildir

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"imsconv/storeconv/ims"
)

// MaxKeywords is how many keywords a mailbox can have: the letters a to z.
const MaxKeywords = 26

// FileName returns the base name of a message file: "<date>.M<uid>P0.imsconv"
// with both sizes, in bytes; vsize is the size with every line end as CRLF. The
// flags of an Info follow it on disk. A date before 1970 is written as 0.
func FileName(date int64, uid uint32, size, vsize int64) string {
	b := make([]byte, 0, 64)
	b = strconv.AppendInt(b, max(date, 0), 10)
	b = append(b, ".M"...)
	b = strconv.AppendUint(b, uint64(uid), 10)
	b = append(b, "P0.imsconv,S="...)
	b = strconv.AppendInt(b, size, 10)
	b = append(b, ",W="...)
	b = strconv.AppendInt(b, vsize, 10)
	return string(b)
}

// Info returns what follows the base name in cur: ":2," and the flags.
func Info(letters string) string { return ":2," + letters }

// File is the name of a message file, taken apart. Numbers are -1 where the
// name does not say them.
type File struct {
	Base    string // without the flags
	Flags   string // letters behind ":2,"
	HasInfo bool   // there is a ":2,", or one with another separator
	Date    int64  // seconds since 1970, the number in front
	Size    int64  // S=, bytes of the file
	VSize   int64  // W=, bytes with CRLF
}

// ParseFileName takes the name of a message file apart. Any name is one.
func ParseFileName(name string) File {
	f := File{Base: name, Date: -1, Size: -1, VSize: -1}
	if i := strings.IndexByte(name, ':'); i >= 0 {
		f.Base = name[:i]
		if flags, ok := strings.CutPrefix(name[i+1:], "2,"); ok {
			f.HasInfo = true
			f.Flags, _, _ = strings.Cut(flags, ",")
		}
	} else if end, flags, ok := otherInfo(name); ok {
		f.Base, f.Flags, f.HasInfo = name[:end], name[flags:], true
	}
	if secs, _, ok := strings.Cut(f.Base, "."); ok {
		f.Date = number(secs)
	}
	f.Size, f.VSize = sizeIn(f.Base, ",S="), sizeIn(f.Base, ",W=")
	return f
}

// otherInfo finds flags at the end of a name without a colon, behind what some
// file systems and programs have in its place: ";" (mbsync and mutt on
// Windows), "!" (getmail, offlineimap, Evolution, Python), U+F03A (Cygwin,
// Samba), U+F022 (macOS, cifs of Linux), U+FF1A (rclone), "%3A" (what copies by
// WebDAV), or any other mark, as mbsync and NeoMutt can be told to write and
// what unpacks archives puts there. The base name ends at end. Behind a mark
// that base names may have, only the flags of Maildir itself count.
func otherInfo[T string | []byte](name T) (end, flags int, ok bool) {
	flags = len(name)
	lower := false
	for flags > 0 && isLetter(name[flags-1]) {
		flags--
		lower = lower || strings.IndexByte("DFPRST", name[flags]) < 0
	}
	end = flags - 2 // of "2,", and then of the mark
	if end < 2 || name[flags-1] != ',' || name[flags-2] != '2' {
		return 0, 0, false
	}
	for _, mark := range marks {
		if end > len(mark) && strings.EqualFold(string(name[end-len(mark):end]), mark) {
			return end - len(mark), flags, true
		}
	}
	c := name[end-1]
	if lower || c < ' ' || c > '~' || isLetter(c) || c >= '0' && c <= '9' || c == '.' || c == ',' {
		return 0, 0, false
	}
	return end - 1, flags, true
}

// marks stand in place of a colon and nowhere else.
var marks = [...]string{";", "!", "\uf03a", "\uf022", "\uff1a", "%3a"}

// oddInfo is the end of a name where flags may be that nobody can read: behind
// what is no mark, behind a second colon, or in another form than "2,".
var oddInfo = regexp.MustCompile(`[12],[DFPRSTa-z]+$`)

// OddFlags tells that the name may have flags in a form that is not known.
func (f *File) OddFlags(name string) bool { return !f.HasInfo && oddInfo.MatchString(name) }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// sizeIn returns the number behind key, which a comma or the end must follow.
func sizeIn(base, key string) int64 {
	_, rest, ok := strings.Cut(base, key)
	if !ok {
		return -1
	}
	rest, _, _ = strings.Cut(rest, ",")
	return number(rest)
}

// number parses decimal digits; -1 is anything else.
func number(s string) int64 {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return -1
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

var letters = []struct {
	letter byte
	flag   ims.Flags
}{{'D', ims.Draft}, {'F', ims.Flagged}, {'R', ims.Answered}, {'S', ims.Seen}, {'T', ims.Deleted}}

// FlagLetters returns the letters of system flags and of keywords, which are
// numbers below MaxKeywords, in the order of ASCII. Flags and numbers that have
// no letter are left out.
func FlagLetters(flags ims.Flags, keywords []int) string {
	var b []byte
	for _, l := range letters {
		if flags&l.flag != 0 {
			b = append(b, l.letter)
		}
	}
	for _, k := range keywords {
		if k >= 0 && k < MaxKeywords {
			b = append(b, 'a'+byte(k))
		}
	}
	slices.Sort(b)
	return string(slices.Compact(b))
}

// ParseLetters is the inverse of FlagLetters. other are letters that stand for
// neither, such as P (passed).
func ParseLetters(s string) (flags ims.Flags, keywords []int, other string) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		at := slices.IndexFunc(letters, func(l struct {
			letter byte
			flag   ims.Flags
		}) bool {
			return l.letter == c
		})
		switch {
		case at >= 0:
			flags |= letters[at].flag
		case c >= 'a' && c <= 'z':
			keywords = append(keywords, int(c-'a'))
		default:
			other += string(c)
		}
	}
	slices.Sort(keywords)
	return flags, slices.Compact(keywords), other
}
