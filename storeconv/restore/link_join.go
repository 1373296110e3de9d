package restore

import (
	"bytes"
	"fmt"
	"io"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/selection"
	"imsconv/storeconv/sims"
)

// When the users of a site are spread over several runs, a link and its first
// copy may belong to different ones, and which of them comes first is chance.
// The run with the link may have to make a copy of its own. Each run notes such
// pairs, from either side, and at its end makes one file of those that are both
// in place: the run that ends last sees them all.
//
// A power cut may part them too: of one batch it may leave the user with the
// link in place and not the one with the first copy, who is then made anew.

// noteJoin notes a link that only one end of belongs to this run.
func (p *planner) noteJoin(m *sims.Member) error {
	if p.r.dry() || m.Kind != sims.Link || p.r.sel.IsAll() && !p.r.relink {
		return nil
	}
	user, _, _, ok := sims.SplitName(m.Link)
	if !ok || !p.r.relink && p.r.sel.Takes(user) == p.r.sel.Takes(m.User) {
		return nil
	}
	return p.r.jr.Put(keyJoin+m.Name, []byte(m.Link))
}

// join makes one file of links and first copies that lie in the store as two.
func (r *run) join() error {
	if r.sel.IsAll() && !r.relink {
		return nil
	}
	if err := r.folder.LockLists(); err != nil {
		return fmt.Errorf("lock the store: %w", err)
	}
	defer r.folder.UnlockLists()
	changed := false
	err := r.jr.Range(keyJoin, func(key, value []byte) error {
		done, err := r.joinPair(string(key[len(keyJoin):]), string(value))
		changed = changed || done
		return err
	})
	if err == nil && changed {
		err = r.store.SyncAll()
	}
	return err
}

// joinPair replaces the file of a link by a link to its first copy, if both are
// there with the same bytes.
func (r *run) joinPair(link, first string) (bool, error) {
	to, ok1, _, err := r.whereIs(link)
	if err != nil {
		return false, err
	}
	from, ok2, _, err := r.whereIs(first)
	if err != nil {
		return false, err
	}
	if !ok1 || !ok2 {
		return false, nil
	}
	a, b := r.pathOf(from), r.pathOf(to)
	ia, err1 := r.store.Stat(a)
	ib, err2 := r.store.Stat(b)
	if err1 != nil || err2 != nil || ia.Ino == ib.Ino || ia.Dev != ib.Dev || ia.Size != ib.Size || ia.Mtime != ib.Mtime || !ia.IsRegular() || !ib.IsRegular() {
		return false, nil
	}
	if same, err := sameFiles(r.store.Dir, a, b); err != nil || !same {
		return false, err
	}
	if err := r.folder.LockUser(to.ID); err != nil {
		return false, err
	}
	defer r.folder.UnlockUser(to.ID)
	const temp = "stage/join"
	if err := r.folder.Dir.RemoveAll(temp); err != nil {
		return false, err
	}
	if err := r.store.Link(a, r.folder.Dir, temp); err != nil {
		return false, nil // at its limit of links, or gone
	}
	return true, r.folder.Dir.Replace(temp, r.store.Dir, b)
}

func (r *run) pathOf(s selection.Place) string {
	return ims.MailboxDir(r.partition, s.ID, s.Mailbox) + "/" + ims.MessagePath(s.UID)
}

// sameFiles compares two files of the same size.
func sameFiles(d *durable.Dir, a, b string) (bool, error) {
	fa, err := d.Open(a)
	if err != nil {
		return false, err
	}
	defer fa.Close()
	fb, err := d.Open(b)
	if err != nil {
		return false, err
	}
	defer fb.Close()
	bufA, bufB := make([]byte, 32<<10), make([]byte, 32<<10)
	for {
		n, err := io.ReadFull(fa, bufA)
		m, _ := io.ReadFull(fb, bufB)
		if n != m || !bytes.Equal(bufA[:n], bufB[:m]) {
			return false, nil
		}
		if err != nil {
			return err == io.EOF || err == io.ErrUnexpectedEOF, nil
		}
	}
}
