package export

import (
	"bufio"
	"errors"
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
	if err := r.writeScripts(where, &needs); err != nil {
		return err
	}
	if err := r.writeBeside(dovecotFile, durable.FileMode, func(w io.Writer) error {
		_, err := io.WriteString(w, r.settings.dovecot(where, needs))
		return err
	}); err != nil {
		return err
	}
	err := r.out.RemoveDir(pendingDir)
	if isMissing(err) || isAny(err, unix.ENOTEMPTY, unix.EEXIST) {
		return nil
	}
	return err
}

// beside is a file beside the users that is being written: it gets its name
// when it is whole.
type beside struct {
	*bufio.Writer
	r           *run
	name, fresh string
	f           *durable.File
}

func (r *run) openBeside(name string) (*beside, error) {
	b := &beside{r: r, name: name, fresh: ims.WorkDir + "/" + r.folder.Name + "/fresh-" + path.Base(name)}
	var err error
	if b.f, err = r.out.Recreate(b.fresh); err != nil {
		return nil, err
	}
	b.Writer = bufio.NewWriterSize(b.f, 16<<10)
	return b, nil
}

// end puts the file in place, unless writing it has failed.
func (b *beside) end(mode uint32, err error) error {
	if err == nil {
		err = b.Flush()
	}
	if err == nil {
		err = b.f.Chmod(fsMode(mode))
	}
	if err == nil && b.r.opt.Sync != storeconv.SyncNone {
		err = b.f.Sync()
	}
	if closeErr := b.f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := b.r.out.Replace(b.fresh, b.r.out.Dir, b.name); err != nil {
		return err
	}
	return b.r.syncNames(filepath.Dir(b.name))
}

// writeBeside writes a file beside the users, whole or not at all.
func (r *run) writeBeside(name string, mode uint32, write func(w io.Writer) error) error {
	b, err := r.openBeside(name)
	if err != nil {
		return err
	}
	return b.end(mode, write(b))
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
	br := bufio.NewReaderSize(nil, listBuffer)
	for _, e := range names {
		f, err := r.out.Open(exportedDir + "/" + e.Name())
		if err != nil {
			return err
		}
		br.Reset(f)
		l, err := newListReader(br, exportedMagic)
		f.Close() // opened for reading
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
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

// scriptMode is that of the scripts.
const scriptMode = 0o700

// writeScripts writes the scripts for other servers, and finds out what all
// users need: the list of each is read once for all of it.
func (r *run) writeScripts(where string, all *needs) error {
	mox, err := r.openBeside(moxFile)
	if err != nil {
		return err
	}
	if r.opt.To != Maildir {
		r.beginMox(mox, where)
		return mox.end(scriptMode, r.eachList(func(h *head) error {
			all.add(h.needs)
			return r.addMox(mox, h)
		}))
	}
	vandelay, err := r.openBeside(vandelayFile)
	if err != nil {
		return mox.end(scriptMode, err)
	}
	r.beginMox(mox, where)
	beginVandelay(vandelay, where)
	err = r.eachList(func(h *head) error {
		all.add(h.needs)
		return errors.Join(r.addMox(mox, h), addVandelay(vandelay, h))
	})
	err = mox.end(scriptMode, err)
	return vandelay.end(scriptMode, err)
}

// inQuotes is for text between double quotes, in a shell's default value.
var inQuotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`", "}", `\}`)

func (r *run) beginMox(w io.Writer, where string) {
	fmt.Fprintf(w, "#!/bin/sh\n# Imports every mailbox into mox, which runs. An account has the name of the user:\n# change the first word where it has another. Given twice, mail is there twice.\nset -e\n: \"${MOX:=mox}\" \"${OUT:=%s}\"\n", inQuotes.Replace(where))
}

// addMox adds the mailboxes of a user to the script for mox.
func (r *run) addMox(w io.Writer, h *head) error {
	kind := "maildir"
	if r.opt.To == Mbox {
		kind = "mbox"
	}
	for _, b := range h.boxes {
		name := b.name
		if strings.IndexByte(name, '&') >= 0 { // else it says itself
			if text, err := utf7.Encoding.NewDecoder().String(name); err == nil {
				name = text
			}
		}
		if name == ims.Inbox {
			name = "Inbox"
		}
		if _, err := fmt.Fprintf(w, "\"$MOX\" import %s %s %s \"$OUT\"/%s\n", kind, quoted(h.user), quoted(name), quoted(path.Join(h.place, b.dir))); err != nil {
			return err
		}
	}
	return nil
}

func beginVandelay(w io.Writer, where string) {
	fmt.Fprintf(w, "#!/bin/sh\n# Makes an archive of each user, NAME.archive, for vandelay to export to a server.\nset -e\n: \"${VANDELAY:=vandelay}\" \"${OUT:=%s}\"\n", inQuotes.Replace(where))
}

// addVandelay adds a user to the script for vandelay.
func addVandelay(w io.Writer, h *head) error {
	_, err := fmt.Fprintf(w, "\"$VANDELAY\" import maildir \"$OUT\"/%s %s\n", quoted(h.place), quoted(h.user+".archive"))
	return err
}
