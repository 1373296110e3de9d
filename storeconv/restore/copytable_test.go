package restore

import (
	"fmt"
	"testing"
)

// TestCopyTable: the last messages are known, each by what was said of it last,
// and no others.
func TestCopyTable(t *testing.T) {
	const more = 3*copiesKept/2 + 7
	var c copyTable
	c.init()
	name := func(i int) string { return fmt.Sprintf("joe/INBOX/%d", i) }
	copyOf := func(n int) (s storedCopy) {
		s.size = int64(n)
		return s
	}
	for i := range more {
		c.add(name(i), copyOf(-1))
		c.add(name(i), copyOf(i)) // takes no room of another
	}
	for i := range more {
		got, ok := c.get(name(i))
		if ok != (i >= more-copiesKept) || ok && got.size != int64(i) {
			t.Fatalf("message %d of %d: %v, %v", i, more, ok, got)
		}
	}
	if len(c.index) != copiesKept || len(c.blocks) != copiesKept/copyBlock {
		t.Errorf("%d messages in %d blocks", len(c.index), len(c.blocks))
	}
	// One that was forgotten comes back, and the oldest goes.
	c.add(name(0), copyOf(1))
	if got, ok := c.get(name(0)); !ok || got.size != 1 {
		t.Errorf("a message that came back: %v, %v", ok, got)
	}
	if _, ok := c.get(name(more - copiesKept)); ok {
		t.Error("the oldest message is still known")
	}
}
