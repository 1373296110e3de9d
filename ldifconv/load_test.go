package ldifconv

import (
	"fmt"
	"strings"
	"testing"
)

// TestReplicationStateOfEach: that state is left out is told of each entry,
// also where the one before begins with the same attributes.
func TestReplicationStateOfEach(t *testing.T) {
	var in strings.Builder
	for i := range 3 {
		fmt.Fprintf(&in, "dn: uid=u%d,o=x\nobjectClass;vucsn-3b00: inetMailUser\nuid: u%[1]d\nmail: u%[1]d@x.com\nmailHost: h.x.com\n\n", i)
	}
	_, _, report := upgraded(t, in.String(), Options{From: SIMS})
	if n := report.Warnings["replication-state"]; n != 3 {
		t.Errorf("told of %d entries of 3", n)
	}
}
