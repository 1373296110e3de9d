package source

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
)

const (
	from1 = "From joe@siroe.com Wed Jun 21 09:32:14 2000\n"
	from2 = "From ann Wed Jun 21 09:32:15 2000\n"
)

var mboxRows = []row{
	{name: "files of KMail, Eudora, Apple Mail and Evolution", opt: Options{Kind: Mbox}, files: map[string]string{
		"joe/work": from1 + "X-IMAPbase: 5 1\n\nw\n", "joe/.work.index": "x", "joe/.work.directory/sub": from1 + "X-IMAPbase: 6 1\n\ns\n", "joe/.work.directory/.sub.index.ids": "x",
		"ann/In.mbx": from1 + "X-IMAPbase: 5 1\n\ni\n", "ann/In.toc": "x", "ann/Old.fol/Jan.mbx": from1 + "X-IMAPbase: 6 1\n\nj\n",
		"bob/INBOX.mbox/mbox": from1 + "X-IMAPbase: 5 1\n\nb\n", "bob/INBOX.mbox/table_of_contents": "x", "bob/INBOX.mbox/mbox.SKindex/ArchiveIndex": "x", "bob/INBOX.mbox/Info.plist": "x",
		"eve/Inbox": from1 + "X-IMAPbase: 5 1\n\ne\n", "eve/Inbox.ev-summary-meta": "x", "eve/Inbox.ibex.index": "x", "eve/local-metadata.xml": "x",
	}, want: `
		user ann
		box ann/In 5 2 sub -1 "" ""
		msg ann/In/2 0 "\ni\n" ""
		box ann/Old/Jan 6 2 sub -1 "" ""
		msg ann/Old/Jan/2 0 "\nj\n" ""
		! 1 no-inbox ann/In.mbx: the user has no INBOX, and a mailbox In, which is Eudora's name for it: a file INBOX in its place becomes the INBOX
		user bob
		box bob/INBOX 5 2 sub -1 "" ""
		msg bob/INBOX/2 0 "\nb\n" ""
		user eve
		box eve/INBOX 5 2 sub -1 "" ""
		msg eve/INBOX/2 0 "\ne\n" ""
		user joe
		box joe/work/sub 6 2 sub -1 "" ""
		msg joe/work/sub/2 0 "\ns\n" ""
		box joe/work 5 2 sub -1 "" ""
		msg joe/work/2 0 "\nw\n" ""
		! 1 stray-file : 8 files are no mail, such as indexes of mail programs: left out (ann/In.toc, bob/INBOX.mbox/Info.plist, bob/INBOX.mbox/table_of_contents, ...)`},
	{name: "mail in hidden folders", opt: Options{Kind: Mbox}, files: map[string]string{
		"joe/INBOX": from1 + "X-IMAPbase: 5 1\n\ni\n", "joe/.old/a/b": from1 + "\nx\n", "joe/x.html/y": from1 + "\nx\n", "joe/.imap/INBOX/dovecot.index": "x", "joe/.md/sub/cur/1.x": "x", ".trash/joe": from1 + "\nx\n",
	}, want: `
		! 2 hidden .trash: mail in a folder that is hidden, or that mail programs keep for themselves by its name: not read
		user joe
		! 2 hidden joe/.md: mail in a folder that is hidden, or that mail programs keep for themselves by its name: not read
		! 2 hidden joe/.old: mail in a folder that is hidden, or that mail programs keep for themselves by its name: not read
		box joe/INBOX 5 2 sub -1 "" ""
		msg joe/INBOX/2 0 "\ni\n" ""
		! 2 hidden joe/x.html: mail in a folder that is hidden, or that mail programs keep for themselves by its name: not read`},
	{name: "names in UTF-8 of mailbox files", opt: Options{Kind: Mbox}, files: map[string]string{
		"joe/Entwürfe": from1 + "X-IMAPbase: 5 1\n\na\n", "joe/Müll.sbd/50%": from1 + "X-IMAPbase: 6 1\n\nb\n", "joe/R&D": from1 + "X-IMAPbase: 7 1\n\nc\n", "joe/Sent": from1 + "X-IMAPbase: 8 1\n\nd\n",
		"joe/.subscriptions": "Entwürfe\nMüll/50%\n", "ann/d\xe9j\xe0": from1 + "X-IMAPbase: 5 1\n\ne\n", "ann/ä": from1 + "X-IMAPbase: 5 1\n\nf\n",
	}, want: "user ann\nbox ann/d\xe9j\xe0 5 2 sub -1 \"\" \"\"\nmsg ann/d\xe9j\xe0/2 0 \"\\ne\\n\" \"\"\nbox ann/ä 5 2 sub -1 \"\" \"\"\nmsg ann/ä/2 0 \"\\nf\\n\" \"\"" + `
		user joe
		! 1 mailbox-renamed joe/Müll.sbd/50%: mailbox "Müll/50%" is called M&APw-ll/50_: no store has a mailbox of its name
		! 1 utf8-names joe: 2 names of mailboxes are text in UTF-8: the store has them in IMAP modified UTF-7
		box joe/Entw&APw-rfe 5 2 sub 1 "" ""
		msg joe/Entw&APw-rfe/2 0 "\na\n" ""
		box joe/M&APw-ll/50_ 6 2 sub 1 "" ""
		msg joe/M&APw-ll/50_/2 0 "\nb\n" ""
		box joe/R&-D 7 2 sub 0 "" ""
		msg joe/R&-D/2 0 "\nc\n" ""
		box joe/Sent 8 2 sub 0 "" ""
		msg joe/Sent/2 0 "\nd\n" ""`},
	{name: "/var/mail", files: map[string]string{"joe": from1 + "S: a\n\nb\n\n" + from2 + "Status: RO\nS: c\n\nd\n", "ann": "", "joe.lock": ""}, want: `
		user ann
		box ann/INBOX 961579934 0 sub -1 "" ""
		user joe
		! 1 no-uidvalidity joe: the file says no UIDVALIDITY: the date of its first message, 961579934, takes its place
		box joe/INBOX 961579934 0 sub -1 "" ""
		msg joe/INBOX/1 0 "S: a\n\nb\n" ""
		msg joe/INBOX/2 1 "S: c\n\nd\n" "\\Seen"
		! 1 stray-file : 1 files are no mail, such as indexes of mail programs: left out (joe.lock)`},
	{name: "beside an export", files: map[string]string{"import-mox.sh": "#!/bin/sh\n", "dovecot.conf.example": "x\n", ".imsconv/x": "", "joe/INBOX": "", "text": "x\n"}, want: `
		user joe
		box joe/INBOX 961579934 0 sub -1 "" ""
		! 2 no-mbox text: no mailbox file: 2 bytes are left out`},
	{name: "a folder and a file of one user", files: map[string]string{"joe/Mail": from1 + "X-IMAPbase: 5 2\n\nx\n", "joe.mbox": from1 + "X-IMAPbase: 6 2\n\ny\n"}, want: `
		user joe
		box joe/Mail 5 3 sub -1 "" ""
		msg joe/Mail/3 0 "\nx\n" ""
		box joe/INBOX 6 3 sub -1 "" ""
		msg joe/INBOX/3 0 "\ny\n" ""`},
	{name: "hidden files", files: map[string]string{".x": from1 + "\nx\n", "joe/.y": from1 + "\ny\n", "joe/a.lock": from1 + "\nz\n", "joe/INBOX": "", "joe/.addressbook": "joe\n"}, want: `
		! 2 hidden .x: a mailbox file by its text, and by its name a file that mail programs keep for themselves: not read
		user joe
		! 2 hidden joe/.y: a mailbox file by its text, and by its name a file that mail programs keep for themselves: not read
		box joe/INBOX 961579934 0 sub -1 "" ""
		! 2 hidden joe/a.lock: a mailbox file by its text, and by its name a file that mail programs keep for themselves: not read
		! 1 stray-file : 1 files are no mail, such as indexes of mail programs: left out (joe/.addressbook)`},
	{name: "imexportmbox", files: map[string]string{
		"joe/INBOX": from1 + "\n1\n", "joe/Mail/a": from1 + "\n2\n", "joe/Mail/b/folder.msg": from1 + "\n3\n", "joe/Mail/b/c": from1 + "\n4\n", "joe/loop": "-> ..", "joe/readme": "text\n",
	}, want: `
		user joe
		! 1 no-uidvalidity joe/INBOX: the file says no UIDVALIDITY: the date of its first message, 961579934, takes its place
		box joe/INBOX 961579934 0 sub -1 "" ""
		msg joe/INBOX/1 0 "\n1\n" ""
		! 1 no-uidvalidity joe/Mail/a: the file says no UIDVALIDITY: the date of its first message, 961579934, takes its place
		box joe/Mail/a 961579934 0 sub -1 "" ""
		msg joe/Mail/a/1 0 "\n2\n" ""
		! 1 no-uidvalidity joe/Mail/b/folder.msg: the file says no UIDVALIDITY: the date of its first message, 961579934, takes its place
		box joe/Mail/b 961579934 0 sub -1 "" ""
		msg joe/Mail/b/1 0 "\n3\n" ""
		! 1 no-uidvalidity joe/Mail/b/c: the file says no UIDVALIDITY: the date of its first message, 961579934, takes its place
		box joe/Mail/b/c 961579934 0 sub -1 "" ""
		msg joe/Mail/b/c/1 0 "\n4\n" ""
		! 2 not-regular joe/loop: a link or a device: not read
		! 2 no-mbox joe/readme: no mailbox file: 5 bytes are left out`},
	{name: "indexes, and mailboxes that are called so", files: map[string]string{
		"joe/a.index": "\x01\x02", "joe/b.index": from1 + "X-UID: 1\n\nx\n", "joe/a.json": "{}", "joe/c.xml": mh, "joe/content_index": "x", "joe/dovecot.index.log": "x", "joe/t.toc": "x", "joe/u.msf": "x", "joe/v.sqlite": "x", "joe/.subscriptions": "b.index\n", "joe/.y": mh,
	}, want: `
		user joe
		! 2 hidden joe/.y: a message by its text, and by its name a file that mail programs keep for themselves: not read
		! 1 no-uidvalidity joe/b.index: the file says no UIDVALIDITY: the date of its first message, 961579934, takes its place
		box joe/b.index 961579934 2 sub 1 "" ""
		msg joe/b.index/1 0 "\nx\n" ""
		! 2 no-mbox joe/c.xml: no mailbox file: 43 bytes are left out: it is one message without a From line in front
		! 1 stray-file : 7 files are no mail, such as indexes of mail programs: left out (joe/a.index, joe/a.json, joe/content_index, ...)`},
	{name: "what begins as a message and is none", opt: Options{Kind: Mbox}, files: map[string]string{
		"joe/INBOX": from1 + "X-IMAPbase: 5 1\n\ni\n", "joe/.vacation.msg": mh, "joe/INBOX.mozmsgs/1.wdseml": mh, "joe/INBOX.mozmsgs/2.mozeml": mh, "joe/a.mozmsgs/1.eml": mh,
	}, want: `
		user joe
		box joe/INBOX 5 2 sub -1 "" ""
		msg joe/INBOX/2 0 "\ni\n" ""
		! 2 hidden joe/a.mozmsgs: mail in a folder that is hidden, or that mail programs keep for themselves by its name: not read
		! 1 stray-file : 1 files are no mail, such as indexes of mail programs: left out (joe/.vacation.msg)`},
	{name: "flags and labels of other programs", path: "joe.mbox", files: map[string]string{"joe.mbox": from1 + "X-IMAPbase: 100 9\nX-UID: 3\nx-gmail-labels: Inbox,Opened\n\n1\n\n" +
		from1 + "X-UID: 4\nX-Evolution: 00000001-0010\nX-Gmail-Labels: =?UTF-8?Q?Re=C3=A7us?=\n\n2\n\n" + from1 + "X-UID: 5\n\nX-Gmail-Labels: text\n"}, want: `
		user joe
		box joe/INBOX 100 10 sub -1 "" ""
		msg joe/INBOX/3 0 "x-gmail-labels: Inbox,Opened\n\n1\n" ""
		msg joe/INBOX/4 0 "X-Evolution: 00000001-0010\nX-Gmail-Labels: =?UTF-8?Q?Re=C3=A7us?=\n\n2\n" ""
		msg joe/INBOX/5 0 "\nX-Gmail-Labels: text\n" ""
		! 1 unread-flags joe.mbox: 1 messages have another program's flags or labels in the field X-Evolution: it stays, and makes no flags, keywords or mailboxes
		! 1 unread-flags joe.mbox: 1 messages have another program's flags or labels in the field X-Gmail-Labels: it stays, and makes no flags, keywords or mailboxes`},
	{name: "keywords that cannot be", path: "joe.mbox", files: map[string]string{"joe.mbox": from1 + "X-IMAPbase: 100 9 a\nX-UID: 3\nX-Keywords: a \\b " + strings.Repeat("k", 129) + "\n\n1\n"}, want: `
		user joe
		box joe/INBOX 100 10 sub -1 "a" ""
		msg joe/INBOX/3 0 "\n1\n" "a"
		! 2 keyword joe.mbox: 2 times a message has a keyword that cannot be one: left out ("\\b")`},
	{name: "UIDs", path: "joe.mbox", files: map[string]string{"joe.mbox": from1 + "X-IMAPbase: 100 9 a\nX-UID: 3\nX-Keywords: a\nStatus: O\n\n1\n\n" +
		from1 + "\n2\n\n" + from1 + "X-UID: 3\n\n3\n\n" + from1 + "X-UID: 7\nX-Keywords: b\n\n4\n"}, want: `
		user joe
		box joe/INBOX 100 10 sub -1 "a b" ""
		msg joe/INBOX/3 0 "\n1\n" "a"
		msg joe/INBOX/10 0 "\n2\n" ""
		msg joe/INBOX/11 0 "\n3\n" ""
		msg joe/INBOX/7 0 "\n4\n" "b"
		! 1 bad-uid joe.mbox: 1 UIDs do not ascend: their messages got UIDs behind the last one`},
	{name: "no UID is needed behind the last one", path: "joe", files: map[string]string{"joe": from1 + "X-IMAPbase: 100 4294967294\nX-UID: 3\n\n1\n\n" + from1 + "X-UID: 5\n\n2\n"}, want: `
		user joe
		box joe/INBOX 100 4294967295 sub -1 "" ""
		msg joe/INBOX/3 0 "\n1\n" ""
		msg joe/INBOX/5 0 "\n2\n" ""`},
	{name: "the last UID is taken", path: "joe", files: map[string]string{"joe": from1 + "X-IMAPbase: 100 9\nX-UID: 5\n\n1\n\n" + from1 + "X-UID: 4294967295\n\n2\n"}, want: `
		user joe
		box joe/INBOX 100 0 sub -1 "" ""
		msg joe/INBOX/5 0 "\n1\n" ""
		msg joe/INBOX/4294967295 0 "\n2\n" ""`},
	{name: "no UIDs left", path: "joe", files: map[string]string{"joe": from1 + "X-IMAPbase: 100 9\nX-UID: 4294967295\n\n1\n\n" + from1 + "X-UID: 5\n\n2\n"}, want: `
		user joe
		! 1 no-uid joe: no UIDs are left behind the last one: all messages got new ones, and UIDVALIDITY is 961579934
		box joe/INBOX 961579934 0 sub -1 "" ""
		msg joe/INBOX/1 0 "\n1\n" ""
		msg joe/INBOX/2 0 "\n2\n" ""`},
	{name: "Thunderbird", opt: Options{User: "joe"}, files: map[string]string{
		"Inbox": "From - Wed Jun 21 09:32:14 2000\nX-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\nS: a\n\nb\n", "Inbox.msf": "x", "Inbox.sbd/Sub": from1 + "\n2\n", "Sent": "",
	}, want: `
		user joe
		! 1 no-uidvalidity Inbox: the file says no UIDVALIDITY: the date of its first message, 961579934, takes its place
		box joe/INBOX 961579934 0 sub -1 "" ""
		msg joe/INBOX/1 0 "S: a\n\nb\n" "\\Seen"
		! 1 no-uidvalidity Inbox.sbd/Sub: the file says no UIDVALIDITY: the date of its first message, 961579934, takes its place
		box joe/INBOX/Sub 961579934 0 sub -1 "" ""
		msg joe/INBOX/Sub/1 0 "\n2\n" ""
		box joe/Sent 961579934 0 sub -1 "" ""
		! 1 stray-file : 1 files are no mail, such as indexes of mail programs: left out (Inbox.msf)`},
	{name: "no dates, and damage", path: "joe", files: map[string]string{
		"joe": "garbage\n\n" + from1 + "X-IMAPbase: 5 2\nX-UID: 1\n\nx\n\nFrom ann Wed Feb 31 09:32:14 2000\nX-UID: 2\nDate: Wed, 21 Jun 2000 09:32:16 +0000\n\ny\n"}, want: `
		user joe
		box joe/INBOX 5 3 sub -1 "" ""
		! 2 garbage joe, byte 0: 9 bytes before the first From line belong to no message
		msg joe/INBOX/1 0 "\nx\n" ""
		! 1 bad-date joe, byte 82: no calendar has the date of the From line "From ann Wed Feb 31 09:32:14 2000"
		msg joe/INBOX/2 2 "Date: Wed, 21 Jun 2000 09:32:16 +0000\n\ny\n" ""
		! 1 no-date joe: 1 messages have no date in their From lines: that of the message, or of the file, takes its place`},
	{name: "one name for two", files: map[string]string{"joe/INBOX": from1 + "X-IMAPbase: 5 2\n\nx\n", "joe/inbox": from1 + "\ny\n", "joe/.subscriptions": "INBOX\nMail/a\n", "joe/Mail/a": ""}, want: `
		user joe
		box joe/INBOX 5 3 sub 1 "" ""
		msg joe/INBOX/3 0 "\nx\n" ""
		box joe/Mail/a 961579934 0 sub 1 "" ""
		! 2 two-files joe/inbox: mailbox INBOX is joe/INBOX: this file is left out`},
	{name: "a file of no kind", path: "x", files: map[string]string{"x": "text\n"}, want: "! 2 no-mbox x: no mailbox file: 5 bytes are left out"},
}

func TestMbox(t *testing.T) {
	for _, r := range mboxRows {
		r.check(t)
	}
}

// TestPackedMbox: mailbox files that are compressed lose the end of their names
// and are read; damage costs what is behind it.
func TestPackedMbox(t *testing.T) {
	text := from1 + "X-IMAPbase: 5 2\nX-UID: 1\n\n" + strings.Repeat("words of a body\n", 3000) + "\n" + from2 + "X-UID: 2\n\nx\n"
	var z, l strings.Builder
	w := gzip.NewWriter(&z)
	io.WriteString(w, text[:100])
	w.Close()
	w.Reset(&z) // files that were put together
	io.WriteString(w, text[100:])
	w.Close()
	lw := lz4.NewWriter(&l)
	io.WriteString(lw, "From ann Wed Jun 21 09:32:15 2000\nX-IMAPbase: 7 1\n\nlz4\n")
	lw.Close()
	r := row{name: "packed", opt: Options{Kind: Mbox}, files: map[string]string{
		"joe/INBOX.gz": z.String(), "joe/a.lz4": l.String(), "joe/a": from1 + "X-IMAPbase: 6 1\n\na\n", "joe/b.gz": from1 + "X-IMAPbase: 8 1\n\nb\n", "joe/c.gz": z.String()[:60], "joe/d.xz": "\xfd7zXZ\x00rest",
		"joe/dbox": "2 M1e C6a7b\n\x01\x02N", "joe/e": "*mbx*\r\n", "joe/f": "Subject: x\n y\nFrom: z\n\nx\n", "sam.mbox.lz4": l.String(),
	}, want: `
		user joe
		box joe/INBOX 5 3 sub -1 "" ""
		msg joe/INBOX/1 0 "\n` + strings.Repeat(`words of a body\n`, 3000) + `" ""
		msg joe/INBOX/2 1 "\nx\n" ""
		box joe/a 6 2 sub -1 "" ""
		msg joe/a/2 0 "\na\n" ""
		! 2 two-files joe/a.lz4: mailbox a is joe/a: this file is left out
		box joe/b.gz 8 2 sub -1 "" ""
		msg joe/b.gz/2 0 "\nb\n" ""
		! 2 compressed joe/c.gz: compressed with gzip, and damaged behind 49 bytes of text: the rest is lost: it ends too early: the file has been cut
		! 1 no-uidvalidity joe/c.gz: the file says no UIDVALIDITY: the date of its first message, 961579934, takes its place
		box joe/c 961579934 0 sub -1 "" ""
		msg joe/c/1 0 "X-IMA" ""
		! 2 no-mbox joe/d.xz: compressed with xz: 10 bytes are left out; undo that first (xz -d)
		! 2 no-mbox joe/dbox: no mailbox file: 15 bytes are left out: it is of Dovecot's own formats sdbox and mdbox; doveadm backup -u USER maildir:DIR makes Maildirs of them
		! 2 no-mbox joe/e: no mailbox file: 7 bytes are left out: it is a mailbox of the kind mbx of the UW server; its mailutil makes mailbox files of it (mailutil copy FILE '#driver.unix/NEW')
		! 2 no-mbox joe/f: no mailbox file: 25 bytes are left out: it is one message without a From line in front
		user sam
		box sam/INBOX 7 2 sub -1 "" ""
		msg sam/INBOX/2 1 "\nlz4\n" ""`}
	r.check(t)
}
