package export

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/emersion/go-imap/utf7"
	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
)

// The files beside the users.
const (
	dovecotFile  = "dovecot.conf.example"
	moxFile      = "import-mox.sh"
	vandelayFile = "import-vandelay.sh"
)

var reservedNames = map[string]bool{dovecotFile: true, moxFile: true, vandelayFile: true}

// finishSite writes what concerns all users, of this run and of earlier ones.
func (r *run) finishSite() error {
	if err := r.addSettings(); err != nil {
		return err
	}
	if err := r.folder.LockLists(); err != nil {
		return err
	}
	defer r.folder.UnlockLists()
	where, needs := durable.RealPath(r.dst), needs{plugin: r.settings.plugin}
	if err := r.writeBeside(moxFile, 0o700, func(w io.Writer) error { return r.moxScript(w, where, &needs) }); err != nil {
		return err
	}
	if err := r.writeBeside(dovecotFile, durable.FileMode, func(w io.Writer) error {
		_, err := io.WriteString(w, r.settings.dovecot(where, needs))
		return err
	}); err != nil {
		return err
	}
	if r.opt.To == Maildir {
		if err := r.writeBeside(vandelayFile, 0o700, func(w io.Writer) error { return r.vandelayScript(w, where) }); err != nil {
			return err
		}
	}
	err := r.out.RemoveDir(pendingDir)
	if isMissing(err) || isAny(err, unix.ENOTEMPTY, unix.EEXIST) {
		return nil
	}
	return err
}

// writeBeside writes a file beside the users, whole or not at all.
func (r *run) writeBeside(name string, mode uint32, write func(w io.Writer) error) error {
	fresh := ims.WorkDir + "/" + r.folder.Name + "/fresh"
	f, err := r.out.Recreate(fresh)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 64<<10)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Chmod(fsMode(mode))
	}
	if err == nil && r.opt.Sync != storeconv.SyncNone {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := r.out.Replace(fresh, r.out.Dir, name); err != nil {
		return err
	}
	return r.syncNames(filepath.Dir(name))
}

// dovecot is the example of a configuration for Dovecot 2.3; where says where
// the destination lies.
func (s *settings) dovecot(where string, n needs) string {
	var b strings.Builder
	b.WriteString("# What Dovecot 2.3 needs to serve this export. Take the lines over into its\n# configuration; mail_location follows the export when that is moved.\n\n")
	root := strings.ReplaceAll(where, "%", "%%") + "/" + s.path
	switch {
	case s.format == "mbox":
		fmt.Fprintf(&b, "mail_location = mbox:%s:INBOX=%s/INBOX", root, root)
		if s.names == "folders" {
			fmt.Fprintf(&b, ":DIRNAME=%s:INDEX=%s/.index/%s\n", folderFile, strings.ReplaceAll(where, "%", "%%"), s.path)
		} else {
			b.WriteString("\n# The mail of a folder with folders below it is shown as the mailbox folder.msg\n# in it: mbox files cannot be directories. --names folders has no such mailboxes.\n")
		}
		if s.mbox == "mboxrd" {
			b.WriteString("# This is mboxrd: Dovecot shows the \">\" in front of quoted From lines; --mbox mboxcl2 has none.\n")
		}
	case s.layout == "fs":
		fmt.Fprintf(&b, "mail_location = maildir:%s:LAYOUT=fs\n", root)
	default:
		fmt.Fprintf(&b, "mail_location = maildir:%s\n", root)
	}
	if s.domain != "" {
		fmt.Fprintf(&b, "# Ids without a domain are those of %s.\n", s.domain)
	}
	b.WriteString("\nnamespace inbox {\n  inbox = yes\n  separator = /\n}\n")
	s.plugins(&b, n)
	if s.uidl != "" {
		fmt.Fprintf(&b, "\n# Exported messages have their own; this is for new ones.\npop3_uidl_format = %s\n", s.uidl)
	}
	return b.String()
}

func (s *settings) plugins(b *strings.Builder, n needs) {
	var mail, imap, plugin []string
	if n.plugin {
		mail = append(mail, "listescape")
	}
	if n.acl {
		mail, imap, plugin = append(mail, "acl"), append(imap, "imap_acl"), append(plugin, "acl = vfile")
	}
	if n.quota && s.format == "maildir" {
		mail, imap, plugin = append(mail, "quota"), append(imap, "imap_quota"), append(plugin, "quota = maildir:User quota")
	}
	if mail == nil {
		return
	}
	fmt.Fprintf(b, "\nmail_plugins = $mail_plugins %s\n", strings.Join(mail, " "))
	if n.plugin {
		b.WriteString("# Dovecot 2.4 has, in place of the plugin listescape:\n# mailbox_list_storage_escape_char = \"\\\\\"\n")
	}
	if imap != nil {
		fmt.Fprintf(b, "protocol imap {\n  mail_plugins = $mail_plugins %s\n}\n", strings.Join(imap, " "))
	}
	if plugin != nil {
		fmt.Fprintf(b, "plugin {\n  %s\n}\n", strings.Join(plugin, "\n  "))
	}
	if n.acl {
		b.WriteString("# For mailboxes that users see of each other, a namespace of type shared and\n# acl_shared_dict are needed beside this.\n")
	}
}

// eachList calls fn with the head of the list of each user who is in the
// destination.
func (r *run) eachList(fn func(h *head) error) error {
	names, err := r.out.ReadNames(exportedDir)
	if err != nil {
		return err
	}
	for _, e := range names {
		f, l, err := openList(r.out.Dir, exportedDir+"/"+e.Name(), exportedMagic)
		if err != nil {
			return err
		}
		f.Close() // opened for reading
		if _, err := r.out.Stat(l.head.place); isMissing(err) {
			continue
		}
		if err := fn(&l.head); err != nil {
			return err
		}
	}
	return nil
}

// quoted is a word for a shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// moxScript writes the script for mox, and finds out what all users need.
func (r *run) moxScript(w io.Writer, where string, all *needs) error {
	fmt.Fprintf(w, "#!/bin/sh\n# Imports every mailbox into mox, which runs. An account has the name of the user:\n# change the first word where it has another. Given twice, mail is there twice.\nset -e\n: \"${MOX:=mox}\" \"${OUT:=%s}\"\n", strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`", "}", `\}`).Replace(where))
	kind := "maildir"
	if r.opt.To == Mbox {
		kind = "mbox"
	}
	return r.eachList(func(h *head) error {
		all.add(h.needs)
		for _, b := range h.boxes {
			name := b.name
			if text, err := utf7.Encoding.NewDecoder().String(name); err == nil {
				name = text
			}
			if name == ims.Inbox {
				name = "Inbox"
			}
			if _, err := fmt.Fprintf(w, "\"$MOX\" import %s %s %s \"$OUT\"/%s\n", kind, quoted(h.user), quoted(name), quoted(path.Join(h.place, b.dir))); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *run) vandelayScript(w io.Writer, where string) error {
	fmt.Fprintf(w, "#!/bin/sh\n# Makes an archive of each user, NAME.archive, for vandelay to export to a server.\nset -e\n: \"${VANDELAY:=vandelay}\" \"${OUT:=%s}\"\n", strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`", "}", `\}`).Replace(where))
	return r.eachList(func(h *head) error {
		_, err := fmt.Fprintf(w, "\"$VANDELAY\" import maildir \"$OUT\"/%s %s\n", quoted(h.place), quoted(h.user+".archive"))
		return err
	})
}
