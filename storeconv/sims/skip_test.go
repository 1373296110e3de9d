package sims

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv/testsite/edits"
)

// pattern says which bodies are read, and how: one letter for a member, again
// and again. s: not at all, b: at once, c: in pieces, p: some bytes of it, t:
// one byte.
type pattern string

// everything lists what a reader makes of a source: members and problems as
// they are told, and what was read of bodies.
func everything(t testing.TB, src io.Reader, p pattern, limit int) (out []string) {
	r := newReader(src, 2, minBuf)
	r.step = 2 * blockSize // else the first read has all of a short stream
	for n := 0; ; n++ {
		if n > limit {
			t.Fatalf("pattern %q: the reader makes no progress", p)
		}
		m, err := r.Next()
		if err != nil {
			out = append(out, fmt.Sprintf("%T %v at %d", err, err, r.Offset()))
			if err == io.EOF || ErrorOf(err) == nil {
				return out
			}
			if d := ErrorOf(err); d.Member == nil {
				continue
			}
			m = ErrorOf(err).Member // its body can be read
		}
		body, err := take(r, m, p[n%len(p)])
		out = append(out, fmt.Sprintf("%+v: %x, %v", *m, body, err))
	}
}

func take(r *Reader, m *Member, how byte) (body []byte, err error) {
	switch {
	case how == 'p' || how == 't':
		body = make([]byte, 1)
		if how == 'p' {
			body = make([]byte, 1+m.Size/2)
		}
		n, err := io.ReadFull(r, body)
		return body[:n], err
	case how == 'b' && m.Kind == Message && m.Size <= MaxInline:
		return r.Bytes()
	case how != 's':
		for {
			piece, err := r.Chunk()
			body = append(body, piece...)
			if err != nil {
				return body, err
			}
		}
	}
	return nil, nil
}

var patterns = []pattern{"s", "b", "c", "p", "t", "sb", "sssb", "bs", "bbbbbbbbssss", "ssp", "stsc"}

// sameSkipped holds that a file is read like a pipe, whatever is skipped.
func sameSkipped(t testing.TB, b []byte, p pattern) {
	t.Helper()
	pipe := everything(t, noSeek{bytes.NewReader(b)}, p, len(b)+16)
	for name, src := range map[string]io.Reader{
		"file":                 bytes.NewReader(b),
		"part of a file":       io.NewSectionReader(bytes.NewReader(append([]byte("x"), b...)), 1, int64(len(b))),
		"file of short pieces": &pieces{bytes.NewReader(b), 700},
		"file that has grown":  &grown{bytes.NewReader(b), int64(len(b) / 2)},
	} {
		if file := everything(t, src, p, len(b)+16); !slices.Equal(file, pipe) {
			t.Fatalf("pattern %q: a %s differs from a pipe:\n%.4000s", p, name, cmp.Diff(pipe, file))
		}
	}
}

// pieces gives few bytes at a time.
type pieces struct {
	io.ReadSeeker
	most int
}

func (p *pieces) Read(b []byte) (int, error) { return p.ReadSeeker.Read(b[:min(len(b), p.most)]) }

// grown had another length when it was asked for it.
type grown struct {
	io.ReadSeeker
	end int64
}

func (g *grown) Seek(to int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		return g.end, nil
	}
	return g.ReadSeeker.Seek(to, whence)
}

// sizes are on either side of whatever may count.
var sizes = []int{0, 1, 511, 512, 513, 1500, 2047, 2048, 2560, 2561, 3000, 4096, 6000, 9000, 20000, 70000}

// mixed is a stream of such messages, of links and directories.
func mixed(t testing.TB, sizes []int) []byte {
	var out bytes.Buffer
	w, err := NewWriter(&out, Header{Product: "p"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	add := func(m Member, body string) {
		if err := w.WriteMember(&m); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	for i, size := range sizes {
		box := fmt.Sprintf("u%d/INBOX", i/5)
		if i%5 == 0 {
			add(Member{Kind: Mailbox, Name: box, UIDValidity: 7, Subscribed: -1}, "")
		}
		name := fmt.Sprintf("%s/%d", box, i+1)
		add(Member{Kind: Message, Name: name, Size: int64(size), Time: int64(i), Flags: `\Seen`}, strings.Repeat(string(rune('a'+i%26)), size))
		if i%7 == 0 {
			add(Member{Kind: Link, Name: name + "0", Link: name}, "")
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// What is skipped changes nothing about what is told, in whole streams and in
// damaged ones.
func TestSkippedBodies(t *testing.T) {
	long := mixed(t, []int{3000, MaxInline, 9000, MaxInline + 1, 700, 1 << 20, 5000})
	for _, b := range [][]byte{sample(t), mixed(t, sizes), long, long[:len(long)-600<<10]} {
		for _, p := range patterns {
			sameSkipped(t, b, p)
		}
	}
}

// Streams cut anywhere, with holes, with other bytes anywhere.
func TestSkippedBodiesOfDamagedStreams(t *testing.T) {
	whole := mixed(t, sizes[:14])
	rng := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		b := bytes.Clone(whole)
		for range rng.IntN(4) {
			at, n := rng.IntN(len(b)), rng.IntN(4*blockSize)
			if rng.IntN(2) == 0 {
				at, n = at/blockSize*blockSize, n/blockSize*blockSize
			}
			switch end := min(at+n, len(b)); rng.IntN(4) {
			case 0:
				clear(b[at:end])
			case 1:
				b[at] ^= byte(1 + rng.IntN(255))
			case 2:
				b = slices.Delete(b, at, end)
			case 3:
				b = slices.Insert(b, at, bytes.Repeat([]byte{byte(rng.IntN(256))}, n)...)
			}
		}
		b = b[:len(b)-rng.IntN(2)*rng.IntN(len(b))]
		random := make([]byte, 1+rng.IntN(20))
		for i := range random {
			random[i] = "sssbcpt"[rng.IntN(7)]
		}
		sameSkipped(t, b, pattern(random))
	}
}

// A file that is cut while it is read ends where it ends, inside a body that
// was passed over too.
func TestFileCutWhileItIsRead(t *testing.T) {
	b := mixed(t, sizes)
	for n := 600; n < len(b); n += 777 {
		want := everything(t, noSeek{bytes.NewReader(b[:n])}, "s", len(b))
		got := everything(t, &grown{bytes.NewReader(b[:n]), int64(len(b))}, "s", len(b))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("cut at %d:\n%s", n, diff)
		}
	}
}

// broken cannot be read from a place on.
type broken struct {
	*bytes.Reader
	from int64
}

var errBroken = errors.New("input/output error")

func (b *broken) Read(p []byte) (int, error) {
	at, _ := b.Seek(0, io.SeekCurrent)
	if at >= b.from {
		return 0, errBroken
	}
	return b.Reader.Read(p[:min(int64(len(p)), b.from-at)])
}

// A file that cannot be read from a place on is read up to there.
func TestSkipToWhereReadingFails(t *testing.T) {
	b := mixed(t, sizes)
	for from := int64(600); from < int64(len(b)); from += 999 {
		want := everything(t, noSeek{&broken{bytes.NewReader(b), from}}, "ssb", len(b))
		got := everything(t, &broken{bytes.NewReader(b), from}, "ssb", len(b))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("broken at %d:\n%s", from, diff)
		}
	}
}

// counted counts calls and bytes.
type counted struct {
	*os.File
	reads, seeks int
	bytes        int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.File.Read(p)
	c.reads++
	c.bytes += int64(n)
	return n, err
}

func (c *counted) Seek(to int64, whence int) (int64, error) {
	c.seeks++
	return c.File.Seek(to, whence)
}

// countedRead reads a file of those bytes.
func countedRead(t *testing.T, b []byte, p pattern) *counted {
	path := filepath.Join(t.TempDir(), "stream")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := &counted{File: f}
	everything(t, c, p, len(b))
	return c
}

// Of bodies that are not wanted little is read, in few calls; those that are
// wanted are read in large pieces again.
func TestWhatIsReadOfASkippedStream(t *testing.T) {
	const messages, size = 1000, 12000
	b := mixed(t, slices.Repeat([]int{size}, messages))
	skipped, taken := countedRead(t, b, "s"), countedRead(t, b, "b")
	if limit := int64(messages * 3 << 10); skipped.bytes > limit {
		t.Errorf("%d of %d bytes are read, more than %d", skipped.bytes, len(b), limit)
	}
	if skipped.reads > 3*messages/2 || skipped.seeks > messages+10 {
		t.Errorf("%d reads and %d seeks for %d messages", skipped.reads, skipped.seeks, messages)
	}
	if taken.reads > 3*len(b)/minBuf+10 || taken.bytes != int64(len(b)) {
		t.Errorf("all is wanted: %d bytes of %d in %d reads", taken.bytes, len(b), taken.reads)
	}
	part := countedRead(t, b, pattern(strings.Repeat("s", 600)+strings.Repeat("b", 4000)))
	if part.reads > 1000+3*len(b)/minBuf {
		t.Errorf("half is wanted: %d reads", part.reads)
	}
}

// A body that is long, or whose end is not there, is not read to be passed
// over.
func TestWhatIsReadOfALongBody(t *testing.T) {
	b := mixed(t, []int{3000, 8 << 20, 3000})
	for _, end := range []int{len(b), 6 << 20} {
		if c := countedRead(t, b[:end], "s"); c.bytes > 32<<10 {
			t.Errorf("of %d bytes %d are read", end, c.bytes)
		}
	}
}

// FuzzSkip holds that nothing depends on which bodies are read, nor on whether
// the source can seek.
func FuzzSkip(f *testing.F) {
	samples := [][]byte{sample(f)[:6<<10], mixed(f, sizes[10:14]), mixed(f, []int{9000, 3000, 9000})[:14<<10]}
	for i := range samples {
		f.Add(byte(i), []byte{}, "sb", false)
	}
	f.Add(byte(1), []byte("\x03\x0c\x00\x00\x01\x08\x7d\x01"), "sp", true)
	f.Fuzz(func(t *testing.T, which byte, damage []byte, p string, mend bool) {
		if p == "" || strings.Trim(p, "sbcpt") != "" {
			return
		}
		b := edits.Apply(samples[int(which)%len(samples)], damage)
		if mend {
			edits.MendTar(b)
		}
		if _, err := newReader(bytes.NewReader(b), 2, minBuf).Header(); err != nil {
			return
		}
		sameSkipped(t, b, pattern(p))
	})
}
