package check

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/ldifconv/internal/index"
)

// TestSpool gives back what was added, in that order, from memory, from a file,
// and from both.
func TestSpool(t *testing.T) {
	for _, count := range []int{0, 1, 1000, 100_000} {
		dir := t.TempDir()
		s := spool{Spool: index.Spool{Dir: dir}}
		var want []string
		for i := range count {
			g := going{uint64(i), uint64(i % 300), byte(i), []byte("mgrpRFC822MailMember"), []byte(strings.Repeat("x", i%31))}
			if i == 700 {
				g.address = []byte(strings.Repeat("y", 3<<20)) // longer than the buffer
			}
			if err := s.add(g); err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprintf("%d %d %d %s %s", g.number, g.n, g.flags, g.desc, g.address))
		}
		got := []string{}
		err := s.each(func(g *going) error {
			got = append(got, fmt.Sprintf("%d %d %d %s %s", g.number, g.n, g.flags, g.desc, g.address))
			return nil
		})
		if err != nil || !slices.Equal(want, got) {
			t.Errorf("%d: %d come back, %v", count, len(got), err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	}
}

// A directory on a file system without room is an error, not a loop less.
func TestSpoolWithoutRoom(t *testing.T) {
	s := spool{Spool: index.Spool{Dir: "/nowhere at all"}}
	var err error
	for i := 0; i < 1<<20 && err == nil; i++ {
		err = s.add(going{number: uint64(i), address: []byte("x@y")})
	}
	if err == nil || !strings.Contains(err.Error(), "temporary file: ") {
		t.Error(err)
	}
}

// TestLoopsAmongManyAddresses: the addresses of large lists lead nowhere, and
// the few that lead on are found wherever they stand, before and behind those
// who have them.
func TestLoopsAmongManyAddresses(t *testing.T) {
	base := string(clean(t, 60))
	members := func(list int) (lines []string) {
		for i := range 30_000 {
			lines = append(lines, fmt.Sprintf("mgrpRFC822MailMember: person%d@elsewhere%d.example", i, list))
		}
		return lines
	}
	text := base +
		listText("first", append(members(1), "mgrpRFC822MailMember: last@siroe.com")...) +
		listText("catch", "mailAlternateAddress: @catch.example", "mgrpRFC822MailMember: first@siroe.com") +
		userText("fwd", "mailDeliveryOption: forward", "mailForwardingAddress: any@catch.example") +
		listText("last", append(members(2), "mgrpRFC822MailMember: fwd@siroe.com")...)
	found, _ := run(t, []byte(text), Options{})
	want := []string{placed(text, "mgrpRFC822MailMember: mail comes back: mgrpRFC822MailMember last@siroe.com is @cn=last, "+
		"whose mgrpRFC822MailMember fwd@siroe.com is @uid=fwd, whose mailForwardingAddress any@catch.example is @cn=catch, whose mgrpRFC822MailMember first@siroe.com is this entry")}
	var got []string
	for _, f := range found {
		if name, rest, ok := strings.Cut(f, ": "); ok && strings.HasPrefix(name, "group-loop in:") && strings.Contains(name, " cn=first,") {
			got = append(got, rest)
		} else {
			t.Errorf("found %s", f)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
