package source

import (
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"sync"

	"imsconv/storeconv/maildir"
	"imsconv/storeconv/mbox"
	"imsconv/storeconv/sims"
)

// Kind is what a tree is made of.
type Kind uint8

// The kinds of trees.
const (
	Mbox    Kind = iota + 1 // mailbox files
	Maildir                 // Maildirs
)

// String returns "mbox" or "maildir".
func (k Kind) String() string {
	if k == Maildir {
		return "maildir"
	}
	return "mbox"
}

// Options say how a tree is read. The zero value looks.
type Options struct {
	Kind    Kind
	User    string          // whose mail it is, where it is one user's; "": look
	Path    string          // where a user's mail lies below the tree, such as "%d/%n/Maildir"; "": look
	Layout  *maildir.Layout // nil: what the export says that has made the tree, else look, for each user
	Escape  *bool           // names on disk are escaped as listescape does it; nil: as Layout
	Quoting mbox.Quoting    // of mailbox files
	Encoded bool            // whoever reads the names of mailboxes knows their encoding; false: look, for each user
}

// Source reads a tree. One goroutine uses it; ReadAt and Where are for others
// too.
type Source struct {
	opt   Options
	path  string // of the tree
	root  *maildir.Dir
	input *mboxFile // in place of a tree: what can be read only once; nil: none
	mine  bool      // input is to be closed with this
	made  settings  // what an export says that has made the tree
	users []place
	early []*sims.Error // of the search for users

	next  func() (*sims.Member, error, bool)
	stop  func()
	yield func(*sims.Member, error) bool
	over  bool // nobody wants more

	inboxes map[string]string // paths of the mailbox files of the user, by mailbox
	entered bool              // his member has been given

	body   io.Reader // of the last message
	bodyAt string    // where it lies, below the tree
	left   int64     // bytes of it that have not been read
	closer io.Closer // that it is read from
	offset int64     // bodies so far, in bytes

	links map[fileKey]*firstCopy
	mu    sync.Mutex
	again []copyFile // bodies that links may need, by offset
	full  bool       // there are too many of them

	strays strays

	shared int // the one that the last member is, or is a link to; -1: none
}

// place is where the mail of a user lies.
type place struct {
	user string
	path string // below the tree; "": the tree itself
	file bool   // a mailbox file, his INBOX
}

// Open opens the tree, or the mailbox file, at path, and finds its users.
func Open(path string, opt Options) (*Source, error) {
	s := &Source{opt: opt, path: path, links: make(map[fileKey]*firstCopy), shared: -1}
	if err := s.findUsers(); err != nil {
		s.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s.begin()
	return s, nil
}

func (s *Source) begin() { s.next, s.stop = iter.Pull2(s.members) }

// Again opens the same once more, from its start. What OpenMbox has opened must
// not be closed before.
func (s *Source) Again() (*Source, error) {
	if s.input == nil {
		return Open(s.path, s.opt)
	}
	again := &Source{opt: s.opt, path: s.path, input: s.input, users: s.users, early: s.early, links: make(map[fileKey]*firstCopy), shared: -1}
	again.begin()
	return again, nil
}

// Kind is what the tree is made of.
func (s *Source) Kind() Kind { return s.opt.Kind }

// Users returns the users of the tree, in the order in which they come.
func (s *Source) Users() []string {
	var names []string
	for _, p := range s.users {
		if len(names) == 0 || names[len(names)-1] != p.user {
			names = append(names, p.user)
		}
	}
	return names
}

// Close closes the tree.
func (s *Source) Close() error {
	if s.stop != nil {
		s.stop()
	}
	s.endBody()
	if s.mine {
		return s.input.Close()
	}
	if s.root == nil {
		return nil
	}
	return s.root.Close()
}

// Header says what kind of tree it is. Mailbox files need not say anything of
// flags, so theirs has no profile.
func (s *Source) Header() (sims.Header, error) {
	h := sims.Header{Product: s.opt.Kind.String()}
	if s.opt.Kind == Maildir {
		h.Profile = "1"
	}
	return h, nil
}

// Next returns the next member, which stays valid until the following call, and
// io.EOF at the end. A *sims.Error concerns one member, or one line of a file.
func (s *Source) Next() (*sims.Member, error) {
	s.endBody()
	m, err, ok := s.next()
	if !ok {
		return nil, io.EOF
	}
	return m, err
}

// Read reads from the body of the last message.
func (s *Source) Read(p []byte) (int, error) {
	if s.body == nil {
		return 0, io.EOF
	}
	n, err := s.body.Read(p)
	s.left -= int64(n)
	switch {
	case err == io.EOF && s.left > 0:
		err = &sims.Error{Offset: -1, Name: s.bodyAt, Class: sims.Truncated, Text: fmt.Sprintf("the file became shorter while it was read: %d bytes are missing", s.left)}
	case err != nil && err != io.EOF:
		err = &sims.Error{Offset: -1, Name: s.bodyAt, Class: sims.ReadError, Text: err.Error()}
	}
	return n, err
}

func (s *Source) endBody() {
	s.body = nil
	if s.closer != nil {
		s.closer.Close() // opened for reading
		s.closer = nil
	}
}

// Where is the position of a member, or of damage, for messages.
func (s *Source) Where(offset int64, name string) string {
	switch {
	case s.input != nil:
		return s.path + name
	case offset < 0:
		return filepath.Join(s.path, name)
	}
	return s.path + ": " + sims.DisplayName(name)
}

// members goes through the tree.
func (s *Source) members(yield func(*sims.Member, error) bool) {
	s.yield = yield
	for _, e := range s.early {
		s.told(e.Name, e.Class, e.Severity(), e.Text)
	}
	for i, p := range s.users {
		if s.over {
			return
		}
		if s.opt.Kind == Mbox {
			s.mboxUser(p, i > 0 && s.users[i-1].user == p.user)
		} else {
			s.maildirUser(p)
		}
	}
	s.tellStrays()
}

// emit gives a member to the caller. false: nobody wants more.
func (s *Source) emit(m *sims.Member) bool {
	if s.over {
		return false
	}
	if m.Kind != sims.Message && m.Kind != sims.Link {
		s.shared = -1
	}
	s.left = m.Size
	m.Offset = s.offset
	m.Data = s.offset
	s.offset += m.Size
	s.over = !s.yield(m, nil)
	return !s.over
}

// told gives an error to the caller.
func (s *Source) told(where, class string, severity int, text string) {
	if !s.over {
		s.over = !s.yield(nil, &sims.Error{Offset: -1, Name: where, Class: class, Text: text, Tolerated: severity == 1})
	}
}

// fail ends the walk with an error that is not of the tree.
func (s *Source) fail(err error) {
	if !s.over {
		s.yield(nil, err)
		s.over = true
	}
}

// noteBad keeps an error of the search for users.
func (s *Source) noteBad(path string, err error) {
	e := maildirError(err)
	s.early = append(s.early, &sims.Error{Name: path, Class: e.Class, Text: strings.TrimPrefix(e.Error(), e.Position()+": ")})
}

// noteOther keeps a name that is neither file nor directory.
func (s *Source) noteOther(path string, other bool) {
	if other {
		s.early = append(s.early, &sims.Error{Name: path, Class: maildir.NotRegular, Text: "a link or a device: not read"})
	}
}
