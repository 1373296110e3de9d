package aci

import (
	"slices"

	"imsconv/ldifconv/ldif"
)

// Undo returns the change records that take those of [Plan] back, the last
// first: a group goes before the container that was made for it, and of an
// entry that was there just what it lacked. The values are those of records.
func Undo(records []ldif.Record) []ldif.Record {
	back := make([]ldif.Record, 0, len(records))
	for i := range slices.Backward(records) {
		r := ldif.Record{Entry: ldif.Entry{DN: records[i].DN}, Type: ldif.Delete}
		if records[i].Type == ldif.Modify {
			r.Type, r.Mods = ldif.Modify, slices.Clone(records[i].Mods)
			for k := range r.Mods {
				r.Mods[k].Op = ldif.ModDelete
			}
		}
		back = append(back, r)
	}
	return back
}
