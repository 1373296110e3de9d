package ims

import (
	"strings"
	"testing"
)

// A name in UTF-8 is refused with the form that would be kept.
func TestCheckMailboxTellsModifiedUTF7(t *testing.T) {
	for name, want := range map[string]string{
		"Entwürfe":               "is not in IMAP modified UTF-7, where it is Entw&APw-rfe",
		"Mail/日本語":               "where it is Mail/&ZeVnLIqe-",
		"R&D/é":                  "where it is R&-D/&AOk-",
		"Entw\xfcrfe":            "forbidden byte 0xfc",
		"é%":                     "forbidden byte 0xc3",
		strings.Repeat("é", 200): "forbidden byte", // its form is too long
		"a\tb":                   "forbidden byte",
	} {
		err := CheckMailbox(name)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}
