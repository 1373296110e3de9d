package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/ldifconv"
	"imsconv/ldifconv/diff"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/testdir"
)

// differences are the change records that turn a into b, and back.
func differences(t *testing.T, a, b []byte, match string) (changes, undo []byte) {
	t.Helper()
	var out, back bytes.Buffer
	_, err := diff.Run(context.Background(), &out, ldif.Input{Name: "a", Reader: bytes.NewReader(a)}, ldif.Input{Name: "b", Reader: bytes.NewReader(b)},
		diff.Options{Undo: &back, Match: match, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), back.Bytes()
}

func loadedDirectory(t *testing.T, suffix string, export []byte) *directory {
	t.Helper()
	file := filepath.Join(t.TempDir(), "export.ldif")
	// slapadd takes the version line on its own for an entry without a DN.
	if err := os.WriteFile(file, bytes.TrimPrefix(export, []byte("version: 1\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return newDirectory(t, suffix, file)
}

// TestSlapdDiff proves on a real server that the difference of an export and
// its upgrade leads there and back, for the samples and for made exports.
func TestSlapdDiff(t *testing.T) {
	t.Parallel()
	made := func(write func(io.Writer, testdir.Options) (testdir.Totals, error)) []byte {
		var b bytes.Buffer
		if _, err := write(&b, testdir.Options{Seed: 11, Users: 300}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	sample := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("../../testdata/site", name, "export.ldif"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, tt := range []struct {
		name, suffix string
		from         ldifconv.Source
		export       []byte
	}{
		{"sims sample", "o=internet", ldifconv.SIMS, sample("sims")},
		{"nms sample", "o=siroe.com", ldifconv.NMS, sample("nms")},
		{"sims", "o=internet", ldifconv.SIMS, made(testdir.WriteSIMS)},
		{"nms", "o=siroe.com", ldifconv.NMS, made(testdir.WriteNMS)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			full, _ := upgrade(t, tt.export, ldifconv.Options{From: tt.from, Format: ldifconv.Full})
			changes, undo := differences(t, tt.export, full, "")
			d := loadedDirectory(t, tt.suffix, tt.export)
			d.Apply(changes)
			same(t, "changed", d.dump(), content(t, bytes.NewReader(full)))
			d.Apply(undo)
			same(t, "undone", d.dump(), content(t, bytes.NewReader(tt.export)))
		})
	}
}

// TestSlapdRandomEdits leads a real server through 100 random edits of a
// directory, one difference after the other.
func TestSlapdRandomEdits(t *testing.T) {
	t.Parallel()
	edits := 100
	if testing.Short() {
		edits = 10
	}
	var export bytes.Buffer
	if _, err := testdir.WriteSIMS(&export, testdir.Options{Seed: 4, Users: 40, Photo: 60}); err != nil {
		t.Fatal(err)
	}
	now := export.Bytes()
	d := loadedDirectory(t, "o=internet", now)
	d.Start()
	rng := rand.New(rand.NewPCG(9, 9))
	for i := range edits {
		next := editDirectory(t, now, rng, i)
		changes, _ := differences(t, now, next, []string{"", "uid"}[i%2])
		if len(changes) > 0 {
			if err := d.Try(changes); err != nil {
				t.Fatal(err)
			}
		}
		same(t, fmt.Sprintf("edit %d", i), d.dump(), content(t, bytes.NewReader(next)))
		now = next
	}
}

// editDirectory makes another export: people that are gone, new, moved to
// another unit, that have other values, in any order.
func editDirectory(t *testing.T, export []byte, rng *rand.Rand, n int) []byte {
	t.Helper()
	var records []string
	in := ldif.NewReader(bytes.NewReader(export), ldif.Options{})
	for {
		rec, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		person := bytes.Contains(rec.DN, []byte("ou=People"))
		if !person || bytes.HasPrefix(rec.DN, []byte("ou=")) {
			records = append(records, string(ldif.AppendRecord(nil, rec)))
			continue
		}
		switch rng.IntN(12) {
		case 0:
			continue // gone
		case 1:
			records = append(records, newPerson(rec, fmt.Sprintf("new%d.%d", n, len(records))))
		case 2:
			domains := []string{"dc=siroe,dc=com", "dc=varrius,dc=org"}
			i := rng.IntN(2)
			rec.DN = bytes.Replace(rec.DN, []byte(domains[i]), []byte(domains[1-i]), 1)
		case 3:
			rec.Attrs = slicesWithout(rec.Attrs, "description", "givenname", "telephonenumber")
			rec.Add([]byte("description"), []byte(fmt.Sprintf(" edit %d \xc3\xbc", n)))
			for i := range rng.IntN(40) {
				rec.Add([]byte("roomNumber"), []byte(fmt.Sprint(i*rng.IntN(3), " ", i)))
			}
		}
		rec.Controls, rec.Mods = nil, nil
		records = append(records, string(ldif.AppendRecord(nil, rec)))
	}
	return []byte(strings.Join(unique(records), ""))
}

// unique leaves out a record whose DN another one before it has.
func unique(records []string) (list []string) {
	seen := map[string]bool{}
	for _, r := range records {
		dn, _, _ := strings.Cut(r, "\nobjectclass")
		if !seen[dn] {
			seen[dn] = true
			list = append(list, r)
		}
	}
	return list
}

func slicesWithout(attrs []ldif.Attr, names ...string) (kept []ldif.Attr) {
	for _, a := range attrs {
		if !strings.Contains(" "+strings.Join(names, " ")+" roomnumber ", " "+strings.ToLower(string(a.Desc))+" ") {
			kept = append(kept, a)
		}
	}
	return kept
}

// newPerson is a person beside another one.
func newPerson(rec *ldif.Record, name string) string {
	_, parent, _ := bytes.Cut(rec.DN, []byte(",ou=People"))
	return fmt.Sprintf("dn: cn=%[1]s,ou=People%[2]s\nobjectclass: inetOrgPerson\ncn: %[1]s\nsn: %[1]s\nuid: %[1]s\n\n", name, parent)
}
