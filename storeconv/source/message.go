package source

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"imsconv/storeconv/maildir"
	"imsconv/storeconv/sims"
)

type fileKey struct{ dev, ino uint64 }

// firstCopy is the member that later links to its file name.
type firstCopy struct {
	name string
	date int64
	left uint64 // names of the file that have not come yet
	at   int    // place of its body
}

// copyFile is a file whose body a link may need later.
type copyFile struct {
	offset, size int64
	path         string
}

// maxCopies bounds the files that are remembered for links. What is linked to
// others becomes messages.
const maxCopies = 500_000

// firstDate is the first number in front of a name that counts as a date: 1973.
const firstDate = 100_000_000

// day is how much younger than its name a file may be, in seconds.
const day = 24 * 60 * 60

// message gives one message. false: nobody wants more.
func (b *maildirBox) message(m maildir.Message) bool {
	text, err := b.dir.OpenMessage(m)
	if err != nil {
		b.s.tell(err)
		return !b.s.over
	}
	f := maildir.ParseFileName(m.Name)
	member := &sims.Member{
		Kind: sims.Message, Name: b.user + "/" + b.name + "/" + strconv.FormatUint(uint64(m.UID), 10),
		User: b.user, Mailbox: b.name, UID: m.UID, Size: text.Info.Size, Time: text.Info.Time,
		Flags: b.flags(m, f), Subscribed: -1,
	}
	if f.Date >= firstDate && f.Date < 1<<40 && member.Time-f.Date > day {
		member.Time = f.Date
		b.renewed++
	}
	path := b.where(b.fileName(m.String()))
	body, err := unpack(text, f, member)
	switch {
	case err != nil:
		text.Close()
		b.s.told(path, "compressed", 2, err.Error())
		return !b.s.over
	case body == nil:
		body = io.LimitReader(text, text.Info.Size)
		b.tellSize(path, f, member.Size)
		b.s.link(member, text.Info, path)
	}
	b.s.body, b.s.bodyAt, b.s.closer = body, path, text
	return b.s.emit(member)
}

// tellSize compares a file with the size that its name says.
func (b *maildirBox) tellSize(path string, f maildir.File, size int64) {
	switch {
	case f.Size < 0 || f.Size == size:
	case f.Size > size:
		b.s.told(path, "cut-short", 2, fmt.Sprintf("the file has %d bytes, its name says %d: the rest is lost", size, f.Size))
	default:
		b.s.told(path, "bad-size", 1, fmt.Sprintf("the file has %d bytes, its name says %d", size, f.Size))
	}
}

// link makes the member of a file with several names a link to the first one.
func (s *Source) link(m *sims.Member, info maildir.FileInfo, path string) {
	s.shared = -1
	if info.Links < 2 {
		return
	}
	key := fileKey{info.Dev, info.Ino}
	if first := s.links[key]; first != nil {
		if first.left--; first.left == 0 {
			delete(s.links, key)
		}
		if first.date == m.Time {
			m.Kind, m.Link, m.Size = sims.Link, first.name, 0
			s.shared = first.at
		}
		return
	}
	if len(s.again) >= maxCopies {
		if !s.full {
			s.full = true
			s.told(path, "links", 1, "more files with several names than are remembered: from here on each is a message of its own")
		}
		return
	}
	s.shared = len(s.again)
	s.links[key] = &firstCopy{m.Name, m.Time, info.Links - 1, s.shared}
	s.mu.Lock()
	s.again = append(s.again, copyFile{s.offset, m.Size, path})
	s.mu.Unlock()
}

// Shared tells of the last member whether it is a message that links may name,
// or such a link, and where ReadAt finds its body.
func (s *Source) Shared() (offset, size int64, ok bool) {
	if s.shared < 0 {
		return 0, 0, false
	}
	c := s.again[s.shared]
	return c.offset, c.size, true
}

// ReadAt reads from the body of a message by the offset of its member, where a
// link may need it: of files with several names.
func (s *Source) ReadAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	i, _ := slices.BinarySearchFunc(s.again, off, func(c copyFile, off int64) int {
		if c.offset+c.size <= off {
			return -1
		}
		return 1
	})
	var c copyFile
	if i < len(s.again) {
		c = s.again[i]
	}
	s.mu.Unlock()
	if c.path == "" || off < c.offset {
		return 0, errors.New("the body can be read once only")
	}
	f, err := openFileBelow(s.root, c.path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return io.NewSectionReader(f, 0, c.size).ReadAt(p, off-c.offset)
}

// magics are the compressions that servers store messages with.
var magics = []struct{ magic, name string }{
	{"\x1f\x8b", "gzip"}, {"BZh", "bzip2"}, {"\xfd7zXZ\x00", "xz"}, {"\x28\xb5\x2f\xfd", "zstd"}, {"Dovecot-LZ4", "lz4"},
}

// unpack looks whether a file is compressed, which text of a message never
// looks like. It returns the text behind gzip, and nil for what is not
// compressed.
func unpack(f *maildir.Text, name maildir.File, m *sims.Member) (io.Reader, error) {
	head := make([]byte, 16)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, nil // comes again with the body
	}
	for _, c := range magics {
		switch {
		case !bytes.HasPrefix(head[:n], []byte(c.magic)):
		case c.name == "bzip2" && name.Size == f.Info.Size:
			return nil, nil // text that begins with BZh
		case c.name == "gzip":
			return gunzip(f, m)
		default:
			return nil, fmt.Errorf("compressed with %s: decompress the files of the Maildir first", c.name)
		}
	}
	return nil, nil
}

func gunzip(f *maildir.Text, m *sims.Member) (io.Reader, error) {
	z, err := gzip.NewReader(f)
	if err == nil {
		m.Size, err = io.Copy(io.Discard, z)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err == nil {
		err = z.Reset(f)
	}
	if err != nil {
		return nil, fmt.Errorf("compressed, and damaged: %w", plainDamage(err))
	}
	return z, nil
}
