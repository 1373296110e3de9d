package main

const runDoc = `Converts one site in the way that a scenario of the migration guide tells, and
writes everything into one folder:

    OUT/ldif/domains.changes.ldif   change records for the domains
    OUT/ldif/users.changes.ldif     change records for users and groups
    OUT/ldif/upgraded.ldif          the whole upgraded directory
    OUT/ldif/undo.ldif              change records that take it all back
    OUT/store/                      the iMS message store with its mailbox lists
    OUT/report.json                 what was done, lost and left

Scenarios:

    sims-offline   a SIMS 4.0 directory export and backup stream; DIR holds
                   export.ldif and backup.sims
    nms-single     an NMS 4.x directory export and store; DIR holds export.ldif
                   and store/

An input that has another name or place is named by its own flag. LDIF and
stream may be compressed (LZ4 frame or gzip). Inputs are only read.

A run that was interrupted is finished by the same command. A finished run is
not done again: the same command prints its summary and changes nothing. Other
inputs or options into the same folder are refused.

The summary goes to standard output, problems and warnings to standard error.`

const runExample = `siteconv run --scenario sims-offline --site site --out converted
ldapmodify -D "cn=Directory Manager" -W -f converted/ldif/domains.changes.ldif
ldapmodify -D "cn=Directory Manager" -W -f converted/ldif/users.changes.ldif`
