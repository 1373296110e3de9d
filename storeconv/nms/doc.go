// Package nms reads the message store tree of Netscape Messaging Server 4.x.
//
// The tree, relative to the store directory:
//
//	mboxlist/data.db2                        mailbox list, Berkeley DB 2.x btree
//	quota.db2 or mboxlist/quota.db2          quotas, Berkeley DB 2.x btree
//	user/...                                 subscription files of the users
//	partition/<name>/=user/<h1>/<h2>/=<id>/  the INBOX of user <id>
//	    store.idx store.usr store.sub store.exp
//	    <nn>/<uid>.msg                       one message a file
//	    =<folder>/ ...                       a folder, with the same inside
//
// A partition may lie anywhere; the server found it by a configuration
// parameter that is not part of the store, so a caller names it.
//
// # Documented
//
// The top directories, partition/primary/=user/53/53/=mack1, the hash of two
// levels, one file a message, the index store.idx, the two databases and their
// places, the subscriptions in user/ (Netscape Messaging Server 4.1
// Administrator's Guide, "Message store directories"; iPlanet Messaging Server
// 5.0 Migration Guide, the NMS 4.x scenarios). The guide has iPlanet Messaging
// Server use these partitions in place: the layout of messages is the same, and
// the sub-directory of a user is what hashdir prints (package ims).
//
// # Observed
//
// Names on disk: '=' in front of every component, '+' in front of a capital,
// '.' as %d (package ims has the rule). They are observed on later releases.
//
// # Not known
//
// The bytes of store.idx, store.usr, store.sub and store.exp, and the values of
// the two databases. This package never looks into them. The form of the
// subscription files is not known either: Cyrus 1.5, by the same author, had
// one file a user with the name of a mailbox and a TAB on each line, and
// [ParseSubscriptions] takes that form and no other.
//
// # Directories
//
// A directory is a mailbox when it holds store.idx or a message directory (two
// decimal digits). A directory without either is a step on the way to one.
//
// Nothing here writes, and no symbolic link below =user is followed. Walks hold
// one directory listing at a time for each level; depth is bounded by
// [MaxDepth].
package nms

// MaxDepth bounds how many folders may lie inside each other: a mailbox name
// has at most 490 bytes.
const MaxDepth = 250
