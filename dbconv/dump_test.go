package dbconv

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
)

// dump dumps a file; a problem fails the test.
func dump(t testing.TB, file []byte, opts DumpOptions) string {
	t.Helper()
	log := &recorder{}
	opts.Log = log
	var out bytes.Buffer
	if _, err := Dump(context.Background(), &out, bytes.NewReader(file), opts); err != nil || len(log.problems) > 0 {
		t.Fatal(err, log.problems)
	}
	return out.String()
}

// data is the part of a dump that is not header.
func data(text string) string {
	var b strings.Builder
	header := true
	for line := range strings.Lines(text) {
		if !header {
			b.WriteString(line)
		}
		if line == "HEADER=END\n" || line == "DATA=END\n" {
			header = !header
		}
	}
	return b.String()
}

func TestDumpOfFixtures(t *testing.T) {
	names, files := readable(t)
	for _, name := range names {
		want := string(files[strings.TrimSuffix(name, ".db")+".dump"])
		if want == "" || strings.Contains(name, "subdb") {
			continue
		}
		got := dump(t, files[name], DumpOptions{Print: true, Keys: true})
		if data(got) != data(want) {
			t.Errorf("%s: the records differ", name)
		}
	}
}

// A dump loads back to the same records, in both formats.
func TestDumpAndLoad(t *testing.T) {
	names, files := readable(t)
	for i, name := range names {
		if strings.Contains(name, "revcmp") {
			continue // loaded in byte order, as db_load does
		}
		want, meta := records(t, files[name])
		text := dump(t, files[name], DumpOptions{Print: i%2 == 0, Keys: i%4 < 2})
		dst, log := &memFile{}, &recorder{}
		out := Output{Version: 6 + i%4, TempDir: t.TempDir()}
		if meta.SubDBs {
			out.Version = 9
		}
		_, err := Load(context.Background(), dst, strings.NewReader(text), LoadOptions{Common: Common{Log: log}, Output: out})
		if err != nil || len(log.problems) > 0 {
			t.Errorf("%s: %v %v", name, err, log.problems)
			continue
		}
		got, _ := records(t, dst.b)
		if !slices.Equal(want, got) {
			t.Errorf("%s: %d records read back, want %d", name, len(got), len(want))
		}
	}
}
