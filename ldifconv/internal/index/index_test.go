package index

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"imsconv/ldifconv/ldif"
)

func TestTable(t *testing.T) {
	n := tableFull*2 + 1000
	if testing.Short() {
		n = 5000
	}
	tab := Table{Dir: t.TempDir()}
	defer tab.Close()
	key := func(i int) uint64 { return uint64(i) * 0x9e3779b97f4a7c15 }
	for i := range n {
		if err := tab.Put(key(i), uint64(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tab.Put(key(7), 77); err != nil { // the newer value counts
		t.Fatal(err)
	}
	for i := 0; i < n; i += 13 {
		v, ok, err := tab.Get(key(i))
		if err != nil || !ok || v != uint64(i) && i != 7 {
			t.Fatalf("key %d: %d, %t, %v", i, v, ok, err)
		}
		if _, ok, _ := tab.Get(key(n + i + 1)); ok {
			t.Fatalf("key %d was never put", n+i+1)
		}
	}
	if v, _, _ := tab.Get(key(7)); v != 77 {
		t.Errorf("the old value %d", v)
	}
	if n > tableFull && len(tab.files) == 0 {
		t.Error("nothing went to a file")
	}
}

// TestTableAround has the largest keys find no room at the end of the slots.
func TestTableAround(t *testing.T) {
	tab := Table{Dir: t.TempDir()}
	defer tab.Close()
	for i := range uint64(300) {
		for _, key := range []uint64{^i, i + 1, i*0x9e3779b97f4a7c15 | 1} {
			if err := tab.Put(key, key); err != nil {
				t.Fatal(err)
			}
		}
	}
	pairs := tab.inOrder()
	if len(pairs) != tab.used || !slices.IsSortedFunc(pairs, comparePairs) {
		t.Errorf("%d pairs of %d, in no order", len(pairs), tab.used)
	}
}

func TestTableMerges(t *testing.T) {
	tab := Table{Dir: t.TempDir()}
	defer tab.Close()
	const rounds = 3*mergeFiles + 3
	for round := range rounds {
		for i := range 600 {
			if err := tab.Put(uint64(i+round*300+1), uint64(round)); err != nil {
				t.Fatal(err)
			}
		}
		if err := tab.spill(); err != nil {
			t.Fatal(err)
		}
	}
	if len(tab.files) != 3+3 {
		t.Errorf("%d files", len(tab.files))
	}
	for round := range rounds {
		k := uint64(round*300 + 1)
		if v, ok, err := tab.Get(k); !ok || err != nil || v != uint64(round) {
			t.Errorf("key %d: %d, %t, %v, want %d", k, v, ok, err, round)
		}
	}
}

// order runs entries, given by DN, through an Order in pieces.
func order(t *testing.T, dns []string, piece int) (out []string, reordered bool) {
	t.Helper()
	var b bytes.Buffer
	var seen First
	o := NewOrder(&b, t.TempDir(), &seen)
	defer o.Close()
	pos := uint64(0)
	for part := range slices.Chunk(dns, piece) {
		var data []byte
		var marks []Mark
		for _, dn := range part {
			norm, err := ldif.AppendNormDN(nil, []byte(dn))
			if err != nil {
				t.Fatal(err)
			}
			data = append(data, dn+"\n"...)
			pos++
			if _, _, err := seen.Put(Hash(norm), pos); err != nil {
				t.Fatal(err)
			}
			marks = append(marks, MarkOf(len(data), norm, pos))
		}
		if err := o.Put(data, marks); err != nil {
			t.Fatal(err)
		}
	}
	reordered, err := o.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(b.String()), reordered
}

func TestOrder(t *testing.T) {
	for _, tt := range []struct {
		name      string
		in, want  string
		reordered bool
	}{
		{"in order", "o=x ou=a,o=x uid=1,ou=a,o=x ou=b,o=x", "o=x ou=a,o=x uid=1,ou=a,o=x ou=b,o=x", false},
		{"a suffix of two parts", "dc=a,dc=b ou=p,dc=a,dc=b uid=1,ou=p,dc=a,dc=b", "dc=a,dc=b ou=p,dc=a,dc=b uid=1,ou=p,dc=a,dc=b", false},
		{"an orphan", "o=x uid=1,ou=gone,o=x ou=a,o=x", "o=x uid=1,ou=gone,o=x ou=a,o=x", false},
		{"a late parent", "o=x uid=1,ou=a,o=x ou=b,o=x ou=a,o=x uid=2,ou=a,o=x", "o=x ou=b,o=x ou=a,o=x uid=1,ou=a,o=x uid=2,ou=a,o=x", true},
		{"backwards", "uid=1,ou=a,o=x ou=a,o=x o=x", "o=x ou=a,o=x uid=1,ou=a,o=x", true},
		{"two suffixes", "o=x ou=a,o=x o=y ou=a,o=y", "o=x ou=a,o=x o=y ou=a,o=y", false},
		{"other spelling of the parent", "O=X uid=1,o=x", "O=X uid=1,o=x", false},
	} {
		for _, piece := range []int{1, 2, 100} {
			got, reordered := order(t, strings.Fields(tt.in), piece)
			if strings.Join(got, " ") != tt.want || reordered != tt.reordered {
				t.Errorf("%s, pieces of %d: %v, reordered %t", tt.name, piece, got, reordered)
			}
		}
	}
}

// However a tree is shuffled, parents come first and nothing is lost.
func TestOrderShuffled(t *testing.T) {
	var dns []string
	for i := range 5 {
		dns = append(dns, fmt.Sprintf("ou=%d,dc=x,dc=y", i))
		for j := range 40 {
			dns = append(dns, fmt.Sprintf("uid=%d,ou=%d,dc=x,dc=y", j, i), fmt.Sprintf("cn=p,uid=%d,ou=%d,dc=x,dc=y", j, i))
		}
	}
	dns = append(dns, "dc=x,dc=y")
	all := slices.Sorted(slices.Values(dns))
	for seed := range uint64(20) {
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(dns), func(i, j int) { dns[i], dns[j] = dns[j], dns[i] })
		got, _ := order(t, dns, 7)
		at := map[string]int{}
		for i, dn := range got {
			at[dn] = i
			if _, parent, _ := strings.Cut(dn, ","); dn != "dc=x,dc=y" {
				if p, ok := at[parent]; !ok || p > i {
					t.Fatalf("seed %d: %s stands before its parent", seed, dn)
				}
			}
		}
		if !slices.Equal(slices.Sorted(slices.Values(got)), all) {
			t.Fatalf("seed %d: entries lost", seed)
		}
	}
}

func TestFirst(t *testing.T) {
	n := tableFull + tableFull/2
	if testing.Short() {
		n = 5000
	}
	f := First{Table: Table{Dir: t.TempDir()}}
	defer f.Close()
	key := func(i int) uint64 { return uint64(i) * 0x9e3779b97f4a7c15 } // 0 is one of them
	for i := range n {
		if _, again, err := f.Put(key(i), uint64(i)); again || err != nil {
			t.Fatalf("key %d: again %t, %v", i, again, err)
		}
	}
	for i := 0; i < n; i += 7 {
		first, again, err := f.Put(key(i), uint64(n+i))
		if !again || first != uint64(i) || err != nil {
			t.Fatalf("key %d: %d, again %t, %v", i, first, again, err)
		}
	}
}

func TestPairs(t *testing.T) {
	n := pairsFull*mergeFiles + pairsFull/2
	if testing.Short() {
		n = pairsFull + 10
	}
	p := Pairs{Dir: t.TempDir()}
	defer p.Close()
	for i := range n {
		if err := p.Add(uint64(n-i)/3, uint64(i)); err != nil {
			t.Fatal(err)
		}
	}
	var last pair
	count := 0
	err := p.Each(func(key, val uint64) error {
		if now := (pair{key, val}); count > 0 && comparePairs(last, now) >= 0 {
			t.Fatalf("%v behind %v", now, last)
		} else {
			last = now
		}
		if key != (uint64(n)-val)/3 {
			t.Fatalf("key %d has the value %d", key, val)
		}
		count++
		return nil
	})
	if err != nil || count != n {
		t.Errorf("%d pairs of %d, %v", count, n, err)
	}
}

func TestOrphans(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"none", "o=x ou=a,o=x uid=1,ou=a,o=x", ""},
		{"a suffix of two parts", "dc=a,dc=b ou=p,dc=a,dc=b uid=1,ou=p,dc=a,dc=b", ""},
		{"a suffix behind its child", "ou=p,dc=a,dc=b dc=a,dc=b", ""},
		{"a late parent", "o=x uid=1,ou=a,o=x ou=a,o=x", ""},
		{"a lost container", "o=x uid=1,ou=gone,o=x ou=a,o=x", "uid=1,ou=gone,o=x"},
		{"a lost container with a tree below", "o=x ou=b,ou=gone,o=x uid=1,ou=b,ou=gone,o=x", "ou=b,ou=gone,o=x"},
		{"users alone", "uid=1,o=x uid=2,o=x", "uid=1,o=x uid=2,o=x"},
	} {
		var seen First
		o := NewOrder(new(bytes.Buffer), t.TempDir(), &seen)
		var got []string
		for i, dn := range strings.Fields(tt.in) {
			norm, err := ldif.AppendNormDN(nil, []byte(dn))
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := seen.Put(Hash(norm), uint64(i)+1); err != nil {
				t.Fatal(err)
			}
			if err := o.Put([]byte(dn), []Mark{MarkOf(len(dn), norm, uint64(i)+1)}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := o.Finish(); err != nil {
			t.Fatal(err)
		}
		more, err := o.Orphans(func(norm []byte, _ uint64) { got = append(got, string(norm)) })
		if strings.Join(got, " ") != tt.want || more != 0 || err != nil {
			t.Errorf("%s: %v and %d more, %v; want %s", tt.name, got, more, err, tt.want)
		}
		o.Close()
	}
}

// TestMaybe: a key that was put is never called new, and of ten million few new
// ones are doubted.
func TestMaybe(t *testing.T) {
	if testing.Short() {
		t.Skip("puts ten million keys")
	}
	const n = 10_000_000
	var m Maybe
	keys := rand.New(rand.NewPCG(1, 2))
	wrong := 0
	for range n {
		if m.Put(keys.Uint64()) {
			wrong++
		}
	}
	if wrong > n/60 {
		t.Errorf("wrong about %d of %d new keys", wrong, n)
	}
	keys = rand.New(rand.NewPCG(1, 2))
	for range n {
		if k := keys.Uint64(); !m.Has(k) {
			t.Fatalf("key %d was put", k)
		}
	}
}

// TestTiers: 600 files leave few open, and nothing is copied more than three
// times.
func TestTiers(t *testing.T) {
	const files = 600 // 1130 to the base of eight
	p := Pairs{Dir: t.TempDir()}
	defer p.Close()
	for i := range files {
		s, err := writeSorted(p.Dir, each([]pair{{uint64(files - i), 1}, {uint64(files - i), 2}}))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.files.add(s, p.merged); err != nil {
			t.Fatal(err)
		}
	}
	var levels []int
	for _, s := range p.files {
		levels = append(levels, s.level)
	}
	if want := []int{3, 2, 1, 1, 1}; !slices.Equal(levels, want) {
		t.Errorf("levels %v, want %v", levels, want)
	}
	var got, want []pair
	for i := range files {
		want = append(want, pair{uint64(i + 1), 1}, pair{uint64(i + 1), 2})
	}
	err := p.Each(func(key, val uint64) error {
		got = append(got, pair{key, val})
		return nil
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d pairs, want %d, %v", len(got), len(want), err)
	}
}

// TestHashes: they come in order however many there are, and however often one
// key comes.
func TestHashes(t *testing.T) {
	for _, tt := range []struct {
		name       string
		n, same    int // pairs, and how many more of one key
		wantPieces int // of the file
	}{
		{"none", 0, 0, 0},
		{"one", 1, 0, 0},
		{"in memory", hashesFull - 3, 2, 0},
		{"in a file", 3*hashesFull + 100, 1000, 4},
		{"a part that does not fit", 2 * hashesFull, hashesFull + hashesFull/2, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if testing.Short() && tt.n > hashesFull {
				t.Skip("sorts 200,000 pairs")
			}
			h := Hashes{Dir: t.TempDir()}
			defer h.Close()
			keys := rand.New(rand.NewPCG(3, 4))
			const often = 0x123456789abcdef
			var want []pair
			for i := range tt.n + tt.same {
				key := uint64(often)
				if i >= tt.same {
					key = keys.Uint64()
				}
				if i%1000 == 999 {
					key = want[i-7].key
				}
				want = append(want, pair{key, uint64(i)})
				if err := h.Add(key, uint64(i)); err != nil {
					t.Fatal(err)
				}
			}
			slices.SortFunc(want, comparePairs)
			var got []pair
			err := h.Each(func(key, val uint64) error {
				got = append(got, pair{key, val})
				return nil
			})
			if err != nil || len(h.pieces) != tt.wantPieces || !slices.Equal(got, want) {
				t.Errorf("%d pairs in %d pieces, want %d in %d, %v", len(got), len(h.pieces), len(want), tt.wantPieces, err)
			}
		})
	}
}
