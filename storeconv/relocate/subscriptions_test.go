package relocate

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/testsite"
)

// TestTwoFilesOfOneUser carries over the first of two subscription files that
// get the same place, and tells of the other one.
func TestTwoFilesOfOneUser(t *testing.T) {
	for _, sync := range []storeconv.SyncMode{storeconv.SyncBatch, storeconv.SyncNone} {
		from, s := site(t, testsite.NMSOptions{Seed: 1, Users: 3})
		right, err := filepath.Glob(from + "/user/*/*/*.sub")
		must(t, err)
		wrong := "user/00/00/" + filepath.Base(right[0])
		must(t, os.MkdirAll(filepath.Dir(from+"/"+wrong), 0o755))
		must(t, os.WriteFile(from+"/"+wrong, []byte("user/"+s.Users[0]+"/first\t\n"), 0o644))

		store := filepath.Join(memoryDir(t), "store")
		_, h := relocate(t, store, from, Options{RepairHash: true, Sync: sync})
		if len(h.problems) != 1 || !strings.Contains(h.problems[0], "other subscriptions") {
			t.Errorf("%v: problems %q", sync, h.problems)
		}
		placed, err := os.ReadFile(store + strings.TrimPrefix(right[0], from))
		must(t, err)
		if !strings.HasSuffix(string(placed), "/first\t\n") {
			t.Errorf("%v: the file is %q", sync, placed)
		}
	}
}

// TestManySubscriptionFiles carries more files over than are staged at a time,
// each with a size of its own around those that reading goes by.
func TestManySubscriptionFiles(t *testing.T) {
	from, s := site(t, testsite.NMSOptions{Seed: 1, Users: 2})
	line := "user/" + s.Users[0] + "/INBOX\t\n"
	for i := range 3*unsyncedFileBatch + 7 {
		text := strings.Repeat(line, i)
		if i == 5 {
			text = strings.Repeat(line, (2<<20)/len(line)) // too long for a list
		}
		must(t, os.WriteFile(fmt.Sprintf("%s/user/nobody%d.sub", from, i), []byte(text), 0o644))
	}
	for _, sync := range []storeconv.SyncMode{storeconv.SyncBatch, storeconv.SyncNone} {
		store := filepath.Join(memoryDir(t), "store")
		rep, h := relocate(t, store, from, Options{Sync: sync})
		h.none(t)
		sameTrees(t, from, store)
		if rep.Subscriptions != rep.SubscriptionsRead+1 || rep.Subscriptions < 3*unsyncedFileBatch {
			t.Errorf("%v: %d files, %d read", sync, rep.Subscriptions, rep.SubscriptionsRead)
		}
	}
}
