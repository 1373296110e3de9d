package mbox

import (
	"slices"
	"strings"
)

// besides are the ends of names of files that mail programs keep beside
// mailbox files.
var besides = [...]string{".msf", ".lock", ".snm", ".toc", ".idx", ".dat", ".html", ".cmeta", ".ibex.index", ".ibex.index.data", ".ev-summary", ".ev-summary-meta", ".mozmsgs", ".SKindex"}

// beside are whole names of such files: of Dovecot, of Apple Mail and of
// Evolution.
var beside = [...]string{"subscriptions", "import-mox.sh", "lost+found", "table_of_contents", "Info.plist", "local-metadata.xml", "folder-metadata.xml"}

// NotMail tells whether a name in a folder of mailbox files is that of a file
// or folder that mail programs keep for themselves. Names with a dot in front
// are hidden too; those are for the caller.
func NotMail(name string) bool {
	for _, end := range besides {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return slices.Contains(beside[:], name) || strings.HasPrefix(name, "dovecot.") || strings.HasPrefix(name, "dovecot-")
}
