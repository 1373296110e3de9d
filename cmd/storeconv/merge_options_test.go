package main

import (
	"slices"
	"testing"

	"github.com/spf13/pflag"

	"imsconv/storeconv/shards/merge"
)

// TestMergeKnowsOptions: of every option of the runs that leave records, merge
// knows whether it matters, and what is so where nobody gives it.
func TestMergeKnowsOptions(t *testing.T) {
	// A run with these makes no store, and leaves no record.
	none := []string{"contents", "header", "to-stream", "force", "dry-run"}
	known := merge.RunOptions()
	for _, v := range command().Verbs {
		if v.Name != "restore" && v.Name != "relocate" {
			continue
		}
		fs := pflag.NewFlagSet(v.Name, pflag.ContinueOnError)
		v.New(fs)
		fs.VisitAll(func(f *pflag.Flag) {
			option, ok := known[f.Name]
			switch _, list := f.Value.(pflag.SliceValue); {
			case slices.Contains(none, f.Name):
			case !ok:
				t.Errorf("%s --%s: merge does not know whether it matters", v.Name, f.Name)
			case !option.Apart && !list && f.DefValue != option.Usual:
				t.Errorf("%s --%s is %q where nobody gives it, and merge takes it for %q", v.Name, f.Name, f.DefValue, option.Usual)
			}
		})
	}
}
