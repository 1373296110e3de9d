package dbconv

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"os"
	"slices"
	"strings"
	"testing"

	"imsconv/dbconv/bdb"
)

// damagedLines are the ways in which one line of a text is damaged.
var damagedLines = []struct {
	what string
	do   func(lines []string, i int, rnd *rand.Rand) []string
}{
	{"removed", func(l []string, i int, _ *rand.Rand) []string { return slices.Delete(l, i, i+1) }},
	{"doubled", func(l []string, i int, _ *rand.Rand) []string { return slices.Insert(l, i, l[i]) }},
	{"wrapped", func(l []string, i int, rnd *rand.Rand) []string {
		at := rnd.Intn(len(l[i]))
		return slices.Replace(l, i, i+1, l[i][:at]+"\n", l[i][at:])
	}},
	{"blanked", func(l []string, i int, _ *rand.Rand) []string { return slices.Replace(l, i, i+1, "\n") }},
	{"cut", func(l []string, i int, rnd *rand.Rand) []string {
		return append(l[:i:i], l[i][:rnd.Intn(len(l[i]))])
	}},
	{"a line before", func(l []string, i int, _ *rand.Rand) []string { return slices.Insert(l, i, "-- 8< --\n") }},
}

// dataLines are the first and the last line of the data of a dump, DATA=END
// included.
func dataLines(lines []string) (from, to int) {
	return slices.Index(lines, "HEADER=END\n") + 1, len(lines)
}

// subset tells whether all of got is in want, as often.
func subset(got, want []record) (record, bool) {
	left := map[record]int{}
	for _, r := range want {
		left[r]++
	}
	for _, r := range got {
		if left[r]--; left[r] < 0 {
			return r, false
		}
	}
	return record{}, true
}

// What is stored of a text with a damaged line was in the text that was dumped,
// and what is not stored was told.
func TestLoadOfDamagedLines(t *testing.T) {
	every := 293
	if os.Getenv("IMSCONV_FULL") != "" {
		every = 3
	}
	_, files := readable(t)
	count := 0
	for _, name := range []string{"5.3.28/bt-le-basic-p1024.db", "5.3.28/bt-le-small.db", "5.3.28/hash-le-small.db", "5.3.28/bt-le-dup-p1024.db", "4.1.25/hash-le-basic-p1024.db", "5.3.28/recno-le-p1024.db", "2.7.7/bt-le-overflow-p1024.db"} {
		for _, form := range []string{"VERSION=3", "VERSION=1", ""} {
			for _, print := range []bool{true, false} {
				text := dump(t, files[name], DumpOptions{Print: print, Keys: true})
				lines := inForm(strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n"), form)
				want, _ := loaded(t, strings.Join(lines, ""))
				from, to := dataLines(lines)
				for i := from; i < to; i++ {
					for _, d := range damagedLines {
						// Without blanks an empty line is an empty item, and
						// without DATA=END any line may be the last.
						if form != "VERSION=3" && (d.what == "blanked" || d.what == "cut") {
							continue
						}
						if count++; count%every != 0 && to-from > 40 {
							continue
						}
						rnd := rand.New(rand.NewSource(int64(i)))
						bad := strings.Join(d.do(slices.Clone(lines), i, rnd), "")
						got, problems := loaded(t, bad)
						at := fmt.Sprintf("%s as %s, print %t, line %d %s", name, form, print, i+1, d.what)
						if r, ok := subset(got, want); !ok {
							t.Errorf("%s: a record that was never there: %.40q %.40q (%.200q)", at, r.key, r.value, problems)
						} else if len(got) < len(want) && len(problems) == 0 {
							t.Errorf("%s: %d records of %d, and no word", at, len(got), len(want))
						}
					}
				}
			}
		}
	}
}

// inForm turns the lines of a dump into those of an older form.
func inForm(lines []string, form string) []string {
	lines[len(lines)-1] += "\n"
	if form == "VERSION=3" {
		return lines
	}
	from, to := dataLines(lines)
	old := slices.Clone(lines[1 : to-1])
	for i := from - 1; i < len(old); i++ {
		old[i] = old[i][1:]
	}
	if form != "" {
		old = slices.Insert(old, 0, form+"\n")
	}
	return old
}

// loaded is what Load makes of a text, and what it tells.
func loaded(t *testing.T, text string) ([]record, []string) {
	t.Helper()
	var log recorder
	dst := &memFile{}
	opts := LoadOptions{Common: Common{Log: &log}, Output: Output{TempDir: t.TempDir()}}
	if _, err := Load(context.Background(), dst, strings.NewReader(text), opts); err != nil {
		return nil, append(log.problems, err.Error())
	}
	if rep, err := bdb.Verify(context.Background(), bytes.NewReader(dst.b), int64(len(dst.b)), bdb.VerifyOptions{}); err != nil || rep.Faults > 0 {
		t.Errorf("%d faults, %v", rep.Faults, err)
	}
	all, _ := records(t, dst.b)
	return all, log.problems
}
