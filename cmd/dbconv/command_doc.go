package main

const commandDoc = `
Reads Berkeley DB files of all releases from 1.85 to 5.3, of either byte order:
btree, hash, recno, queue and heap. Writes btree and recno files of the on-disk
versions that releases 2.x to 5.3 read, without any release being there. With
the mailbox lists of Netscape Messaging Server 4.x (NMS), data.db2 and quota.db2,
it does what a migration to iPlanet Messaging Server 5.x (iMS) wants.

Inputs are plain, gzip or LZ4 files, and are never changed. An output is written
under another name and renamed when it is on disk; one that exists is replaced
with --force only.
`

const commandFiles = `
  TMPDIR/imsconv-*    copies of inputs that are compressed or come from a pipe
  TMPDIR/dbconv-*     an output that is to go to a pipe
  TMPDIR/bdb-sort-*   what a sort does not hold in memory; see --temp-dir
`

const commandExample = `
dbconv verify data.db2
dbconv folder --bdb 9 --byte-order little data.db2 folder.db
dbconv dump -p folder.db
`

var commandSee = []string{"ldifconv(1)", "siteconv(1)", "storeconv(1)", "db_dump(1)", "db_verify(1)", "ims-store(5)"}
