package mboxlist

import "testing"

// TestFits: a record fits into the database it is of, and into no other.
func TestFits(t *testing.T) {
	kinds := []Kind{FolderDB, QuotaDB, SubscrDB, PeruserDB}
	for _, r := range []struct {
		kind       Kind
		key, value string
	}{
		{FolderDB, "user/joe", "primary\tjoe\tlrswipcda\t"},
		{FolderDB, "user/joe/Sent", "primary"},
		{QuotaDB, "joe", "4882 -1 1 1 -1"},
		{QuotaDB, "joe", "20480 311"},
		{SubscrDB, "joe", "user/joe\nuser/joe/Sent\n"},
		{SubscrDB, "joe", "news/today\n"},
		{SubscrDB, "joe", ""},
		{PeruserDB, "joe\tuser/joe", "-1 1:3 "},
	} {
		for _, k := range kinds {
			if got := k.Fits([]byte(r.key), []byte(r.value)); got != (k == r.kind) {
				t.Errorf("%s, %q %q: fits %v", k.FileName(), r.key, r.value, got)
			}
		}
	}
}
