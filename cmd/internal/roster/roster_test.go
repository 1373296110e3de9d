package roster

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/cmd/internal/directory"
	"imsconv/ldifconv"
)

// told keeps what a reading has to say.
type told []string

func (l *told) Problem(kind, where, text string) { *l = append(*l, "problem "+kind+" "+where) }
func (l *told) Warning(kind, where, text string) { *l = append(*l, "warning "+kind+" "+where) }

type noProgress struct{}

func (noProgress) Add(items, bytes int64) {}

// ids lists what a selection finds in an export.
func ids(t *testing.T, sel Selection, export string) (list []string, log told, n Counts) {
	t.Helper()
	l, err := NewList(sel, &log)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	in := ldifconv.Input{Name: "e.ldif", Reader: strings.NewReader(export)}
	err = l.Read(t.Context(), &in, noProgress{}, func(m *Member) error {
		list = append(list, m.ID+" "+m.DN)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	l.TellEmpty()
	l.TellDomain()
	return list, log, l.Counts
}

const export = `dn: uid=a,dc=x,dc=com
objectclass: inetMailUser
uid: a

dn: uid=A,ou=late,dc=x,dc=com
objectclass: inetMailUser
uid: A

dn: uid=b,dc=y,dc=org
objectclass: mailRecipient
uid: b

dn: uid=c d,dc=y,dc=org
objectclass: nsMessagingServerUser
uid: c d

dn: cn=list,dc=y,dc=org
objectclass: mailGroup

dn: nsuniqueid=1+uid=e,dc=y,dc=org
objectclass: inetMailUser
uid: e

dn: uid=f,dc=y,dc=org
objectclass: inetMailUser
objectclass: nsTombstone
uid: f
`

func TestList(t *testing.T) {
	for _, tt := range []struct {
		name string
		sel  Selection
		want []string
		log  told
	}{
		{"all", Selection{Domain: "x.com"}, []string{"a uid=a,dc=x,dc=com", "b@y.org uid=b,dc=y,dc=org"},
			told{"problem id-twice e.ldif:5: uid=A,ou=late,dc=x,dc=com", "problem bad-id e.ldif:13: uid=c d,dc=y,dc=org"}},
		{"base", Selection{Base: []string{"ou=late, DC=x,dc=com"}, Domain: "x.com"}, []string{"A uid=A,ou=late,dc=x,dc=com"}, nil},
		{"filter", Selection{Filter: "(uid=b*)"}, []string{"b@y.org uid=b,dc=y,dc=org"}, nil},
		{"nobody", Selection{Filter: "(uid=z)", Domain: "z.com"}, nil, told{"warning nothing-selected ", "warning no-default-domain z.com"}},
	} {
		got, log, n := ids(t, tt.sel, export)
		if d := cmp.Diff(tt.want, got) + cmp.Diff(tt.log, log); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
		if n.Entries != 7 || n.Users != 6 || n.Listed != int64(len(tt.want)) {
			t.Errorf("%s: %+v", tt.name, n)
		}
	}
	for _, sel := range []Selection{{Filter: "(uid"}, {Base: []string{"no dn"}}} {
		if _, err := NewList(sel, &told{}); err == nil {
			t.Errorf("%+v is taken", sel)
		}
	}
}

// place spreads users with the quotas or sizes given; 0 is none.
func place(t *testing.T, n int, by By, weights ...int64) (lists []int, b *Balance) {
	t.Helper()
	var sizes ldifconv.Sums
	defer sizes.Close()
	for i, w := range weights {
		if w > 0 {
			if err := sizes.Add(fmt.Appendf(nil, "u%d", i), uint64(w)); err != nil {
				t.Fatal(err)
			}
		}
	}
	b = NewBalance(n, by, &sizes)
	for i, w := range weights {
		at, err := b.Place(&Member{ID: fmt.Sprintf("u%d", i), User: &directory.User{Quota: w, HasQuota: w != 0}})
		if err != nil {
			t.Fatal(err)
		}
		lists = append(lists, at)
	}
	return lists, b
}

func TestBalance(t *testing.T) {
	const m = 1 << 20
	for _, tt := range []struct {
		name    string
		by      By
		n       int
		weights []int64
		want    []int
		unsized int64
	}{
		{"count", Count, 3, []int64{9, 9, 9, 9}, []int{0, 1, 2, 0}, 0},
		{"auto by quota", Auto, 2, []int64{10 * m, 4 * m, 4 * m, m}, []int{0, 1, 1, 1}, 0},
		{"auto by count", Auto, 2, []int64{0, 10 * m, 10 * m}, []int{0, 1, 0}, 0},
		{"no quota is the mean", Quota, 2, []int64{10 * m, 4 * m, 0, 1}, []int{0, 1, 1, 0}, 0},
		{"no limit is the mean", Quota, 2, []int64{10 * m, 4 * m, -1, m}, []int{0, 1, 1, 0}, 0},
		{"sizes", Sizes, 2, []int64{900, 10, 10, 0, 0}, []int{0, 1, 1, 1, 1}, 2},
		{"one list", Count, 1, []int64{1, 1}, []int{0, 0}, 0},
		{"no overflow", Sizes, 2, []int64{1<<62 - 1, 1<<62 - 1, 1<<62 - 1, 1}, []int{0, 1, 0, 1}, 0},
	} {
		got, b := place(t, tt.n, tt.by, tt.weights...)
		if d := cmp.Diff(tt.want, got); d != "" || b.Unsized() != tt.unsized {
			t.Errorf("%s: %d unsized, %s", tt.name, b.Unsized(), d)
		}
	}
}

// TestBalanceOfHugeUsers: however much users have, the lists are as even.
func TestBalanceOfHugeUsers(t *testing.T) {
	b := NewBalance(2, Sizes, nil)
	for range 20_000 {
		b.PlaceGroup(mostBytes, 1)
	}
	b.PlaceGroup(math.MaxInt64, 1)
	for i, w := range b.weights {
		if w <= 0 || b.count[i] < 10_000 {
			t.Errorf("list %d: weight %d, %d users", i, w, b.count[i])
		}
	}
}

// The lists are as even as the largest user lets them be.
func TestBalanceIsEven(t *testing.T) {
	var weights []int64
	for i := range int64(1000) {
		weights = append(weights, 1+i*i*7919%100000)
	}
	lists, b := place(t, 7, Sizes, weights...)
	sums := make([]int64, 7)
	for i, at := range lists {
		sums[at] += weights[i]
	}
	least, most := sums[0], sums[0]
	for _, s := range sums {
		least, most = min(least, s), max(most, s)
	}
	if most-least > 100000 {
		t.Errorf("the lists hold %v", sums)
	}
	users := int64(0)
	for _, n := range b.Counts() {
		users += n
	}
	if users != 1000 {
		t.Errorf("%d users are placed", users)
	}
}

func TestFileName(t *testing.T) {
	for want, got := range map[string]string{"users01.txt": FileName(0, 3, "txt"), "users12.tsv": FileName(11, 12, "tsv"), "users007.txt": FileName(6, 100, "txt"), "users9999.txt": FileName(9998, MostLists, "txt")} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestReadSizes(t *testing.T) {
	var s ldifconv.Sums
	defer s.Close()
	read, err := ReadSizes(strings.NewReader("# head\n\na/\t-\t2000\na/INBOX/1\t500\tx\na 5\nb  7\n"), "s", &s)
	if !read || err != nil {
		t.Fatal(read, err)
	}
	for user, want := range map[string]uint64{"a": 505, "b": 7} {
		if got, ok, err := s.Get([]byte(user)); got != want || !ok || err != nil {
			t.Errorf("%s: %d, %v, %v", user, got, ok, err)
		}
	}
	for text, want := range map[string]string{"a\n": "s:1: ", "a 1\nb x\n": "s:2: ", "a -1\n": "s:1: "} {
		if _, err := ReadSizes(strings.NewReader(text), "s", &s); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if read, err := ReadSizes(strings.NewReader("# nothing\n"), "s", &s); read || err != nil {
		t.Error(read, err)
	}
}
