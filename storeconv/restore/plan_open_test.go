package restore

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite/reference"
	"imsconv/storeconv/verify"
)

// inTurns is a stream of users whose messages come in turns, or one user after
// the other. Some messages are links, to other users' and backwards.
func inTurns(t testing.TB, users, rounds int, turns bool) []byte {
	t.Helper()
	var members []sims.Member
	put := func(user, round int) {
		box := fmt.Sprintf("user%03d/INBOX", user)
		if round == 0 {
			members = append(members, sims.Member{Kind: sims.Mailbox, Name: box, UIDValidity: uint32(user + 1), Subscribed: 1})
		}
		m := sims.Member{Kind: sims.Message, Name: fmt.Sprintf("%s/%d", box, round+1), Time: int64(900000000 + round)}
		if user > 0 && round%7 == 3 {
			m.Kind, m.Link = sims.Link, fmt.Sprintf("user%03d/INBOX/%d", user-1, round)
		}
		members = append(members, m)
	}
	for i := range users * rounds {
		if turns {
			put(i%users, i/users)
		} else {
			put(i/rounds, i%rounds)
		}
	}
	return streamOf(t, members...)
}

// counted restores a stream and returns the number of operations on the store.
func counted(t *testing.T, store string, opt Options, stream []byte) int64 {
	t.Helper()
	var ops atomic.Int64
	opt.Jobs = 1
	opt.fault = func(string, string) error {
		ops.Add(1)
		return nil
	}
	restoreClean(t, store, opt, stream)
	return ops.Load()
}

// TestUsersInTurns: messages of users in turns make the same store as those of
// one user after the other, with about as much work.
func TestUsersInTurns(t *testing.T) {
	for name, opt := range map[string]Options{
		"":             {},
		"each user":    {Sync: storeconv.SyncUser},
		"little space": {open: openBounds{memory: 8 * (visitWeight + boxWeight), bytes: 4000}},
	} {
		dir := shmDir(t)
		sorted, turns := inTurns(t, 40, 50, false), inTurns(t, 40, 50, true)
		a := counted(t, filepath.Join(dir, "sorted"), opt, sorted)
		b := counted(t, filepath.Join(dir, "turns"), opt, turns)
		if name != "little space" && b > 2*a {
			t.Errorf("%s: %d operations for users in turns, %d for one after the other", name, b, a)
		}
		reference.DiffLines(t, name, storeLines(t, filepath.Join(dir, "turns")), storeLines(t, filepath.Join(dir, "sorted")))
		if log := checkStreams(t, filepath.Join(dir, "turns"), verify.StoreOptions{}, turns); len(log.Problems) > 0 {
			t.Errorf("%s: %q", name, log.Problems)
		}
		hash, _ := treeHash(t, filepath.Join(dir, "turns"))
		restoreClean(t, filepath.Join(dir, "turns"), opt, turns)
		if now, _ := treeHash(t, filepath.Join(dir, "turns")); now != hash {
			t.Errorf("%s: the same stream again changes the store", name)
		}
	}
}

// readCounter counts what is read of a stream.
type readCounter struct {
	r    io.Reader
	read atomic.Int64
}

func (c *readCounter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// TestUsersEndSoon: of a stream that goes from one user to the next for good, a
// user does not stay in memory until all have come.
func TestUsersEndSoon(t *testing.T) {
	b := inTurns(t, 2000, 3, false)
	in := &readCounter{r: bytes.NewReader(b)}
	first := int64(0)
	// With more workers more is read ahead.
	opt := Options{Jobs: 1, Trace: func(level int, _ string) {
		if level == 1 && first == 0 {
			first = in.read.Load()
		}
	}}
	if rep, _, err := restoreTo(t, filepath.Join(shmDir(t), "store"), opt, in); err != nil || rep.Users != 2000 || rep.Messages != 6000 {
		t.Fatalf("%+v, %v", rep, err)
	}
	if first > int64(len(b))*3/4 {
		t.Errorf("the first mailbox is done when %d of %d bytes have been read", first, len(b))
	}
}

// TestUsersInTurnsInterrupted: a run that fails anywhere goes on, also when it
// then puts the messages of a user together in another way.
func TestUsersInTurnsInterrupted(t *testing.T) {
	base := shmDir(t)
	turns := inTurns(t, 6, 12, true)
	bounds := []openBounds{{}, {memory: 2 * (visitWeight + boxWeight), bytes: 200}, {memory: 3 * (visitWeight + boxWeight), bytes: 1 << 20}}
	for i, before := range bounds {
		after := bounds[(i+1)%len(bounds)]
		whole := filepath.Join(base, fmt.Sprint("whole", i))
		ops := counted(t, whole, Options{open: before, Sync: storeconv.SyncUser}, turns)
		report, _, err := restoreTo(t, filepath.Join(base, fmt.Sprint("report", i)), Options{}, bytes.NewReader(turns))
		if err != nil {
			t.Fatal(err)
		}
		want, lines := treeHash(t, whole)
		for n := int64(1); n <= ops; n += max(1, ops/10) {
			store := filepath.Join(base, fmt.Sprint(i, "-", n))
			var at atomic.Int64
			opt := Options{open: before, Sync: storeconv.SyncUser, Jobs: 1, fault: func(string, string) error {
				if at.Add(1) >= n {
					return syscall.EIO
				}
				return nil
			}}
			if _, _, err := restoreTo(t, store, opt, bytes.NewReader(turns)); err == nil {
				continue
			}
			rep, log, err := restoreTo(t, store, Options{open: after, Sync: storeconv.SyncUser}, bytes.NewReader(turns))
			if err != nil || log.lost > 0 {
				t.Fatalf("after operation %d: %v, said %q", n, err, log.lines)
			}
			if got, now := treeHash(t, store); got != want {
				t.Fatalf("bounds %d, after operation %d:\n%s", i, n, lineDiff(lines, now))
			}
			if rep.Resumed = 0; rep.Users != report.Users || rep.Messages != report.Messages || rep.Links != report.Links || rep.Duplicates != 0 {
				t.Errorf("bounds %d, after operation %d: %+v", i, n, rep)
			}
		}
	}
}

// TestNewMailboxesInTurns: a mailbox that a run with new names has made stays
// one, however often its user comes.
func TestNewMailboxesInTurns(t *testing.T) {
	turns := inTurns(t, 5, 10, true)
	for _, opt := range []Options{{}, {open: openBounds{memory: 1, bytes: 1}}} {
		opt.Existing = NewName
		store := filepath.Join(t.TempDir(), "store")
		for n, messages := range []int64{50, 0} {
			rep, _, err := restoreTo(t, store, opt, bytes.NewReader(turns))
			if err != nil || rep.Messages != messages || rep.Mailboxes != messages/10 {
				t.Errorf("time %d: %v, %+v", n, err, rep)
			}
		}
	}
}

// An interrupted run of a program that put visits together otherwise is not
// taken up.
func TestOlderJournal(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	b := inTurns(t, 3, 3, true)
	opt := Options{Done: func(Report) error { return syscall.EIO }}
	if _, _, err := restoreTo(t, store, opt, bytes.NewReader(b)); err == nil {
		t.Fatal("the run was not interrupted")
	}
	r, err := newRun(store, []*Stream{stream(t, "s", bytes.NewReader(b))}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.jr.Put(keyForm, []byte("1")); err != nil {
		t.Fatal(err)
	}
	if err := r.close(false); err != nil {
		t.Fatal(err)
	}
	if _, _, err := restoreTo(t, store, Options{}, bytes.NewReader(b)); err == nil {
		t.Error("a journal of another form was taken up")
	}
}
