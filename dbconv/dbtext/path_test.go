package dbtext

import (
	"fmt"
	"io"
	"math/rand"
	"slices"
	"strings"
	"testing"
)

// What a keyPath knows of the last places while the items come is what their
// costs are in the end, and once it is lost nothing leads to the end.
func TestPathIsLost(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	lost := 0
	for range 2000 {
		o := newKeyPath(int64(rnd.Intn(2)*longPath), someBreak)
		n := 1 + rnd.Intn(40)
		for i := range n {
			key := i
			if rnd.Intn(8) == 0 {
				key = rnd.Intn(n)
			}
			o.add(fmt.Appendf(nil, "%03d", key))
		}
		costs := o.costs(false)
		want := []int{int(costs[n-1]), int(costs[n]), int(costs[n+1])}
		if !slices.Equal(o.ways[:], want) {
			t.Fatalf("%d items: the last places cost %v, want %v", n, o.ways, want)
		}
		if o.lost() {
			lost++
			for i := range 9 {
				o.add(fmt.Appendf(nil, "%03d", 100+i))
			}
			if costs := o.costs(false); costs[len(costs)-1] != noPath {
				t.Fatalf("%d items: lost, yet a path goes on", n)
			}
		}
	}
	if lost < 100 || lost > 1900 {
		t.Fatalf("%d of 2000 were lost: the test says little", lost)
	}
}

// counted counts what is read of a text.
type counted struct {
	io.Reader
	n *int
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	*c.n += n
	return n, err
}

// A text whose keys are in no order is not read to its end a second time, but
// where a database behind is to be looked at.
func TestUnorderedTextIsReadOnce(t *testing.T) {
	const head = "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n"
	rnd := rand.New(rand.NewSource(1))
	var unordered strings.Builder
	unordered.WriteString(head)
	for _, i := range rnd.Perm(50_000) {
		fmt.Fprintf(&unordered, " key%06d\n value%06d\n", i, i)
	}
	unordered.WriteString("DATA=END\n")
	odd := strings.Replace(head, "type", "database=second\ntype", 1) + " a\n 1\n b\n c\n 3\n d\n 4\n e\n 5\nDATA=END\n"
	for _, tt := range []struct {
		name, text string
		most       int
	}{
		{"one", unordered.String(), unordered.Len() + 2*lineBuffer},
		{"two", strings.Replace(unordered.String(), "type", "database=first\ntype", 1) + odd, 2*unordered.Len() + 4*lineBuffer},
	} {
		read := 0
		plan, err := Survey(func() (io.Reader, error) { return counted{strings.NewReader(tt.text), &read}, nil }, nil)
		if err != nil {
			t.Fatal(err)
		}
		if read > tt.most || read < len(tt.text) {
			t.Errorf("%s: %d bytes read of %d, want at most %d", tt.name, read, len(tt.text), tt.most)
		}
		if s := plan.at(1); s == nil || !s.odd || len(s.out) > 0 {
			t.Errorf("%s: the first database is %+v, want one of an order that nothing explains", tt.name, s)
		}
		if s := plan.at(2); tt.name == "two" && (s == nil || len(s.out) == 0) {
			t.Errorf("nothing is left out of a second database that lacks a line")
		}
	}
}
