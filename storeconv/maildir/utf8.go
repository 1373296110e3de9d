package maildir

import (
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-imap/utf7"
)

// InUTF8 tells whether names on disk are plain text in UTF-8, and not in
// modified UTF-7, which has ASCII only: one of them has other bytes, and
// whichever has such bytes is valid UTF-8. One that is not makes all of them
// names in an encoding that nobody can see.
func InUTF8(names []string) bool {
	found := false
	for _, name := range names {
		if isASCII(name) {
			continue
		}
		if !utf8.ValidString(name) {
			return false
		}
		found = true
	}
	return found
}

// base64 are the bytes of a run of modified UTF-7.
const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,"

// FromUTF8 returns in modified UTF-7 a name that stands among names in UTF-8.
// One that is in modified UTF-7 already stays. ok is false for a name that has
// bytes beyond ASCII and also a run that modified UTF-7 would read: what "&"
// means in it nobody can say.
func FromUTF8(name string) (mailbox string, ok bool) {
	if isASCII(name) && checkUTF7(name) == nil || !utf8.ValidString(name) {
		return name, isASCII(name)
	}
	for rest := name; ; {
		_, after, found := strings.Cut(rest, "&")
		if !found {
			break
		}
		rest = strings.TrimLeft(after, base64)
		run := after[:len(after)-len(rest)]
		if strings.HasPrefix(rest, "-") && checkUTF7("&"+run+"-") == nil {
			return name, false
		}
	}
	mailbox, err := utf7.Encoding.NewEncoder().String(name)
	return mailbox, err == nil
}

func isASCII(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}
