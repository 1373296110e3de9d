package diff

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
	"imsconv/ldifconv/testdir"
)

type logged struct{ lines []string }

func (l *logged) Problem(kind, where, text string) { l.lines = append(l.lines, kind+" "+where) }
func (l *logged) Warning(kind, where, text string) { l.lines = append(l.lines, kind+" "+where) }

// compare runs a comparison of two texts.
func compare(t testing.TB, a, b string, o Options) (out string, rep Report, log *logged) {
	t.Helper()
	log = &logged{}
	o.TempDir, o.Log = t.TempDir(), log
	var w bytes.Buffer
	rep, err := Run(context.Background(), &w, ldif.Input{Name: "a", Reader: strings.NewReader(a)}, ldif.Input{Name: "b", Reader: strings.NewReader(b)}, o)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(o.TempDir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	return w.String(), rep, log
}

const top = "dn: o=x\nobjectclass: organization\no: x\n\n"

func TestEqual(t *testing.T) {
	a := top + "dn: uid=a,o=x\nobjectClass: person\nobjectClass: inetOrgPerson\ncn: A\nsn: One\nmail: a@x.com\nseeAlso: cn=B, o=X\ncn;lang-ja;phonetic: b\ncreatorsName: cn=me\nentryUUID: 1\n"
	b := "dn: UID=A , O=x\nSN: One\nCommonName: A\nrfc822mailbox: a@x.com\nmodifiersName: cn=you\nseeAlso: CN=b,o=x\nobjectClass: INETORGPERSON\nobjectClass: person\ncn;phonetic;lang-ja:: Yg==\n\n" + top
	out, rep, log := compare(t, a, b, Options{})
	if out != "" || rep.Differ() || rep.A != 2 || rep.B != 2 || len(log.lines) > 0 {
		t.Errorf("%+v, %q\n%s", rep, log.lines, out)
	}
}

func TestChanges(t *testing.T) {
	a := top + "dn: ou=Old,o=x\nobjectclass: organizationalUnit\nou: Old\n\ndn: uid=gone,ou=Old,o=x\nuid: gone\n\ndn: uid=a,o=x\ncn: A\nmail: a@x.com\ndescription: first\ncreatorsName: cn=me\n"
	b := top + "dn: uid=a,o=x\ncn: a\nmail: a@x.com\ntitle: new\n\ndn: uid=new,ou=New,o=x\nuid: new\nmodifiersname: cn=x\n\ndn: ou=New,o=x\nobjectclass: organizationalUnit\nou: New\n"
	var undo bytes.Buffer
	out, rep, _ := compare(t, a, b, Options{Undo: &undo})
	want := `version: 1

dn: uid=gone,ou=Old,o=x
changetype: delete

dn: ou=Old,o=x
changetype: delete

dn: uid=a,o=x
changetype: modify
replace: cn
cn: a
-
add: title
title: new
-
delete: description
-

dn: ou=New,o=x
changetype: add
objectclass: organizationalUnit
ou: New

dn: uid=new,ou=New,o=x
changetype: add
uid: new

`
	if d := cmp.Diff(want, out); d != "" {
		t.Error(d)
	}
	if rep.Added != 2 || rep.Deleted != 2 || rep.Modified != 1 || rep.Renamed != 0 {
		t.Errorf("%+v", rep)
	}
	if got := apply(t, b, undo.String()); !cmp.Equal(got, entriesOf(t, a)) {
		t.Error(cmp.Diff(entriesOf(t, a), got))
	}
	text, _, _ := compare(t, a, b, Options{Format: Text})
	want = "- uid=gone,ou=Old,o=x\n  - uid: gone\n- ou=Old,o=x\n  - objectclass: organizationalUnit\n  - ou: Old\n! uid=a,o=x\n  - cn: A\n  + cn: a\n  + title: new\n  - description: first\n" +
		"+ ou=New,o=x\n  + objectclass: organizationalUnit\n  + ou: New\n+ uid=new,ou=New,o=x\n  + uid: new\n"
	if d := cmp.Diff(want, text); d != "" {
		t.Error(d)
	}
}

func TestIgnore(t *testing.T) {
	a := "dn: uid=a,o=x\nuid: a\nmail: a@x.com\n"
	b := "dn: uid=a,o=x\nuid: a\nmail: b@x.com\n\ndn: uid=b,o=x\nuid: b\nmail: c@x.com\n"
	out, rep, _ := compare(t, a, b, Options{Ignore: []string{"RFC822Mailbox"}})
	if rep.Modified != 0 || rep.Added != 1 || !strings.Contains(out, "mail: c@x.com") {
		t.Errorf("%+v\n%s", rep, out)
	}
}

// TestIgnoreOptions: an attribute that is not compared has subtypes, which are
// not compared either; one that is named with its options stands for itself.
func TestIgnoreOptions(t *testing.T) {
	a := "dn: uid=a,o=x\nuid: a\ncn: A\ncn;lang-ja: B\ncn;lang-fr;phonetic: C\n"
	b := "dn: uid=a,o=x\nuid: a\ncn: Z\ncn;lang-fr;phonetic: Y\n"
	for _, tt := range []struct {
		ignore string
		want   string
	}{
		{"commonName", ""},
		{"cn;LANG-ja", "replace: cn\ncn: Z\n-\nreplace: cn;lang-fr;phonetic\ncn;lang-fr;phonetic: Y\n-\n"},
	} {
		out, rep, _ := compare(t, a, b, Options{Ignore: []string{tt.ignore}})
		if _, changes, _ := strings.Cut(out, "changetype: modify\n"); strings.TrimSpace(changes) != strings.TrimSpace(tt.want) || (rep.Modified == 0) != (tt.want == "") {
			t.Errorf("--ignore %s: %+v\n%s", tt.ignore, rep, out)
		}
	}
}

// TestTombstones: what a server keeps of deleted entries is no entry that a
// client could delete.
func TestTombstones(t *testing.T) {
	const one = "dn: uid=a,o=x\nuid: a\n\n"
	a := one + "dn: nsuniqueid=1-2,uid=b,o=x\nobjectclass: person\nobjectClass: nsTombstone\nuid: b\n\n"
	b := one + "dn: nsuniqueid=1-3,uid=c,o=x\nobjectclass;vucsn-38f5d5d1000000010000: NSTOMBSTONE \nuid: c\n\n"
	out, rep, _ := compare(t, a, b, Options{})
	if rep.Differ() || rep.Tombstones != 2 || rep.A != 1 || rep.B != 1 || strings.Contains(out, "changetype") {
		t.Errorf("%+v\n%s", rep, out)
	}
}

func TestMatch(t *testing.T) {
	a := top + "dn: cn=A B,ou=Old,o=x\ncn: A B\nuid: a\nsn: one\n\ndn: ou=Old,o=x\nobjectclass: organizationalUnit\nou: Old\n\n" +
		"dn: uid=twin,ou=Old,o=x\nuid: twin\n\ndn: uid=up,o=x\nuid: up\n\ndn: cn=below,uid=up,o=x\ncn: below\n"
	b := top + "dn: ou=New,o=x\nobjectclass: organizationalUnit\nou: New\n\ndn: cn=A C+sn=two,ou=New,o=x\ncn: A C\nuid: A\nsn: two\n\n" +
		"dn: uid=twin,ou=New,o=x\nuid: twin\n\ndn: uid=twin+cn=2,ou=New,o=x\nuid: twin\ncn: 2\n\ndn: uid=up,ou=New,o=x\nuid: up\n"
	var undo bytes.Buffer
	out, rep, _ := compare(t, a, b, Options{Match: "uid", Undo: &undo})
	if rep.Renamed != 1 || rep.Added != 4 || rep.Deleted != 4 || rep.Modified != 0 {
		t.Errorf("%+v\n%s", rep, out)
	}
	for _, want := range []string{"changetype: modrdn\nnewrdn: cn=A C+sn=two\ndeleteoldrdn: 1\nnewsuperior: ou=New,o=x\n", "replace: uid\nuid: A\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if got := apply(t, a, out); !cmp.Equal(got, entriesOf(t, b)) {
		t.Error(cmp.Diff(entriesOf(t, b), got))
	}
	if got := apply(t, b, undo.String()); !cmp.Equal(got, entriesOf(t, a)) {
		t.Error(cmp.Diff(entriesOf(t, a), got))
	}
}

// TestMatchEscapedBlank: an escaped blank at the end of a name is part of it.
// Without it the name would end in a backslash, which no server takes.
func TestMatchEscapedBlank(t *testing.T) {
	tops := top + "dn:: bz15XCA=\nobjectclass: organization\no:: eSA=\n\n" // o=y\ and a blank
	a := tops + "dn: cn=A,o=x\ncn: A\nuid: a\n\ndn: cn=B,o=x\ncn: B\nuid: b\n"
	b := tops + "dn: cn=A\\ ,o=x\ncn:: QSA=\nuid: a\n\ndn:: Y249QixvPXlcIA==\ncn: B\nuid: b\n"
	var undo bytes.Buffer
	out, _, log := compare(t, a, b, Options{Match: "uid", Undo: &undo})
	for _, want := range []string{"newrdn:: Y249QVwg\n", "newrdn: cn=B\ndeleteoldrdn: 0\nnewsuperior:: bz15XCA=\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if len(log.lines) > 0 {
		t.Errorf("%q", log.lines)
	}
	if got := apply(t, a, out); !cmp.Equal(got, entriesOf(t, b)) {
		t.Error(cmp.Diff(entriesOf(t, b), got))
	}
	if got := apply(t, b, undo.String()); !cmp.Equal(got, entriesOf(t, a)) {
		t.Error(cmp.Diff(entriesOf(t, a), got))
	}
}

// TestLongList changes few of many members, which is no replacement.
func TestLongList(t *testing.T) {
	a, b := "dn: cn=l,o=x\ncn: l\n", "dn: cn=l,o=x\ncn: l\n"
	for i := range 100 {
		a += fmt.Sprintf("uniquemember: uid=%d,o=x\n", i)
		b += fmt.Sprintf("uniquemember: uid=%d, o=X\n", i+1)
	}
	out, _, _ := compare(t, a, b, Options{})
	want := "version: 1\n\ndn: cn=l,o=x\nchangetype: modify\ndelete: uniquemember\nuniquemember: uid=0,o=x\n-\nadd: uniquemember\nuniquemember: uid=100, o=X\n-\n\n"
	if d := cmp.Diff(want, out); d != "" {
		t.Error(d)
	}
}

func TestTrouble(t *testing.T) {
	a := "dn: uid=a,o=x\nuid: a\n\ndn: UID=A,o=x\nuid: other\n\ndn: uid=b,o=x\nno line\n\ndn: nothing\nuid: c\n"
	_, rep, log := compare(t, a, "dn: uid=a,o=x\nuid: a\n", Options{})
	want := []string{"bad-line a:8: uid=b,o=x", "bad-dn a:10: nothing", "dup-dn a:4: UID=A,o=x"}
	if rep.Damaged != 3 || !slices.Equal(log.lines, want) || rep.Differ() {
		t.Errorf("%+v, %q", rep, log.lines)
	}
}

// directory is what change records are applied to: values by DN and canonical
// name.
type directory map[string][]string

var comparing = &comparer{o: Options{Schema: schema.Merged()}}

// entriesOf reads an export as the comparison sees it.
func entriesOf(t testing.TB, text string) directory {
	t.Helper()
	d := directory{}
	each(t, text, func(rec *ldif.Record) { d[norm(t, rec.DN)] = valuesAsCompared(&rec.Entry) })
	return d
}

func each(t testing.TB, text string, use func(rec *ldif.Record)) {
	t.Helper()
	r := ldif.NewReader(strings.NewReader(text), ldif.Options{})
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		use(rec)
	}
}

func norm(t testing.TB, dn []byte) string {
	t.Helper()
	n, err := ldif.AppendNormDN(nil, dn)
	if err != nil {
		t.Fatalf("%q: %v", dn, err)
	}
	return string(n)
}

func valuesAsCompared(e *ldif.Entry) []string {
	list := []string{}
	for _, g := range comparing.groups(e) {
		for n := range g.norms {
			list = append(list, g.name+": "+n)
		}
	}
	sort.Strings(list)
	return list
}

// apply gives change records to an export, as a strict server would: parents
// must exist, entries with children stay, what is deleted must be there.
func apply(t testing.TB, export, changes string) directory {
	t.Helper()
	d := entriesOf(t, export)
	each(t, changes, func(rec *ldif.Record) {
		dn := norm(t, rec.DN)
		old, there := d[dn]
		if there == (rec.Type == ldif.Add) {
			t.Fatalf("%s %s: is there: %t", rec.Type, dn, there)
		}
		switch rec.Type {
		case ldif.Add:
			d.place(t, dn, valuesAsCompared(&rec.Entry), len(export) == 0)
		case ldif.Delete:
			d.remove(t, dn)
		case ldif.Modify:
			d[dn] = modified(t, dn, old, rec.Mods)
		case ldif.ModRDN:
			d.remove(t, dn)
			d.rename(t, rec, old)
		default:
			t.Fatalf("a %s record", rec.Type)
		}
	})
	return d
}

func (d directory) place(t testing.TB, dn string, values []string, first bool) {
	parent, _ := ldif.ParentNormDN([]byte(dn))
	if _, ok := d[string(parent)]; !ok && strings.Contains(string(parent), "=") && !first {
		if strings.Contains(string(parent), ",") || len(d) > 0 && d[string(parent)] == nil && hasTop(d) {
			t.Fatalf("%s is added before its parent", dn)
		}
	}
	d[dn] = values
}

func hasTop(d directory) bool { _, ok := d["o=x"]; return ok }

func (d directory) remove(t testing.TB, dn string) {
	for other := range d {
		if strings.HasSuffix(other, ","+dn) {
			t.Fatalf("%s goes before %s", dn, other)
		}
	}
	delete(d, dn)
}

func (d directory) rename(t testing.TB, rec *ldif.Record, values []string) {
	parent := parentOf(rec.DN)
	if rec.NewSuperior != nil {
		parent = rec.NewSuperior
	}
	set := map[string]bool{}
	for _, v := range values {
		set[v] = true
	}
	put := func(dn []byte, there bool) {
		for _, p := range ldif.NamingOf(dn) {
			name := comparing.canonical([]byte(p.Type))
			if there {
				set[name+": "+p.Value] = true
			} else {
				delete(set, name+": "+p.Value)
			}
		}
	}
	if rec.DeleteOldRDN {
		put(rec.DN, false)
	}
	put(rec.NewRDN, true)
	dn := norm(t, []byte(string(rec.NewRDN)+","+string(parent)))
	d.place(t, dn, sorted(set), false)
}

func sorted(set map[string]bool) []string {
	list := []string{}
	for v := range set {
		list = append(list, v)
	}
	sort.Strings(list)
	return list
}

func modified(t testing.TB, dn string, old []string, mods []ldif.Mod) []string {
	set := map[string]bool{}
	for _, v := range old {
		set[v] = true
	}
	for i := range mods {
		m := &mods[i]
		g := comparing.groups(&ldif.Entry{Attrs: []ldif.Attr{m.Attr}})[0]
		has := 0
		for v := range set {
			if strings.HasPrefix(v, g.name+": ") {
				has++
				if m.Op == ldif.ModReplace || m.Op == ldif.ModDelete && len(m.Values) == 0 {
					delete(set, v)
				}
			}
		}
		if m.Op == ldif.ModDelete && has == 0 {
			t.Fatalf("%s: %s is not there to be deleted", dn, g.name)
		}
		for n := range g.norms {
			v := g.name + ": " + n
			if set[v] != (m.Op == ldif.ModDelete) {
				t.Fatalf("%s: %s of %q, there: %t", dn, m.Op, v, set[v])
			}
			if m.Op == ldif.ModDelete {
				delete(set, v)
			} else {
				set[v] = true
			}
		}
	}
	return sorted(set)
}

// TestRandomEdits edits a generated export at random and proves on the applier
// that the difference leads there and back.
func TestRandomEdits(t *testing.T) {
	var export bytes.Buffer
	if _, err := testdir.WriteIMS(&export, testdir.Options{Users: 60, Photo: 50}); err != nil {
		t.Fatal(err)
	}
	a := export.String()
	for seed := range uint64(100) {
		b := edit(t, a, rand.New(rand.NewPCG(seed, 1)))
		o := Options{}
		if seed%2 == 1 {
			o.Match = "uid"
		}
		var undo bytes.Buffer
		o.Undo = &undo
		out, _, _ := compare(t, a, b, o)
		if got, want := apply(t, a, out), entriesOf(t, b); !cmp.Equal(got, want) {
			t.Fatalf("seed %d: %s", seed, cmp.Diff(want, got))
		}
		if got, want := apply(t, b, undo.String()), entriesOf(t, a); !cmp.Equal(got, want) {
			t.Fatalf("seed %d, undo: %s", seed, cmp.Diff(want, got))
		}
	}
}

// edit makes an export of another one: entries that are gone, new, moved, with
// other values, and all in another order and spelling.
func edit(t testing.TB, export string, rng *rand.Rand) string {
	var records []string
	moved := rng.IntN(2) == 0
	each(t, export, func(rec *ldif.Record) {
		leaf := bytes.HasPrefix(rec.DN, []byte("uid=")) || bytes.HasPrefix(rec.DN, []byte("cn="))
		if leaf && rng.IntN(10) == 0 {
			return
		}
		r := ldif.Record{Entry: ldif.Entry{DN: bytes.Clone(rec.DN)}}
		if leaf && moved && rng.IntN(10) == 0 {
			r.DN = bytes.Replace(r.DN, []byte("ou=People"), []byte("ou=Moved"), 1)
			r.DN = bytes.Replace(r.DN, []byte("ou=Groups"), []byte("ou=Moved"), 1)
		}
		for i := range rec.Attrs {
			at := &rec.Attrs[i]
			name := strings.ToLower(string(at.Desc))
			fixed := !leaf || name == "objectclass" || name == "cn" || name == "uid" || name == "sn"
			switch {
			case !fixed && rng.IntN(12) == 0:
				continue
			case !fixed && rng.IntN(12) == 0:
				r.Add(bytes.Clone(at.Desc), []byte(fmt.Sprintf("other %d", rng.IntN(1000))))
				continue
			}
			for _, v := range at.Values {
				r.Add(bytes.ToUpper(at.Desc), bytes.Clone(v.Data))
			}
		}
		if leaf && rng.IntN(10) == 0 {
			r.Add([]byte("description"), []byte(fmt.Sprintf("  added %d \x00\xff", rng.IntN(100))))
		}
		rng.Shuffle(len(r.Attrs), func(i, j int) { r.Attrs[i], r.Attrs[j] = r.Attrs[j], r.Attrs[i] })
		records = append(records, string(ldif.AppendRecord(nil, &r)))
	})
	if moved {
		for _, domain := range []string{"siroe.com", "varrius.org"} {
			records = append(records, "dn: ou=Moved,o="+domain+",o=isp\nobjectclass: organizationalUnit\nou: Moved\n\n")
		}
	}
	rng.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	return strings.Join(records, "")
}

// FuzzDiff compares anything with anything: no panic, and what is written turns
// the first into the second, and the second into the first, where both can be
// read. It is some five times as fast where TMPDIR is in memory.
func FuzzDiff(f *testing.F) {
	dir := f.TempDir()
	f.Add("dn: cn=A\\, B+sn=\"c\",o=x\ncn: A, B\nsn: c\nuid: 1\n", "dn: cn=Z,o=x\ncn: Z\nuid: 1\n", true)
	f.Add("dn: o=x\no: x\n", "dn: o=x\no: x\ndescription:: /w==\n", false)
	f.Add("dn: o=x\no: x\n", "A", false)                                            // no export
	f.Add("dn: cn=A,o=x\ncn: A\nuid: 1\n", "dn:\nobjectclass: top\nuid: 1\n", true) // the root of a server
	f.Add("dn: cn=A,o=x\ncn: A\nuid: 1\n", "dn: o=z\no: z\nuid: 1\n", true)         // to the top of the tree, and from it
	f.Fuzz(func(t *testing.T, a, b string, match bool) {
		var w, undo bytes.Buffer
		o := Options{TempDir: dir, Undo: &undo}
		if match {
			o.Match = "uid"
		}
		rep, err := Run(context.Background(), &w, ldif.Input{Name: "a", Reader: strings.NewReader(a)}, ldif.Input{Name: "b", Reader: strings.NewReader(b)}, o)
		if err != nil && strings.HasSuffix(err.Error(), "it is no export") {
			return // nothing but what cannot be read
		}
		if err != nil {
			t.Fatal(err)
		}
		if rep.Differ() != (w.Len() > 0) {
			t.Errorf("%+v, %q", rep, w.String())
		}
		if rep.Damaged+rep.Tombstones > 0 {
			each(t, w.String(), func(*ldif.Record) {})
			return
		}
		if got, want := apply(t, a, w.String()), entriesOf(t, b); !cmp.Equal(got, want) {
			t.Errorf("%s", cmp.Diff(want, got))
		}
		if got, want := apply(t, b, undo.String()), entriesOf(t, a); !cmp.Equal(got, want) {
			t.Errorf("undo: %s", cmp.Diff(want, got))
		}
	})
}
