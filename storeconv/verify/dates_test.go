package verify_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/testsite/scratch"
	"imsconv/storeconv/verify"
)

// TestLateDates: a date that not every file system keeps is compared as any
// other, but for what such a file system makes of it.
func TestLateDates(t *testing.T) {
	const late = 4_200_000_001 // 2103
	stream := makeStream(t, 77, made{name: "joe/INBOX/1", body: mail(1), date: late})
	store := filepath.Join(scratch.Dir(t), "store")
	restoreStream(t, store, restore.Options{}, stream)
	box := filepath.Join(store, ims.MailboxDir("primary", "joe", "INBOX"))
	file, index := filepath.Join(box, "00", "1.msg"), filepath.Join(box, "store.idx")
	for _, row := range []struct {
		date int64
		good bool
	}{
		{late, true}, {late + 1, false}, {late - 1, false}, {5_000_000_000, false}, {4_000_000_000, false}, {900000000, false},
		{1<<31 - 1, true}, {1<<32 - 1, false}, // later than the date: nothing was cut
	} {
		for path, where := range map[string]string{file: "joe/INBOX/1", index: "store.idx"} {
			setTime(t, file, late)
			setTime(t, index, late)
			setTime(t, path, row.date)
			if info, err := os.Stat(path); err != nil || info.ModTime().Unix() != row.date {
				t.Skipf("the file system makes %v of %v", info.ModTime(), time.Unix(row.date, 0))
			}
			log := verifyStreams(t, store, verify.StoreOptions{}, stream)
			told := len(log.problems) == 1 && strings.HasPrefix(log.problems[0], "file-date ") && strings.Contains(log.problems[0], where)
			if told == row.good || row.good && len(log.all()) > 0 {
				t.Errorf("%s of %d: %q", where, row.date, log.all())
			}
		}
	}
	for _, row := range []struct {
		date, has int64
		cut       bool
	}{
		{1 << 31, 1<<31 - 1, true}, {1 << 32, 1<<32 - 1, true}, {1 << 40, 1<<34 - 1<<31 - 1, true}, {1 << 40, 16299260424, true},
		{1 << 40, 1 << 39, false}, {-1 << 32, -1 << 31, true}, {-1 << 32, -1<<31 - 1, false}, {-1 << 30, -1 << 31, false}, {7, 7, false},
	} {
		if got := verify.CutDate(row.date, row.has); got != row.cut {
			t.Errorf("%d of %d: %t", row.has, row.date, got)
		}
	}
}
