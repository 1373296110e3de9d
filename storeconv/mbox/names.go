package mbox

import "strings"

// besides are the ends of names of files that mail programs keep beside
// mailbox files.
var besides = [...]string{".msf", ".lock", ".snm", ".toc", ".idx", ".dat", ".html", ".cmeta", ".ibex.index", ".ibex.index.data", ".ev-summary"}

// NotMail tells whether a name in a folder of mailbox files is that of a file
// or folder that mail programs keep for themselves. Names with a dot in front
// are hidden too; those are for the caller.
func NotMail(name string) bool {
	for _, end := range besides {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return name == "subscriptions" || name == "import-mox.sh" || name == "lost+found" || strings.HasPrefix(name, "dovecot.") || strings.HasPrefix(name, "dovecot-")
}
