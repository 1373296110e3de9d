package verify_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/verify"
)

// TestOnly: of a store that others are at work on, faults of the users who are
// named are told, and of nothing else.
func TestOnly(t *testing.T) {
	s := restoreSite(t, testsite.StreamOptions{Seed: 5, Users: 6, Mailboxes: 2, Messages: 60, Links: 4})
	one, other := s.want.Users[1], s.want.Users[3]
	only := verify.StoreOptions{Only: true, Selection: storeconv.Selection{Users: map[string]bool{one: true}}}
	damage := func(id string) {
		t.Helper()
		dir := filepath.Join(s.store, ims.UserDir("primary", id))
		must(t, os.WriteFile(filepath.Join(dir, "letter"), []byte("x"), 0o600))
		must(t, os.MkdirAll(filepath.Join(dir, "=box"), 0o700)) // without a record
		must(t, os.WriteFile(filepath.Join(dir, "=box/store.idx"), []byte("imsconv-store.idx 1\n"), 0o600))
	}
	damage(other)
	must(t, os.MkdirAll(filepath.Join(s.store, ims.WorkDir, "restore-0123456789abcdef"), 0o700))
	must(t, os.WriteFile(filepath.Join(s.store, "mboxlist/.folder.db.imsconv.tmp"), nil, 0o600))
	rep, log := verifyStore(t, s.store, only, s.stream)
	log.none(t)
	if rep.Users != 1 || rep.Messages == 0 {
		t.Errorf("%+v", rep)
	}
	if _, log := verifyStore(t, s.store, verify.StoreOptions{}, s.stream); len(log.problems) < 4 {
		t.Errorf("the whole store: %q", log.all())
	}
	damage(one)
	_, log = verifyStore(t, s.store, only, s.stream)
	if len(log.problems) < 2 {
		t.Errorf("the user's own: %q", log.all())
	}
	for _, line := range log.all() {
		if !strings.Contains(line, ims.Component(one)) && !strings.Contains(line, one) {
			t.Errorf("told of somebody else: %s", line)
		}
	}
}

// TestOnlyRenamed: users are found in the store by their new ids too.
func TestOnlyRenamed(t *testing.T) {
	s := restoreSite(t, testsite.StreamOptions{Seed: 5, Users: 4, Messages: 40})
	must(t, os.RemoveAll(s.store))
	old := s.want.Users[2]
	sel := storeconv.Selection{Users: map[string]bool{old: true}, Map: map[string]string{old: "renamed"}, Domain: "siroe.com"}
	s.run(t, restore.Options{Selection: sel})
	only := verify.StoreOptions{Only: true, Selection: sel}
	rep, log := verifyStore(t, s.store, only, s.stream)
	log.none(t)
	if rep.Users != 1 || rep.Messages == 0 {
		t.Errorf("%+v", rep)
	}
	must(t, os.RemoveAll(filepath.Join(s.store, ims.UserDir("primary", "renamed"))))
	if _, log := verifyStore(t, s.store, only, s.stream); len(log.problems) == 0 {
		t.Error("the user is gone, and nothing is told")
	}
}
