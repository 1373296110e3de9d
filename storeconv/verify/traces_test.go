package verify

import (
	"errors"
	"os"
	"strings"
	"testing"

	"imsconv/storeconv/ims"
)

// TestTracesAsReadersSeeThem: whose an index is that does not begin as one does
// is judged here as by those that read it, though by another hand.
func TestTracesAsReadersSeeThem(t *testing.T) {
	const record = "2\t20000621093214\t\t1094\t768\t0010000\t\t\t\t\n"
	binary := strings.Repeat("\x01\x82\x07binary\xff", 4<<10)
	const head = 16 << 10
	for name, tt := range map[string]struct {
		text string
		ours bool
	}{
		"nothing":                      {"", true},
		"zeros":                        {strings.Repeat("\x00", 100), true},
		"zeros for 16 KiB":             {strings.Repeat("\x00", head) + binary, true},
		"zeros for less":               {strings.Repeat("\x00", head-1) + binary, false},
		"binary":                       {binary, false},
		"text":                         {"nothing of ours\n", false},
		"another version":              {"imsconv-store.idx 2\n\n", true},
		"the marker further on":        {"\n" + "imsconv-store.idx 1\n", true},
		"the marker behind binary":     {binary[:1000] + "imsconv-store.idx 1\n", true},
		"the marker at the end":        {binary[:head-18] + "imsconv-store.idx 1\n", true},
		"the marker behind 16 KiB":     {binary[:head] + "imsconv-store.idx 1\n", false},
		"the marker further behind":    {binary[:20<<10] + "imsconv-store.idx 1\n" + binary, false},
		"the version first":            {"Version: imsconv-1\nmore\n", true},
		"the version behind a CR":      {"x\rVersion: imsconv-1\r", true},
		"the version behind a line":    {"x\nVersion: imsconv-1\n", true},
		"two header lines":             {"Name: a\nExists: 1\n", false},
		"three header lines":           {"Name: a\nExists: 1\nACL: \n", true},
		"one that is none of ours":     {"Name: a\nExists: 1\nOther: \n", false},
		"records":                      {record, true},
		"records for the half":         {record + "x\n", false},
		"records for the most part":    {record + record + "x\n", true},
		"records behind 16 KiB":        {binary[:head] + strings.Repeat(record, 9000), false},
		"records, cut":                 {strings.Repeat(record, 9000), true},
		"a line of 16 KiB":             {strings.Repeat("x", 20<<10) + "\n" + strings.Repeat(record, 9000), false},
		"header lines with other ends": {"Name: a\rExists: 1\rUserflags: x\r", true},
	} {
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(tt.text); err != nil {
			t.Fatal(err)
		}
		why, err := damagedIndex(int(f.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		_, err = ims.NewIndexReader(strings.NewReader(tt.text))
		if read := !errors.Is(err, ims.ErrForeignIndex); read != tt.ours || (why != "") != tt.ours || err == nil {
			t.Errorf("%s: verify says %q, a reader %v", name, why, err)
		}
	}
}

// TestIndexTraces: what a cut has left of the first line is ours, however
// short; another program's file that begins alike is not.
func TestIndexTraces(t *testing.T) {
	const first = "imsconv-store.idx 1\n"
	for i := 1; i <= len(first); i++ {
		if indexTraces([]byte(first[:i]), false) == "" {
			t.Errorf("%q is taken for another program's", first[:i])
		}
	}
	for _, s := range []string{"x", "imsx", "ims\x00"} {
		if why := indexTraces([]byte(s), false); why != "" {
			t.Errorf("%q is taken for ours: %s", s, why)
		}
	}
}
