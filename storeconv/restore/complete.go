package restore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"imsconv/storeconv/ims"
)

// completeTree makes the staged tree of a user who exists whole: everything
// that the store has and the visit did not replace is linked into it.
func (c *collector) completeTree(p *placement, u *usage) error {
	v := p.v
	touched := make(map[string]bool)
	for _, b := range v.order {
		touched[b.path] = true
	}
	w := &treeWalk{c: c, v: v, base: ims.UserDir(c.r.partition, v.id), touched: touched, usage: u, link: v.tally.changed}
	if v.tally.changed {
		if err := c.r.folder.Stage.MkdirAll(v.stage); err != nil {
			return err
		}
	}
	if err := w.dir(""); err != nil {
		return err
	}
	p.nothing, p.exchange = !v.tally.changed, v.tally.changed
	return nil
}

// An index that is not ours stays as it is: what it would have to say of the
// messages that are added beside it is written nowhere.

// unnoted counts what the stream says of the messages added to such a mailbox
// and the store does not: messages with flags, with keywords, and under other
// UIDs.
type unnoted struct{ flags, keywords, uids int64 }

// countUnnoted counts it for one message.
func (c *collector) countUnnoted(e *entry, flags ims.Flags, keywords []string) {
	t := &e.box.v.tally
	if t.unnoted == nil {
		t.unnoted = make(map[string]*unnoted)
	}
	n := t.unnoted[e.box.name]
	if n == nil {
		n = &unnoted{}
		t.unnoted[e.box.name] = n
	}
	lost := unnoted{keywords: int64(min(len(keywords), 1))}
	if flags != 0 {
		lost.flags = 1
	}
	if e.uid != e.origUID && !e.nameless {
		lost.uids = 1
	}
	n.flags, n.keywords, n.uids = n.flags+lost.flags, n.keywords+lost.keywords, n.uids+lost.uids
	for _, rep := range [...]*Report{&c.rep, &t.rep} {
		rep.FlagsLost += lost.flags
		rep.KeywordsLost += lost.keywords
		rep.OtherUID += lost.uids
	}
}

// tellForeign tells of the index of a mailbox that is not ours: a loss where
// the stream says more of added messages than their files do.
func (c *collector) tellForeign(b *box) {
	if b.existing == nil || !b.existing.foreign {
		return
	}
	where := ims.MailboxName(b.v.id, b.name)
	const stays = "its store.idx is not of this project and stays as it is: "
	n := b.v.tally.unnoted[b.name]
	delete(b.v.tally.unnoted, b.name)
	switch {
	case n != nil && *n != unnoted{}:
		c.problem(b.v, "foreign-index", where, fmt.Sprintf("%sof the messages that are added beside it the flags of %d and the keywords of %d are lost, and %d have other UIDs; restored with -n, into a mailbox of its own, they keep them; reconstruct must index what is here",
			stays, n.flags, n.keywords, n.uids))
	case !b.again:
		c.warn(b.v, "foreign-index", where, stays+"messages are added beside it, reconstruct must index them; flags of those that are there are not compared")
	}
}

// treeWalk goes through a user's tree in the store.
type treeWalk struct {
	c       *collector
	v       *visit
	base    string
	touched map[string]bool // paths of mailboxes in memory
	usage   *usage
	link    bool // link files into the stage
	renew   bool // the records of its mailboxes are made of it
}

// maxDepth bounds the nesting of directories in a user's tree.
const maxDepth = ims.MaxMailbox

func (w *treeWalk) dir(path string) error {
	if strings.Count(path, "/") > maxDepth {
		return fmt.Errorf("%s/%s: nested too deep", w.base, path)
	}
	from, to := join(w.base, path), join(w.v.stage, path)
	list, err := w.c.r.store.ReadNames(from)
	if err != nil {
		return err
	}
	if w.link {
		if err := w.c.r.folder.Stage.Mkdir(to); err != nil {
			return err
		}
	}
	touched, err := w.c.hasBox(w.v, w.touched, path)
	if err == nil && !touched {
		err = w.count(path, list)
	}
	if err != nil {
		return err
	}
	below, err := w.files(path, from, to, list)
	if err != nil {
		return err
	}
	list = nil // there may be a million names
	for name := range strings.SplitSeq(below, "/") {
		if name == "" {
			break
		}
		if err := w.dir(join(path, name)); err != nil {
			return err
		}
	}
	return nil
}

// files links the files of a directory, and returns the names of those below
// it, between slashes.
func (w *treeWalk) files(path, from, to string, list []os.DirEntry) (below string, err error) {
	var dirs strings.Builder
	for _, e := range list {
		switch {
		case w.v.tally.again[join(path, e.Name())]:
			continue
		case e.IsDir():
			if dirs.Len() > 0 {
				dirs.WriteByte('/')
			}
			dirs.WriteString(e.Name())
			continue
		case !w.link:
			continue
		}
		_, err := w.c.r.store.LinkOrCopy(from+"/"+e.Name(), w.c.r.folder.Stage, to+"/"+e.Name())
		if err != nil && !(e.Name() == ims.IndexName && os.IsExist(err)) {
			return "", err
		}
	}
	return dirs.String(), nil
}

func join(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return a + "/" + b
}

// count adds a mailbox that the visit did not touch to the user's usage.
func (w *treeWalk) count(path string, list []os.DirEntry) error {
	if !slices.ContainsFunc(list, func(e os.DirEntry) bool { return e.Name() == ims.IndexName }) {
		return w.countFiles(path, list)
	}
	name, err := ims.MailboxFromPath(path)
	if err != nil {
		return nil // not a mailbox of this layout
	}
	old, err := w.c.r.loadExisting(w.v.id, name)
	if err != nil || old == nil {
		return err
	}
	if old.indexed {
		w.usage.bytes += old.header.QuotaUsed
		w.usage.messages += old.header.Exists
		if w.renew {
			return w.c.renewRecords(w.v.id, name, old)
		}
		if old.header.Subscribed {
			return w.c.putSubscription(w.v.id, name, true)
		}
		return nil
	}
	for i := range old.files {
		w.usage.bytes += old.files[i].Size
		w.usage.messages++
	}
	for _, uid := range old.locked {
		info, err := w.c.r.store.Stat(old.dir + "/" + ims.MessagePath(uid))
		if err != nil {
			return err
		}
		w.usage.bytes += info.Size
		w.usage.messages++
	}
	return nil
}

// usage is what a user's mailboxes hold.
type usage struct {
	bytes, messages int64
	earlierQuota    []byte // waiting record of quota.db of an earlier visit of the run
}

// countFiles adds the messages of a mailbox without an index to the usage.
func (w *treeWalk) countFiles(path string, list []os.DirEntry) error {
	store := w.c.r.store
	for _, dir := range list {
		if !dir.IsDir() || !ims.IsMessageDir(dir.Name()) {
			continue
		}
		in := join(w.base, path) + "/" + dir.Name()
		files, err := store.ReadNames(in)
		if err != nil {
			return err
		}
		for _, f := range files {
			uid, ok := ims.ParseMessageName(f.Name())
			if !ok || ims.MessageDir(uid) != dir.Name() || !f.Type().IsRegular() {
				continue
			}
			info, err := store.Stat(in + "/" + f.Name())
			if err != nil {
				return err
			}
			w.usage.bytes += info.Size
			w.usage.messages++
		}
	}
	return nil
}

// kilobytes is what quota.db has of it.
func (u *usage) kilobytes() int64 { return (u.bytes + 1023) / 1024 }

func (u *usage) add(b *box) {
	u.bytes += b.index.QuotaUsed
	u.messages += b.index.Exists
}

// addMailElsewhere adds what a user has in other partitions of the store to the
// user's usage: quota.db has one record a user. A mailbox that is there as well
// as here is a problem: folder.db has room for one of them.
func (c *collector) addMailElsewhere(v *visit, usage *usage) error {
	id, r := v.id, c.r
	names, err := r.store.ReadNames("partition")
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(e fs.DirEntry) bool {
		if e.Name() == r.partition || !e.IsDir() {
			return true
		}
		_, err := r.store.Stat(ims.UserDir(e.Name(), id))
		return isNotExist(err)
	})
	if len(names) == 0 {
		return nil
	}
	root, err := os.Open(r.store.Path())
	if err != nil {
		return err
	}
	defer root.Close()
	reader := ims.NewReader(root)
	inMemory := make(map[string]bool)
	for _, b := range v.order {
		inMemory[b.path] = true
	}
	for _, e := range names {
		user := ims.User{Partition: e.Name(), ID: id, Path: ims.UserDir(e.Name(), id)}
		if err := reader.Mailboxes(user, passOver, func(box *ims.Mailbox) error {
			defer box.Close()
			if err := c.tellTwice(v, inMemory, box); err != nil {
				return err
			}
			return usage.addStored(box)
		}); err != nil {
			return err
		}
	}
	return nil
}

// tellTwice tells of a mailbox in another partition that the visit has too.
func (c *collector) tellTwice(v *visit, inMemory map[string]bool, other *ims.Mailbox) error {
	if !other.HasIndex && !other.HasMessageDirs() {
		return nil
	}
	here, err := c.hasBox(v, inMemory, ims.MailboxPath(other.Name))
	if err != nil || !here {
		return err
	}
	c.problem(v, "same-mailbox", other.FullName(), "partition "+other.Partition+" has this mailbox too: folder.db calls it one of partition "+c.r.partition+
		" from now on, and the mail in the other is out of the server's sight; -p "+other.Partition+" puts it together")
	return nil
}

// addStored counts a mailbox as it lies in the store: by its index, else by its
// files.
func (u *usage) addStored(box *ims.Mailbox) error {
	if f, err := box.Index(); err == nil {
		defer f.Close()
		if ir, err := ims.NewIndexReader(f); err == nil {
			u.bytes += ir.Header.QuotaUsed
			u.messages += ir.Header.Exists
			return nil
		}
	}
	return box.Messages(passOver, func(uid uint32) error {
		info, err := box.Stat(uid)
		if errors.Is(err, ims.ErrNotRegular) || isNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		u.bytes += info.Size
		u.messages++
		return nil
	})
}

// passOver says nothing of what is no part of a store: finding that is verify's
// business.
func passOver(*ims.Error) {}
