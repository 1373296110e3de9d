package benchmarks

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/backup"
	"imsconv/storeconv/bench"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/inspect"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/verify"
)

// mailbox is a mailbox of a stream that is made: so many messages of a size. Of
// each ten messages, as many as links says are links to the one before.
type mailbox struct {
	user, name            string
	messages, size, links int
}

// streams are the shapes of streams.
var streams = []struct {
	name  string
	boxes func(yield func(mailbox))
}{
	{"ordinary", nil}, // that of storeconv bench
	{"100000-tiny-messages", func(yield func(mailbox)) {
		for i := range 100 {
			yield(mailbox{fmt.Sprintf("user%04d", i), "INBOX", 1000, 200, 0})
		}
	}},
	{"one-huge-mailbox", func(yield func(mailbox)) { yield(mailbox{"ann", "INBOX", 100_000, 500, 0}) }},
	{"100000-mailboxes", func(yield func(mailbox)) {
		for i := range 1000 {
			for j := range 100 {
				yield(mailbox{fmt.Sprintf("user%04d", i), fmt.Sprintf("box%02d", j), 0, 0, 0})
			}
		}
	}},
	{"deep-folders", func(yield func(mailbox)) {
		for i := range 50 {
			for depth := 1; depth <= 40; depth++ {
				yield(mailbox{fmt.Sprintf("user%04d", i), strings.Repeat("deeper/", depth-1) + "end", 2, 1000, 0})
			}
		}
	}},
	{"duplicates", func(yield func(mailbox)) {
		for i := range 50 {
			yield(mailbox{fmt.Sprintf("user%04d", i), "INBOX", 200, 4000, 8})
		}
	}},
	{"large-messages", func(yield func(mailbox)) {
		for i := range 4 {
			yield(mailbox{fmt.Sprintf("user%04d", i), "INBOX", 4, 8 << 20, 0})
		}
	}},
}

// ordinary is the stream of storeconv bench.
var ordinary = bench.Shape{Seed: 1, Messages: 5000, Users: 50, Mailboxes: 4, Links: 0.02, Sizes: bench.Sizes{Median: 6 << 10}}

// writeStream makes a stream, and tells the messages and mailboxes that it has.
func writeStream(w io.Writer, boxes func(yield func(mailbox))) (items int64, err error) {
	if boxes == nil {
		return ordinary.Messages, bench.WriteStream(w, ordinary)
	}
	out, err := sims.NewWriter(w, sims.Header{Product: "SIMS 4.0", Date: 981538200}, 0)
	if err != nil {
		return 0, err
	}
	last := ""
	boxes(func(m mailbox) {
		if m.user != last && err == nil {
			err = out.WriteMember(&sims.Member{Kind: sims.User, Name: m.user, Quota: -1, HasQuota: true})
			last = m.user
		}
		if err == nil {
			err = writeMailbox(out, m)
		}
		items += int64(max(m.messages, 1))
	})
	if err != nil {
		return 0, err
	}
	return items, out.Close()
}

func writeMailbox(out *sims.Writer, m mailbox) error {
	name := m.user + "/" + m.name
	if err := out.WriteMember(&sims.Member{Kind: sims.Mailbox, Name: name, UIDValidity: 900000000, UIDNext: uint32(m.messages + 1), Subscribed: 1}); err != nil {
		return err
	}
	first := ""
	for uid := 1; uid <= m.messages; uid++ {
		member := sims.Member{Kind: sims.Message, Name: fmt.Sprintf("%s/%d", name, uid), Time: 946684800, Size: int64(m.size), Flags: `\Seen`}
		if uid%10 >= 10-m.links && first != "" {
			member.Kind, member.Size, member.Link = sims.Link, 0, first
			if err := out.WriteMember(&member); err != nil {
				return err
			}
			continue
		}
		first = member.Name
		if err := out.WriteMember(&member); err != nil {
			return err
		}
		head := fmt.Sprintf("From: a@siroe.com\r\nSubject: message %d of %s\r\nMessage-ID: <%d.%s@siroe.com>\r\n\r\n", uid, m.user, uid, m.user)
		body := append([]byte(head), bytes.Repeat([]byte("text of a message, line by line, again and again\r\n"), m.size/50+1)...)
		if _, err := out.Write(body[:m.size]); err != nil {
			return err
		}
	}
	return nil
}

// faultless fails the benchmark when a conversion finds fault: its time would
// be that of another thing.
type faultless struct{ b *testing.B }

func (f faultless) Problem(kind, where, text string) { f.b.Errorf("%s: %s [%s]", where, text, kind) }
func (f faultless) Warning(string, string, string)   {}

// restoreInto makes a store of a stream.
func restoreInto(b *testing.B, store string, text []byte, opt restore.Options) error {
	s, err := restore.NewStream("bench", bytes.NewReader(text))
	if err != nil {
		return err
	}
	opt.Log = faultless{b}
	_, err = restore.Restore(context.Background(), store, []*restore.Stream{s}, opt)
	return err
}

// forEachStream runs a benchmark on every shape of a stream, and on the store
// made of it when stored is set.
func forEachStream(b *testing.B, stored bool, op func(b *testing.B, dir string, text []byte, items int64)) {
	for _, s := range streams {
		b.Run(s.name, func(b *testing.B) {
			dir := scratch(b)
			var items int64
			text := inMemory(b, func(w io.Writer) (err error) {
				items, err = writeStream(w, s.boxes)
				return err
			})
			if stored {
				if err := restoreInto(b, filepath.Join(dir, "store"), text, restore.Options{Sync: storeconv.SyncNone}); err != nil {
					b.Fatal(err)
				}
			}
			op(b, dir, text, items)
		})
	}
}

// removing runs op in a loop and removes what it has made, unmeasured.
func removing(b *testing.B, path string, items, size int64, unit string, op func() error) {
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if err := op(); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := os.RemoveAll(path); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(items)*float64(b.N)/b.Elapsed().Seconds(), unit+"/s")
}

// BenchmarkRestore makes a store of every shape of a stream.
func BenchmarkRestore(b *testing.B) {
	forEachStream(b, false, func(b *testing.B, dir string, text []byte, items int64) {
		store := filepath.Join(dir, "store")
		removing(b, store, items, int64(len(text)), "items", func() error {
			return restoreInto(b, store, text, restore.Options{Sync: storeconv.SyncNone})
		})
	})
}

// BenchmarkRestoreModes restores the ordinary stream in every other way.
func BenchmarkRestoreModes(b *testing.B) {
	for _, how := range []struct {
		name string
		opt  restore.Options
	}{
		{"sync-batch", restore.Options{Sync: storeconv.SyncBatch}}, {"sync-user", restore.Options{Sync: storeconv.SyncUser}},
		{"1-job", restore.Options{Jobs: 1, Sync: storeconv.SyncNone}}, {"crlf", restore.Options{CRLF: true, Sync: storeconv.SyncNone}},
		{"dry-run", restore.Options{DryRun: true}},
	} {
		b.Run(how.name, func(b *testing.B) {
			store := filepath.Join(scratch(b), "store")
			text := inMemory(b, func(w io.Writer) error { return bench.WriteStream(w, ordinary) })
			removing(b, store, ordinary.Messages, int64(len(text)), "messages", func() error { return restoreInto(b, store, text, how.opt) })
		})
	}
}

// BenchmarkRestoreAgain restores into a store that has all of it: every message
// is a duplicate.
func BenchmarkRestoreAgain(b *testing.B) {
	dir := scratch(b)
	store := filepath.Join(dir, "store")
	text := inMemory(b, func(w io.Writer) error { return bench.WriteStream(w, ordinary) })
	if err := restoreInto(b, store, text, restore.Options{Sync: storeconv.SyncNone}); err != nil {
		b.Fatal(err)
	}
	measured(b, ordinary.Messages, int64(len(text)), "messages", func() error {
		return restoreInto(b, store, text, restore.Options{Sync: storeconv.SyncNone})
	})
}

// BenchmarkVerify checks the store of every shape of a stream.
func BenchmarkVerify(b *testing.B) {
	forEachStream(b, true, func(b *testing.B, dir string, text []byte, items int64) {
		measured(b, items, int64(len(text)), "items", func() error {
			_, err := verify.Store(context.Background(), filepath.Join(dir, "store"), verify.StoreOptions{Log: faultless{b}})
			return err
		})
	})
}

// BenchmarkVerifyStream checks stores against their streams.
func BenchmarkVerifyStream(b *testing.B) {
	forEachStream(b, true, func(b *testing.B, dir string, text []byte, items int64) {
		measured(b, items, int64(len(text)), "items", func() error {
			_, err := verify.Store(context.Background(), filepath.Join(dir, "store"),
				verify.StoreOptions{Streams: []verify.Stream{{Name: "bench", R: bytes.NewReader(text)}}, Log: faultless{b}})
			return err
		})
	})
}

// BenchmarkBackup makes a stream of the store of every shape of one.
func BenchmarkBackup(b *testing.B) {
	forEachStream(b, true, func(b *testing.B, dir string, text []byte, items int64) {
		measured(b, items, int64(len(text)), "items", func() error {
			_, err := backup.Backup(context.Background(), io.Discard, filepath.Join(dir, "store"), backup.Options{TempDir: dir, Log: faultless{b}})
			return err
		})
	})
}

// BenchmarkList reads the members of every shape of a stream.
func BenchmarkList(b *testing.B) {
	forEachStream(b, false, func(b *testing.B, _ string, text []byte, items int64) {
		measured(b, items, int64(len(text)), "items", func() error {
			for _, err := range sims.NewReader(bytes.NewReader(text)).All() {
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// BenchmarkInspect prints one mailbox, of a hundred thousand messages.
func BenchmarkInspect(b *testing.B) {
	store := filepath.Join(scratch(b), "store")
	const n = 100_000
	text := inMemory(b, func(w io.Writer) error {
		_, err := writeStream(w, func(yield func(mailbox)) { yield(mailbox{"ann", "INBOX", n, 200, 0}) })
		return err
	})
	if err := restoreInto(b, store, text, restore.Options{Sync: storeconv.SyncNone}); err != nil {
		b.Fatal(err)
	}
	measured(b, n, int64(len(text)), "messages", func() error {
		_, err := inspect.Mailbox(io.Discard, store, "user/ann", "")
		return err
	})
}

// BenchmarkRelocate makes an iMS store of an NMS store in every way.
func BenchmarkRelocate(b *testing.B) {
	dir := scratch(b)
	from := filepath.Join(dir, "nms")
	site, err := testsite.WriteNMS(from, testsite.NMSOptions{Seed: 1, Users: 50, Messages: 5000})
	if err != nil {
		b.Fatal(err)
	}
	for _, via := range []relocate.Via{relocate.ViaHardlink, relocate.ViaCopy, relocate.ViaSymlink} {
		b.Run(string(via), func(b *testing.B) {
			to := filepath.Join(dir, "out")
			removing(b, to, int64(site.Files), 0, "files", func() error {
				_, err := relocate.Relocate(context.Background(), to, from, relocate.Options{Via: via, Sync: storeconv.SyncNone, Log: faultless{b}})
				return err
			})
		})
	}
}

// BenchmarkHashdir finds the directories of users.
func BenchmarkHashdir(b *testing.B) {
	const id = "john.smith@siroe.com"
	measured(b, 1, int64(len(id)), "ids", func() error {
		if dir := ims.UserDir("primary", id); !strings.HasSuffix(dir, "=john%dsmith@siroe%dcom") {
			return fmt.Errorf("the directory is %s", dir)
		}
		return nil
	})
}
