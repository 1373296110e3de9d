package verify

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
	"imsconv/storeconv/nms"
)

// NMSOptions say how an NMS store became an iMS store: users and partitions are
// selected and renamed as they were for the relocation.
type NMSOptions struct {
	Partitions []Partition
	Users      map[string]bool   // as the source has them; nil: all
	Map        map[string]string // new ids by old ones
	Shard      storeconv.Shard   // zero: all users; what is no user's is in the first part
	Domain     string            // put behind every id that has none and is not in Map; "": none

	// Owner is whose everything must be, -1 any; nil: for root that of the source,
	// else anybody's.
	Owner *storeconv.Owner

	Jobs     int                // users compared at a time; 0: one a processor
	Log      storeconv.Log      // nil: discard
	Progress storeconv.Progress // files and bytes; nil: none
}

// NMSReport counts what was compared.
type NMSReport struct {
	Users         int64 `json:"users"`
	Missing       int64 `json:"users_missing"`
	Mailboxes     int64 `json:"mailboxes"`
	Messages      int64 `json:"messages"`
	Others        int64 `json:"other_files"`
	Bytes         int64 `json:"bytes"`     // compared
	SameFile      int64 `json:"same_file"` // hard or symbolic links to the source's own file
	Subscriptions int64 `json:"subscription_files"`
	FolderRecords int64 `json:"folder_records"`
	QuotaRecords  int64 `json:"quota_records"`
	SubscrRecords int64 `json:"subscr_records"`
	Differences   int64 `json:"differences"`
}

// NMS compares the iMS store in the directory store with the NMS store in from
// that it was made of: every file byte by byte, modes, modification times,
// owners, links, every record of the databases; the package comment has the
// list. It only reads. Faults of the source that a relocation lists are
// warnings here; what is in the source and not, or not the same, in the store
// is a problem. More in the store than in the source is a problem inside of a
// user's tree and in the records of the users that went over.
//
// The lines come in the same order whatever Jobs is. What must be compared in
// another order than it is met in is sorted in temporary files; memory stays
// below 256 MiB.
func NMS(ctx context.Context, store, from string, opts NMSOptions) (NMSReport, error) {
	if opts.Jobs <= 0 {
		opts.Jobs = runtime.GOMAXPROCS(0)
	}
	if opts.Log == nil {
		opts.Log = storeconv.Discard
	}
	c := &comparison{log: printable{opts.Log}, path: store, met: make(map[string]bool)}
	if err := apart(store, from); err != nil {
		return c.report, err
	}
	var err error
	if c.src, err = openSource(ctx, from, opts); err != nil {
		return c.report, err
	}
	defer c.src.close()
	if c.root, err = nms.OpenPath(store); err != nil {
		return c.report, err
	}
	defer unix.Close(c.root)
	for _, s := range []**bdb.Sorter{&c.links, &c.usage, &c.expect[0], &c.expect[1], &c.expect[2]} {
		*s = bdb.NewSorter("", sortMemory)
		defer (*s).Close()
	}
	return c.report, c.run(ctx)
}

// apart refuses a store inside of its source, or the other way round.
func apart(store, from string) error {
	var path [2]string
	for i, p := range [...]string{store, from} {
		real, err := filepath.EvalSymlinks(p)
		if err == nil {
			real, err = filepath.Abs(real)
		}
		if err != nil {
			return err
		}
		path[i] = real
	}
	for i := range path {
		if rel, err := filepath.Rel(path[i], path[1-i]); err == nil && filepath.IsLocal(rel) {
			return fmt.Errorf("the new store %s and the source %s lie inside each other", store, from)
		}
	}
	return nil
}

// comparison is one call of NMS.
type comparison struct {
	log    storeconv.Log
	path   string
	root   int // the store, open
	src    *source
	met    map[string]bool // with a selection: the users that the source has
	report NMSReport

	usage  *bdb.Sorter // bytes and messages by new id
	stop   context.CancelCauseFunc
	expect [3]*bdb.Sorter // the records that folder.db, quota.db and subscr.db must have

	links *bdb.Sorter // see nmslinks.go
	locks links
}

// run does all of it. It ends early with what the machine refuses.
func (c *comparison) run(ctx context.Context) error {
	ctx, c.stop = context.WithCancelCause(ctx)
	defer c.stop(nil)
	err := c.compare(ctx)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func (c *comparison) compare(ctx context.Context) error {
	if c.src.part.first { // what no user is concerned by is told once
		c.tell(c.src.notes...)
	}
	if err := c.trees(ctx); err != nil {
		return err
	}
	c.extraPartitions()
	if err := c.checkLinks(ctx); err != nil {
		return err
	}
	if err := c.subscriptions(ctx); err != nil {
		return err
	}
	if err := c.records(ctx); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(c.src.opts.Users)) {
		if c.src.opts.Users[id] && !c.met[id] && c.src.part.has(id) {
			c.tell(problem("no-such-user", id, "named, and not in the source"))
		}
	}
	return nil
}

// tell tells notes; not for use by workers.
func (c *comparison) tell(notes ...storeconv.Note) {
	for _, n := range notes {
		if n.Machine != nil {
			c.stop(n.Machine)
			continue
		}
		if n.Severity == storeconv.Problem {
			c.report.Differences++
		}
		n.Tell(c.log)
	}
}

// choose says whether a user of the source is looked at, and goes over under
// which id. One that does not is noted, where it is not "".
func (c *comparison) choose(id, where string) (newID string, ok bool, notes []storeconv.Note) {
	if !c.src.selected(id) {
		return "", false, nil
	}
	c.met[id] = true
	if why := c.src.refusal(id); why != "" {
		return "", false, []storeconv.Note{warning("user-left-out", where, "%s: left out", why)}
	}
	return c.src.newID(id), true, nil
}

// attributes compares mode, time and owner of a file or directory of the store
// with that of the source.
func (c *comparison) attributes(at string, a, b *unix.Stat_t) []storeconv.Note {
	notes := c.ownerNote(at, a, b)
	if a.Mode != b.Mode {
		notes = append(notes, problem("differs", at, "mode %04o, in the source %04o", b.Mode&0o7777, a.Mode&0o7777))
	}
	if a.Mtim != b.Mtim {
		notes = append(notes, problem("differs", at, "another modification time"))
	}
	return notes
}

// ownerNote compares owners. Who may not give files away leaves them with
// himself.
func (c *comparison) ownerNote(at string, a, b *unix.Stat_t) []storeconv.Note {
	want := owner{int(a.Uid), int(a.Gid)}
	if o := c.src.opts.Owner; o != nil {
		want = owner{o.UID, o.GID}
	} else if os.Geteuid() != 0 {
		return nil
	}
	if text := want.check(b); text != "" {
		return []storeconv.Note{problem("differs", at, "%s", text)}
	}
	return nil
}

// printable is a log that gets control bytes and bytes outside of ASCII as \x
// and two hexadecimal digits: names of files may hold anything.
type printable struct{ log storeconv.Log }

func (p printable) Problem(kind, where, text string) { p.log.Problem(kind, shown(where), shown(text)) }
func (p printable) Warning(kind, where, text string) { p.log.Warning(kind, shown(where), shown(text)) }

func shown(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
