// Package backup makes a backup stream of a store: the mail of all users, each
// message file once.
//
// A first walk notes the files that have several names; by these the users, and
// the mailboxes of each, are put into an order in which the first copy of a
// message comes before the links to it (order.go). A second walk (walk.go) goes
// through the store in that order and sends steps, in batches whose messages
// workers read ahead (ahead.go), to the one goroutine that writes the stream
// (write.go).
package backup

import (
	"context"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/lists"
	"imsconv/storeconv/sims"
)

// Options say what of a store goes into a stream, and how.
type Options struct {
	// Users are the ids to write, in that order. Nil: all, in byte order of their
	// ids as far as links allow.
	Users []string
	Shard storeconv.Shard // zero: all users
	Paths []string        // /partition, /partition/user/ID[/FOLDER] or ID[/FOLDER]; none: all

	Since       *int64 // only messages received at this time or later; seconds since 1970, below 0 before that; nil: all
	Date        *int64 // SIMS.date, seconds since 1970; nil: the latest access that peruser.db knows
	Product     string
	Host        string
	Blocking    int    // 512-byte blocks a record; 0: 20
	IgnoreLinks bool   // write every message in full
	MinLinks    int    // look only at files of this many names for copies; below 2: 2
	TempDir     string // for sorting what does not fit in memory; "": os.TempDir

	Jobs     int                // workers that look for links and read ahead; 0: one a processor
	Log      storeconv.Log      // nil: discard
	Progress storeconv.Progress // nil: none
	// Trace is called with the full name of each mailbox that is written; nil:
	// none.
	Trace func(mailbox string)
}

// Report counts what was written.
type Report struct {
	Users     int64  `json:"users"`
	Mailboxes int64  `json:"mailboxes"`
	Messages  int64  `json:"messages"` // written in full
	Links     int64  `json:"links"`    // written as links
	Bytes     int64  `json:"bytes"`    // of the messages written in full
	Older     int64  `json:"older"`    // left out because of Since
	Foreign   int64  `json:"foreign"`  // mailboxes without an index of ours: no flags, dates of the files
	Date      *int64 `json:"date"`     // SIMS.date as written; nil: none, nobody knows it
}

// Backup writes the store in the directory store, which it only reads, to dst
// as a backup stream of profile sims-tar/1.
//
// A message file with several names in the store is written once; every later
// one is a link to the first. Which one is the first is told by the files
// themselves: a file's modification time is the receive date of the copy it
// came with. Users come in byte order of their ids, save that a user whose
// messages others link to comes before them; of a user INBOX comes first, then
// folders depth first in byte order, messages by UID, each with the same
// exception. So the backup of a restored stream has the members of that stream,
// less expired messages, and in the same order when that was the stream's
// order. A quota limit comes back as a whole number of KB, since the store
// keeps no more.
//
// What cannot be read is told to Options.Log and left out. Memory: about 100
// bytes a user, 40 bytes a link of the two largest, 16 MiB for sorting and 3
// MiB for reading ahead; the rest goes to temporary files.
func Backup(ctx context.Context, dst io.Writer, store string, opts Options) (Report, error) {
	if opts.Log == nil {
		opts.Log = storeconv.Discard
	}
	if opts.Jobs <= 0 {
		opts.Jobs = runtime.GOMAXPROCS(0)
	}
	opts.MinLinks = max(opts.MinLinks, 2)
	root, err := os.Open(store)
	if err != nil {
		return Report{}, err
	}
	defer root.Close()
	reader := ims.NewReader(root)
	if err := reader.Check(); err != nil {
		return Report{}, err
	}
	b := &run{opts: opts, reader: reader, elsewhere: make(map[orderID]string),
		boxNames: make(map[uint32]map[uint32]string), buf: make([]byte, 256<<10)}
	if b.paths, err = readPaths(opts.Paths); err != nil {
		return Report{}, err
	}
	b.tellUnfinished()
	if b.lists, err = lists.Open(root.Name(), opts.Log); err != nil {
		return Report{}, err
	}
	defer b.lists.Close()
	if err := b.findUsers(); err != nil {
		return b.report, err
	}
	links, err := b.order(ctx)
	if err != nil {
		return b.report, err
	}
	defer links.close()
	err = b.write(ctx, dst, links)
	if err == nil {
		b.missingMailboxes()
		err = b.missingTrees(ctx)
	}
	return b.report, err
}

// run is one call of Backup.
type run struct {
	opts   Options
	reader *ims.Reader
	lists  *lists.Lists
	paths  paths
	users  []user // in the order of the stream once order has run
	out    *sims.Writer
	report Report
	// elsewhere are the first copies that are not where order wanted them, with
	// the name of the member that holds the body; "" when there is none yet.
	elsewhere map[orderID]string
	boxNames  map[uint32]map[uint32]string // names of mailboxes by user and number
	buf       []byte
}

// user is one user, with the partitions in which a part of the mail lies.
type user struct {
	id         string
	partitions []string
}

// orderID names a message by its place in the order: user, mailbox of the user,
// UID.
type orderID struct{ user, box, uid uint32 }

// findUsers makes the list of users.
func (b *run) findUsers() error {
	partitions, err := b.reader.Partitions(b.stray)
	if err != nil {
		return err
	}
	if b.opts.Users != nil {
		b.findNamedUsers(partitions)
		return nil
	}
	for _, p := range partitions {
		err := b.reader.Users(p, b.stray, func(u ims.User) error {
			if b.opts.Shard.Has(u.ID) && b.paths.takes(p, u.ID) {
				b.users = append(b.users, user{u.ID, []string{p}})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	slices.SortStableFunc(b.users, func(x, y user) int { return strings.Compare(x.id, y.id) })
	// A user of several partitions came once from each.
	b.users = mergeUsers(b.users)
	b.missingUsers(partitions)
	return nil
}

func mergeUsers(users []user) []user {
	merged := users[:0]
	for _, u := range users {
		if n := len(merged); n > 0 && merged[n-1].id == u.id {
			merged[n-1].partitions = append(merged[n-1].partitions, u.partitions...)
			continue
		}
		merged = append(merged, u)
	}
	return merged
}

// findNamedUsers takes the users of the list that the store has.
func (b *run) findNamedUsers(partitions []string) {
	for _, id := range b.opts.Users {
		if !b.opts.Shard.Has(id) || !b.paths.name(id) {
			continue
		}
		u, home := user{id: id}, b.homes(id, partitions)
		for _, p := range home {
			if b.paths.takes(p, id) {
				u.partitions = append(u.partitions, p)
			}
		}
		if u.partitions == nil {
			b.noUser(id, home)
			continue
		}
		b.users = append(b.users, u)
	}
	b.missingUsers(partitions)
}

// stray tells of what is no part of a store and is left out. Mail where the
// store does not look for it, and a partition that cannot be entered, are lost
// to the backup as what cannot be read is.
func (b *run) stray(e *ims.Error) {
	n := storeconv.NoteOf(e)
	if e.HidesMail() {
		n.Severity = storeconv.Problem
	}
	if e.Class == ims.Misplaced || e.Class == ims.StrayFile {
		n.Text += ": it is not in the backup"
	}
	n.Tell(b.opts.Log)
}

// mailboxes is openMailboxes for a function that does not keep the mailbox.
func (b *run) mailboxes(u *user, stray ims.Stray, fn func(number uint32, box *ims.Mailbox) error) error {
	return b.openMailboxes(u, stray, func(number uint32, box *ims.Mailbox) error {
		defer box.Close()
		return fn(number, box)
	})
}

// openMailboxes calls fn for the selected mailboxes of a user in their order,
// with the number of each. Mailboxes that are not selected are numbered too. fn
// closes the mailbox.
func (b *run) openMailboxes(u *user, stray ims.Stray, fn func(number uint32, box *ims.Mailbox) error) error {
	number := uint32(0)
	for _, p := range u.partitions {
		user := ims.User{Partition: p, ID: u.id, Path: ims.UserDir(p, u.id)}
		err := b.reader.Mailboxes(user, stray, func(box *ims.Mailbox) error {
			n := number
			number++
			if !box.HasIndex && !box.HasMessageDirs() || !b.paths.takesMailbox(p, u.id, box.Name) {
				box.Close()
				return nil
			}
			if other := b.elsewhereToo(u, box); other != "" {
				box.Close()
				stray(&ims.Error{Class: sameMailbox, Path: box.Path, Text: "partition " + other + " has this mailbox of the user, too, and a stream has room for one: it is left out; the path /" + p + " makes a backup of this partition"})
				return nil
			}
			return fn(n, box)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sameMailbox is the class of a mailbox that lies in two partitions.
const sameMailbox = "same-mailbox"

// elsewhereToo returns the partition, of those that come before that of a
// mailbox, which has a mailbox of the same name too; "" when none has.
func (b *run) elsewhereToo(u *user, box *ims.Mailbox) string {
	for _, p := range u.partitions {
		if p == box.Partition {
			break
		}
		if !b.paths.takesMailbox(p, u.id, box.Name) {
			continue
		}
		other, err := b.reader.Mailbox(p, u.id, box.Name)
		if err != nil {
			continue
		}
		other.Close()
		if other.HasIndex || other.HasMessageDirs() {
			return p
		}
	}
	return ""
}

// storedMessage is what is known of a message before its body is read.
type storedMessage struct {
	uid   uint32
	date  int64  // of this reference
	flags string // as the stream has them
	size  int64  // of the index, else of the file
	sum   [32]byte
	known bool // sum is known, and size of the index
}

// flagOrder is the order in which a stream has the system flags.
var flagOrder = [...]struct {
	flag ims.Flags
	name string
}{
	{ims.Seen, `\Seen`}, {ims.Answered, `\Answered`}, {ims.Flagged, `\Flagged`}, {ims.Deleted, `\Deleted`},
	{ims.Draft, `\Draft`}, {ims.Recent, `\Recent`}, {ims.Archived, `\Archived`},
}

// streamFlags is SIMS.flags of a message. last is that of the message before:
// most often the same.
func streamFlags(last string, rec *ims.Record, keywords []string) string {
	var buf [128]byte
	text := buf[:0]
	add := func(name string) {
		if len(text) > 0 {
			text = append(text, ' ')
		}
		text = append(text, name...)
	}
	for _, f := range flagOrder {
		if rec.Flags&f.flag != 0 {
			add(f.name)
		}
	}
	for i, name := range keywords {
		if rec.HasKeyword(i) && ims.IsKeyword(name) {
			add(name)
		}
	}
	if string(text) == last {
		return last
	}
	return string(text)
}

// date is SIMS.date: what was asked for, else the latest access that peruser.db
// knows, which is the date of the backup that the store was restored from; nil
// when nothing was accessed ever.
func (b *run) date(ctx context.Context) (*int64, error) {
	if b.opts.Date != nil {
		return b.opts.Date, nil
	}
	latest := int64(-1) // never
	err := b.lists.Each(ctx, mboxlist.PeruserDB, func(_, value []byte) error {
		if rec, err := mboxlist.ParsePerUser(value); err == nil {
			latest = max(latest, rec.LastAccess)
		}
		return nil
	})
	if latest < 0 {
		return nil, err
	}
	return &latest, err
}

// older says whether a message is left out because of Since.
func (b *run) older(date int64) bool { return b.opts.Since != nil && date < *b.opts.Since }
