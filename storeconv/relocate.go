package storeconv

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
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
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/internal/durable"
	"imsconv/storeconv/nms"
)

// Via is how message files come into the new store. Everything else is always
// copied, since servers update it in place.
type Via string

// The ways. The zero value chooses ViaHardlink where source and destination are
// on one file system and no owner is asked for, else ViaCopy.
const (
	ViaAuto     Via = ""
	ViaHardlink Via = "hardlink" // the same inode: no space, and nothing of it may be changed
	ViaCopy     Via = "copy"     // hard links inside the source stay hard links
	ViaSymlink  Via = "symlink"  // a symbolic link to the absolute path
)

// ParseVia parses the name of a way.
func ParseVia(s string) (Via, error) {
	switch v := Via(s); v {
	case ViaAuto, ViaHardlink, ViaCopy, ViaSymlink:
		return v, nil
	}
	return "", fmt.Errorf("%q is none of hardlink, copy, symlink", s)
}

// RelocateOptions say what of an NMS store becomes an iMS store, and how.
type RelocateOptions struct {
	From  string // the NMS store directory; only read
	Store string // the iMS store; made when it does not exist
	Via   Via

	// Partitions rename partitions, and name those that lie elsewhere.
	Partitions []RelocatePartition
	// Select restricts the run to these users, as the source has them; nil: all.
	Select map[string]bool
	// Map gives users new ids, by their old ones.
	Map map[string]string
	// Domain, when not empty, is put behind every id that has none and is not in Map.
	Domain string

	UID, GID  int              // owner of what is made, when SetOwner
	SetOwner  bool             // not with ViaHardlink
	Version   int              // of the databases: 6, 7, 8 or 9; 0: 6
	ByteOrder binary.ByteOrder // of the databases; nil: as the source
	PageSize  int              // of the databases, bytes; 0: as the source
	Jobs      int              // workers; 0: one a processor
	Sync      string           // none, batch (default) or user

	DryRun     bool // look and report; write nothing
	RepairHash bool // put users under the right hash directory, names into the layout's spelling
	AddMissing bool // write folder records for mailboxes that have none
	Requota    bool // count usage anew

	// Limits tells the limits of a user of the new store; nil: those of quota.db2.
	Limits func(id string) (Quota, bool)

	Log      Log                      // nil: discard
	Progress func(files, bytes int64) // called after each user, from several goroutines; nil: none

	fault durable.Fault // tests only
}

// RelocatePartition is one --partition: what is called Name in the source (at
// Path, when it is not below partition/) is called NewName in the new store.
// Records may call it Alias too, unless another partition has that name.
type RelocatePartition struct {
	Name, Path, NewName, Alias string
}

// ParseRelocatePartition reads OLD=NEW. OLD is the name of a partition of the
// source, or, with a slash in it, the path of one that lies elsewhere. NEW is
// its name in the new store, or, with a slash in it, the path where the source
// partition OLD lies.
func ParseRelocatePartition(s string) (RelocatePartition, error) {
	oldName, newName, ok := strings.Cut(s, "=")
	if !ok || oldName == "" || newName == "" {
		return RelocatePartition{}, fmt.Errorf("partition %q is not of the form OLD=NEW", s)
	}
	p := RelocatePartition{Name: oldName, NewName: newName}
	switch {
	case strings.Contains(oldName, "/") && strings.Contains(newName, "/"):
		return p, fmt.Errorf("partition %q: one side is a path, the other a name", s)
	case strings.Contains(oldName, "/"):
		p.Path, p.Name = filepath.Clean(oldName), newName
		p.Alias = filepath.Base(p.Path)
	case strings.Contains(newName, "/"):
		p.Path, p.NewName = filepath.Clean(newName), oldName
	}
	return p, ims.CheckPartition(p.NewName)
}

// RelocateReport counts what a run did. With DryRun, what it would do.
type RelocateReport struct {
	Via        string `json:"via"`
	Partitions int    `json:"partitions"`

	Users       int64 `json:"users"`        // user directories met and selected
	Placed      int64 `json:"placed"`       // put into the new store
	Completed   int64 `json:"completed"`    // were there in part, and are whole now
	Unchanged   int64 `json:"unchanged"`    // were there already
	Renamed     int64 `json:"renamed"`      // users who got another id
	Rehashed    int64 `json:"rehashed"`     // put under the right hash directory
	Respelled   int64 `json:"respelled"`    // directories whose name was put right
	LeftOut     int64 `json:"left_out"`     // user directories refused
	SharedTrees int64 `json:"shared_trees"` // of mailboxes that are no user's
	Mailboxes   int64 `json:"mailboxes"`    //
	Messages    int64 `json:"messages"`     //
	Others      int64 `json:"other_files"`  // index and other files of the mailboxes
	Bytes       int64 `json:"bytes"`        // of the messages, where their sizes were read
	Copied      int64 `json:"bytes_copied"`
	Linked      int64 `json:"linked"`      // messages linked to the source
	Shared      int64 `json:"shared"`      // messages linked to an earlier copy
	Fallback    int64 `json:"link_failed"` // messages copied because they could not be linked

	Subscriptions     int64 `json:"subscription_files"`
	SubscriptionsRead int64 `json:"subscription_files_read"` // those that read as a list
	SubscriptionsNew  int64 `json:"subscription_files_rewritten"`

	FolderRecords  int64 `json:"folder_records"` // of this run
	QuotaRecords   int64 `json:"quota_records"`
	SubscrRecords  int64 `json:"subscr_records"`
	RecordsChanged int64 `json:"records_changed"` // key or value changed by a rename
	RecordsAdded   int64 `json:"records_added"`   // for mailboxes that had none
	RecordsLeft    int64 `json:"records_left_out"`
	RecordsOpaque  int64 `json:"records_not_understood"` // values carried over unread

	NoTree           int64 `json:"records_without_tree"`
	NoRecord         int64 `json:"trees_without_record"`
	UnknownPartition int64 `json:"records_of_unknown_partition"`

	OverQuota []OverQuota `json:"over_quota,omitempty"`
}

// OverQuota is a user whose mail is above the limits.
type OverQuota struct {
	User          string `json:"user"`
	QuotaKB       int64  `json:"quota_kb"`
	UsageKB       int64  `json:"usage_kb"`
	QuotaMessages int64  `json:"quota_messages"`
	UsageMessages int64  `json:"usage_messages"`
}

// ErrHardlinkOwner refuses options that would change the source through a
// second name of its files.
var ErrHardlinkOwner = errors.New("hard links share owner, mode and times with the source: no owner can be set on them")

// Relocate makes an iMS store of an NMS store. Every user's tree appears in the
// new store whole or not at all; the same call again goes on after an
// interruption, and changes nothing when all is done. What is wrong with the
// source is told to Options.Log and left out in the smallest unit; the error is
// of the options or of the destination.
func Relocate(ctx context.Context, opts RelocateOptions) (RelocateReport, error) {
	r := &relocation{opts: opts, log: opts.Log}
	if r.log == nil {
		r.log = discard{}
	}
	defer r.closeSource()
	if err := r.prepare(); err != nil {
		return r.report, err
	}
	if opts.DryRun {
		return r.report, r.convert(ctx)
	}
	if err := r.checkRights(); err != nil {
		return r.report, err
	}
	if err := r.begin(); err != nil {
		return r.report, err
	}
	err := r.convert(ctx)
	// A run that was refused has left nothing to go on with.
	finished := err == nil || errors.Is(err, ErrNoSpace) && !r.run.Resumed()
	if endErr := r.run.End(finished); err == nil {
		err = endErr
	}
	if closeErr := r.dst.Close(); err == nil {
		err = closeErr
	}
	return r.report, err
}

// relocation is one call of Relocate.
type relocation struct {
	opts   RelocateOptions
	log    Log
	src    *nms.Store
	parts  []*relocatedPartition
	via    Via
	report RelocateReport

	dst  *durable.Store
	run  *durable.Run
	pool *durable.LinkPool

	index   *recordIndex      // what must be known of data.db2
	found   *bdb.Sorter       // the mailboxes that the walk met
	listed  *bdb.Sorter       // the mailboxes that have records
	refused map[string]string // user ids that are left out, and why; told once
	usage   *bdb.Sorter       // with Requota: bytes and messages by new id
	subscr  *mboxlist.Update  // of subscr.db

	quotaMeta bdb.Meta
	verify    *nmsVerifier // compares with the new store and writes nothing; nil: a conversion
	dirTimes  dirTimes

	met         map[string]bool   // with Select: the users that the source has
	reverse     map[string]string // Map, turned round
	ambiguous   map[string]bool   // ids that Map gives to more than one user
	stageNumber stageCounter
}

// relocatedPartition is one partition on its way.
type relocatedPartition struct {
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
	if o.From, err = filepath.Abs(o.From); err != nil {
		return err
	}
	if o.Store, err = filepath.Abs(o.Store); err != nil {
		return err
	}
	var extra []nms.Partition
	for i := range o.Partitions {
		p := &o.Partitions[i]
		if p.Path != "" && resolved(filepath.Dir(p.Path)) == resolved(filepath.Join(o.From, "partition")) {
			p.Name, p.Path, p.Alias = filepath.Base(p.Path), "", "" // by its path, and not elsewhere
		}
		if p.Path != "" {
			extra = append(extra, nms.Partition{Name: p.Name, Path: p.Path})
		}
	}
	if r.src, err = nms.Open(o.From, extra...); err != nil {
		return err
	}
	if err := r.apart(); err != nil {
		return err
	}
	r.refused = make(map[string]string)
	r.met = make(map[string]bool)
	r.ambiguous = make(map[string]bool)
	if err := r.openPartitions(); err != nil {
		return err
	}
	return r.chooseVia()
}

// apart refuses a store inside of the source, or the other way round.
func (r *relocation) apart() error {
	from, to := resolved(r.opts.From), resolved(r.opts.Store)
	if from == to || strings.HasPrefix(to+"/", from+"/") || strings.HasPrefix(from+"/", to+"/") {
		return fmt.Errorf("the new store %s and the source %s lie inside each other", r.opts.Store, r.opts.From)
	}
	return nil
}

// resolved follows symbolic links as far as the path exists.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if parent := filepath.Dir(path); parent != path {
		return filepath.Join(resolved(parent), filepath.Base(path))
	}
	return path
}

func (r *relocation) openPartitions() error {
	rename, alias := make(map[string]string), make(map[string]string)
	for _, p := range r.opts.Partitions {
		if _, taken := r.src.Partition(p.Alias); !taken {
			alias[p.Name] = p.Alias
		}
		if _, ok := r.src.Partition(p.Name); !ok {
			return fmt.Errorf("partition %s: not in %s", p.Name, r.opts.From)
		}
		rename[p.Name] = p.NewName
	}
	taken := make(map[string]string)
	for _, p := range r.src.Partitions {
		part := &relocatedPartition{name: p.Name, newName: p.Name, alias: alias[p.Name], path: p.Path, where: r.label(p.Path), fd: -1}
		if n := rename[p.Name]; n != "" {
			part.newName = n
		}
		if err := ims.CheckPartition(part.newName); err != nil {
			r.log.Problem("bad-partition", part.where, err.Error()+": left out")
			continue
		}
		if other, ok := taken[part.newName]; ok {
			return fmt.Errorf("partitions %s and %s both become %s", other, part.name, part.newName)
		}
		taken[part.newName] = part.name
		r.parts = append(r.parts, part)
		if !nms.IsPartition(p.Path) {
			r.log.Warning("no-users", part.where, "no "+nms.UserRoot+" directory: nothing to relocate here")
			continue
		}
		fd, err := nms.OpenPath(filepath.Join(p.Path, nms.UserRoot))
		if err != nil {
			r.log.Problem("unreadable", part.where+"/"+nms.UserRoot, err.Error())
			continue
		}
		part.fd = fd
	}
	r.report.Partitions = len(r.parts)
	return nil
}

// label is how messages name a path of the source: relative to it where that
// is possible.
func (r *relocation) label(path string) string {
	if rel, err := filepath.Rel(r.opts.From, path); err == nil && filepath.IsLocal(rel) {
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
	if r.via == ViaHardlink && r.opts.SetOwner {
		return ErrHardlinkOwner
	}
	if r.via != ViaAuto && r.via != ViaHardlink {
		r.report.Via = string(r.via)
		return nil
	}
	same := r.sameFileSystem()
	if r.via == ViaHardlink && same != "" {
		return fmt.Errorf("hard links are impossible: %s and %s are on different file systems", same, r.opts.Store)
	}
	if r.via == ViaAuto {
		r.via = ViaHardlink
		if same != "" || r.opts.SetOwner {
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
	for path := r.opts.Store; unix.Stat(path, &dst) != nil; path = filepath.Dir(path) {
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
func (r *relocation) begin() error {
	mode, err := durable.ParseSyncMode(r.opts.Sync)
	if err != nil {
		return err
	}
	opt := durable.Options{Sync: mode, Fault: r.opts.fault}
	if r.opts.SetOwner {
		opt.Owner = &durable.Owner{UID: r.opts.UID, GID: r.opts.GID}
	}
	if r.dst, err = durable.OpenStore(r.opts.Store, opt); err != nil {
		return err
	}
	if r.run, err = r.dst.Begin(r.runName()); err != nil {
		return errors.Join(err, r.dst.Close())
	}
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

func (r *relocation) giveUp(err error) error {
	return errors.Join(err, r.run.End(false), r.dst.Close())
}

// runName tells runs of different sources and selections apart.
func (r *relocation) runName() string {
	h := sha256.New()
	fmt.Fprintf(h, "relocate\x00%s\x00%s\x00%s\x00", r.opts.From, r.opts.Domain, r.via)
	users := make([]string, 0, len(r.opts.Select)+len(r.opts.Map))
	for id := range r.opts.Select {
		users = append(users, "="+id)
	}
	for id, n := range r.opts.Map {
		users = append(users, id+"="+n)
	}
	slices.Sort(users)
	for _, u := range users {
		fmt.Fprintf(h, "%s\x00", u)
	}
	return "relocate-" + hex.EncodeToString(h.Sum(nil)[:8])
}

// convert is the run itself.
func (r *relocation) convert(ctx context.Context) error {
	for _, s := range []**bdb.Sorter{&r.found, &r.listed, &r.usage} {
		*s = bdb.NewSorter(r.tempDir(), relocateSortMemory)
		defer (*s).Close()
	}
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
	if r.opts.Select == nil {
		return true
	}
	if !r.opts.Select[id] {
		return false
	}
	r.met[id] = true
	return true
}

// tellUnmet lists the users who were asked for and are nowhere in the source.
func (r *relocation) tellUnmet() {
	for _, id := range slices.Sorted(maps.Keys(r.opts.Select)) {
		if r.opts.Select[id] && !r.met[id] {
			r.log.Problem("no-such-user", id, "not in the source")
		}
	}
}

// admit decides whether a user of the source goes over, under which id. why is
// set the first time that a user is refused, to be told.
func (r *relocation) admit(id string) (newID string, ok bool, why string) {
	if _, no := r.refused[id]; no {
		return "", false, ""
	}
	newID = r.newID(id)
	if err := checkUIDForm(newID); err != nil {
		why = err.Error()
	} else if newID != id {
		why = r.collides(id, newID)
	}
	if why != "" {
		r.refused[id] = why
		return "", false, why
	}
	return newID, true, ""
}
