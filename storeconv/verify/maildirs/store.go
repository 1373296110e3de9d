package maildirs

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/verify"
)

// store reads a store that was exported.
type store struct {
	v      *verifier
	choice *verify.Choice
	root   *os.File
	reader *ims.Reader
	lists  map[mboxlist.Kind]*list
}

// list is a database of mboxlist.
type list struct {
	mu   sync.Mutex
	file *os.File
	db   *bdb.Reader
}

func (v *verifier) openStore() (*store, error) {
	choice, err := verify.ChooseOfStore(v.opts.Selection)
	if err != nil {
		return nil, err
	}
	s := &store{v: v, choice: choice, lists: make(map[mboxlist.Kind]*list)}
	if s.root, err = os.Open(v.opts.Store); err != nil {
		return nil, err
	}
	s.reader = ims.NewReader(s.root)
	if err := s.reader.Check(); err != nil {
		s.close()
		return nil, fmt.Errorf("%s: %w", v.opts.Store, err)
	}
	for _, kind := range []mboxlist.Kind{mboxlist.FolderDB, mboxlist.QuotaDB, mboxlist.SubscrDB} {
		s.openList(kind)
	}
	return s, nil
}

// openList opens a database. One that cannot be read is a warning: what it
// would say is not compared then.
func (s *store) openList(kind mboxlist.Kind) {
	name := filepath.Join("mboxlist", kind.FileName())
	f, err := os.Open(filepath.Join(s.v.opts.Store, name))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	l := &list{file: f}
	if err == nil {
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil {
			l.db, err = bdb.NewReader(f, info.Size(), bdb.Options{})
		}
	}
	if err != nil {
		s.v.log.Warning("database", name, err.Error())
		return
	}
	s.lists[kind] = l
}

func (s *store) close() {
	s.root.Close() // opened for reading, as the others
	for _, l := range s.lists {
		l.file.Close()
	}
}

// get returns a record, nil when there is none or nobody can read it.
func (s *store) get(kind mboxlist.Kind, key string) []byte {
	l := s.lists[kind]
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	value, err := l.db.Get([]byte(key))
	if err != nil {
		return nil
	}
	return value
}

// storeUser is a user of the store and the directories that are his.
type storeUser struct {
	id   string
	dirs []ims.User
}

// partitions are those of the directories.
func (u *storeUser) partitions() (names []string) {
	for _, dir := range u.dirs {
		names = append(names, dir.Partition)
	}
	return names
}

// users finds the users, each once, by id.
func (s *store) users() ([]storeUser, error) {
	partitions, err := s.reader.Partitions(s.stray)
	if err != nil {
		return nil, err
	}
	if p := s.v.opts.Partition; p != "" {
		if !slices.Contains(partitions, p) {
			return nil, fmt.Errorf("%s: no partition %s", s.v.opts.Store, p)
		}
		partitions = []string{p}
	}
	var users []storeUser
	for _, p := range partitions {
		err := s.reader.Users(p, s.stray, func(u ims.User) error {
			users = append(users, storeUser{u.ID, []ims.User{u}})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(users, func(a, b storeUser) int { return strings.Compare(a.id, b.id) })
	merged := users[:0]
	for _, u := range users {
		if n := len(merged); n > 0 && merged[n-1].id == u.id {
			merged[n-1].dirs = append(merged[n-1].dirs, u.dirs...)
			continue
		}
		merged = append(merged, u)
	}
	return merged, nil
}

// stray passes over what is no mailbox: verifying the store tells it.
func (s *store) stray(*ims.Error) {}

// run hands the users out.
func (s *store) run(ctx context.Context, hand func(*user) error) error {
	users, err := s.users()
	if err != nil {
		return err
	}
	claims, err := s.v.newClaims()
	if err != nil {
		return err
	}
	numbers := make([]int, len(users))
	for i := range users {
		numbers[i] = claims.add(users[i].id, users[i].partitions()...)
	}
	for i := range users {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		id, taken, err := s.userID(&users[i])
		if err != nil {
			if err := hand(refusedUser("refused", users[i].id, err.Error())); err != nil {
				return err
			}
			continue
		}
		if !taken {
			continue
		}
		u := s.user(&users[i], id)
		if all, owner := claims.of(id); numbers[i] != owner {
			u = claims.refused(all, owner, numbers[i])
		}
		if err := hand(u); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) user(from *storeUser, id string) *user {
	u := &user{id: id}
	if q, err := mboxlist.ParseAnyQuota(s.get(mboxlist.QuotaDB, from.id)); err == nil {
		u.hasQuota, u.quota = true, storeconv.Quota{Bytes: q.KB, Messages: q.Messages}
		if q.KB > 0 {
			u.quota.Bytes = q.KB << 10
		}
	}
	subscribed, err := mboxlist.ParseSubscriptions(s.get(mboxlist.SubscrDB, from.id))
	known := err == nil && s.lists[mboxlist.SubscrDB] != nil
	u.boxes = func(fn func(*mailbox) error) error {
		inbox := false // has come
		for i, dir := range from.dirs {
			err := s.reader.Mailboxes(dir, s.stray, func(m *ims.Mailbox) error {
				defer m.Close()
				if m.Name == ims.Inbox {
					// Of several partitions one has it, and the others what lies below it.
					if none := !m.HasIndex && !m.HasMessageDirs(); none && (inbox || i < len(from.dirs)-1) {
						return nil
					}
					inbox = true
				}
				name, taken, err := s.mailboxName(dir.Partition, from.id, m.Name)
				if err != nil || !taken {
					return err
				}
				box := &mailbox{name: name, subscribed: -1}
				if known {
					box.subscribed = int8(bit(slices.Contains(subscribed, m.FullName())))
				}
				return s.mailbox(box, m, fn)
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	return u
}

// userID is Choice.UserIn of all partitions, for several goroutines. The
// directories in those of which nothing is taken are let go.
func (s *store) userID(u *storeUser) (id string, taken bool, err error) {
	s.v.choiceLock.Lock()
	defer s.v.choiceLock.Unlock()
	dirs := u.dirs[:0:0]
	for _, dir := range u.dirs {
		called, yes, failed := s.choice.UserIn(dir.Partition, u.id)
		if yes {
			id, err, dirs = called, failed, append(dirs, dir)
		}
	}
	u.dirs = dirs
	return id, len(dirs) > 0, err
}

// mailboxName is Choice.MailboxIn likewise.
func (s *store) mailboxName(partition, user, mailbox string) (string, bool, error) {
	s.v.choiceLock.Lock()
	defer s.v.choiceLock.Unlock()
	return s.choice.MailboxIn(partition, user, mailbox)
}

func (s *store) rights(lines string) []string {
	s.v.choiceLock.Lock()
	defer s.v.choiceLock.Unlock()
	fields, _ := s.choice.Rights(lines)
	return fields
}

// mailbox fills in what the index says, or the database and the files where it
// is not ours.
func (s *store) mailbox(box *mailbox, m *ims.Mailbox, fn func(*mailbox) error) error {
	f, err := m.Index()
	if errors.Is(err, fs.ErrNotExist) {
		box.missing = !m.HasMessageDirs()
		return s.bare(box, m, fn)
	}
	if err != nil {
		s.v.log.Problem("unreadable", m.Path, err.Error())
		return s.bare(box, m, fn)
	}
	defer f.Close()
	index, err := ims.NewIndexReader(f)
	if err != nil {
		return s.bare(box, m, fn)
	}
	h := &index.Header
	box.known, box.validity, box.next = true, h.UIDValidity, h.LastUID+1
	box.subscribed, box.keywords, box.rights = int8(bit(h.Subscribed)), h.Userflags, s.rights(lines(h.ACL))
	next, stop := iter.Pull2(s.indexed(box, m, index))
	defer stop()
	box.messages = func() (*message, error) {
		w, err, ok := next()
		if !ok {
			err = io.EOF
		}
		return w, err
	}
	return fn(box)
}

// indexed gives the messages of a mailbox that has an index of ours. What a
// damaged one has lost is exported by its file, without flags.
func (s *store) indexed(box *mailbox, m *ims.Mailbox, index *ims.IndexReader) iter.Seq2[*message, error] {
	enough := errors.New("nobody wants more")
	var w message
	return func(yield func(*message, error) bool) {
		give := func() error {
			s.file(&w, m)
			if !yield(&w, nil) {
				return enough
			}
			return nil
		}
		err := m.EachMessage(index, ims.Found{
			Record: func(r *ims.Record) error {
				w = message{uid: r.UID, date: r.InternalDate, flags: r.Flags &^ ims.Recent}
				for i, word := range index.Header.Userflags {
					if r.HasKeyword(i) {
						w.keywords = append(w.keywords, word)
					}
				}
				if s.v.keepsBytes() && r.HasSum() {
					w.size, w.sum, w.hasSum = r.Size, r.SHA256, true
				}
				return give()
			},
			Unnamed: func(uid uint32, lost bool) error {
				if !lost {
					return nil
				}
				w = message{uid: uid, date: s.fileDate(m, uid)}
				return give()
			},
			Damage: func(err error) {
				box.damage = append(box.damage, storeconv.Note{Severity: storeconv.Problem, Kind: "bad-index", Where: m.Path, Text: err.Error() + ": the messages of which it does not tell are compared with their files"})
			},
			Stray: s.stray,
		})
		if err != nil && err != enough {
			yield(nil, err)
		}
	}
}

// fileDate is the receive date of a message of which only the file tells.
func (s *store) fileDate(m *ims.Mailbox, uid uint32) int64 {
	info, err := m.Stat(uid)
	if err != nil {
		return ims.NoTime
	}
	return info.MTime
}

// bare is a mailbox without an index of ours: the files tell of UIDs and
// dates, the database of rights.
func (s *store) bare(box *mailbox, m *ims.Mailbox, fn func(*mailbox) error) error {
	var uids []uint32
	err := m.Messages(s.stray, func(uid uint32) error {
		uids = append(uids, uid)
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(uids)
	if rec, err := mboxlist.ParseFolder(s.get(mboxlist.FolderDB, m.FullName())); err == nil {
		var text strings.Builder
		for _, e := range rec.ACL {
			fmt.Fprintf(&text, "%s\t%s\n", e.Identifier, e.Rights)
		}
		box.rights = s.rights(text.String())
	}
	var w message
	box.messages = func() (*message, error) {
		if len(uids) == 0 {
			return nil, io.EOF
		}
		w = message{uid: uids[0], date: s.fileDate(m, uids[0])}
		uids = uids[1:]
		s.file(&w, m)
		return &w, nil
	}
	return fn(box)
}

// file tells where the bytes of a message are.
func (s *store) file(w *message, m *ims.Mailbox) {
	uid := w.uid
	w.open = func() (io.ReadCloser, error) { return m.Open(uid) }
	if info, err := m.Stat(uid); err == nil && info.Links > 1 {
		binary.BigEndian.PutUint64(w.shared[:8], info.ID.Dev)
		binary.BigEndian.PutUint64(w.shared[8:], info.ID.Ino)
	}
}

// lines turns the rights of an index, all apart by TAB, into lines.
func lines(acl string) string {
	fields := strings.Split(acl, "\t")
	var b strings.Builder
	for i := 0; i+1 < len(fields); i += 2 {
		fmt.Fprintf(&b, "%s\t%s\n", fields[i], fields[i+1])
	}
	return b.String()
}
