package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// errNotRegular: what should be a file is a directory, a link or a device.
var errNotRegular = errors.New("not a regular file")

// retry repeats a call that a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// stat asks about a name in a directory without following a symbolic link.
func stat(dir int, name string, st *unix.Stat_t) error {
	return retry(func() error { return unix.Fstatat(dir, name, st, unix.AT_SYMLINK_NOFOLLOW) })
}

// statRegular is stat for what must be a regular file.
func statRegular(dir int, name string, st *unix.Stat_t) error {
	if err := stat(dir, name, st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errNotRegular
	}
	return nil
}

// openFile opens a name in a directory for reading. It follows no symbolic link
// and does not wait at a pipe.
func openFile(dir int, name string) (fd int, err error) {
	err = retry(func() (err error) {
		fd, err = unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		return err
	})
	return fd, err
}

// openDown opens the directory path below dir, no symbolic link on the way.
func openDown(dir int, path string) (int, error) { return ims.OpenBelow(dir, path, unix.O_DIRECTORY) }

// notThere tells whether an error says that a file does not exist.
func notThere(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) }

// readSome fills b as far as the file goes; no call is made behind the end that
// size tells.
func readSome(fd int, b []byte, size int64) (int, error) {
	n := 0
	for n < len(b) && int64(n) < size {
		var m int
		err := retry(func() (err error) {
			m, err = unix.Read(fd, b[n:])
			return err
		})
		if err != nil {
			return n, fmt.Errorf("read: %w", err)
		}
		if m == 0 {
			break
		}
		n += m
	}
	return n, nil
}

// listDir lists a directory in byte order of the names.
func listDir(l *nms.Lister, dir int) ([]nms.Entry, error) {
	entries, err := l.List(dir, nil)
	slices.SortFunc(entries, func(a, b nms.Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, err
}

// fileKey tells one file from another: equal for hard links.
type fileKey struct{ dev, ino uint64 }

func keyOf(st *unix.Stat_t) fileKey { return fileKey{uint64(st.Dev), st.Ino} }

// facts are what the bytes of a message say.
type facts struct {
	size   int64
	sum    [32]byte
	header headerFacts
	bareLF bool // a line end is not CR LF
}

// factCache remembers files that have several names, so that each is read once
// as long as its names are not too far apart.
type factCache struct {
	mu sync.Mutex
	m  map[fileKey]facts
}

// factsKept bounds the cache: some 40 MiB.
const factsKept = 1 << 17

func (c *factCache) get(key fileKey) (facts, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.m[key]
	return f, ok
}

func (c *factCache) put(key fileKey, f facts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = make(map[fileKey]facts)
	}
	for old := range c.m {
		if len(c.m) < factsKept {
			break
		}
		delete(c.m, old)
	}
	c.m[key] = f
}

// messageReader reads messages; it belongs to one goroutine.
type messageReader struct {
	cache *factCache
	buf   []byte // maxHeader bytes
	h     hash.Hash
	sum   [32]byte // of h
}

func newMessageReader(cache *factCache) *messageReader {
	return &messageReader{cache: cache, buf: make([]byte, maxHeader), h: sha256.New()}
}

// read reads the file name in dir and fills st. The file is opened before it is
// asked about, which saves the way to it once; notThere tells of an error that
// there is no such file.
func (r *messageReader) read(ctx context.Context, dir int, name string, st *unix.Stat_t) (facts, error) {
	fd, err := openFile(dir, name)
	if err != nil {
		if why := statRegular(dir, name, st); why != nil {
			return facts{}, why
		}
		return facts{}, fmt.Errorf("open: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Fstat(fd, st); err != nil {
		return facts{}, fmt.Errorf("stat: %w", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return facts{}, errNotRegular
	}
	key := keyOf(st)
	if st.Nlink > 1 {
		if f, ok := r.cache.get(key); ok {
			return f, nil
		}
	}
	f, err := r.readOpen(ctx, fd, st.Size)
	if err == nil && st.Nlink > 1 && len(f.header.ids[0])+len(f.header.ids[1]) < 256 {
		r.cache.put(key, f)
	}
	return f, err
}

func (r *messageReader) readOpen(ctx context.Context, fd int, size int64) (facts, error) {
	var f facts
	last := byte(0)
	r.h.Reset()
	for first := true; ; first = false {
		if ctx.Err() != nil {
			return f, context.Cause(ctx)
		}
		n, err := readSome(fd, r.buf, size-f.size)
		if err != nil {
			return f, err
		}
		if first {
			f.header = readHeader(r.buf[:n])
		}
		r.h.Write(r.buf[:n])
		f.bareLF = f.bareLF || bareLF(r.buf[:n], last)
		if n > 0 {
			last = r.buf[n-1]
		}
		f.size += int64(n)
		if n < len(r.buf) || f.size >= size {
			r.h.Sum(r.sum[:0])
			f.sum = r.sum
			return f, nil
		}
	}
}

// Line ends are looked at eight bytes at a time and without a branch, so that
// the time is the same for lines of any length: to search for each LF costs, on
// lines of 70 bytes, twice as much, and on very short ones twenty times.

// bareLF looks for a LF without a CR in front; last is the byte before b.
func bareLF(b []byte, last byte) bool {
	if len(b) > 0 && b[0] == '\n' && last != '\r' {
		return true
	}
	le := binary.LittleEndian
	for ; len(b) > 32; b = b[32:] {
		p := b[:33]
		bare := bareIn(le.Uint64(p[1:]), le.Uint64(p)) | bareIn(le.Uint64(p[9:]), le.Uint64(p[8:])) |
			bareIn(le.Uint64(p[17:]), le.Uint64(p[16:])) | bareIn(le.Uint64(p[25:]), le.Uint64(p[24:]))
		if bare&highBits != 0 {
			return true
		}
	}
	for i := 1; i < len(b); i++ {
		if b[i] == '\n' && b[i-1] != '\r' {
			return true
		}
	}
	return false
}

// Eight bytes of one value, and the highest bits of eight bytes.
const (
	eachOne  = 0x0101010101010101
	eachLF   = '\n' * eachOne
	eachCR   = '\r' * eachOne
	highBits = 0x80 * eachOne
)

// bareIn has the high bit of each of the eight bytes of text that is a LF while
// the one of before, in front of it, is no CR. Its other bits say nothing.
func bareIn(text, before uint64) uint64 { return notZero(before^eachCR) &^ notZero(text^eachLF) }

// notZero has the high bit of each byte of x that is not zero: its own, or the
// one that is left when one is taken off. Its other bits say nothing.
func notZero(x uint64) uint64 { return ((x | highBits) - eachOne) | x }

// fdReader reads an open file; its owner closes the descriptor.
type fdReader int

func (fd fdReader) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	err = retry(func() (err error) {
		n, err = unix.Read(int(fd), p)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read: %w", err)
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// damagedHead is how much of an index that does not begin as ours is searched
// for traces of ours, in bytes: docs/formats.md says so, and whoever reads one.
const damagedHead = 16 << 10

// headerNames are those of an index of ours. The vendor's index is binary, so
// that three lines with such names are none of it.
var headerNames = []string{
	"Name", "Version", "Exists", "Largest Msg", "Last Append", "Last UID", "Oldest Msg", "Oldest Uid",
	"Quota Used", "UID Validity", "ACL", "Userflags", "Subscribed", "Partition", "Bare LF",
}

// damagedIndex says what tells that an index which does not begin as ours is
// ours all the same: lost and strange first lines, other line ends, nothing
// left. "" is the vendor's.
func damagedIndex(fd int) (why string, err error) {
	head := make([]byte, damagedHead)
	n := 0
	for n < len(head) {
		var m int
		err := retry(func() (err error) {
			m, err = unix.Pread(fd, head[n:], int64(n))
			return err
		})
		if err != nil {
			return "", err
		}
		if m == 0 {
			break
		}
		n += m
	}
	return indexTraces(head[:n], n == len(head)), nil
}

// indexTraces looks for the marker, header lines and records of an index of
// ours. The last line is incomplete when the head is cut.
func indexTraces(head []byte, cut bool) string {
	switch {
	case len(head) == 0:
		return "it is empty"
	case len(bytes.Trim(head, "\x00")) == 0 && cut:
		return "its first 16 KiB are nothing but zero bytes"
	case len(bytes.Trim(head, "\x00")) == 0:
		return "it is nothing but zero bytes"
	case !cut && bytes.HasPrefix([]byte("imsconv-store.idx 1\n"), head):
		return "it ends within its first line"
	case bytes.Contains(head, []byte("imsconv-store.idx ")), bytes.Contains(head, []byte("Version: imsconv-")):
		return "its first line is not that of an index, the marker stands elsewhere"
	}
	lines := strings.FieldsFunc(string(head), func(r rune) bool { return r == '\n' || r == '\r' })
	if cut && len(lines) > 1 {
		lines = lines[:len(lines)-1]
	}
	fields, records := 0, 0
	var rec ims.Record
	for _, line := range lines {
		if name, _, ok := strings.Cut(line, ":"); ok && isHeaderName(name) {
			fields++
		} else if rec.Parse([]byte(line)) == nil {
			records++
		}
	}
	if fields >= 3 || 2*records > len(lines) {
		return "its first line is lost, header lines or records are there"
	}
	return ""
}

func isHeaderName(name string) bool {
	for _, n := range headerNames {
		if n == name {
			return true
		}
	}
	return false
}

// indexHead reads an index, and keeps the bytes of its header: a reader of the
// fields does not tell whether all were there, and each once.
type indexHead struct {
	fd     fdReader
	text   []byte // up to the empty line, that one too
	whole  bool
	header []byte // of form: used again
}

func (h *indexHead) reset(fd int) {
	*h = indexHead{fd: fdReader(fd), text: h.text[:0], header: h.header}
}

func (h *indexHead) Read(p []byte) (int, error) {
	n, err := h.fd.Read(p)
	if !h.whole {
		from := max(len(h.text)-1, 0) // the empty line may be cut in two
		h.text = append(h.text, p[:n]...)
		if end := bytes.Index(h.text[from:], []byte("\n\n")); end >= 0 {
			h.text, h.whole = h.text[:from+end+2], true
		}
	}
	return n, err
}

// headerForm tells what the header of an index has not as docs/formats.md says:
// each field in one line, in their order, with its value in one form. What a
// line says is headerFields' to judge. A field that is lost or there twice may
// well be the one that a mailbox without messages has nothing else for.
func (c *boxChecker) headerForm(path string) {
	h := &c.head
	if h.header = c.res.header.Append(h.header[:0]); bytes.Equal(h.header, h.text) {
		return
	}
	has, want := headerLines(h.text), headerLines(h.header)
	var names []string
	again := make(map[string]bool)
	for _, line := range has {
		if !slices.Contains(names, line.name) {
			names = append(names, line.name)
		} else if !again[line.name] {
			again[line.name] = true
			c.note(problem("index-header", path, "%s is there more than once: nobody knows which one holds", line.name))
		}
	}
	at, ordered := 0, true
	for _, line := range want {
		n := slices.Index(names, line.name)
		if n < 0 {
			c.note(problem("index-header", path, "%s is not there", line.name))
			continue
		}
		ordered, at = ordered && n >= at, n
	}
	if !ordered {
		c.note(problem("index-header", path, "the fields are in another order than every index has them"))
	}
	for _, line := range want {
		i := slices.IndexFunc(has, func(l headerLine) bool { return l.name == line.name })
		if i < 0 || again[line.name] || line.name == "Version" && c.res.header.Version != indexVersion { // told
			continue
		}
		if has[i].value != line.value {
			c.note(problem("index-header", path, "%s is written %q, should be %q", line.name, clip(has[i].value), clip(line.value)))
		}
	}
}

// headerLine is a line of a header: all behind the colon is its value.
type headerLine struct{ name, value string }

// headerLines are the lines behind the first.
func headerLines(text []byte) (lines []headerLine) {
	_, rest, _ := strings.Cut(string(text), "\n")
	for line := range strings.Lines(strings.TrimSuffix(rest, "\n")) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		lines = append(lines, headerLine{name, value})
	}
	return lines
}
