package ims

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// IndexName is the base name of a mailbox's index.
const IndexName = "store.idx"

// ExpireRule is the file of message removal rules that a server may keep at
// several levels.
const ExpireRule = "store.expirerule"

// WorkDir is the directory of unfinished runs under the store; a reader passes
// over it.
const WorkDir = ".imsconv"

// A Reader walks a store that lies on disk. It opens everything below the store
// by directory descriptors, follows no symbolic link and writes nothing. It
// holds one directory's names at a time (one batch of them in a directory of
// messages), never a list of the store. Its methods are safe for concurrent
// use.
type Reader struct{ root *os.File }

// Stray tells of something that a reader meets beside mailboxes and messages:
// what has no place in a store, lies in the wrong place, or cannot be read.
type Stray func(*Error)

// tell makes an Error of its parts.
func (s Stray) tell(class, path, text string) { s(&Error{Class: class, Path: path, Text: text}) }

// unreadable tells of what the file system refuses. An error of the machine it
// returns.
func (s Stray) unreadable(path string, err error) error {
	if OfMachine(err) {
		return err
	}
	s(&Error{Class: Unreadable, Path: path, Text: err.Error(), Err: err})
	return nil
}

// NewReader returns a reader of the store whose open directory is root. The
// caller keeps root open while it reads and closes it.
func NewReader(root *os.File) *Reader { return &Reader{root} }

// A User is one user's directory in a partition.
type User struct {
	Partition string
	ID        string // the message store's user id
	Path      string // under the store
}

// A Mailbox is one directory of messages, opened. The caller closes it.
type Mailbox struct {
	User
	Name     string // INBOX, or the folder's name in modified UTF-7
	Path     string // under the store
	HasIndex bool
	dirs     []string // the nn directories that exist, in order
	dir      *os.File
}

// Partitions returns the names of the store's partitions in byte order.
func (r *Reader) Partitions(stray Stray) ([]string, error) {
	dir, err := openDir(r.root, "partition", "partition")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	entries, err := readDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			stray.tell(StrayFile, "partition/"+e.Name(), "not a directory")
			continue
		}
		names = append(names, e.Name())
	}
	return names, nil
}

// Users calls fn for every user of a partition, in the order of the hash
// directories, then of the names on disk. A directory in the wrong hash
// directory, or under a name that no user has, is told to stray. A directory
// that cannot be read is stray too; an error of fn ends the walk and is
// returned.
func (r *Reader) Users(partition string, stray Stray, fn func(User) error) error {
	if err := r.partition("partition/"+partition, stray); err != nil {
		return err
	}
	path := "partition/" + partition + "/=user"
	top, err := openDir(r.root, path, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer top.Close()
	return r.eachHashDir(top, path, 2, stray, func(dir *os.File, path string) error {
		entries, err := readDir(dir)
		if err != nil {
			if err := stray.unreadable(path, err); err != nil {
				return err
			}
		}
		for _, e := range entries {
			u, kind, why := userOf(partition, path, e)
			if why != "" {
				stray.tell(kind, path+"/"+e.Name(), why)
				continue
			}
			if err := fn(u); err != nil {
				return err
			}
		}
		return nil
	})
}

// partition tells what lies beside =user.
func (r *Reader) partition(path string, stray Stray) error {
	dir, err := openDir(r.root, path, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	entries, err := readDir(dir)
	if err != nil {
		if err := stray.unreadable(path, err); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if e.Name() != "=user" && e.Name() != ExpireRule {
			stray.tell(StrayFile, path+"/"+e.Name(), "no part of a partition")
		}
	}
	return nil
}

// userOf makes a User of an entry of the hash directory path, or says why it is
// none.
func userOf(partition, path string, e fs.DirEntry) (u User, kind, why string) {
	escaped, ok := strings.CutPrefix(e.Name(), "=")
	if !ok || !e.IsDir() {
		return User{}, StrayFile, "not the directory of a user"
	}
	id, err := UnescapeName(escaped)
	if err == nil {
		err = CheckUserID(id)
	}
	if err != nil {
		return User{}, StrayFile, "not the directory of a user: " + err.Error()
	}
	if want := Hash(id); !strings.HasSuffix(path, "/"+want) {
		return User{}, Misplaced, fmt.Sprintf("in the wrong hash directory, user %s belongs in %s", id, want)
	}
	return User{Partition: partition, ID: id, Path: path + "/" + e.Name()}, "", ""
}

// eachHashDir goes down depth levels of hash directories.
func (r *Reader) eachHashDir(dir *os.File, path string, depth int, stray Stray, fn func(*os.File, string) error) error {
	if depth == 0 {
		return fn(dir, path)
	}
	entries, err := readDir(dir)
	if err != nil {
		if err := stray.unreadable(path, err); err != nil {
			return err
		}
	}
	for _, e := range entries {
		sub := path + "/" + e.Name()
		if !e.IsDir() || !isHashName(e.Name()) {
			stray.tell(StrayFile, sub, "not a hash directory")
			continue
		}
		d, err := openDir(dir, e.Name(), sub)
		if err != nil {
			if err := stray.unreadable(sub, err); err != nil {
				return err
			}
			continue
		}
		err = r.eachHashDir(d, sub, depth-1, stray, fn)
		d.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// isHashName: 0..f, then 0..7.
func isHashName(s string) bool {
	return len(s) == 2 && strings.IndexByte(hexDigits, s[0]) >= 0 && s[1] >= '0' && s[1] <= '7'
}

// Mailboxes calls fn for every mailbox of a user: INBOX, then the folders depth
// first, each directory's in byte order of their names (not of their escaped
// forms). INBOX is always called; any other directory is a mailbox when it has
// an index or directories of messages. fn owns the Mailbox and closes it. An
// error of fn ends the walk and is returned.
func (r *Reader) Mailboxes(u User, stray Stray, fn func(*Mailbox) error) error {
	dir, err := openDir(r.root, u.Path, u.Path)
	if err != nil {
		if err := stray.unreadable(u.Path, err); err != nil {
			return err
		}
		return nil
	}
	return r.mailboxes(u, "", u.Path, dir, stray, fn)
}

// mailboxes gives dir to fn as a mailbox when it is one, else closes it, and
// goes down. folder is the name of the folder, "" for the user's own directory:
// INBOX/x is a folder of a folder of that name, and not one of the INBOX.
func (r *Reader) mailboxes(u User, folder, path string, dir *os.File, stray Stray, fn func(*Mailbox) error) error {
	box := &Mailbox{User: u, Name: cmp.Or(folder, Inbox), Path: path, dir: dir}
	var folders, odd []string
	err := eachEntry(dir, func(e fs.DirEntry) {
		switch base := e.Name(); {
		case base == IndexName && e.Type().IsRegular():
			box.HasIndex = true
		case IsMessageDir(base) && e.IsDir():
			box.dirs = append(box.dirs, base)
		case base[0] == '=' && e.IsDir():
			name, err := UnescapeName(base[1:])
			if err != nil || strings.ContainsRune(name, '/') {
				odd = append(odd, base)
				return
			}
			folders = append(folders, name)
		case isServerFile(base) && e.Type().IsRegular():
			// Kept by servers of the first releases and by NMS; never looked into.
		default:
			odd = append(odd, base)
		}
	})
	slices.Sort(odd)
	for _, base := range odd {
		text := "no part of a mailbox"
		if base[0] == '=' {
			text = "not the directory of a folder"
		}
		stray.tell(StrayFile, path+"/"+base, text)
	}
	if err != nil {
		if err := stray.unreadable(path, err); err != nil {
			return err
		}
	}
	slices.Sort(box.dirs)
	isBox := box.HasIndex || len(box.dirs) > 0 || folder == ""
	if isBox && folder != "" && Canonical(folder) == Inbox {
		stray.tell(Misplaced, path, "messages in a folder of the name "+folder+", which is that of the INBOX")
		isBox = false
	}
	// No directory is open while the folders below it are looked at: they may be
	// nested deeper than a process may open files.
	if !isBox {
		dir.Close()
	} else if err := fn(box); err != nil {
		return err
	}
	slices.Sort(folders)
	for _, name := range folders {
		full := name
		if folder != "" {
			full = folder + "/" + name
		}
		// By path, because dir belongs to fn now.
		sub := path + "/" + Component(name)
		if err := CheckMailbox(full); err != nil {
			stray.tell(StrayFile, sub, err.Error())
			continue
		}
		d, err := openDir(r.root, sub, sub)
		if err != nil {
			if err := stray.unreadable(sub, err); err != nil {
				return err
			}
			continue
		}
		if err := r.mailboxes(u, full, sub, d, stray, fn); err != nil {
			return err
		}
	}
	return nil
}

// isServerFile: files that servers keep beside the index: who has read the
// mailbox, subscriptions, expunged messages.
func isServerFile(s string) bool {
	return s == "store.usr" || s == "store.sub" || s == "store.exp" || s == ExpireRule
}

// IsMessageDir tells the name of a directory of messages: two decimal digits.
func IsMessageDir(s string) bool {
	return len(s) == 2 && s[0] >= '0' && s[0] <= '9' && s[1] >= '0' && s[1] <= '9'
}

// Mailbox opens one mailbox by its name, fs.ErrNotExist when it is not there.
func (r *Reader) Mailbox(partition, id, mailbox string) (*Mailbox, error) {
	u := User{Partition: partition, ID: id, Path: UserDir(partition, id)}
	path := MailboxDir(partition, id, mailbox)
	dir, err := openDir(r.root, path, path)
	if err != nil {
		return nil, err
	}
	box := &Mailbox{User: u, Name: mailbox, Path: path, dir: dir}
	entries, err := readDir(dir)
	if err != nil {
		dir.Close()
		return nil, err
	}
	for _, e := range entries {
		if e.Name() == IndexName && e.Type().IsRegular() {
			box.HasIndex = true
		} else if IsMessageDir(e.Name()) && e.IsDir() {
			box.dirs = append(box.dirs, e.Name())
		}
	}
	return box, nil
}

// Close closes the directory.
func (m *Mailbox) Close() error { return m.dir.Close() }

// HasMessageDirs says whether there is any directory of messages.
func (m *Mailbox) HasMessageDirs() bool { return len(m.dirs) > 0 }

// FullName is user/ID, with /folder for any mailbox but INBOX.
func (m *Mailbox) FullName() string { return MailboxName(m.ID, m.Name) }

// Index opens the index for reading; the caller closes it.
func (m *Mailbox) Index() (*os.File, error) { return openFile(m.dir, IndexName, m.Path+"/"+IndexName) }

// namesBatch is how many names of a directory of messages are held at a time.
const namesBatch = 4096

// Messages calls fn with the UID of every message file, directory by directory,
// in the order in which the directory gives them. What is no message file, or
// lies in the wrong directory, is told to stray. A symbolic link counts as a
// message file here, since a relocated store may have them; Stat and Open
// refuse it.
func (m *Mailbox) Messages(stray Stray, fn func(uid uint32) error) error {
	for _, nn := range m.dirs {
		path := m.Path + "/" + nn
		d, err := openDir(m.dir, nn, path)
		if err != nil {
			if err := stray.unreadable(path, err); err != nil {
				return err
			}
			continue
		}
		err = messagesOf(d, nn, path, stray, fn)
		d.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func messagesOf(d *os.File, nn, path string, stray Stray, fn func(uid uint32) error) error {
	for {
		entries, err := d.ReadDir(namesBatch)
		for _, e := range entries {
			uid, ok := ParseMessageName(e.Name())
			switch {
			case !ok || e.Type() != 0 && e.Type() != fs.ModeSymlink:
				stray.tell(StrayFile, path+"/"+e.Name(), "not a message file")
			case MessageDir(uid) != nn:
				stray.tell(Misplaced, path+"/"+e.Name(), "in the wrong directory, belongs in "+MessageDir(uid))
			default:
				if err := fn(uid); err != nil {
					return err
				}
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			if err := stray.unreadable(path, err); err != nil {
				return err
			}
			return nil
		}
	}
}
