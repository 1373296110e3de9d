package restore

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv/ims"
)

// TestLinkByUIDValidity: which message of the store is the first copy of a link
// is told by the UIDVALIDITY that the streams say of its mailbox. A message of
// the same UID and of another mailbox of the name is never taken for it where
// that is known.
func TestLinkByUIDValidity(t *testing.T) {
	const lost, guess = "problem: lost-link", "warning: guessed-link"
	full := []string{"joe/INBOX 5", "joe/INBOX/1 right", "eve/INBOX 9", "eve/INBOX/1 other"}
	another := []string{"joe/INBOX 77", "joe/INBOX/1 wrong"}
	said := []string{"joe/INBOX 5", "eve/INBOX 9", "eve/INBOX/2 joe/INBOX/1"}
	unsaid := []string{"eve/INBOX 9", "eve/INBOX/2 joe/INBOX/1"}
	saidLater := []string{"eve/INBOX 9", "eve/INBOX/2 joe/INBOX/1", "joe/INBOX 5"}
	onlyEve := Options{}
	onlyEve.Users = map[string]bool{"eve": true} // in the last run
	noIndex := Options{NoIndex: true}
	both := []string{"ann/INBOX 5", "ann/INBOX/1 right", "bob/INBOX 6", "bob/INBOX/1 wrong"}
	bothAlike := []string{"ann/INBOX 5", "ann/INBOX/1 right", "bob/INBOX 5", "bob/INBOX/1 wrong"}
	made := []string{"joe/Tmp 100", "joe/Tmp/1 old1", "joe/Tmp/2 old2", "joe/Tmp/3 wrong"}
	madeAgain := []string{"joe/Tmp 200", "joe/Tmp/1 new1", "joe/Tmp/2 right"}
	with := func(before []string, after ...string) []string { return append(slices.Clone(before), after...) }
	for name, c := range map[string]struct {
		opt       Options
		runs      [][][]string // of streams
		reference []string
		want      string // text of the link's message; "": it is lost
		said      string
	}{
		"another mailbox of the name":              {Options{}, [][][]string{{another}, {said}}, nil, "", lost},
		"the same, of which nothing is done":       {onlyEve, [][][]string{{another}, {said}}, nil, "", lost},
		"the same, with a reference":               {Options{}, [][][]string{{another}, {said}}, full, "right", ""},
		"the same, said last":                      {Options{}, [][][]string{{another}, {saidLater}}, nil, "", lost},
		"the reference is of another":              {Options{}, [][][]string{{said}}, another, "", lost},
		"unsaid, with a reference":                 {Options{}, [][][]string{{another}, {unsaid}}, full, "right", ""},
		"unsaid":                                   {Options{}, [][][]string{{full}, {unsaid}}, nil, "right", guess},
		"unsaid, of two":                           {Options{}, [][][]string{{full}, {another}, {unsaid}}, nil, "", lost},
		"a run of its own":                         {Options{}, [][][]string{{full}, {said}}, nil, "right", ""},
		"a run of its own, said last":              {Options{}, [][][]string{{full}, {saidLater}}, nil, "right", ""},
		"a part of the users":                      {onlyEve, [][][]string{{full}, {said}}, nil, "right", ""},
		"one run":                                  {Options{}, [][][]string{{full, unsaid}}, nil, "right", ""},
		"without indexes":                          {noIndex, [][][]string{{full}, {said}}, nil, "right", guess},
		"without indexes, with a reference":        {noIndex, [][][]string{{another}, {said}}, full, "right", ""},
		"without indexes, one run":                 {noIndex, [][][]string{{full, unsaid}}, nil, "right", ""},
		"of the first of two who are one":          {annAndBob, [][][]string{{both}, {{"ann/INBOX 5", "eve/INBOX 9", "eve/INBOX/2 ann/INBOX/1"}}}, nil, "right", ""},
		"of the second":                            {annAndBob, [][][]string{{both}, {{"bob/INBOX 6", "eve/INBOX 9", "eve/INBOX/2 bob/INBOX/1"}}}, nil, "wrong", ""},
		"of one, unsaid":                           {annAndBob, [][][]string{{both}, {{"eve/INBOX 9", "eve/INBOX/2 ann/INBOX/1"}}}, nil, "", lost},
		"of one, unsaid, with a reference":         {annAndBob, [][][]string{{both}, {{"eve/INBOX 9", "eve/INBOX/2 ann/INBOX/1"}}}, both, "right", ""},
		"of one, only the other is said":           {annAndBob, [][][]string{{both}, {{"bob/INBOX 6", "eve/INBOX 9", "eve/INBOX/2 ann/INBOX/1"}}}, nil, "", lost},
		"of one, in one run":                       {annAndBob, [][][]string{{both, {"eve/INBOX 9", "eve/INBOX/2 ann/INBOX/1"}}}, nil, "right", ""},
		"of one, both alike":                       {annAndBob, [][][]string{{bothAlike}, {{"ann/INBOX 5", "eve/INBOX 9", "eve/INBOX/2 ann/INBOX/1"}}}, nil, "", lost},
		"made once more":                           {Options{}, [][][]string{{made, with(madeAgain, "eve/INBOX 9", "eve/INBOX/2 joe/Tmp/3")}}, nil, "", lost},
		"made once more, left out":                 {onlyEve, [][][]string{{made, with(madeAgain, "eve/INBOX 9", "eve/INBOX/2 joe/Tmp/3")}}, nil, "", lost},
		"made once more, a message of now":         {Options{}, [][][]string{{made, with(madeAgain, "eve/INBOX 9", "eve/INBOX/2 joe/Tmp/2")}}, nil, "right", ""},
		"made once more, left out, of now":         {onlyEve, [][][]string{{made, with(madeAgain, "eve/INBOX 9", "eve/INBOX/2 joe/Tmp/2")}}, nil, "right", ""},
		"made once more, in a run of its own":      {Options{}, [][][]string{{made}, {with(madeAgain, "eve/INBOX 9", "eve/INBOX/2 joe/Tmp/3")}}, nil, "", lost},
		"made once more, with a link that is lost": {Options{}, [][][]string{{made, with(madeAgain, "joe/Tmp/3 joe/Tmp/7", "eve/INBOX 9", "eve/INBOX/2 joe/Tmp/3")}}, nil, "", lost},
		"made once more, a link from before":       {Options{}, [][][]string{{with(made, "eve/INBOX 9", "eve/INBOX/2 joe/Tmp/4"), with(madeAgain, "joe/Tmp/4 wrong")}}, nil, "", lost},
	} {
		t.Run(name, func(t *testing.T) {
			for _, jobs := range [...]int{1, 4} {
				store := t.TempDir()
				var said []string
				for i, run := range c.runs {
					opt := c.opt
					opt.Jobs = jobs
					if i == len(c.runs)-1 && c.reference != nil {
						opt.Reference = []*Stream{stream(t, "reference", bytes.NewReader(oneDay(t, c.reference...)))}
					}
					if i < len(c.runs)-1 {
						opt.Users = nil
					}
					var in []io.Reader
					for _, lines := range run {
						in = append(in, bytes.NewReader(oneDay(t, lines...)))
					}
					_, log, err := restoreTo(t, store, opt, in...)
					if err != nil {
						t.Fatal(err)
					}
					for _, l := range log.lines {
						if strings.Contains(l, "eve/INBOX/2") {
							said = append(said, strings.Join(strings.SplitN(l, ": ", 3)[:2], ": "))
						}
					}
				}
				if got := strings.Join(said, "\n"); got != c.said {
					t.Errorf("said %q, want %q", said, c.said)
				}
				body, _ := os.ReadFile(filepath.Join(store, ims.MailboxDir("primary", "eve", "INBOX"), ims.MessagePath(2)))
				if got := strings.TrimSpace(strings.TrimPrefix(string(body), "Subject: ")); got != c.want {
					t.Errorf("the link is %q, want %q", got, c.want)
				}
			}
		})
	}
}
