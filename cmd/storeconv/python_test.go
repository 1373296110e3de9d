package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/mbox"
)

// pythonReads prints the messages of a mailbox file as Python sees them: its
// flags, and its bytes in hexadecimal without the fields that a Writer adds.
const pythonReads = `
import mailbox, sys
own = (b'X-IMAPbase:', b'X-Keywords:', b'Status:', b'X-Status:', b'X-UID:', b'Content-Length:')
for m in mailbox.mbox(sys.argv[1], create=False):
    pass
box = mailbox.mbox(sys.argv[1], create=False)
for key in box.keys():
    lines = box.get_bytes(key).split(b'\n')
    while lines and lines[0].startswith(own):
        lines.pop(0)
    print(box[key].get_flags(), b'\n'.join(lines).hex())
`

// pythonWrites makes a mailbox file of messages with flags.
const pythonWrites = `
import mailbox, sys
box = mailbox.mbox(sys.argv[1], create=True)
for flags, text in (('RO', b'Subject: a\n\nhello\n'), ('', b'Subject: b\n\nFrom here\nto there\n'), ('ROAFTD', b'Subject: c\n\n'), ('O', b'Subject: d\n\n\n\nx\n\n')):
    m = mailbox.mboxMessage(text)
    m.set_from('joe@siroe.com', (2000, 6, 21, 9, 32, 14, 2, 173, 0))
    m.set_flags(flags)
    box.add(m)
box.flush()
`

// runPython runs a script with one argument.
func runPython(t *testing.T, script, arg string) string {
	t.Helper()
	cmd := peer.Command(t, peer.Need(t, "python3"), "-c", script, arg)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3: %v: %s", err, stderr.String())
	}
	return string(out)
}

// TestPythonReadsMailboxes: Python's mailbox module finds the messages that a
// Writer wrote, byte for byte where nothing had to be quoted.
func TestPythonReadsMailboxes(t *testing.T) {
	msgs := []struct {
		flags ims.Flags
		want  string
		text  string
	}{
		{ims.Seen, "RO", "Subject: a\n\nhello\n"},
		{ims.Recent, "N", "Subject: b\n\n\n\n"},
		{ims.Seen | ims.Answered | ims.Flagged | ims.Draft | ims.Deleted, "ROAFTD", "Subject: c\r\n\r\nCR LF\r\n"},
		{0, "O", "Subject: d\n folded\n\n From\nFrom: x\n8-bit \xe4\n"},
	}
	for _, kind := range []mbox.Quoting{mbox.MboxRD, mbox.MboxCL2} {
		path := filepath.Join(t.TempDir(), "box")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		w, err := mbox.NewWriter(f, kind, mbox.Base{Validity: 5, LastUID: 9})
		if err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		for i, m := range msgs {
			e := mbox.Entry{Sender: "joe@siroe.com", Date: 961579934, UID: uint32(i + 1), Flags: m.flags, Keywords: []string{"work"}}
			if err := w.Write(&e, strings.NewReader(m.text), int64(len(m.text))); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&want, "%s %x\n", m.want, m.text)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if got := runPython(t, pythonReads, path); got != want.String() {
			t.Errorf("%v: Python reads\n%swant\n%s", kind, got, want.String())
		}
	}
}

// TestMailboxesOfPython: what Python's mailbox module writes is read as it was
// meant.
func TestMailboxesOfPython(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box")
	runPython(t, pythonWrites, path)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	r := mbox.NewReader(f, info.Size(), mbox.Options{})
	for m, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %d %s %q", m.Sender, m.Date, strings.Join(m.Flags.Names(), " "), text))
	}
	want := []string{
		`joe@siroe.com 961579934 \Seen "Subject: a\n\nhello\n"`,
		`joe@siroe.com 961579934 \Recent "Subject: b\n\nFrom here\nto there\n"`,
		`joe@siroe.com 961579934 \Deleted \Seen \Answered \Flagged \Draft "Subject: c\n\n"`,
		`joe@siroe.com 961579934  "Subject: d\n\n\n\nx\n\n"`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// pythonWritesMMDF makes an MMDF file.
const pythonWritesMMDF = `
import mailbox, sys
box = mailbox.MMDF(sys.argv[1], create=True)
for flags, text in (('RO', b'Subject: a\n\nhello\n'), ('', b'Subject: b\n\nFrom here\nto there\n\n'), ('ROAFTD', b'Subject: c\n\n')):
    m = mailbox.MMDFMessage(text)
    m.set_from('joe@siroe.com', (2000, 6, 21, 9, 32, 14, 2, 173, 0))
    m.set_flags(flags)
    box.add(m)
box.flush()
for key in box.keys():
    print(box.get_bytes(key).hex())
`

// TestMMDFOfPython: an MMDF file that Python's mailbox module writes has the
// messages that it wrote. It quotes From lines and puts a line end behind each
// message, which nobody else does: both stay.
func TestMMDFOfPython(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box")
	python := strings.Fields(runPython(t, pythonWritesMMDF, path))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	r := mbox.NewReader(bytes.NewReader(text), int64(len(text)), mbox.Options{})
	for m, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %s %q", m.Date, strings.Join(m.Flags.Names(), " "), body))
	}
	want := []string{
		`961579934 \Seen "Subject: a\n\nhello\n\n"`,
		`961579934 \Recent "Subject: b\n\n>From here\nto there\n\n\n"`,
		`961579934 \Deleted \Seen \Answered \Flagged \Draft "Subject: c\n\n\n"`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || len(python) != len(want) {
		t.Errorf("%s\nwant\n%s\nPython reads %d", strings.Join(got, "\n"), strings.Join(want, "\n"), len(python))
	}
}
