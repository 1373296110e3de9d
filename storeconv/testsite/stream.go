package testsite

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/pierrec/lz4/v4"
)

// StreamOptions shapes a stream. The zero value of a field means its default.
type StreamOptions struct {
	Seed       uint64
	Users      int    // default 10
	Mailboxes  int    // mailboxes a user, INBOX among them; default 4
	Messages   int    // message members in all, expired ones and links among them; default 20 a user
	Links      int    // percent of the messages that are later copies; default 15, negative none
	Expired    int    // percent marked expired; default 3, negative none
	MedianSize int    // bytes; default 6,144
	MaxSize    int    // bytes; default 1 MiB
	Sorted     bool   // users in byte order of their ids (default: by their numbers)
	Odd        bool   // also empty messages, bare LF, 8-bit headers, no empty line, quotas of no whole KB, links to expired ones
	Date       int64  // SIMS.date, seconds since 1970; default 981538200
	Partition  string // of the expectation; default primary
	Compress   string // "", "gzip" or "lz4"
	Blocking   int    // 512-byte blocks a record; default 20
}

// Totals counts what was written.
type Totals struct {
	Users, Mailboxes       int
	Files, Links, Expired  int   // members: regular files (expired ones among them), hard links, members marked expired
	LiveMessages, LiveSize int64 // what a restore leaves: references, and the sum of their sizes
}

// copySource is an earlier first copy that later copies may be linked to.
type copySource struct {
	name    string // member name
	expired bool   // not restored itself: the first live link becomes the file
	Message
}

// recentCopies bounds the memory for link targets: a link goes to one of the
// latest that many first copies.
const recentCopies = 4096

// generator holds the state of one stream.
type generator struct {
	opts   StreamOptions
	rng    *rand.Rand
	tw     *tar.Writer
	text   []byte // what bodies are cut from
	body   []byte // the message being made
	recent []copySource
	next   int // where in recent the next first copy goes
	serial int // messages made so far
	totals Totals
}

// WriteStream writes a SIMS backup stream to w and hands each mailbox's
// expectation to expect (which may be nil) when the mailbox is complete, in
// stream order. An error of expect ends the writing.
func WriteStream(w io.Writer, opts StreamOptions, expect func(Mailbox) error) (Totals, error) {
	opts = opts.withDefaults()
	out, finish, err := compressor(w, opts.Compress)
	if err != nil {
		return Totals{}, err
	}
	records := &recordWriter{w: bufio.NewWriterSize(out, 1<<20), size: int64(512 * opts.Blocking)}
	g := &generator{opts: opts, rng: rand.New(rand.NewPCG(opts.Seed, 0x53494d53)), tw: tar.NewWriter(records)}
	g.text = sampleText(g.rng)
	if expect == nil {
		expect = func(Mailbox) error { return nil }
	}
	if err := g.site(expect); err != nil {
		return g.totals, err
	}
	if err := g.tw.Close(); err != nil {
		return g.totals, err
	}
	if err := records.finish(); err != nil {
		return g.totals, err
	}
	return g.totals, finish()
}

func (o StreamOptions) withDefaults() StreamOptions {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&o.Users, 10)
	def(&o.Mailboxes, 4)
	def(&o.Messages, 20*o.Users)
	def(&o.Links, 15)
	def(&o.Expired, 3)
	def(&o.MedianSize, 6144)
	def(&o.MaxSize, 1<<20)
	def(&o.Blocking, 20)
	if o.Date == 0 {
		o.Date = 981538200
	}
	if o.Partition == "" {
		o.Partition = "primary"
	}
	return o
}

// compressor returns the writer for one kind of outer compression and what
// completes it.
func compressor(w io.Writer, kind string) (io.Writer, func() error, error) {
	switch kind {
	case "":
		return w, func() error { return nil }, nil
	case "gzip":
		zw := gzip.NewWriter(w)
		return zw, zw.Close, nil
	case "lz4":
		zw := lz4.NewWriter(w)
		return zw, zw.Close, nil
	}
	return nil, nil, fmt.Errorf("compression %q is not known", kind)
}

// recordWriter counts, so that the last record can be filled up with zeros as
// tape writers do.
type recordWriter struct {
	w    *bufio.Writer
	n    int64
	size int64
}

func (r *recordWriter) Write(p []byte) (int, error) {
	n, err := r.w.Write(p)
	r.n += int64(n)
	return n, err
}

func (r *recordWriter) finish() error {
	if rest := r.n % r.size; rest != 0 {
		if _, err := r.Write(make([]byte, r.size-rest)); err != nil {
			return err
		}
	}
	return r.w.Flush()
}

// sampleText makes 1 MiB of CRLF lines of words.
func sampleText(rng *rand.Rand) []byte {
	words := strings.Fields("the store keeps mail of every user in folders a message is one file and a copy is a link to it " +
		"quota is counted in bytes while flags and dates live in the index From here on nothing of this means anything -- ")
	text := make([]byte, 0, 1<<20)
	for len(text) < 1<<20-100 {
		for line := 0; line < 60; {
			word := words[rng.IntN(len(words))]
			text = append(text, word...)
			text = append(text, ' ')
			line += len(word) + 1
		}
		text = append(text, "\r\n"...)
	}
	return text
}

func (g *generator) site(expect func(Mailbox) error) error {
	global := map[string]string{
		"SIMS.profile": "1", "SIMS.product": "SIMS 4.0", "SIMS.host": "oldmail." + DefaultDomain,
		"SIMS.date": strconv.FormatInt(g.opts.Date, 10),
	}
	if err := g.tw.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: global}); err != nil {
		return err
	}
	left := g.opts.Messages
	for i, id := range g.userIDs() {
		// The rest is shared evenly among the users that are left, give or take a
		// half, and the last takes all.
		share := left
		if usersLeft := g.opts.Users - i; usersLeft > 1 {
			share = min(left, int(float64(left)/float64(usersLeft)*(0.5+g.rng.Float64())))
		}
		left -= share
		if err := g.user(id, share, expect); err != nil {
			return err
		}
	}
	return nil
}

// userIDs returns the users in stream order.
func (g *generator) userIDs() []string {
	ids := make([]string, g.opts.Users)
	for i := range ids {
		ids[i] = UserID(i)
	}
	if g.opts.Sorted {
		sort.Strings(ids)
	}
	return ids
}

func (g *generator) quota(i int) int64 {
	switch i % 4 {
	case 0:
		return -1
	case 1:
		return -2
	case 2:
		return int64(1+i%50) << 20
	}
	if g.opts.Odd {
		return 5000000 + int64(i)
	}
	return 5000 << 10
}

func (g *generator) user(id string, share int, expect func(Mailbox) error) error {
	quota := g.quota(g.totals.Users)
	g.totals.Users++
	if err := g.directory(id, map[string]string{"SIMS.quota": strconv.FormatInt(quota, 10)}); err != nil {
		return err
	}
	for j := range g.opts.Mailboxes {
		n := share
		if boxesLeft := g.opts.Mailboxes - j; boxesLeft > 1 {
			n = min(share, int(float64(share)/float64(boxesLeft)*2*g.rng.Float64()))
		}
		share -= n
		box := g.mailboxHead(id, FolderName(j))
		box.Quota = quota
		if err := g.mailbox(&box, n); err != nil {
			return err
		}
		if err := expect(box); err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) mailboxHead(id, name string) Mailbox {
	box := Mailbox{
		User: id, Name: name, Dir: MailboxDir(g.opts.Partition, id, name), Messages: []Message{},
		UIDValidity: uint32(880000000 + g.rng.IntN(100000000)), Subscribed: g.rng.IntN(2),
		ACL: id + "\tlrswipcda", Keywords: "Junk",
	}
	switch g.rng.IntN(5) {
	case 0:
		box.ACL += "\nanyone\tlr"
	case 1:
		box.Keywords = "Junk $Forwarded work"
	}
	return box
}

// mailbox writes a mailbox with n messages and completes box.
func (g *generator) mailbox(box *Mailbox, n int) error {
	uids := g.uids(n)
	box.UIDNext = 1
	if n > 0 {
		box.UIDNext = uids[n-1] + 1 + uint32(g.rng.IntN(3))
	}
	err := g.directory(box.User+"/"+box.Name, map[string]string{
		"SIMS.uidvalidity": strconv.FormatUint(uint64(box.UIDValidity), 10),
		"SIMS.uidnext":     strconv.FormatUint(uint64(box.UIDNext), 10),
		"SIMS.subscribed":  strconv.Itoa(box.Subscribed),
		"SIMS.keywords":    box.Keywords,
		"SIMS.acl":         box.ACL,
	})
	if err != nil {
		return err
	}
	g.totals.Mailboxes++
	for _, uid := range uids {
		if err := g.message(box, uid); err != nil {
			return err
		}
	}
	return nil
}

// uids returns n ascending UIDs with gaps; some mailboxes start high, so that
// every nn directory comes into use.
func (g *generator) uids(n int) []uint32 {
	uid := uint32(1)
	if g.rng.IntN(4) == 0 {
		uid += uint32(g.rng.IntN(12000))
	}
	uids := make([]uint32, n)
	for i := range uids {
		uids[i] = uid
		uid++
		if g.rng.IntN(5) == 0 {
			uid += uint32(g.rng.IntN(60))
		}
	}
	return uids
}

func (g *generator) directory(name string, records map[string]string) error {
	return g.tw.WriteHeader(&tar.Header{
		Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o700, ModTime: time.Unix(g.opts.Date, 0), PAXRecords: records,
	})
}

// message writes one message, a first copy or a later one, and notes what it
// has to become.
func (g *generator) message(box *Mailbox, uid uint32) error {
	member := fmt.Sprintf("%s/%s/%d", box.User, box.Name, uid)
	date := 915148800 + int64(g.rng.IntN(66000000))
	flags := g.flags(box.Keywords)
	expired := g.rng.IntN(100) < g.opts.Expired
	hdr := &tar.Header{Name: member, Mode: 0o600, ModTime: time.Unix(date, 0)}
	if marks := flags; expired || len(flags) > 0 {
		if expired {
			marks = append(marks[:len(marks):len(marks)], "expired")
		}
		hdr.PAXRecords = map[string]string{"SIMS.flags": strings.Join(marks, " ")}
	}

	var m Message
	var first *copySource
	if len(g.recent) > 0 && g.rng.IntN(100) < g.opts.Links {
		first = &g.recent[g.rng.IntN(len(g.recent))]
		hdr.Typeflag, hdr.Linkname = tar.TypeLink, first.name
		m = first.Message
		m.Linked, m.First = true, first.Path
		if first.expired {
			m.Linked, m.First, m.FileDate = false, "", date
		}
		g.totals.Links++
	} else {
		g.compose(box, &m, date)
		m.FileDate = date
		hdr.Typeflag, hdr.Size = tar.TypeReg, int64(len(g.body))
		g.totals.Files++
	}
	m.UID, m.Path, m.Date = uid, MessagePath(g.opts.Partition, box.User, box.Name, uid), date
	m.Flags = append([]string{}, flags...)
	sort.Strings(m.Flags)

	if err := g.tw.WriteHeader(hdr); err != nil {
		return err
	}
	if hdr.Typeflag == tar.TypeReg {
		if _, err := g.tw.Write(g.body); err != nil {
			return err
		}
	}
	switch {
	case first == nil && (!expired || g.opts.Odd):
		g.remember(copySource{member, expired, m})
	case first != nil && first.expired && !expired:
		first.expired, first.Path, first.FileDate = false, m.Path, date
	}
	if expired {
		g.totals.Expired++
		box.Expired++
		return nil
	}
	g.totals.LiveMessages++
	g.totals.LiveSize += m.Size
	box.Messages = append(box.Messages, m)
	return nil
}

func (g *generator) remember(c copySource) {
	if len(g.recent) < recentCopies {
		g.recent = append(g.recent, c)
		return
	}
	g.recent[g.next] = c
	g.next = (g.next + 1) % recentCopies
}

// flags returns a set of flags in the order the stream has them.
func (g *generator) flags(keywords string) []string {
	var flags []string
	for _, flag := range append([]string{`\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft`}, strings.Fields(keywords)...) {
		if g.rng.IntN(3) == 0 {
			flags = append(flags, flag)
		}
	}
	return flags
}

// compose makes the next message in g.body and fills what depends on its bytes.
func (g *generator) compose(box *Mailbox, m *Message, date int64) {
	g.serial++
	size := min(int(float64(g.opts.MedianSize)*math.Exp(1.1*g.rng.NormFloat64())), g.opts.MaxSize)
	m.Sent = date - int64(g.rng.IntN(7200))
	m.MessageID = fmt.Sprintf("<%x.%d@%s>", g.opts.Seed, g.serial, DefaultDomain)
	b := g.body[:0]
	b = fmt.Appendf(b, "Received: from relay.%s by oldmail.%s;\r\n\t%s\r\n", HostedDomain, DefaultDomain, time.Unix(date, 0).UTC().Format(time.RFC1123Z))
	b = fmt.Appendf(b, "From: sender%d@%s\r\nTo: %s\r\n", g.rng.IntN(1000), HostedDomain, box.User)
	b = fmt.Appendf(b, "Subject: message %d\r\n", g.serial)
	b = fmt.Appendf(b, "Date: %s\r\nMessage-ID: %s\r\n\r\n", time.Unix(m.Sent, 0).UTC().Format(time.RFC1123Z), m.MessageID)
	m.HeaderLen = int64(len(b))
	for len(b) < size {
		at := g.rng.IntN(len(g.text) / 2)
		b = append(b, g.text[at:at+min(size-len(b), len(g.text)/2)]...)
	}
	if g.opts.Odd {
		b = g.distort(b, m)
	}
	g.body = b
	m.Size = int64(len(b))
	sum := sha256.Sum256(b)
	m.SHA256 = hex.EncodeToString(sum[:])
}

// distort makes a few messages what real stores also hold. HeaderLen, Sent and
// MessageID of those are left at zero: the documents do not say what they are.
func (g *generator) distort(b []byte, m *Message) []byte {
	switch g.serial % 50 {
	case 10: // empty
		b = b[:0]
	case 20: // bare LF
		b = []byte(strings.ReplaceAll(string(b), "\r\n", "\n"))
	case 30: // header only, cut in the middle of a line
		b = b[:m.HeaderLen/2]
	case 40: // 8-bit and NUL bytes in the header
		b = append([]byte("Subject: \xe9\xff\x00 raw\r\n"), b...)
	default:
		return b
	}
	m.HeaderLen, m.Sent, m.MessageID = 0, 0, ""
	return b
}
