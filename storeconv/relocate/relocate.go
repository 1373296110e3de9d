// Package relocate makes the store of an iPlanet Messaging Server 5.x of the
// store of a Netscape Messaging Server 4.x: its trees go over as they are,
// users and partitions may get other names, the databases become those of the
// new server.
//
// A run finds the users of all partitions in order (users.go). Workers copy or
// link their trees into a stage, or find them in place already (place.go), and
// batches of them are renamed into place: package carry does that, and tree.go
// and compare.go say how names are read, what a link is and which differences
// matter. Then the subscription files follow, and the records of the databases,
// which are held against the mailboxes that the walk met (records.go, quota.go,
// crosscheck.go, databases.go).
package relocate

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"imsconv/storeconv"
	"imsconv/storeconv/carry"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/lists"
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

// Options say what of an NMS store becomes an iMS store, and how.
type Options struct {
	Via Via

	// Partitions rename partitions, and name those that lie elsewhere.
	Partitions []Partition
	// Users restricts the run to these users, as the source has them; nil: all.
	Users map[string]bool
	// Shard restricts the run to a part of the users. What is no user's is in the
	// first part, and told there. The zero value is all.
	Shard storeconv.Shard
	// Map gives users new ids, by their old ones.
	Map map[string]string
	// Domain, when not empty, is put behind every id that has none and is not in
	// Map.
	Domain string

	Owner               *storeconv.Owner // of what is made, not with ViaHardlink; nil: as in the source, as far as the process may
	storeconv.Databases                  // the form of the mailbox list databases; what it leaves open is as in the source, version 6
	Jobs                int              // workers; 0: one a processor
	Sync                storeconv.SyncMode

	DryRun     bool // look and report; write nothing
	RepairHash bool // put users under the right hash directory, names into the layout's spelling
	AddMissing bool // write folder records for mailboxes that have none
	Requota    bool // count usage anew

	// Limits tells the limits of a user of the new store; nil: those of quota.db2.
	Limits func(id string) (storeconv.Quota, bool)

	Log      storeconv.Log      // nil: discard
	Progress storeconv.Progress // told after each user; nil: none

	FS      durable.FS // of the new store; nil: the operating system's
	Command string     // the command line, for whoever finds an interrupted run; "": not known

	fault durable.Fault // tests only
}

// Partition is one --partition: what is called Name in the source (at
// Path, when it is not below partition/) is called NewName in the new store.
// Records may call it Alias too, unless another partition has that name.
type Partition struct {
	Name, Path, NewName, Alias string
}

// settle takes the path from a partition of the store that is named by it, and
// does not lie elsewhere.
func (p *Partition) settle(store string) {
	if p.Path != "" && durable.RealPath(filepath.Dir(p.Path)) == durable.RealPath(filepath.Join(store, "partition")) {
		p.Name, p.Path, p.Alias = filepath.Base(p.Path), "", ""
	}
}

// Elsewhere are the partitions that lie outside of the store, as nms.Open takes
// them.
func Elsewhere(store string, partitions []Partition) (list []nms.Partition) {
	for _, p := range partitions {
		if p.settle(store); p.Path != "" {
			list = append(list, nms.Partition{Name: p.Name, Path: p.Path})
		}
	}
	return list
}

// ParsePartition reads OLD=NEW. OLD is the name of a partition of the
// source, or, with a slash in it, the path of one that lies elsewhere. NEW is
// its name in the new store, or, with a slash in it, the path where the source
// partition OLD lies.
func ParsePartition(s string) (Partition, error) {
	at := strings.IndexByte(s, '=')
	if strings.HasPrefix(s, "/") {
		at = strings.LastIndexByte(s, '=') // a path may have one in it
	}
	oldName, newName, ok := "", "", at >= 0
	if ok {
		oldName, newName = s[:at], s[at+1:]
	}
	if !ok || oldName == "" || newName == "" {
		return Partition{}, fmt.Errorf("partition %q is not of the form OLD=NEW", s)
	}
	p := Partition{Name: oldName, NewName: newName}
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

// Report counts what a run did. With DryRun, what it would do.
type Report struct {
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

	carry.Counts // of placed, completed and unchanged users

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

// Relocate makes the iMS store in the directory store, which is made when it
// does not exist, of the NMS store in the directory from, which is only read.
// Every user's tree appears in the new store whole or not at all; the same call
// again goes on after an interruption, and changes nothing when all is done.
// What is wrong with the source is told to Options.Log and left out in the
// smallest unit; the error is of the options or of the destination.
func Relocate(ctx context.Context, store, from string, opts Options) (Report, error) {
	r := &relocation{from: from, store: store, opts: opts, log: storeconv.Discard}
	if opts.Log != nil {
		r.log = storeconv.PrintableLog{Log: opts.Log}
	}
	r.siteLog = storeconv.Discard
	if opts.Shard.First() {
		r.siteLog = r.log
	}
	defer r.closeSource()
	if err := r.prepare(); err != nil {
		return r.report, err
	}
	if opts.DryRun {
		return r.report, r.rehearse(ctx)
	}
	if o := opts.Owner; o != nil {
		if err := o.Check(); err != nil {
			return r.report, err
		}
	}
	if err := r.begin(ctx); err != nil {
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

// rehearse is a dry run: it looks at the store, where there is one, as the run
// would.
func (r *relocation) rehearse(ctx context.Context) error {
	there, err := durable.Exists(r.opts.FS, r.store)
	if err != nil {
		return err
	}
	if !there {
		return r.convert(ctx)
	}
	opt := durable.Options{FS: r.opts.FS, Command: r.opts.Command, Log: r.opts.Log, Done: ctx.Done()}
	if r.dst, err = durable.OpenStore(r.store, opt); err != nil {
		return err
	}
	err = r.dst.CheckPlace(r.places()...)
	if err == nil {
		err = lists.Check(r.dst)
	}
	if err == nil {
		err = durable.TellLeftovers(r.opts.FS, r.store, r.runName(), r.log)
	}
	if err == nil {
		err = r.convert(ctx)
	}
	return errors.Join(err, r.dst.Close())
}
