package verify

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/encoding/htmlindex"
)

// nameDecoder returns what makes modified UTF-7 of the mailbox names of a stream
// in the given encoding.
func nameDecoder(encoding string) (func(string) (string, error), error) {
	plain := strings.ToLower(strings.Map(func(r rune) rune {
		if r == '-' || r == '_' {
			return -1
		}
		return r
	}, encoding))
	switch plain {
	case "", "imapmodifiedutf7", "modifiedutf7", "mutf7", "utf7imap", "imaputf7":
		return func(s string) (string, error) { return s, nil }, nil
	}
	charset, err := htmlindex.Get(encoding)
	if err != nil {
		return nil, fmt.Errorf("encoding of mailbox names %q is not known", encoding)
	}
	return func(s string) (string, error) {
		text, err := charset.NewDecoder().String(s)
		if err != nil {
			return "", fmt.Errorf("mailbox name %q is not in %s", s, encoding)
		}
		return modifiedUTF7(text), nil
	}, nil
}

// modifiedUTF7 writes text as RFC 3501, section 5.1.3, says: printable ASCII as
// it is, & as &-, anything else as UTF-16 in base 64 with a comma for the slash.
func modifiedUTF7(text string) string {
	var out strings.Builder
	var run []rune
	flush := func() {
		if len(run) == 0 {
			return
		}
		var raw []byte
		for _, unit := range utf16.Encode(run) {
			raw = append(raw, byte(unit>>8), byte(unit))
		}
		out.WriteByte('&')
		out.WriteString(strings.ReplaceAll(base64.RawStdEncoding.EncodeToString(raw), "/", ","))
		out.WriteByte('-')
		run = run[:0]
	}
	for _, r := range text {
		if r < 0x20 || r > 0x7e {
			run = append(run, r)
			continue
		}
		flush()
		out.WriteRune(r)
		if r == '&' {
			out.WriteByte('-')
		}
	}
	flush()
	return out.String()
}
