package main

const commandDoc = `
Works on directory exports (LDIF, as db2ldif, slapcat or ldapsearch write them)
of Sun Internet Mail Server 4.0 (SIMS) and Netscape Messaging Server 4.x (NMS):
says what they hold, finds what is wrong with them, and upgrades them to the
schema of iPlanet Messaging Server 5.x (iMS), as imsdirmig did in a live
directory. No server is asked; the result is LDIF for ldapmodify, ldif2db or
slapadd, and comes with what takes it back.

Inputs are plain, gzip or LZ4 files, or - for standard input, and are never
changed. Outputs that exist are replaced with --force only, and appear whole or
not at all; what --report and --log name tells of one run, and is written anew.
`

const commandFiles = `
  TMPDIR/ldifconv-*.tmp  what does not fit into memory, while a verb runs
`

const commandExample = `
ldifconv classify --counts export.ldif
ldifconv check export.ldif
ldifconv upgrade -M sims -b o=internet --format ldif -o upgraded.ldif --undo undo.ldif export.ldif
ldifconv check --as ims50 upgraded.ldif
`

var commandSee = []string{"dbconv(1)", "siteconv(1)", "storeconv(1)", "ldapmodify(1)", "slapadd(8)"}
