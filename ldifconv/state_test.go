package ldifconv

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The entries of state files that get nothing back are named, each with its
// file and line: those that the filter leaves out, and those that the input has
// not got. An entry that the input has twice hides none.
func TestNotRestoredIsNamed(t *testing.T) {
	const export = "dn: uid=a,o=x\nobjectclass: inetMailUser\nuid: a\nmailuserstatus: hold\n\n" +
		"dn: uid=b,o=x\nobjectclass: inetMailUser\nuid: b\nmailuserstatus: hold\n\n" +
		"dn: uid=a,o=x\nobjectclass: inetMailUser\nuid: a\nmailuserstatus: hold\n\n"
	back := func(ids ...string) string {
		text := "version: 1\n\n"
		for _, id := range ids {
			text += "dn: uid=" + id + ",o=x\nchangetype: modify\nreplace: mailUserStatus\nmailUserStatus: active\n-\n\n"
		}
		return text
	}
	for _, tt := range []struct {
		filter string
		want   []string
	}{
		{"", []string{"two:9: uid=c,o=x", "two:15: uid=d,o=x"}},
		{"(uid=a)", []string{"one:9: uid=b,o=x", "two:9: uid=c,o=x", "two:15: uid=d,o=x"}},
	} {
		log := &recorder{}
		opt := Options{From: SIMS, Kinds: Users, Base: []string{"o=x"}, Filter: tt.filter, Log: log, AddOnly: true}
		opt.Restore = []Input{{Name: "one", Reader: strings.NewReader(back("a", "b"))}, {Name: "two", Reader: strings.NewReader(back("b", "c", "d"))}}
		report, err := Upgrade(t.Context(), io.Discard, strings.NewReader(export), opt)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(log.String()) {
			if line, ok := strings.CutPrefix(line, "warning not-restored "); ok {
				where, ok := strings.CutSuffix(line, ": the entry is not among those of the input that are selected: it is not given back\n")
				if !ok {
					t.Errorf("told %q", line)
				}
				got = append(got, where)
			}
		}
		if d := cmp.Diff(tt.want, got); d != "" || report.Warnings["not-restored"] != int64(len(tt.want)) {
			t.Errorf("%v\n%s\n%s", report.Warnings, d, log)
		}
	}
}
