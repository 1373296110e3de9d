package maildirs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
	"imsconv/storeconv/verify"
)

// Options say what an export is held against, and how it was made.
type Options struct {
	// Store is the directory of the store that was exported; "" with Streams.
	Store     string
	Partition string // of the store; "": all

	// Streams are the streams that were exported. Each is read once.
	Streams []verify.Stream

	// Selection is what the export was limited to, and the names it gave.
	Selection storeconv.Selection

	Path    string // template of a user's directory: %u id, %n and %d its parts; "": %u/Maildir
	Layout  string // "++" or "fs"; "": as the example configuration says
	Escape  string // "listescape", "none"; "" or "auto": as it says
	Newline string // "keep" or "", "crlf", "lf"
	UIDL    string // format of POP3 UIDLs; "": none is looked for

	// Owner is whose everything must be, -1 any; nil: that of the directory.
	Owner *storeconv.Owner

	Jobs     int                // users checked at a time; 0: one a processor
	Log      storeconv.Log      // nil: discard
	Progress storeconv.Progress // messages and bytes; nil: none
}

// Report counts what was looked at.
type Report struct {
	Users     int64 `json:"users"`
	Mailboxes int64 `json:"mailboxes"`
	Messages  int64 `json:"messages"` // of the source that are there
	Bytes     int64 `json:"bytes"`    // of them, each at full size
	Links     int64 `json:"links"`    // of them, later names of a file that has several
	Copies    int64 `json:"copies"`   // files of their own where the source has one, with one date
	Outside   int64 `json:"outside"`  // files that somebody else has links to
	Renamed   int64 `json:"renamed"`  // mailboxes under another name, by rule
	Unknown   int64 `json:"unknown"`  // messages whose content could not be compared: the source does not have it
	Foreign   int64 `json:"foreign"`  // mailboxes of whose flags and UIDVALIDITY the source tells nothing
	Faults    int64 `json:"faults"`   // problems told

	NoEnd []string `json:"no_end,omitempty"` // streams without an end marker: more may have come behind what was read
}

// ErrMailboxFiles is returned for an export of mailbox files, which is held
// against a store as what the store could have been restored from.
var ErrMailboxFiles = errors.New("mailbox files, no export of Maildirs")

// Verify holds the Maildirs below the directory out against what they were
// made of; see the package comment. It goes on after a problem. The error is
// for what makes checking impossible.
//
// The lines come in the order of the users' ids whatever Jobs is. Memory: 70
// bytes a message of the mailboxes at work, of which no more than fit into 128
// MiB are at work at a time, and for streams 32 MiB beside.
func Verify(ctx context.Context, out string, opts Options) (Report, error) {
	v := &verifier{opts: opts, log: &counter{Log: opts.Log}, work: semaphore.NewWeighted(workMemory)}
	if v.log.Log == nil {
		v.log.Log = storeconv.Discard
	}
	if v.opts.Jobs <= 0 {
		v.opts.Jobs = runtime.GOMAXPROCS(0)
	}
	if (opts.Store == "") == (len(opts.Streams) == 0) {
		return v.report, errors.New("an export is held against a store or streams, one of them")
	}
	if err := v.open(out); err != nil {
		return v.report, err
	}
	defer v.close()
	err := v.run(ctx)
	v.report.Unknown += v.unknown.Load()
	v.report.Faults = v.log.problems.Load()
	return v.report, err
}

// workMemory bounds the listings that are held at a time, in bytes.
const workMemory = 128 << 20

// verifier is one call of Verify.
type verifier struct {
	opts       Options
	log        *counter
	root       int // the export, open
	naming     naming
	plugin     bool // the configuration has listescape
	configured bool // there is one
	place      template
	uidl       uidl
	owner      storeconv.Owner
	work       *semaphore.Weighted

	choiceLock sync.Mutex
	missing    func() []string // named and not come
	unknown    atomic.Int64

	report Report // of the goroutine whose turn it is

	linkLock sync.Mutex
	files    *bdb.Sorter // names by file
	bodies   *bdb.Sorter // files by what the source has once

	met *places
}

// counter counts problems on their way.
type counter struct {
	storeconv.Log
	problems atomic.Int64
}

func (c *counter) Problem(kind, where, text string) {
	c.problems.Add(1)
	c.Log.Problem(kind, where, text)
}

func (v *verifier) open(out string) error {
	info, err := os.Stat(out)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if isMailboxFile(out) {
			return fmt.Errorf("%s: %w", out, ErrMailboxFiles)
		}
		return fmt.Errorf("%s: not a directory", out)
	}
	if v.uidl, err = parseUIDL(v.opts.UIDL); err != nil {
		return fmt.Errorf("POP3 UIDL %q: %w", v.opts.UIDL, err)
	}
	if v.root, err = unix.Open(out, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("%s: %w", out, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(v.root, &st); err != nil {
		unix.Close(v.root)
		return fmt.Errorf("%s: stat: %w", out, err)
	}
	v.owner = storeconv.Owner{UID: int(st.Uid), GID: int(st.Gid)}
	if v.opts.Owner != nil {
		v.owner = *v.opts.Owner
	}
	if to := v.madeWith(); to == "mbox" {
		unix.Close(v.root)
		return fmt.Errorf("%s: %w", out, ErrMailboxFiles)
	}
	if v.place, err = parseTemplate(v.opts.Path, v.opts.Selection.Domain); err != nil {
		unix.Close(v.root)
		return fmt.Errorf("path %q: %w", v.opts.Path, err)
	}
	v.configuration()
	v.files, v.bodies, v.met = bdb.NewSorter("", sortMemory/2), bdb.NewSorter("", sortMemory/2), newPlaces()
	return nil
}

func (v *verifier) close() {
	v.files.Close()
	v.bodies.Close()
	unix.Close(v.root)
}

// keepsBytes tells whether messages are as in the source.
func (v *verifier) keepsBytes() bool { return v.opts.Newline == "" || v.opts.Newline == "keep" }

func (v *verifier) run(ctx context.Context) error {
	source, all, done, err := v.source(ctx)
	if err != nil {
		return err
	}
	defer done()
	t := newTurns(ctx, v.opts.Jobs)
	err = source(t.ctx, func(u *user) error {
		c := &checker{v: v, u: u}
		return t.do(c.check, func() { v.take(c) })
	})
	if err := errors.Join(err, t.wait()); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	for _, name := range v.missing() {
		v.log.Problem("no-such-user", name, "named, and not in what the export is held against")
	}
	if err := v.strangers(ctx, all); err != nil {
		return err
	}
	return v.links(ctx)
}

// take counts what one user came to, in the users' order.
func (v *verifier) take(c *checker) {
	c.notes.tell(v.log)
	r, n := &v.report, &c.report
	r.Users, r.Mailboxes, r.Messages, r.Bytes = r.Users+n.Users, r.Mailboxes+n.Mailboxes, r.Messages+n.Messages, r.Bytes+n.Bytes
	r.Links, r.Renamed, r.Unknown, r.Foreign = r.Links+n.Links, r.Renamed+n.Renamed, r.Unknown+n.Unknown, r.Foreign+n.Foreign
}

// source opens what the export is held against. all tells whether nothing of it
// was left out.
func (v *verifier) source(ctx context.Context) (run func(context.Context, func(*user) error) error, all bool, done func(), err error) {
	if v.opts.Store != "" {
		s, err := v.openStore()
		if err != nil {
			return nil, false, nil, err
		}
		v.missing = s.choice.Missing
		return s.run, s.choice.All() && v.opts.Partition == "", s.close, nil
	}
	s, err := v.openStreams()
	if err != nil {
		return nil, false, nil, err
	}
	v.missing = s.choice.Missing
	for _, in := range v.opts.Streams {
		if err := s.read(ctx, in); err != nil {
			s.close()
			return nil, false, nil, err
		}
	}
	if err := s.join(ctx); err != nil {
		s.close()
		return nil, false, nil, err
	}
	return s.run, s.choice.All(), s.close, nil
}

// madeWith takes the path and the domain of ids without one from the export,
// where the options do not say them, and returns what it was made of: maildir,
// mbox, or "" where it does not say.
func (v *verifier) madeWith() (to string) {
	text, _, err := readSmall(v.root, madeName)
	if err != nil {
		v.log.Problem("unreadable", madeName, err.Error())
	}
	to, path, domain := readMade(text)
	v.opts.Path = cmp.Or(v.opts.Path, path)
	v.opts.Selection.Domain = cmp.Or(v.opts.Selection.Domain, domain)
	return to
}

// configuration reads what the example configuration says of names.
func (v *verifier) configuration() {
	text, _, err := readSmall(v.root, configName)
	if err != nil {
		v.log.Problem("unreadable", configName, err.Error())
	}
	fs, plugin := readConfiguration(text)
	v.plugin, v.configured = plugin, text != ""
	v.naming = naming{fs: fs, escape: plugin || text == ""}
	switch v.opts.Escape {
	case "none":
		v.naming.escape = false
	case "listescape":
		v.naming.escape = true
	}
	if v.opts.Layout != "" {
		v.naming.fs = v.opts.Layout == "fs"
	}
	if text != "" && fs != v.naming.fs {
		v.log.Problem("configuration", configName, "it has the other layout")
	}
}

// attributes says what is wrong with the owner and mode of a file or directory;
// "" is nothing. A directory may have the bit that hands its group down.
func (v *verifier) attributes(st *unix.Stat_t) string {
	want, mode := uint32(0o600), st.Mode&0o7777
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		want, mode = 0o700, mode&^unix.S_ISGID
	}
	if mode != want {
		return fmt.Sprintf("mode %04o instead of %04o", mode, want)
	}
	if o := v.owner; o.UID >= 0 && int(st.Uid) != o.UID || o.GID >= 0 && int(st.Gid) != o.GID {
		return fmt.Sprintf("owner %d:%d instead of %d:%d", st.Uid, st.Gid, o.UID, o.GID)
	}
	return ""
}

// sortedKeys are the keys of a map in byte order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
