package restore

import (
	"fmt"
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

// treeWalk goes through a user's tree in the store.
type treeWalk struct {
	c       *collector
	v       *visit
	base    string
	touched map[string]bool
	usage   *usage
	link    bool // link files into the stage
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
	if !w.touched[path] {
		if err := w.count(path, list); err != nil {
			return err
		}
	}
	for _, e := range list {
		if w.v.tally.again[join(path, e.Name())] {
			continue
		}
		if e.IsDir() {
			if err := w.dir(join(path, e.Name())); err != nil {
				return err
			}
			continue
		}
		if !w.link {
			continue
		}
		_, err := w.c.r.store.LinkOrCopy(from+"/"+e.Name(), w.c.r.folder.Stage, to+"/"+e.Name())
		if err != nil && !(e.Name() == ims.IndexName && os.IsExist(err)) {
			return err
		}
	}
	return nil
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
		return nil
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
		if old.header.Subscribed {
			w.usage.subscribed = append(w.usage.subscribed, ims.MailboxName(w.v.id, name))
		}
		return nil
	}
	for i := range old.files {
		w.usage.bytes += old.files[i].Size
		w.usage.messages++
	}
	return nil
}
