package bdb

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// Parts of long items that no record of a 1.85 btree leads to are no part of
// what salvage gives, and told of.
func TestSalvageLeftChains185(t *testing.T) {
	_, files := fixtureFiles(t)
	whole := files["1.85/bt-le-delall-p512.db"]
	for _, pages := range []int{len(whole) / 512, 104} {
		b := whole[:512*pages]
		problems := ""
		rep, err := Salvage(context.Background(), bytes.NewReader(b), int64(len(b)), SalvageOptions{Problem: func(err error) {
			problems += err.Error() + "\n"
		}}, func(_, _ []byte) error { return nil })
		cut := pages < len(whole)/512
		if err != nil || rep.Records != 0 || (rep.Lost > 0) != cut || strings.Contains(problems, "of long items whose records are lost") != cut {
			t.Errorf("%d pages: %d records, %d lost, %v: %s", pages, rep.Records, rep.Lost, err, problems)
		}
	}
}
