package restore

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"imsconv/storeconv"
)

// TestCommitted: every batch of users that is put into place is told, with its
// number; a dry run puts nothing into place.
func TestCommitted(t *testing.T) {
	sample := sampleBytes(t)
	for _, tt := range []struct {
		name string
		opt  Options
		want []int
	}{
		{"batch", Options{}, []int{8}},
		{"none", Options{Sync: storeconv.SyncNone}, []int{8}},
		{"user", Options{Sync: storeconv.SyncUser}, []int{1, 1, 1, 1, 1, 1, 1, 1}},
		{"dry run", Options{DryRun: true}, nil},
	} {
		var got []int
		tt.opt.Committed = func(users int, took time.Duration) {
			if took <= 0 {
				t.Errorf("%s: a commit took %v", tt.name, took)
			}
			got = append(got, users)
		}
		if _, _, err := restoreTo(t, filepath.Join(t.TempDir(), "store"), tt.opt, bytes.NewReader(sample)); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(tt.want) || len(got) > 0 && got[0] != tt.want[0] {
			t.Errorf("%s: commits of %v users, want %v", tt.name, got, tt.want)
		}
	}
}
