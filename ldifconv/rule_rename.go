package ldifconv

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// referenceAttributes hold DNs, and URLs with a DN, of users.
var referenceAttributes = []attrID{
	schema.UniqueMember, schema.Member, schema.Owner, schema.SeeAlso, schema.Manager, schema.Secretary,
	schema.NsDAModifiableBy, schema.MemberOf, schema.AdminDN,
	schema.MgrpErrorsTo, schema.MgrpModerator, schema.MgrpAllowedBroadcaster, schema.MgrpDisallowedBroadcaster,
	schema.MgrpDeliverTo,
}

// mapUID gives a user the uid that the site maps the old one to. A DN made of
// the uid changes with it; the part of a DN that is made of more than a uid
// stays, and so does a uid of several values.
func mapUID(d *draft, o *ruleOptions) bool {
	if len(o.UIDMap) == 0 {
		return false
	}
	old := d.first(schema.UID)
	id, ok := o.UIDMap[strings.ToLower(string(old))]
	if !ok || id == string(old) {
		return false
	}
	rdn, rest := ldif.CutRDN(d.dn())
	name, value, _ := bytes.Cut(rdn, []byte{'='})
	if a, _ := schema.Lookup(bytes.TrimSpace(name)); a == schema.UID {
		if len(d.values(schema.UID)) > 1 || !bytes.EqualFold(unescapeRDN(value), old) {
			d.problem("uid-in-dn", schema.UID, old, fmt.Sprintf("uid %.200q is one of several of the entry, whose name has it: it stays, and the user does not get %.200q of the map", old, id))
			return false
		}
		d.renamed = d.keep([]byte(string(name) + "=" + escapeRDN(id) + string(rest)))
	}
	d.set(schema.UID, id)
	return true
}

// mapReferences makes DNs follow mapUID.
func mapReferences(d *draft, o *ruleOptions) bool {
	if len(o.UIDMap) == 0 {
		return false
	}
	fired := false
	for _, a := range referenceAttributes {
		if !d.has(a) {
			continue
		}
		values := d.values(a)
		written := make([][]byte, len(values))
		changed := false
		for i, v := range values {
			var unseen bool
			written[i], unseen = o.mapReference(d, v)
			if unseen {
				d.warnf("reference-unseen", "%s %.200q follows the map of uids, and the input has no entry of that name", schema.Name(a), v)
			}
			changed = changed || !bytes.Equal(written[i], v)
		}
		if changed {
			d.remove(a)
			d.addBytes(a, written...)
			fired = true
		}
	}
	return fired
}

// mapReference is v, a DN or an LDAP URL without a host, with its first part
// mapped, unless the entry of that name is there and keeps it. What follows the
// DN of a URL stays as it is. unseen says that it is mapped though the input
// has no entry of that name: another export may have it.
func (o *ruleOptions) mapReference(d *draft, v []byte) (to []byte, unseen bool) {
	const scheme = "ldap:///"
	if !hasPrefixFold(v, scheme) {
		return o.mapName(d, v)
	}
	written, _, _ := bytes.Cut(v[len(scheme):], []byte{'?'})
	dn := written // without percent signs
	if text, err := url.PathUnescape(string(written)); err == nil {
		dn = []byte(text)
	}
	mapped, unseen := o.mapName(d, dn)
	if bytes.Equal(mapped, dn) {
		return v, false
	}
	if !bytes.Equal(dn, written) || bytes.ContainsAny(mapped, "%?#") {
		u := url.URL{Path: "/" + string(mapped)}
		mapped = []byte(u.EscapedPath()[1:])
	}
	return slices.Concat(v[:len(scheme)], mapped, v[len(scheme)+len(written):]), unseen
}

// follows reports whether uid-map-references changes v later.
func (o *ruleOptions) follows(d *draft, v []byte) bool {
	if len(o.UIDMap) == 0 || oneOf("uid-map-references", o.Off...) {
		return false
	}
	to, _ := o.mapReference(d, v)
	return !bytes.Equal(to, v)
}

// mapName is a DN with its first part mapped, unless the entry of that name is
// there and keeps it. unseen is that of mapReference.
func (o *ruleOptions) mapName(d *draft, dn []byte) (to []byte, unseen bool) {
	rdn, rest := ldif.CutRDN(dn)
	name, value, ok := bytes.Cut(rdn, []byte{'='})
	if a, _ := schema.Lookup(bytes.TrimSpace(name)); !ok || a != schema.UID || len(rest) == 0 {
		return dn, false
	}
	id, ok := o.UIDMap[string(unescapeRDN(value))]
	if !ok {
		return dn, false
	}
	if norm, err := ldif.AppendNormDN(nil, ldif.WithoutUniqueID(dn)); err == nil {
		fate, err := o.fates.of(norm)
		if err != nil {
			d.out.err = err
		}
		if fate == keepsName {
			return dn, false
		}
		unseen = fate == unknownFate
	}
	return []byte(string(name) + "=" + escapeRDN(id) + string(rest)), unseen
}

// belowRenamed returns the uid that the map gives another name and that is the
// first part of the name of an entry above norm, a normalised DN; nil for none.
// An entry that is not in the input is taken to get the name.
func (o *ruleOptions) belowRenamed(norm []byte) ([]byte, error) {
	if len(o.UIDMap) == 0 || oneOf("uid-map", o.Off...) {
		return nil, nil
	}
	for parent, ok := ldif.ParentNormDN(norm); ok && len(parent) > 0; parent, ok = ldif.ParentNormDN(parent) {
		old := o.mappedName(parent)
		if old == nil {
			continue
		}
		if fate, err := o.fates.of(parent); err != nil || fate == unknownFate || fate == getsName {
			return old, err
		}
	}
	return nil, nil
}

// mappedName returns the uid that an entry with the normalised DN norm is named
// by, in lower case, when the map gives it another; else nil.
func (o *ruleOptions) mappedName(norm []byte) []byte {
	rdn, _ := ldif.CutRDN(norm)
	name, value, _ := bytes.Cut(rdn, []byte{'='})
	if a, _ := schema.Lookup(name); a != schema.UID {
		return nil
	}
	old := unescapeRDN(value)
	if id, mapped := o.UIDMap[string(old)]; !mapped || id == string(old) {
		return nil
	}
	return old
}

// takesUID reports whether uid-map gives the entry another uid, whatever else
// the upgrade does to it; d has the name that it gets with it.
func (s *ruleSet) takesUID(d *draft) bool {
	if s.options.finished(d) || !s.options.ofSource(d) {
		return false
	}
	for i := range s.rules {
		if r := &s.rules[i]; r.name == "uid-map" && r.kind&d.kind != 0 && d.present.meets(&r.needs) {
			return r.rule.apply(d, &s.options)
		}
	}
	return false
}

// fate is what an upgrade with a map of uids does to the name of an entry that
// has a mapped uid in it.
type fate uint64

const (
	unknownFate fate = iota // the input has no such entry
	keepsName               // it is no user, or none that the map is for
	getsLater               // the base, the filter or the kinds leave it to another run
	getsName                // it gets the name of the map
)

// fates are those of all entries of the input, found before anything is
// written. It takes the memory of an index.Table. It is safe for concurrent use
// when it is complete.
type fates struct {
	mu    sync.Mutex
	table index.Table // by the hash of the normalised DN
}

// put notes the fate of an entry; of two with one DN the first counts.
func (f *fates) put(norm []byte, what fate) error {
	key := index.Hash(norm)
	if _, again, err := f.table.Get(key); again || err != nil {
		return err
	}
	return f.table.Put(key, uint64(what))
}

// of returns the fate of the entry with a normalised DN; nil fates know none.
func (f *fates) of(norm []byte) (fate, error) {
	if f == nil {
		return unknownFate, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	what, _, err := f.table.Get(index.Hash(norm))
	return fate(what), err
}

// unescapeRDN is the value that the text of a first part stands for, in lower
// case; nil when the part has several values or cannot be read.
func unescapeRDN(text []byte) []byte {
	norm, err := ldif.AppendNormDN(nil, append([]byte("x="), text...))
	if err != nil || bytes.IndexByte(norm, '+') >= 0 {
		return nil
	}
	return ldif.UnescapeNorm(norm[len("x="):])
}

var rdnEscapes = strings.NewReplacer(`\`, `\\`, ",", `\,`, "+", `\+`, `"`, `\"`, ";", `\;`, "<", `\<`, ">", `\>`)

// escapeRDN writes a user id for a DN.
func escapeRDN(id string) string {
	if id[0] == '#' {
		return `\` + rdnEscapes.Replace(id)
	}
	return rdnEscapes.Replace(id)
}

// newDN is the DN that the upgraded entry has.
func (d *draft) newDN() []byte {
	if d.renamed != nil {
		return d.renamed
	}
	return d.rec.DN
}

// byRename reports whether the change of f comes with the new name of the
// entry.
func (d *draft) byRename(f *field) bool {
	return d.renamed != nil && f.id == schema.UID
}

// appendRename appends the record that renames an entry below its parent.
func appendRename(dst, from, to []byte) []byte {
	rdn, _ := ldif.CutRDN(to)
	dst = ldif.AppendValue(dst, "dn", from)
	dst = append(dst, "changetype: modrdn\n"...)
	dst = ldif.AppendValue(dst, "newrdn", rdn)
	return append(dst, "deleteoldrdn: 1\n\n"...)
}
