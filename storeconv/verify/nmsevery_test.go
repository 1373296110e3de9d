package verify_test

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/verify"
)

// TestEveryRecordOfRelocationIsTold makes every small change of the records of
// a relocated store, and adds some. With its source beside it the store has a
// problem each time, or a warning where a record may have come from elsewhere.
func TestEveryRecordOfRelocationIsTold(t *testing.T) {
	r := relocateSite(t, testsite.NMSOptions{Seed: 3, Users: 3, Messages: 12}, relocate.Options{})
	hold := func() *recorder {
		log := new(recorder)
		_, err := verify.Store(context.Background(), r.store, verify.StoreOptions{Log: log, Jobs: 1, Origin: &verify.Origin{From: r.from}})
		must(t, err)
		_, err = verify.NMS(context.Background(), r.store, r.from, verify.NMSOptions{Log: log})
		must(t, err)
		return log
	}
	if log := hold(); len(log.problems) > 0 {
		t.Fatalf("%q", log.problems)
	}
	made := 0
	for kind := mboxlist.FolderDB; kind <= mboxlist.PeruserDB; kind++ {
		path := filepath.Join(r.store, "mboxlist", kind.FileName())
		was := readDatabase(t, path)
		changes := recordChanges(was)
		if kind == mboxlist.FolderDB {
			for _, key := range []string{"user/user0/INBOX", "user/user0/", "user", "shared/x"} {
				more := maps.Clone(was)
				more[key] = was["user/user0"]
				changes = append(changes, recordChange{"more: " + key, more})
			}
		}
		for _, c := range changes {
			keepTimes(t, path, func() { writeDatabase(t, path, c.records) })
			made++
			log := hold()
			if elsewhere := slices.ContainsFunc(log.warnings, func(l string) bool { return strings.HasPrefix(l, "not-in-source ") }); len(log.problems) == 0 && !elsewhere {
				t.Errorf("%s: %s: no problem, and the warnings %q", kind.FileName(), c.what, log.warnings)
			}
		}
		keepTimes(t, path, func() { writeDatabase(t, path, was) })
	}
	t.Logf("%d changes", made)
}
