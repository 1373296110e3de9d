package diff

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/ldifconv/ldif"
)

// What could not be read is not taken for missing, in either direction.
func TestUnreadIsNotMissing(t *testing.T) {
	const (
		b, c   = "dn: uid=b,o=x\nuid: b\n\n", "dn: uid=c,o=x\nuid: c\n\n"
		broken = "dn: UID=B, o=x\nuid: b\nno colon\n\n"
	)
	for _, tt := range []struct {
		name, a, b string
		out, undo  string // the changes, as "type dn"
		log        []string
		held       int64
	}{
		{"damaged in B", top + b + c, top + broken, "delete uid=c,o=x", "add uid=c,o=x", []string{"bad-line b:7: UID=B, o=x", "withheld a:5: uid=b,o=x"}, 1},
		{"damaged in A", top + broken, top + b + c, "add uid=c,o=x", "delete uid=c,o=x", []string{"bad-line a:7: UID=B, o=x", "withheld b:5: uid=b,o=x"}, 1},
		{"damaged and whole in B", top + b + c, top + broken + strings.Replace(b, "uid: b", "uid: b\ncn: x", 1) + c, "", "", []string{"bad-line b:7: UID=B, o=x", "withheld a:5: uid=b,o=x"}, 1},
		{"a record without a name in B", top + b + c, top + "uid: b\n\ndn: uid=d,o=x\nuid: d\n", "add uid=d,o=x", "delete uid=d,o=x", []string{"no-dn b:5", "withheld a"}, 2},
		{"two records in one", top + b + c, top + strings.TrimSuffix(b, "\n") + c, "", "", []string{"second-dn b:7: uid=b,o=x", "withheld a:5: uid=b,o=x", "withheld a"}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, match := range []string{"", "uid"} {
				var undo bytes.Buffer
				out, rep, log := compare(t, tt.a, tt.b, Options{Undo: &undo, Match: match})
				if got := changesOf(t, out); got != tt.out {
					t.Errorf("changes %q, want %q", got, tt.out)
				}
				if got := changesOf(t, undo.String()); got != tt.undo {
					t.Errorf("undo %q, want %q", got, tt.undo)
				}
				if d := cmp.Diff(tt.log, log.lines); d != "" || rep.Withheld != tt.held {
					t.Errorf("%d withheld, %s", rep.Withheld, d)
				}
			}
		})
	}
}

// changesOf lists change records as "type dn", joined by semicolons.
func changesOf(t *testing.T, text string) string {
	t.Helper()
	var list []string
	for rec, err := range ldif.NewReader(strings.NewReader(text), ldif.Options{}).All() {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, rec.Type.String()+" "+string(rec.DN))
	}
	return strings.Join(list, ";")
}

// A side that is no export ends the run before anything is written.
func TestNoExport(t *testing.T) {
	for _, text := range []string{"hello\n", "hello\n\nworld: 1\n", "dn: o=x\nchangetype: delete\n", top + "dn: o=y\nchangetype: modify\nadd: cn\ncn: a\n-\n"} {
		for _, sides := range [][2]string{{top, text}, {text, top}} {
			var out bytes.Buffer
			in := func(s string) ldif.Input { return ldif.Input{Name: "in", Reader: strings.NewReader(s)} }
			_, err := Run(context.Background(), &out, in(sides[0]), in(sides[1]), Options{TempDir: t.TempDir(), Undo: io.Writer(&out)})
			if err == nil || !strings.Contains(err.Error(), "no export") || out.Len() > 0 {
				t.Errorf("%q: error %v, %q is written", sides, err, out.String())
			}
		}
	}
}

// An empty side and one that ends in the middle of a line are told.
func TestDoubtfulSides(t *testing.T) {
	for _, tt := range []struct{ b, want string }{
		{"", "empty-input b"},
		{"version: 1\n", "empty-input b"},
		{strings.TrimSuffix(top, "\n\n"), "no-line-end b:3"},
	} {
		_, _, log := compare(t, top, tt.b, Options{})
		if d := cmp.Diff([]string{tt.want}, log.lines); d != "" {
			t.Errorf("%q: %s", tt.b, d)
		}
	}
}
