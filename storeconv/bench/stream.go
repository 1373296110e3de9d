package bench

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"

	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
)

// streamDate is SIMS.date of the synthetic stream; messages are older.
const streamDate = 981538200

// stream makes the bytes of a SIMS stream while they are read.
type stream struct {
	walk    *walker
	out     *sims.Writer
	buf     []byte // made and not yet read,
	at      int    // from here
	done    bool
	err     error
	text    []byte // what bodies are cut from
	body    []byte
	rng     *rand.Rand
	names   [recentCopies]string // of the latest files
	files   int64
	user    int64 // whose directory member has been made
	box     int64
	message sims.Member
}

// newStream starts the stream of a shape.
func newStream(s Shape) (*stream, error) {
	g := &stream{walk: newWalker(s), rng: rand.New(rand.NewPCG(s.Seed, 0x74657874)), user: -1}
	g.text = sampleText(g.rng)
	var err error
	g.out, err = sims.NewWriter(sink{g}, sims.Header{Product: "SIMS 4.0", Host: "bench", Date: streamDate}, 0)
	return g, err
}

// WriteStream writes the stream of a shape to w.
func WriteStream(w io.Writer, s Shape) error {
	if err := s.Check(); err != nil {
		return err
	}
	g, err := newStream(s)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, g)
	return err
}

// sink takes what the writer of members writes.
type sink struct{ g *stream }

func (s sink) Write(p []byte) (int, error) {
	s.g.buf = append(s.g.buf, p...)
	return len(p), nil
}

// Read gives the next bytes of the stream.
func (g *stream) Read(p []byte) (int, error) {
	for g.at == len(g.buf) {
		if g.err != nil {
			return 0, g.err
		}
		if g.done {
			return 0, io.EOF
		}
		g.buf, g.at = g.buf[:0], 0
		g.err = g.more()
	}
	n := copy(p, g.buf[g.at:])
	g.at += n
	return n, nil
}

// fill is how much of the stream is made at a time, in bytes.
const fill = 256 << 10

func (g *stream) more() error {
	var p place
	for len(g.buf) < fill {
		if !g.walk.next(&p) {
			g.done = true
			return g.out.Close()
		}
		if err := g.member(&p); err != nil {
			return err
		}
	}
	return nil
}

// member writes one message, and the directories in front of it.
func (g *stream) member(p *place) error {
	if err := g.directories(p); err != nil {
		return err
	}
	name := boxName(p) + "/" + strconv.FormatUint(uint64(p.uid), 10)
	g.message = sims.Member{Kind: sims.Message, Name: name, Size: p.size, Time: dateOf(p), Flags: `\Seen`}
	if p.first >= 0 {
		g.message.Kind, g.message.Size, g.message.Link = sims.Link, 0, g.names[p.first%recentCopies]
		return g.out.WriteMember(&g.message)
	}
	g.names[g.files%recentCopies] = name
	g.files++
	if err := g.out.WriteMember(&g.message); err != nil {
		return err
	}
	_, err := g.out.Write(g.compose(p))
	return err
}

func (g *stream) directories(p *place) error {
	if g.user != p.user {
		g.user, g.box = p.user, -1
		if err := g.out.WriteMember(&sims.Member{Kind: sims.User, Name: userName(p), Quota: -1, HasQuota: true}); err != nil {
			return err
		}
	}
	if g.box == p.box {
		return nil
	}
	g.box = p.box
	return g.out.WriteMember(&sims.Member{Kind: sims.Mailbox, Name: boxName(p), UIDValidity: uint32(880000000 + p.user%1000000),
		UIDNext: uint32(p.boxSize + 1), Subscribed: 1})
}

func userName(p *place) string { return fmt.Sprintf("bench%07d", p.user) }

func boxName(p *place) string {
	if p.box == 0 {
		return userName(p) + "/INBOX"
	}
	return userName(p) + "/Folder" + strconv.FormatInt(p.box, 10)
}

func dateOf(p *place) int64 { return 946684800 + (p.user*977+int64(p.uid)*61)%31536000 }

// compose makes the bytes of a message: a header of its own, cut short when the
// message is smaller, and text.
func (g *stream) compose(p *place) []byte {
	b := append(g.body[:0], "Received: from relay.siroe.com by oldmail.siroe.com; Sat, 1 Jan 2000 00:00:00 +0000\r\nFrom: sender@siroe.com\r\nTo: "...)
	b = append(b, userName(p)...)
	b = append(b, "@siroe.com\r\nSubject: message "...)
	b = strconv.AppendInt(b, g.files, 10)
	b = append(b, "\r\nDate: Sat, 1 Jan 2000 00:00:00 +0000\r\nMessage-ID: <bench."...)
	b = strconv.AppendInt(b, g.files, 10)
	b = append(b, "@siroe.com>\r\nContent-Type: text/plain\r\n\r\n"...)
	for int64(len(b)) < p.size {
		at := g.rng.IntN(len(g.text) / 2)
		b = append(b, g.text[at:at+int(min(p.size-int64(len(b)), int64(len(g.text)/2)))]...)
	}
	g.body = b
	return b[:p.size]
}

// sampleText makes 1 MiB of CRLF lines of words.
func sampleText(rng *rand.Rand) []byte {
	words := strings.Fields("a disk that is asked for many small files answers otherwise than one that is asked for " +
		"few large ones and a store of mail is nothing but small files in many folders so this is what is asked -- ")
	text := make([]byte, 0, 1<<20)
	for len(text) < 1<<20-100 {
		for line := 0; line < 60; {
			word := words[rng.IntN(len(words))]
			text = append(append(text, word...), ' ')
			line += len(word) + 1
		}
		text = append(text, "\r\n"...)
	}
	return text
}

// restoreStream is the stream as restore takes it: parsed like one that comes
// from a file, and not to be read twice.
func restoreStream(s Shape) (*restore.Stream, error) {
	g, err := newStream(s)
	if err != nil {
		return nil, err
	}
	r := &restore.Stream{Name: "synthetic stream", Size: -1, Source: sims.NewReaderBlocks(g, readBlocks)}
	binary.BigEndian.PutUint64(r.ID[:], s.Seed)
	return r, nil
}

// readBlocks is the number of buffers that restore reads a stream through.
const readBlocks = 24
