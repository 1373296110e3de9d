package sims

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// gnu appends a GNU header of type L or K with its body.
func (a *archive) gnu(typ byte, body string) {
	a.header("././@LongLink", 0o644, int64(len(body)), 0, typ, "")
	a.body(body)
}

// blankPax appends a pax header whose body is zeros.
func (a *archive) blankPax(typ byte, size int) {
	a.header("././@PaxHeader", 0, int64(size), 0, typ, "")
	a.body(strings.Repeat("\x00", size))
}

func (a *archive) message(name, body string, records ...Attr) {
	a.member('0', name, "", int64(len(body)), body, records...)
}

// mixedUp are streams in which an extended header is damaged, or belongs to a
// member that is missing. Members are shown as name, flags, link and body,
// problems as severity and class; a body of "-" is one that is refused.
func mixedUp() map[string]struct {
	build func(a *archive)
	want  string
} {
	seen := Attr{"SIMS.flags", `\Seen`}
	long := "joe/" + strings.Repeat("n", 60) + "/" + strings.Repeat("m", 60)
	cut := long[:99] + "9" // what would be a message, had its name an end there
	cut = cut[:97] + "/12"
	whole := cut + "3456"
	return map[string]struct {
		build func(a *archive)
		want  string
	}{
		"pax of zeros": {func(a *archive) { a.blankPax('x', 30); a.message("joe/INBOX/1", "one") },
			"2 bad-extended, joe/INBOX/1    one"},
		"pax without a body": {func(a *archive) { a.blankPax('x', 0); a.message("joe/INBOX/1", "one") },
			"2 bad-extended, joe/INBOX/1    one"},
		"pax of zeros of a mailbox": {func(a *archive) { a.blankPax('x', 30); a.member('5', "joe/INBOX/", "", 0, "") },
			"2 bad-extended, joe/INBOX   "},
		"pax with zeros behind its records": {func(a *archive) {
			body := string(appendRecord(nil, seen))
			a.header("././@PaxHeader", 0, int64(len(body)+600), 0, 'x', "")
			a.body(body + strings.Repeat("\x00", 600))
			a.message("joe/INBOX/1", "one")
		}, `2 bad-extended, joe/INBOX/1 \Seen  one`},
		"pax of zeros, a name that may be cut": {func(a *archive) { a.blankPax('x', 200); a.message(cut, "one"); a.message("joe/INBOX/2", "two") },
			"2 bad-extended -, joe/INBOX/2   two"},
		"pax of zeros, a mailbox that may be cut": {func(a *archive) { a.blankPax('x', 200); a.member('5', long[:100], "", 0, "") },
			"2 bad-extended"},
		"pax of zeros, a target that may be cut": {func(a *archive) { a.blankPax('x', 200); a.member('1', "joe/INBOX/2", cut, 0, "") },
			"2 bad-extended"},
		"pax of zeros, and a path": {func(a *archive) { a.blankPax('x', 200); a.gnu('L', whole+"\x00"); a.message(whole[:100], "one") },
			"2 bad-extended, " + whole + "   one"},
		"name of zeros":   {func(a *archive) { a.gnu('L', strings.Repeat("\x00", 120)); a.message(cut, "one") }, "2 bad-extended -"},
		"short of zeros":  {func(a *archive) { a.gnu('L', "\x00"); a.message("joe/INBOX/1", "one") }, "2 bad-extended -"},
		"target of zeros": {func(a *archive) { a.gnu('K', strings.Repeat("\x00", 120)); a.member('1', "joe/INBOX/2", cut, 0, "") }, "2 bad-extended"},
		"name cut by zeros": {func(a *archive) {
			name := "joe/" + strings.Repeat("n/", 250) + "123456789"
			a.gnu('L', name[:505]+strings.Repeat("\x00", 100))
			a.message(name[:100], "one")
		}, "2 bad-extended -"},
		"name with a NUL": {func(a *archive) { a.gnu('L', "joe/INBOX/1\x002\x00"); a.message("joe/INBOX/1", "one") }, "2 bad-extended -"},
		"path with a NUL": {func(a *archive) { a.message("joe/INBOX/1", "one", Attr{"path", "joe/INBOX/1\x002"}) }, "2 bad-name -"},
		"record without =": {func(a *archive) {
			a.message("joe/INBOX/1", "one", seen)
			a.buf[bytes.IndexByte(a.buf, '=')] = 'x'
		}, "2 bad-extended -"},
		"two pax": {func(a *archive) {
			a.pax('x', []Attr{seen})
			a.message("joe/INBOX/1", "one", Attr{"SIMS.flags", `\Draft`})
		},
			`2 lost, joe/INBOX/1 \Draft  one`},
		"two pax, path of the first": {func(a *archive) {
			a.pax('x', []Attr{{"path", "ann/INBOX/7"}})
			a.pax('X', []Attr{seen})
			a.message("joe/INBOX/1", "one")
		}, `2 lost, joe/INBOX/1 \Seen  one`},
		"two names": {func(a *archive) {
			a.gnu('L', whole+"7\x00")
			a.gnu('L', whole+"8\x00")
			a.message(whole[:100], "one")
		}, "2 lost, " + whole + "8   one"},
		"name of another": {func(a *archive) { a.gnu('L', "joe/INBOX/5\x00"); a.message("joe/INBOX/1", "one") },
			"2 lost, joe/INBOX/1   one"},
		"name of another, records behind": {func(a *archive) { a.gnu('L', whole+"\x00"); a.message("joe/INBOX/1", "one", seen) },
			"2 lost, joe/INBOX/1   one"},
		"name and target, in any order": {func(a *archive) {
			a.message("joe/INBOX/1", "one")
			a.gnu('L', whole+"\x00")
			a.gnu('K', whole+"7\x00")
			a.member('1', whole[:100], (whole + "7")[:100], 0, "")
			a.gnu('K', whole+"7\x00")
			a.gnu('L', whole+"\x00")
			a.member('1', whole[:100], (whole + "7")[:100], 0, "", seen)
		}, "joe/INBOX/1   one, " + whole + "  " + whole + "7 , " + whole + ` \Seen ` + whole + "7 "},
		"two targets": {func(a *archive) {
			a.gnu('K', whole+"\x00")
			a.gnu('K', whole+"7\x00")
			a.member('1', "joe/INBOX/2", whole[:100], 0, "")
		}, "2 lost, joe/INBOX/2  " + whole + "7 "},
		"target of another": {func(a *archive) { a.gnu('K', whole+"\x00"); a.member('1', "joe/INBOX/2", "joe/INBOX/1", 0, "") },
			"2 lost, joe/INBOX/2  joe/INBOX/1 "},
		"target before a message": {func(a *archive) { a.gnu('K', "joe/INBOX/9\x00"); a.message("joe/INBOX/1", "one") },
			"2 lost, joe/INBOX/1   one"},
		"linkpath before a message": {func(a *archive) {
			a.message("joe/INBOX/1", "one", seen, Attr{"path", "ann/INBOX/3"}, Attr{"linkpath", "joe/INBOX/9"})
		}, "2 lost, joe/INBOX/1   one"},
		"linkpath before a message that may be cut": {func(a *archive) { a.message(cut, "one", Attr{"linkpath", "joe/INBOX/9"}) },
			"2 lost, 2 bad-extended -"},
		"rights before a message": {func(a *archive) {
			a.message("joe/INBOX/1", "one", Attr{"path", "joe/Mail/"}, Attr{"SIMS.acl", "joe\tlr"})
		}, "2 lost, joe/INBOX/1   one"},
		"flags before a mailbox": {func(a *archive) { a.member('5', "joe/INBOX/", "", 0, "", seen, Attr{"path", "joe/Mail/1"}) },
			"2 lost, joe/INBOX   "},
		"pax, then a global header": {func(a *archive) {
			a.pax('x', []Attr{seen})
			a.pax('g', []Attr{{"SIMS.host", "h"}})
			a.message("joe/INBOX/1", "one")
		}, "2 lost, joe/INBOX/1   one"},
		"a label": {func(a *archive) { a.header("vol", 0, 0, 0, 'V', ""); a.message("joe/INBOX/1", "one") },
			"joe/INBOX/1   one"},
		"a message that has become a label": {func(a *archive) { a.member('V', "joe/INBOX/1", "", 3, "one"); a.message("joe/INBOX/2", "two") },
			"2 bad-type, joe/INBOX/2   two"},
		"an empty one, of the profile": {func(a *archive) {
			a.pax('g', []Attr{{"SIMS.profile", "1"}})
			a.header("joe/INBOX/1", 0, 0, 0, 'V', "")
			a.message("joe/INBOX/2", "two")
		}, "2 bad-type, joe/INBOX/2   two"},
		"a mailbox without its header, of the profile": {func(a *archive) {
			a.pax('g', []Attr{{"SIMS.profile", "1"}})
			a.member('5', long[:100], "", 0, "")
		}, "2 bad-extended"},
		"a mailbox of a name that fills its field": {func(a *archive) { a.member('5', long[:100], "", 0, "") }, long[:100] + "   "},
		"pax, then a volume": {func(a *archive) {
			a.pax('x', []Attr{seen})
			a.header("vol", 0, 0, 0, 'V', "")
			a.message("joe/INBOX/1", "one")
		}, "2 lost, joe/INBOX/1   one"},
		"pax that takes a header for its own": {func(a *archive) {
			record := string(appendRecord(nil, seen))
			a.header("././@PaxHeader", 0, 2*blockSize, 0, 'x', "")
			a.body(record)
			a.message("joe/INBOX/1", "")
			a.message("joe/INBOX/2", "two")
		}, "2 bad-extended -"},
		"pax and a header that is damaged": {func(a *archive) {
			a.message("joe/INBOX/1", "one", seen)
			a.buf[2*blockSize+3] ^= 1
			a.message("joe/INBOX/2", "two")
		}, "2 bad-header, joe/INBOX/2   two"},
		"sizes that differ": {func(a *archive) { a.message("joe/INBOX/1", "one", Attr{"size", "2"}); a.message("joe/INBOX/2", "two") },
			"2 bad-size, joe/INBOX/2   two"},
		"size in the record alone": {func(a *archive) { a.member('0', "joe/INBOX/1", "", 0, "one", Attr{"size", "3"}) },
			"joe/INBOX/1   one"},
		"sizes that agree": {func(a *archive) { a.message("joe/INBOX/1", "one", Attr{"size", "3"}) }, "joe/INBOX/1   one"},
		"global of zeros": {func(a *archive) { a.blankPax('g', 30); a.message("joe/INBOX/1", "one") },
			"2 bad-extended, joe/INBOX/1   one"},
		"damage before a target that may be cut": {func(a *archive) {
			a.message("joe/INBOX/1", "one", seen)
			a.buf[3] ^= 1 // the pax header
			a.member('1', "joe/INBOX/2", cut, 0, "", seen)
			a.buf[4*blockSize+3] ^= 1
		}, "2 bad-header, joe/INBOX/1   one, 2 bad-header, 2 bad-extended"},
		"a NUL in a key": {func(a *archive) {
			a.message("joe/INBOX/1", "one", seen, Attr{"SI\x00\x00.flags", `\Draft`})
			a.message("joe/INBOX/2", "two", Attr{"\x00IMS.flags", `\Draft`}, seen)
		}, `2 bad-extended, joe/INBOX/1 \Seen  one, 2 bad-extended, joe/INBOX/2 \Seen  two`},
		"a control byte in a key": {func(a *archive) { a.message("joe/INBOX/1", "one", Attr{"SIMS\x1fflags", `\Draft`}) },
			"2 bad-extended, joe/INBOX/1   one"},
		"a NUL in the key of a name": {func(a *archive) { a.message(cut, "one", Attr{"pa\x00h", whole}); a.message("joe/INBOX/2", "two") },
			"2 bad-extended -, joe/INBOX/2   two"},
		"a NUL in the key of a mailbox's name": {func(a *archive) { a.member('5', long[:100], "", 0, "", Attr{"pa\x00h", long}) },
			"2 bad-extended"},
		"a NUL in a key of a global header": {func(a *archive) { a.pax('g', []Attr{{"SIMS.\x00ost", "h"}}); a.message("joe/INBOX/1", "one") },
			"2 bad-extended, joe/INBOX/1   one"},
		"pax that became global, flags": {func(a *archive) {
			a.message("joe/INBOX/1", "one")
			a.pax('g', []Attr{seen})
			a.message("joe/INBOX/2", "two")
		}, "joe/INBOX/1   one, 2 bad-extended, joe/INBOX/2   two"},
		"pax that became global, UIDVALIDITY": {func(a *archive) {
			a.pax('g', []Attr{{"SIMS.uidvalidity", "5"}})
			a.member('5', "joe/INBOX/", "", 0, "")
		},
			"2 bad-extended, joe/INBOX   "},
		"pax that became global, path": {func(a *archive) {
			a.pax('g', []Attr{{"path", whole}})
			a.message(cut, "one")
			a.message("joe/INBOX/2", "two")
		},
			"1 bad-extended, 2 bad-extended -, joe/INBOX/2   two"},
		"a directory's header twice": {func(a *archive) {
			a.member('5', long[:100], "", 0, "", Attr{"path", long + "/"})
			a.header(long[:100], 0, 0, 0, '5', "")
			a.message("joe/INBOX/2", "two")
		}, long + "   , 2 bad-extended, joe/INBOX/2   two"},
		"a directory that is the front of another": {func(a *archive) {
			a.member('5', long[:99]+"/", "", 0, "")
			a.member('5', long[:100], "", 0, "")
			a.member('5', long[:100], "", 0, "", Attr{"path", long[:100] + "/x/"})
			a.member('5', long[:100], "", 0, "")
		}, long[:99] + "   , " + long[:100] + "   , " + long[:100] + "/x   , " + long[:100]},
		"a record twice": {func(a *archive) { a.message("joe/INBOX/1", "one", Attr{"SIMS.flags", `\Draft`}, seen) },
			`joe/INBOX/1 \Seen  one`},
	}
}

// shown reads a stream as mixedUp shows it.
func shown(t testing.TB, src io.Reader) string {
	var out []string
	r := newReader(src, 2, minBuf)
	for {
		m, err := r.Next()
		var p *Error
		switch {
		case err == io.EOF:
			return strings.Join(out, ", ")
		case errors.As(err, &p):
			one := fmt.Sprintf("%d %s", p.Severity(), p.Class)
			if p.Member != nil {
				one += " -"
			}
			out = append(out, one)
		case err != nil:
			t.Fatal(err)
		default:
			one := m.Name + " " + m.Flags + " " + m.Link + " "
			if m.Kind == Message {
				body, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				one += string(body)
			}
			out = append(out, one)
		}
	}
}

// What an extended header said and does not say any more is told, and no member
// comes under what may be another's name, target or records.
func TestDamagedExtendedHeaders(t *testing.T) {
	for name, c := range mixedUp() {
		a := &archive{}
		c.build(a)
		got := shown(t, a.reader())
		if want := strings.Join(strings.Fields(c.want), " "); strings.Join(strings.Fields(got), " ") != want {
			t.Errorf("%s:\n%s, want\n%s", name, got, want)
		}
	}
}

// A problem of a member that is refused comes behind what is told of those in
// front of it, and its body can be read.
func TestRefusedBehindWhatIsLost(t *testing.T) {
	a := &archive{}
	a.message("joe/INBOX/x", "one", Attr{"linkpath", "joe/INBOX/9"})
	a.message("joe/INBOX/2", "two")
	r := NewReader(a.reader())
	var got []string
	for {
		m, err := r.Next()
		if err == io.EOF {
			break
		}
		if p := ErrorOf(err); p != nil {
			got = append(got, p.Class)
			m = p.Member
		}
		if m == nil {
			continue
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m.Name+" "+string(body))
	}
	if want := []string{Lost, BadName, "joe/INBOX/x one", "joe/INBOX/2 two"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
