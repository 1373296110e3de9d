package main

import (
	"cmp"
	"path"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/batches"
)

// afterLock is what the administrator does when the records of a batch are
// there: lock, back up, and give the stream to the same command.
func (c *conversion) afterLock() []string {
	stream := c.batch.name + ".sims"
	return []string{
		c.ldapmodify(batches.LockName),
		"# an incremental dirsync on both hosts: " + c.oldDirsync() + " and " + c.newDirsync(),
		"# on the old host: " + c.oldProgram("ims/sbin/imbackup") + " -f " + stream + " -u " + batches.UsersName,
		"# the same siteconv command again, in the folder where it was given, with --stream " + stream,
		"# to go back instead: " + c.ldapmodify(batches.SavedName),
	}
}

// afterBatch is what the administrator does when the mail of a batch is there.
func (c *conversion) afterBatch() []string {
	steps := append(c.lookAtEnd(), "# take what is new in "+path.Join("..", "..", c.mailName())+" over to "+c.site.Hosts.New+", its server stopped, unless it is the server's own")
	return append(steps,
		c.ldapmodify(batches.UnlockName),
		"# \"No such object\" is an entry that was deleted or renamed since the lock; the others are unlocked (an export made now, given with --ldif and --stream, has its new name)",
		"# an incremental dirsync on both hosts: "+c.oldDirsync()+" and "+c.newDirsync(),
		"# on the old host: sh "+batches.HoldName,
		"# to go back after that: "+c.ldapmodify(batches.UndoName),
	)
}

func (c *conversion) oldDirsync() string { return c.oldProgram("sbin/imta") + " dirsync" }

func (c *conversion) newDirsync() string {
	return c.newProgram("imsimta") + " dirsync"
}

// newProgram is a program of the new server's instance.
func (c *conversion) newProgram(name string) string {
	root := c.site.InstanceRoot()
	if root == "" {
		return "<InstanceRoot>/" + name
	}
	return cli.Quote(path.Join(root, name))
}

// oldProgram is a program of the old host.
func (c *conversion) oldProgram(name string) string {
	return cli.Quote(path.Join(cmp.Or(c.site.Servers.OldRoot, batches.SIMSRoot), name))
}

// afterClosing is what ends the migration.
func (c *conversion) afterClosing() []string {
	alias := "# the name " + c.site.Hosts.Old + " becomes an alias of " + c.site.Hosts.New + " in the DNS; the old host is drained and stopped"
	if c.closing != nil && c.closing.left() {
		alias = "# the old host " + c.site.Hosts.Old + " goes on: left.txt says who is or may be left on it; move them, and close again"
	}
	configutil := "# on " + c.site.Hosts.New + ": " + c.newProgram("configutil")
	return []string{
		c.ldapmodify(groupChanges),
		alias,
		c.ldapmodify(domainChanges),
		c.ldapmodify(userChanges),
		configutil + ` -o local.imta.schematag -v "" and -o local.imta.ugfilter -v "", then ` + c.newDirsync(),
		c.ldapmodify(delegation),
		"# to go back: " + c.ldapmodify(undo),
	}
}
