package merge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/shards"
)

// Claim is the right of a run to make a part in a store. Until it is closed no
// part of another division of the site is begun there.
type Claim struct {
	Earlier Earlier // runs of the part that had done their work before

	store *durable.Store
	fd    int // of divisionFile
	made  string
}

// divisionFile, in RecordsDir, says of which division the parts are that are
// being made: the count of the parts, a blank, what stands for the plan, LF.
// Its first two bytes are the ranges of locks. It has no meaning once nobody
// holds the second.
const divisionFile = ".division"

// The ranges: the start of a run, which one process at a time goes through, and
// its life, which all runs of one division share.
const (
	startRange = iota
	lifeRange
)

// startTime is how long a run waits for others that begin. That takes them as
// long as a few directories take to be synced.
const startTime = 30 * time.Second

// earlierName is where the record of an earlier run of a part waits for the end
// of the one that takes its place.
func earlierName(record string) string { return ".before-" + record }

// BeginPart makes the store ready for the run of a part, and the store itself
// where it is not there: the record of an earlier run of it goes, durably,
// since it would vouch for what the run is about to change, and so does the
// report of an earlier merge. A store with other parts of another division of
// its users, by number or by plan, is refused, whether they are done or being
// made, and so is a part that no merge would take. owner is that of what is
// made; nil: the process. The caller closes the claim when the run has ended.
func BeginPart(ctx context.Context, store string, part Mark, owner *storeconv.Owner) (*Claim, error) {
	if part.Count > shards.MostParts {
		return nil, fmt.Errorf("part %d of %d: a site has at most %d parts", part.Index, part.Count, shards.MostParts)
	}
	// What is refused for the records that are there needs no lock, and leaves
	// no trace.
	if err := part.checkRecords(store); err != nil {
		return nil, err
	}
	c, err := openClaim(ctx, store, owner)
	if err != nil {
		return nil, err
	}
	if err = c.begin(&part); err == nil {
		err = c.lock(startRange, unix.F_UNLCK)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// openClaim opens the store and waits for the right to begin.
func openClaim(ctx context.Context, path string, owner *storeconv.Owner) (*Claim, error) {
	there, err := durable.Exists(nil, path)
	if err != nil {
		return nil, err
	}
	store, err := durable.OpenStore(path, durable.Options{Owner: owner})
	if err != nil {
		return nil, err
	}
	c := &Claim{store: store, fd: -1}
	if !there {
		c.made = path
	}
	for late := time.Now().Add(startTime); ; {
		switch err := c.tryStart(owner); {
		case err == nil:
			return c, nil
		case errors.Is(err, errStarting) && time.Now().After(late):
			return nil, errors.Join(fmt.Errorf("%s: another process begins a part there and does not go on; where it was stopped, end it", path), c.Close())
		case !errors.Is(err, errStarting):
			return nil, errors.Join(err, c.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), c.Close())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// errStarting: another process begins, or has just ended.
var errStarting = errors.New("another process begins a part")

// tryStart opens the file of the division and takes the right to begin.
func (c *Claim) tryStart(owner *storeconv.Owner) error {
	err := c.store.MkdirAll(RecordsDir)
	if err == nil {
		c.fd, err = c.store.FS().Openat(c.store.FD(), RecordsDir+"/"+divisionFile, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW, durable.FileMode)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return errStarting // the directory was removed in the meantime
	}
	if err != nil {
		c.fd = -1
		return fmt.Errorf("%s: %w", filepath.Join(c.store.Path(), RecordsDir, divisionFile), err)
	}
	if owner != nil {
		err = c.store.FS().Fchown(c.fd, owner.UID, owner.GID)
	}
	if err == nil {
		err = c.lock(startRange, unix.F_WRLCK)
	}
	if err == nil && !c.current() {
		err = errStarting
	}
	if err != nil {
		c.closeFile()
	}
	return err
}

// current tells whether the open file is the one that others find.
func (c *Claim) current() bool {
	here, err := c.store.FS().Fstat(c.fd)
	if err != nil {
		return false
	}
	there, err := c.store.Stat(RecordsDir + "/" + divisionFile)
	return err == nil && there.Ino == here.Ino
}

// lock takes a range, or gives it up (F_UNLCK), without waiting; errStarting
// says that another process holds it.
func (c *Claim) lock(at int64, kind int16) error {
	_, err := c.store.FS().Lock(c.fd, unix.F_OFD_SETLK, unix.Flock_t{Type: kind, Start: at, Len: 1})
	if err == unix.EAGAIN || err == unix.EACCES {
		return errStarting
	}
	if err != nil {
		return fmt.Errorf("%s: lock: %w", filepath.Join(c.store.Path(), RecordsDir, divisionFile), err)
	}
	return nil
}

// begin does what one process at a time may do.
func (c *Claim) begin(part *Mark) error {
	if err := c.division(part); err != nil {
		return err
	}
	path := c.store.Path()
	if err := part.checkRecords(path); err != nil {
		return err
	}
	if err := unmark(path); err != nil {
		return err
	}
	return c.putAway(part)
}

// division takes the store for the part's division, unless runs of another are
// alive.
func (c *Claim) division(part *Mark) error {
	own := fmt.Sprintf("%d %s\n", part.Count, part.Plan)
	have, err := c.store.ReadFile(RecordsDir+"/"+divisionFile, 1<<10)
	if err != nil {
		return err
	}
	if string(have) != own {
		err := c.lock(lifeRange, unix.F_WRLCK)
		if errors.Is(err, errStarting) {
			return fmt.Errorf("%s: another process makes a part of another division of the site there (%s), and this is part %d of %d%s: the parts of two divisions do not go into one store; name another store for one of them",
				c.store.Path(), describe(string(have)), part.Index, part.Count, ofPlan(part.Plan))
		}
		if err != nil {
			return err
		}
		// A shorter one leaves no rest: the old one's end is cut off before.
		if err := errors.Join(unix.Ftruncate(c.fd, 0), writeAt(c.fd, own)); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(c.store.Path(), RecordsDir, divisionFile), err)
		}
	}
	return c.lock(lifeRange, unix.F_RDLCK)
}

func writeAt(fd int, text string) error {
	n, err := unix.Pwrite(fd, []byte(text), 0)
	if err == nil && n < len(text) {
		err = unix.EIO
	}
	return err
}

// describe is what a file of a division says, in words.
func describe(text string) string {
	count, plan, _ := strings.Cut(strings.TrimSuffix(text, "\n"), " ")
	return count + " parts" + ofPlan(plan)
}

func ofPlan(id string) string {
	if id == "" {
		return " by a hash"
	}
	return fmt.Sprintf(" of the plan %.8s", id)
}

// checkRecords refuses a part where the store has those of another division.
func (part *Mark) checkRecords(store string) error {
	names, err := recordNames(store)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == RecordName(part.Index, part.Count) {
			continue
		}
		if err := part.besides(store, name); err != nil {
			return err
		}
	}
	return nil
}

// besides refuses a part where the store has the record of a part of another
// division. A record that cannot be read is left to the merge.
func (part *Mark) besides(store, name string) error {
	_, ending, _ := strings.Cut(RecordName(part.Index, part.Count), "-")
	this := fmt.Sprintf("part %d of %d", part.Index, part.Count)
	if strings.HasSuffix(name, "-"+ending) {
		r, err := readRecord(store, name)
		if err != nil || r.Shard.Plan == part.Plan {
			return nil
		}
		this += " of another plan, or by a hash"
	}
	return fmt.Errorf("%s has the record %s, and this is %s: the parts of two divisions of a site do not go into one store; "+
		"name another store, or remove %s to begin anew", store, name, this, filepath.Join(store, RecordsDir))
}

// putAway takes the record of an earlier run of the part out of the way, and
// keeps what that run and those before it have counted: where this run is
// killed, the next one finds it there.
func (c *Claim) putAway(part *Mark) error {
	name := RecordName(part.Index, part.Count)
	d, err := c.store.OpenDir(RecordsDir)
	if err != nil {
		return err
	}
	err = d.Replace(name, d, earlierName(name))
	switch {
	case err == nil:
		err = d.SyncNames(".")
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	if err = errors.Join(err, d.Close()); err != nil {
		return err
	}
	text, err := readRegular(filepath.Join(c.store.Path(), RecordsDir, earlierName(name)))
	if err != nil {
		return ignoreMissing(err)
	}
	// One that is no record, or of another part of that number, counts nothing.
	if r, err := ParseRecord(text); err == nil && r.Shard == *part {
		c.Earlier = r.runs()
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// runs are the run of a record and those before it.
func (r *Record) runs() Earlier {
	e := Earlier{Runs: max(0, min(r.Earlier.Runs, math.MaxInt32)) + 1, Counts: maps.Clone(r.Earlier.Counts)}
	if e.Counts == nil {
		e.Counts = make(map[string]int64)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Counts)) {
		e.Counts[name] += r.Counts[name]
	}
	return e
}

// Close gives the store free for other divisions. What only the claim has made
// there goes.
func (c *Claim) Close() error {
	c.leave()
	c.closeFile()
	err := c.store.Close()
	if c.made != "" {
		_ = os.Remove(c.made) // only where nothing is in it
	}
	return err
}

// leave removes the file of the division, and directories that are empty then,
// when no other run lives by it. What stays does no harm.
func (c *Claim) leave() {
	if c.fd < 0 || c.lock(startRange, unix.F_WRLCK) != nil || c.lock(lifeRange, unix.F_WRLCK) != nil || !c.current() {
		return
	}
	if c.store.Remove(RecordsDir+"/"+divisionFile) == nil && c.store.RemoveDir(RecordsDir) == nil {
		_ = c.store.RemoveWorkDir()
	}
}

func (c *Claim) closeFile() {
	if c.fd >= 0 {
		_ = c.store.FS().Close(c.fd) // and with it the locks
		c.fd = -1
	}
}
