package relocate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
	"imsconv/storeconv/carry"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/lists"
	"imsconv/storeconv/nms"
)

// relocation is one call of Relocate.
type relocation struct {
	from    string // the NMS store, as an absolute path
	store   string // the new store, as an absolute path
	opts    Options
	log     storeconv.Log
	siteLog storeconv.Log // for what concerns no user: of several shards, the first tells it
	src     *nms.Store
	parts   []*partition
	via     Via
	report  Report

	dst  *durable.Store
	run  *durable.Run
	pool *durable.LinkPool

	missing      []string // databases that the store in use had not,
	missingKnown bool     // as an interrupted run has found

	placer carry.Placer[*userTree]
	late   map[string]bool // places of trees that are put right
	copies carry.Copies    // in a dry run: files with several names

	data        *sourceDB         // data.db2, nil when it cannot be read
	index       *recordIndex      // what must be known of data.db2
	treeBoxes   *bdb.Sorter       // the mailboxes that have directories
	recordBoxes *bdb.Sorter       // the mailboxes that have records
	refusals    map[string]string // user ids that are left out, and why; told once
	usage       *bdb.Sorter       // with Requota: bytes and messages by new id
	subscr      *bdb.Sorter       // of subscr.db

	quotaMeta bdb.Meta
	dirTimes  dirTimes

	present   map[string]bool   // with Users: the users that the source has
	reverse   map[string]string // Map, turned round
	ambiguous map[string]bool   // ids that Map gives to more than one user
}

// partition is one partition on its way.
type partition struct {
	name, newName string
	alias         string // another name in records, or ""
	path          string // in the source
	where         string // for messages
	fd            int    // open =user, -1 when there is none
}

func (r *relocation) prepare() error {
	o := &r.opts
	if o.Jobs <= 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	var err error
	if r.from, err = filepath.Abs(r.from); err != nil {
		return err
	}
	if r.store, err = filepath.Abs(r.store); err != nil {
		return err
	}
	if o.Domain != "" {
		if err := checkFQDN(o.Domain); err != nil {
			return fmt.Errorf("domain for user ids: %w", err)
		}
	}
	for i := range o.Partitions {
		o.Partitions[i].settle(r.from)
	}
	if r.src, err = nms.Open(r.from, Elsewhere(r.from, o.Partitions)...); err != nil {
		return err
	}
	if err := r.apart(); err != nil {
		return err
	}
	r.refusals = make(map[string]string)
	r.present = make(map[string]bool)
	r.ambiguous = make(map[string]bool)
	if err := r.openPartitions(); err != nil {
		return err
	}
	return r.chooseVia()
}

// apart refuses a store inside of the source or of a partition that lies
// elsewhere, or the other way round.
func (r *relocation) apart() error {
	read := []string{r.from}
	for _, p := range r.opts.Partitions {
		if p.Path != "" {
			read = append(read, p.Path)
		}
	}
	for _, path := range read {
		if durable.Nest(r.store, path) {
			return fmt.Errorf("the new store %s and the source %s lie inside each other", r.store, path)
		}
	}
	return nil
}

func (r *relocation) openPartitions() error {
	rename, err := newNames(r.src, r.from, r.opts.Partitions)
	if err != nil {
		return err
	}
	alias := make(map[string]string)
	for _, p := range r.opts.Partitions {
		if _, taken := r.src.Partition(p.Alias); !taken {
			alias[p.Name] = p.Alias
		}
	}
	for _, p := range r.src.Partitions {
		part := &partition{name: p.Name, newName: rename[p.Name], alias: alias[p.Name], path: p.Path, where: r.label(p.Path), fd: -1}
		if err := ims.CheckPartition(part.newName); err != nil {
			r.siteLog.Problem("bad-partition", part.where, err.Error()+": left out")
			continue
		}
		r.parts = append(r.parts, part)
		if !nms.IsPartition(p.Path) {
			r.siteLog.Warning("no-users", part.where, "no "+nms.UserRoot+" directory: nothing to relocate here")
			continue
		}
		fd, err := nms.OpenPath(filepath.Join(p.Path, nms.UserRoot))
		if err != nil {
			if ims.OfMachine(err) {
				return err
			}
			r.siteLog.Problem("unreadable", part.where+"/"+nms.UserRoot, err.Error())
			continue
		}
		part.fd = fd
	}
	r.report.Partitions = len(r.parts)
	return nil
}

// newNames are what the partitions of a source, in the folder from, are called
// in the new store. An error is of one that is not there, or of two that would
// be one.
func newNames(src *nms.Store, from string, partitions []Partition) (map[string]string, error) {
	names, taken := make(map[string]string), make(map[string]string)
	for _, p := range partitions {
		if _, ok := src.Partition(p.Name); !ok {
			return nil, fmt.Errorf("partition %s: not in %s", p.Name, from)
		}
		names[p.Name] = p.NewName
	}
	for _, p := range src.Partitions {
		name := cmp.Or(names[p.Name], p.Name)
		names[p.Name] = name
		if other, ok := taken[name]; ok {
			return nil, fmt.Errorf("partitions %s and %s both become %s", other, p.Name, name)
		}
		if ims.CheckPartition(name) == nil { // else it is left out
			taken[name] = p.Name
		}
	}
	return names, nil
}

// CheckPartitions finds what a relocation of the store would refuse of the
// partitions that its options name.
func CheckPartitions(store string, partitions []Partition) error {
	partitions = slices.Clone(partitions)
	for i := range partitions {
		partitions[i].settle(store)
	}
	src, err := nms.Open(store, Elsewhere(store, partitions)...)
	if err != nil {
		return err
	}
	_, err = newNames(src, store, partitions)
	return err
}

// label is how messages name a path of the source: relative to it where that
// is possible.
func (r *relocation) label(path string) string {
	if rel, err := filepath.Rel(r.from, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

func (r *relocation) closeSource() {
	for _, p := range r.parts {
		if p.fd >= 0 {
			_ = unix.Close(p.fd) // opened for reading
		}
	}
}

func (r *relocation) chooseVia() error {
	r.via = r.opts.Via
	if r.via == ViaHardlink && r.opts.Owner != nil {
		return ErrHardlinkOwner
	}
	if r.via != ViaAuto && r.via != ViaHardlink {
		r.report.Via = string(r.via)
		return nil
	}
	same := r.sameFileSystem()
	if r.via == ViaHardlink && same != "" {
		return fmt.Errorf("hard links are impossible: %s and %s are on different file systems", same, r.store)
	}
	if r.via == ViaAuto {
		r.via = ViaHardlink
		if same != "" || r.opts.Owner != nil {
			r.via = ViaCopy
		}
	}
	r.report.Via = string(r.via)
	return nil
}

// sameFileSystem returns the first partition that is not on the file system of
// the new store, "" when all are.
func (r *relocation) sameFileSystem() string {
	var dst unix.Stat_t
	for path := r.store; unix.Stat(path, &dst) != nil; path = filepath.Dir(path) {
		if path == filepath.Dir(path) {
			return path
		}
	}
	for _, p := range r.parts {
		var st unix.Stat_t
		if p.fd >= 0 && (unix.Fstat(p.fd, &st) != nil || st.Dev != dst.Dev) {
			return p.path
		}
	}
	return ""
}

// begin opens the new store and the run's own folder in it.
func (r *relocation) begin(ctx context.Context) error {
	var err error
	opt := durable.Options{FS: r.opts.FS, Command: r.opts.Command, Sync: r.opts.Sync, Owner: r.opts.Owner, Fault: r.opts.fault, Log: r.opts.Log, Done: ctx.Done()}
	if r.dst, err = durable.OpenStore(r.store, opt); err != nil {
		return err
	}
	if err := r.dst.CheckPlace(r.places()...); err != nil {
		return errors.Join(err, r.dst.Close())
	}
	if err := lists.Check(r.dst); err != nil {
		return errors.Join(err, r.dst.Close())
	}
	if err := r.readMissing(); err != nil {
		return errors.Join(err, r.dst.Close())
	}
	if r.run, err = r.dst.BeginAnew(r.runName()); err != nil {
		return errors.Join(err, r.dst.Close())
	}
	r.run.TellOthers(r.log)
	if r.via != ViaCopy {
		return nil
	}
	if err := r.run.Dir.Mkdir("links"); err != nil {
		return r.giveUp(err)
	}
	dir, err := r.run.Dir.OpenDir("links")
	if err != nil {
		return r.giveUp(err)
	}
	r.pool = durable.NewLinkPool(dir.FD())
	r.dirTimes.hold = dir
	return nil
}

// places are where the run makes something in the new store.
func (r *relocation) places() []string {
	list := []string{lists.Dir, userDir}
	for _, p := range r.parts {
		list = append(list, "partition/"+p.newName+"/"+nms.UserRoot)
	}
	return list
}

func (r *relocation) giveUp(err error) error {
	return errors.Join(err, r.run.End(false), r.dst.Close())
}

// runName tells runs of different sources and selections apart.
func (r *relocation) runName() string {
	h := sha256.New()
	fmt.Fprintf(h, "relocate\x00%s\x00%s\x00%s\x00", r.from, r.opts.Domain, r.via)
	users := make([]string, 0, len(r.opts.Users)+len(r.opts.Map))
	for id := range r.opts.Users {
		users = append(users, "="+id)
	}
	for id, n := range r.opts.Map {
		users = append(users, id+"="+n)
	}
	slices.Sort(users)
	for _, u := range users {
		fmt.Fprintf(h, "%s\x00", u)
	}
	if !r.opts.Shard.Whole() {
		fmt.Fprintf(h, "shard %s\x00", r.opts.Shard.Name())
	}
	return "relocate-" + hex.EncodeToString(h.Sum(nil)[:8])
}

// convert is the run itself.
func (r *relocation) convert(ctx context.Context) error {
	for _, s := range []**bdb.Sorter{&r.treeBoxes, &r.recordBoxes, &r.usage} {
		*s = bdb.NewSorter(r.tempDir(), storeconv.SortMemory)
		defer (*s).Close()
	}
	defer func() { r.data.close() }()
	if err := r.readRecords(ctx); err != nil {
		return err
	}
	if err := r.checkSpace(ctx); err != nil {
		return err
	}
	if err := r.relocateTrees(ctx); err != nil {
		return err
	}
	if err := r.relocateSubscriptions(ctx); err != nil {
		return err
	}
	if err := r.writeDatabases(ctx); err != nil {
		return err
	}
	r.tellUnmet()
	if r.opts.DryRun {
		return nil
	}
	if err := r.dirTimes.apply(r); err != nil {
		return err
	}
	return r.dst.SyncAll()
}

// newID is the id that a user of the source gets.
func (r *relocation) newID(id string) string {
	if n, ok := r.opts.Map[id]; ok {
		return n
	}
	if r.opts.Domain != "" && !strings.Contains(id, "@") {
		return id + "@" + r.opts.Domain
	}
	return id
}

// selected tells whether a user of the source is part of this run.
func (r *relocation) selected(id string) bool {
	if !r.opts.Shard.Has(id) {
		return false
	}
	if r.opts.Users == nil {
		return true
	}
	if !r.opts.Users[id] {
		return false
	}
	r.present[id] = true
	return true
}

// takesRest tells whether what is no user's is part of this run: no batch has
// it, and of several shards the first.
func (r *relocation) takesRest() bool { return r.opts.Users == nil && r.opts.Shard.First() }

// tellUnmet lists the users who were asked for and are nowhere in the source.
func (r *relocation) tellUnmet() {
	for _, id := range slices.Sorted(maps.Keys(r.opts.Users)) {
		if r.opts.Users[id] && !r.present[id] && r.opts.Shard.Has(id) {
			r.log.Problem("no-such-user", id, "not in the source")
		}
	}
}

// admit decides whether a user of the source goes over, under which id. why is
// set the first time that a user is refused, to be told.
func (r *relocation) admit(id string) (newID string, ok bool, why string) {
	if _, no := r.refusals[id]; no {
		return "", false, ""
	}
	if why = r.refuse(id); why != "" {
		return "", false, why
	}
	return r.newID(id), true, ""
}

// refuse notes and says why a user cannot go over, "" when he can.
func (r *relocation) refuse(id string) (why string) {
	newID := r.newID(id)
	if err := checkUIDForm(newID); err != nil {
		why = err.Error()
	} else if newID != id {
		why = r.collides(id, newID)
	}
	if why != "" {
		r.refusals[id] = why
	}
	return why
}

// stays tells whether a user is left out, whichever shard he belongs to: that
// of another one is where it is told.
func (r *relocation) stays(id string) bool {
	_, no := r.refusals[id]
	return no || !r.opts.Shard.Has(id) && r.refuse(id) != ""
}
