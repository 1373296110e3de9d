package flags

import (
	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/mbox"
	"imsconv/storeconv/source"
)

// Tree are the options of a source that is a tree of mailbox files or of
// Maildirs.
type Tree struct {
	kind   Choice
	user   string
	path   userPath
	layout Choice
	escape Choice
	mbox   Choice
	flags  *pflag.FlagSet // all of the command
}

// Add declares the flags.
func (t *Tree) Add(fs *pflag.FlagSet) {
	t.flags = fs
	t.kind = NewChoice("auto", "auto", "stream", "mbox", "maildir")
	fs.Var(&t.kind, "kind", "what the source is, `KIND`: stream, mbox, maildir, or auto: by looking")
	fs.StringVar(&t.user, "user", "", "the `USER` whose mail a single Maildir, mailbox file or folder of mailbox files is")
	fs.Var(&t.path, "path", "where the mail of a user lies below the source, `TEMPLATE`, such as %d/%n/Maildir or */%u (default: by looking)")
	t.layout = NewChoice("auto", "auto", "++", "fs")
	fs.Var(&t.layout, "layout", "how mailboxes lie in a Maildir, `LAYOUT`: ++ or fs, or auto: by looking")
	t.escape = NewChoice("auto", "auto", "listescape", "none")
	fs.Var(&t.escape, "escape", "how names in a Maildir are escaped, `HOW`: listescape or none, or auto: by looking")
	t.mbox = NewChoice("auto", "auto", mbox.MboxO.String(), mbox.MboxRD.String(), mbox.MboxCL.String(), mbox.MboxCL2.String())
	fs.Var(&t.mbox, "mbox", "how mailbox files quote From lines, `KIND`: mboxo, mboxrd, mboxcl or mboxcl2, or auto: by looking")
}

// Is tells whether the source at path is a tree.
func (t *Tree) Is(path string) bool {
	switch t.kind.Value {
	case "stream":
		return false
	case "auto":
		return t.Given() || path != "-" && source.IsTree(path)
	}
	return true
}

// Given tells that an option was given which only trees have.
func (t *Tree) Given() bool { return t.given() != "" }

func (t *Tree) given() string {
	switch {
	case t.user != "":
		return "--user"
	case t.path.text != "":
		return "--path"
	case t.layout.Value != "auto":
		return "--layout"
	case t.escape.Value != "auto":
		return "--escape"
	case t.mbox.Value != "auto":
		return "--mbox"
	}
	return ""
}

// Values are what was said of a Maildir: its layout, how names are escaped in
// it, and the template of paths; "" where nothing was.
func (t *Tree) Values() (layout, escape, path string) {
	said := func(c *Choice) string {
		if c.Value == "auto" {
			return ""
		}
		return c.Value
	}
	return said(&t.layout), said(&t.escape), t.path.text
}

// OfSource names an option that only sources have, not what is made of them;
// "" when none was given.
func (t *Tree) OfSource() string {
	switch {
	case t.kind.Value != "auto":
		return "--kind"
	case t.user != "":
		return "--user"
	case t.mbox.Value != "auto":
		return "--mbox"
	}
	return ""
}

// Check refuses options that do not go together.
func (t *Tree) Check() error {
	given := t.given()
	switch {
	case t.kind.Value == "stream" && given != "":
		return cli.Usagef("%s says nothing of a stream (--kind stream)", given)
	case t.kind.Value == "mbox" && (t.layout.Value != "auto" || t.escape.Value != "auto"):
		return cli.Usagef("%s is for Maildirs, not for --kind mbox", given)
	case t.kind.Value == "maildir" && t.mbox.Value != "auto":
		return cli.Usagef("--mbox is for mailbox files, not for --kind maildir")
	case t.user != "" && t.path.text != "":
		return cli.Usagef("--user and --path exclude each other: the path names the users")
	}
	return nil
}

// Options are those of the package that reads trees.
func (t *Tree) Options() source.Options {
	o := source.Options{User: t.user, Path: t.path.text}
	switch t.kind.Value {
	case "mbox":
		o.Kind = source.Mbox
	case "maildir":
		o.Kind = source.Maildir
	}
	if t.layout.Value != "auto" {
		layout := maildir.PlusPlus
		if t.layout.Value == "fs" {
			layout = maildir.FS
		}
		o.Layout = &layout
	}
	if t.escape.Value != "auto" {
		escape := t.escape.Value == "listescape"
		o.Escape = &escape
	}
	o.Quoting, _ = mbox.ParseQuoting(t.mbox.Value) // one of its words
	if t.flags != nil {
		encoding := t.flags.Lookup("encoding")
		o.Encoded = encoding != nil && encoding.Value.String() != "" // else names are looked at
	}
	return o
}

// userPath is a template of the paths of users.
type userPath struct{ text string }

// String returns the template.
func (p *userPath) String() string { return p.text }

// Set takes a template.
func (p *userPath) Set(text string) error {
	if err := source.CheckPath(text); err != nil {
		return err
	}
	p.text = text
	return nil
}

// Type names the value in help texts.
func (p *userPath) Type() string { return "TEMPLATE" }
