package ldifconv

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// With a map of uids, entries get other names, and whatever names them by the
// old one grants or reaches nobody afterwards. Here is found what no rule has
// changed: in entries that are no user, list or domain, in access controls, in
// search filters and in attributes that a site made itself.

// tellPassed tells the references of an entry that stays as it is.
func (w *worker) tellPassed(b *batch, rec *ldif.Record) {
	if !w.seeksReferences() {
		return
	}
	if tombstone, _ := ldif.OfServer(&rec.Entry); tombstone {
		return // nobody reads it
	}
	for i := range rec.Attrs {
		a := &rec.Attrs[i]
		for j := range a.Values {
			v := &a.Values[j]
			line := v.Line
			if line == 0 {
				line = rec.Line
			}
			for _, name := range w.stale(b, a.Desc, v.Data) {
				b.problem("reference-stays", line, string(rec.DN), staleText(a.Desc, name))
			}
		}
	}
}

// tellChanged tells the references that a changed entry keeps.
func (w *worker) tellChanged(b *batch, d *draft) {
	if !w.seeksReferences() {
		return
	}
	for i := range d.fields {
		f := &d.fields[i]
		for _, v := range f.now {
			for _, name := range w.stale(b, f.desc, v) {
				d.problem("reference-stays", f.id, v, staleText(f.desc, name))
			}
		}
	}
}

func staleText(desc, name []byte) string {
	return fmt.Sprintf("%s names %.200q, which the map of uids changes: it stays as it is, and names nobody then", desc, name)
}

// seeksReferences reports whether any entry may get another name.
func (w *worker) seeksReferences() bool {
	return w.run.rules.options.fates != nil && !w.run.opt.AddOnly
}

// stale returns what a value names by a uid that is replaced, each name once;
// it is valid until the next call.
func (w *worker) stale(b *batch, desc, v []byte) [][]byte {
	at := bytes.IndexByte(v, '=')
	if at < 0 {
		return nil
	}
	id, _ := w.d.names.attr(desc)
	if id == schema.CreatorsName || id == schema.ModifiersName || equalFoldString(desc, "entryDN") {
		return nil // a history, which the server keeps
	}
	o := &w.run.rules.options
	names := w.names[:0]
	for next := 0; next >= 0; at += next {
		if from, ok := uidBefore(v, at); ok {
			name, err := o.renamedAt(v, from)
			if err != nil {
				b.err = err
				return nil
			}
			if name == nil {
				name = o.changedInFilter(v, from, at)
			}
			if name != nil && !slices.ContainsFunc(names, func(have []byte) bool { return bytes.Equal(have, name) }) {
				names = append(names, name)
			}
		}
		at++
		next = bytes.IndexByte(v[at:], '=')
	}
	w.names = names
	return names
}

// uidBefore returns where the attribute before the = at v[at] begins, and
// whether it is uid.
func uidBefore(v []byte, at int) (from int, ok bool) {
	end := at
	for end > 0 && v[end-1] == ' ' {
		end--
	}
	from = end
	for from > 0 && isNameByte(v[from-1]) {
		from--
	}
	id, _ := schema.Lookup(v[from:end])
	return from, id == schema.UID
}

// isNameByte reports whether an attribute may have c in its name.
func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.'
}

// longestName bounds the DNs that are looked for inside values, in bytes, so
// that a value made of nothing but beginnings of DNs costs no more than its
// length times this.
const longestName = 1024

// renamedAt returns the DN that begins at v[from] when an entry of the input
// has it that gets another name. Where a DN ends depends on what is around it:
// a value is a DN itself, or has one in a URL, a filter or an access control.
func (o *ruleOptions) renamedAt(v []byte, from int) ([]byte, error) {
	text := v[from:min(len(v), from+longestName)]
	for end := 0; end <= len(text); end++ {
		if end < len(text) && !endsDN(text[end]) {
			continue
		}
		dn := bytes.TrimRight(text[:end], " ")
		if bytes.IndexByte(dn, '%') >= 0 {
			if plain, err := url.PathUnescape(string(dn)); err == nil {
				dn = []byte(plain)
			}
		}
		rdn, rest := ldif.CutRDN(dn)
		_, value, _ := bytes.Cut(rdn, []byte{'='})
		old := string(unescapeRDN(value))
		if id, mapped := o.UIDMap[old]; !mapped || strings.EqualFold(id, old) {
			if len(rest) > 0 {
				return nil, nil // what follows is no part of the uid
			}
			continue
		}
		norm, err := ldif.AppendNormDN(nil, ldif.WithoutUniqueID(dn))
		if err != nil {
			continue
		}
		if what, err := o.fates.of(norm); err != nil || what == getsName {
			return dn, err
		}
	}
	return nil, nil
}

// endsDN reports whether the DN of a URL, of a filter or of an access control
// ends at c, though a DN may have it too.
func endsDN(c byte) bool { return c == '"' || c == '?' || c == '|' || c == ')' }

// changedInFilter returns the item (uid=x) of a search filter that v[from] is
// in, when x is a uid that a user of the input loses; at is where its = is.
func (o *ruleOptions) changedInFilter(v []byte, from, at int) []byte {
	before := bytes.TrimRight(v[:from], " ")
	if len(before) == 0 || before[len(before)-1] != '(' {
		return nil
	}
	end := bytes.IndexByte(v[at:], ')')
	if end < 0 {
		return nil
	}
	value := string(lower(trimBlanks(v[at+1 : at+end])))
	if plain, err := url.PathUnescape(value); err == nil {
		value = plain
	}
	if !o.lostUIDs[value] {
		return nil
	}
	return v[len(before)-1 : at+end+1]
}
