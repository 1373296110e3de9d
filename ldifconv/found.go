package ldifconv

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// found counts what a run met, so that one that looked for something in vain
// can say what there was instead. Each worker has its own; they are put
// together at the end.
type found struct {
	entries int64
	under   []int64 // by base: entries at or below it
	matched int64   // entries below a base that pass the filter
	byKind  [Domains + 1]int64
	source  int64 // mail entries of the source
	foreign int64 // mail entries of the other product
	tagged  int64 // those of them that satisfy its schema tag

	common  []byte // the longest DN that all entries lie at or below
	apart   bool   // there is none
	roots   map[string]bool
	merging sync.Mutex
}

// mostRoots bounds the suffixes that are remembered.
const mostRoots = 16

// meet notes where an entry lies.
func (f *found) meet(norm []byte) {
	f.entries++
	if f.entries == 1 {
		f.common = append(f.common[:0], norm...)
	}
	if !f.apart && ldif.UnderNormDN(norm, f.common) {
		return
	}
	f.part(norm)
}

// part makes common a DN that norm lies below, too.
func (f *found) part(norm []byte) {
	for !f.apart && !ldif.UnderNormDN(norm, f.common) {
		up, ok := ldif.ParentNormDN(f.common)
		if !ok || len(up) == 0 {
			f.apart = true
			f.root(f.common)
			break
		}
		f.common = up
	}
	if f.apart {
		f.root(norm[bytes.LastIndexByte(norm, ',')+1:])
	}
}

func (f *found) root(norm []byte) {
	if f.roots[string(norm)] || len(f.roots) == mostRoots {
		return
	}
	if f.roots == nil {
		f.roots = map[string]bool{}
	}
	f.roots[string(norm)] = true
}

// classes notes which product an entry is of.
func (f *found) classes(d *draft, from Source) {
	f.matched++
	if d.kind != 0 {
		f.byKind[d.kind]++
	}
	sims, nms := isSIMS(d), d.had.meets(&nmsClasses)
	if from == NMS {
		sims, nms = nms, sims
	}
	switch {
	case sims:
		f.source++
	case nms:
		f.foreign++
		if tagsOf(&d.had)&^TagIMS50 != 0 {
			f.tagged++
		}
	}
}

// isSIMS reports whether an entry has the mail classes of SIMS and is no iMS
// entry, which has some of them too.
func isSIMS(d *draft) bool {
	mail := d.had.has(schema.ClassInetMailUser) || d.had.has(schema.ClassInetMailGroup)
	return mail && (d.had.has(schema.ClassInetMailRouting) || !d.had.has(schema.ClassInetLocalMailRecipient))
}

// join adds what another worker found. It is safe for concurrent use.
func (f *found) join(g *found) {
	f.merging.Lock()
	defer f.merging.Unlock()
	for i, n := range g.under {
		f.under[i] += n
	}
	f.matched += g.matched
	for i, n := range g.byKind {
		f.byKind[i] += n
	}
	f.source += g.source
	f.foreign += g.foreign
	f.tagged += g.tagged
	switch {
	case g.entries == 0:
	case f.entries == 0:
		f.common, f.apart = g.common, g.apart
	case !g.apart:
		f.part(g.common)
	case !f.apart:
		f.apart = true
		f.root(f.common[bytes.LastIndexByte(f.common, ',')+1:])
	}
	for root := range g.roots {
		f.root([]byte(root))
	}
	f.entries += g.entries
}

// lie says where the entries are.
func (f *found) lie() string {
	if f.entries == 1 {
		return "its one entry is " + cmp.Or(shown(string(f.common)), "the root, which has no name")
	}
	if !f.apart {
		return fmt.Sprintf("all of its %s lie at or below %s", counted(f.entries, "entry", "entries"), shown(string(f.common)))
	}
	roots := make([]string, 0, len(f.roots))
	for root := range f.roots {
		roots = append(roots, shown(root))
	}
	slices.Sort(roots)
	return fmt.Sprintf("its %s lie below %s", counted(f.entries, "entry", "entries"), strings.Join(roots, "; "))
}

// kinds says how many entries of each kind there were.
func (f *found) kinds() string {
	users, groups := f.byKind[Users]+f.byKind[Both], f.byKind[Groups]+f.byKind[Both]
	return fmt.Sprintf("%s, %s, %s", counted(users, "user", "users"), counted(groups, "group", "groups"), counted(f.byKind[Domains], "domain", "domains"))
}

func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// report warns of what was looked for in vain.
func (f *found) report(r *run) {
	names := make([]string, len(r.inputs))
	for i, in := range r.inputs {
		names[i] = in.Name
	}
	where := strings.Join(names, ", ")
	if f.entries == 0 {
		if r.report.Damaged+r.report.Entries == 0 {
			r.warn("empty-input", where, "the input holds no entry")
		}
		return
	}
	below := int64(0)
	for i, n := range f.under {
		if below += n; n == 0 {
			r.warn("base-not-found", where, fmt.Sprintf("no entry lies at or below the base %q: %s", r.opt.Base[i], f.lie()))
		}
	}
	switch {
	case len(f.under) > 0 && below == 0:
	case f.matched == 0:
		f.reportFilter(r, where)
	default:
		f.reportKinds(r, where)
	}
}

func (f *found) reportFilter(r *run, where string) {
	text := fmt.Sprintf("no entry matches the filter %s", r.opt.Filter)
	for _, name := range r.sel.filter.Attributes() {
		if _, ok := schema.LookupString(name); !ok {
			text += fmt.Sprintf("; %q is no attribute of the schema: is it spelled right", name)
		}
	}
	r.warn("filter-matches-nothing", where, text)
}

func (f *found) reportKinds(r *run, where string) {
	chosen := int64(0)
	for kind, n := range f.byKind {
		if Kind(kind)&r.opt.Kinds != 0 {
			chosen += n
		}
	}
	if f.foreign > 0 {
		f.reportForeign(r, where)
		return
	}
	if chosen == 0 {
		r.warn("nothing-selected", where, fmt.Sprintf("no entry that -m %s asks for among %s: there are %s", r.opt.Kinds.word(), counted(f.matched, "entry", "entries"), f.kinds()))
	}
}

// reportForeign tells of entries of the product that the run is not for.
func (f *found) reportForeign(r *run, where string) {
	tag, product, option := "nms41", "NMS 4.x", "nms"
	if r.opt.From == NMS {
		tag, product, option = "sims40", "SIMS 4.0", "sims"
	}
	verb := "satisfy"
	if f.tagged == 1 {
		verb = "satisfies"
	}
	text := fmt.Sprintf("%s %s %s", counted(f.tagged, "entry", "entries"), verb, tag)
	if f.tagged != f.foreign {
		text = fmt.Sprintf("%s of %s classes", counted(f.foreign, "entry", "entries"), product)
	}
	if f.source == 0 {
		text += fmt.Sprintf(", none is of %s: is the export from the other product (-M %s)", r.opt.From, option)
	} else {
		text += fmt.Sprintf(", left as of another product: -M %s upgrades such", option)
	}
	r.warn("other-product", where, text)
}
