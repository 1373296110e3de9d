package choices

import (
	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/storeconv/export"
	"imsconv/storeconv/maildir"
)

// Export are the choices of storeconv export: which users go over, and what
// Maildirs are made of their mail.
type Export struct {
	Users flags.Users

	format                             Format
	via, layout, escape, newline, keep flags.Choice
	path, uidl                         flags.Text
	partition, encoding                string
	owner                              flags.Owner
}

// Format is the form of what is exported, Maildirs unless AddFormat has
// declared the flags that say otherwise.
type Format struct{ to, mbox, names flags.Choice }

// Add declares the flags.
func (e *Export) Add(fs *pflag.FlagSet) {
	e.path = flags.NewText("", "TEMPLATE", export.CheckPath)
	fs.Var(&e.path, "path", "place of a user below OUT, `TEMPLATE` with %u, %n, %d (default %u/Maildir; of mbox %u)")
	e.via.Add(fs, "via", "", "message files by `HOW`: copy or hardlink", "copy", "copy", "hardlink")
	e.layout.Add(fs, "layout", "", "mailboxes on disk, `LAYOUT`: ++ (Maildir++) or fs", "++", "++", "fs")
	e.escape.Add(fs, "escape", "", "names with dots and the like, `HOW`: auto, listescape (the plugin is on in any case) or none", "auto", "auto", "listescape", "none")
	e.Users.Add(fs)
	fs.StringVarP(&e.partition, "partition", "p", "", "only `PARTITION` of the store (default all)")
	e.owner.Add(fs, "owner of what is made")
	fs.StringVarP(&e.encoding, "encoding", "e", "", "encoding of the mailbox names in a stream, `ENC`, such as ISO-8859-1 (default IMAP-MODIFIED-UTF-7)")
	e.uidl = flags.NewText("", "FORMAT", export.CheckUIDL)
	fs.Var(&e.uidl, "pop3-uidl", "POP3 UIDLs, `FORMAT` of Dovecot such as %v-%u or %08Xu%08Xv (default none)")
	e.newline.Add(fs, "newline", "", "line ends of messages in OUT, `HOW`: keep, crlf or lf", "keep", "keep", "crlf", "lf")
	e.keep.Add(fs, "keep-target", "", "what stays of mail that is there when the source has changed, `WHAT`: flags or none", "flags", "flags", "none")
	usersArePaths(fs)
}

// AddFormat declares the flags that choose between Maildirs and mailbox files.
func (e *Export) AddFormat(fs *pflag.FlagSet) {
	f := &e.format
	f.to.Add(fs, "to", "", "`FORMAT`: maildir or mbox", "maildir", "maildir", "mbox")
	f.mbox.Add(fs, "mbox", "", "kind of mbox, `KIND`: mboxrd (From lines quoted) or mboxcl2 (Content-Length)", "mboxrd", "mboxrd", "mboxcl2")
	f.names.Add(fs, "names", "", "names of mbox files, `STYLE`: imsexport (a file a folder; of one with folders below it, folder.msg in its directory) or folders (every folder but INBOX is a directory with folder.msg in it, as Dovecot serves all by their names)", "imsexport", "imsexport", "folders")
}

// To is the word for what is made: maildir or mbox.
func (e *Export) To() string {
	if e.format.to.Value == "" {
		return "maildir"
	}
	return e.format.to.Value
}

// Check refuses choices that do not go together; stream says that the source is
// a stream, not a store. It reads no file.
func (e *Export) Check(stream bool) error {
	var o export.Options
	return e.fill(&o, stream)
}

// Fill puts the choices into o and reads the user files; stream says that the
// source is a stream, not a store.
func (e *Export) Fill(job *cli.Job, o *export.Options, stream bool) error {
	if err := e.fill(o, stream); err != nil {
		return err
	}
	names, err := e.Users.Read(job)
	o.Users, o.Map = names.Select, names.Map
	return err
}

// fill puts into o what is in no file.
func (e *Export) fill(o *export.Options, stream bool) error {
	switch {
	case stream && e.partition != "":
		return cli.Usagef("--partition is of a store, a stream has none")
	case !stream && e.encoding != "":
		return cli.Usagef("--encoding is of a stream")
	}
	if err := e.fillFormat(o); err != nil {
		return err
	}
	if err := e.fillVia(o, stream); err != nil {
		return err
	}
	o.Partition, o.Encoding = e.partition, e.encoding
	o.Path, o.UIDL, o.Owner = e.path.Value, e.uidl.Value, e.owner.Owner()
	o.Newline = map[string]export.Newline{"keep": export.KeepNewline, "crlf": export.CRLF, "lf": export.LF}[e.newline.Value]
	if e.keep.Value == "none" {
		o.Keep = export.KeepNone
	}
	return nil
}

// fillFormat takes what belongs to one of the formats alone.
func (e *Export) fillFormat(o *export.Options) error {
	o.Escape = map[string]export.Escape{"auto": export.EscapeAuto, "listescape": export.EscapeList, "none": export.EscapeNone}[e.escape.Value]
	if e.layout.Value == "fs" {
		o.Layout = maildir.FS
	}
	o.Mboxcl2, o.Folders = e.format.mbox.Value == "mboxcl2", e.format.names.Value == "folders"
	if e.To() == "maildir" {
		if o.Mboxcl2 || o.Folders {
			return cli.Usagef("--mbox and --names are of --to mbox")
		}
		return nil
	}
	o.To = export.Mbox
	if e.layout.Value != "++" || e.escape.Value != "auto" || e.uidl.Value != "" || e.keep.Value != "flags" {
		return cli.Usagef("--layout, --escape, --pop3-uidl and --keep-target are of --to maildir")
	}
	return nil
}

func (e *Export) fillVia(o *export.Options, stream bool) error {
	if e.via.Value == "copy" {
		return nil
	}
	o.Via = export.Hardlink
	switch {
	case stream:
		return cli.Usagef("--via hardlink is of a store, a stream has no files")
	case e.To() == "mbox":
		return cli.Usagef("--via hardlink is of --to maildir")
	case e.owner.Owner() != nil:
		return cli.Usagef("--via hardlink keeps the owner of the store's files: without --owner, or --via copy")
	case e.newline.Value != "keep":
		return cli.Usagef("--via hardlink keeps the line ends of the store's files: without --newline, or --via copy")
	}
	return nil
}
