package restore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// lineLog keeps what a conversion says.
type lineLog struct {
	mu    sync.Mutex
	lines []string
	lost  int
}

func (l *lineLog) Problem(kind, where, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost++
	l.lines = append(l.lines, "problem: "+kind+": "+where+": "+text)
}

func (l *lineLog) Warning(kind, where, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, "warning: "+kind+": "+where+": "+text)
}

type expected struct {
	Users     []string
	Mailboxes []struct {
		User, Name, Dir string
		UIDValidity     uint32
		Subscribed      int
		Expired         int64
		Messages        []struct {
			UID    uint32
			Path   string
			Size   int64
			SHA256 string
			Date   int64
			Flags  []string
			Linked bool
		}
	}
}

func readExpected(t testing.TB) expected {
	b, err := os.ReadFile("../../testdata/site/expect.json")
	if err != nil {
		t.Fatal(err)
	}
	var e expected
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

const samplePath = "../../testdata/site/sims/backup.sims"

func sampleBytes(t testing.TB) []byte {
	b, err := os.ReadFile(samplePath)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func stream(t testing.TB, name string, r io.Reader) *Stream {
	t.Helper()
	s, err := NewStream(name, r)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// pipe hides everything but Read.
type pipe struct{ io.Reader }

// restoreTo restores streams and returns report and log.
func restoreTo(t testing.TB, store string, opt Options, inputs ...io.Reader) (Report, *lineLog, error) {
	t.Helper()
	log := &lineLog{}
	opt.Log = log
	var streams []*Stream
	for i, r := range inputs {
		streams = append(streams, stream(t, fmt.Sprintf("s%d", i), r))
	}
	rep, err := Restore(context.Background(), store, streams, opt)
	return rep, log, err
}

// treeHash hashes paths, modes, sizes, times and contents of the files below
// dir, and which of them are one file.
func treeHash(t testing.TB, dir string) (string, []string) {
	t.Helper()
	var lines []string
	first := make(map[uint64]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if d.IsDir() {
			lines = append(lines, fmt.Sprintf("%s %o", rel, info.Mode()))
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		link := ""
		ino := info.Sys().(*syscall.Stat_t).Ino
		if f, ok := first[ino]; ok {
			link = " = " + f
		}
		first[ino] = rel
		lines = append(lines, fmt.Sprintf("%s %o %d %x%s", rel, info.Mode(), info.ModTime().Unix(), sha256.Sum256(b), link))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:]), lines
}

func TestRestoreSample(t *testing.T) {
	want := readExpected(t)
	for _, jobs := range []int{1, 2, 3} {
		for _, piped := range []bool{false, true} {
			store := filepath.Join(shmDir(t), "store")
			var in io.Reader = bytes.NewReader(sampleBytes(t))
			if piped {
				in = pipe{in}
			}
			// In every other run the lines of the indexes go through files.
			rep, log, err := restoreTo(t, store, Options{Jobs: jobs, linesKept: 600 * (jobs % 2)}, in)
			if err != nil || len(log.lines) > 0 {
				t.Fatalf("%v, said %q", err, log.lines)
			}
			checkSample(t, store, want, rep)
		}
	}
}

func checkSample(t *testing.T, store string, want expected, rep Report) {
	t.Helper()
	files, messages, expired := 0, int64(0), int64(0)
	inodes := make(map[string]uint64) // by hash
	for _, box := range want.Mailboxes {
		dir := filepath.Join(store, box.Dir)
		f, err := os.Open(filepath.Join(dir, "store.idx"))
		if err != nil {
			t.Fatal(err)
		}
		x, err := ims.ReadIndex(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		files++
		expired += box.Expired
		if x.Name != ims.MailboxName(box.User, box.Name) || x.UIDValidity != box.UIDValidity || x.Subscribed != (box.Subscribed == 1) ||
			len(x.Messages) != len(box.Messages) || x.Exists != int64(len(box.Messages)) || x.Partition != "primary" {
			t.Errorf("%s: header %+v", box.Dir, x.Header)
		}
		for i, m := range box.Messages {
			files++
			messages++
			path := filepath.Join(store, m.Path)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			info, _ := os.Stat(path)
			sum := sha256.Sum256(b)
			rec := x.Messages[i]
			flags := rec.Flags.Names()
			for n, k := range x.Userflags {
				if rec.HasKeyword(n) {
					flags = append(flags, k)
				}
			}
			slices.Sort(flags)
			if hex.EncodeToString(sum[:]) != m.SHA256 || rec.SHA256 != sum || rec.UID != m.UID || rec.Size != m.Size || rec.InternalDate != m.Date ||
				!cmp.Equal(append([]string{}, flags...), append([]string{}, m.Flags...)) || int64(len(b)) != m.Size || info.Mode() != 0o600 {
				t.Errorf("%s: record %+v, flags %q, want %+v", m.Path, rec, flags, m)
			}
			ino := info.Sys().(*syscall.Stat_t).Ino
			if first, ok := inodes[m.SHA256]; ok && first != ino {
				t.Errorf("%s: not the same file as its first copy", m.Path)
			} else if !ok && m.Linked {
				t.Errorf("%s: comes before its first copy", m.Path)
			} else if !ok {
				inodes[m.SHA256] = ino
				if info.ModTime().Unix() != m.Date {
					t.Errorf("%s: modification time %v", m.Path, info.ModTime())
				}
			}
		}
	}
	_, lines := treeHash(t, store)
	for _, l := range lines {
		if strings.Contains(l, ".msg ") || strings.Contains(l, "store.idx ") {
			files--
		}
	}
	if files != 0 {
		t.Errorf("%d files too few in the store", files)
	}
	if rep.Messages != messages || rep.Mailboxes != int64(len(want.Mailboxes)) || rep.Users != int64(len(want.Users)) || rep.Expired != expired {
		t.Errorf("report %+v, want %d messages, %d mailboxes, %d users, %d expired", rep, messages, len(want.Mailboxes), len(want.Users), expired)
	}
	if _, err := os.Stat(filepath.Join(store, ".imsconv")); !os.IsNotExist(err) {
		t.Errorf("the run's folder is still there: %v", err)
	}
}

// Copies of one message and date keep the flags that each of them has, where
// nothing but their content and place tells of them, however often the stream
// is restored and whatever the order of their UIDs in it.
func TestCopiesKeepTheirFlags(t *testing.T) {
	var b bytes.Buffer
	w, err := sims.NewWriter(&b, sims.Header{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*sims.Member{
		{Name: "joe/INBOX/900", Flags: `\Seen`},
		{Name: "joe/INBOX/20", Flags: `\Deleted`},
		{Name: "joe/INBOX/3"},
	} {
		m.Kind, m.Time, m.Size = sims.Message, 900000000, 5
		if err := w.WriteMember(m); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, "equal")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(shmDir(t), "store")
	var first []string
	for range 3 {
		if _, log, err := restoreTo(t, store, Options{}, bytes.NewReader(b.Bytes())); err != nil || len(log.lines) > 0 {
			t.Fatalf("%v, said %q", err, log.lines)
		}
		_, now := treeHash(t, store)
		if first == nil {
			first = now
		}
		if diff := cmp.Diff(first, now); diff != "" {
			t.Fatalf("the store has changed:\n%s", diff)
		}
	}
}

// A second run finds everything in place.
func TestRestoreTwiceChangesNothing(t *testing.T) {
	store := filepath.Join(shmDir(t), "store")
	if _, _, err := restoreTo(t, store, Options{}, bytes.NewReader(sampleBytes(t))); err != nil {
		t.Fatal(err)
	}
	_, before := treeHash(t, store)
	rep, log, err := restoreTo(t, store, Options{}, pipe{bytes.NewReader(sampleBytes(t))})
	if err != nil || len(log.lines) > 0 {
		t.Fatalf("%v, said %q", err, log.lines)
	}
	_, after := treeHash(t, store)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the store has changed:\n%s", diff)
	}
	if rep.Messages != 0 || rep.Duplicates != 91 {
		t.Errorf("report %+v", rep)
	}
}
