package bdb

import (
	"bytes"
	"context"
	"errors"
	"math/rand"
	"strings"
	"testing"
)

// salvageBytes returns the records that Salvage finds, by database, and the
// problems.
func salvageBytes(t testing.TB, b []byte, aggressive bool) (map[string][]pairOf, SalvageReport, []error) {
	t.Helper()
	all := map[string][]pairOf{}
	name := ""
	var problems []error
	rep, err := Salvage(context.Background(), bytes.NewReader(b), int64(len(b)), SalvageOptions{
		Aggressive: aggressive,
		Problem:    func(err error) { problems = append(problems, err) },
		Database:   func(n string, _ Meta) error { name = n; return nil },
	}, func(k, v []byte) error {
		all[name] = append(all[name], pairOf{string(k), string(v)})
		return nil
	})
	if err != nil && !errors.Is(err, ErrEncrypted) && !errors.Is(err, ErrNotBerkeleyDB) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrCorrupt) {
		t.Errorf("salvage: %v", err)
	}
	return all, rep, problems
}

// missing returns the records of want that got lacks, as often as they lack.
func missing(got, want []pairOf) []pairOf {
	have := map[pairOf]int{}
	for _, r := range got {
		have[r]++
	}
	var gone []pairOf
	for _, r := range want {
		if have[r]--; have[r] < 0 {
			gone = append(gone, r)
		}
	}
	return gone
}

func TestSalvageFindsAllOfWholeFiles(t *testing.T) {
	names, files := fixtureFiles(t)
	for _, name := range names {
		if strings.Contains(name, "encrypt") {
			continue
		}
		want, err := parseDump(files[strings.TrimSuffix(name, ".db")+".dump"])
		if err != nil {
			t.Fatal(err)
		}
		got, rep, problems := salvageBytes(t, files[name], false)
		for db, w := range want {
			if gone, more := missing(got[db], w), missing(w, got[db]); len(gone)+len(more) > 0 {
				t.Errorf("%s %s: %d missing, %d too many", name, db, len(gone), len(more))
			}
		}
		if len(got) > max(len(want), 1) || rep.Lost > 0 {
			t.Errorf("%s: %d databases, %d lost: %.1q", name, len(got), rep.Lost, problems)
		}
	}
}

func TestSalvageWithoutMetadata(t *testing.T) {
	names, files := fixtureFiles(t)
	for _, name := range names {
		if strings.Contains(name, "encrypt") || strings.HasPrefix(name, "1.85/hash") {
			continue
		}
		b := bytes.Clone(files[name])
		if len(b) < 4096 {
			continue
		}
		clear(b[:512])
		want, err := parseDump(files[strings.TrimSuffix(name, ".db")+".dump"])
		if err != nil {
			t.Fatal(err)
		}
		got, rep, _ := salvageBytes(t, b, false)
		for db, w := range want {
			if len(w) == 0 {
				continue
			}
			gone, more := missing(got[db], w), missing(w, got[db])
			if len(gone)+len(more) > 0 || !rep.Guessed {
				t.Errorf("%s %s: %d missing, %d too many, guessed %t %+v", name, db, len(gone), len(more), rep.Guessed, rep.Meta)
			}
		}
	}
}

// A destroyed page takes its own records with it and no others.
func TestSalvageOfDestroyedPages(t *testing.T) {
	names, files := fixtureFiles(t)
	for _, name := range names {
		if !strings.Contains(name, "basic") {
			continue
		}
		orig := files[name]
		m, _, err := readMeta(bytes.NewReader(orig), int64(len(orig)), 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := readFile(orig, Options{})
		rng := rand.New(rand.NewSource(7))
		for range 5 {
			no := 1 + rng.Intn(int(m.Pages)-1)
			b := bytes.Clone(orig)
			rng.Read(b[no*m.PageSize : (no+1)*m.PageSize])
			b[no*m.PageSize+25] = 200 // no page type by chance
			got, rep, _ := salvageBytes(t, b, false)
			// The records of the page alone.
			clear(b[m.PageSize:])
			if at, ok := m.overflowPage185(int(m.Bitmaps[0])); ok && m.Legacy185 {
				copy(b[int(at)*m.PageSize:], orig[int(at)*m.PageSize:(int(at)+1)*m.PageSize])
			}
			copy(b[no*m.PageSize:], orig[no*m.PageSize:(no+1)*m.PageSize])
			there, _, _ := salvageBytes(t, b, false)
			gone := missing(got[""], want[""])
			if len(missing(there[""], gone)) > 0 || len(missing(want[""], got[""])) > 0 {
				t.Errorf("%s page %d: %d missing, of which %d were not on the page", name, no, len(gone), len(missing(there[""], gone)))
			}
			if len(gone) > 0 && rep.Lost == 0 {
				t.Errorf("%s page %d: %d missing, no problem told", name, no, len(gone))
			}
		}
	}
}

func TestSalvageOfFilesNotClosed(t *testing.T) {
	_, files := fixtureFiles(t)
	for _, name := range []string{"unclosed/2.7.7-bt.db", "unclosed/2.7.7-hash.db"} {
		got, rep, problems := salvageBytes(t, files[name], false)
		keys := map[string]string{}
		for _, r := range got[""] {
			keys[r.key] = r.value
		}
		t.Logf("%s: %d records, %d keys, %d problems %v", name, rep.Records, len(keys), len(problems), problems[:min(3, len(problems))])
		if len(keys) < 2980 {
			t.Errorf("%s: %d keys of 3000", name, len(keys))
		}
	}
}

// An encrypted file is refused; one whose encryption byte is wrong is not.
func TestSalvageOfEncryptedFiles(t *testing.T) {
	_, files := fixtureFiles(t)
	for _, name := range []string{"4.1.25/bt-le-encrypt-p1024.db", "5.3.28/hash-le-encrypt-p1024.db"} {
		b := files[name]
		_, err := Salvage(context.Background(), bytes.NewReader(b), int64(len(b)), SalvageOptions{}, func(k, v []byte) error {
			t.Errorf("%s: record %.20q", name, k)
			return errors.New("stop")
		})
		if !errors.Is(err, ErrEncrypted) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"4.1.25/bt-le-basic-p1024", "5.3.28/bt-le-chksum-p1024", "5.3.28/hash-le-basic-p1024"} {
		b := bytes.Clone(files[name+".db"])
		b[24] = 1
		want, err := parseDump(files[name+".dump"])
		if err != nil {
			t.Fatal(err)
		}
		got, rep, _ := salvageBytes(t, b, false)
		if n := len(missing(got[""], want[""])); n > 0 || rep.Lost == 0 {
			t.Errorf("%s: %d records missing, %d told", name, n, rep.Lost)
		}
	}
}

// One wrong bit in the flags does not cost the records.
func TestSalvageDoesNotBelieveTheFlags(t *testing.T) {
	_, files := fixtureFiles(t)
	for _, c := range []struct {
		name string
		at   int
		bit  byte
	}{
		{"5.3.28/bt-le-basic-p1024.db", 48, flagSubDB},
		{"5.3.28/bt-le-basic-p1024.db", 48, flagRecno},
		{"5.3.28/bt-le-basic-p1024.db", 48, flagFixed},
		{"5.3.28/bt-le-dup-p1024.db", 48, flagDup},
		{"5.3.28/bt-le-dupsort-p1024.db", 48, flagDup},
		{"2.7.7/bt-le-dup-p1024.db", 36, flagDup},
		{"5.3.28/hash-le-dup-p1024.db", 48, flagHashDup},
		{"5.3.28/recno-le-p1024.db", 48, flagRecno},
		{"5.3.28/recno-le-p1024.db", 48, flagFixed},
	} {
		b := bytes.Clone(files[c.name])
		b[c.at] ^= c.bit
		want, err := parseDump(files[strings.TrimSuffix(c.name, ".db")+".dump"])
		if err != nil {
			t.Fatal(err)
		}
		got, rep, _ := salvageBytes(t, b, false)
		if n := len(missing(got[""], want[""])); n > 0 || rep.Lost == 0 && c.bit != flagFixed {
			t.Errorf("%s flag %#x: %d records missing, %d told", c.name, c.bit, n, rep.Lost)
		}
		if dups := strings.Contains(c.name, "dup"); rep.Meta.Dup != dups {
			t.Errorf("%s flag %#x: duplicates %t", c.name, c.bit, rep.Meta.Dup)
		}
	}
}
