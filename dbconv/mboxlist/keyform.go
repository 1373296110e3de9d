package mboxlist

import (
	"fmt"
	"net/url"
	"strings"
)

// A KeyForm is how the keys of a mailbox list are made. The bytes of the
// vendor's own databases were never published; other servers of the family put
// a dot where this one has a slash, or a zero byte behind the key. The zero
// value is the form of package mboxlist: user/<id>[/folder].
type KeyForm struct {
	prefix, suffix string
	sep            byte // between id and folder; 0: a slash
	bare           bool // no prefix, no folders: quota.db
}

// BareKeys is the form of quota.db: the id alone.
var BareKeys = KeyForm{bare: true}

// ParseKeyForm reads a form in which %s stands for id and folder and any other
// %XX for a byte: "user/%s", "user.%s", "user/%s%00", "%s". The byte before %s
// separates the folder from the id. Where that is a dot, a dot in an id is
// stored as ^.
func ParseKeyForm(text string) (KeyForm, error) {
	before, after, ok := strings.Cut(text, "%s")
	if !ok || strings.Contains(after, "%s") {
		return KeyForm{}, fmt.Errorf("%q does not have one %%s", text)
	}
	var f KeyForm
	var err error
	if f.prefix, err = url.PathUnescape(before); err == nil {
		f.suffix, err = url.PathUnescape(after)
	}
	switch {
	case err != nil:
		return KeyForm{}, fmt.Errorf("%q: a percent sign without two hexadecimal digits", text)
	case f.prefix == "":
		f.bare = true
	default:
		f.sep = f.prefix[len(f.prefix)-1]
	}
	return f, nil
}

// String is the form as ParseKeyForm reads it.
func (f KeyForm) String() string { return escapeForm(f.head()) + "%s" + escapeForm(f.suffix) }

func escapeForm(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (f KeyForm) head() string {
	if f.prefix == "" && !f.bare {
		return UserPrefix
	}
	return f.prefix
}

// separator is the byte between id and folder.
func (f KeyForm) separator() string {
	if f.sep == 0 {
		return "/"
	}
	return string(f.sep)
}

// Split splits a key into user id and folder; the folder is "" in the key of
// INBOX. It is false for a key of another form.
func (f KeyForm) Split(key string) (id, folder string, ok bool) {
	rest, ok := strings.CutPrefix(key, f.head())
	if ok {
		rest, ok = strings.CutSuffix(rest, f.suffix)
	}
	if !ok || rest == "" || strings.HasSuffix(rest, "\x00") {
		return "", "", false
	}
	if f.bare {
		return rest, "", true
	}
	id, folder, found := strings.Cut(rest, f.separator())
	if id == "" || found && folder == "" {
		return "", "", false
	}
	if f.sep == '.' {
		id = strings.ReplaceAll(id, "^", ".")
	}
	return id, folder, true
}

// Key is the reverse of Split.
func (f KeyForm) Key(id, folder string) string {
	if f.sep == '.' {
		id = strings.ReplaceAll(id, ".", "^")
	}
	key := f.head() + id
	if folder != "" {
		key += f.separator() + folder
	}
	return key + f.suffix
}

// keyForms are the forms that FindKeyForm knows.
var keyForms = []string{"user/%s", "user/%s%00", "user.%s", "user.%s%00", "%s%00"}

// FindKeyForm returns the form that most of keys have, and whether one has.
func FindKeyForm(keys []string) (KeyForm, bool) {
	for _, text := range keyForms {
		f, err := ParseKeyForm(text)
		if err != nil {
			panic("internal error: " + err.Error())
		}
		n := 0
		for _, key := range keys {
			if _, _, ok := f.Split(key); ok {
				n++
			}
		}
		if 2*n > len(keys) {
			return f, true
		}
	}
	return KeyForm{}, false
}
