package dbconv

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/dbconv/bdb"
)

// A key that a damaged bit moved out of its place is told by everything that
// reads in order, and the records go over; the order of a program's own
// comparison function is none of damage.
func TestKeyOutOfPlace(t *testing.T) {
	keys := make([]string, 40)
	for i := range keys {
		keys[i] = fmt.Sprintf("user/u%02d", i)
	}
	with := func(at int, key string) []string {
		list := slices.Clone(keys)
		list[at] = key
		return list
	}
	backward := slices.Clone(keys)
	slices.Reverse(backward)
	byParts := slices.Insert(slices.Clone(keys), 21, "user/u20/Sent", "user/u20-x")
	severalOf := func(key string, list []string) (several []string) {
		for _, k := range list {
			if several = append(several, k); k == key {
				several = append(several, k, k)
			}
		}
		return several
	}
	for _, tt := range []struct {
		name string
		keys []string
		want []string // the keys that are told
		own  bool     // a conversion tells of an order of its own
	}{
		{"in order", keys, nil, false},
		{"too large", with(20, "user/w20"), []string{"user/w20"}, false},
		{"too small", with(20, "user/020"), []string{"user/020"}, false},
		{"the first", with(0, "user/w00"), []string{"user/w00"}, false},
		{"the last", with(39, "user/039"), []string{"user/039"}, false},
		{"backward", backward, nil, true},
		{"two", []string{"user/b", "user/a"}, nil, true},
		{"folders behind their mailbox", byParts, nil, true},
		{"several records", severalOf("user/w20", with(20, "user/w20")), []string{"user/w20"}, false},
	} {
		file := new(memFile)
		w, err := bdb.NewWriter(file, bdb.WriterOptions{Version: 9, PageSize: 512, TempDir: t.TempDir(), TreeOptions: bdb.TreeOptions{KeepOrder: true, Duplicates: true}})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range tt.keys {
			if err := w.Put([]byte(key), []byte("primary\tu\tlrs\t")); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for verb, run := range map[string]func(src Source, c Common) error{
			"convert": func(src Source, c Common) error {
				_, err := Convert(context.Background(), new(memFile), src, ConvertOptions{Common: c})
				return err
			},
			"folder": func(src Source, c Common) error {
				dst := new(memFile)
				_, err := Folder(context.Background(), dst, src, ListOptions{Common: c})
				if got, _ := records(t, dst.b); len(got) != len(tt.keys) {
					t.Errorf("%s: folder wrote %d records", tt.name, len(got))
				}
				return err
			},
			"mailboxes": func(src Source, c Common) error {
				return Mailboxes(context.Background(), src, c, func(Mailbox) error { return nil })
			},
			"dump": func(src Source, c Common) error {
				_, err := Dump(context.Background(), io.Discard, src, DumpOptions{Common: c})
				return err
			},
		} {
			log := new(recorder)
			if err := run(bytes.NewReader(file.b), Common{Log: log}); err != nil {
				t.Fatalf("%s, %s: %v", tt.name, verb, err)
			}
			var told []string
			for _, line := range log.problems {
				if kind, rest, _ := strings.Cut(line, " "); strings.HasPrefix(kind, "key-misplaced") {
					told = append(told, strings.Trim(strings.Split(rest, ": ")[0], `" `))
				}
			}
			if d := cmp.Diff(tt.want, told); d != "" || len(log.problems) != len(tt.want) {
				t.Errorf("%s, %s: %s%q", tt.name, verb, d, log.problems)
			}
			if own := strings.Contains(fmt.Sprint(log.warnings), "comparison function of its own"); own != (tt.own && (verb == "convert" || verb == "folder")) {
				t.Errorf("%s, %s: warnings %q", tt.name, verb, log.warnings)
			}
		}
	}
}
