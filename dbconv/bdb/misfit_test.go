package bdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// numberedFiles are recnos of the fixtures, and the pages that they have.
func numberedFiles(t *testing.T) (names []string, files map[string][]byte) {
	_, files = fixtureFiles(t)
	for name := range files {
		if strings.Contains(name, "/recno-") && strings.HasSuffix(name, ".db") && !strings.HasPrefix(name, "1.85") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) < 5 {
		t.Fatalf("only %q", names)
	}
	return names, files
}

// checkNumbers sees that what a salvage of a recno gives are numbers, each
// once, and returns the records.
func checkNumbers(t *testing.T, what string, b []byte, aggressive bool) []pairOf {
	t.Helper()
	all, _, _ := salvageBytes(t, b, aggressive)
	seen := map[string]bool{}
	for _, r := range all[""] {
		if _, err := strconv.ParseUint(r.key, 10, 32); err != nil || seen[r.key] {
			t.Fatalf("%s: a record has the key %.40q (seen before: %v)", what, r.key, seen[r.key])
		}
		seen[r.key] = true
	}
	return all[""]
}

// Whatever a page of a recno says that it is, and whatever is cut off: its
// records have numbers, and no two of them the same.
func TestSalvagedRecnoHasNumbersOnly(t *testing.T) {
	names, files := numberedFiles(t)
	for _, name := range names {
		whole := files[name]
		ps := metasOf(t, whole)[0].PageSize
		for page := 1; page < len(whole)/ps; page += 1 + len(whole)/ps/16 {
			for _, aggressive := range []bool{false, true} {
				checkNumbers(t, fmt.Sprintf("%s cut at page %d", name, page), whole[:page*ps], aggressive)
				for typ := byte(1); typ <= pageHash; typ++ {
					if page == int(metasOf(t, whole)[0].Root) && (typ == pageIBtree || typ == pageLBtree) {
						continue // the root says what the file is, if anything does
					}
					b := bytes.Clone(whole)
					b[page*ps+25] = typ
					checkNumbers(t, fmt.Sprintf("%s, page %d of type %d", name, page, typ), b, aggressive)
				}
			}
		}
	}
}

// Records of a recno that nothing leads to get numbers behind the last one, not
// behind as many as there are: others have those.
func TestStrayRecordsOfRecno(t *testing.T) {
	_, files := fixtureFiles(t)
	b := bytes.Clone(files["5.3.28/recno-le-p1024.db"])
	m := metasOf(t, b)[0]
	root := b[int(m.Root)*m.PageSize:][:m.PageSize]
	if root[25] != pageIRecno {
		t.Fatalf("the root is of type %d", root[25])
	}
	// The second child goes: its records are those that nothing leads to.
	slots := root[26:]
	n := binary.LittleEndian.Uint16(root[20:])
	child := binary.LittleEndian.Uint32(root[binary.LittleEndian.Uint16(slots[2:]):])
	copy(slots[2:2*n], slots[4:2*n])
	binary.LittleEndian.PutUint16(root[20:], n-1)
	// Some of the first leaf are deleted: there are fewer records than numbers.
	whole := bytes.Clone(files["5.3.28/recno-le-p1024.db"])
	first := int(binary.LittleEndian.Uint32(root[binary.LittleEndian.Uint16(slots):])) * m.PageSize
	for i := range 5 {
		item := first + int(binary.LittleEndian.Uint16(b[first+26+2*i:]))
		b[item+2] |= flagDeleted
		whole[item+2] |= flagDeleted
	}
	want := checkNumbers(t, "whole", whole, false)
	got := checkNumbers(t, "without a child", b, false)
	if len(got) != len(want) {
		t.Errorf("without page %d: %d records, want %d", child, len(got), len(want))
	}
	var values, wanted []string
	for i := range want {
		wanted = append(wanted, want[i].value)
	}
	for i := range got {
		values = append(values, got[i].value)
	}
	slices.Sort(values)
	slices.Sort(wanted)
	if !slices.Equal(values, wanted) {
		t.Error("the values differ")
	}
}

// A page of another access method has no records of the file.
func TestPagesOfOtherMethods(t *testing.T) {
	_, files := fixtureFiles(t)
	for name, typ := range map[string]byte{"5.3.28/bt-le-basic-p1024.db": pageHash, "5.3.28/hash-le-basic-p1024.db": pageLBtree} {
		whole := files[name]
		ps := metasOf(t, whole)[0].PageSize
		want, _, _ := salvageBytes(t, whole, false)
		for page := 2; page < min(len(whole)/ps, 20); page++ {
			if whole[page*ps+25] != pageLBtree && whole[page*ps+25] != pageHash {
				continue
			}
			b := bytes.Clone(whole)
			b[page*ps+25] = typ
			got, _, problems := salvageBytes(t, b, false)
			if more := missing(want[""], got[""]); len(more) > 0 {
				t.Errorf("%s, page %d of type %d: made up %d records: %.80q", name, page, typ, len(more), more[0])
			}
			if text := fmt.Sprint(problems); !strings.Contains(text, fmt.Sprintf("page %d (offset %d): page of type %d in a ", page, page*ps, typ)) {
				t.Errorf("%s, page %d of type %d: not told: %s", name, page, typ, text)
			}
		}
	}
}

// What looks like a record on the page of a compressed or partitioned file is
// none: it is not taken unless it is asked for, as for a flag that is damage.
func TestSalvageOfOtherForms(t *testing.T) {
	_, files := fixtureFiles(t)
	for name, damage := range map[string]func(b []byte){
		"compressed":  func(b []byte) { b[48] |= flagCompress },
		"partitioned": func(b []byte) { b[26] |= 2 },
	} {
		b := bytes.Clone(files["5.3.28/bt-le-basic-p1024.db"])
		damage(b)
		_, rep, _ := salvageBytes(t, b, false)
		if _, err := NewReader(bytes.NewReader(b), int64(len(b)), Options{}); !errors.Is(err, ErrForm) || rep.Records != 0 {
			t.Errorf("%s: error %v, %d records", name, err, rep.Records)
		}
		if _, rep, _ := salvageBytes(t, b, true); rep.Records != 1000 {
			t.Errorf("%s: by a wrong flag: %d records", name, rep.Records)
		}
	}
}

// The pages of a compressed sub-database are no leftovers: what nothing leads
// to, because it is not read, does not go to OtherDatabase.
func TestSalvageOfACompressedSubDatabase(t *testing.T) {
	_, files := fixtureFiles(t)
	whole := files["5.3.28/subdb-le.db"]
	ps := metasOf(t, whole)[0].PageSize
	all, _, _ := salvageBytes(t, whole, false)
	tried := 0
	for page := 1; page < len(whole)/ps; page++ {
		if whole[page*ps+25] != 9 || whole[page*ps+48]&flagRecno != 0 {
			continue // no metadata of a btree
		}
		tried++
		b := bytes.Clone(whole)
		b[page*ps+48] |= flagCompress
		got, rep, problems := salvageBytes(t, b, false)
		if len(got[OtherDatabase]) > 0 || len(got) != len(all)-1 || !strings.Contains(fmt.Sprint(problems), "compressed btree") {
			t.Errorf("page %d: %d records of no database, %d databases of %d; told: %v", page, len(got[OtherDatabase]), len(got), len(all), problems)
		}
		if _, more, _ := salvageBytes(t, b, true); more.Records <= rep.Records {
			t.Errorf("page %d: asked for what is doubtful: %d records, %d without", page, more.Records, rep.Records)
		}
	}
	if tried == 0 {
		t.Error("no sub-database is a btree")
	}
}
