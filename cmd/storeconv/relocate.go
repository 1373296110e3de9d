package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/relocate"
)

const relocateDoc = `
Makes the store of an iPlanet Messaging Server 5.x of the store of a Netscape
Messaging Server 4.x, offline. All partitions under NMSSTORE/partition go over,
and others that --partition names; NMSSTORE/user (the subscriptions) goes to
DIR/user; mboxlist/data.db2 becomes DIR/mboxlist/folder.db and quota.db2 (looked
for in NMSSTORE and in NMSSTORE/mboxlist) quota.db, their records byte for byte.
Where the subscription files read as one mailbox name a line, subscr.db has them
too. peruser.db is made empty.

The source is only read. A user's tree appears in DIR whole or not at all. The
same command again goes on after an interruption and changes nothing when all is
done; with -u, batch after batch adds to the same store.

Message files (*.msg) come over as --via says; everything else, such as the
server's store.idx, is always copied, since a server writes it in place. All
keep bytes, mode and modification time, and, for root, their owner:

  hardlink  one more name for the same file: instant and without space. The
            default where source and DIR are on one file system. As the names
            share owner, mode and times, --owner is refused; neither change the
            files in DIR in place afterwards while the source matters.
  copy      a file of its own; names that are hard links of each other in the
            source are so in DIR. The default elsewhere, and with --owner.
  symlink   a symbolic link to the absolute path in the source.

What is wrong with the source is listed and left out in the smallest unit: a
user id that is neither LOCALPART nor LOCALPART@FQDN, the directory of a user
whose name cannot be decoded, an unreadable file, what is neither file nor
directory, a damaged page of a database. Listed, and carried over as it is: a
record of a mailbox or a partition that is not there, a mailbox without a record
(--add-missing writes one), a folder name that cannot be decoded, a user whose
directory is not where hashdir says (--repair-hash puts both right). A user who gets a new id (-m, --domain) gets it
everywhere, directory, hash, subscriptions, database keys and access control
lists, or is left out. With batches, give the whole MAPFILE to each of them, so
that the access control lists of one name the users of another rightly.

With --requota the usage of every user is counted anew, each reference to a
message at its full size, and limits are taken from the directory export
--ldif where it has the user; users over their quota are printed on standard
output, one a line: id, quota and usage in KB, quota and usage in messages.
`

func relocateVerb() cli.Verb {
	return cli.Verb{
		Name:    "relocate",
		Args:    "--from NMSSTORE --store DIR",
		Summary: "make an iMS store of an NMS store",
		Doc:     relocateDoc,
		Example: "storeconv relocate --from /nms/msg-mail/store --store /ims/msg-mail/store\nstoreconv relocate --from store --store new -u batch1.txt --domain siroe.com --via copy --owner mailsrv",
		Exit3:   "something of the source was refused, unreadable or inconsistent; all else is done",
		New: func(fs *pflag.FlagSet) cli.Action {
			var v relocateFlags
			v.add(fs)
			return v.run
		},
	}
}

type relocateFlags struct {
	opts       relocate.Options
	via        string
	partitions []string
	users      string
	renames    string
	owner      string
	ldif       []string
	domain     string // default domain
	byteOrder  string
	roots      []string // of the partitions, for stored
}

func (v *relocateFlags) add(fs *pflag.FlagSet) {
	o := &v.opts
	fs.StringVar(&o.From, "from", "", "the store of the old server, `NMSSTORE`")
	fs.StringVar(&o.Store, "store", "", "the new store, `DIR`; made when it does not exist")
	fs.StringVar(&v.via, "via", "", "how messages come over, `WAY`: hardlink, copy or symlink (default hardlink on one file system, else copy)")
	fs.StringArrayVar(&v.partitions, "partition", nil, "`OLD=NEW`: partition OLD is called NEW in the new store; OLD may be the path of a partition that lies outside of NMSSTORE/partition, or NEW the path where the source partition OLD lies")
	fs.StringVarP(&v.users, "users", "u", "", "only the users in `USERFILE`, one a line; \"old new\" or \"old=new\" gives a new id")
	fs.StringVarP(&v.renames, "map", "m", "", "new ids of users: `MAPFILE` with lines \"old=new\"")
	fs.StringVar(&o.Domain, "domain", "", "make uid@`DOMAIN` of every user id without a domain")
	fs.StringVar(&v.owner, "owner", "", "owner of what is made, `USER[:GROUP]`, names or numbers (not with --via hardlink)")
	fs.BoolVar(&o.RepairHash, "repair-hash", false, "put directories where hashdir says and as the layout spells them")
	fs.BoolVar(&o.AddMissing, "add-missing", false, "write folder records for mailboxes that have none, with all rights for their user")
	fs.BoolVar(&o.Requota, "requota", false, "count the usage in quota.db anew")
	fs.StringArrayVar(&v.ldif, "ldif", nil, "directory `EXPORT` with the limits of users, for --requota; may be given again")
	fs.StringArrayVar(&v.ldif, "limits", nil, "the same as --ldif `EXPORT`")
	fs.StringVar(&v.domain, "default-domain", "", "the `DOMAIN` of the export whose users have a bare uid as store id (default: the one whose uids the store has)")
	fs.IntVar(&o.Version, "bdb", 6, "on-disk `VERSION` of the databases: 6, 7, 8 or 9")
	fs.StringVar(&v.byteOrder, "byte-order", "", "`ORDER` of the databases: big or little (default: as the source)")
	fs.IntVar(&o.PageSize, "page-size", 0, "page size of the databases, `BYTES`: a power of two, 512 to 65536 (default: as the source)")
	fs.IntVar(&o.Jobs, "jobs", 0, "users at a time, `N` (default: one a processor)")
	fs.StringVar(&o.Sync, "sync", "batch", "make durable: `HOW` none, batch or user")
	fs.BoolVar(&o.DryRun, "dry-run", false, "check and count everything, write nothing")
}

func (v *relocateFlags) run(ctx context.Context, job *cli.Job, args []string) error {
	if len(args) > 0 {
		return cli.Usagef("what is %q? relocate takes no arguments", args[0])
	}
	if err := v.prepare(job); err != nil {
		return err
	}
	o := &v.opts
	meter := job.Meter("files", 0, 0)
	o.Log, o.Progress = job, meter
	if o.DryRun {
		job.DryRun()
	}
	rep, err := relocate.Relocate(ctx, *o)
	v.report(job, &rep)
	if errors.Is(err, relocate.ErrNoSpace) {
		return cli.WithHint(err, "nothing was written; --via hardlink needs next to no space where it is possible, -u makes batches")
	}
	if errors.Is(err, relocate.ErrHardlinkOwner) {
		return cli.WithHint(cli.Usagef("--owner with --via hardlink: %w", err), "use --via copy, or change the owner of the source first")
	}
	return err
}

// prepare turns the flags into options.
func (v *relocateFlags) prepare(job *cli.Job) error {
	o := &v.opts
	if o.From == "" || o.Store == "" {
		return cli.Usagef("--from and --store are needed")
	}
	var err error
	if o.Via, err = relocate.ParseVia(v.via); err != nil {
		return cli.Usagef("--via: %w", err)
	}
	if o.Version < 6 || o.Version > 9 {
		return cli.Usagef("--bdb %d is none of 6, 7, 8, 9", o.Version)
	}
	if n := o.PageSize; n != 0 && (n < 512 || n > 65536 || n&(n-1) != 0) {
		return cli.Usagef("--page-size %d is not a power of two from 512 to 65536", n)
	}
	if o.Jobs < 0 {
		return cli.Usagef("--jobs: %d is less than 0", o.Jobs)
	}
	switch o.Sync {
	case "none", "batch", "user":
	default:
		return cli.Usagef("--sync %q is none of none, batch, user", o.Sync)
	}
	if o.ByteOrder, err = relocateByteOrder(v.byteOrder); err != nil {
		return err
	}
	for _, p := range v.partitions {
		part, err := relocate.ParsePartition(p)
		if err != nil {
			return cli.Usagef("--partition: %w", err)
		}
		o.Partitions = append(o.Partitions, part)
	}
	if err := v.prepareUsers(job); err != nil {
		return err
	}
	if v.owner != "" {
		o.SetOwner = true
		if o.UID, o.GID, err = relocateOwner(v.owner); err != nil {
			return cli.Usagef("--owner: %w", err)
		}
		if o.Via == relocate.ViaAuto {
			o.Via = relocate.ViaCopy
			job.Note("messages are copied, because --owner cannot be set on hard links")
		}
	}
	return v.prepareLimits(job)
}

func relocateByteOrder(name string) (binary.ByteOrder, error) {
	switch name {
	case "":
		return nil, nil
	case "big":
		return binary.BigEndian, nil
	case "little":
		return binary.LittleEndian, nil
	}
	return nil, cli.Usagef("--byte-order %q is neither big nor little", name)
}

// relocateOwner reads USER[:GROUP]; without a group it is that of the user.
func relocateOwner(text string) (uid, gid int, err error) {
	name, group, hasGroup := strings.Cut(text, ":")
	gid = -1
	if uid, err = strconv.Atoi(name); err != nil || uid < 0 {
		u, err := user.Lookup(name)
		if err != nil {
			return 0, 0, err
		}
		if uid, err = strconv.Atoi(u.Uid); err != nil {
			return 0, 0, err
		}
		if gid, err = strconv.Atoi(u.Gid); err != nil {
			return 0, 0, err
		}
	}
	if !hasGroup {
		return uid, gid, nil
	}
	if gid, err = strconv.Atoi(group); err == nil && gid >= 0 {
		return uid, gid, nil
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return 0, 0, err
	}
	gid, err = strconv.Atoi(g.Gid)
	return uid, gid, err
}

// prepareUsers reads the user file and the map file.
func (v *relocateFlags) prepareUsers(job *cli.Job) error {
	o := &v.opts
	o.Map = make(map[string]string)
	if v.users != "" {
		o.Users = make(map[string]bool)
		err := readUserLines(job, v.users, func(l cli.UserLine) {
			o.Users[l.Old] = true
			if l.New != l.Old {
				o.Map[l.Old] = l.New
			}
		})
		if err != nil {
			return err
		}
	}
	if v.renames == "" {
		return nil
	}
	return readUserLines(job, v.renames, func(l cli.UserLine) { o.Map[l.Old] = l.New })
}

func readUserLines(job *cli.Job, path string, use func(cli.UserLine)) error {
	in, err := job.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	lines, err := cli.ReadUsers(in, path)
	if err != nil {
		return err
	}
	for _, l := range lines {
		use(l)
	}
	return nil
}

// prepareLimits reads the directory exports.
func (v *relocateFlags) prepareLimits(job *cli.Job) error {
	if len(v.ldif) == 0 {
		return nil
	}
	if !v.opts.Requota {
		job.Note("limits of the directory are used with --requota only")
		return nil
	}
	var tables []func(string) (directory.Limit, bool)
	for _, path := range v.ldif {
		if err := v.findDomain(job, path); err != nil {
			return err
		}
		in, err := job.Open(path)
		if err != nil {
			return err
		}
		table, err := directory.Limits(in, v.domain)
		in.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		tables = append(tables, table)
	}
	v.opts.Limits = func(id string) (storeconv.Quota, bool) {
		for _, table := range tables {
			if l, ok := table(id); ok {
				return restoreQuota(l), true
			}
		}
		return storeconv.Quota{}, false
	}
	return nil
}

// findDomain finds the default domain of an export unless it is given. Where
// --domain puts a domain behind every id, no user has a bare one.
func (v *relocateFlags) findDomain(job *cli.Job, path string) error {
	if v.domain != "" || v.opts.Domain != "" {
		return nil
	}
	in, err := job.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	v.findRoots()
	survey, err := directory.Read(in, v.stored)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	v.domain, err = survey.DefaultDomain(func(string) bool { return false })
	if err != nil {
		return cli.WithHint(fmt.Errorf("%s: %w", path, err), "name it: --default-domain DOMAIN")
	}
	if v.domain != "" {
		job.Note("the default domain is " + v.domain)
	}
	return nil
}

// stored tells whether the source has a user.
func (v *relocateFlags) stored(id string) bool {
	if ims.CheckUserID(id) != nil {
		return false
	}
	for _, root := range v.roots {
		if _, err := os.Lstat(filepath.Join(root, "=user", ims.Hash(id), ims.Component(id))); err == nil {
			return true
		}
	}
	return false
}

// findRoots lists the directories of the source's partitions.
func (v *relocateFlags) findRoots() {
	dir := filepath.Join(v.opts.From, "partition")
	list, err := os.ReadDir(dir)
	if err != nil {
		return // the conversion meets it again, and tells
	}
	for _, e := range list {
		v.roots = append(v.roots, filepath.Join(dir, e.Name()))
	}
	for _, p := range v.opts.Partitions {
		if p.Path != "" {
			v.roots = append(v.roots, p.Path)
		}
	}
}

// report fills in the summary.
func (v *relocateFlags) report(job *cli.Job, r *relocate.Report) {
	if r.Via == "" {
		return
	}
	for _, c := range []cli.Count{
		{Name: "partitions", N: int64(r.Partitions)}, {Name: "users", N: r.Users},
		{Name: "placed", N: r.Placed}, {Name: "completed", N: r.Completed}, {Name: "already there", N: r.Unchanged}, {Name: "left out", N: r.LeftOut},
		{Name: "renamed", N: r.Renamed}, {Name: "put under the right hash", N: r.Rehashed}, {Name: "respelled", N: r.Respelled},
		{Name: "shared trees", N: r.SharedTrees}, {Name: "mailboxes", N: r.Mailboxes}, {Name: "messages", N: r.Messages}, {Name: "other files", N: r.Others}, {Name: "bytes", N: r.Bytes},
		{Name: "linked", N: r.Linked}, {Name: "bytes copied", N: r.Copied}, {Name: "shared copies", N: r.Shared}, {Name: "links that failed", N: r.Fallback},
		{Name: "subscription files", N: r.Subscriptions}, {Name: "subscription files rewritten", N: r.SubscriptionsNew},
		{Name: "folder records", N: r.FolderRecords}, {Name: "quota records", N: r.QuotaRecords}, {Name: "subscription records", N: r.SubscrRecords},
		{Name: "records changed", N: r.RecordsChanged}, {Name: "records added", N: r.RecordsAdded}, {Name: "records left out", N: r.RecordsLeft},
		{Name: "records not understood", N: r.RecordsOpaque},
		{Name: "mailboxes without directory", N: r.NoTree}, {Name: "mailboxes without record", N: r.NoRecord}, {Name: "records of unknown partitions", N: r.UnknownPartition},
		{Name: "users over quota", N: int64(len(r.OverQuota))},
	} {
		if c.N != 0 || c.Name == "users" {
			job.Count(c.Name, c.N)
		}
	}
	for _, o := range r.OverQuota {
		fmt.Fprintf(job.Stdout, "%s\t%d\t%d\t%d\t%d\n", o.User, o.QuotaKB, o.UsageKB, o.QuotaMessages, o.UsageMessages)
	}
	if v.opts.DryRun {
		return
	}
	job.Output("store", v.opts.Store)
	job.Next("storeconv verify --store " + v.opts.Store + " --from " + v.opts.From)
	job.Next("on the new server, as the mail server user: reconstruct -q")
}
