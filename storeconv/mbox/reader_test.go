package mbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"imsconv/storeconv/ims"
)

// told returns what a Reader tells of a file, a line each.
func told(t *testing.T, text string, q Quoting) (out []string) {
	t.Helper()
	r := NewReader(strings.NewReader(text), int64(len(text)), Options{Quoting: q})
	for m, err := range r.All() {
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprintf("! %d %s", e.Severity(), e))
			continue
		}
		body, err := io.ReadAll(r)
		if err != nil || int64(len(body)) != m.Size {
			t.Fatalf("%d of %d bytes, %v: %q", len(body), m.Size, err, text)
		}
		line := fmt.Sprintf("%d %s %d %q", m.UID, m.Sender, m.Date, body)
		if m.HasFlags {
			line += " " + strings.Join(m.Flags.Names(), " ")
		}
		if len(m.Keywords) > 0 {
			line += fmt.Sprintf(" %q", m.Keywords)
		}
		out = append(out, line)
	}
	if r.Base.Validity != 0 {
		out = append(out, fmt.Sprintf("base %+v", r.Base))
	}
	return out
}

const (
	from1 = "From joe@siroe.com Wed Jun 21 09:32:14 2000\n"
	mmdf  = "\x01\x01\x01\x01\n"
	from2 = "From ann Thu Jun 22 09:32:14 2000\n"
)

// readerRows are files and what is in them.
var readerRows = []struct {
	name, text string
	quoting    Quoting
	want       []string
}{
	{"two messages", from1 + "Subject: a\n\nbody\n\n" + from2 + "Subject: b\n\nbody\n", Auto, []string{
		`0 joe@siroe.com 961579934 "Subject: a\n\nbody\n"`, `0 ann 961666334 "Subject: b\n\nbody\n"`}},
	{"a blank line at the end is the separator", from1 + "Subject: a\n\nbody\n\n\n", Auto, []string{`0 joe@siroe.com 961579934 "Subject: a\n\nbody\n\n"`}},
	{"no end of the last line", from1 + "Subject: a\n\nbody", Auto, []string{`0 joe@siroe.com 961579934 "Subject: a\n\nbody"`}},
	{"no blank line before From", from1 + "Subject: a\n\nbody\n" + from2 + "Subject: b\n\nx\n", Auto, []string{
		`0 joe@siroe.com 961579934 "Subject: a\n\nbody\n"`, `0 ann 961666334 "Subject: b\n\nx\n"`}},
	{"no blank lines at all", from1 + "S: a\n\na\n" + from2 + "S: b\n\nb\n" + from1 + "S: c\n\nc", Auto, []string{
		`0 joe@siroe.com 961579934 "S: a\n\na\n"`, `0 ann 961666334 "S: b\n\nb\n"`, `0 joe@siroe.com 961579934 "S: c\n\nc"`}},
	{"CR as line end", strings.ReplaceAll(from1+"S: a\n\na\n", "\n", "\r"), Auto, []string{"! 2 byte 0: no From line in 52 bytes: no message"}},
	{"MMDF", mmdf + from1 + "Status: RO\nX-UID: 3\nS: a\n\nFrom here on\n>From there\n" + mmdf + mmdf + "S: b\n\n\x01\x01\x01\x01 x\n\n" + mmdf, Auto, []string{
		`3 joe@siroe.com 961579934 "S: a\n\nFrom here on\n>From there\n" \Seen`, `0  -9223372036854775808 "S: b\n\n\x01\x01\x01\x01 x\n\n"`}},
	{"MMDF with one line between, and CRLF", strings.ReplaceAll("\n"+mmdf+"S: a\n\nx\n"+mmdf+"\nb\n"+mmdf+"\n", "\n", "\r\n"), Auto, []string{`0  -9223372036854775808 "S: a\r\n\r\nx\r\n"`, `0  -9223372036854775808 "\r\nb\r\n"`}},
	{"MMDF without its end", mmdf + from2 + "S: a\n\n" + from1, Auto, []string{
		"! 1 byte 5: the file ends before the line of four bytes 01 that ends the message", `0 ann 961666334 "S: a\n\nFrom joe@siroe.com Wed Jun 21 09:32:14 2000\n"`}},
	{"MMDF with nothing in it", mmdf + mmdf + "\n", Auto, nil},
	{"CRLF and then LF", strings.ReplaceAll(from1+"S: a\n\na\n\n", "\n", "\r\n") + from2 + "S: b\n\nb\n", Auto, []string{
		`0 joe@siroe.com 961579934 "S: a\r\n\r\na\r\n"`, `0 ann 961666334 "S: b\n\nb\n"`}},
	{"a From line in a text", from1 + "\nbody\n" + from2 + "and text\nFrom here on\n\nFrom there\nX: y\n", Auto, []string{
		`! 1 byte 50: the line "From ann Thu Jun 22 09:32:14 2000" may begin a message: taken for text`,
		`0 joe@siroe.com 961579934 "\nbody\nFrom ann Thu Jun 22 09:32:14 2000\nand text\nFrom here on\n\nFrom there\nX: y\n"`}},
	{"CRLF", strings.ReplaceAll(from1+"Subject: a\n\nbody\n\n"+from2+"S: b\n\nx\n\n", "\n", "\r\n"), Auto, []string{
		`0 joe@siroe.com 961579934 "Subject: a\r\n\r\nbody\r\n"`, `0 ann 961666334 "S: b\r\n\r\nx\r\n"`}},
	{"CRLF inside only", from1 + "Subject: a\r\n\r\nbody\r\n\r\n\n" + from2 + "\n", Auto, []string{
		`0 joe@siroe.com 961579934 "Subject: a\r\n\r\nbody\r\n\r\n"`, `0 ann 961666334 ""`}},
	{"empty messages", from1 + "\n" + from2 + "\n\n" + from1 + "S: x\n\n" + from2 + "S: x\n\n\n" + from1, Auto, []string{
		`0 joe@siroe.com 961579934 ""`, `0 ann 961666334 "\n"`, `0 joe@siroe.com 961579934 "S: x\n"`, `0 ann 961666334 "S: x\n\n"`, `0 joe@siroe.com 961579934 ""`}},
	{"no message", "", Auto, nil},
	{"blank lines", "\n\n\n", Auto, nil},
	{"blank lines in front", "\n\n" + from1 + "\nx\n", Auto, []string{`0 joe@siroe.com 961579934 "\nx\n"`}},
	{"garbage", "hello\nworld\n\n" + from1 + "\nx\n", Auto, []string{"! 2 byte 0: 13 bytes before the first From line belong to no message", `0 joe@siroe.com 961579934 "\nx\n"`}},
	{"no From line", "hello\nworld\n", Auto, []string{"! 2 byte 0: no From line in 12 bytes: no message"}},
	{"byte order mark", "\xef\xbb\xbf" + from1 + "\nx\n", Auto, []string{`0 joe@siroe.com 961579934 "\nx\n"`}},
	{"a hole", from1 + "S: x\n\nx\n\x00\x00\x00" + from2 + "S: y\n\ny\n", Auto, []string{
		"! 2 byte 52: 3 bytes in front of a From line belong to no message", `0 joe@siroe.com 961579934 "S: x\n\nx\n"`, `0 ann 961666334 "S: y\n\ny\n"`}},
	{"a large hole", from1 + "S: x\n\nx\n" + strings.Repeat("\x00", 3*window+7) + from2 + "S: y\n\ny\n", Auto, []string{
		"! 2 byte 196660: 7 bytes in front of a From line belong to no message",
		fmt.Sprintf(`0 joe@siroe.com 961579934 %q`, "S: x\n\nx\n"+strings.Repeat("\x00", 3*window)), `0 ann 961666334 "S: y\n\ny\n"`}},
	{"a body is not split", from1 + "S: a\n\nFrom here on, ...\n\nFrom here on, ...\n\nFrom what I wrote on Wed Jun 21 09:32:14 2000\n\nFrom Jun 21 09:32 2000 on\nnot again\n\nFrom joe Jun 21 09:32 2000\nnot again\n\nFrom \nhttp://x\n\nFrom joe\nhttp://x\n", Auto, []string{
		`! 1 byte 88: the line "From what I wrote on Wed Jun 21 09:32:14 2000" may begin a message: taken for text`,
		`! 1 byte 172: the line "From joe Jun 21 09:32 2000" may begin a message: taken for text`,
		`0 joe@siroe.com 961579934 "S: a\n\nFrom here on, ...\n\nFrom here on, ...\n\nFrom what I wrote on Wed Jun 21 09:32:14 2000\n\nFrom Jun 21 09:32 2000 on\nnot again\n\nFrom joe Jun 21 09:32 2000\nnot again\n\nFrom \nhttp://x\n\nFrom joe\nhttp://x\n"`}},
	{"a body is not split where From lines have no date", "From joe\nS: a\n\nFrom here on, this:\nhttp://x\n\nFrom ann\nS: b\n\nFrom ann\nsaid\n", Auto, []string{
		`0 joe -9223372036854775808 "S: a\n\nFrom here on, this:\nhttp://x\n"`, `0 ann -9223372036854775808 "S: b\n\nFrom ann\nsaid\n"`}},
	{"From lines without a day of the week", from1 + "S: a\n\na\n\nFrom joe 2000-06-21T09:32:15Z\nS: b\n\nb\n\nFrom ann 21-Jun-2000 09:32:16 +0000\nS: c\n\nc\nFrom ann Jun 21 09:32:17 2000\nTo: no blank line\n", Auto, []string{
		`0 joe@siroe.com 961579934 "S: a\n\na\n"`, `0 joe 961579935 "S: b\n\nb\n"`,
		`! 1 byte 136: the line "From ann Jun 21 09:32:17 2000" may begin a message: taken for text`, `0 ann 961579936 "S: c\n\nc\nFrom ann Jun 21 09:32:17 2000\nTo: no blank line\n"`}},
	{"Thunderbird, old and new", "From - Wed Jun 21 09:32:14 2000\nX-Mozilla-Status: 0001\nS: a\n\na\n\nFrom \nX-Mozilla-Status: 0000\nS: b\n\nb\n\nFrom -\nReceived: x\n\nc\n\nFrom - \nno header\n", Auto, []string{
		`0 - 961579934 "S: a\n\na\n" \Seen`, `0  -9223372036854775808 "S: b\n\nb\n" `, `0 - -9223372036854775808 "Received: x\n\nc\n\nFrom - \nno header\n"`}},
	{"a sender of several words, and no header behind", from1 + "S: a\n\na\n\nFrom Joe Q Public Wed Jun 21 09:32:15 2000\n\nthe second\n", Auto, []string{
		`! 1 byte 53: the line "From Joe Q Public Wed Jun 21 09:32:15 2000" may begin a message: taken for text`,
		`0 joe@siroe.com 961579934 "S: a\n\na\n\nFrom Joe Q Public Wed Jun 21 09:32:15 2000\n\nthe second\n"`}},
	{"a line that may begin a message", from1 + "S: a\n\na\n\nFrom joe, who knows when\nSubject: b\n\nb\n", Auto, []string{
		`! 1 byte 53: the line "From joe, who knows when" may begin a message: taken for text`, `0 joe@siroe.com 961579934 "S: a\n\na\n\nFrom joe, who knows when\nSubject: b\n\nb\n"`}},
	{"quoted, mboxrd", from1 + "\n>From a\n>>From b\n> From c\nFromage\n", Auto, []string{`0 joe@siroe.com 961579934 "\nFrom a\n>From b\n> From c\nFromage\n"`}},
	{"quoted, mboxo", from1 + "\n>From a\n>>From b\n", MboxO, []string{`0 joe@siroe.com 961579934 "\nFrom a\n>>From b\n"`}},
	{"quoted, mboxcl2 without a length", from1 + "\n>From a\n", MboxCL2, []string{`0 joe@siroe.com 961579934 "\n>From a\n"`}},
	{"quoting in the header stays", from1 + ">From b Thu Jun 22 09:32:14 2000 remote from x\nS: x\n\n", Auto, []string{
		`0 joe@siroe.com 961579934 ">From b Thu Jun 22 09:32:14 2000 remote from x\nS: x\n"`}},
	{"a right length", from1 + "Content-Length: 38\nS: x\n\n>From x\n\n" + from2[:28] + "\n\n" + from2 + "S: y\n\n", Auto, []string{
		`0 joe@siroe.com 961579934 "S: x\n\n>From x\n\nFrom ann Thu Jun 22 09:32:14\n"`, `0 ann 961666334 "S: y\n"`}},
	{"a right length over a From line", from1 + "Content-Length: 43\nS: x\n\n>From x\n\n" + from2 + "\n" + from2 + "S: y\n\n", Auto, []string{
		`0 joe@siroe.com 961579934 "S: x\n\n>From x\n\nFrom ann Thu Jun 22 09:32:14 2000\n"`, `0 ann 961666334 "S: y\n"`}},
	{"a right length, mboxcl", from1 + "Content-Length: 13\nS: x\n\n>From x\nab\n\n\n" + from2 + "S: y\n\n", MboxCL, []string{
		`0 joe@siroe.com 961579934 "S: x\n\nFrom x\nab\n\n\n"`, `0 ann 961666334 "S: y\n"`}},
	{"written back by mutt", from1 + "S: a\nX-Status: F\nContent-Length: 17\nLines: 2\n\n>From a\n>>From b\n\n" + from2 + "S: b\n\n>From c\n", Auto, []string{
		`0 joe@siroe.com 961579934 "S: a\nLines: 2\n\nFrom a\n>From b\n" \Flagged`, `0 ann 961666334 "S: b\n\nFrom c\n"`}},
	{"written back by mutt, and somebody quotes nothing", from1 + "S: a\nContent-Length: 17\nLines: 2\n\n>From a\n>>From b\n\n" + from2 + "S: b\nContent-Length: 7\n\nFrom c\n\n", Auto, []string{
		`0 joe@siroe.com 961579934 "S: a\nLines: 2\n\n>From a\n>>From b\n"`, `0 ann 961666334 "S: b\n\nFrom c\n"`}},
	{"written back by mutt, one that is not quoted", from1 + "S: a\nContent-Length: 15\nLines: 2\n\n>From a\nFrom b\n\n", Auto, []string{
		`0 joe@siroe.com 961579934 "S: a\nLines: 2\n\n>From a\nFrom b\n"`}},
	{"lines that are wrong, not at the end, alone, or in front", from1 + "S: a\nContent-Length: 8\nLines: 2\n\n>From a\n\n" + from1 + "Content-Length: 8\nLines: 1\nS: b\n\n>From b\n\n" +
		from1 + "S: c\nLines: 1\nContent-Length: 8\n\n>From c\n\n" + from1 + "Content-Length: 8\nLines: 1\n\n>From d\n\n" + from1 + "S: e\nContent-Length: 8\nLines: 1x\n\n>From e\n\n" + from2 + "S: f\n\n>From f\n", Auto, []string{
		`0 joe@siroe.com 961579934 "S: a\nLines: 2\n\n>From a\n"`, `0 joe@siroe.com 961579934 "Lines: 1\nS: b\n\n>From b\n"`, `0 joe@siroe.com 961579934 "S: c\nLines: 1\n\n>From c\n"`,
		`0 joe@siroe.com 961579934 "Lines: 1\n\n>From d\n"`, `0 joe@siroe.com 961579934 "S: e\nLines: 1x\n\n>From e\n"`, `0 ann 961666334 "S: f\n\nFrom f\n"`}},
	{"a length of Dovecot beside what was delivered", from1 + "S: a\nX-UID: 3\nStatus: O\nX-Keywords:            \nContent-Length: 8\n\n>From a\n\n" + from2 + "S: b\n\n>From b\n", Auto, []string{
		`3 joe@siroe.com 961579934 "S: a\n\n>From a\n" `, `0 ann 961666334 "S: b\n\nFrom b\n"`}},
	{"a wrong length", from1 + "Content-Length: 2\nS: x\n\nbody\n\n" + from2 + "Content-Length: 900\nS: y\n\nz\n\n" + from1 + "\n", Auto, []string{
		`0 joe@siroe.com 961579934 "Content-Length: 2\nS: x\n\nbody\n"`,
		"! 1 byte 74: Content-Length says 900 bytes, and the file ends before that", `0 ann 961666334 "Content-Length: 900\nS: y\n\nz\n"`, `0 joe@siroe.com 961579934 ""`}},
	{"cut off", from1 + "Content-Length: 900\nS: x\n\nbody\n", Auto, []string{
		"! 2 byte 0: Content-Length says 900 bytes, and the file ends before that", `0 joe@siroe.com 961579934 "Content-Length: 900\nS: x\n\nbody\n"`}},
	{"lengths that are none", from1 + "Content-Length: -1\nContent-Length: 99999999999999999999\nContent-Length: x\n\nb\n", Auto, []string{
		`0 joe@siroe.com 961579934 "Content-Length: -1\nContent-Length: 99999999999999999999\nContent-Length: x\n\nb\n"`}},
	{"flags of c-client", from1 + "X-IMAPbase: 1008099930 0000000050 $Junk work\nX-UID: 7\nStatus: RO\nX-Status: AFTD\nX-Keywords: $Junk   work \nS: x\n\nb\n\n" +
		from2 + "S: y\nStatus: O\nX-UID: 000008   \nX-Keywords:          \n\nb\n\n" + from2 + "Status: R\n\n" + from1 + "Status: \n\n", Auto, []string{
		`7 joe@siroe.com 961579934 "S: x\n\nb\n" \Deleted \Seen \Answered \Flagged \Draft ["$Junk" "work"]`, `8 ann 961666334 "S: y\n\nb\n" `,
		`0 ann 961666334 "" \Recent \Seen`, `0 joe@siroe.com 961579934 "" \Recent`, "base {Validity:1008099930 LastUID:50 Keywords:[$Junk work]}"}},
	{"the pseudo message", "From MAILER-DAEMON Wed Jun 21 09:32:14 2000\nFrom: Mail System Internal Data <MAILER-DAEMON@x>\n" +
		"Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 961579934 0000000002 a\n b\nStatus: RO\n\nThis text is part of the internal format\n\n" + from1 + "X-UID: 2\n\nb\n", Auto, []string{
		`2 joe@siroe.com 961579934 "\nb\n"`, "base {Validity:961579934 LastUID:2 Keywords:[a b]}"}},
	{"Mozilla", from1 + "X-Mozilla-Status: 1007\nX-Mozilla-Status2: 02010000\nX-Mozilla-Keys: $label2 todo                       \nS: x\n\nb\n\n" + from1 + "X-Mozilla-Status: 0008\nX-Mozilla-Status2: 00200000\n\n", Auto, []string{
		`0 joe@siroe.com 961579934 "S: x\n\nb\n" \Recent \Seen \Answered \Flagged ["$Forwarded" "$Label1" "$label2" "todo"]`, `0 joe@siroe.com 961579934 "" \Deleted`}},
	{"values that are the message's own", from1 + "Status: open\nX-Status: 5\nX-UID: abc\nX-IMAPbase: x\nX-Mozilla-Status: zz\nStatus : R\n\nStatus: R\n", Auto, []string{
		`0 joe@siroe.com 961579934 "Status: open\nX-Status: 5\nX-UID: abc\nX-IMAPbase: x\nX-Mozilla-Status: zz\nStatus : R\n\nStatus: R\n"`}},
	{"marked lines", from1 + "X-Imsconv-Status: RO\nX-Imsconv-X-Imsconv-X-UID: 5\nX-Imsconv-From x\nX-Imsconv-Other: 1\n\nb\n", Auto, []string{
		`0 joe@siroe.com 961579934 "Status: RO\nX-Imsconv-X-UID: 5\nFrom x\nX-Imsconv-Other: 1\n\nb\n"`}},
	{"undated From lines", "From joe\nS: x\n\nb\n\nFrom here on\nb\n\nFrom ann\nS: y\n\nb\n", Auto, []string{
		`0 joe -9223372036854775808 "S: x\n\nb\n\nFrom here on\nb\n"`, `0 ann -9223372036854775808 "S: y\n\nb\n"`}},
	{"a date that no calendar has", "From joe Wed Feb 31 09:32:14 2000\n\nb\n", Auto, []string{
		`! 1 byte 0: no calendar has the date of the From line "From joe Wed Feb 31 09:32:14 2000"`, `0 joe -9223372036854775808 "\nb\n"`}},
	{"two From lines", from1 + from2 + "S: x\n\nb\n", Auto, []string{`0 joe@siroe.com 961579934 "From ann Thu Jun 22 09:32:14 2000\nS: x\n\nb\n"`}},
	{"a header that does not end", from1 + "S: x\n" + from2 + "S: y\n", Auto, []string{`0 joe@siroe.com 961579934 "S: x\n"`, `0 ann 961666334 "S: y\n"`}},
	{"an end that is not open", from1 + "S: x\nX-Imsconv-End: open\nStatus: RO\n\n", Auto, []string{`0 joe@siroe.com 961579934 "S: x" \Seen`}},
}

func TestReader(t *testing.T) {
	for _, row := range readerRows {
		got := told(t, row.text, row.quoting)
		if strings.Join(got, "\n") != strings.Join(row.want, "\n") {
			t.Errorf("%s:\n%.2000s\nwant\n%.2000s", row.name, strings.Join(got, "\n"), strings.Join(row.want, "\n"))
		}
	}
}

func TestFromLines(t *testing.T) {
	const june = 961579934
	for _, row := range []struct {
		line, sender string
		date         int64
	}{
		{"joe@siroe.com Wed Jun 21 09:32:14 2000", "joe@siroe.com", june},
		{"joe@siroe.com  Wed Jun 21 09:32:14 2000", "joe@siroe.com", june},
		{"joe Wed Jun 21 09:32 2000", "joe", june - 14},
		{"joe Wed Jun  1 9:32:14 2000", "joe", june - 20*86400},
		{"joe Wed Jun 21 09:32:14 00", "joe", june},
		{"joe Wed Jun 21 09:32:14 99", "joe", 929957534},
		{"joe Wed Jun 21 09:32:14 EDT 2000", "joe", june + 4*3600},
		{"joe Wed Jun 21 09:32:14 2000 EDT", "joe", june + 4*3600},
		{"joe Wed Jun 21 09:32:14 MET DST 2000", "joe", june - 2*3600},
		{"joe Wed Jun 21 09:32:14 +0200 2000", "joe", june - 2*3600},
		{"joe Wed Jun 21 09:32:14 2000 -0330", "joe", june + 3*3600 + 1800},
		{"joe Wed Jun 21 09:32:14 GMT+1 2000", "joe", june},
		{"- Wed, 21 Jun 2000 09:32:14 +0000 (GMT)", "-", june},
		{"joe Wed, 21 Jun 00 09:32:14 GMT", "joe", june},
		{"joe wed jun 21 09:32:14 2000", "joe", june},
		{"joe Wed Jun 21 09:32:14 2000 remote from siroe", "joe", june},
		{`"Joe Q. Public"@siroe.com Wed Jun 21 09:32:14 2000`, `"Joe Q. Public"@siroe.com`, june},
		{"Wed Jun 21 09:32:14 2000", "", june},
		{"Wed Jones Wed Jun 21 09:32:14 2000", "Wed Jones", june},
		{"???@??? Mon Jan 01 00:00:00 1997", "???@???", 852076800},
		{"joe Wed Jun 21 09:32:14 AM 2000", "joe", june},
		{"joe Wed Jun 21 9:32:14 PM EDT 2000", "joe", june + 16*3600},
		{"joe Wed Jun 21 12:32:14 AM 2000", "joe", june - 9*3600},
		{"joe Tue Feb 29 23:59:60 2000", "joe", 951868799},
		{"jwz  Wed, Jun 21 09:32:14 2000 (+0700)", "jwz", june - 7*3600},                             // Netscape
		{"joe Wed Jun 21 09:32:14 2000 (CEST)", "joe", june - 2*3600},                                //
		{"joe Wed Jun 21 09:32:14 +0300 (IST) 2000", "joe", june - 3*3600},                           // a number before a name
		{"123@xxx Wed Jun 21 09:32:14 +0000 2000", "123@xxx", june},                                  // Google
		{"joe at siroe.com  Wed Jun 21 09:32:14 2000", "joe at siroe.com", june},                     // Mailman
		{"siroe!hub!joe Wed Jun 21 09:32:14 2000 remote from x", "siroe!hub!joe", june},              // UUCP
		{"joe Wed Jun 21 2000 09:32:14 GMT+0200 (Central European Summer Time)", "joe", june - 7200}, // JavaScript
		{"joe Wed 21 Jun 2000 09:32:14 AM UTC", "joe", june},                                         // date(1)
		{"joe Wednesday, June 21, 2000 09:32 PM", "joe", june - 14 + 12*3600},
		{"joe Wed, 21-Jun-2000 09:32:14 GMT", "joe", june},
		{"joe Wed 21 Jun 2000 09:32:14 AM MET DST", "joe", june - 2*3600}, // as many words as there can be
		{"joe Wed 2000-06-21 09:32:14 +02:00", "joe", june - 2*3600},
		{"joe 2000-06-21T09:32:14Z", "joe", june},
		{"joe 2000-06-21T09:32:14.250+02:00", "joe", june - 2*3600},
		{"joe 2000-06-21 09:32:14", "joe", june},
		{"joe 2000-06-21T09:32", "joe", june - 14},
		{"joe 2000-06-21T25:32:14Z", "joe", ims.NoTime},
		{"joe 21-Jun-2000 09:32:14 +0200", "joe", june - 2*3600}, // as INTERNALDATE
		{"joe 21 Jun 00 09:32:14", "joe", june},
		{"joe Jun 21 09:32:14 2000", "joe", june},
		{"- Mi Jun 21 09:32:14 2000", "- Mi", june},
		{"joe\tWed\tJun\t21\t09:32:14\t2000", "joe", june},
		{"joe Thu Jan  1 00:00:00 1970", "joe", 0},
		{"joe Mon Jan  1 00:00:00 0001", "joe", ims.MinTime},
		{"joe Fri Dec 31 23:59:59 9999", "joe", ims.MaxTime},
		{"joe Wed Jun 31 09:32:14 2000", "joe", ims.NoTime},
		{"joe Wed Jun 21 25:32:14 2000", "joe", ims.NoTime},
		{"joe Wed Jun 21 09:32:61 2000", "joe", ims.NoTime},
	} {
		f, ok := parseFrom([]byte("From " + row.line + "\r\n"))
		if !ok || !f.dated || f.sender != row.sender || f.date != row.date {
			t.Errorf("%q: %+v, %v", row.line, f, ok)
		}
	}
	for _, line := range []string{"here to eternity", "Wed", "Wed Jun 21", "joe Wed Jun 21 2000", "joe Wed Jun 21 09:32:14 200", "joe Wed Jun 21 09:32:14 2000 and more of it here", "joe Wed Jun 21 09:32:14 2000 2001", "", "joe Wed Jun 0 , 09:32 2000", "joe 2000-13-21T09:32:14Z", "joe Jun 21 09:32 2000 (", "joe 2000-06-21", "here on, at 09:32 in 2000", "- ", "the Juniper 21 09:32 2000"} {
		if f, ok := parseFrom([]byte("From " + line)); !ok || f.dated {
			t.Errorf("%q: %+v, %v", line, f, ok)
		}
	}
	if _, ok := parseFrom([]byte("from joe Wed Jun 21 09:32:14 2000")); ok {
		t.Error("from")
	}
}

// TestManyUnsureLines: however many lines of a message may begin one, a bounded
// number of them is kept and told one by one.
func TestManyUnsureLines(t *testing.T) {
	unsure := strings.Repeat("\nFrom joe, some day\nSubject: x\n", 1000)
	text := from1 + "S: a\n" + unsure + "\n" + from1 + "S: b\n\nb\n" + "\nFrom ann, today\nSubject: x\n"
	var told []string
	messages := 0
	for _, err := range NewReader(strings.NewReader(text), int64(len(text)), Options{}).All() {
		if err != nil {
			told = append(told, err.Error())
		} else {
			messages++
		}
	}
	if messages != 2 || len(told) != mostUnsure+2 || told[mostUnsure] != "byte 0: 900 more lines here may begin a message: taken for text" {
		t.Errorf("%d messages, %d faults: %q", messages, len(told), told[max(0, len(told)-2):])
	}
}

// TestFromLineOfDays: what a line that is no From line costs does not depend on
// how many words of it could begin a date.
func TestFromLineOfDays(t *testing.T) {
	for _, word := range []string{"Sun ", "Sun 1-1-1-1 ", "2000-06-21 "} {
		line := []byte("From " + strings.Repeat(word, (maxFrom-5)/len(word)))
		n := testing.AllocsPerRun(1, func() {
			if f, ok := parseFrom(line); !ok || f.dated {
				t.Errorf("%q: %+v, %v", word, f, ok)
			}
		})
		if n > 500 {
			t.Errorf("%q: %v allocations", word, n)
		}
	}
}

// holdsMessage: what a Writer of either kind writes gives the bytes again.
func holdsMessage(t *testing.T, msgs [][]byte) {
	t.Helper()
	for _, q := range []Quoting{MboxRD, MboxCL2} {
		var out bytes.Buffer
		w, err := NewWriter(&out, q, Base{Validity: 5, LastUID: 9, Keywords: []string{"a", "b"}})
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range msgs {
			e := Entry{Sender: "joe", Date: 961579934, UID: uint32(i + 1), Flags: ims.Flags(i*37) & 0x3f, Keywords: []string{"b"}}
			if err := w.Write(&e, bytes.NewReader(m), int64(len(m))); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		for _, as := range []Quoting{Auto, q} {
			r := NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()), Options{Quoting: as})
			n := 0
			for m, err := range r.All() {
				if err != nil {
					t.Fatalf("%v: %v\n%q", q, err, out.Bytes())
				}
				got, err := io.ReadAll(r)
				if err != nil || n >= len(msgs) || !bytes.Equal(got, msgs[n]) || int64(len(got)) != m.Size {
					t.Fatalf("%v read as %v: message %d is %q of %d bytes, %v\n%q", q, as, n, got, m.Size, err, out.Bytes())
				}
				if m.UID != uint32(n+1) || m.Date != 961579934 || !m.HasFlags || m.Flags != ims.Flags(n*37)&0x3f || strings.Join(m.Keywords, " ") != "b" {
					t.Fatalf("%v: message %d: %+v", q, n, m)
				}
				n++
			}
			if n != len(msgs) || n > 0 && (r.Base.Validity != 5 || r.Base.LastUID != 9 || len(r.Base.Keywords) != 2) {
				t.Fatalf("%v: %d of %d messages, %+v\n%q", q, n, len(msgs), r.Base, out.Bytes())
			}
		}
	}
}

// oddMessages are messages that writers of mailbox files stumble over.
var oddMessages = []string{
	"", "\n", "\r\n", "x", "Subject: x", "Subject: x\n", "Subject: x\n\n", "Subject: x\r\n\r\nbody\r\n", "S: x\n\nno end", "S: x\n\nends with CR\r",
	"S: x\n\n\n\n\n", "S: x\r\n\r\n\r\n\r\n", "S: x\n\nFrom here\n>From\n>From a\n>>From b\nFrom joe Wed Jun 21 09:32:14 2000\nS: y\n\n",
	"From joe Wed Jun 21 09:32:14 2000\nS: x\n\nb\n", ">From joe\nS: x\n\n", " fold first\nS: x\n\n", "\tx", "S: x\n\n" + "From joe Wed Jun 21 09:32:14 2000\n\n",
	"Status: RO\nX-UID: 5\nContent-Length: 1\nX-IMAPbase: 1 2\nX-IMAP: 1 2\nX-Keywords: z\n fold\nX-Imsconv-End: open\nX-Imsconv-Status: R\nX-Imsconv-Foo: 1\n\nb\n",
	"X-Mozilla-Status: 0001\nX-Mozilla-Keys: a\n", "Status: RO", "X-Imsconv-End: open", "S: x\n\n\x00\x00From joe Wed Jun 21 09:32:14 2000\nS: y\n",
	"\x00From joe Wed Jun 21 09:32:14 2000\nS: y\n", "S: x\n\n\xef\xbb\xbfFrom joe Wed Jun 21 09:32:14 2000\nS: y\n", "S: \x00\n\n\x00", "no header at all\nreally\n",
	"S: " + strings.Repeat("x", 3*window) + "\n\n>From " + strings.Repeat("y", 2*window) + "\n", "S: x\n\n" + strings.Repeat(">", window+5) + "From x\n",
}

func TestWrittenAndRead(t *testing.T) {
	var all [][]byte
	for _, m := range oddMessages {
		all = append(all, []byte(m))
		holdsMessage(t, [][]byte{[]byte(m)})
		holdsMessage(t, [][]byte{[]byte(m), []byte(m)})
	}
	holdsMessage(t, all)
	holdsMessage(t, nil)
}

// TestOneLineEndBehindABody: Dovecot takes a Content-Length for right when one
// line end stands between the body and the next From line, and no more.
func TestOneLineEndBehindABody(t *testing.T) {
	for _, body := range []string{"S: x\n\nno end", "S: x\n\nend\n", "S: x\n\n", "S: x\n\nCR\r"} {
		var out bytes.Buffer
		w, err := NewWriter(&out, MboxCL2, Base{})
		for range 2 {
			if err == nil {
				err = w.Write(&Entry{UID: 1}, strings.NewReader(body), int64(len(body)))
			}
		}
		if err == nil {
			err = w.Flush()
		}
		ends := "\n"
		if strings.HasSuffix(body, "\r") { // Dovecot would take the CR for part of the line end, and crash
			ends = "\n\n"
		}
		if err != nil || strings.Count(out.String(), body[5:]+ends+"From ") != 1 || !strings.HasSuffix(out.String(), body+ends) {
			t.Errorf("%q: %q, %v", body, out.String(), err)
		}
	}
}

func FuzzWriter(f *testing.F) {
	for i, m := range oddMessages {
		f.Add([]byte(m), []byte(oddMessages[(i+1)%len(oddMessages)]))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) { holdsMessage(t, [][]byte{a, b}) })
}

// FuzzReader: any file can be read, each message twice alike, and no byte of it
// belongs to two messages.
func FuzzReader(f *testing.F) {
	for _, row := range readerRows {
		if len(row.text) < 4096 {
			f.Add([]byte(row.text), uint8(row.quoting))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, q uint8) {
		r := NewReader(bytes.NewReader(text), int64(len(text)), Options{Quoting: Quoting(q % 5)})
		last := int64(-1)
		told := false
		for m, err := range r.All() {
			var e *Error
			if err != nil {
				if !errors.As(err, &e) {
					t.Fatal(err)
				}
				told = told || e.Class == Garbage
				continue
			}
			if gap := text[last+1 : max(m.Offset, last+1)]; len(bytes.Trim(gap, "\r\n\x00\x01\xef\xbb\xbf")) > 0 && !(told && last < 0) && !bytes.Contains(bytes.ToLower(gap), []byte("x-imap:")) {
				t.Fatalf("%q belongs to no message", gap)
			}
			if m.Offset <= last || m.begin < m.Offset || m.begin == m.Offset && !IsMMDF(text) || m.end < m.begin {
				t.Fatalf("%+v behind %d", m, last)
			}
			last = m.end - 1
			one, err := io.ReadAll(r)
			two, err2 := io.ReadAll(r.Open(m))
			if err != nil || err2 != nil || int64(len(one)) != m.Size || !bytes.Equal(one, two) {
				t.Fatalf("%d bytes: %q, %v, then %q, %v", m.Size, one, err, two, err2)
			}
		}
		if gap := text[last+1:]; last >= 0 && len(bytes.Trim(gap, "\r\n\x01")) > 0 {
			t.Fatalf("%q belongs to no message", gap)
		}
	})
}
