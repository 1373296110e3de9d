package bench

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"imsconv/storeconv/sims"
)

// Seen is what a real collection of mail looks like.
type Seen struct {
	Messages, Links  int64 // of the messages, links are later copies
	Users, Mailboxes int64 // 0: not known
	sizes            Histogram
}

// ErrNoMessages: what was looked at holds no messages.
var ErrNoMessages = errors.New("there are no messages in it")

// Shape is a synthetic stream of that many messages which looks alike: sizes,
// the part of links, and messages and mailboxes a user, where they are known.
// def says what is not known.
func (s *Seen) Shape(messages int64, def Shape) Shape {
	out := def
	out.Messages, out.Sizes = messages, Sizes{Table: s.table()}
	out.Links = min(float64(s.Links)/float64(s.Messages), 0.95)
	if s.Users > 0 {
		out.Users = min(max(messages*s.Users/s.Messages, 1), messages)
		out.Mailboxes = max((s.Mailboxes+s.Users/2)/s.Users, 1)
	}
	return out
}

// table is the sizes, the largest ones cut to what a synthetic message has at
// most.
func (s *Seen) table() []SizeRange {
	var out []SizeRange
	for _, r := range s.sizes.ranges() {
		if r.Low > MaxMessage {
			r.Low = MaxMessage
		}
		r.High = min(r.High, MaxMessage)
		if n := len(out); n > 0 && out[n-1].High >= r.Low {
			out[n-1].Count += r.Count
			continue
		}
		out = append(out, r)
	}
	return out
}

func (s *Seen) message(size int64) {
	s.Messages++
	s.sizes.addValue(size)
}

func (s *Seen) check() (*Seen, error) {
	if s.sizes.Count() == 0 {
		return nil, ErrNoMessages
	}
	return s, nil
}

// likeStream reads a SIMS backup stream. Damage is passed over.
func likeStream(r io.Reader) (*Seen, error) {
	s := new(Seen)
	var user, box string
	for m, err := range sims.NewReader(r).All() {
		if sims.ErrorOf(err) != nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		if m.User != user {
			user, box = m.User, ""
			s.Users++
		}
		if m.Mailbox != "" && m.Mailbox != box {
			box = m.Mailbox
			s.Mailboxes++
		}
		switch m.Kind {
		case sims.Message:
			s.message(m.Size)
		case sims.Link:
			s.Messages++
			s.Links++
		}
	}
	return s.check()
}

// likeMbox reads an mbox: a line that begins with "From " behind an empty line
// starts a message.
func likeMbox(r io.Reader) (*Seen, error) {
	s := &Seen{Users: 1, Mailboxes: 1}
	in := bufio.NewReaderSize(r, 1<<16)
	size, empty, starts := int64(-1), true, true // size of the message so far; before this line
	for {
		line, err := in.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull && err != io.EOF {
			return nil, err
		}
		if starts && empty && bytes.HasPrefix(line, []byte("From ")) {
			if size >= 0 {
				s.message(size)
			}
			size = 0
		} else if size >= 0 {
			size += int64(len(line))
		}
		if err == io.EOF {
			break
		}
		empty = starts && len(bytes.TrimRight(line, "\r\n")) == 0
		starts = err == nil
	}
	if size >= 0 {
		s.message(size)
	}
	return s.check()
}

// LikeTree walks a tree of message files: a store of ours, one of NMS, or an
// export as Maildir. Files are messages by their names (NUMBER.msg) or by their
// folders (cur and new); a file with several names counts as the later copies
// that it is.
func LikeTree(root string) (*Seen, error) {
	t := &treeWalk{seen: new(Seen), inodes: make(map[inode]bool), boxes: make(map[string]bool), users: make(map[string]bool)}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.Type().IsRegular() {
			return t.file(path, e)
		}
		if e.IsDir() && e.Name() == ".imsconv" {
			return fs.SkipDir // trees that are being made
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.seen.Users, t.seen.Mailboxes = int64(len(t.users)), int64(len(t.boxes))
	return t.seen.check()
}

type inode struct{ dev, ino uint64 }

// treeWalk is one walk over a tree. It remembers the files with several names,
// mailboxes and users.
type treeWalk struct {
	seen   *Seen
	inodes map[inode]bool
	boxes  map[string]bool
	users  map[string]bool
}

func (t *treeWalk) file(path string, e fs.DirEntry) error {
	dir := filepath.Dir(path)
	var user string
	switch base := filepath.Base(dir); {
	case strings.HasSuffix(e.Name(), ".msg"):
		dir = filepath.Dir(dir) // of the directory nn
		user = storeUser(dir)
	case base == "cur", base == "new":
		dir = filepath.Dir(dir)
		user = dir
		if strings.HasPrefix(filepath.Base(dir), ".") {
			user = filepath.Dir(dir)
		}
	default:
		return nil
	}
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) { // a store at work
		return nil
	}
	if err != nil {
		return err
	}
	t.boxes[dir] = true
	if user != "" {
		t.users[user] = true
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Nlink > 1 {
		id := inode{uint64(st.Dev), st.Ino}
		if t.inodes[id] {
			t.seen.Messages++
			t.seen.Links++
			return nil
		}
		t.inodes[id] = true
	}
	t.seen.message(info.Size())
	return nil
}

// storeUser is the user's directory, two hash directories below =user or user,
// of a mailbox of a store; "" when there is none.
func storeUser(box string) string {
	parts := strings.Split(box, string(filepath.Separator))
	for i, p := range parts {
		if (p == "=user" || p == "user") && i+3 < len(parts) {
			return strings.Join(parts[:i+4], string(filepath.Separator))
		}
	}
	return ""
}

// LikeFile looks at a stream or an mbox, which it tells by their first bytes.
func LikeFile(r io.Reader) (*Seen, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	head, err := in.Peek(512)
	switch {
	case bytes.HasPrefix(head, []byte("From ")):
		return likeMbox(in)
	case len(head) == 512 && sims.IsHeader(head):
		return likeStream(in)
	case err != nil && err != io.EOF:
		return nil, err
	}
	return nil, errors.New("neither a backup stream nor an mbox nor a folder")
}
