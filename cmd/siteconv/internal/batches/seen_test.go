package batches

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/cmd/siteconv/internal/outdir"
)

// TestJudge takes states from what a newer export says.
func TestJudge(t *testing.T) {
	on := func(at site.Side, locked bool) place { return place{side: at, locked: locked} }
	before := func(at site.Side) place { return place{side: at, locked: true, before: true} }
	for _, tt := range []struct {
		state string
		where map[string]place
		want  string
		seen  *SeenUsers
	}{
		{Planned, map[string]place{"a": on(site.OldSide, true), "b": on(site.OldSide, true)}, Locked, &SeenUsers{Locked: 2}},
		{Planned, map[string]place{"a": on(site.OldSide, true), "b": on(site.OldSide, false)}, Planned, &SeenUsers{Locked: 1, Neither: 1}},
		{Planned, map[string]place{"a": on(site.OldSide, true)}, Locked, &SeenUsers{Locked: 1, NotThere: 1}},
		{Planned, nil, Planned, &SeenUsers{NotThere: 2}},
		{Restored, map[string]place{"a": on(site.NewSide, false), "b": on(site.NewSide, false)}, Moved, &SeenUsers{Moved: 2}},
		{Restored, map[string]place{"a": on(site.NewSide, true), "b": on(site.NewSide, false)}, Restored, &SeenUsers{Locked: 1, Moved: 1}},
		{Restored, map[string]place{"a": before(site.NewSide), "b": on(site.NewSide, false)}, Moved, &SeenUsers{Moved: 2}},
		{Restored, map[string]place{"a": before(site.OldSide), "b": on(site.NewSide, false)}, Restored, &SeenUsers{Locked: 1, Moved: 1}},
		{Restored, map[string]place{"a": on(site.ThirdSide, false), "b": on(site.NewSide, false)}, Restored, &SeenUsers{Moved: 1, Neither: 1}},
		{Restoring, map[string]place{"a": on(site.NewSide, false), "b": on(site.NewSide, false)}, Restoring, &SeenUsers{Moved: 2}},
	} {
		row := &Row{State: tt.state, IDs: []string{"A", "b"}, Result: outdir.State{Inputs: []inputs.Input{{SHA256: "old"}}}}
		s := &Seen{where: tt.where}
		s.Judge(row, &inputs.Input{SHA256: "old"})
		if row.Seen != nil || row.State != tt.state {
			t.Errorf("an export that is no newer is believed: %+v", row)
		}
		s.Judge(row, &inputs.Input{SHA256: "new"})
		if d := cmp.Diff(tt.seen, row.Seen); d != "" || row.State != tt.want {
			t.Errorf("%s is %s, want %s: %s", tt.state, row.State, tt.want, d)
		}
	}
}
