package mbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCorpus reads mailbox files of other projects: how many messages there are
// in each, where their From lines are, and how long they are.
func TestCorpus(t *testing.T) {
	for name, want := range map[string]string{
		"mboxcl2":          "0+2172 2245+2491 4809+2264",
		"mboxcl2.lies":     "0+2192 2245+2491 4809+2264",
		"mboxcl3":          "0+1002 1083+1017",
		"python-25.mbox":   "0+5077",
		"python-43.mbox":   "0+9083",
		"zones.mbox":       "0+39 90+60 214+62 326+124 527+34",
		"forwarded.mbox":   "0+351 398+25",
		"mutt.mbox":        "0+131 209+65 339+51",
		"dovecot.mbox":     "0+35 166+30 292+51",
		"empty-lines.mbox": "3+51 99+17 160+55",
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "mbox", name))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		var msgs [][]byte
		r := NewReader(bytes.NewReader(text), int64(len(text)), Options{})
		for m, err := range r.All() {
			var e *Error
			if errors.As(err, &e) && e.Severity() == 1 {
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			got = append(got, fmt.Sprintf("%d+%d", m.Offset, m.Size))
			body, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			msgs = append(msgs, body)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", name, strings.Join(got, " "), want)
		}
		holdsMessage(t, msgs)
	}
}

// TestWrittenBack: what programs do to mailbox files leaves the messages as
// they were delivered, but for a field more.
func TestWrittenBack(t *testing.T) {
	for name, want := range map[string][]string{
		"mutt.mbox": {
			"From: joe@siroe.com\nTo: ann@siroe.com\nDate: Wed, 21 Jun 2000 09:32:14 +0000\nSubject: one\nLines: 3\n\nFrom the start\n>From deeper\nend\n",
			"From: ann@siroe.com\nSubject: two\nLines: 2\n\nsecond >From x\nFrom y\n",
			"From: bob@siroe.com\nSubject: three\nLines: 1\n\nplain\n",
		},
		"dovecot.mbox": {
			"From: ann@x\nSubject: one\n\nFrom one\n", "From: bob@x\nSubject: two\n\ntwo\n", "From: c@x\nSubject: three\n\nFrom here on\n>From there\n",
		},
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "mbox", name))
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(bytes.NewReader(text), int64(len(text)), Options{})
		var got []string
		for _, err := range r.All() {
			body, err2 := io.ReadAll(r)
			if err != nil || err2 != nil {
				t.Fatalf("%s: %v, %v", name, err, err2)
			}
			got = append(got, string(body))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
