package restore

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"imsconv/storeconv/durable/crashfs"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// TestDatesTheFileSystemCuts: a date that a file cannot have is told: as lost
// where nothing else has it.
func TestDatesTheFileSystemCuts(t *testing.T) {
	const first, last = -1 << 31, 1<<34 - 1<<31 - 1 // of ext4
	early, late := int64(first-1), int64(last+1)
	b := streamOf(t,
		sims.Member{Kind: sims.Message, Name: "joe/INBOX/1", Time: early},
		sims.Member{Kind: sims.Message, Name: "joe/INBOX/2", Time: first},
		sims.Member{Kind: sims.Message, Name: "joe/INBOX/3", Time: late},
		sims.Member{Kind: sims.Message, Name: "joe/INBOX/4", Time: last},
		sims.Member{Kind: sims.Message, Name: "joe/INBOX/5", Time: early, Flags: "expired"},
		sims.Member{Kind: sims.Link, Name: "joe/INBOX/6", Link: "joe/INBOX/5", Time: early},
		sims.Member{Kind: sims.Link, Name: "joe/INBOX/7", Link: "joe/INBOX/1"})
	for _, noIndex := range []bool{false, true} {
		f := crashfs.New()
		f.Times(func(s int64) int64 { return min(max(s, first), last) })
		log := &lineLog{}
		rep, err := Restore(context.Background(), "/store", []*Stream{stream(t, "s", bytes.NewReader(b))}, Options{FS: f, NoIndex: noIndex, Log: log})
		if err != nil || rep.Messages != 6 {
			t.Fatalf("%v, %+v", err, rep)
		}
		var told []string
		for _, line := range log.lines {
			if strings.Contains(line, "cut-date") {
				told = append(told, line)
			}
		}
		if len(told) != 3 || !strings.Contains(told[0], "joe/INBOX/1") || !strings.Contains(told[1], "joe/INBOX/3") || !strings.Contains(told[2], "joe/INBOX/6") {
			t.Errorf("no index %v: said %q", noIndex, log.lines)
		}
		if lost := map[bool]int{false: 0, true: 3}[noIndex]; log.lost != lost {
			t.Errorf("no index %v: %d lost, want %d: %q", noIndex, log.lost, lost, log.lines)
		}
		path := "/store/" + ims.MailboxDir("primary", "joe", "INBOX") + "/" + ims.MessagePath(3)
		if st, err := f.Fstatat(-100, path, 0); err != nil || st.Mtim.Sec != last {
			t.Errorf("%v, %+v", err, st)
		}
	}
}
