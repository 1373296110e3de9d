// Package verify holds a store against what it was made of.
//
// [Store] checks the store of an iPlanet Messaging Server 5.x by itself and, when
// there are any, against the backup streams it was restored from; [NMS] compares
// it with the store of a Netscape Messaging Server 4.x that it was relocated
// from. Both only read, go on after a problem and tell everything, in the same
// order for any number of workers.
//
// # What it shares with the conversions
//
// The formats, which are in the packages sims, nms, ims, mboxlist and bdb, and
// the types of options. Everything that is decided between the formats is written
// here a second time, from docs/formats.md: names on disk and hash directories,
// ids and renaming, selection, encodings of mailbox names, line ends, the summary
// of a message's header, access control lists, sums, sets of UIDs, which records
// there must be. A fault of a conversion is therefore not repeated here.
//
// # What is checked against what
//
//	                            the store alone            a stream (-f)              the NMS store (--from)
//	message file, bytes         index: size, SHA-256       body                       file
//	  header size, Date,        the bytes                  -                          -
//	  Message-ID
//	  modification time         counted when no reference  first copy's date          file, to the nanosecond
//	                            has it
//	  mode, owner               0600; store's or --owner   -                          file; or --owner
//	  links                     -                          first copy                 names of one file
//	  a file too many, missing  index                      member                     directory
//	directories                 0700; store's or --owner   -                          directory
//	store.idx
//	  Name, Version, Partition  place                      -                          bytes of the file
//	  Exists, Largest Msg,      records                    -
//	  Last Append, Oldest Msg,
//	  Oldest Uid, Quota Used
//	  Last UID                  not below a record         uidnext, highest UID
//	  UID Validity              not 0                      uidvalidity
//	  ACL                       folder.db                  acl
//	  Userflags                 bits that have no name     keywords, flags
//	  Subscribed                subscr.db                  subscribed
//	  other fields              there are none             -
//	  modification time         Last Append                -
//	  Uid                       file                       member name
//	  InternalDate              Oldest Msg, Last Append    receive date
//	  SFlags: Seen, Deleted     peruser.db                 flags
//	  SFlags: others, UFlags    -                          flags
//	  Original-Uid              -                          uidvalidity, member name
//	folder.db   partition, ACL  index, place               -                          data.db2, renamed
//	quota.db    usage           files                      -                          quota.db2 verbatim, or files
//	            limits, warning -                          quota (warnings)           quota.db2
//	subscr.db                   index                      -                          subscription file
//	peruser.db  seen, deleted   index                      -                          -
//	            last access     -                          date of the backup         -
//	records too many, missing   tree                       -                          records of users who went over
//
// Not checked: modification times of databases and of directories that a restore
// made, since servers change them; pages of databases beyond what reading needs
// (dbconv verify does that); limits that a directory gave.
package verify
