package sims

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv/testsite/edits"
)

func sample(t testing.TB) []byte {
	b, err := os.ReadFile("../../testdata/site/sims/backup.sims")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// item is a member with its body, or a problem.
type item struct {
	Member
	Body    string
	Problem string
}

func readAll(t testing.TB, src io.Reader) (Header, []item) {
	r := newReader(src, 2, minBuf)
	h, err := r.Header()
	if err != nil {
		t.Fatal(err)
	}
	var out []item
	for {
		m, err := r.Next()
		if err == io.EOF {
			return h, out
		}
		var p *Error
		if errors.As(err, &p) {
			out = append(out, item{Problem: p.Class})
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		one := item{Member: *m}
		if m.Kind == Message {
			b, err := io.ReadAll(r)
			if errors.As(err, &p) {
				out = append(out, item{Problem: p.Class})
				continue
			}
			one.Body = string(b)
		}
		out = append(out, one)
	}
}

// noSeek hides everything but Read.
type noSeek struct{ io.Reader }

// The independent reader is archive/tar.
func TestReaderAgreesWithArchiveTar(t *testing.T) {
	b := sample(t)
	h, got := readAll(t, bytes.NewReader(b))
	if want := (Header{Profile: "1", Product: "SIMS 4.0", Host: "oldmail.siroe.com", Date: 981538200, HasDate: true}); !cmp.Equal(h, want) {
		t.Errorf("header %+v", h)
	}
	tr := tar.NewReader(bytes.NewReader(b))
	n := 0
	for {
		th, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if th.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		body, _ := io.ReadAll(tr)
		m := got[n]
		n++
		if m.Name != strings.TrimSuffix(th.Name, "/") || m.Size != th.Size || m.Time != th.ModTime.Unix() || m.Link != th.Linkname ||
			m.Body != string(body) || m.Flags != th.PAXRecords["SIMS.flags"] || m.Keywords != th.PAXRecords["SIMS.keywords"] ||
			m.ACL != th.PAXRecords["SIMS.acl"] || (m.Kind == Mailbox) != (th.PAXRecords["SIMS.uidvalidity"] != "") {
			t.Fatalf("member %d: %+v, archive/tar says %+v", n, m, th)
		}
		if v := th.PAXRecords["SIMS.uidvalidity"]; v != "" && v != fmt.Sprint(m.UIDValidity) {
			t.Fatalf("%s: uidvalidity %d, want %s", m.Name, m.UIDValidity, v)
		}
	}
	if n != len(got) {
		t.Errorf("%d members and problems, archive/tar has %d", len(got), n)
	}
	_, piped := readAll(t, noSeek{bytes.NewReader(b)})
	if diff := cmp.Diff(got, piped); diff != "" {
		t.Errorf("read from a pipe:\n%s", diff)
	}
}

// What the writer makes, the reader gives back, at any sizes.
func TestWriterRoundTrip(t *testing.T) {
	long := strings.Repeat("Ordner/", 60) + "x"
	members := []item{
		{Member: Member{Kind: User, Name: "joe", User: "joe", HasQuota: true, Quota: -2, Time: 5, Subscribed: -1}},
		{Member: Member{Kind: Mailbox, Name: "joe/" + long, User: "joe", Mailbox: long, UIDValidity: 9, UIDNext: 4294967295, Subscribed: 1,
			Keywords: "a b", ACL: "joe\tlrs\nann\tlr", Unknown: []Attr{{"SIMS.future", "x=y"}}, Time: 7}},
	}
	for i, size := range []int{0, 1, 511, 512, 513, MaxInline, MaxInline + 1, 3 << 20} {
		name := fmt.Sprintf("joe/%s/%d", long, i+1)
		members = append(members,
			item{Member: Member{Kind: Message, Name: name, User: "joe", Mailbox: long, UID: uint32(i + 1), Size: int64(size), Time: 1<<34 - int64(i)<<32, Flags: `\Seen expired`,
				Subscribed: -1}, Body: strings.Repeat("m", size)},
			item{Member: Member{Kind: Link, Name: name + "0", User: "joe", Mailbox: long, UID: uint32(i+1) * 10, Link: name, Time: 3, Subscribed: -1}})
	}
	var out bytes.Buffer
	w, err := NewWriter(&out, Header{Product: "p", Host: "h", Date: 42, Unknown: []Attr{{"SIMS.x", "y"}}}, 7)
	if err != nil {
		t.Fatal(err)
	}
	for i := range members {
		if err := w.WriteMember(&members[i].Member); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, members[i].Body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if out.Len()%(7*512) != 0 {
		t.Errorf("%d bytes are not whole records", out.Len())
	}
	for _, src := range []io.Reader{bytes.NewReader(out.Bytes()), noSeek{bytes.NewReader(out.Bytes())}} {
		h, got := readAll(t, src)
		for i := range got {
			got[i].Offset, got[i].Data = 0, 0
		}
		if diff := cmp.Diff(members, got); diff != "" {
			t.Errorf("read back (-written +read):\n%s", diff)
		}
		if h.Date != 42 || h.Host != "h" || h.Product != "p" || len(h.Unknown) != 1 {
			t.Errorf("header %+v", h)
		}
	}
}

// A stream cut anywhere gives the members before the cut, unchanged, and one
// word about the cut.
func TestCutAnywhere(t *testing.T) {
	b := sample(t)[:12<<10]
	_, whole := readAll(t, noSeek{bytes.NewReader(b)})
	for n := 0; n < len(b); n++ {
		var src io.Reader = bytes.NewReader(b[:n])
		if n%2 == 0 {
			src = noSeek{src}
		}
		_, got := readAll(t, src)
		if len(got) == 0 || got[len(got)-1].Problem == "" {
			t.Fatalf("cut at %d: nothing is said about it", n)
		}
		for i, it := range got[:len(got)-1] {
			if !cmp.Equal(it, whole[i]) {
				t.Fatalf("cut at %d: item %d is %+v, want %+v", n, i, it, whole[i])
			}
		}
	}
}

type hostile struct {
	h    tar.Header
	body string
	want string // kind of the problem, "" for none
}

func TestHostileMembers(t *testing.T) {
	cases := []hostile{
		{tar.Header{Name: "joe/INBOX/1", Size: 2}, "ok", ""},
		{tar.Header{Name: "/etc/passwd/1", Size: 2}, "no", BadName},
		{tar.Header{Name: "joe/../root/1", Size: 2}, "no", BadName},
		{tar.Header{Name: "../joe/INBOX/1", Size: 2}, "no", BadName},
		{tar.Header{Name: "joe/./1", Size: 2}, "no", BadName},
		{tar.Header{Name: "joe//1", Size: 2}, "no", BadName},
		{tar.Header{Name: "joe/IN\x01BOX/1", Size: 2}, "no", BadName},
		{tar.Header{Name: "joe/" + strings.Repeat("x", 5000) + "/1", Size: 2}, "no", BadName},
		{tar.Header{Name: "joe/INBOX/01", Size: 2}, "no", BadName},
		{tar.Header{Name: "joe/INBOX/-1", Size: 2}, "no", BadName},
		{tar.Header{Name: "joe/INBOX/4294967296", Size: 2}, "no", BadName},
		{tar.Header{Name: "joe/INBOX/x", Size: 2}, "no", BadName},
		{tar.Header{Name: "joe/1", Size: 2}, "no", BadName},
		{tar.Header{Name: "1", Size: 2}, "no", BadName},
		{tar.Header{Name: "joe/INBOX/3", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, "", BadType},
		{tar.Header{Name: "joe/INBOX/4", Typeflag: tar.TypeBlock}, "", BadType},
		{tar.Header{Name: "joe/INBOX/5", Typeflag: tar.TypeChar}, "", BadType},
		{tar.Header{Name: "joe/INBOX/6", Typeflag: tar.TypeFifo}, "", BadType},
		{tar.Header{Name: "joe/INBOX/7", Typeflag: tar.TypeLink, Linkname: "../../etc/passwd"}, "", BadName},
		{tar.Header{Name: "joe/INBOX/8", Typeflag: tar.TypeLink, Linkname: "joe/INBOX/1"}, "", ""},
		{tar.Header{Name: "joe/..", Typeflag: tar.TypeDir}, "", BadName},
		{tar.Header{Name: "joe/Mail/", Typeflag: tar.TypeDir}, "", ""},
	}
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for i := range cases {
		if err := tw.WriteHeader(&cases[i].h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, cases[i].body); err != nil {
			t.Fatal(err)
		}
	}
	tw.Close()
	_, got := readAll(t, &buf)
	if len(got) != len(cases) {
		t.Fatalf("%d items of %d members", len(got), len(cases))
	}
	for i, c := range cases {
		if got[i].Problem != c.want {
			t.Errorf("%q: %q, want %q", c.h.Name, got[i].Problem, c.want)
		}
	}
}

// rawHeader makes a header block with any size field.
func rawHeader(name, size string) []byte {
	w := &Writer{}
	w.header(name, 0o600, 0, 0, '0', "")
	b := w.buf
	copy(b[offSize:offSize+12], size)
	copy(b[offChecksum:offChecksum+8], "        ")
	var sum int64
	for _, c := range b {
		sum += int64(c)
	}
	octal(b[offChecksum:offChecksum+7], sum)
	return b
}

// Sizes that cannot be cost their own member only.
func TestImpossibleSizes(t *testing.T) {
	good := append(rawHeader("joe/INBOX/2", "00000000003\x00"), append([]byte("abc"), make([]byte, 509)...)...)
	for _, size := range []string{
		"\x80\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00", // 2^60
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfb", // -5
		"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"-0000000005\x00", "99999999999\x00",
	} {
		stream := append(rawHeader("joe/INBOX/1", size), good...)
		_, got := readAll(t, bytes.NewReader(append(stream, make([]byte, 1024)...)))
		if len(got) != 2 || got[0].Problem != BadSize || got[1].Body != "abc" {
			t.Errorf("size %q: %+v", size, got)
		}
	}
}

func TestDamagedHeader(t *testing.T) {
	b := bytes.Clone(sample(t))
	_, whole := readAll(t, bytes.NewReader(b))
	b[whole[3].Offset+10] ^= 1 // its pax header: the member behind it loses its records
	_, got := readAll(t, bytes.NewReader(b))
	if got[3].Problem != BadHeader {
		t.Errorf("%+v", got[3])
	}
	if diff := cmp.Diff(whole[4:], got[5:]); diff != "" {
		t.Errorf("after the damage:\n%s", diff)
	}
}

func TestUnknownProfile(t *testing.T) {
	b := bytes.Replace(sample(t), []byte("SIMS.profile=1"), []byte("SIMS.profile=2"), 1)
	if _, err := NewReader(bytes.NewReader(b)).Header(); !errors.Is(err, ErrProfile) {
		t.Errorf("error %v", err)
	}
}

// Held blocks are not overwritten, and the reader makes do with two of them.
func TestHeldBlocks(t *testing.T) {
	var buf bytes.Buffer
	w, _ := NewWriter(&buf, Header{}, 0)
	body := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 200<<10) }
	for i := 1; i <= 40; i++ {
		if err := w.WriteMember(&Member{Kind: Message, Name: fmt.Sprintf("u/INBOX/%d", i), Size: 200 << 10}); err != nil {
			t.Fatal(err)
		}
		w.Write(body(i))
	}
	w.Close()
	r := NewReaderBlocks(&buf, 2)
	var held []byte
	var block *Block
	for i := 1; i <= 40; i++ {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		b, err := r.Bytes()
		if err != nil || !bytes.Equal(b, body(i)) {
			t.Fatalf("message %d: %v", i, err)
		}
		if block != nil {
			if !bytes.Equal(held, body(i-1)) {
				t.Fatalf("message %d was overwritten", i-1)
			}
			block.Release()
		}
		held, block = b, r.Block()
		block.Hold()
	}
}

// FuzzReader holds that no input makes the reader crash, hang or hand out a
// body that is not in the stream, and that a pipe reads like a file.
func FuzzReader(f *testing.F) {
	b := sample(f)
	samples := [][]byte{
		b[:6<<10], b[2048 : 6<<10],
		append(rawHeader("joe/INBOX/1", "\x80\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00"), b[1024:4<<10]...),
	}
	kinds := mixedUp()
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		a := &archive{}
		kinds[name].build(a)
		a.zeros(2 * blockSize)
		samples = append(samples, a.buf)
	}
	for i := range samples {
		f.Add(byte(i), []byte{}, false)
	}
	f.Add(byte(0), []byte("\x01\x08\x7d\x01\x03\x04\x00\x00"), true)
	f.Fuzz(func(t *testing.T, which byte, damage []byte, mend bool) {
		b := edits.Apply(samples[int(which)%len(samples)], damage)
		if mend {
			edits.MendTar(b)
		}
		if _, err := newReader(bytes.NewReader(b), 2, minBuf).Header(); err != nil {
			return
		}
		run := func(src io.Reader) (out []string) {
			r := newReader(src, 2, minBuf)
			for steps := 0; ; steps++ {
				if steps > len(b)+16 {
					t.Fatal("the reader makes no progress")
				}
				m, err := r.Next()
				var p *Error
				switch {
				case err == io.EOF:
					return out
				case errors.As(err, &p):
					out = append(out, p.Class)
				case err != nil:
					return append(out, err.Error())
				default:
					out = append(out, m.Name)
					if m.Kind == Message && m.Data+m.Size <= int64(len(b)) {
						body, err := io.ReadAll(r)
						if err != nil || !bytes.Equal(body, b[m.Data:m.Data+m.Size]) {
							t.Fatalf("body of %q: %v", m.Name, err)
						}
					}
				}
			}
		}
		file, pipe := run(bytes.NewReader(b)), run(noSeek{bytes.NewReader(b)})
		if diff := cmp.Diff(file, pipe); diff != "" {
			t.Fatalf("file and pipe differ:\n%s", diff)
		}
	})
}

// Any number of global headers with keys that are not known takes no more
// memory than one.
func TestManyGlobalHeaders(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	value := strings.Repeat("y", 100<<10)
	for n := range 50 {
		h := &tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"SIMS.x": value, "SIMS.n": fmt.Sprint(n)}}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := NewReader(&b)
	first, err := r.Header()
	if err != nil || len(first.Unknown) != 2 {
		t.Fatalf("%d keys of the first, %v", len(first.Unknown), err)
	}
	for _, err := range r.All() {
		if ErrorOf(err) == nil && err != nil {
			t.Fatal(err)
		}
	}
	last, err := r.Header()
	held := 0
	for _, a := range last.Unknown {
		held += len(a.Key) + len(a.Value)
	}
	if err != nil || held > MaxInline || held < len(value) {
		t.Errorf("%d bytes are held, %v", held, err)
	}
}
