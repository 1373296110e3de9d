package restore

import (
	"fmt"
	"testing"

	"imsconv/storeconv/internal/journal"
)

// What is noted of bodies held back waits for others, at most sparesAtOnce of
// them, and is there once it has been written.
func TestSparesAreNotedTogether(t *testing.T) {
	jr, err := journal.Open(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer jr.Close()
	r := &run{jr: jr}
	noted := func() (n int) {
		for i := range sparesAtOnce + 3 {
			h, ok, err := r.spareFor(fmt.Sprint(i))
			if err != nil {
				t.Fatal(err)
			}
			if ok && h.offset != int64(i) {
				t.Fatalf("body %d is at %d", i, h.offset)
			}
			if ok {
				n++
			}
		}
		return n
	}
	var b spareBatch
	for i := range sparesAtOnce + 3 {
		if i == sparesAtOnce-1 && noted() != 0 {
			t.Errorf("%d of %d are noted one by one", noted(), i)
		}
		if err := b.add(jr, fmt.Sprint(i), &spare{offset: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := noted(); n != sparesAtOnce {
		t.Errorf("%d are noted, not %d", n, sparesAtOnce)
	}
	for range 2 {
		if err := b.write(); err != nil {
			t.Fatal(err)
		}
	}
	if n := noted(); n != sparesAtOnce+3 {
		t.Errorf("%d are noted in the end", n)
	}
}
