package verify_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite/scratch"
	"imsconv/storeconv/verify"
)

// joinedCase is a few small streams of users some of whom are one in the store.
type joinedCase struct {
	rng     *rand.Rand
	mail    map[string]joinedMail // what a name of a message means, in all streams
	streams [][]byte
	text    strings.Builder // of the streams, for who reads of a fault
}

type joinedMail struct {
	body, link string
	date       int64
}

func newJoinedCase(t testing.TB, seed uint64) *joinedCase {
	c := &joinedCase{rng: rand.New(rand.NewPCG(seed, 77)), mail: make(map[string]joinedMail)}
	for n := range 1 + c.rng.IntN(3) {
		c.streams = append(c.streams, c.stream(t, n))
	}
	return c
}

// one is one of some values.
func one[T any](c *joinedCase, of ...T) T { return of[c.rng.IntN(len(of))] }

// stream writes a stream. Each of its mailboxes may come more than once.
func (c *joinedCase) stream(t testing.TB, number int) []byte {
	var out bytes.Buffer
	date := one(c, 0, int64(981538200+number*1000), int64(981538200-number*1000))
	w, err := sims.NewWriter(&out, sims.Header{Product: "SIMS 4.0", Date: date}, 0)
	must(t, err)
	fmt.Fprintf(&c.text, "stream %d, date %d\n", number, date)
	put := func(m sims.Member, body string) {
		must(t, w.WriteMember(&m))
		_, err := io.WriteString(w, body)
		must(t, err)
		fmt.Fprintf(&c.text, "  %v %s", m.Kind, m.Name)
		if m.Kind == sims.Mailbox {
			fmt.Fprintf(&c.text, " validity %d next %d made %d subscribed %d keywords %q acl %q", m.UIDValidity, m.UIDNext, m.MadeUIDs, m.Subscribed, m.Keywords, m.ACL)
		} else {
			fmt.Fprintf(&c.text, " time %d flags %q link %s %q", m.Time, m.Flags, m.Link, body)
		}
		c.text.WriteByte('\n')
	}
	last := make(map[string]uint32)     // UIDs by mailbox
	validity := make(map[string]uint32) // as the stream says
	var firsts []string                 // messages that links may name
	for range 1 + c.rng.IntN(5) {
		user, box := one(c, "ann", "bob", "cid"), one(c, "INBOX", "INBOX", "Sent")
		at := user + "/" + box
		if _, met := validity[at]; !met {
			validity[at] = one[uint32](c, 0, 7, 7, 8, 9)
		}
		if c.rng.IntN(5) > 0 || validity[at] != 0 {
			m := sims.Member{Kind: sims.Mailbox, Name: at, UIDValidity: validity[at], Subscribed: one[int8](c, -1, 0, 1)}
			if c.rng.IntN(3) == 0 {
				m.UIDNext = last[at] + 10 + uint32(c.rng.IntN(5))
			}
			m.Keywords = one(c, "", "", "Work", "Junk Work")
			m.ACL = one(c, "", "", user+"\tlrswipcda", "sam\tlr\n"+user+"\tlrs")
			put(m, "")
		}
		for range c.rng.IntN(4) {
			uid := last[at] + 1 + uint32(c.rng.IntN(2))
			last[at] = uid
			name := fmt.Sprintf("%s/%d", at, uid)
			m := sims.Member{Kind: sims.Message, Name: name, Subscribed: -1, Flags: one(c, "", "", `\Seen`, `\Deleted Junk`, "Work")}
			key := fmt.Sprintf("%s %d", name, validity[at])
			is, known := c.mail[key]
			if !known {
				is = joinedMail{body: mail(c.rng.IntN(4)), date: 900000000 + int64(c.rng.IntN(1000))}
				if len(firsts) > 0 && c.rng.IntN(4) == 0 {
					is.body, is.link = "", one(c, firsts...)
				}
				c.mail[key] = is
			}
			m.Time, m.Size = is.date, int64(len(is.body))
			if is.link != "" {
				if !slices.Contains(firsts, is.link) {
					continue
				}
				m.Kind, m.Link = sims.Link, is.link
			} else {
				firsts = append(firsts, name)
			}
			put(m, is.body)
		}
	}
	must(t, w.Close())
	return out.Bytes()
}

// TestJoinedStreams: whatever streams and users are put together, in one run or
// several, verify finds no fault with what a restore that found none has made
// of them.
func TestJoinedStreams(t *testing.T) {
	cases := uint64(100)
	if os.Getenv("IMSCONV_FULL") == "1" {
		cases = 3000
	}
	maps := []map[string]string{{"ann": "joe", "bob": "joe"}, {"ann": "joe", "bob": "joe", "cid": "joe"}, {"ann": "bob"}, nil}
	dir, held := scratch.Dir(t), uint64(0)
	for seed := range cases {
		c := newJoinedCase(t, seed)
		sel := storeconv.Selection{Map: maps[seed%4]}
		store := filepath.Join(dir, "store")
		log := new(recorder)
		runs := [][][]byte{c.streams}
		if seed/4%2 == 1 { // one run for each
			runs = nil
			for _, s := range c.streams {
				runs = append(runs, [][]byte{s})
			}
		}
		for _, run := range runs {
			var in []*restore.Stream
			for i, data := range run {
				s, err := restore.NewStream(fmt.Sprintf("stream%d", i), bytes.NewReader(data))
				must(t, err)
				in = append(in, s)
			}
			_, err := restore.Restore(context.Background(), store, in, restore.Options{Selection: sel, Log: log, Sync: storeconv.SyncNone})
			must(t, err)
		}
		if len(log.problems) > 0 {
			os.RemoveAll(store)
			continue
		}
		if _, err := os.Stat(store); err != nil {
			continue
		}
		held++
		if found := verifyStreams(t, store, verify.StoreOptions{Selection: sel}, c.streams...); len(found.problems) > 0 {
			t.Errorf("case %d, map %v, %d runs:\n%s%s", seed, sel.Map, len(runs), c.text.String(), strings.Join(found.problems, "\n"))
		}
		os.RemoveAll(store)
	}
	if held < cases/2 {
		t.Errorf("%d of %d cases were held against their streams", held, cases)
	}
}
