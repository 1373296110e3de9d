package verify_test

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify"
)

// said makes a stream of lines: a mailbox and its UIDVALIDITY, a message and x
// as often as its number says, or a link and its first copy.
func said(t *testing.T, lines ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sims.NewWriter(&out, sims.Header{Product: "SIMS 4.0", Date: 981538200}, 0)
	must(t, err)
	for _, line := range lines {
		name, is, _ := strings.Cut(line, " ")
		m := sims.Member{Name: name, Time: 900000000, Subscribed: -1}
		body := ""
		switch {
		case strings.Contains(is, "/"):
			m.Kind, m.Link = sims.Link, is
		case strings.Count(name, "/") == 2:
			body = mail(len(is))
			m.Kind, m.Size = sims.Message, int64(len(body))
		default:
			m.Kind = sims.Mailbox
			fmt.Sscan(is, &m.UIDValidity)
		}
		must(t, w.WriteMember(&m))
		_, err := io.WriteString(w, body)
		must(t, err)
	}
	must(t, w.Close())
	return out.Bytes()
}

// TestLinkToAnotherMessage: a link to what has the UID of its first copy, and
// came from another mailbox of the name, is found out. One whose first copy is
// not in the store cannot be compared, which is no fault.
func TestLinkToAnotherMessage(t *testing.T) {
	link := []string{"eve/INBOX 9", "eve/INBOX/2 joe/INBOX/1"}
	with := func(before ...string) []byte { return said(t, append(before, link...)...) }
	eve := storeconv.Selection{Users: map[string]bool{"eve": true}}
	for name, c := range map[string]struct {
		made   [][]byte // what the store is restored from, eve in the last one alone
		alone  bool
		sel    storeconv.Selection
		source [][]byte
		want   string
	}{
		"the stream says another UIDVALIDITY": {
			[][]byte{with("joe/INBOX 77", "joe/INBOX/1 x")}, false, storeconv.Selection{}, [][]byte{with("joe/INBOX 5")}, "broken-link"},
		"an earlier stream does": {
			[][]byte{with("joe/INBOX 77", "joe/INBOX/1 x")}, false, storeconv.Selection{}, [][]byte{said(t, "joe/INBOX 5"), with()}, "broken-link"},
		"an earlier stream has the first copy": {
			[][]byte{said(t, "joe/INBOX 5", "joe/INBOX/1 x", "joe/INBOX/2 xx"), said(t, "joe/INBOX 5", "eve/INBOX 9", "eve/INBOX/2 joe/INBOX/2")}, false, storeconv.Selection{},
			[][]byte{said(t, "joe/INBOX 5", "joe/INBOX/1 x", "joe/INBOX/2 xx"), with()}, "wrong-content"},
		"the user with the first copy is not chosen": {
			[][]byte{said(t, "joe/INBOX 77", "joe/INBOX/1 x"), with("joe/INBOX 5", "joe/INBOX/1 xx")}, true, eve, [][]byte{with("joe/INBOX 5", "joe/INBOX/1 xx")}, ""},
		"as it should be": {
			[][]byte{said(t, "joe/INBOX 5", "joe/INBOX/1 x"), with("joe/INBOX 5")}, false, storeconv.Selection{}, [][]byte{said(t, "joe/INBOX 5", "joe/INBOX/1 x"), with()}, ""},
		"the later stream alone": {
			[][]byte{said(t, "joe/INBOX 5", "joe/INBOX/1 x"), with("joe/INBOX 5")}, false, storeconv.Selection{}, [][]byte{with("joe/INBOX 5")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			store := filepath.Join(t.TempDir(), "store")
			for i, stream := range c.made {
				opt := restore.Options{}
				if c.alone && i == len(c.made)-1 {
					opt.Selection = eve
				}
				restoreStream(t, store, opt, stream)
			}
			log := verifyStreams(t, store, verify.StoreOptions{Selection: c.sel}, c.source...)
			var told []string
			for _, l := range log.problems {
				if strings.Contains(l, "eve/INBOX/2") {
					told = append(told, strings.Fields(l)[0])
				}
			}
			if strings.Join(told, " ") != c.want {
				t.Errorf("%q, want %q", log.problems, c.want)
			}
		})
	}
}
