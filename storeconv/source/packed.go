package source

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/pierrec/lz4/v4"

	"imsconv/storeconv/maildir"
	"imsconv/storeconv/mbox"
)

// packing is a compression of whole mailbox files, known by their first bytes.
// What has no open is refused by the name of the program that undoes it.
type packing struct {
	magic, end, name string
	open             func(io.Reader) (io.Reader, error)
	program          string
}

var packings = []packing{
	{"\x1f\x8b", ".gz", "gzip", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }, ""},
	{"\x04\x22\x4d\x18", ".lz4", "LZ4", func(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil }, ""},
	{"BZh", ".bz2", "bzip2", func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }, ""},
	{"\xfd7zXZ\x00", ".xz", "xz", nil, "xz -d"},
	{"\x28\xb5\x2f\xfd", ".zst", "zstd", nil, "zstd -d"},
	{"\x1f\x9d", ".Z", "compress", nil, "gzip -d"},
	{"LZIP", ".lz", "lzip", nil, "lzip -d"},
	{"PK\x03\x04", ".zip", "zip", nil, "unzip"},
}

// packingOf is the compression of a file that begins so; nil: none.
func packingOf(head []byte) *packing {
	for i, p := range packings {
		if bytes.HasPrefix(head, []byte(p.magic)) {
			return &packings[i]
		}
	}
	return nil
}

func headOf(f io.ReaderAt, size int) []byte {
	head := make([]byte, size)
	n, _ := f.ReadAt(head, 0) // an error comes again
	return head[:n]
}

// plainName is the name of a file in d without the end that its compression has
// given it.
func plainName(d *maildir.Dir, name string) string {
	for _, p := range packings {
		plain, ok := strings.CutSuffix(name, p.end)
		if !ok || plain == "" {
			continue
		}
		f, _, err := d.OpenFile(name)
		if err != nil {
			return name
		}
		defer f.Close()
		if is := packingOf(headOf(f, 8)); is != nil && is.end == p.end {
			return plain
		}
	}
	return name
}

// begins returns the first bytes of a file, of a compressed one those that are
// packed in it.
func begins(f io.ReaderAt, size int) []byte {
	head := headOf(f, size)
	p := packingOf(head)
	if p == nil || p.open == nil {
		return head
	}
	r, err := p.open(io.NewSectionReader(f, 0, 1<<62))
	if err != nil {
		return nil
	}
	n, _ := io.ReadFull(r, head[:cap(head)]) // what is damaged is so when it is read
	return head[:n]
}

// mboxFile is an open mailbox file. Compressed ones and standard input are
// temporary files that have no name any more.
type mboxFile struct {
	*os.File
	size int64
	time int64 // of its last change; 0: not known
}

// unpacked returns the file as it is where it is not compressed, else what is
// in it, as far as it can be read: damage says what not.
func unpacked(f *os.File, info maildir.FileInfo) (m *mboxFile, damage, err error) {
	p := packingOf(headOf(f, 8))
	switch {
	case p == nil:
		return &mboxFile{f, info.Size, info.Time}, nil, nil
	case p.open == nil:
		return nil, nil, &refusedPacking{p, info.Size}
	}
	r, damage := p.open(io.NewSectionReader(f, 0, info.Size))
	if damage != nil {
		r = strings.NewReader("")
	}
	m, damage2, err := spooled(r)
	if err != nil {
		return nil, nil, err
	}
	if damage = errors.Join(damage, damage2); damage != nil {
		damage = fmt.Errorf("compressed with %s, and damaged behind %d bytes of text: the rest is lost: %w", p.name, m.size, plainDamage(damage))
	}
	m.time = info.Time
	return m, damage, nil
}

// refusedPacking is for a file of a compression that is not undone here.
type refusedPacking struct {
	*packing
	size int64
}

func (e *refusedPacking) Error() string {
	return fmt.Sprintf("compressed with %s: %d bytes are left out; undo that first (%s)", e.name, e.size, e.program)
}

// damaged is what a decoder says, in words that are not its library's.
type damaged struct {
	text string
	err  error
}

func (d *damaged) Error() string { return d.text }
func (d *damaged) Unwrap() error { return d.err }

// plainDamage says in plain words what a decoder did not like. An error of the
// file below it stays as it is.
func plainDamage(err error) error {
	var file *fs.PathError
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case errors.As(err, &file):
		return err
	case is(io.ErrUnexpectedEOF), is(io.EOF):
		return &damaged{"it ends too early: the file has been cut", err}
	case is(gzip.ErrChecksum), is(lz4.ErrInvalidFrameChecksum), is(lz4.ErrInvalidBlockChecksum), is(lz4.ErrInvalidHeaderChecksum):
		return &damaged{"a checksum is wrong", err}
	case is(gzip.ErrHeader), is(lz4.ErrInvalidFrame):
		return &damaged{"it is followed by something else", err}
	}
	return &damaged{"its bytes make no sense", err}
}

// spooled copies r to a temporary file. An error of r is damage.
func spooled(r io.Reader) (m *mboxFile, damage, err error) {
	f, err := os.CreateTemp("", "storeconv-mbox-")
	if err != nil {
		return nil, nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, nil, err
	}
	in := &failed{r: r}
	size, err := io.Copy(f, in)
	if err != nil && in.err == nil {
		f.Close()
		return nil, nil, err
	}
	return &mboxFile{File: f, size: size}, in.err, nil
}

// failed remembers the error of a reader.
type failed struct {
	r   io.Reader
	err error
}

// Read reads from the reader.
func (f *failed) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// OpenMbox opens a mailbox file that can be read only once, such as standard
// input, under a name for messages: a temporary file takes its text, and gzip,
// LZ4 and bzip2 are undone. Options.User says whose INBOX it is.
func OpenMbox(name string, r io.Reader, opt Options) (*Source, error) {
	if opt.User == "" {
		return nil, errors.New(name + ": whose mail is it?")
	}
	first, err := firstSpool(name, r)
	if err != nil {
		return nil, err
	}
	m, damage, err := unpacked(first.File, maildir.FileInfo{Size: first.size})
	if m == nil || m.File != first.File {
		first.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	m.time = latest(m)
	opt.Kind = Mbox
	s := &Source{opt: opt, path: name, input: m, mine: true, users: []place{{opt.User, "", true}}, links: make(map[fileKey]*firstCopy), shared: -1}
	if damage != nil {
		s.noteBad("", &maildir.Error{Class: "compressed", Err: damage})
	}
	s.begin()
	return s, nil
}

func firstSpool(name string, r io.Reader) (*mboxFile, error) {
	m, damage, err := spooled(r)
	if err == nil && damage != nil {
		m.Close()
		err = damage
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// latest is the latest receive date in a file: what stands for its time where
// nothing else says that.
func latest(m *mboxFile) (date int64) {
	for msg := range mbox.NewReader(m, m.size, mbox.Options{}).All() {
		if msg != nil {
			date = max(date, msg.Date)
		}
	}
	return date
}

// sum is the SHA-256 of a file.
func (m *mboxFile) sum() (sum [32]byte) {
	h := sha256.New()
	io.Copy(h, io.NewSectionReader(m, 0, m.size)) // an error comes again
	h.Sum(sum[:0])
	return sum
}
