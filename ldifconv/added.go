package ldifconv

import (
	"sync"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/ldif"
)

// domainNodes are the dc nodes of the input, by hash of the normalised DN: what
// is there is not added. It is safe for concurrent use. Memory grows with the
// number of nodes.
type domainNodes struct {
	mu   sync.Mutex
	seen map[uint64]bool
}

// note remembers an entry when it is a dc node.
func (n *domainNodes) note(norm []byte) {
	if !isNode(norm) && string(norm) != dcRoot {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen == nil {
		n.seen = map[uint64]bool{}
	}
	n.seen[index.Hash(norm)] = true
}

// newEntries are those that the rules ask for, below their root. The set-up of
// iMS makes the root; a file that is imported as a whole has to have it.
func (r *run) newEntries() []addedEntry {
	entries := r.rules.newEntries()
	if len(entries) == 0 || r.nodes.seen[index.Hash([]byte(dcRoot))] {
		return entries
	}
	if r.full != nil {
		return append([]addedEntry{rootEntry()}, entries...)
	}
	r.warn("tree-root", dcRoot, "not in the input: the set-up of iMS makes it; the domain nodes need it")
	return entries
}

// warnNode tells of a domain node that the input has already, and that would
// have to say which of several domains stands for all.
func (r *run) warnNode(e *addedEntry) {
	for _, p := range e.attrs {
		if p.Attr == "inetCanonicalDomainName" {
			r.warn("tree-node", e.dn, "is in the input and stays as it is: its inetDomainBaseDN is that of other domains too, it should have inetCanonicalDomainName "+p.Value)
		}
	}
}

// addEntries writes the entries that the upgrade makes and the input does not
// have, parents first, and into the undo their removal, children first.
func (r *run) addEntries() error {
	var records, undo []byte
	var marks []index.Mark
	for i, e := range r.newEntries() {
		norm, err := ldif.AppendNormDN(nil, []byte(e.dn))
		if err != nil {
			panic("internal error: " + e.dn)
		}
		if r.nodes.seen[index.Hash(norm)] {
			r.warnNode(&e)
			continue
		}
		rec := ldif.Record{Entry: ldif.Entry{DN: []byte(e.dn)}}
		if r.full == nil {
			rec.Type = ldif.Add
		}
		for _, p := range e.attrs {
			rec.Entry.Add([]byte(p.Attr), []byte(p.Value))
		}
		records = ldif.AppendRecord(records, &rec)
		pos := packPos(len(r.inputs), i+1) // behind all inputs
		if _, _, err := r.seen.Put(index.Hash(norm), pos); err != nil {
			return err
		}
		marks = append(marks, index.MarkOf(len(records), norm, pos))
		gone := ldif.AppendRecord(nil, &ldif.Record{Entry: ldif.Entry{DN: rec.DN}, Type: ldif.Delete})
		undo = append(gone, undo...)
		r.report.Added++
	}
	if err := r.undo.write(undo); err != nil {
		return err
	}
	if r.full != nil {
		return r.full.Put(records, marks)
	}
	return r.out.write(records)
}
