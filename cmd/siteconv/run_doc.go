package main

const runDoc = `Converts one site in the way that a scenario of the migration guide tells, and
writes everything into one folder, see FILES. The scenarios:

    sims-offline      SIMS 4.0, the host stays, mail is down while the store moves
    sims-online       SIMS 4.0, old mail comes behind new mail; with --new-host the
                      entries of --old-host (without it: all) point to that host
    sims-incremental  SIMS 4.0, a new host, users in batches: what comes before the
                      batches, domains and schema; no mail is moved
    nms-single        NMS 4.x, the host stays

--site names a folder, whose site.toml says what there is (siteconv init makes
one; the command line wins over it). Without that file the folder holds
export.ldif and, of SIMS, backup.sims or, of NMS, store/. The options of ldifconv
upgrade and storeconv restore, relocate and export are set in the tables of those
names. LDIF and stream may be compressed (LZ4 frame or gzip); the mail of a SIMS
site may also lie in mailbox files or Maildirs. Inputs are only read.

PREFLIGHT AND STEPS
Before anything is written, everything is looked at: inputs, product, bases and
filter, default domain, output folder, space, owner. All that stands in the way is
told at once, with what to do about it. --preflight is the look alone; it also
upgrades and checks the directory without writing it, and compares the users of
both sides. --dry-run does the steps without writing, but the verification, which
reads what is written: what that alone tells, such as a subscription to a mailbox
that the mailbox lists do not have, comes with the run.

The steps, in this order: schema, directory, daaci (of SIMS), store or mail,
comparison (users that one side has alone), check (what ldifconv check counts in
the directory before and after) and verification (the mail is read again and held
against its source). --only does one of them; what it needs must be done.

Every message of the source is accounted for: written, linked, left out by a
rule, or refused. That the sums of the report differ is a problem.

A run that was interrupted is finished by the same command, step by step. A
finished run is not done again: the same command prints its summary and changes
nothing. It does not look whether the mail is all there still, as siteconv report
does. Other inputs or options into the same folder are refused.

The summary goes to standard output, problems and warnings to standard error.`

const runFilesDoc = `
    OUT/schema/                      the merged schema, for servers of every kind
    OUT/ldif/domains.changes.ldif    change records for the domains
    OUT/ldif/users.changes.ldif      change records for users and groups
    OUT/ldif/upgraded.ldif           the whole upgraded directory
    OUT/ldif/undo.ldif               change records that take these back
    OUT/ldif/daaci.changes.ldif      groups and ACIs of delegated administration
    OUT/ldif/daaci.undo.ldif         takes them back; applied before undo.ldif
    OUT/store/ or OUT/mail/          the iMS message store, or Maildirs for Dovecot
    OUT/report.json                  what was done, lost and left, when, and the sums
    OUT/report.lines.tsv             every problem and warning
    OUT/.siteconv.json               inputs, options and the steps that are done

A batch writes

    OUT/batches/NAME/users.txt              the users, as imbackup -u takes them
    OUT/batches/NAME/lock.changes.ldif      change records that lock them
    OUT/batches/NAME/saved.ldif             and unlock them again where they are
    OUT/batches/NAME/unlock.changes.ldif    and unlock them on the new host
    OUT/batches/NAME/undo.changes.ldif      and take them back after that
    OUT/batches/NAME/entries.ldif           their entries as they were before
    OUT/batches/NAME/hold.sh                releases held mail, on the old host
    OUT/batches/NAME/report.json

and the closing pass

    OUT/closing/ldif/groups.changes.ldif    takes the lists to the new host
    OUT/closing/ldif/domains.changes.ldif   domains that are left
    OUT/closing/ldif/users.changes.ldif     the upgrade of users and groups
    OUT/closing/ldif/undo.ldif              takes these back
    OUT/closing/ldif/daaci.changes.ldif     delegated administration
    OUT/closing/ldif/daaci.undo.ldif        takes it back; applied before undo.ldif
    OUT/closing/left.txt                    who is left on the old host
`

const runExample = `siteconv run --site site --preflight
siteconv run --site site --out converted
siteconv run --scenario sims-offline --ldif export.ldif --stream backup.sims --out converted
siteconv run --scenario nms-single --site site --out mail --destination maildir`
