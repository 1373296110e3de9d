package bdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"testing"

	"imsconv/dbconv/bdb/fixtures"
)

// fixtureFiles returns the names of the databases that have a dump, sorted.
func fixtureFiles(t testing.TB) (names []string, files map[string][]byte) {
	t.Helper()
	files, err := fixtures.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name := range files {
		// Release 1.85 leaves a file of 0 bytes for an empty btree, which is
		// taken for a lost one.
		if base, ok := strings.CutSuffix(name, ".db"); ok && files[base+".dump"] != nil && len(files[name]) > 0 {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	if len(names) < 250 {
		t.Fatalf("%d fixtures, expected more than 250", len(names))
	}
	return names, files
}

// A pairOf is one key and value pair.
type pairOf struct{ key, value string }

// parseDump reads the records of a dump, by database name.
func parseDump(dump []byte) (map[string][]pairOf, error) {
	all := map[string][]pairOf{}
	name, data := "", false
	var pair []string
	for line := range strings.Lines(string(dump)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case !data:
			if v, ok := strings.CutPrefix(line, "database="); ok {
				name = v
			}
			if line == "HEADER=END" {
				data = true
				all[name] = nil
			}
		case line == "DATA=END":
			name, data = "", false
		default:
			b, err := unescape(strings.TrimPrefix(line, " "))
			if err != nil {
				return nil, err
			}
			if pair = append(pair, b); len(pair) == 2 {
				all[name] = append(all[name], pairOf{pair[0], pair[1]})
				pair = pair[:0]
			}
		}
	}
	return all, nil
}

func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '\\':
			b.WriteByte('\\')
			i++
		default:
			var c byte
			if _, err := fmt.Sscanf(s[i+1:i+3], "%02x", &c); err != nil {
				return "", err
			}
			b.WriteByte(c)
			i += 2
		}
	}
	return b.String(), nil
}

// readAll reads the records of a database.
func readAll(r *Reader) ([]pairOf, error) {
	var all []pairOf
	for c := r.Cursor(); ; {
		k, v, err := c.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, pairOf{string(k), string(v)})
	}
}

// readFile reads the databases of a file by name, as parseDump gives them.
func readFile(b []byte, opts Options) (map[string][]pairOf, error) {
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), opts)
	if err != nil {
		return nil, err
	}
	all := map[string][]pairOf{}
	if !r.Meta().SubDBs {
		all[""], err = readAll(r)
		return all, err
	}
	names, err := r.Subdatabases()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		sub, err := r.Open(name)
		if err != nil {
			return all, err
		}
		if all[name], err = readAll(sub); err != nil {
			return all, err
		}
	}
	return all, nil
}

func TestFixturesReadEqualToTheirDumps(t *testing.T) {
	names, files := fixtureFiles(t)
	for _, name := range names {
		var problems []error
		opts := Options{Problem: func(err error) {
			var e *Error
			if errors.As(err, &e) && !e.Tolerated {
				problems = append(problems, err)
			} else if !errors.Is(err, ErrDeleted) && (e == nil || e.Err != errGaps) && (!errors.Is(err, ErrLogged) || strings.Contains(name, "dup")) {
				t.Errorf("%s: %v", name, err)
			}
		}}
		got, err := readFile(files[name], opts)
		if strings.Contains(name, "encrypt") {
			if !errors.Is(err, ErrEncrypted) {
				t.Errorf("%s: error %v, want ErrEncrypted", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, err := parseDump(files[strings.TrimSuffix(name, ".db")+".dump"])
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := diffRecords(got, want); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if len(problems) > 0 {
			t.Errorf("%s: %d problems, first: %v", name, len(problems), problems[0])
		}
	}
}

// diffRecords tells the first difference, "" when there is none.
func diffRecords(got, want map[string][]pairOf) string {
	for name, w := range want {
		g := got[name]
		for i := range min(len(g), len(w)) {
			if g[i] != w[i] {
				return fmt.Sprintf("database %q record %d is %.60q, want %.60q", name, i, g[i], w[i])
			}
		}
		if len(g) != len(w) {
			return fmt.Sprintf("database %q has %d records, want %d", name, len(g), len(w))
		}
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d databases, want %d", len(got), len(want))
	}
	return ""
}
