package choices

import (
	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/relocate"
)

// Relocate are the choices of storeconv relocate: which users go over, how
// their messages do, and what is put right on the way.
type Relocate struct {
	Users flags.Users

	via                             flags.Choice
	partitions                      []string
	domain                          string
	owner                           flags.Owner
	repairHash, addMissing, requota bool
	database                        flags.Database
}

// Add declares the flags.
func (r *Relocate) Add(fs *pflag.FlagSet) {
	r.via.Add(fs, "via", "", "how messages come over, `WAY`: hardlink, copy or symlink (default hardlink on one file system, else copy)", "", "hardlink", "copy", "symlink")
	fs.StringArrayVar(&r.partitions, "partition", nil, "`OLD=NEW`: partition OLD is called NEW in the new store; OLD may be the path of a partition that lies outside of NMSSTORE/partition, or NEW the path where the source partition OLD lies")
	r.Users.Add(fs)
	fs.StringVar(&r.domain, "domain", "", "make uid@`DOMAIN` of every user id without a domain")
	r.owner.Add(fs, "owner of what is made (not with --via hardlink)")
	fs.BoolVar(&r.repairHash, "repair-hash", false, "put directories where hashdir says and as the layout spells them")
	fs.BoolVar(&r.addMissing, "add-missing", false, "write folder records for mailboxes that have none, with all rights for their user")
	fs.BoolVar(&r.requota, "requota", false, "count the usage in quota.db anew")
	r.database.Add(fs, 6, "6", "as the source", "as the source")
	usersArePaths(fs)
	isPath(fs, "partition", partitionForm)
}

// Check refuses values that cannot be. It reads no file.
func (r *Relocate) Check() error {
	var o relocate.Options
	return r.fill(&o)
}

// Elsewhere are the partitions named that lie outside of a store of NMS.
func (r *Relocate) Elsewhere(store string) ([]nms.Partition, error) {
	var o relocate.Options
	err := r.fill(&o)
	return relocate.Elsewhere(store, o.Partitions), err
}

// Fill puts the choices into o and reads the user files.
func (r *Relocate) Fill(job *cli.Job, o *relocate.Options) error {
	if err := r.fill(o); err != nil {
		return err
	}
	names, err := r.Users.Read(job)
	if err != nil {
		return err
	}
	o.Users, o.Map = names.Select, names.Map
	o.Owner = r.owner.Owner()
	if o.Owner != nil && o.Via == relocate.ViaAuto {
		o.Via = relocate.ViaCopy
		job.Note("messages are copied, because --owner cannot be set on hard links")
	}
	return nil
}

// fill puts into o what is in no file.
func (r *Relocate) fill(o *relocate.Options) error {
	var err error
	if o.Via, err = relocate.ParseVia(r.via.Value); err != nil {
		return cli.Usagef("--via: %w", err)
	}
	if o.Via == relocate.ViaHardlink && r.owner.Owner() != nil {
		return cli.WithHint(cli.Usagef("--owner with --via hardlink: %w", relocate.ErrHardlinkOwner), "use --via copy, or change the owner of the source first")
	}
	o.Databases, o.Domain = r.database.Form(), r.domain
	o.RepairHash, o.AddMissing, o.Requota = r.repairHash, r.addMissing, r.requota
	for _, p := range r.partitions {
		part, err := relocate.ParsePartition(p)
		if err != nil {
			return cli.Usagef("--partition: %w", err)
		}
		o.Partitions = append(o.Partitions, part)
	}
	return nil
}
