package restore

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imsconv/storeconv"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite"
)

// outside is a Source as another package would write it.
type outside struct{ r *sims.Reader }

func (o outside) Header() (sims.Header, error) { return o.r.Header() }
func (o outside) Next() (*sims.Member, error)  { return o.r.Next() }
func (o outside) Read(p []byte) (int, error)   { return o.r.Read(p) }

// longStream is a stream with bodies of every length that is read in another
// way.
func longStream(t *testing.T) []byte {
	var b bytes.Buffer
	opts := testsite.StreamOptions{Seed: 61, Users: 6, Messages: 120, Links: 30, Expired: 10, Odd: true, MaxSize: 64 << 10}
	if _, err := testsite.WriteStream(&b, opts, func(testsite.Mailbox) error { return nil }); err != nil {
		t.Fatal(err)
	}
	var members []sims.Member
	for i, size := range []int{sims.MaxInline, sims.MaxInline + 1, 3*sims.MaxInline + 7} {
		name := "zoe/INBOX/" + string(rune('1'+i))
		members = append(members, sims.Member{Kind: sims.Message, Name: name, Size: int64(size), Time: 900000000, Subscribed: -1})
	}
	return append(b.Bytes(), bodies(t, members)...)
}

// bodies writes messages whose bodies are lines of their names.
func bodies(t *testing.T, members []sims.Member) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := sims.NewWriter(&b, sims.Header{Date: 900000000}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if err := w.WriteMember(&m); err != nil {
			t.Fatal(err)
		}
		text := strings.Repeat(m.Name+"\r\n", int(m.Size)/len(m.Name)+1)[:m.Size]
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestSourceOutside: a Source that gives bodies by Read alone makes the store
// that the stream itself makes, also once more into the same store.
func TestSourceOutside(t *testing.T) {
	data := longStream(t)
	base := shmDir(t)
	want, direct := filepath.Join(base, "want"), &lineLog{}
	if _, err := Restore(context.Background(), want, []*Stream{stream(t, "s", pipe{bytes.NewReader(data)})}, Options{Sync: storeconv.SyncNone, Log: direct}); err != nil {
		t.Fatal(err)
	}
	got := filepath.Join(base, "got")
	for range 2 {
		log := &lineLog{}
		s := &Stream{Name: "s", ID: [32]byte{1}, Source: outside{sims.NewReader(bytes.NewReader(data))}, Size: -1}
		if _, err := Restore(context.Background(), got, []*Stream{s}, Options{Sync: storeconv.SyncNone, Log: log}); err != nil {
			t.Fatal(err)
		}
		if strings.Join(log.lines, "\n") != strings.Join(direct.lines, "\n") {
			t.Errorf("said %q, want %q", log.lines, direct.lines)
		}
		a, _ := treeHash(t, want)
		if b, _ := treeHash(t, got); a != b {
			t.Error("the store is another")
		}
	}
}

// short is a Source whose bodies end too early.
type short struct{ outside }

func (s short) Read(p []byte) (int, error) { return s.outside.Read(p[:(len(p)+1)/2]) }

// cut ends the body of every message after one byte.
type cut struct {
	outside
	read *bool
}

func (c cut) Next() (*sims.Member, error) {
	*c.read = false
	return c.outside.Next()
}

func (c cut) Read(p []byte) (int, error) {
	if *c.read {
		return 0, io.EOF
	}
	*c.read = true
	return c.outside.Read(p[:1])
}

// TestSourceShort: short reads change nothing, and a body that ends too early
// is a problem of one message.
func TestSourceShort(t *testing.T) {
	data := bodies(t, []sims.Member{
		{Kind: sims.Message, Name: "joe/INBOX/1", Size: 1000, Subscribed: -1},
		{Kind: sims.Message, Name: "joe/INBOX/2", Size: sims.MaxInline + 5, Subscribed: -1},
		{Kind: sims.Message, Name: "joe/INBOX/3", Size: 1, Subscribed: -1},
	})
	for _, tt := range []struct {
		name     string
		source   Source
		messages int64
		refused  int64
	}{
		{"short", short{outside{sims.NewReader(bytes.NewReader(data))}}, 3, 0},
		{"cut", cut{outside{sims.NewReader(bytes.NewReader(data))}, new(bool)}, 1, 2},
	} {
		log := &lineLog{}
		s := &Stream{Name: "s", Source: tt.source, Size: -1}
		rep, err := Restore(context.Background(), filepath.Join(shmDir(t), "store"), []*Stream{s}, Options{Sync: storeconv.SyncNone, Log: log})
		if err != nil || rep.Messages != tt.messages || rep.Refused != tt.refused || int64(log.lost) != tt.refused {
			t.Errorf("%s: %+v, %v, said %q", tt.name, rep, err, log.lines)
		}
	}
}

// TestInputsRefused: a stream is read once, and needs a source.
func TestInputsRefused(t *testing.T) {
	s := stream(t, "tape1", bytes.NewReader(longStream(t)))
	for _, tt := range []struct {
		streams, reference []*Stream
		want               string
	}{
		{nil, nil, "no stream"},
		{[]*Stream{s, s}, nil, "stream tape1 is given twice"},
		{[]*Stream{s}, []*Stream{s}, "stream tape1 is given twice"},
		{[]*Stream{{Name: "x"}}, nil, "without a source"},
		{[]*Stream{nil}, nil, "without a source"},
	} {
		store := filepath.Join(shmDir(t), "store")
		_, err := Restore(context.Background(), store, tt.streams, Options{Reference: tt.reference})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %q", err, tt.want)
		}
		if there, err := filepath.Glob(store); len(there) > 0 || err != nil {
			t.Errorf("%q is there: %v", there, err)
		}
	}
}

// TestMessagesFarApart: the few messages that are restored may lie further
// apart than all read buffers reach, and are not waited for together.
func TestMessagesFarApart(t *testing.T) {
	var members []sims.Member
	users := make(map[string]bool)
	for i := range 2 * readBlocks {
		id := fmt.Sprintf("few%d", i)
		users[id] = true
		members = append(members, sims.Member{Kind: sims.Message, Name: id + "/INBOX/1", Size: 100, Time: 900000000, Subscribed: -1})
		for uid := 1; uid <= 5; uid++ {
			members = append(members, sims.Member{Kind: sims.Message, Name: fmt.Sprintf("many%d/INBOX/%d", i, uid), Size: 250 << 10, Time: 900000000, Subscribed: -1})
		}
	}
	// Of a source that cannot seek, what is left out is read too.
	s, err := NewStream("far", io.MultiReader(bytes.NewReader(bodies(t, members))))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	var rep Report
	go func() {
		var err error
		rep, err = Restore(t.Context(), t.TempDir(), []*Stream{s}, Options{Selection: storeconv.Selection{Users: users}})
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil || rep.Messages != int64(len(users)) {
			t.Errorf("%v, report %+v", err, rep)
		}
	case <-time.After(time.Minute):
		t.Fatal("the reader waits for a buffer, and the buffers for the reader")
	}
}
