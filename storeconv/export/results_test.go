package export

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// inOrder keeps all that is told, in the order in which it comes.
type inOrder struct {
	mu    sync.Mutex
	lines []string
}

func (l *inOrder) add(severity, kind, where, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, severity+" "+kind+" "+where+": "+text)
}

func (l *inOrder) Problem(kind, where, text string) { l.add("problem", kind, where, text) }
func (l *inOrder) Warning(kind, where, text string) { l.add("warning", kind, where, text) }

// troubled is a store of many users, and the stream that it was made of: in
// each mailbox something is wrong with most of the messages.
func troubled(t *testing.T) (store, stream string) {
	t.Helper()
	var all []member
	for i := range 10 {
		user := fmt.Sprintf("user%02d", i)
		for _, name := range []string{"INBOX", "A.b", "Other"} {
			all = append(all, boxed(user+"/"+name, 7))
			for uid := range 70 {
				all = append(all, msg(fmt.Sprintf("%s/%s/%d", user, name, uid+1), int64(uid-3), `\Archived Word`, fmt.Sprintf("%s %s %d\r\n", user, name, uid)))
			}
			for uid := 71; uid < 90; uid++ {
				all = append(all, member{sims.Member{Kind: sims.Link, Name: fmt.Sprintf("%s/%s/%d", user, name, uid), Link: "nobody/INBOX/1", Subscribed: -1}, ""})
			}
		}
	}
	stream = write(t, all...)
	text, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	store = restored(t, text)
	for i := range 10 {
		user := fmt.Sprintf("user%02d", i)
		for _, name := range []string{"INBOX", "A.b", "Other"} {
			dir := filepath.Join(store, ims.MailboxDir("primary", user, name))
			for uid := uint32(1); uid <= 70; uid++ {
				file := filepath.Join(dir, ims.MessagePath(uid))
				var err error
				switch (int(uid) + i) % 4 {
				case 0:
					err = os.Remove(file)
				case 1:
					err = os.WriteFile(file, bytes.Repeat([]byte("x"), len(fmt.Sprintf("%s %s %d\r\n", user, name, uid-1))), 0o600)
				case 2:
					err = os.WriteFile(file, []byte("short"), 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			for uid := uint32(200); uid < 210; uid++ {
				file := filepath.Join(dir, ims.MessagePath(uid))
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return store, stream
}

// What is told comes in the same order for any number of workers, and however
// little of it is kept: of a store, of a stream, at first and with more mail.
func TestOrderOfNotes(t *testing.T) {
	store, stream := troubled(t)
	sources := map[string]func() *Source{
		"store":  func() *Source { return FromStore(store) },
		"stream": func() *Source { return streamOf(t, stream) },
	}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			var want []string
			for i, opt := range []Options{{Jobs: 1}, {Jobs: 2}, {Jobs: 8}, {Jobs: 8}, {Jobs: 8, kept: 5}, {Jobs: 3, kept: 1}, {Jobs: 1, kept: 1}} {
				dst := filepath.Join(t.TempDir(), "out")
				var got []string
				for pass := range 2 { // the second tells of what is there
					log := new(inOrder)
					opt.Log, opt.Sync, opt.Via = log, storeconv.SyncNone, Copy
					rep, err := Export(t.Context(), dst, source(), opt)
					if err != nil {
						t.Fatal(err)
					}
					if pass == 0 && rep.Users != 10 {
						t.Fatalf("%+v", rep)
					}
					got = append(got, log.lines...)
				}
				if i == 0 {
					if want = got; len(want) < 10*3*20 {
						t.Fatalf("%d lines only: %q", len(want), want[:min(len(want), 20)])
					}
					continue
				}
				tellDifference(t, fmt.Sprintf("jobs %d, kept %d", opt.Jobs, opt.kept), got, want)
			}
		})
	}
}

// tellDifference tells where two lists of lines part.
func tellDifference(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	t.Errorf("%s: %d lines, want %d; from line %d on\n%s\nwant\n%s", what, len(got), len(want), at, strings.Join(got[at:min(len(got), at+3)], "\n"), strings.Join(want[at:min(len(want), at+3)], "\n"))
}

// Users who wait for one in front of them keep no more than they may: the rest
// is told when it is their turn.
func TestNotesAreBounded(t *testing.T) {
	log := new(inOrder)
	n := newNotes(log, 10)
	first, second := n.open(), n.open()
	for i := range 11 {
		second.Problem("kind", fmt.Sprint(i), "of the second")
	}
	waited := make(chan struct{})
	go func() {
		n.wait(second)
		close(waited)
	}()
	select {
	case <-waited:
		t.Fatal("the second did not wait for the first")
	case <-time.After(20 * time.Millisecond):
	}
	first.at(first.turn()).warnOnce("once", "first", "a")
	second.at(second.turn()).warnOnce("once", "second", "a")
	first.Warning("kind", "0", "of the first")
	first.end()
	<-waited
	if len(log.lines) != 2 || n.full() == false {
		t.Errorf("%q", log.lines)
	}
	second.tellSoFar()
	if want := "problem kind 10: of the second"; len(log.lines) != 13 || log.lines[12] != want || n.kept.Load() != 0 {
		t.Errorf("%d kept, %q", n.kept.Load(), log.lines)
	}
}
