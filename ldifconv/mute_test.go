package ldifconv

import (
	"context"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
)

// counter is a Log that wants the first texts of a kind only.
type counter struct {
	limit int64
	told  map[string]int64
	total map[string]int64
}

func (c *counter) line(kind, where, text string) {
	if where == "" || text == "" {
		panic("a message without a text: " + kind)
	}
	c.told[kind]++
	c.total[kind]++
}

func (c *counter) Problem(kind, where, text string) { c.line("problem "+kind, where, text) }
func (c *counter) Warning(kind, where, text string) { c.line("warning "+kind, where, text) }

func (c *counter) level(problem bool, kind string) string {
	if problem {
		return "problem " + kind
	}
	return "warning " + kind
}

func (c *counter) Counting(problem bool, kind string) bool {
	return c.total[c.level(problem, kind)] >= c.limit
}

func (c *counter) Counted(problem bool, kind string) { c.total[c.level(problem, kind)]++ }

// TestCounter upgrades users with many warnings and problems: a Log that counts
// gets the same sums as one that does not, for any number of workers, and some
// without a text.
func TestCounter(t *testing.T) {
	var in strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&in, "dn: uid=u%[1]d,o=x\nobjectclass: inetMailUser\nobjectclass: inetMailRouting\nuid: u%[1]d\n"+
			"mail: a%[1]d@x.com\nrfc822mailbox: b%[1]d@x.com\nmailfoldermap: odd\ninetAuthorizedServices: imap\n\n", i%2900)
	}
	run := func(limit int64, jobs int) (*counter, Report) {
		c := &counter{limit, map[string]int64{}, map[string]int64{}}
		rep, err := Upgrade(context.Background(), io.Discard, strings.NewReader(in.String()), Options{
			From: SIMS, Kinds: Both, Jobs: jobs, Log: c, TempDir: t.TempDir(), chunk: 4096,
		})
		if err != nil {
			t.Fatal(err)
		}
		return c, rep
	}
	all, want := run(1<<30, 1)
	for _, jobs := range []int{1, 4} {
		c, rep := run(10, jobs)
		if !maps.Equal(c.total, all.total) || !maps.Equal(rep.Warnings, want.Warnings) || !maps.Equal(rep.Problems, want.Problems) {
			t.Errorf("%d jobs: %v, want %v", jobs, c.total, all.total)
		}
		for _, kind := range []string{"warning mail-values", "problem folder-map", "warning access-closed"} {
			if n := c.told[kind]; n < c.limit || n == c.total[kind] {
				t.Errorf("%d jobs: %d of %d told of kind %s", jobs, n, c.total[kind], kind)
			}
		}
	}
}
