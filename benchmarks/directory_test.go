package benchmarks

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"testing"

	goldif "github.com/go-ldap/ldif"

	"imsconv/ldifconv"
	"imsconv/ldifconv/aci"
	"imsconv/ldifconv/check"
	"imsconv/ldifconv/diff"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/testdir"
)

// directoryEntries is how many entries the exports have, roughly.
const directoryEntries = 10_000

// exports are the shapes of exports, each with what fills it and how many
// entries it has.
var exports = []struct {
	name string
	fill func(w io.Writer) (entries int, err error)
}{
	{"one-shape", func(w io.Writer) (int, error) { return testdir.WritePlain(w, directoryEntries) }},
	{"every-attribute", everyAttribute},
	{"all-differ", allDiffer},
	{"folded-1MB", func(w io.Writer) (int, error) { return folded(w, 16, 1<<20) }},
	{"late-parents", lateParents},
	{"huge-group", hugeGroup},
}

// forEachExport runs a benchmark on every shape.
func forEachExport(b *testing.B, op func(text []byte) error) {
	for _, x := range exports {
		b.Run(x.name, func(b *testing.B) {
			var entries int
			text := inMemory(b, func(w io.Writer) (err error) {
				entries, err = x.fill(w)
				return err
			})
			measured(b, int64(entries), int64(len(text)), "entries", func() error { return op(text) })
		})
	}
}

// top is what stands above the users.
const top = `version: 1

dn: o=internet
objectclass: top
objectclass: organization
o: internet

`

// everyAttribute has, between its users, every attribute that the upgrade
// knows.
func everyAttribute(w io.Writer) (int, error) {
	totals, err := testdir.WriteSIMS(w, testdir.Options{Seed: 1, Users: directoryEntries})
	return totals.Entries, err
}

// allDiffer has users of whom no two have the same attributes: a scanner that
// learns a shape learns nothing.
func allDiffer(w io.Writer) (int, error) {
	if _, err := io.WriteString(w, top); err != nil {
		return 0, err
	}
	for i := range directoryEntries {
		fmt.Fprintf(w, "dn: uid=u%[1]d,o=internet\nobjectclass: top\nobjectclass: inetMailUser\nobjectclass: inetMailRouting\n", i)
		for bit := range 14 {
			if i>>bit&1 == 1 {
				fmt.Fprintf(w, "x-site-%d: value %d of user %d\n", bit, bit, i)
			}
		}
		if _, err := fmt.Fprintf(w, "uid: u%[1]d\nmail: u%[1]d@siroe.com\nmailhost: mail.siroe.com\n\n", i); err != nil {
			return 0, err
		}
	}
	return directoryEntries + 1, nil
}

// folded has a value of size bytes in every entry, in folded base64.
func folded(w io.Writer, entries, size int) (int, error) {
	photo := bytes.Repeat([]byte{0xff, 0xd8, 'J', 'F', 'I', 'F', 0, 1, 2, 3, 4, 5}, size/12)
	text := base64.StdEncoding.EncodeToString(photo)
	for i := range entries {
		fmt.Fprintf(w, "dn: uid=u%d,o=internet\nobjectclass: top\nobjectclass: inetMailUser\nobjectclass: inetMailRouting\nuid: u%d\njpegphoto:: ", i, i)
		for rest := text; rest != ""; {
			n := min(76, len(rest))
			if _, err := fmt.Fprintf(w, "%s\n ", rest[:n]); err != nil {
				return 0, err
			}
			rest = rest[n:]
		}
		fmt.Fprint(w, "\nmailhost: mail.siroe.com\n\n")
	}
	return entries, nil
}

// lateParents has every entry in front of its parent.
func lateParents(w io.Writer) (int, error) {
	for i := range directoryEntries / 2 {
		if _, err := fmt.Fprintf(w, "dn: cn=pab,uid=u%[1]d,o=internet\nobjectclass: top\ncn: pab\n\n"+
			"dn: uid=u%[1]d,o=internet\nobjectclass: top\nobjectclass: inetMailUser\nobjectclass: inetMailRouting\nuid: u%[1]d\nmail: u%[1]d@siroe.com\n\n", i); err != nil {
			return 0, err
		}
	}
	_, err := fmt.Fprint(w, "dn: o=internet\nobjectclass: organization\no: internet\n\n")
	return directoryEntries + 1, err
}

// hugeGroup is one list with as many members as there are users elsewhere, some
// of them twice.
func hugeGroup(w io.Writer) (int, error) {
	fmt.Fprint(w, top+"dn: cn=all,o=internet\nobjectclass: top\nobjectclass: groupOfUniqueNames\nobjectclass: inetMailGroup\nobjectclass: inetMailRouting\ncn: all\nmail: all@siroe.com\nmailhost: mail.siroe.com\n")
	for i := range directoryEntries {
		if _, err := fmt.Fprintf(w, "uniquemember: uid=u%d,o=internet\n", i*9/10); err != nil {
			return 0, err
		}
	}
	_, err := fmt.Fprint(w, "\n")
	return 2, err
}

// BenchmarkUpgrade upgrades exports of every shape, with each kind of output.
func BenchmarkUpgrade(b *testing.B) {
	for _, how := range []struct {
		name string
		opt  ldifconv.Options
	}{
		{"changes", ldifconv.Options{}},
		{"changes-1-job", ldifconv.Options{Jobs: 1}},
		{"changes-and-undo", ldifconv.Options{Undo: io.Discard}},
		{"full", ldifconv.Options{Format: ldifconv.Full}},
	} {
		b.Run(how.name, func(b *testing.B) {
			dir := scratch(b)
			forEachExport(b, func(text []byte) error {
				opt := how.opt
				opt.From, opt.Kinds, opt.TempDir = ldifconv.SIMS, ldifconv.All, dir
				_, err := ldifconv.Upgrade(context.Background(), io.Discard, bytes.NewReader(text), opt)
				return err
			})
		})
	}
}

// BenchmarkClassify tells what the entries are.
func BenchmarkClassify(b *testing.B) {
	dir := scratch(b)
	forEachExport(b, func(text []byte) error {
		_, err := ldifconv.Classify(context.Background(), func(*ldifconv.Classified) error { return nil },
			[]ldifconv.Input{{Name: "export", Reader: bytes.NewReader(text)}}, ldifconv.ClassifyOptions{TempDir: dir})
		return err
	})
}

// BenchmarkCheck looks for what is wrong with an export.
func BenchmarkCheck(b *testing.B) {
	dir := scratch(b)
	forEachExport(b, func(text []byte) error {
		_, err := check.Run(context.Background(), nil, []ldif.Input{{Name: "export", Reader: bytes.NewReader(text)}}, check.Options{TempDir: dir})
		return err
	})
}

// BenchmarkDiff compares an export with what the upgrade makes of it.
func BenchmarkDiff(b *testing.B) {
	dir := scratch(b)
	old := inMemory(b, func(w io.Writer) error {
		_, err := testdir.WritePlain(w, directoryEntries)
		return err
	})
	fresh := inMemory(b, func(w io.Writer) error {
		_, err := ldifconv.Upgrade(context.Background(), w, bytes.NewReader(old), ldifconv.Options{From: ldifconv.SIMS, Kinds: ldifconv.All, Format: ldifconv.Full})
		return err
	})
	for name, other := range map[string][]byte{"upgraded": fresh, "same": old} {
		b.Run(name, func(b *testing.B) {
			measured(b, directoryEntries, int64(len(old)+len(other)), "entries", func() error {
				_, err := diff.Run(context.Background(), io.Discard, ldif.Input{Name: "a", Reader: bytes.NewReader(old)},
					ldif.Input{Name: "b", Reader: bytes.NewReader(other)}, diff.Options{TempDir: dir})
				return err
			})
		})
	}
}

// BenchmarkReadLDIF reads records, with our reader and with go-ldap/ldif.
func BenchmarkReadLDIF(b *testing.B) {
	b.Run("ours", func(b *testing.B) {
		forEachExport(b, func(text []byte) error {
			for _, err := range ldif.NewReader(bytes.NewReader(text), ldif.Options{}).All() {
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	b.Run("go-ldap-ldif", func(b *testing.B) {
		var entries int
		text := inMemory(b, func(w io.Writer) (err error) {
			entries, err = testdir.WritePlain(w, 1000)
			return err
		})
		measured(b, int64(entries), int64(len(text)), "entries", func() error {
			for _, err := range goldif.UnmarshalEntries(bytes.NewReader(text), &goldif.LDIF{}) {
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// BenchmarkACI parses access rules.
func BenchmarkACI(b *testing.B) {
	const rule = `(target="ldap:///ou=People,dc=siroe,dc=com,o=internet")(targetattr!="userPassword||mailQuota")(targetfilter=(objectclass=inetMailUser))` +
		`(version 3.0; acl "mail administrators"; allow (read,write,search) (groupdn="ldap:///cn=Admins,o=internet") and (userdn="ldap:///anyone");)`
	measured(b, 1, int64(len(rule)), "rules", func() error {
		_, err := aci.Parse(rule)
		return err
	})
}
