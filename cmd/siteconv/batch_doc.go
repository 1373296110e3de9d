package main

const batchDoc = `

BATCHES
In the scenario sims-incremental, run without --batch does what comes before the
users. Then run --batch NAME moves some of them, a pilot of three
first, in two goes:

    - Without a backup stream it chooses the users and writes the records that
      lock them. They are applied, and then the mail of these users is backed up:
      what comes in meanwhile waits in the queue of the old host.
    - With --stream it adds their mail to OUT/store (or OUT/mail), looks it
      through, and writes the records that unlock the users on the new host. By
      an export made after the lock (--ldif), they name entries as they are then,
      and pass over those that have been deleted.

A stream that is damaged or cut off names the users of the batch who may lack
mail: a backup made again comes before their unlock. Where it has mail of nobody
of the batch, no record unlocks anybody.

With a stream that is there already it does both at once. OUT/store may be a
symbolic link to the store of the new host, whose server is stopped meanwhile.

The records unlock the users with all that they had before: forwards, automatic
replies, programs, and mailFolderMap. No user goes over twice: a file of --users
that names one of another batch is refused, --filter and --split leave him out.
The lists of a split are made with its first part and stay. Users on a third mail
host, and those who are on the new one, are left out too. The users of a batch
stay what they are when the export is replaced by a newer one, and a further
--stream adds what it has. A batch is given up by applying saved.ldif or, after
the unlock, undo.changes.ldif, and removing its folder: then its users can be in
another. siteconv status lists the batches.

CLOSING
run --closing is for the end, with an export made after the last unlock (--ldif):
it takes the lists to the new host and upgrades all entries. It refuses while a
batch is not finished, and an export that has users of a batch locked or on the
old host, that has no entry any more of users who were there, or that a batch was
made of, unless --force is given: then all of that is told, and the exit status
is 3. So it is when users of the old host are in no batch, or mail of the stream
is; left.txt names them, and as comments those who can be in none, because their
id cannot stand in a list. Users whom the site had locked before their batch are
not in its way: the unlock has given that lock back. The upgrade drops it and
says so; with upgrade.lock = "hold" in site.toml, which may be set for this pass
alone, it becomes mailUserStatus hold.`

const batchExample = `
siteconv run --site site --out moved --batch pilot --users three.txt
siteconv run --site site --out moved --batch pilot --users three.txt --stream pilot.sims
siteconv run --site site --out moved --batch b01 --split 12 --part 1
siteconv run --site site --out moved --closing --ldif today.ldif`
