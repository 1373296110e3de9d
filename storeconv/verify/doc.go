// Package verify holds a store against what it was made of.
//
// [Store] checks the store of an iPlanet Messaging Server 5.x by itself and,
// when there are any, against the backup streams it was restored from; [NMS]
// compares it with the store of a Netscape Messaging Server 4.x that it was
// relocated from. Both only read, go on after a problem and tell everything,
// in the same order for any number of workers.
//
// # What it shares with the conversions
//
// The formats, which are in the packages sims, nms, ims, mboxlist and bdb, and
// the types of options. Everything that is decided between the formats is
// written here a second time, from docs/formats.md: names on disk and hash
// directories, ids and renaming, selection, encodings of mailbox names, line
// ends, the summary of a message's header, access control lists, sums, sets of
// UIDs, which records there must be. A fault of a conversion is therefore not
// repeated here.
//
// # What is checked against what
//
// The first column of answers is what the store alone tells, the second needs
// the stream, the third the NMS store. A dash: nothing there knows.
//
//	                        alone           stream          NMS store
//	message file
//	  bytes                 index           body            file
//	  time                  its dates *     first copy, or  file, to the ns
//	                                        another copy *
//	  mode, owner           0600, owner **  -               file, or --owner
//	  links                 -               first copy      names of the file
//	  missing               index           member          file
//	  too many              index           -               directory
//	directory
//	  mode, owner           0700, owner **  -               directory
//	  time                  -               -               directory
//	store.idx               as below        as below        bytes of the file
//	  mode, owner           0600, owner **  -               file
//	  time                  Last Append     -               file
//	  lines of its header   each, once, in  -
//	                        their order
//	  Name, Partition       its place       -
//	  Version               imsconv-1       -
//	  Exists, Largest Msg,
//	  Quota Used, Oldest
//	  Msg, Oldest Uid,
//	  Last Append           records         -
//	  Last UID              not too low     uidnext, UIDs
//	  UID Validity          not 0           uidvalidity
//	  ACL                   folder.db       acl
//	  Userflags             none too few    keywords, flags
//	  Subscribed            subscr.db       subscribed
//	  any other field       is a warning    -
//	  Uid                   files           member name
//	  InternalDate          its extremes    receive date
//	  SentDate, HSize,
//	  Message-id            bytes           -
//	  Size, SHA-256         bytes           body
//	  SFlags                peruser.db ***  flags
//	  UFlags                have names      flags
//	  Original-Uid          all or none *   uidvalidity, name
//	folder.db
//	  partition, ACL        index           -               data.db2
//	quota.db
//	  usage                 files           -               quota.db2 or files
//	  limits, last warning  -               quota *         quota.db2
//	subscr.db               index           -               subscription file
//	peruser.db
//	  seen, deleted         index           -               -
//	  last access           -               its date        -
//	records missing         tree            -               databases
//	records of unknown form store all ours  -               -
//	records too many        tree            -               users who went over,
//	                                                        others are a warning
//	empty directories       warning         -               -
//	store directory: mode   0700 *          -               -
//
//	*    a difference is a warning
//	**   the one asked for, else that of the store directory
//	***  Seen and Deleted; the others need the stream
//
// Names are mapped by the rules of the conversion: what the source has under
// one id is looked for under the new one, in keys, access control lists and
// lists of subscriptions.
//
// Not checked: times of databases and of directories that a restore made,
// since servers change them; pages of databases beyond what reading needs,
// which dbconv verify does; limits that a directory gave.
package verify
