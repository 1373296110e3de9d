package trees

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"imsconv/storeconv/maildir"
)

// TestManyRights: a long list of rights takes no longer for each of its lines,
// whether they are of one identifier or of many.
func TestManyRights(t *testing.T) {
	const lines = 100000
	var one, many []maildir.Right
	for i := range lines {
		one = append(one, maildir.Right{Identifier: "user=bob", Letters: "lr"})
		many = append(many, maildir.Right{Identifier: fmt.Sprintf("user=u%d", i), Letters: "lr"})
	}
	b := &mailboxDir{maildirUser: &maildirUser{user: "joe"}}
	start := used(t)
	if got := b.asServed(one); len(got) != 2 || got[1].Letters != "lr" {
		t.Errorf("%d lines, the last with %d letters", len(got), len(got[len(got)-1].Letters))
	}
	if got := b.asServed(many); len(got) != lines+1 {
		t.Errorf("%d lines of %d", len(got), lines)
	}
	if spent := used(t) - start; spent > 3*time.Second {
		t.Errorf("%v for %d lines", spent, lines)
	}
}

// used is the time of a processor that this process has taken: a busy machine
// takes none of it.
func used(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
