package main

// upgradeDoc is the body of the manual page.
const upgradeDoc = `Reads a directory export (LDIF, as db2ldif, slapcat or ldapsearch write it) of
Sun Internet Mail Server 4.0 or Netscape Messaging Server 4.x, and upgrades its
mail users, groups and domains to the schema of iPlanet Messaging Server 5.x.
Without IN the export is read from standard input. LZ4 and gzip are undone.

The result is either one change record (changetype: modify) for each entry that
changes, for ldapmodify, or, with --format ldif, all entries of the input with
the upgraded ones in their place and parents in front of their children, for
ldif2db, or for slapadd without the version line, which it does not know:
tail -n +3 FILE | slapadd. --undo writes the change records that make the
upgraded entries what they were. No server is asked and no input is changed.

With --format ldif the output is checked on the way as ldifconv check --as ims50
checks it, and how much is found is told at the end; the exit status does not
depend on it. --check=no does without; where there is no room for the index, or
it fails, a warning says that the output is not checked.

SELECTION
Entries are upgraded that lie at or below a BASE, match the FILTER, and are of a
KIND: users by inetMailUser (SIMS) or mailRecipient (NMS), groups by
inetMailGroup or mailGroup, domains by a domain node's own attributes or class,
or by what lies below it: ou=People, ou=Groups, a user or a list. An entry that
is a user and a list is upgraded as both. Tombstones and conflict entries belong
to the directory server and are left alone. A base, filter or product that finds
nothing is a warning that names what there is instead.
An entry that is an iMS entry already and has no old class left is touched by -A
alone, so that a second run changes nothing.

RULES
ldifconv rules prints the rules of the mapping in the order in which they run.
--no-rule switches one off. What a rule drops is a warning; counted with its rule
alone (--log, --report) is what takes nothing from the entry: old classes,
inetMailUserVersion and inetMailGroupVersion, mailFolderMap of the only store, a
value that is there already, and what --drop-licenses asks for. A value that no
rule understands stays in the entry and is a problem with its line; it never
opens anything. Beside an access rule of iMS that is there already, which holds, old
attributes that restrict stay too, each a problem. Two entries with one address
are a warning that names both.
--program-script FILE writes the imsimta commands that the programs of users and
lists need on the new server.

ATTRIBUTES OF YOUR OWN
-A sets attributes after the rules, in users, groups and domains alike. Pairs
are separated by ; and split at the first colon. -P adds instead of replacing,
-O leaves the rules out. To lock a batch of users and to give them back what
they had:
  ldifconv upgrade -M sims -b BASE -m users -F '(uid=s*)' -O \
    -A 'mailDeliveryOption:hold;mailFolderMap:LOCK' \
    --save locked.ldif export.ldif
  ldifconv upgrade -M sims -b BASE -m users -O \
    --restore locked.ldif export.ldif
The state file is LDIF itself: ldapmodify can apply it too. Of an entry that
several --restore files have, the first file counts; one that a single file has
twice, with different values, is a problem, and its first record counts.

DAMAGE
A record that cannot be read is left out, named with its line, and written to
--rejects. Values that are file names or URLs (attr:< ...) are refused. An entry
over --max-entry is left out. Of entries with the same DN only the first is
changed; the others are problems. Damage in a --restore file is a problem too, a
file that is no state file at all an error before anything is done. An input
that changes while it is read is a problem as well. Memory stays under 64 MiB at
any size of input, and 4 times what --max-entry has over 8 MiB; temporary files
take up to a third of the input's size, and all of it once more when SIMS
domains are read from a pipe. The check of full output takes 32 MiB more, and as
much room again as the output for its index.

CONFIGURATION FILE
-C FILE holds one option a line, a letter or a long name without dashes, and its
value: "b o=internet", "max-entry 16M", "P". # starts a comment line.

OPTIONS OF IMSDIRMIG
What is for a server (-h under the old name, -D, -w), and -r, whose meaning was
never published, are accepted and not used.`

const upgradeFilesDoc = `
A file that exists is replaced with --force only, but for what --log and
--report name: these tell of one run, a dry one too. One that holds what would be
written is no conflict: the same command goes on where a run was killed between
two of its files. Where the changes are piped away, --undo and --save are on
disk before the changes that they take back, and a killed run is gone on with
too. A file of another kind than LDIF is refused before anything is written.
`

const upgradeExample = `db2ldif -n userRoot -a export.ldif
ldifconv upgrade -M sims -m domains -b o=internet --undo undo-domains.ldif export.ldif | ldapmodify -c -D "cn=Directory Manager" -w secret
ldifconv upgrade -M sims -b o=internet --undo undo-users.ldif export.ldif | ldapmodify -c -D "cn=Directory Manager" -w secret`
