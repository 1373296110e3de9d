package dbconv

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
)

// Of a btree whose text has lost two lines, or one and has another twice, no
// value is stored as a key: the number of lines is even, the order of the keys
// tells.
func TestLoadWithoutTwoLines(t *testing.T) {
	_, files := readable(t)
	rounds := 40
	for _, name := range []string{"5.3.28/bt-le-basic-p1024.db", "5.3.28/bt-le-dup-p1024.db", "4.1.25/bt-le-basic-p1024.db", "2.7.7/bt-le-overflow-p1024.db"} {
		if files[name] == nil {
			t.Fatalf("no %s", name)
		}
		lines := strings.SplitAfter(strings.TrimSuffix(dump(t, files[name], DumpOptions{Print: true}), "\n"), "\n")
		want, _ := loaded(t, strings.Join(lines, ""))
		from, to := dataLines(lines)
		to-- // DATA=END
		rnd := rand.New(rand.NewSource(2))
		for round := range rounds {
			// Near each other they may leave a pair that looks like any.
			i := from + rnd.Intn(to-from-24)
			j := i + 20 + rnd.Intn(to-i-20)
			bad := slices.Clone(lines)
			what := "removed"
			if round%3 == 2 {
				what = "doubled"
				bad = slices.Insert(bad, j, bad[j])
			} else {
				bad = slices.Delete(bad, j, j+1)
			}
			bad = slices.Delete(bad, i, i+1)
			got, problems := loaded(t, strings.Join(bad, ""))
			at := fmt.Sprintf("%s: line %d removed, line %d %s", name, i+1, j+1, what)
			if r, ok := subset(got, want); !ok {
				t.Errorf("%s: a record that was never there: %.40q %.40q (%.200q)", at, r.key, r.value, problems)
			}
			if len(problems) == 0 {
				t.Errorf("%s: no word", at)
			}
			if len(got) < len(want)/2 {
				t.Logf("%s: %d records of %d", at, len(got), len(want))
			}
		}
	}
}

// What is not in order for another reason than lines that are missing is
// loaded as it is.
func TestLoadOfUnorderedText(t *testing.T) {
	for _, tt := range []struct{ kind, items string }{
		{"btree", "b first a 1 b second"},
		{"btree", "b 1 a 2"},
		{"btree", "a 1 b 2 c 3 aa 4"},
		{"btree", "a v1 b v2 c v3 aa v4"},
		{"btree", "a v1 aa v4 b v2 A v3 c v5"},
		{"btree", "user.anna x user.anna.Mail y user.jo^hn z user.anna2 w"},
		{"btree", "z 1 y 2 x 3 w 4 v 5 u 6"},
		{"btree", "a v1 b v2 c v3 d v4"},
		{"hash", "a b v2 c v3 v3 d v4"},
	} {
		text := "VERSION=3\nformat=print\ntype=" + tt.kind + "\nduplicates=1\nHEADER=END\n"
		items := strings.Fields(tt.items)
		text += " " + strings.Join(items, "\n ") + "\nDATA=END\n"
		got, problems := loaded(t, text)
		if len(got) != len(items)/2 || len(problems) > 0 {
			t.Errorf("%s %s: %d records, %q", tt.kind, tt.items, len(got), problems)
		}
	}
	text := "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n a\n b\n v2\n c\n v3\n v3\n d\n v4\nDATA=END\n"
	if got, problems := loaded(t, text); len(got) > 0 && got[0].value != "v4" || len(got) > 1 || len(problems) == 0 {
		t.Errorf("one line lost, one doubled: %q, %q", got, problems)
	}
	// What could be that, and was put together in any order, loads as a hash.
	text = "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n \n 1\n b\n x\n a\n y\nDATA=END\n"
	if _, problems := loaded(t, text); len(problems) != 1 || !strings.Contains(problems[0], "-t hash") {
		t.Errorf("no way out is named: %q", problems)
	}
	if got, problems := loaded(t, strings.Replace(text, "btree", "hash", 1)); len(got) != 3 || len(problems) > 0 {
		t.Errorf("as a hash: %q, %q", got, problems)
	}
}
