package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"imsconv/cmd/internal/page"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/cmd/siteconv/internal/outdir"
	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/export"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/relocate"
)

// lookAtOutput looks whether the output folder may be this run's.
func (c *conversion) lookAtOutput(f *runFlags) (*outdir.State, error) {
	if c.out == "" {
		return nil, nil
	}
	c.lookApart(f)
	if c.pre.Has("out-nested", "input-missing", "input-unreadable", "wrong-kind") {
		return nil, nil
	}
	want, err := c.state()
	if err != nil {
		return nil, err
	}
	have, err := outdir.Look(c.out, want, f.force)
	var bad *outdir.ClaimError
	switch {
	case errors.As(err, &bad):
		c.pre.Fail(bad.Code, c.out, err)
	case err != nil:
		return nil, err
	}
	parent := existing(c.out)
	c.judgeAccess(parent, unix.Access(parent, unix.W_OK))
	return have, nil
}

// readsBelow tells whether an input lies in a folder.
func (c *conversion) readsBelow(dir string) bool {
	return slices.ContainsFunc(c.inputs, func(in inputs.Input) bool { return isWithin(dir, in.Path) })
}

// isWithin tells whether a path is a folder or lies inside it.
func isWithin(dir, path string) bool {
	rel, err := filepath.Rel(durable.RealPath(dir), durable.RealPath(path))
	return err == nil && filepath.IsLocal(rel)
}

// mailPlace is the folder that the mail comes into.
func (c *conversion) mailPlace() string {
	if c.site.Destination == site.Maildir {
		return c.mailDir()
	}
	return c.storeDir()
}

// lookAtMailPlace looks where the mail of batches goes, which may be a link to
// the place of a server.
func (c *conversion) lookAtMailPlace() {
	place := c.mailPlace()
	if _, err := os.Lstat(place); err != nil {
		return // it is made
	}
	st, err := os.Stat(place)
	switch {
	case err != nil:
		c.pre.Fail("out-unwritable", place, err)
		c.pre.Advise("it is a link that leads nowhere: make the folder that it names, or remove the link")
		return
	case !st.IsDir():
		c.pre.Find("out-taken", place, "it is no folder")
		c.pre.Advise("the mail of batches comes into this folder, or the one that a link of this name leads to")
		return
	}
	for _, in := range c.inputs {
		if durable.Nest(place, in.Path) {
			c.pre.Fail("out-nested", place, fmt.Errorf("the folder %s, which the mail comes into, and the input %s lie inside each other", place, in.Path))
			c.pre.Advise("let the link lead elsewhere")
			return
		}
	}
	if c.site.Destination != site.Maildir && !isStorePlace(place) {
		c.pre.Find("out-taken", place, "the folder holds other things than a store of iMS")
		c.pre.Advise("the mail of batches comes into a new folder, or into the store of the new host, which has the folders partition and mboxlist")
	}
}

// isStorePlace tells whether a folder is a store, or has nothing in it yet.
func isStorePlace(dir string) bool {
	list, err := os.ReadDir(dir)
	if err != nil {
		return true // the run tells
	}
	has := func(e os.DirEntry) bool {
		return e.Name() == "partition" || e.Name() == "mboxlist" || e.Name() == ims.WorkDir
	}
	list = slices.DeleteFunc(list, ofFileSystem)
	return len(list) == 0 || slices.ContainsFunc(list, has)
}

// ofFileSystem tells what the root of a file system has before anything is
// written there.
func ofFileSystem(e os.DirEntry) bool {
	return e.Name() == "lost+found" || e.Name() == ".snapshot"
}

// judgeAccess tells of a folder that may not be written.
func (c *conversion) judgeAccess(parent string, err error) {
	if err != nil {
		c.pre.Find("out-unwritable", c.out, "nothing may be written in %s: %v", parent, err)
	}
}

// judgeOwner tells of an owner whom this process may not give files to.
func (c *conversion) judgeOwner(err error) {
	if err != nil {
		c.pre.Fail("owner-denied", c.out, err)
	}
}

// lookApart refuses an output folder inside of what is read, and the other way
// round. The site's folder is read too, unless it has site.toml alone, as where
// the inputs are in a folder that cannot be written.
func (c *conversion) lookApart(f *runFlags) {
	var read []string
	for _, in := range c.inputs {
		read = append(read, in.Path)
	}
	if f.site != "" && (isWithin(c.out, c.site.Dir) || c.readsBelow(c.site.Dir)) {
		read = append(read, c.site.Dir)
	}
	for _, path := range read {
		if durable.Nest(c.out, path) {
			c.pre.Fail("out-nested", c.out, fmt.Errorf("the output folder %s and the input %s lie inside each other", c.out, path))
			return
		}
	}
}

// existing is the nearest folder of a path that there is.
func existing(path string) string {
	path, err := filepath.Abs(path)
	for err == nil && path != "/" {
		if st, statErr := os.Stat(path); statErr == nil && st.IsDir() {
			return path
		}
		path = filepath.Dir(path)
	}
	return "/"
}

// lookAtRoom looks whether files may be given to their owner, whether they
// would be files of the source, and, when nothing is there yet, whether the
// output fits.
func (c *conversion) lookAtRoom(fresh bool) {
	if c.out == "" {
		return
	}
	parent := existing(c.out)
	if c.batch != nil { // most of it goes to the store, which may lie elsewhere
		parent = existing(c.mailPlace())
	}
	if owner := c.owner(); owner != nil {
		c.judgeOwner(owner.Check())
	}
	links := c.links(parent)
	var st unix.Statfs_t
	if !fresh || unix.Statfs(parent, &st) != nil || st.Blocks == 0 { // it does not say
		return // the writing will tell
	}
	free := room{parent: parent, bytes: int64(min(st.Bavail*uint64(st.Bsize), 1<<62)), nodes: -1}
	if st.Files > 0 {
		free.nodes = int64(min(st.Ffree, 1<<62))
	}
	c.judgeRoom(free, links)
}

// room is what a file system has free.
type room struct {
	parent string
	bytes  int64
	nodes  int64 // files and folders; -1: not limited
}

// judgeRoom holds what is needed against what is free.
func (c *conversion) judgeRoom(free room, links bool) {
	bytes, nodes := c.needs(links)
	need, have := page.Int((bytes+1e6-1)/1e6), page.Int(free.bytes/1e6)
	c.pre.Fact("space", "some %s MB of %s MB that are free in %s", need, have, free.parent)
	switch {
	case bytes > free.bytes:
		c.pre.Find("no-space", c.out, "some %s MB are needed and %s MB are free in %s", need, have, free.parent)
	case bytes > free.bytes/10*9:
		c.pre.Find("little-space", c.out, "some %s MB are needed of %s MB that are free in %s", need, have, free.parent)
	}
	if free.nodes >= 0 && nodes > free.nodes {
		c.pre.Find("no-inodes", c.out, "some %s files and folders are needed and %s are free in %s", page.Int(nodes), page.Int(free.nodes), free.parent)
	}
}

// The sizes that need is reckoned with, in bytes.
const (
	block     = 4096 // of a file system; a file takes half of one more than its size
	indexLine = 200  // of a message, in the index of its mailbox
	ldifTimes = 5    // upgraded, undo, changes and delegation, beside what is sorted meanwhile
)

// needs is about what the output takes: bytes, and files and folders.
func (c *conversion) needs(links bool) (bytes, nodes int64) {
	m := c.mail
	entries := float64(c.export().Plain * ldifTimes)
	if c.batch != nil { // those of its users
		entries *= float64(len(c.batch.users)) / float64(max(m.IDs.Len(), len(c.batch.users), 1))
	}
	bytes = int64(entries) + (m.Folders+int64(m.IDs.Len()))*2*block + m.Messages*indexLine
	nodes = m.Folders*3 + int64(m.IDs.Len())*4
	if c.domainsOnly() && c.batch == nil || c.closing != nil || links {
		return bytes, nodes
	}
	mail := m.Bytes + m.Files*block/2
	if c.scenario.nms() && c.site.Destination == site.Maildir && !sameDevice(existing(c.out), c.store().Path) {
		return bytes + 2*mail, nodes + 2*m.Files // the store is made on the way
	}
	share := c.batch.share(m)
	return bytes + int64(share*float64(mail)), nodes + int64(share*float64(m.Files))
}

// owner is whose the mail becomes; nil: the caller's.
func (c *conversion) owner() *storeconv.Owner {
	switch name, _, _ := mailTable(c.site); name {
	case "export":
		return c.set.export.Owner
	case "relocate":
		return c.set.relocate.Owner
	}
	return c.set.restore.Owner
}

// links says whether the messages will be second names of the source's files,
// and tells what that means.
func (c *conversion) links(parent string) bool {
	if !c.scenario.nms() {
		return false
	}
	one := sameDevice(parent, c.store().Path)
	asked, auto := c.set.relocate.Via == relocate.ViaHardlink, c.set.relocate.Via == relocate.ViaAuto
	if c.site.Destination == site.Maildir {
		asked, auto = c.set.export.Via == export.Hardlink, false
	}
	switch {
	case asked && !one:
		c.pre.Find("no-hardlinks", c.out, "the store %s lies on another file system, over which there are no hard links", c.store().Path)
	case asked || auto && one:
		c.pre.Find("shared-files", c.out, "messages are the source's own files under a second name: a chown, chmod or edit in %s changes them in %s too", c.mailName(), c.store().Path)
		return true
	}
	if c.set.relocate.Via == relocate.ViaSymlink && c.site.Destination != site.Maildir {
		c.pre.Find("source-stays", c.out, "messages are symbolic links into %s: without it there is no mail in %s", c.store().Path, c.mailName())
		return true
	}
	return false
}

// sameDevice says whether two paths are on one file system.
func sameDevice(a, b string) bool {
	var sa, sb unix.Stat_t
	return unix.Stat(a, &sa) == nil && unix.Stat(b, &sb) == nil && sa.Dev == sb.Dev
}
