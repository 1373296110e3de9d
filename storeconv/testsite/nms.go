package testsite

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"imsconv/dbconv/bdb"
)

// NMSOptions shapes the store tree of a Netscape Messaging Server 4.x. The zero
// value of a field means its default.
type NMSOptions struct {
	Seed        uint64
	Users       int              // default 10
	Mailboxes   int              // mailboxes a user, INBOX among them; default 4
	Messages    int              // message files in all, links among them; default 20 a user
	Links       int              // percent of the messages that are hard links to an earlier one of the partition; default 5, negative none
	MedianSize  int              // bytes; default 2,048
	Partitions  []string         // users take turns; default primary and secondary
	ByteOrder   binary.ByteOrder // of the databases; default big-endian
	PageSize    int              // of the databases, bytes; default 8,192
	QuotaBeside bool             // quota.db2 in mboxlist/ and not in the store
	Opaque      bool             // record values that are no text
}

// NMSSite tells what WriteNMS wrote.
type NMSSite struct {
	Users     []string
	Partition map[string]string // by user
	Folder    map[string]string // the records of data.db2
	Quota     map[string]string // the records of quota.db2
	Subscr    map[string]string // what subscr.db must hold
	Mailboxes int
	Messages  int
	Files     int // messages and store.idx
}

// nmsGenerator holds the state of one tree.
type nmsGenerator struct {
	opts   NMSOptions
	dir    string
	rng    *rand.Rand
	text   []byte
	recent map[string][]string // by partition: paths that links may go to
	dirs   []string            // in the order of making; their times are set at the end
	site   NMSSite
}

// WriteNMS makes a store in the new directory dir. Modes and times are set too:
// 0600 and 0700 with a few others, times of the years 1998 to 2000 with a
// fraction.
func WriteNMS(dir string, opts NMSOptions) (NMSSite, error) {
	g := newNMS(dir, opts)
	per := make([]int, g.opts.Users)
	for i := range g.opts.Messages {
		per[i%g.opts.Users]++
	}
	for i, n := range per {
		if err := g.user(i, n); err != nil {
			return g.site, err
		}
	}
	if err := g.databases(); err != nil {
		return g.site, err
	}
	for i := len(g.dirs) - 1; i >= 0; i-- {
		if err := g.stamp(g.dirs[i], 0o700); err != nil {
			return g.site, err
		}
	}
	return g.site, nil
}

func newNMS(dir string, opts NMSOptions) *nmsGenerator {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&opts.Users, 10)
	def(&opts.Mailboxes, 4)
	def(&opts.Messages, 20*opts.Users)
	def(&opts.Links, 5)
	def(&opts.MedianSize, 2048)
	if len(opts.Partitions) == 0 {
		opts.Partitions = []string{"primary", "secondary"}
	}
	g := &nmsGenerator{opts: opts, dir: dir, rng: rand.New(rand.NewPCG(opts.Seed, 0x4e4d53)), recent: map[string][]string{}}
	g.text = sampleText(g.rng)
	g.site = NMSSite{Partition: map[string]string{}, Folder: map[string]string{}, Quota: map[string]string{}, Subscr: map[string]string{}}
	return g
}

// user makes the mailboxes of user i with n messages in all.
func (g *nmsGenerator) user(i, n int) error {
	id := UserID(i)
	part := g.opts.Partitions[i%len(g.opts.Partitions)]
	g.site.Users = append(g.site.Users, id)
	g.site.Partition[id] = part
	var subscribed []string
	for j := range g.opts.Mailboxes {
		name := FolderName(j)
		share := n / g.opts.Mailboxes
		if j == 0 {
			share = n - share*(g.opts.Mailboxes-1)
		}
		if err := g.mailbox(part, id, name, share); err != nil {
			return err
		}
		full := "user/" + id
		if j > 0 {
			full += "/" + name
		}
		g.site.Folder[full] = g.folderValue(part, id)
		if g.rng.IntN(3) > 0 {
			subscribed = append(subscribed, full)
		}
	}
	g.site.Quota[id] = fmt.Sprintf("%d %d", []int{-1, 4882, 20480}[g.rng.IntN(3)], g.rng.IntN(5000))
	return g.subscriptions(id, subscribed)
}

func (g *nmsGenerator) folderValue(part, id string) string {
	if g.opts.Opaque {
		value := make([]byte, 24)
		for i := range value {
			value[i] = byte(g.rng.UintN(256))
		}
		return "\x01\x00" + part + "\x00" + string(value)
	}
	return part + "\t" + id + "\tlrswipcda\t"
}

func (g *nmsGenerator) mailbox(part, id, name string, messages int) error {
	g.site.Mailboxes++
	rel := MailboxDir(part, id, name)
	index := make([]byte, 256+76*messages)
	for i := range index {
		index[i] = byte(g.rng.UintN(256))
	}
	if err := g.write(rel+"/store.idx", index); err != nil {
		return err
	}
	uid := uint32(0)
	for range messages {
		uid += 1 + uint32(g.rng.IntN(3))
		if g.rng.IntN(50) == 0 {
			uid += 90
		}
		if err := g.message(part, MessagePath(part, id, name, uid)); err != nil {
			return err
		}
	}
	return nil
}

// message writes one message file, or a hard link to an earlier one.
func (g *nmsGenerator) message(part, rel string) error {
	g.site.Messages++
	recent := g.recent[part]
	if len(recent) > 0 && g.rng.IntN(100) < g.opts.Links {
		g.site.Files++
		if err := g.parents(rel); err != nil {
			return err
		}
		return os.Link(filepath.Join(g.dir, recent[g.rng.IntN(len(recent))]), filepath.Join(g.dir, rel))
	}
	size := int(float64(g.opts.MedianSize) * math.Exp(g.rng.NormFloat64()))
	size = min(max(size, 120), 1<<20)
	body := fmt.Appendf(nil, "From: <a%d@siroe.com>\r\nSubject: message %d\r\nMessage-Id: <%d.%d@siroe.com>\r\n\r\n", g.site.Messages, g.site.Messages, g.opts.Seed, g.site.Messages)
	for len(body) < size {
		at := g.rng.IntN(len(g.text) / 2)
		body = append(body, g.text[at:at+min(len(g.text)/2, size-len(body))]...)
	}
	if len(recent) < recentCopies {
		g.recent[part] = append(recent, rel)
	} else {
		recent[g.rng.IntN(len(recent))] = rel
	}
	return g.write(rel, body)
}

func (g *nmsGenerator) write(rel string, data []byte) error {
	g.site.Files++
	if err := g.parents(rel); err != nil {
		return err
	}
	path := filepath.Join(g.dir, rel)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	mode := os.FileMode(0o600)
	if g.rng.IntN(20) == 0 {
		mode = 0o640
	}
	return g.stamp(path, mode)
}

func (g *nmsGenerator) stamp(path string, mode os.FileMode) error {
	if mode != 0o600 && mode != 0o700 {
		if err := os.Chmod(path, mode); err != nil {
			return err
		}
	}
	at := time.Unix(890000000+g.rng.Int64N(90000000), g.rng.Int64N(1e9))
	return os.Chtimes(path, at, at)
}

// parents makes the directories above rel and remembers the new ones.
func (g *nmsGenerator) parents(rel string) error {
	var missing []string
	for dir := filepath.Dir(filepath.Join(g.dir, rel)); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		missing = append(missing, dir)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		if err := os.Mkdir(missing[i], 0o700); err != nil {
			return err
		}
		g.dirs = append(g.dirs, missing[i])
	}
	return nil
}

func (g *nmsGenerator) subscriptions(id string, list []string) error {
	if len(list) > 0 {
		g.site.Subscr[id] = strings.Join(list, "\n")
	}
	var text strings.Builder
	for _, name := range list {
		text.WriteString(name + "\t\n")
	}
	g.site.Files-- // not of a mailbox
	return g.write("user/"+hashDir(id)+"/"+diskName(id)[1:]+".sub", []byte(text.String()))
}

// databases writes data.db2 and quota.db2 as Berkeley DB 2.x btrees.
func (g *nmsGenerator) databases() error {
	if err := g.database("mboxlist/data.db2", g.site.Folder); err != nil {
		return err
	}
	if g.opts.QuotaBeside {
		return g.database("mboxlist/quota.db2", g.site.Quota)
	}
	return g.database("quota.db2", g.site.Quota)
}

func (g *nmsGenerator) database(rel string, records map[string]string) (err error) {
	if err := g.parents(rel); err != nil {
		return err
	}
	path := filepath.Join(g.dir, rel)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err == nil {
			err = g.stamp(path, 0o600)
		}
	}()
	w, err := bdb.NewWriter(f, bdb.WriterOptions{Version: 6, ByteOrder: g.opts.ByteOrder, PageSize: g.opts.PageSize, Name: filepath.Base(rel)})
	if err != nil {
		return err
	}
	// The writer sorts, so the order of the map is of no consequence.
	for key, value := range records {
		if err := w.Put([]byte(key), []byte(value)); err != nil {
			return err
		}
	}
	return w.Close()
}
