// Package merge puts the stores that parts of a site were restored or relocated
// into together in one store.
//
// Each run of a part leaves its report in its store (record.go); by these
// records a merge knows, before it writes anything, that all parts are there
// and belong together (check.go), and by their mailbox lists that no user is in
// two of them (lists.go). Then it finds the trees of all parts in order
// (users.go); workers clone them into a stage, or find them in place already
// (place.go, compare.go), and batches of them are renamed into place: package
// carry does that. The files of user/ follow (files.go), and the databases,
// which are held against the mailboxes that the walk met (lists.go, cross.go).
package merge

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"imsconv/storeconv"
	"imsconv/storeconv/carry"
	"imsconv/storeconv/durable"
)

// Via is how message files come from the stores of the parts into the one that
// they are merged into. Everything else is always copied, since servers write
// it in place.
type Via string

// The ways. The zero value chooses ViaHardlink for parts on the file system of
// the store, unless an owner is asked for, and ViaCopy for the others.
const (
	ViaAuto     Via = ""
	ViaHardlink Via = "hardlink" // the same inode: no space, and nothing of it may be changed
	ViaCopy     Via = "copy"     // hard links inside a part stay hard links
	ViaNone     Via = "none"     // the trees are in the store already, and only looked at
)

// Options say how parts are merged.
type Options struct {
	Via     Via
	Partial bool // some of the parts may be missing

	Owner  *storeconv.Owner // of what is made, not with ViaHardlink; nil: as in the parts, as far as the process may
	Jobs   int              // workers; 0: one a processor
	Sync   storeconv.SyncMode
	DryRun bool // look and report; write nothing

	Log      storeconv.Log      // nil: discard
	Progress storeconv.Progress // told after each user; nil: none

	FS      durable.FS // of the store; nil: the operating system's
	Command string     // the command line, for whoever finds an interrupted run; "": not known
}

// Report counts what a merge did; with DryRun, what it would do.
type Report struct {
	Records []Record // of the parts, in the order of their numbers
	Copies  bool     // the store has copies of the records, brought along with trees: they are the caller's to remove
	Removed bool     // an earlier merge had done all, and was stopped while it removed the records
	Missing []int    // numbers of parts that have no record

	Trees     int64 // of users met, each user counted in every partition
	Placed    int64 // put into the store
	Completed int64 // were there in part, and are whole now
	Unchanged int64 // were there already
	LeftOut   int64 // refused

	carry.Counts // of placed and unchanged trees

	Changed bool // something of the store was made or replaced; with DryRun never

	UserFiles   int64    // files of user/
	Lists       [4]int64 // records merged, of the databases in the order of package mboxlist
	RecordsLeft int64    // records left out with their users, or because another part has the key
}

// ErrHardlinkOwner refuses options that would change the parts through a second
// name of their files.
var ErrHardlinkOwner = errors.New("hard links share owner, mode and times with the parts: no owner can be set on them")

// ErrNoSpace is wrapped by the error of a merge that was refused because the
// store would not fit. Nothing was written.
var ErrNoSpace = carry.ErrNoSpace

// ErrNoRecords is wrapped by the error of a merge without parts into a store
// that has no records: an earlier merge has removed them, or there was none.
var ErrNoRecords = errors.New("no records of shards")

// ErrTwins is in the error of parts that have a user in common.
var ErrTwins = errors.New("parts of one division have no user in common")

// Merge puts the stores of parts together in the directory store, which is made
// when it does not exist: what a single run over the whole source would have
// made. The parts are only read. Every user's tree appears whole or not at all;
// the same call again goes on after an interruption, and changes nothing when
// all is done. Without parts, all of them were made in the store itself, and
// there is nothing to do but to look whether they are there; the records are
// the caller's to remove ([RemoveRecords]).
//
// Parts that do not belong together are an error, and nothing is written. What
// is wrong inside of one is told to Log and left out in the smallest unit.
//
// Memory is bounded at any number of parts, users and mailboxes: what is known
// of all mailboxes is sorted on disk, and the parts are read one after the
// other.
func Merge(ctx context.Context, store string, parts []string, opts Options) (Report, error) {
	m := &merge{store: store, opts: opts, log: storeconv.Discard}
	if opts.Log != nil {
		m.log = storeconv.PrintableLog{Log: opts.Log}
	}
	if m.opts.Jobs <= 0 {
		m.opts.Jobs = runtime.GOMAXPROCS(0)
	}
	if err := m.check(parts); err != nil {
		return m.report, err
	}
	if len(m.parts) == 0 {
		if m.report.Removed {
			return m.report, nil
		}
		return m.report, m.tellOwnLists()
	}
	if err := m.chooseVia(); err != nil {
		return m.report, err
	}
	if err := m.checkLists(ctx); err != nil {
		return m.report, err
	}
	if opts.DryRun {
		return m.report, m.trial(ctx)
	}
	return m.report, m.write(ctx)
}

// trial looks at everything and writes nothing.
func (m *merge) trial(ctx context.Context) error {
	there, err := durable.Exists(m.opts.FS, m.store)
	if err != nil {
		return err
	}
	if there {
		if m.dst, err = durable.OpenStore(m.store, durable.Options{FS: m.opts.FS}); err != nil {
			return err
		}
		defer m.dst.Close() // opened for reading
	}
	return m.convert(ctx)
}

// write merges.
func (m *merge) write(ctx context.Context) error {
	if o := m.opts.Owner; o != nil {
		if err := o.Check(); err != nil {
			return err
		}
	}
	if err := m.begin(ctx); err != nil {
		return err
	}
	before := listFiles(m.store)
	err := m.convert(ctx)
	m.report.Changed = m.report.Changed || m.report.Placed+m.report.Completed > 0 || listFiles(m.store) != before
	if err == nil {
		err = m.dirs.apply(m)
	}
	if err == nil {
		err = m.dst.SyncAll()
	}
	if m.links != nil {
		err = errors.Join(err, m.links.Close())
	}
	// A merge that was refused has left nothing to go on with.
	finished := err == nil || errors.Is(err, ErrNoSpace) && !m.run.Resumed()
	return errors.Join(err, m.run.End(finished), m.dst.Close())
}

// begin opens the store and the run's own folder in it.
func (m *merge) begin(ctx context.Context) error {
	var err error
	opt := durable.Options{FS: m.opts.FS, Command: m.opts.Command, Sync: m.opts.Sync, Owner: m.opts.Owner, Log: m.opts.Log, Done: ctx.Done()}
	if m.dst, err = durable.OpenStore(m.store, opt); err != nil {
		return err
	}
	places, err := m.places()
	if err == nil {
		err = m.dst.CheckPlace(places...)
	}
	if err != nil {
		return errors.Join(err, m.dst.Close())
	}
	if m.run, err = m.dst.BeginAnew(m.runName()); err != nil {
		return errors.Join(err, m.dst.Close())
	}
	m.run.TellOthers(m.log)
	if err = m.run.Dir.Mkdir("links"); err == nil {
		m.links, err = m.run.Dir.OpenDir("links")
	}
	if err != nil {
		return errors.Join(err, m.run.End(false), m.dst.Close())
	}
	m.pool = durable.NewLinkPool(m.links.FD())
	return nil
}

// convert is the merge itself.
func (m *merge) convert(ctx context.Context) error {
	m.boxes = m.newSorter()
	defer m.boxes.Close()
	if err := m.checkSpace(ctx); err != nil {
		return err
	}
	if err := m.mergeTrees(ctx); err != nil {
		return err
	}
	if err := m.mergeUserFiles(ctx); err != nil {
		return err
	}
	if err := m.mergeLists(ctx); err != nil {
		return err
	}
	m.tellStrays()
	return nil
}

// tellStrays tells what lies in the stores of the parts beside what a store is
// made of.
func (m *merge) tellStrays() {
	for _, p := range m.parts {
		for _, name := range p.strays {
			m.log.Warning("not-carried", fmt.Sprintf("%s/%s", p.path, name), "no part of a store: not carried over")
		}
	}
}
