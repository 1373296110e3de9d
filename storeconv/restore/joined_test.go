package restore

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv"
	"imsconv/storeconv/sims"
)

// annAndBob are two users of a stream, who are one in the store.
var annAndBob = Options{Selection: storeconv.Selection{Map: map[string]string{"ann": "joe", "bob": "joe"}}}

// oneDay makes a stream of one date, and all messages of another. A line is a
// mailbox and its UIDVALIDITY, the name of a message and its text, or the name
// of a link and its first copy.
func oneDay(t *testing.T, lines ...string) []byte {
	t.Helper()
	var members []sims.Member
	var texts []string
	for _, line := range lines {
		name, is, _ := strings.Cut(line, " ")
		m := sims.Member{Name: name, Time: 900000000, Subscribed: -1}
		text := ""
		switch {
		case strings.Contains(is, "/"):
			m.Kind, m.Link = sims.Link, is
		case strings.Count(name, "/") == 2:
			text = "Subject: " + is + "\r\n\r\n"
			m.Kind, m.Size = sims.Message, int64(len(text))
		default:
			m.Kind = sims.Mailbox
			for _, d := range is {
				m.UIDValidity = 10*m.UIDValidity + uint32(d-'0')
			}
		}
		members, texts = append(members, m), append(texts, text)
	}
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{Product: "SIMS 4.0", Date: may20}, 0)
	for i := 0; err == nil && i < len(members); i++ {
		if err = w.WriteMember(&members[i]); err == nil {
			_, err = w.Write([]byte(texts[i]))
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestUsersWhoAreOne: what one user of a stream has as two messages are two,
// and a mailbox that comes back is what the user's own has been said to be,
// whatever the other user's is who has the id.
func TestUsersWhoAreOne(t *testing.T) {
	for name, c := range map[string]struct {
		runs [][]string
		said []string
		want []string
	}{
		"copies of one user, nothing said": {
			runs: [][]string{{"ann/INBOX/1 x", "bob/INBOX/1 x", "ann/INBOX/2 x"}},
			want: []string{"validity=864126000", "1 []  864126000-1 x", "2 []  864126000-1 x", "3 []  864126000-2 x"},
		},
		"said before the other": {
			runs: [][]string{{"bob/INBOX 9", "bob/INBOX/1 a", "ann/INBOX 9", "ann/INBOX/1 b", "bob/INBOX/3 c"}},
			want: []string{"validity=9", "1 []  9-1 a", "2 []  9-1 b", "3 []  9-3 c"},
		},
		"said before two others": {
			runs: [][]string{{"bob/INBOX 9", "bob/INBOX/1 a", "ann/INBOX 8", "ann/INBOX/1 b", "bob/INBOX/3 c", "ann/INBOX/5 d"}},
			want: []string{"validity=9", "1 []  9-1 a", "2 []  8-1 b", "3 []  9-3 c", "4 []  8-5 d"},
		},
		"a UID twice": {
			runs: [][]string{{"bob/INBOX 9", "bob/INBOX/1 a", "ann/INBOX 9", "ann/INBOX/1 b", "bob/INBOX/1 c"}},
			said: []string{"problem: duplicate-uid"},
			want: []string{"validity=9", "1 []  9-1 a", "2 []  9-1 b"},
		},
		"a copy under the UID that the first has in the store": {
			runs: [][]string{{"bob/INBOX 9", "bob/INBOX/1 a", "ann/INBOX 9", "ann/INBOX/1 b", "bob/INBOX/3 c", "ann/INBOX/2 b"}},
			want: []string{"validity=9", "1 []  9-1 a", "2 []  9-1 b", "3 []  9-3 c", "4 []  9-2 b"},
		},
		"the same in a later run": {
			runs: [][]string{
				{"bob/INBOX 9", "bob/INBOX/1 a", "ann/INBOX 9", "ann/INBOX/1 b"},
				{"ann/INBOX 9", "ann/INBOX/1 b", "ann/INBOX/2 b"},
			},
			want: []string{"validity=9", "1 []  9-1 a", "2 []  9-1 b", "3 []  9-2 b"},
		},
		"the same of a link": {
			runs: [][]string{
				{"bob/INBOX 9", "bob/INBOX/1 a", "ann/INBOX 9", "ann/INBOX/1 b"},
				{"ann/INBOX 9", "ann/INBOX/1 b", "ann/INBOX/2 ann/INBOX/1"},
			},
			want: []string{"validity=9", "1 []  9-1 a", "2 []  9-1 b", "3 []  9-2 b"},
		},
		"the same of a link that comes back": {
			runs: [][]string{
				{"bob/INBOX 9", "bob/INBOX/1 a", "ann/INBOX 9", "ann/INBOX/1 b", "bob/INBOX/3 c", "ann/INBOX/2 ann/INBOX/1"},
			},
			want: []string{"validity=9", "1 []  9-1 a", "2 []  9-1 b", "3 []  9-3 c", "4 []  9-2 b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := t.TempDir()
			var said []string
			for _, lines := range c.runs {
				_, log, err := restoreTo(t, store, annAndBob, bytes.NewReader(oneDay(t, lines...)))
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range log.lines {
					if kind := strings.Join(strings.SplitN(l, ": ", 3)[:2], ": "); kind != "warning: same-user" {
						said = append(said, kind)
					}
				}
			}
			if !slices.Equal(c.said, said) {
				t.Errorf("said %q, want %q", said, c.said)
			}
			got := boxLines(t, store, "joe", "INBOX")
			got[0] = strings.Fields(got[0])[3]
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("INBOX (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLinkToALostFirstCopy: where damage has taken a first copy, a link to it
// is lost, and does not lead to the mail that lies where the name says.
func TestLinkToALostFirstCopy(t *testing.T) {
	for name, c := range map[string]struct {
		opt    Options
		before []string
		lines  []string
	}{
		"of the first of two users who are one": {annAndBob, nil,
			[]string{"ann/INBOX 7", "ann/INBOX/1 first", "bob/INBOX 7", "bob/INBOX/1 other", "eve/INBOX 9", "eve/INBOX/1 ann/INBOX/1"}},
		"of the second": {annAndBob, nil,
			[]string{"ann/INBOX 7", "ann/INBOX/1 other", "bob/INBOX 7", "bob/INBOX/1 first", "eve/INBOX 9", "eve/INBOX/1 bob/INBOX/1"}},
		"of the second, under the UID that another got": {annAndBob, nil,
			[]string{"ann/INBOX 7", "ann/INBOX/1 other", "bob/INBOX 8", "bob/INBOX/1 b", "bob/INBOX/2 first", "eve/INBOX 9", "eve/INBOX/1 bob/INBOX/2"}},
		"before the other user comes": {annAndBob, nil,
			[]string{"ann/INBOX 7", "ann/INBOX/1 first", "eve/INBOX 9", "eve/INBOX/1 ann/INBOX/1", "bob/INBOX 7", "bob/INBOX/1 other"}},
		"the link before all": {annAndBob, nil,
			[]string{"eve/INBOX 9", "eve/INBOX/1 bob/INBOX/1", "ann/INBOX 7", "ann/INBOX/1 other", "bob/INBOX 7", "bob/INBOX/1 first"}},
		"the store has the UID": {Options{}, []string{"joe/INBOX 5", "joe/INBOX/9 old"},
			[]string{"joe/INBOX 7", "joe/INBOX/3 three", "joe/INBOX/9 first", "eve/INBOX 9", "eve/INBOX/1 joe/INBOX/9"}},
		"another message got the UID": {Options{}, []string{"joe/INBOX 5", "joe/INBOX/9 old"},
			[]string{"joe/INBOX 7", "joe/INBOX/3 three", "joe/INBOX/10 first", "eve/INBOX 9", "eve/INBOX/1 joe/INBOX/10"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := oneDay(t, c.lines...)
			copy(b[bytes.Index(b, []byte("Subject: first"))-512+148:], "999999") // the sum of the header
			for _, sync := range [...]storeconv.SyncMode{storeconv.SyncBatch, storeconv.SyncUser} {
				store := t.TempDir()
				if c.before != nil {
					again(t, store, Options{}, oneDay(t, c.before...))
				}
				opt := c.opt
				opt.Sync, opt.DryRun = sync, true
				dry, _, err := restoreTo(t, store, opt, bytes.NewReader(b))
				if err != nil {
					t.Fatal(err)
				}
				opt.DryRun = false
				rep, log, err := restoreTo(t, store, opt, bytes.NewReader(b))
				if err != nil || rep.Links != 0 || rep.Lost["lost-link"] != 1 {
					t.Errorf("%v, %+v, said %q", err, rep, log.lines)
				}
				checkBox(t, store, "eve", "INBOX", "user/eve exists=0 last=0 validity=9 []")
				if diff := cmp.Diff(rep, dry); diff != "" {
					t.Errorf("-run +dry:\n%s", diff)
				}
			}
		})
	}
}
