package ldifconv

import (
	"bytes"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"

	"imsconv/ldifconv/filter"
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
			for _, n := range w.stale(b, a.Desc, v.Data) {
				b.problem("reference-stays", line, string(rec.DN), n.text(a.Desc))
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
			for _, n := range w.stale(b, f.desc, v) {
				d.problem("reference-stays", f.id, v, n.text(f.desc))
			}
		}
	}
}

// staleName is a name by a uid that is replaced, in a value that stays.
type staleName struct {
	name []byte
	uid  string // that the name, which has wildcards, finds no longer
}

func (n *staleName) text(desc []byte) string {
	if n.uid != "" {
		return fmt.Sprintf("%s finds the user %.100q by %.200q, and no longer by the uid of the map: it stays as it is", desc, n.uid, n.name)
	}
	return fmt.Sprintf("%s names %.200q, which the map of uids changes: it stays as it is, and names nobody then", desc, n.name)
}

// seeksReferences reports whether any entry may get another name.
func (w *worker) seeksReferences() bool {
	return w.run.rules.options.fates != nil && !w.run.opt.AddOnly
}

// stale returns what a value names by a uid that is replaced, each name once;
// it is valid until the next call.
func (w *worker) stale(b *batch, desc, v []byte) []staleName {
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
	var met map[string]bool
	for next := 0; next >= 0; at += next {
		if from, ok := uidBefore(v, at); ok {
			n, err := o.staleAt(v, from, at)
			if err != nil {
				b.err = err
				return nil
			}
			if n.name != nil && !met[string(n.name)] {
				if met == nil {
					met = map[string]bool{}
				}
				met[string(n.name)] = true
				names = append(names, n)
			}
		}
		at++
		next = bytes.IndexByte(v[at:], '=')
	}
	w.names = names
	return names
}

// staleAt returns the name that begins at v[from], with its = at v[at], when it
// is a DN or an item of a search filter that finds a user by a uid that is
// replaced.
func (o *ruleOptions) staleAt(v []byte, from, at int) (staleName, error) {
	sign, _ := comparison(v, at)
	if sign == 0 {
		name, err := o.renamedAt(v, from)
		if name != nil || err != nil {
			return staleName{name: name}, err
		}
	}
	before := bytes.TrimRight(v[:from], " ")
	if len(before) > 0 && before[len(before)-1] == '(' {
		begin := len(before) - 1
		return o.changedInFilter(v[begin:min(len(v), begin+longestName)], at-begin), nil
	}
	if sign != 0 {
		return staleName{}, nil
	}
	return o.changedPattern(v[from:min(len(v), from+longestName)], at-from)
}

// uidBefore returns where the attribute before the = at v[at] begins, and
// whether it is uid.
func uidBefore(v []byte, at int) (from int, ok bool) {
	_, end := comparison(v, at)
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

// comparison returns the sign before the = at v[at] that makes it another
// comparison of a search filter, <, > or ~, or : where it names its rule, as
// (uid:caseIgnoreMatch:=x) does, and where it begins; 0 and at: there is none.
// URLs may have it escaped.
func comparison(v []byte, at int) (sign byte, begin int) {
	if begin, ok := colonBefore(v, at); ok {
		for range 2 { // a rule, and dn in front of it
			name := begin
			for name > 0 && isNameByte(v[name-1]) {
				name--
			}
			before, ok := colonBefore(v, name)
			if name > 0 && v[name-1] == '%' && hasPrefixFold(v[name:begin], "3a") {
				before, ok = name-1, true
			}
			if !ok {
				break
			}
			begin = before
		}
		return ':', begin
	}
	if at >= 1 {
		switch sign := v[at-1]; sign {
		case '<', '>', '~':
			return sign, at - 1
		}
	}
	if at >= 3 && v[at-3] == '%' {
		switch string(lower(v[at-2 : at])) {
		case "3c":
			return '<', at - 3
		case "3e":
			return '>', at - 3
		case "7e":
			return '~', at - 3
		}
	}
	return 0, at
}

// colonBefore returns where the colon in front of v[at] begins, which may be
// escaped.
func colonBefore(v []byte, at int) (begin int, ok bool) {
	if at >= 1 && v[at-1] == ':' {
		return at - 1, true
	}
	if at >= 3 && hasPrefixFold(v[at-3:], "%3a") {
		return at - 3, true
	}
	return at, false
}

// isNameByte reports whether an attribute may have c in its name.
func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.'
}

// longestName bounds the DNs and items of filters that are looked for inside
// values, in bytes.
const longestName = 1024

// renamedAt returns the DN that begins at v[from] when an entry of the input
// has it that gets another name.
func (o *ruleOptions) renamedAt(v []byte, from int) ([]byte, error) {
	for _, dn := range namesAt(v, from) {
		if bytes.IndexByte(dn, '%') >= 0 {
			if plain, err := url.PathUnescape(string(dn)); err == nil {
				dn = []byte(plain)
			}
		}
		// Where the uid is no mapped one the rest is not looked at, so that a
		// value made of nothing but beginnings of DNs takes no long time.
		rdn, _ := ldif.CutRDN(dn[:min(len(dn), o.longestRDN)])
		_, value, _ := bytes.Cut(rdn, []byte{'='})
		old := string(unescapeRDN(value))
		if id, mapped := o.UIDMap[old]; !mapped || strings.EqualFold(id, old) {
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

// namesAt are the DNs that may begin at v[from], short ones first. Where one
// ends depends on what is around it: a value is a DN itself, or has one in a
// URL, a filter or an access control.
func namesAt(v []byte, from int) (names [][]byte) {
	text := v[from:min(len(v), from+longestName)]
	for _, end := range [...]string{")", "?", `"`, "||"} {
		if i := bytes.Index(text, []byte(end)); i >= 0 {
			names = append(names, bytes.TrimRight(text[:i], " "))
		}
	}
	if len(text) == len(v)-from {
		names = append(names, bytes.TrimRight(text, " "))
	}
	slices.SortFunc(names, func(a, b []byte) int { return len(a) - len(b) })
	return names
}

// changedInFilter returns the item (uid=x) of a search filter that text begins
// with when x is a uid that a user of the input loses, or finds one with
// wildcards, or by its order as (uid>=x) does, and not the new one; text[at] is
// its =. An item that names its rule is taken for (uid=x), in which a * is no
// wildcard.
func (o *ruleOptions) changedInFilter(text []byte, at int) staleName {
	end := bytes.IndexByte(text[at:], ')')
	if end < 0 {
		return staleName{}
	}
	value := trimBlanks(text[at+1 : at+end])
	if plain, err := url.PathUnescape(string(value)); err == nil {
		value = []byte(plain)
	}
	item := text[:at+end+1]
	switch sign, _ := comparison(text, at); {
	case sign == '<' || sign == '>':
		for old := range o.foundInOrder(sign, value) {
			return staleName{item, old}
		}
	case o.lostUIDs[string(lower(value))]:
		return staleName{name: item}
	case sign == 0:
		for old := range o.foundBy(value) {
			return staleName{item, old}
		}
	}
	return staleName{}
}

// changedPattern returns the DN that text begins with when its uid has
// wildcards, as access controls may have them, and finds a user who gets
// another name, and not by that; text[at] is its =.
func (o *ruleOptions) changedPattern(text []byte, at int) (staleName, error) {
	star := bytes.IndexByte(text, '*')
	if star < 0 {
		return staleName{}, nil
	}
	for _, dn := range namesAt(text, 0) {
		rdn, rest := ldif.CutRDN(dn)
		if star > len(rdn) || at >= len(rdn) {
			continue
		}
		for old := range o.foundBy(trimBlanks(rdn[at+1:])) {
			if bytes.IndexByte(rest, '*') >= 0 {
				return staleName{dn, old}, nil
			}
			norm, err := ldif.AppendNormDN(nil, slices.Concat([]byte("uid="+escapeRDN(old)), rest))
			if err != nil {
				break
			}
			if what, err := o.fates.of(norm); err != nil || what == getsName {
				return staleName{dn, old}, err
			}
		}
	}
	return staleName{}, nil
}

// foundBy are the uids that users of the input lose and that a value with
// wildcards finds, where it does not find the new ones.
func (o *ruleOptions) foundBy(value []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		begin, _, wild := bytes.Cut(lower(value), []byte{'*'})
		if !wild || len(value) == 1 || bytes.IndexByte(begin, '\\') >= 0 {
			return
		}
		finds, ok := finder("(uid=" + string(value) + ")")
		if !ok {
			return
		}
		at, _ := slices.BinarySearch(o.lost, string(begin))
		for _, old := range o.lost[at:] {
			if !strings.HasPrefix(old, string(begin)) {
				return
			}
			if finds(old) && !finds(o.UIDMap[old]) && !yield(old) {
				return
			}
		}
	}
}

// foundInOrder are the uids that users of the input lose and that come behind a
// value, or in front of it, where the new ones do not.
func (o *ruleOptions) foundInOrder(sign byte, value []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		finds, ok := finder("(uid" + string(sign) + "=" + string(value) + ")")
		if !ok {
			return
		}
		for _, old := range o.lost {
			if finds(old) && !finds(o.UIDMap[old]) && !yield(old) {
				return
			}
		}
	}
}

// finder tells of uids whether a search filter finds them; false: it is none.
func finder(text string) (finds func(uid string) bool, ok bool) {
	f, err := filter.Compile(text, nil)
	if err != nil {
		return nil, false
	}
	return func(uid string) bool {
		var e ldif.Entry
		e.Add([]byte("uid"), []byte(uid))
		return f.Match(&e)
	}, true
}
