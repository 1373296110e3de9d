package choices

import (
	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/restore"
)

// Restore are the choices of storeconv restore: what the source is, which users
// go over, and how they come into a store.
type Restore struct {
	Users flags.Users
	Tree  flags.Tree
	// References are the streams to look in for first copies.
	References []string
	Encoding   string // of mailbox names

	newName, ignore, noIndex bool
	proceed                  flags.Choice
	partition                string
	owner                    flags.Owner
	newline                  flags.Newline
	database                 flags.Database
}

// Add declares the flags.
func (r *Restore) Add(fs *pflag.FlagSet) {
	r.Users.Add(fs)
	fs.BoolVarP(&r.newName, "new-mailbox", "n", false, "restore a mailbox that exists under a new name, name.mmddyy.HHMMSS")
	fs.BoolVarP(&r.ignore, "ignore-existing", "i", false, "add messages without looking whether they are there")
	r.proceed.Add(fs, "continue", "c", "go on after a problem, `y or n`", "y", "y", "n")
	fs.StringVarP(&r.Encoding, "encoding", "e", "", "encoding of the mailbox names in the stream, `ENC`, such as ISO-8859-1 (default IMAP-MODIFIED-UTF-7)")
	fs.StringVarP(&r.partition, "partition", "p", "primary", "`PARTITION` of the store")
	fs.StringArrayVarP(&r.References, "reference", "r", nil, "`STREAM` to look in for first copies that the others do not hold; a plain file; may be given again")
	r.Tree.Add(fs)
	r.newline.Add(fs, "in the store")
	fs.BoolVar(&r.noIndex, "no-index", false, "write no store.idx; flags and dates are lost")
	r.owner.Add(fs, "owner of what is made")
	r.database.Add(fs, 0, "as they are, else 6", "as they are, else big", "as they are, else 8K")
	usersArePaths(fs)
	isPath(fs, "reference", fileForm)
}

// Check refuses values that cannot be, and choices that do not go together. It
// reads no file.
func (r *Restore) Check() error {
	if r.newName && r.ignore {
		return cli.Usagef("-n and -i exclude each other")
	}
	if err := r.Tree.Check(); err != nil {
		return err
	}
	if err := ims.CheckPartition(r.partition); err != nil {
		return cli.Usagef("-p: %w", err)
	}
	if _, err := storeconv.ParseEncoding(r.Encoding); err != nil {
		return cli.Usagef("-e: %w", err)
	}
	return nil
}

// Fill puts the choices into o and reads the user files.
func (r *Restore) Fill(job *cli.Job, o *restore.Options) error {
	if err := r.Check(); err != nil {
		return err
	}
	o.Strict, o.CRLF, o.NoIndex = r.proceed.Value == "n", r.newline.CRLF(), r.noIndex
	o.Partition, o.Encoding, o.Databases, o.Owner = r.partition, r.Encoding, r.database.Form(), r.owner.Owner()
	switch {
	case r.newName:
		o.Existing = restore.NewName
	case r.ignore:
		o.Existing = restore.AppendAll
	}
	names, err := r.Users.Read(job)
	o.Users, o.Map = names.Select, names.Map
	return err
}

// usersArePaths marks the flags of user files.
func usersArePaths(fs *pflag.FlagSet) {
	isPath(fs, "users", fileForm)
	isPath(fs, "map", fileForm)
}
