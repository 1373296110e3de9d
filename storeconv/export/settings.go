package export

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/maildir"
)

// settings are what all exports into one destination have in common, and what
// the example configuration needs to know of all of them.
type settings struct {
	format string // maildir or mbox
	path   string // template
	domain string
	layout string // ++ or fs
	names  string // escaped or plain; of mbox: imsexport or folders
	mbox   string // mboxrd or mboxcl2
	plugin bool   // listescape was asked for
	uidl   string // POP3 UIDL
}

// needs are what a user's mail needs of a server.
type needs struct {
	plugin bool // listescape: a name is escaped
	acl    bool // a mailbox has rights
	quota  bool // there is a limit
}

func (n *needs) add(o needs) {
	n.plugin, n.acl, n.quota = n.plugin || o.plugin, n.acl || o.acl, n.quota || o.quota
}

// words are the needs as a list says them.
func (n needs) words() []string {
	var out []string
	for _, w := range []struct {
		is   bool
		word string
	}{{n.plugin, "listescape"}, {n.acl, "acl"}, {n.quota, "quota"}} {
		if w.is {
			out = append(out, w.word)
		}
	}
	return out
}

func needsOf(words []string) needs {
	return needs{slices.Contains(words, "listescape"), slices.Contains(words, "acl"), slices.Contains(words, "quota")}
}

// needs are what the user's mail needs, that of earlier runs too.
func (u *user) needs() needs {
	n := needs{acl: u.shares, quota: u.quota != nil}
	for _, b := range u.boxes {
		n.plugin = n.plugin || b.plugin
	}
	if u.old != nil {
		n.add(u.old.head.needs)
	}
	return n
}

func settingsOf(o *Options) settings {
	s := settings{format: "maildir", path: o.Path, domain: o.Domain, layout: o.Layout.String(), names: "escaped", uidl: o.UIDL, plugin: o.Escape == EscapeList}
	if o.Escape == EscapeNone {
		s.names = "plain"
	}
	if o.To == Mbox {
		s.format, s.layout, s.names, s.mbox, s.plugin = "mbox", "", "imsexport", "mboxrd", false
		if o.Mboxcl2 {
			s.mbox = "mboxcl2"
		}
		if o.Folders {
			s.names = "folders"
		}
	}
	return s
}

// differs says in what way a destination was made that this run would not go
// on with; "" when it is the same.
func (s *settings) differs(o *settings) string {
	for _, f := range []struct{ option, was, is string }{
		{"--to", s.format, o.format}, {"--path", s.path, o.path}, {"--default-domain", s.domain, o.domain},
		{"--layout", s.layout, o.layout}, {"--mbox", s.mbox, o.mbox},
	} {
		if f.was != f.is {
			return fmt.Sprintf("with %s %s, now it is %q", f.option, f.was, f.is)
		}
	}
	if s.uidl != o.uidl {
		return fmt.Sprintf("with --pop3-uidl %q, now it is %q, and mail readers would fetch all mail once more", s.uidl, o.uidl)
	}
	if s.names != o.names {
		return fmt.Sprintf("with %s names of mailboxes, now they would be %s (--escape, --names)", s.names, o.names)
	}
	return ""
}

// add takes over what another run has met.
func (s *settings) add(o *settings) {
	s.plugin = s.plugin || o.plugin
}

// fields are the lines of the file, in their order.
func (s *settings) fields() []struct {
	name  string
	text  *string
	given *bool
} {
	return []struct {
		name  string
		text  *string
		given *bool
	}{
		{"to", &s.format, nil}, {"path", &s.path, nil}, {"domain", &s.domain, nil}, {"layout", &s.layout, nil}, {"names", &s.names, nil}, {"mbox", &s.mbox, nil},
		{"listescape", nil, &s.plugin}, {"uidl", &s.uidl, nil},
	}
}

func (s *settings) text() string {
	var b strings.Builder
	b.WriteString(settingsMagic + "\n")
	for _, f := range s.fields() {
		switch {
		case f.text != nil && *f.text != "":
			fmt.Fprintf(&b, "%s %s\n", f.name, *f.text)
		case f.given != nil && *f.given:
			fmt.Fprintf(&b, "%s yes\n", f.name)
		}
	}
	return b.String()
}

var errBadSettings = errors.New("not the file of an export")

func parseSettings(text string) (settings, error) {
	var s settings
	rest, ok := strings.CutPrefix(text, settingsMagic+"\n")
	if !ok || rest != "" && rest[len(rest)-1] != '\n' {
		return s, errBadSettings
	}
	values := make(map[string]string)
	for line := range strings.Lines(rest) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		values[key] = value
	}
	for _, f := range s.fields() {
		if f.text != nil {
			*f.text = values[f.name]
		} else {
			*f.given = values[f.name] == "yes"
		}
	}
	return s, nil
}

// readSettings reads the file of the destination; ok is false when there is
// none.
func readSettings(d *durable.Dir) (s settings, ok bool, err error) {
	b, err := d.ReadFile(settingsFile, 64<<10)
	if isMissing(err) {
		return s, false, nil
	}
	if err != nil {
		return s, false, err
	}
	s, err = parseSettings(string(b))
	if err != nil {
		return s, false, fmt.Errorf("%s/%s: %w", d.Name(), settingsFile, err)
	}
	return s, true, nil
}

// naming says how mailboxes are called on disk.
func (s *settings) naming() maildir.Naming {
	n := maildir.Naming{Escape: s.names == "escaped"}
	if s.layout == "fs" || s.format == "mbox" {
		n.Layout = maildir.FS
	}
	return n
}
