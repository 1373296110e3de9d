package storeconv

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-imap/utf7"
	"golang.org/x/text/encoding/htmlindex"
)

// modifiedUTF7 tells whether a name is one of IMAP modified UTF-7.
func modifiedUTF7(name string) bool {
	switch strings.ToUpper(strings.NewReplacer("-", "", "_", "").Replace(name)) {
	case "", "IMAPMODIFIEDUTF7", "MODIFIEDUTF7", "MUTF7", "UTF7IMAP", "IMAPUTF7":
		return true
	}
	return false
}

// EncodingName returns the one name of an encoding that [ParseEncoding] knows
// under several; "" is IMAP modified UTF-7. What it does not know keeps its
// name.
func EncodingName(name string) string {
	if modifiedUTF7(name) {
		return ""
	}
	charset, err := htmlindex.Get(name)
	if err != nil {
		return name
	}
	if one, err := htmlindex.Name(charset); err == nil {
		return one
	}
	return name
}

// ParseEncoding returns what turns a mailbox name in the encoding called name
// ("": IMAP modified UTF-7) into IMAP modified UTF-7, the form of the store.
func ParseEncoding(name string) (func(string) (string, error), error) {
	if modifiedUTF7(name) {
		return func(s string) (string, error) { return s, nil }, nil
	}
	charset, err := htmlindex.Get(name)
	if err != nil {
		return nil, fmt.Errorf("encoding of mailbox names %q is not known", name)
	}
	toUTF7 := utf7.Encoding.NewEncoder()
	return func(s string) (string, error) {
		text, err := charset.NewDecoder().String(s)
		// A decoder puts U+FFFD for whatever it cannot read: different names
		// would become one.
		if err == nil && strings.ContainsRune(text, utf8.RuneError) {
			var back string
			if back, err = charset.NewEncoder().String(text); err == nil && back != s {
				err = errNotInCharset
			}
		}
		if err == nil {
			text, err = toUTF7.String(text)
		}
		if err != nil {
			return "", fmt.Errorf("mailbox name %q is not in %s", s, name)
		}
		return text, nil
	}, nil
}

var errNotInCharset = errors.New("bytes that the encoding does not have")
