package sims

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// read reads a stream with one way of reading bodies, in small pieces of the
// source: what it is told, and how many bytes the bodies have.
func read(t *testing.T, b []byte, body func(r *Reader) (int, error)) (notes []string, bodies int) {
	t.Helper()
	r := newReader(noSeek{bytes.NewReader(b)}, 2, minBuf)
	for m, err := range r.All() {
		if p := ErrorOf(err); p != nil {
			notes = append(notes, p.Class+" "+p.Error())
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind != Message {
			continue
		}
		n, err := body(r)
		bodies += n
		if p := ErrorOf(err); p != nil {
			notes = append(notes, p.Class+" "+p.Error())
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return notes, bodies
}

// ways are the ways of reading a body.
var ways = []struct {
	name string
	body func(r *Reader) (int, error)
}{
	{"Bytes", func(r *Reader) (int, error) {
		if r.left > MaxInline {
			n, err := io.Copy(io.Discard, struct{ io.Reader }{r})
			return int(n), err
		}
		b, err := r.Bytes()
		return len(b), err
	}},
	{"Chunk", func(r *Reader) (n int, err error) {
		for {
			b, err := r.Chunk()
			if n += len(b); err == io.EOF {
				return n, nil
			} else if err != nil {
				return n, err
			}
		}
	}},
	{"Read", func(r *Reader) (n int, err error) {
		k, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, make([]byte, 700))
		return int(k), err
	}},
	{"Read 1", func(r *Reader) (n int, err error) {
		k, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, make([]byte, 1))
		return int(k), err
	}},
}

// A tape that has lost whole blocks gives a message the headers that stand
// behind them; each is told, however the body is read.
func TestBlocksLostInABody(t *testing.T) {
	for _, size := range []int{100, 512, 613, 5000, 300_000} {
		var whole bytes.Buffer
		w, err := NewWriter(&whole, Header{Profile: "1"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		var ends []int
		put := func(name string, n int) {
			text := "Subject: x\r\n\r\n" + strings.Repeat("y", n)
			if err := w.WriteMember(&Member{Kind: Message, Name: name, Size: int64(len(text)), Time: 5}); err != nil {
				t.Fatal(err)
			}
			ends = append(ends, int(w.Offset()))
			io.WriteString(w, text)
		}
		put("joe/INBOX/1", size)
		put("joe/INBOX/2", 700)
		put("joe/INBOX/3", 2000)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		blocks := int(roundUp(int64(size+14))) / blockSize
		for _, lost := range []int{1, 2, blocks - 1, blocks} {
			if lost < 1 || lost > blocks {
				continue
			}
			b := bytes.Clone(whole.Bytes())
			b = append(b[:ends[0]], b[ends[0]+lost*blockSize:]...)
			next := ends[0] + (blocks-lost)*blockSize // where the header behind now stands
			text := fmt.Sprintf("the header of another member stands in its body, at offset %d: "+
				"blocks in front of that are missing, and what is behind is not its own", next)
			// What ends with the stream besides is told once.
			want := "lost offset 1024: joe/INBOX/1: " + text
			if end := len(b) - len(b)%blockSize; ends[0]+blocks*blockSize > end {
				want = fmt.Sprintf("truncated offset 1024: joe/INBOX/1: the stream ends at offset %d, inside a body of %d bytes; %s", end, size+14, text)
			}
			for _, way := range ways {
				if size > 10_000 && way.name == "Read 1" {
					continue
				}
				if notes, _ := read(t, b, way.body); !slices.Contains(notes, want) {
					t.Errorf("%d of %d blocks, %s: %q, want %q among them", lost, blocks, way.name, notes, want)
				}
			}
		}
		for _, way := range ways {
			notes, n := read(t, whole.Bytes(), way.body)
			if want := size + 700 + 2000 + 3*14; len(notes) > 0 || n != want {
				t.Errorf("size %d, %s: %q, %d bytes, want %d", size, way.name, notes, n, want)
			}
		}
	}
}

// What only looks like a header is a message's own: text with the magic word,
// and an archive that somebody sent, which begins in the middle of a block. Its
// zeros are told.
func TestArchiveInABody(t *testing.T) {
	inner := sample(t)
	fake := bytes.Clone(inner[:blockSize])
	fake[offChecksum]++
	for _, text := range [][]byte{
		append(bytes.Repeat([]byte("x"), blockSize), fake...),
		slices.Concat([]byte("Subject: see the archive\r\n\r\n"), inner, []byte("\r\n--end--\r\n")),
		bytes.Repeat([]byte("ustar\x0000"), 1000),
	} {
		var b bytes.Buffer
		w, err := NewWriter(&b, Header{Profile: "1"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WriteMember(&Member{Kind: Message, Name: "joe/INBOX/1", Size: int64(len(text)), Time: 5}); err != nil {
			t.Fatal(err)
		}
		w.Write(text)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for _, way := range ways[:3] {
			notes, n := read(t, b.Bytes(), way.body)
			notes = slices.DeleteFunc(notes, func(s string) bool { return strings.HasPrefix(s, "zeros ") && bytes.Contains(text, inner) })
			if len(notes) > 0 || n != len(text) {
				t.Errorf("%q..., %s: %q, %d bytes of %d", text[:20], way.name, notes, n, len(text))
			}
		}
	}
}

// TestBodyThatIsVouchedFor: a body that has the SHA-256 which its member says
// may have headers in it; one that has another sum is told, though it shows
// none. A sum that cannot be one is left out.
func TestBodyThatIsVouchedFor(t *testing.T) {
	var inner bytes.Buffer
	w, err := NewWriter(&inner, Header{Date: 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	plain := bytes.Repeat([]byte("plain\r\n"), 512)
	odd := append(bytes.Clone(plain), inner.Bytes()[:blockSize+3]...) // ends inside a block
	for _, body := range [][]byte{plain, odd, inner.Bytes()[:500]} {
		sum := sha256.Sum256(body)
		good := hex.EncodeToString(sum[:])
		other := strings.Repeat("0", 64)
		has := Doubtful(body)
		if want := !bytes.Equal(body, plain); has != want {
			t.Errorf("%d bytes: doubtful %t, want %t", len(body), has, want)
		}
		for said, want := range map[string]string{good: "", strings.ToUpper(good): "", other: Lost, "12": BadValue} {
			var out bytes.Buffer
			w, err := NewWriter(&out, Header{Date: 1}, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range []Member{{Kind: Message, Name: "joe/INBOX/1", Size: int64(len(body)), SHA256: said}, {Kind: Message, Name: "joe/INBOX/2"}} {
				if err := w.WriteMember(&m); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write(body[:m.Size]); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if want == BadValue && has {
				continue // two things
			}
			for _, way := range ways {
				notes, n := read(t, out.Bytes(), way.body)
				if told := strings.Join(notes, "\n"); n != len(body) || want == "" && told != "" || !strings.HasPrefix(told, want) || len(notes) > 1 {
					t.Errorf("%d bytes, %.8s, %s: %d bytes, told %q, want %q", len(body), said, way.name, n, told, want)
				}
			}
		}
	}
}

// TestZerosInABody: a body whose last block is zeros has lost blocks, or that
// one, and one with a block of zeros elsewhere may have, unless its SHA-256
// says that it is whole; it comes as it stands. What a writer has to vouch for
// is what a reader doubts.
func TestZerosInABody(t *testing.T) {
	text := strings.Repeat("line\r\n", 300) // 1800 bytes
	sum := func(body string) string { s := sha256.Sum256([]byte(body)); return hex.EncodeToString(s[:]) }
	for name, c := range map[string]struct {
		body string
		said string
		lost bool
	}{
		"text":                 {text, "", false},
		"a block is missing":   {text[:1288] + strings.Repeat("\x00", 512), "", true},
		"all are missing":      {strings.Repeat("\x00", 1800), "", true},
		"the last is zeros":    {text[:1536] + strings.Repeat("\x00", 264), "", true},
		"whole blocks":         {text[:512] + strings.Repeat("\x00", 1024), "", true},
		"one byte of the last": {text[:1024] + "\x00", "", false},
		"two NULs":             {text[:1023] + "\x00\x00", "", true},
		"only a NUL":           {"\x00", "", true},
		"zeros in the last":    {text[:1537] + strings.Repeat("\x00", 263), "", false},
		"zeros inside":         {text[:512] + strings.Repeat("\x00", 1024) + text[:7], "", false},
		"zeros across blocks":  {text[:600] + strings.Repeat("\x00", 900) + text[:300], "", false},
		"zeros inside, a sum":  {text[:512] + strings.Repeat("\x00", 1024) + text[:7], "its own", false},
		"vouched for":          {text[:512] + strings.Repeat("\x00", 1024), "its own", false},
		"long":                 {strings.Repeat(text, 300) + strings.Repeat("\x00", 1024), "", true},
		"nothing":              {"", "", false},
	} {
		for _, last := range []bool{true, false} {
			var out bytes.Buffer
			w, err := NewWriter(&out, Header{Date: 1}, 0)
			if err != nil {
				t.Fatal(err)
			}
			m := &Member{Kind: Message, Name: "joe/INBOX/1", Size: int64(len(c.body))}
			if c.said != "" {
				m.SHA256 = sum(c.body)
			}
			if err := w.WriteMember(m); err != nil {
				t.Fatal(err)
			}
			io.WriteString(w, c.body)
			if !last {
				if err := w.WriteMember(&Member{Kind: Message, Name: "joe/INBOX/2"}); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			for _, way := range ways[:3] {
				notes, n := read(t, out.Bytes(), way.body)
				want := ""
				switch {
				case c.lost:
					want = "lost offset 1024: joe/INBOX/1: its body of "
				case name == "zeros inside": // which may be mail
					want = "zeros offset 1024: joe/INBOX/1: a block of its body is zeros, at offset 2048, "
				}
				if told := strings.Join(notes, "\n"); n != len(c.body) || len(notes) > 1 || want == "" && told != "" || !strings.HasPrefix(told, want) {
					t.Errorf("%s, %s, the last %t: %d bytes of %d, told %q", name, way.name, last, n, len(c.body), notes)
				}
			}
		}
		if (c.lost || name == "zeros inside") && !Doubtful([]byte(c.body)) {
			t.Errorf("%s: a writer would not vouch for it", name)
		}
	}
}

// TestBlockTwiceInABody: of a body in which a block stands twice, the end is
// where a header should be; that place names the message.
func TestBlockTwiceInABody(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, Header{Date: 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("line\r\n", 300)
	for _, name := range []string{"joe/INBOX/1", "joe/INBOX/2"} {
		if err := w.WriteMember(&Member{Kind: Message, Name: name, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, text)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b := out.Bytes()
	first := bytes.Index(b, []byte("line"))
	for block := range 4 {
		at := first + block*blockSize
		twice := slices.Concat(b[:at+blockSize], b[at:])
		want := fmt.Sprintf("bad-header offset %d: this block is not a header; 512 bytes passed over; "+
			"the body of joe/INBOX/1 ends there, and is wrong if a block of it stands twice", first+4*blockSize)
		for _, way := range ways[:3] {
			notes, _ := read(t, twice, way.body)
			if !slices.Contains(notes, want) {
				t.Errorf("block %d, %s: %q, want %q", block, way.name, notes, want)
			}
		}
	}
}
