package verify_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/verify"
)

// TestRecordChangesPlaces gives one record of each database the key of nobody:
// there are as many as before, one is missing and one is too many.
func TestRecordChangesPlaces(t *testing.T) {
	s := restoreSite(t, testsite.StreamOptions{Seed: 3, Users: 4, Messages: 60, MedianSize: 300})
	clean, log := verifyStore(t, s.store, verify.StoreOptions{})
	log.none(t)
	var records int64
	for kind := mboxlist.FolderDB; kind <= mboxlist.PeruserDB; kind++ {
		records += int64(len(readDatabase(t, s.store+"/mboxlist/"+kind.FileName())))
	}
	if clean.Records != records {
		t.Errorf("%d records were counted, there are %d", clean.Records, records)
	}
	for kind, missing := range map[mboxlist.Kind]string{mboxlist.FolderDB: "not-listed", mboxlist.QuotaDB: "not-listed", mboxlist.PeruserDB: "per-user"} {
		t.Run(kind.FileName(), func(t *testing.T) {
			store := filepath.Join(t.TempDir(), "store")
			copyTree(t, s.store, store)
			editDatabase(t, store, kind, func(records map[string]string) {
				key := ""
				for k := range records {
					key = max(key, k)
				}
				value := records[key]
				delete(records, key)
				records[key[:len(key)-1]+"#"] = value
			})
			rep, log := verifyStore(t, store, verify.StoreOptions{})
			named(t, log, missing, "")
			if !slices.ContainsFunc(log.problems, func(text string) bool {
				return strings.Contains(text, kind.FileName()+": ") && strings.Contains(text, "#")
			}) {
				t.Errorf("%s: nothing is told of the record of nobody: %q", kind.FileName(), log.problems)
			}
			if rep.Records != clean.Records {
				t.Errorf("%d records were counted, there are %d", rep.Records, clean.Records)
			}
		})
	}
}
