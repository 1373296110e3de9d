package bench

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/sims"
)

// TestStream reads the synthetic stream back: it is what Totals say, every link
// leads to a message of the stream, and it is the same however it is read.
func TestStream(t *testing.T) {
	for _, s := range []Shape{
		smallShape,
		{Seed: 2, Messages: 1, Users: 1, Mailboxes: 1, Sizes: Sizes{Median: 1}},
		{Seed: 3, Messages: 50, Users: 50, Mailboxes: 3, Sizes: Sizes{Median: 100_000}},
		{Seed: 4, Messages: 6000, Users: 7, Mailboxes: 1, Links: 0.9, Sizes: SizeTable(map[int64]int64{0: 1, 10: 3, 4 << 20: 1})},
	} {
		if testing.Short() {
			s.Messages = min(s.Messages, 600)
		}
		g, err := newStream(s)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if _, err := text.ReadFrom(g); err != nil {
			t.Fatal(err)
		}
		checkMembers(t, s, text.Bytes())
		if s.Messages < 1000 && !(testing.Short() && text.Len() > 1<<20) {
			again, err := newStream(s)
			if err != nil {
				t.Fatal(err)
			}
			other, err := io.ReadAll(iotest.OneByteReader(again))
			if err != nil || !bytes.Equal(other, text.Bytes()) {
				t.Errorf("%+v: another stream byte by byte (%v)", s, err)
			}
		}
	}
}

func checkMembers(t *testing.T, s Shape, text []byte) {
	t.Helper()
	r := sims.NewReader(bytes.NewReader(text))
	sizes := make(map[string]int64)
	sums := make(map[[32]byte]bool)
	var got Totals
	users := make(map[string]bool)
	for m, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		users[m.User] = true
		switch m.Kind {
		case sims.Message:
			body, err := io.ReadAll(r)
			if err != nil || int64(len(body)) != m.Size {
				t.Fatalf("%s: %d bytes, %v", m.Name, len(body), err)
			}
			sizes[m.Name] = m.Size
			sums[sha256.Sum256(body)] = true
			got.Messages++
			got.Files++
			got.Bytes += m.Size
			got.Unique += m.Size
		case sims.Link:
			size, ok := sizes[m.Link]
			if !ok {
				t.Fatalf("%s leads to %s, which did not come", m.Name, m.Link)
			}
			got.Messages++
			got.Bytes += size
		}
	}
	want := s.Totals()
	if int64(len(users)) != s.Users {
		t.Errorf("%d users, want %d", len(users), s.Users)
	}
	got.Blocks, got.Folders = want.Blocks, want.Folders
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if s.Sizes.Median > 400 && int64(len(sums)) < got.Files*3/5 {
		t.Errorf("only %d of %d messages differ", len(sums), got.Files)
	}
}

// TestSizes: what is drawn is as foretold, on the average.
func TestSizes(t *testing.T) {
	mean := func(s Sizes) float64 {
		d := newDrawer(s, 1)
		var sum float64
		const n = 200_000
		for range n {
			sum += float64(d.next())
		}
		return sum / n
	}
	if m := mean(Sizes{Median: 10_000}) / 10_000 / MeanOverMedian; m < 0.95 || m > 1.05 {
		t.Errorf("the mean is %g of what it should be", m)
	}
	if m := mean(SizeTable(map[int64]int64{100: 3, 1100: 1})); m < 330 || m > 370 {
		t.Errorf("a mean of %g, want 350", m)
	}
	if m := mean(Sizes{Table: []SizeRange{{10, 19, 5}}}); m < 14 || m > 15 {
		t.Errorf("a mean of %g, want 14.5", m)
	}
	for _, bad := range []Sizes{{}, {Median: -1}, {Median: MaxMessage + 1}, {Table: []SizeRange{{5, 4, 1}}}, {Table: []SizeRange{{1, 2, 0}}},
		{Table: []SizeRange{{1, 5, 1}, {5, 6, 1}}}, {Table: []SizeRange{{-1, 5, 1}}}, {Table: []SizeRange{{1, MaxMessage + 1, 1}}}} {
		if bad.Check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if s := SizeTable(map[int64]int64{MaxMessage * 2: 1, MaxMessage: 2}); len(s.Table) != 1 || s.Table[0].Count != 3 {
		t.Errorf("%+v", s)
	}
}

// TestLike: the shape of a stream, and of the store made of it.
func TestLike(t *testing.T) {
	dir := t.TempDir()
	s := Shape{Seed: 9, Messages: 1000, Users: 10, Mailboxes: 2, Links: 0.2, Sizes: Sizes{Median: 3000}}
	want := s.Totals()
	g, err := newStream(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Step{Op: Restore, Dir: dir, Sync: "none", Shape: s}).Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for path, look := range map[string]func() (*Seen, error){
		"stream": func() (*Seen, error) { return LikeFile(g) },
		"store":  func() (*Seen, error) { return LikeTree(filepath.Join(dir, storeName)) },
	} {
		seen, err := look()
		if err != nil {
			t.Fatal(err)
		}
		if seen.Messages != want.Messages || seen.Links != want.Messages-want.Files || seen.Users != s.Users || seen.Mailboxes != s.Users*s.Mailboxes {
			t.Errorf("%s: %d messages, %d links, %d users, %d mailboxes", path, seen.Messages, seen.Links, seen.Users, seen.Mailboxes)
		}
		like := seen.Shape(2000, Shape{Seed: 1, Users: 1, Mailboxes: 1})
		if err := like.Check(); err != nil {
			t.Fatal(err)
		}
		totals := like.Totals()
		ratio := float64(totals.Bytes) / float64(want.Bytes) / 2
		if like.Users != 20 || like.Mailboxes != 2 || ratio < 0.85 || ratio > 1.15 {
			t.Errorf("%s: %d users, %d mailboxes, %g times as large", path, like.Users, like.Mailboxes, ratio)
		}
	}
}

// TestLikeFiles: the shape of a tree of Maildirs and a store, and of an mbox.
func TestLikeFiles(t *testing.T) {
	dir := t.TempDir()
	for path, text := range map[string]string{
		"ann/cur/1.x:2,S": "12345", "ann/new/2.x": "1", "ann/.Old/cur/3.x": "123", "ann/maildirsize": "no message", "ann/tmp/4.x": "no message",
		"user/03/27/joe/00/1.msg": "1234567890", "user/03/27/joe/store.idx": "no message",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	seen, err := LikeTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	if seen.Messages != 4 || seen.Users != 2 || seen.Mailboxes != 3 || seen.Links != 0 {
		t.Errorf("%d messages, %d users, %d mailboxes, %d links", seen.Messages, seen.Users, seen.Mailboxes, seen.Links)
	}
	if _, err := LikeTree(t.TempDir()); err == nil {
		t.Error("an empty tree has a shape")
	}
	mbox := "From ann Mon\nSubject: a\n\n>From here on\n\nFrom bob Tue\nSubject: " + strings.Repeat("long ", 20000) + "\nFrom: x\n\n"
	seen, err = LikeFile(strings.NewReader(mbox))
	if err != nil || seen.Messages != 2 || seen.sizes.max.Load() != int64(len("Subject: \nFrom: x\n\n")+100000) {
		t.Errorf("%d messages, the largest of %d bytes, %v", seen.Messages, seen.sizes.max.Load(), err)
	}
	for _, bad := range []string{"", "dn: o=x\n", strings.Repeat("\x00", 1024)} {
		if _, err := LikeFile(strings.NewReader(bad)); err == nil {
			t.Errorf("%.10q has a shape", bad)
		}
	}
}

// tickingFS is a file system in which every call takes a second.
type tickingFS struct {
	durable.FS
	at time.Duration
}

func (f *tickingFS) now() time.Duration { return f.at }

func (f *tickingFS) Openat(int, string, int, uint32) (int, error) {
	f.at += time.Second
	return 5, nil
}

func (f *tickingFS) Close(int) error {
	f.at += time.Second
	return nil
}

func (f *tickingFS) Syncfs(int) error {
	f.at += 10 * time.Second
	return nil
}

func (f *tickingFS) Fsync(int) error { return f.Syncfs(0) }

func (f *tickingFS) Sync() { _ = f.Syncfs(0) }

func TestTimedFS(t *testing.T) {
	disk := new(tickingFS)
	fs := newTimedFS(disk, disk.now)
	message := func(name string, flags int) {
		fd, err := fs.Openat(0, name, flags, 0)
		if err != nil || fs.Close(fd) != nil {
			t.Fatal(err)
		}
	}
	const create = unix.O_CREAT | unix.O_EXCL
	message("1.msg", create)
	message("1.msg", 0)          // read
	message("store.idx", create) // no message
	if n := fs.messages.Count(); n != 1 || fs.messages.Max() != 2*time.Second {
		t.Errorf("%d messages of %v", n, fs.messages.Max())
	}
	_ = fs.Syncfs(0)
	_ = fs.Fsync(0)
	fs.Sync()
	if fs.syncing != 30*time.Second {
		t.Errorf("%v of syncing", fs.syncing)
	}
	// Two at a time count once.
	first, second := fs.beginSync(), fs.beginSync()
	disk.at += time.Second
	first()
	disk.at += time.Second
	second()
	if fs.syncing != 32*time.Second {
		t.Errorf("%v of syncing", fs.syncing)
	}
}

func TestCurve(t *testing.T) {
	var c curve
	var at time.Duration
	now := func() time.Duration { at += time.Second; return at }
	for range 100 {
		c.add(10, 1000, now)
	}
	if len(c.at) != curvePoints || c.at[0] != 1 || c.at[curvePoints-1] != curvePoints {
		t.Errorf("%v", c.at)
	}
	if got := speedOf(c.at, 1000); len(got) != speedParts || got[0] != 25 {
		t.Errorf("%v", got)
	}
	if got := speedOf(c.at[:10], 1000); got != nil {
		t.Errorf("%v of a curve that is not whole", got)
	}
}
