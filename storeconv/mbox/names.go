package mbox

import (
	"slices"
	"strings"
)

// besides are the ends of names of files that mail programs keep beside
// mailbox files.
var besides = [...]string{
	".msf", ".lock", ".snm", ".toc", ".idx", ".dat", ".html", ".cmeta", ".ibex.index", ".ibex.index.data", ".ev-summary", ".ev-summary-meta", ".mozmsgs", ".wdseml", ".mozeml", ".SKindex",
	".sqlite", ".sqlite-journal", ".sqlite-shm", ".sqlite-wal",
}

// beside are whole names of such files: of Dovecot, Courier, Apple Mail,
// Evolution, Eudora and Windows.
var beside = [...]string{
	"subscriptions", "import-mox.sh", "lost+found", "table_of_contents", "content_index", "Info.plist", "local-metadata.xml", "folder-metadata.xml", "descmap.pce",
	"courierimapsubscribed", "maildirfolder", "maildirsize",
}

// ofIndexes are ends of names that indexes and settings have, and that a
// mailbox may have.
var ofIndexes = [...]string{".index", ".index.ids", ".index.sorted", ".index.ready", ".db", ".ini", ".plist", ".xml", ".json"}

// IsIndex tells whether a file of this name is an index, or settings, if it is
// no mailbox file by its text.
func IsIndex(name string) bool {
	return slices.ContainsFunc(ofIndexes[:], func(end string) bool { return strings.HasSuffix(name, end) })
}

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

// NoMessage tells names of files that begin as a message does, and whose mail
// nobody misses: the copies in X.mozmsgs that Thunderbird makes for the search
// of Windows and macOS, and the answer of vacation(1).
func NoMessage(name string) bool {
	return strings.HasSuffix(name, ".wdseml") || strings.HasSuffix(name, ".mozeml") || name == ".vacation.msg"
}
