package sims

import (
	"fmt"
	"strconv"
	"strings"
)

// bodyKey tells what an extended header's record makes of the body that
// follows: nothing (""), or another thing than the file's bytes one after the
// other, in words for a refusal. Such a body stored as a message would be
// damage that nobody is told of.
//
// GNU.sparse.* are the three sparse formats of GNU tar (0.0, 0.1, 1.0),
// SUN.holesdata that of Solaris, SCHILY.filetype the true type in archives of
// star; GNU.volume.* and SCHILY.offset mark what another volume begins. Of keys
// that are not known, those count that say the same in their names. Extended
// attributes have names of their users' choice behind the prefix.
func bodyKey(key, value string) string {
	lower := strings.ToLower(key)
	switch {
	case strings.Contains(lower, "xattr."), strings.HasPrefix(lower, "rht.security"):
		return ""
	case key == "SCHILY.filetype":
		if value == "sparse" || value == "meta" || value == "unallocated" {
			return fmt.Sprintf("a file that the archive does not hold in full (%s=%s)", key, value)
		}
	case strings.HasPrefix(key, "GNU.volume."), key == "SCHILY.offset" && strings.Trim(value, "0") != "":
		return "the rest of a file that another volume begins (" + DisplayName(key) + ")"
	case strings.Contains(lower, "sparse"), strings.Contains(lower, "holes"):
		return "a sparse file: its body is a map and the parts that are not zero (" + DisplayName(key) + ")"
	case strings.Contains(lower, "compress"), strings.Contains(lower, "encrypt"), strings.Contains(lower, "crypto"):
		return "a file whose body is encoded (" + DisplayName(key) + ")"
	}
	return ""
}

// body notes a record that may change what the body means.
func (e *extended) body(key, value string) {
	switch key {
	case "GNU.sparse.name":
		e.realName = value
	case "SCHILY.realsize":
		// star writes it beside the size of any large file, too.
		e.realSize = value
	}
	if text := bodyKey(key, value); text != "" && e.change == "" {
		e.change = text
	}
}

// changed says why a body of size bytes is not the file's bytes; "" when it is.
func (e *extended) changed(size int64) string {
	if e.change != "" || e.realSize == "" {
		return e.change
	}
	if n, err := strconv.ParseInt(e.realSize, 10, 64); err != nil || n != size {
		return "a file that the archive does not hold in full (SCHILY.realsize=" + DisplayName(e.realSize) + ")"
	}
	return ""
}

// linkBody returns the size of the body behind the header of a hard link, of
// which the header says size. POSIX lets a link carry its data (linkdata);
// older programs wrote the size there and no body. What follows decides: a
// header, or the end, stands in place of a body, and stands behind one.
func (r *Reader) linkBody(size int64) int64 {
	if size <= 0 || size > maxBody {
		return 0
	}
	next := r.fill(2 * blockSize)[min(blockSize, r.hi-r.lo):]
	if len(next) < blockSize || isZero(next) || isHeader(next) {
		return 0
	}
	if size > MaxInline {
		return size
	}
	end := blockSize + int(roundUp(size))
	b := r.fill(end + blockSize)
	if len(b) < end {
		return 0
	}
	if rest := b[end:]; len(rest) == blockSize && !isZero(rest) && !isHeader(rest) {
		return 0
	}
	return size
}

// Where an old GNU sparse header says that more of its map follows.
const (
	offMore     = 482 // in the header
	offMoreNext = 504 // in a block of the map
)

// sparseMap passes over the blocks of the map behind an old GNU sparse header
// (type S), so that the size counts from the body on.
func (r *Reader) sparseMap(more bool) {
	for more {
		b := r.fill(blockSize)
		if len(b) < blockSize || isHeader(b) {
			return
		}
		more = b[offMoreNext] != 0
		r.advance(blockSize)
	}
}

// shared are the records of a global header that the members behind it take:
// the profile has no use for them, yet they are in force.
type shared struct {
	change string // what it makes of every body
	mtime  int64
	hasMtime,
	badMtime bool
}

// take keeps of the records of a global header what concerns members.
// It reports records that cannot be meant for all that follows.
func (s *shared) take(e *extended) string {
	if e.hasMtime || e.badMtime {
		s.mtime, s.hasMtime, s.badMtime = e.mtime, e.hasMtime, e.badMtime
	}
	if e.change != "" {
		s.change = e.change
	}
	var names []string
	for _, f := range []struct {
		has  bool
		name string
	}{{e.hasPath, "path"}, {e.hasLink, "linkpath"}, {e.hasSize, "size"}} {
		if f.has {
			names = append(names, f.name)
		}
	}
	if names == nil {
		return ""
	}
	return "the global header gives one " + strings.Join(names, ", ") + " to all members; it is passed over"
}

// apply gives a member what the global header says and its own does not.
func (s *shared) apply(e *extended) {
	if !e.hasMtime && !e.badMtime {
		e.mtime, e.hasMtime, e.badMtime = s.mtime, s.hasMtime, s.badMtime
	}
	if e.change == "" {
		e.change = s.change
	}
}
