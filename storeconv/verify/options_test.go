package verify_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imsconv/storeconv"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/verify"
)

// TestRestoreOptions restores in each way there is and wants the store to be
// without a fault when verify is told of it, and with one when it is not.
func TestRestoreOptions(t *testing.T) {
	stream := makeStream(t, 7,
		made{name: "joe/INBOX/1", body: "Subject: a\n\nbare\nlines\r\n", date: 900000001, flags: `\Seen Work`},
		made{name: "joe/INBOX/2", body: mail(2), date: 900000002, flags: "expired"},
		made{name: "joe/Entw\xfcrfe/1", body: mail(3), date: 900000003},
		made{name: "zoe@siroe.com/INBOX/1", link: "joe/INBOX/1", date: 900000004},
		made{name: "zoe@siroe.com/INBOX/2", link: "joe/INBOX/2", date: 900000005},
		made{name: "zoe@siroe.com/Mail/old/3", link: "joe/INBOX/2", date: 900000006},
		made{name: "amy/INBOX/1", body: "", date: 900000007, flags: `\Deleted pending`})
	for _, tt := range []struct {
		name    string
		restore restore.Options
		verify  verify.StoreOptions
	}{
		{"encoding", restore.Options{Selection: storeconv.Selection{Encoding: "iso-8859-1"}}, verify.StoreOptions{Selection: storeconv.Selection{Encoding: "ISO-8859-1"}}},
		{"domain", restore.Options{Selection: storeconv.Selection{Encoding: "latin1", Domain: "siroe.com"}}, verify.StoreOptions{Selection: storeconv.Selection{Encoding: "latin1", Domain: "SIROE.com"}}},
		{"crlf", restore.Options{Selection: storeconv.Selection{Encoding: "latin1"}, CRLF: true}, verify.StoreOptions{Selection: storeconv.Selection{Encoding: "latin1"}, CRLF: true}},
		{"no index", restore.Options{Selection: storeconv.Selection{Encoding: "latin1"}, NoIndex: true}, verify.StoreOptions{Selection: storeconv.Selection{Encoding: "latin1"}, NoIndex: true}},
		{"shard", restore.Options{Selection: storeconv.Selection{Encoding: "latin1", Shard: storeconv.Shard{Index: 1, Count: 2}}}, verify.StoreOptions{Selection: storeconv.Selection{Encoding: "latin1", Shard: storeconv.Shard{Index: 1, Count: 2}}}},
		{"path", restore.Options{Selection: storeconv.Selection{Encoding: "latin1", Paths: []string{"zoe@siroe.com/Mail", "joe/INBOX"}}}, verify.StoreOptions{Selection: storeconv.Selection{Encoding: "latin1", Paths: []string{"zoe@siroe.com/Mail", "/primary/user/joe/inbox"}}}},
		{"links alone", restore.Options{Selection: storeconv.Selection{Users: map[string]bool{"zoe@siroe.com": true}}}, verify.StoreOptions{Selection: storeconv.Selection{Users: map[string]bool{"zoe@siroe.com": true}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := filepath.Join(t.TempDir(), "store")
			restoreStream(t, store, tt.restore, stream)
			log := verifyStreams(t, store, tt.verify, stream)
			log.none(t)
			if log := verifyStreams(t, store, verify.StoreOptions{}, stream); len(log.problems) == 0 {
				t.Error("without the options of the restore nothing is missed")
			}
		})
	}
}

// TestNamed: who is named and does not come is a problem.
func TestNamed(t *testing.T) {
	stream := makeStream(t, 7, made{name: "joe/INBOX/1", body: mail(1), date: 900000001})
	store := filepath.Join(t.TempDir(), "store")
	restoreStream(t, store, restore.Options{}, stream)
	for _, sel := range []storeconv.Selection{
		{Users: map[string]bool{"joe": true, "jo": true}},
		{Paths: []string{"joe", "jo"}},
		{Paths: []string{"joe/INBOX", "joe/Mail"}},
	} {
		log := verifyStreams(t, store, verify.StoreOptions{Selection: sel}, stream)
		if len(log.problems) != 1 || !strings.HasPrefix(log.problems[0], "no-such-user jo") {
			t.Errorf("%+v: %q", sel, log.problems)
		}
	}
}

// silence is a pipe that says something, and then nothing more: whoever waits
// for it then is told of.
type silence struct {
	r       io.Reader
	waiting func()
}

func (s *silence) Read(p []byte) (int, error) {
	if n, err := s.r.Read(p); err == nil {
		return n, nil
	}
	s.waiting()
	select {}
}

// TestInterrupt: the end of the context ends a run that waits, and what it
// interrupts is no problem.
func TestInterrupt(t *testing.T) {
	s := restoreSite(t, testsite.StreamOptions{Seed: 31, Users: 3, Messages: 60, MedianSize: 300})
	data, err := os.ReadFile(s.stream)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	log := new(recorder)
	done := make(chan error, 1)
	go func() {
		_, err := verify.Store(ctx, s.store, verify.StoreOptions{Log: log, Streams: []verify.Stream{{Name: "pipe", R: &silence{bytes.NewReader(data[:len(data)/2]), cancel}}}})
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		log.none(t)
	case <-time.After(time.Minute):
		t.Fatal("it waits for the pipe")
	}
	_, err = verify.Store(ctx, s.store, verify.StoreOptions{Log: log})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("canceled before: %v", err)
	}
	log.none(t)
}

// TestReadsOnly: neither store nor source is changed.
func TestReadsOnly(t *testing.T) {
	r := relocateSite(t, testsite.NMSOptions{Seed: 32, Users: 4}, relocate.Options{Via: relocate.ViaCopy})
	before := listing(t, filepath.Dir(r.store))
	verifyNMS(t, r.store, r.from, r.opts)
	verifyStore(t, r.store, verify.StoreOptions{Origin: &verify.Origin{From: r.from}})
	if after := listing(t, filepath.Dir(r.store)); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// listing has names, sizes, modes and times of a tree.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			b.WriteString(path + " " + info.Mode().String() + " " + info.ModTime().String() + "\n")
		}
		return err
	}))
	return b.String()
}
