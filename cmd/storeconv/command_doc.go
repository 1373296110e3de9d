package main

const commandDoc = `
Makes message stores of iPlanet Messaging Server 5.x (iMS) of backup streams of
Sun Internet Mail Server 4.0 (SIMS), of stores of Netscape Messaging Server 4.x
(NMS), of mailbox files and of Maildirs, as imsrestore did on a live server; and
takes mail out again, as a backup stream, as Maildirs for Dovecot or as mailbox
files. Sources are only read. A user's mail appears whole or not at all, and the
same command goes on after a kill, a power cut or a full disk.

The pages of section 5 say what the formats are, byte by byte.
`

const commandEnvironment = `
IMSCONV_STORE  the store of a command line under an old name that names none;
               default: ./store
`

const commandFiles = `
  STORE/partition/       the mail, see ims-store(5)
  STORE/mboxlist/        folder.db, quota.db, subscr.db and peruser.db
  STORE/.imsconv/        what runs need while they last; locks
  TMPDIR/storeconv-*     copies of what comes from a pipe or is compressed, links
  TMPDIR/imsconv-*       a directory export that comes from a pipe
  TMPDIR/bdb-sort-*      what a sort does not hold in memory
`

const commandExample = `
storeconv list -f backup.sims
storeconv restore -f backup.sims --store store
storeconv verify --store store -f backup.sims
storeconv export --store store --out /srv/mail
`

var commandSee = []string{"dbconv(1)", "ldifconv(1)", "siteconv(1)", "ims-store(5)", "sims-tar(5)", "store.idx(5)"}
