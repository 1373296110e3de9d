package source

import (
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"imsconv/storeconv/maildir"
)

var plus = maildir.PlusPlus

// mh is a message as a file of its own.
const mh = "Return-Path: <joe@siroe.com>\nSubject: x\n\ny\n"

// manyRights are more lines of rights than a store has room for.
func manyRights() string {
	var b strings.Builder
	for i := range 9000 {
		fmt.Fprintf(&b, "user=user%07d lr\n", i)
	}
	return b.String()
}

var maildirRows = []row{
	{name: "a user of Dovecot", files: map[string]string{
		"joe/Maildir/cur/961579934.M1P0.h,S=3,W=3:2,FSab": "abc", "joe/Maildir/new/961579940.x": "new", "joe/Maildir/tmp/9.x": "",
		"joe/Maildir/dovecot-uidlist": "3 V100 N9 Gx\n5 :961579934.M1P0.h,S=3,W=3\n", "joe/Maildir/dovecot-keywords": "0 $Junk\n1 work\n",
		"joe/Maildir/maildirsize": "1000S,5C\n3 1\n", "joe/Maildir/subscriptions": "V\t2\n\nINBOX\nSent\t2001\ngone\n",
		"joe/Maildir/.Sent.2001/cur/": "", "joe/Maildir/.Sent.2001/dovecot-uidlist": "3 V7 N1\n", "joe/Maildir/.Sent.2001/dovecot-acl": "owner lrwstipekxa\nuser=bob lrk\n",
	}, want: `
		! 1 quota joe/Maildir/maildirsize: a limit of 5 messages has no place in a stream: left out
		user joe quota 1000
		! 1 new-uid joe/Maildir: 1 messages that the list of UIDs does not name got UIDs behind the last one
		! 1 unfinished joe/Maildir: 1 files of unfinished deliveries in tmp are left out
		box joe/INBOX 100 10 sub 1 "$Junk work" ""
		msg joe/INBOX/5 0 "abc" "\\Seen \\Flagged $Junk work"
		msg joe/INBOX/9 0 "new" "\\Recent"
		! 2 bad-acl joe/Maildir/.Sent.2001/dovecot-acl: k of user=bob has no form in a store: left out
		box joe/Sent/2001 7 0 sub 1 "" "joe\tlrswipcda\nbob\tlr"
		! 1 subscription joe/Maildir/subscriptions: subscribed to gone, which is no mailbox here: left out`},
	{name: "Courier", files: map[string]string{
		"x.com/ann/Maildir/cur/961579930.a:2,R": "a", "x.com/ann/Maildir/cur/2.b": "b", "x.com/ann/Maildir/cur/861579934.c": "c", "x.com/ann/Maildir/courierimapuiddb": "1 7 4\n1 961579930.a\n2 2.b\n3 861579934.c\n",
		"x.com/ann/Maildir/courierimapkeywords/:list": "$Junk\nwork\n\n961579930.a:0 1\n2.b:1 7\nbroken\n", "x.com/ann/Maildir/courierimapkeywords/.1.2.b": "x",
		"x.com/ann/Maildir/courierimapsubscribed": "INBOX\nINBOX.Drafts\n", "x.com/ann/Maildir/.Drafts/cur/": "", "x.com/ann/Maildir/.Drafts/courierimapacl": "owner acilrswetx\nanyone lr\n",
		"x.com/ann/Maildir/courierimaphieracl/Old": "owner acilrswetx\n",
	}, want: `
		user ann@x.com
		! 1 bad-acl x.com/ann/Maildir/courierimaphieracl: rights of 1 folders that are no mailboxes are not read
		! 2 bad-keywords x.com/ann/Maildir/courierimapkeywords/:list, line 6: not a file name and numbers: "broken"
		! 2 bad-keywords x.com/ann/Maildir/courierimapkeywords: changes of keywords in 1 files are not read
		box ann@x.com/INBOX 7 4 sub 1 "$Junk work" ""
		msg ann@x.com/INBOX/1 0 "a" "\\Answered $Junk work"
		msg ann@x.com/INBOX/2 0 "b" "work"
		msg ann@x.com/INBOX/3 -100000000 "c" ""
		! 1 keyword x.com/ann/Maildir: 1 times a message has a letter that no keyword belongs to: left out
		! 1 lost-date x.com/ann/Maildir: 1 files are younger than their names say: the receive dates are those of the names
		box ann@x.com/Drafts 961579934 0 sub 1 "" "ann@x.com\tlrswicda\nanyone\tlr"`},
	{name: "the Maildir of one user", path: "joe/Maildir", files: map[string]string{"joe/Maildir/cur/": "", "joe/Maildir/dovecot-uidlist": "3 V7 N1\n"}, want: `
		! 1 one-user joe: taken for the mail of user joe, as the folder is called that it lies in; --user names another
		user joe
		box joe/INBOX 7 0 sub -1 "" ""`},
	{name: "the home of one user", path: "joe", files: map[string]string{"joe/Maildir/cur/": "", "joe/Maildir/dovecot-uidlist": "3 V7 N1\n", "joe/notes/": ""}, want: `
		! 1 one-user Maildir: taken for the mail of user joe, as the folder is called that it lies in; --user names another
		user joe
		box joe/INBOX 7 0 sub -1 "" ""`},
	{name: "a Maildir beside those of users", path: "site", files: map[string]string{"site/mail/cur/": "", "site/mail/dovecot-uidlist": "3 V7 N1\n", "site/ann/cur/": "", "site/ann/dovecot-uidlist": "3 V8 N1\n"}, want: `
		! 1 one-user mail: taken for the mail of a user of this name, as others are in the tree; --user with this folder alone names another
		user ann
		box ann/INBOX 8 0 sub -1 "" ""
		user mail
		box mail/INBOX 7 0 sub -1 "" ""`},
	{name: "names that begin with a dot in layout fs, and backslashes", files: map[string]string{
		"joe/cur/": "", "joe/dovecot-uidlist": "3 V7 N1\n", "joe/a/cur/": "", "joe/a/dovecot-uidlist": "3 V8 N1\n", "joe/b/cur/": "", "joe/b/dovecot-uidlist": "3 V8 N1\n", `joe/.\2/cur/`: "", `joe/.\2/dovecot-uidlist`: "3 V8 N1\n",
	}, want: `
		user joe
		! 1 guessed joe: most directories have no dot in front: the layout is taken for fs, and a dot for a part of a mailbox's name; --layout says which it is
		! 1 guessed joe: names have backslashes that begin no escape, and stay as they are; --escape says whether they are escaped
		box joe/INBOX 7 0 sub -1 "" ""
		box joe/.\2 8 0 sub -1 "" ""
		box joe/a 8 0 sub -1 "" ""
		box joe/b 8 0 sub -1 "" ""`},
	{name: "the Maildir of a user that is named", opt: Options{User: "ann"}, path: "joe/Maildir", files: map[string]string{"joe/Maildir/cur/": "", "joe/Maildir/dovecot-uidlist": "3 V7 N1\n"}, want: `
		user ann
		box ann/INBOX 7 0 sub -1 "" ""`},
	{name: "a template", opt: Options{Path: "%d/%n/md"}, files: map[string]string{
		"x.com/joe/md/cur/": "", "x.com/joe/md/dovecot-uidlist": "3 V7 N1\n", "x.com/ann/Maildir/cur/": "", "x.com/file": "x"}, want: `
		! 1 not-in-path x.com/ann/Maildir: mail where the path of users does not lead: not read
		user joe@x.com
		box joe@x.com/INBOX 7 0 sub -1 "" ""`},
	{name: "users spread over folders", opt: Options{Kind: Maildir, Path: "%d/*/*/%n/Mail*"}, files: map[string]string{
		"x.com/j/jo/joe/Maildir/cur/": "", "x.com/j/jo/joe/Maildir/dovecot-uidlist": "3 V7 N1\n", "x.com/a/an/ann/Maildir/cur/": "", "x.com/a/an/ann/Maildir/dovecot-uidlist": "3 V8 N1\n", "x.com/a/bob/Maildir/cur/": "", "x.com/a/bob/Maildir/.Sent/cur/": "", "x.com/a/bob/notes/x": "x", "x.com/a/an/ann/old/INBOX/cur/": "", "y.org/*": "x",
	}, want: `
		! 1 not-in-path x.com/a/an/ann/old: mail where the path of users does not lead: not read
		! 1 not-in-path x.com/a/bob/Maildir: mail where the path of users does not lead: not read
		user ann@x.com
		box ann@x.com/INBOX 8 0 sub -1 "" ""
		user joe@x.com
		box joe@x.com/INBOX 7 0 sub -1 "" ""`},
	{name: "mailbox files beside a template", opt: Options{Kind: Mbox, Path: "%d/%n/*mbox"}, files: map[string]string{
		"x.com/joe/mbox": from1, "x.com/joe/saved": from1, "x.com/joe/text": "x", "x.com/ann": from1, "y.org/ann/mail/a": from1, "z": from1,
	}, want: `
		! 1 not-in-path x.com/ann: mail where the path of users does not lead: not read
		! 1 not-in-path x.com/joe/saved: mail where the path of users does not lead: not read
		! 1 not-in-path y.org/ann/mail: mail where the path of users does not lead: not read
		! 1 not-in-path z: mail where the path of users does not lead: not read
		user joe@x.com
		! 1 no-uidvalidity x.com/joe/mbox: the file says no UIDVALIDITY: the date of its first message, 961579934, takes its place
		box joe@x.com/INBOX 961579934 0 sub -1 "" ""
		msg joe@x.com/INBOX/1 0 "" ""`},
	{name: "LAYOUT=fs", files: map[string]string{
		"joe/Maildir/cur/": "", "joe/Maildir/dovecot-uidlist": "3 V7 N1\n", "joe/Maildir/a/b.c/cur/": "", "joe/Maildir/a/b.c/dovecot-uidlist": "3 V8 N1\n", "joe/Maildir/a/loop": "-> ..",
	}, want: `
		user joe
		! 2 not-regular joe/Maildir/a/loop: a link or a device: not read
		box joe/INBOX 7 0 sub -1 "" ""
		box joe/a/b.c 8 0 sub -1 "" ""`},
	{name: "folders of another layout", opt: Options{Layout: &plus}, files: map[string]string{
		"joe/Maildir/cur/": "", "joe/Maildir/dovecot-uidlist": "3 V7 N1\n", "joe/Maildir/a/b/cur/": "", "joe/Maildir/.c/d/new/": "", "joe/Maildir/.e/": "", "joe/Maildir/f/": "",
	}, want: `
		user joe
		! 2 bad-mailbox joe/Maildir/.c: messages below it, and no mailbox of this layout: not read
		! 2 bad-mailbox joe/Maildir/a: messages below it, and no mailbox of this layout: not read
		box joe/INBOX 7 0 sub -1 "" ""`},
	{name: "no UIDs left", files: map[string]string{"joe/cur/961579934.a": "a", "joe/cur/961579934.b": "b", "joe/dovecot-uidlist": "3 V961579934 N4294967295\n7 :961579934.b\n"}, want: `
		user joe
		! 1 no-uid joe: no UIDs are left behind the last one: all messages got new ones, and UIDVALIDITY is 961579935
		box joe/INBOX 961579935 3 sub -1 "" ""
		msg joe/INBOX/1 0 "b" ""
		msg joe/INBOX/2 0 "a" ""`},
	{name: "escaped names", files: map[string]string{
		"joe/Maildir/cur/": "", "joe/Maildir/dovecot-uidlist": "3 V7 N1\n", `joe/Maildir/.v1\2e2/cur/`: "", `joe/Maildir/.v1\2e2/dovecot-uidlist`: "3 V8 N1\n", "joe/Maildir/subscriptions": `v1\2e2` + "\n",
	}, want: `
		user joe
		! 1 guessed joe/Maildir: names have \2e and the like, which are taken for characters; --escape says whether they are
		box joe/INBOX 7 0 sub 0 "" ""
		box joe/v1.2 8 0 sub 1 "" ""`},
	{name: "other marks in front of flags, and lists with CRLF", files: map[string]string{
		"joe/cur/961579934.a;2,S": "a", "joe/cur/961579935.b!2,": "b", "joe/cur/961579936.c\uf03a2,F": "c", "joe/cur/961579940.g\uf0222,F": "g", "joe/cur/961579937.d_2,RS": "d", "joe/cur/961579938.e_2,ab": "e", "joe/cur/961579939.f;2,Sa": "f",
		"joe/dovecot-uidlist":  "3 V7 N20\r\n3 :961579934.a\r\n4 :961579935.b:2,\r\n5 :961579936.c;2,\r\n6 :961579937.d\r\n7 :961579938.e_2,ab\r\n8 :961579939.f\r\n9 :961579940.g\r\n",
		"joe/dovecot-keywords": "0 work\r\n", "joe/subscriptions": "INBOX\r\n", "joe/dovecot-acl": "user=bob lr\r\n", "joe/maildirsize": "1000S\r\n",
	}, want: `
		user joe quota 1000
		box joe/INBOX 7 20 sub 1 "work" "joe\tlrswipcda\nbob\tlr"
		msg joe/INBOX/3 0 "a" "\\Seen"
		msg joe/INBOX/4 0 "b" ""
		msg joe/INBOX/5 0 "c" "\\Flagged"
		msg joe/INBOX/6 0 "d" "\\Seen \\Answered"
		msg joe/INBOX/7 0 "e" ""
		msg joe/INBOX/8 0 "f" "\\Seen work"
		msg joe/INBOX/9 0 "g" "\\Flagged"
		! 2 unread-flags joe: 1 names of files end as if flags stood there, in no known form: left out (cur/961579938.e_2,ab)`},
	{name: "marks of other programs, and flags that nobody can read", files: map[string]string{
		"joe/cur/961579934.a-2,RS": "a", "joe/cur/961579935.b=2,F": "b", "joe/cur/961579936.c%3A2,Sa": "c", "joe/cur/961579937.d\uff1a2,T": "d", "joe/cur/961579938.e 2,": "e",
		"joe/cur/961579939.f-2,Sa": "f", "joe/cur/961579940.g:h:2,S": "g", "joe/cur/961579941.i.2,F": "i", "joe/cur/961579942.j:2,SXY": "j",
		"joe/dovecot-uidlist":  "3 V7 N20\n3 :961579934.a\n4 :961579935.b:2,\n5 :961579936.c\n6 :961579937.d\n7 :961579938.e\n8 :961579939.f-2,Sa\n9 :961579940.g\n10 :961579941.i.2,F\n11 :961579942.j\n",
		"joe/dovecot-keywords": "0 work\n",
	}, want: `
		user joe
		box joe/INBOX 7 20 sub -1 "work" ""
		msg joe/INBOX/3 0 "a" "\\Seen \\Answered"
		msg joe/INBOX/4 0 "b" "\\Flagged"
		msg joe/INBOX/5 0 "c" "\\Seen work"
		msg joe/INBOX/6 0 "d" "\\Deleted"
		msg joe/INBOX/7 0 "e" ""
		msg joe/INBOX/8 0 "f" ""
		msg joe/INBOX/9 0 "g" ""
		msg joe/INBOX/10 0 "i" ""
		msg joe/INBOX/11 0 "j" "\\Seen"
		! 1 keyword joe: 2 times a message has a letter that no keyword belongs to: left out
		! 2 unread-flags joe: 3 names of files end as if flags stood there, in no known form: left out (cur/961579939.f-2,Sa)`},
	{name: "Evolution", files: map[string]string{
		"joe/cur/": "", "joe/dovecot-uidlist": "3 V7 N1\n", "joe/..maildir++": "maildir++ 1", "joe/.v1_2E2.a_5Fb/cur/": "", "joe/.v1_2E2.a_5Fb/dovecot-uidlist": "3 V8 N1\n", "joe/..Sub/cur/": "", "joe/..Sub/dovecot-uidlist": "3 V9 N1\n",
		"joe/.Entw\u00fcrfe/cur/": "", "joe/.Entw\u00fcrfe/dovecot-uidlist": "3 V10 N1\n", "joe/.R&D/cur/": "", "joe/.R&D/dovecot-uidlist": "3 V11 N1\n", "joe/.a_2Fb_25/cur/": "", "joe/.a_2Fb_25/dovecot-uidlist": "3 V12 N1\n",
		"joe/.Sent/cur/": "", "joe/.Sent/dovecot-uidlist": "3 V13 N1\n", "joe/.Sent.cmeta": "x", "joe/.Sent.ibex.index": "x", "joe/.x_zz/cur/": "", "joe/.x_zz/dovecot-uidlist": "3 V14 N1\n",
		"ann/cur/": "", "ann/dovecot-uidlist": "3 V7 N1\n", "ann/.v1_2E2/cur/": "", "ann/.v1_2E2/dovecot-uidlist": "3 V8 N1\n",
	}, want: `
		user ann
		box ann/INBOX 7 0 sub -1 "" ""
		box ann/v1_2E2 8 0 sub -1 "" ""
		user joe
		! 1 mailbox-renamed joe/.a_2Fb_25: mailbox a_2Fb% is called a_2Fb_: no store has a mailbox of its name
		! 1 utf8-names joe/..maildir++: 4 names of mailboxes are in Evolution's form, by this file: the store has them in IMAP modified UTF-7
		box joe/INBOX 7 0 sub -1 "" ""
		box joe/Entw&APw-rfe 10 0 sub -1 "" ""
		box joe/INBOX/Sub 9 0 sub -1 "" ""
		box joe/R&-D 11 0 sub -1 "" ""
		box joe/Sent 13 0 sub -1 "" ""
		box joe/a_2Fb_ 12 0 sub -1 "" ""
		box joe/v1.2/a_b 8 0 sub -1 "" ""
		box joe/x_zz 14 0 sub -1 "" ""
		! 1 stray-file : 2 files are no mail, such as indexes of mail programs: left out (joe/.Sent.cmeta, joe/.Sent.ibex.index)`},
	{name: "mbsync", path: "joe", opt: Options{User: "joe"}, files: map[string]string{
		"joe/INBOX/cur/961579935.1_1.h,U=7:2,S": "a", "joe/INBOX/new/961579934.1_2.h,U=9": "b", "joe/INBOX/cur/961579936.1_3.h:2,": "c", "joe/INBOX/.uidvalidity": "1234567\n12\n", "joe/INBOX/.mbsyncstate": "x",
		"joe/Twice/cur/961579935.1_1.h,U=7:2,S": "a", "joe/Twice/cur/961579936.1_1.h,U=7:2,S": "b", "joe/Twice/.uidvalidity": "1234567\n12\n",
		"joe/Above/cur/961579935.1_1.h,U=13:2,S": "a", "joe/Above/.uidvalidity": "1234567\n12\n", "joe/Empty/cur/": "", "joe/Empty/.uidvalidity": "1234568\n0\n",
		"joe/Bare/cur/961579935.1_1.h,U=7,FMD5=7e33:2,S": "a", "joe/Bad/cur/961579935.1_1.h,U=7:2,S": "a", "joe/Bad/.uidvalidity": "x\n", "joe/DB/cur/961579935.1_1.h:2,S": "a", "joe/DB/.isyncuidmap.db": "x",
		"joe/Listed/cur/961579935.1_1.h,U=7:2,S": "a", "joe/Listed/dovecot-uidlist": "3 V8 N9\n8 :961579935.1_1.h,U=7\n", "joe/Listed/.uidvalidity": "1234567\n12\n",
	}, want: `
		user joe
		! 1 new-uid INBOX: 1 messages that the list of UIDs does not name got UIDs behind the last one
		box joe/INBOX 1234567 14 sub -1 "" ""
		msg joe/INBOX/7 0 "a" "\\Seen"
		msg joe/INBOX/9 0 "b" "\\Recent"
		msg joe/INBOX/13 0 "c" ""
		! 2 bad-uidlist Above/.uidvalidity: a file has UID 13 in its name, the highest given is 12: none of these UIDs is taken
		! 1 no-uidlist Above: no list of UIDs: 1 messages got theirs in the order of their names, and UIDVALIDITY 961579935 is the date of the first one; the UIDs in the names of 1 files (,U=) are not taken: no UIDVALIDITY is known to be theirs
		box joe/Above 961579935 2 sub -1 "" ""
		msg joe/Above/1 0 "a" "\\Seen"
		! 2 bad-uidlist Bad/.uidvalidity: not two numbers
		! 1 no-uidlist Bad: no list of UIDs: 1 messages got theirs in the order of their names, and UIDVALIDITY 961579935 is the date of the first one; the UIDs in the names of 1 files (,U=) are not taken: no UIDVALIDITY is known to be theirs
		box joe/Bad 961579935 2 sub -1 "" ""
		msg joe/Bad/1 0 "a" "\\Seen"
		! 1 no-uidlist Bare: no list of UIDs: 1 messages got theirs in the order of their names, and UIDVALIDITY 961579935 is the date of the first one; the UIDs in the names of 1 files (,U=) are not taken: no UIDVALIDITY is known to be theirs
		box joe/Bare 961579935 2 sub -1 "" ""
		msg joe/Bare/1 0 "a" "\\Seen"
		! 1 no-uidlist DB: no list of UIDs: 1 messages got theirs in the order of their names, and UIDVALIDITY 961579935 is the date of the first one; those in .isyncuidmap.db are not read
		box joe/DB 961579935 2 sub -1 "" ""
		msg joe/DB/1 0 "a" "\\Seen"
		box joe/Empty 1234568 0 sub -1 "" ""
		box joe/Listed 8 9 sub -1 "" ""
		msg joe/Listed/8 0 "a" "\\Seen"
		! 2 bad-uidlist Twice/.uidvalidity: two files have UID 7 in their names: none of these UIDs is taken
		! 1 no-uidlist Twice: no list of UIDs: 2 messages got theirs in the order of their names, and UIDVALIDITY 961579935 is the date of the first one; the UIDs in the names of 2 files (,U=) are not taken: no UIDVALIDITY is known to be theirs
		box joe/Twice 961579935 3 sub -1 "" ""
		msg joe/Twice/1 0 "a" "\\Seen"
		msg joe/Twice/2 0 "b" "\\Seen"
		! 1 stray-file : 2 files are no mail, such as indexes of mail programs: left out (DB/.isyncuidmap.db, INBOX/.mbsyncstate)`},
	{name: "more rights and longer keywords than a store has", files: map[string]string{
		"joe/cur/961579934.a:2,ab": "a", "joe/dovecot-uidlist": "3 V7 N2\n1 :961579934.a\n", "joe/dovecot-acl": "owner lrwstipekxa\n" + manyRights(),
		"joe/dovecot-keywords": "0 work\n1 " + strings.Repeat("k", 129) + "\n",
	}, want: `
		user joe
		! 2 keyword joe/dovecot-keywords: "` + strings.Repeat("k", 100) + `..." cannot be a keyword: left out
		! 2 bad-acl joe/dovecot-acl: the rights of 9001 names take more than 131072 bytes: left out
		box joe/INBOX 7 2 sub -1 "work" ""
		msg joe/INBOX/1 0 "a" "work"
		! 1 keyword joe: 1 times a message has a letter that no keyword belongs to: left out`},
	{name: "Maildirs of Thunderbird and KMail", opt: Options{Kind: Maildir, User: "joe"}, files: map[string]string{
		"Inbox/cur/961579934.eml": "a", "Inbox/dovecot-uidlist": "3 V7 N2\n1 :961579934.eml\n", "Inbox.msf": "x", "Work/cur/": "", "Work/dovecot-uidlist": "3 V8 N1\n", "Work.sbd/x/cur/": "", "Work.sbd/x/dovecot-uidlist": "3 V9 N1\n",
		".Work.directory/y/cur/": "", ".Work.directory/y/dovecot-uidlist": "3 V10 N1\n", ".Work.directory/x/cur/": "", ".Work.directory/x/dovecot-uidlist": "3 V11 N1\n", ".inbox.directory/z/cur/": "", ".inbox.directory/z/dovecot-uidlist": "3 V12 N1\n",
		"drafts": from1, ".Work.directory/old": from1, ".Work.index": "x", "subscriptions": "From \n",
	}, want: `
		user joe
		! 2 no-maildir .Work.directory/old: a mailbox file among Maildirs: not read
		! 2 no-maildir drafts: a mailbox file among Maildirs: not read
		! 1 mailbox-renamed .inbox.directory/z: mailbox inbox/z is called INBOX/z: no store has a mailbox of its name
		! 1 mailbox-renamed Work.sbd/x: mailbox Work/x is called Work/x_: no store has a mailbox of its name
		box joe/INBOX 7 2 sub 0 "" ""
		msg joe/INBOX/1 0 "a" ""
		box joe/INBOX/z 12 0 sub 0 "" ""
		box joe/Work 8 0 sub 0 "" ""
		box joe/Work/x 11 0 sub 0 "" ""
		box joe/Work/x_ 9 0 sub 0 "" ""
		box joe/Work/y 10 0 sub 0 "" ""
		! 1 subscription subscriptions: subscribed to From , which is no mailbox here: left out
		! 1 stray-file : 2 files are no mail, such as indexes of mail programs: left out (.Work.index, Inbox.msf)`},
	{name: "folders of a server that end so", files: map[string]string{
		"joe/Maildir/cur/": "", "joe/Maildir/dovecot-uidlist": "3 V7 N1\n", "joe/Maildir/X.sbd/y/cur/": "", "joe/Maildir/X.sbd/y/dovecot-uidlist": "3 V8 N1\n",
	}, want: `
		user joe
		box joe/INBOX 7 0 sub -1 "" ""
		box joe/X.sbd/y 8 0 sub -1 "" ""`},
	{name: "users whose INBOX lies beside the others", files: map[string]string{
		"joe/inbox/cur/": "", "joe/inbox/dovecot-uidlist": "3 V7 N1\n", "joe/Sent/cur/": "", "joe/Sent/dovecot-uidlist": "3 V8 N1\n",
		"x.com/ann/Maildir/INBOX/cur/": "", "x.com/ann/Maildir/INBOX/dovecot-uidlist": "3 V9 N1\n", "x.com/bob/cur/": "", "x.com/bob/dovecot-uidlist": "3 V7 N1\n",
	}, want: `
		user ann@x.com
		box ann@x.com/INBOX 9 0 sub -1 "" ""
		user bob@x.com
		box bob@x.com/INBOX 7 0 sub -1 "" ""
		user joe
		box joe/INBOX 7 0 sub -1 "" ""
		box joe/Sent 8 0 sub -1 "" ""`},
	{name: "one user whose INBOX lies beside the others", path: "joe/Maildir", files: map[string]string{"joe/Maildir/INBOX/new/": "", "joe/Maildir/INBOX/dovecot-uidlist": "3 V7 N1\n"}, want: `
		! 1 one-user joe: taken for the mail of user joe, as the folder is called that it lies in; --user names another
		user joe
		box joe/INBOX 7 0 sub -1 "" ""`},
	{name: "users or one user's folders", path: "site", files: map[string]string{"site/inbox/cur/": "", "site/inbox/dovecot-uidlist": "3 V7 N1\n", "site/joe/cur/": "", "site/joe/dovecot-uidlist": "3 V8 N1\n"}, want: `
		! 1 one-user site: a folder INBOX is in the tree, which is the mail of one user then; --path %u makes its folders users
		user site
		box site/INBOX 7 0 sub -1 "" ""
		box site/joe 8 0 sub -1 "" ""`},
	{name: "other mail in homes", files: map[string]string{
		"joe/Maildir/cur/": "", "joe/Maildir/dovecot-uidlist": "3 V7 N1\n", "joe/.maildir/cur/1.x": "x", "joe/mbox": from1, "joe/mail/Sent": from1, "joe/text": "x",
		"joe/Maildir.old/cur/": "", "joe/Maildir2/.Sent/cur/": "", "joe/.copy/a/new/": "", "joe/Mail/INBOX/cur/": "", "joe/texts/a": "x", "tom/mail/saved": from1, "tom/texts/a": "x",
		"x.com/ann/Maildir/cur/": "", "x.com/ann/Maildir/dovecot-uidlist": "3 V7 N1\n", "x.com/ann/saved": from1, "bob/mail/INBOX/cur/": "", "bob/mail/INBOX/dovecot-uidlist": "3 V7 N1\n",
	}, want: `
		! 2 bad-mailbox joe/.maildir: another Maildir of the user: not read
		! 2 bad-mailbox joe/.copy: Maildirs beside that of the user: not read
		! 2 no-maildir joe/Mail: mail in a folder beside a Maildir: not read
		! 2 bad-mailbox joe/Maildir.old: Maildirs beside that of the user: not read
		! 2 bad-mailbox joe/Maildir2: Maildirs beside that of the user: not read
		! 2 no-maildir joe/mail: mail in a folder beside a Maildir: not read
		! 2 no-maildir joe/mbox: a mailbox file beside a Maildir: not read
		! 2 no-maildir tom/mail: mail in a folder among Maildirs: not read
		! 2 no-maildir x.com/ann/saved: a mailbox file beside a Maildir: not read
		user ann@x.com
		box ann@x.com/INBOX 7 0 sub -1 "" ""
		user bob
		box bob/INBOX 7 0 sub -1 "" ""
		user joe
		box joe/INBOX 7 0 sub -1 "" ""`},
	{name: "INBOX beside the others", opt: Options{Kind: Maildir, User: "joe"}, files: map[string]string{
		"INBOX/cur/": "", "INBOX/dovecot-uidlist": "3 V7 N1\n", "Inbox/cur/": "", "Inbox/dovecot-uidlist": "3 V8 N1\n", "Sent/cur/": "", "Sent/dovecot-uidlist": "3 V9 N1\n",
	}, want: `
		user joe
		! 1 mailbox-renamed Inbox: mailbox Inbox is called Inbox_: no store has a mailbox of its name
		box joe/INBOX 7 0 sub -1 "" ""
		box joe/Inbox_ 8 0 sub -1 "" ""
		box joe/Sent 9 0 sub -1 "" ""`},
	{name: "names in UTF-8", files: map[string]string{
		"joe/Maildir/cur/": "", "joe/Maildir/dovecot-uidlist": "3 V7 N1\n", "joe/Maildir/.Entwürfe/cur/": "", "joe/Maildir/.Entwürfe/dovecot-uidlist": "3 V8 N1\n",
		"joe/Maildir/.a.日本/cur/": "", "joe/Maildir/.a.日本/dovecot-uidlist": "3 V9 N1\n", "joe/Maildir/.R&D/cur/": "", "joe/Maildir/.R&D/dovecot-uidlist": "3 V10 N1\n",
		"joe/Maildir/.&APY-/cur/": "", "joe/Maildir/.&APY-/dovecot-uidlist": "3 V11 N1\n", "joe/Maildir/.ö/cur/": "", "joe/Maildir/.ö/dovecot-uidlist": "3 V12 N1\n",
		"joe/Maildir/.&APY- ä/cur/": "", "joe/Maildir/.&APY- ä/dovecot-uidlist": "3 V13 N1\n", "joe/Maildir/.50% ü/cur/": "", "joe/Maildir/.50% ü/dovecot-uidlist": "3 V14 N1\n",
		"joe/Maildir/subscriptions": "V\t2\n\nEntwürfe\na\t日本\nR&D\n50% ü\n&APY-\nweg ä\n",
	}, want: `
		user joe
		! 1 mailbox-renamed joe/Maildir/.50% ü: mailbox "50% ü" is called 50_ &APw-: no store has a mailbox of its name
		! 1 mailbox-renamed joe/Maildir/.ö: mailbox "ö" is called &APY-_: no store has a mailbox of its name
		! 1 utf8-names joe/Maildir: 3 names of mailboxes are text in UTF-8: the store has them in IMAP modified UTF-7
		box joe/INBOX 7 0 sub 0 "" ""
		box joe/&APY- 11 0 sub 1 "" ""
		box joe/&APY- ä 13 0 sub 0 "" ""
		box joe/&APY-_ 12 0 sub 0 "" ""
		box joe/50_ &APw- 14 0 sub 1 "" ""
		box joe/Entw&APw-rfe 8 0 sub 1 "" ""
		box joe/R&-D 10 0 sub 1 "" ""
		box joe/a/&ZeVnLA- 9 0 sub 1 "" ""
		! 1 subscription joe/Maildir/subscriptions: subscribed to weg &AOQ-, which is no mailbox here: left out`},
	{name: "names in UTF-8 that somebody else reads", opt: Options{Encoded: true}, files: map[string]string{
		"joe/Maildir/cur/": "", "joe/Maildir/dovecot-uidlist": "3 V7 N1\n", "joe/Maildir/.Entwürfe/cur/": "", "joe/Maildir/.Entwürfe/dovecot-uidlist": "3 V8 N1\n", "joe/Maildir/subscriptions": "Entwürfe\n",
	}, want: `
		user joe
		box joe/INBOX 7 0 sub 0 "" ""
		box joe/Entwürfe 8 0 sub 1 "" ""`},
	{name: "subscriptions in UTF-8 of names that are not", files: map[string]string{
		"joe/Maildir/cur/": "", "joe/Maildir/dovecot-uidlist": "3 V7 N1\n", "joe/Maildir/.Entw&APw-rfe/cur/": "", "joe/Maildir/.Entw&APw-rfe/dovecot-uidlist": "3 V8 N1\n", "joe/Maildir/courierimapsubscribed": "INBOX.Entwürfe\n",
	}, want: `
		user joe
		box joe/INBOX 7 0 sub 0 "" ""
		box joe/Entw&APw-rfe 8 0 sub 1 "" ""`},
	{name: "odd names", files: map[string]string{
		"joe/Maildir/cur/": "", "joe/Maildir/dovecot-uidlist": "3 V7 N1\n", "joe/Maildir/.50% off/cur/": "", "joe/Maildir/.50% off/dovecot-uidlist": "3 V8 N1\n",
		"joe/Maildir/.Inbox/cur/": "", "joe/Maildir/.Inbox/dovecot-uidlist": "3 V9 N1\n", "joe/Maildir/.a..b/cur/": "", "joe/Maildir/.a..b/dovecot-uidlist": "3 V10 N1\n",
		"joe/Maildir/.50_ off/cur/": "", "joe/Maildir/.50_ off/dovecot-uidlist": "3 V11 N1\n", "joe/Maildir/.d\xe9j\xe0/cur/": "", "joe/Maildir/.d\xe9j\xe0/dovecot-uidlist": "3 V12 N1\n",
	}, want: "user joe\n" +
		"! 1 mailbox-renamed joe/Maildir/.50% off: mailbox 50% off is called 50_ off_: no store has a mailbox of its name\n" +
		"! 1 mailbox-renamed joe/Maildir/.Inbox: mailbox Inbox is called Inbox_: no store has a mailbox of its name\n" +
		"! 1 mailbox-renamed joe/Maildir/.a..b: mailbox a//b is called a/_/b: no store has a mailbox of its name\n" +
		"box joe/INBOX 7 0 sub -1 \"\" \"\"\nbox joe/50_ off 11 0 sub -1 \"\" \"\"\nbox joe/50_ off_ 8 0 sub -1 \"\" \"\"\nbox joe/Inbox_ 9 0 sub -1 \"\" \"\"\nbox joe/a/_/b 10 0 sub -1 \"\" \"\"\nbox joe/d\xe9j\xe0 12 0 sub -1 \"\" \"\""},
	{name: "what is no message", files: map[string]string{
		"joe/cur/961579934.a:2,SP": "a", "joe/cur/961579934.b": "-> 961579934.a:2,SP", "joe/cur/961579934.c/": "", "joe/cur/.hidden": "x", "joe/dovecot-uidlist": "3 V7 N4\n1 :961579934.a\n2 :961579934.b\n3 :961579934.c\n",
		"joe/cur/961579934.d,S=9": "short", "joe/cur/961579934.e,S=2": "longer", "joe/notes.txt": "x", "joe/.Sub": "-> cur",
	}, want: `
		user joe
		! 2 not-regular joe/.Sub: a link or a device: not read
		! 1 stray-file joe/cur/.hidden: begins with a dot, which no message does: not read
		! 1 new-uid joe: 2 messages that the list of UIDs does not name got UIDs behind the last one
		box joe/INBOX 7 6 sub -1 "" ""
		msg joe/INBOX/1 0 "a" "\\Seen $Forwarded"
		! 2 not-regular joe/cur/961579934.b: not a regular file: not read
		! 2 not-regular joe/cur/961579934.c: not a regular file: not read
		! 2 cut-short joe/cur/961579934.d,S=9: the file has 5 bytes, its name says 9: the rest is lost
		msg joe/INBOX/4 0 "short" ""
		! 1 bad-size joe/cur/961579934.e,S=2: the file has 6 bytes, its name says 2
		msg joe/INBOX/5 0 "longer" ""
		! 1 stray-file : 1 files are no mail, such as indexes of mail programs: left out (joe/notes.txt)`},
	{name: "links", files: map[string]string{
		"ann/cur/961579934.a": "same", "ann/dovecot-uidlist": "3 V7 N2\n1 :961579934.a\n", "joe/cur/961579934.z:2,S": "=> ann/cur/961579934.a", "joe/dovecot-uidlist": "3 V7 N4\n3 :961579934.z\n",
		"joe/.x/cur/861579934.y": "=> ann/cur/961579934.a", "joe/.x/dovecot-uidlist": "3 V7 N4\n3 :861579934.y\n",
	}, want: `
		user ann
		box ann/INBOX 7 2 sub -1 "" ""
		msg ann/INBOX/1 0 "same" ""
		user joe
		box joe/INBOX 7 4 sub -1 "" ""
		link joe/INBOX/3 to ann/INBOX/1 "\\Seen"
		box joe/x 7 4 sub -1 "" ""
		msg joe/x/3 -100000000 "same" ""
		! 1 lost-date joe/.x: 1 files are younger than their names say: the receive dates are those of the names`},
	{name: "broken files", files: map[string]string{
		"joe/cur/961579934.a:2,ab": "a", "joe/dovecot-uidlist": "3 V7 N4\nx\n1 :961579934.a\n", "joe/dovecot-keywords": "0 a b\n1 ok\nx\n", "joe/subscriptions": "a\x01t\n", "joe/maildirsize": "x\n", "joe/dovecot-acl": "owner q\n",
	}, want: `
		! 2 bad-maildirsize joe/maildirsize, line 1: no limits: "x"
		user joe
		! 2 bad-subscription joe/subscriptions, line 1: no mailbox name: "a\x01t"
		! 2 bad-uidlist joe/dovecot-uidlist, line 2: no UID: "x"
		! 2 bad-keywords joe/dovecot-keywords, line 3: not a number and a keyword: "x"
		! 2 keyword joe/dovecot-keywords: "a b" cannot be a keyword: left out
		! 2 bad-acl joe/dovecot-acl, line 1: no rights: "owner q"
		box joe/INBOX 7 4 sub 0 "ok" ""
		msg joe/INBOX/1 0 "a" "ok"
		! 1 keyword joe: 1 times a message has a letter that no keyword belongs to: left out`},
	{name: "no list of UIDs", files: map[string]string{"joe/cur/961579999.b": "b", "joe/cur/961579930.a": "a", "joe/cur/x": "x", "joe/.e/cur/": "", "joe/.n/cur/no": "n"}, want: `
		user joe
		! 1 no-uidlist joe: no list of UIDs: 3 messages got theirs in the order of their names, and UIDVALIDITY 961579930 is the date of the first one
		box joe/INBOX 961579930 4 sub -1 "" ""
		msg joe/INBOX/1 0 "x" ""
		msg joe/INBOX/2 0 "a" ""
		msg joe/INBOX/3 0 "b" ""
		box joe/e 961579934 0 sub -1 "" ""
		! 1 no-uidlist joe/.n: no list of UIDs: 1 messages got theirs in the order of their names, and UIDVALIDITY 961579934 is the latest change of the mailbox
		box joe/n 961579934 2 sub -1 "" ""
		msg joe/n/1 0 "n" ""`},
	{name: "no limit, and none said", files: map[string]string{
		"ann/cur/": "", "ann/dovecot-uidlist": "3 V7 N1\n", "ann/maildirsize": "0S\n0 0\n", "joe/cur/": "", "joe/dovecot-uidlist": "3 V7 N1\n", "joe/maildirsize": "\n0 0\n",
		"sam/cur/": "", "sam/dovecot-uidlist": "3 V7 N1\n", "sam/maildirsize": "",
	}, want: `
		user ann quota -1
		box ann/INBOX 7 0 sub -1 "" ""
		user joe
		box joe/INBOX 7 0 sub -1 "" ""
		user sam
		box sam/INBOX 7 0 sub -1 "" ""`},
	{name: "too deep", files: map[string]string{"joe/cur/": "", "joe/dovecot-uidlist": "3 V7 N1\n", "a/b/c/Maildir/cur/1.x": "x"}, want: `
		! 2 bad-mailbox a/b: Maildirs below it that are no user's: say where users' mail lies
		user joe
		box joe/INBOX 7 0 sub -1 "" ""`},
	{name: "other mail among Maildirs", files: map[string]string{"joe/cur/": "", "joe/dovecot-uidlist": "3 V7 N1\n", "ann": from1 + "\nx\n", "bob/INBOX": from1 + "\nx\n", "bob/text": "x\n", ".cid/Maildir/cur/": "", "readme": "x\n"}, want: `
		! 2 bad-mailbox .cid: Maildirs in a directory with a dot in front, which is no user's: not read
		! 2 no-maildir ann: a mailbox file among Maildirs: not read
		! 2 no-maildir bob/INBOX: a mailbox file among Maildirs: not read
		user joe
		box joe/INBOX 7 0 sub -1 "" ""
		! 1 stray-file : 2 files are no mail, such as indexes of mail programs: left out (bob/text, readme)`},
	{name: "what begins as a message and is none", files: map[string]string{
		"joe/.vacation.msg": mh, "joe/Maildir/cur/": "", "joe/Maildir/dovecot-uidlist": "3 V7 N1\n", "joe/Maildir/.vacation.msg": mh, "joe/Maildir/In.mozmsgs/1.wdseml": mh,
		"joe/mail/In.mozmsgs/1.mozeml": mh,
	}, want: `
		user joe
		box joe/INBOX 7 0 sub -1 "" ""
		! 1 stray-file : 2 files are no mail, such as indexes of mail programs: left out (joe/Maildir/.vacation.msg, joe/Maildir/In.mozmsgs/1.wdseml)`},
	{name: "messages outside of cur and new", files: map[string]string{
		"joe/Maildir/cur/": "", "joe/Maildir/dovecot-uidlist": "3 V7 N1\n", "joe/Maildir/1": mh, "joe/Maildir/2": mh, "joe/Maildir/notes": "x\n", "joe/Maildir/.Sent/cur/": "", "joe/Maildir/.Sent/dovecot-uidlist": "3 V8 N1\n",
		"joe/Maildir/.Sent/961579934.a:2,S": mh, "joe/Maildir/.Sent/maildirfolder": "", "joe/Maildir/.Sent/dovecot.index.log": "\x01", "joe/Maildir/.Sent/old": from1 + "\nx\n", "joe/Maildir/.Sent/dovecot.index": "-> x", "joe/Maildir/.Old/1": mh, "joe/Maildir/.Old/sub/2": mh, "joe/Maildir/sieve/x": "y",
		"joe/3": mh, "joe/Mail/inbox/1": mh, "x.com/ann/Maildir/a/cur/": "", "x.com/ann/Maildir/a/dovecot-uidlist": "3 V9 N1\n", "x.com/ann/Maildir/cur/": "", "x.com/ann/Maildir/dovecot-uidlist": "3 V9 N1\n", "x.com/ann/Maildir/a/b/5": mh, "4": mh,
	}, want: `
		! 2 no-maildir 4: a message among Maildirs: not read
		! 2 no-maildir joe/3: a message beside a Maildir: not read
		! 2 no-maildir joe/Mail: mail in a folder beside a Maildir: not read
		user ann@x.com
		! 2 no-maildir x.com/ann/Maildir/a/b/5: a message outside of cur and new, one of 1 files of this folder that are: not read
		box ann@x.com/INBOX 9 0 sub -1 "" ""
		box ann@x.com/a 9 0 sub -1 "" ""
		user joe
		! 2 no-maildir joe/Maildir/.Old/sub/2: a message outside of cur and new, one of 1 files of this folder that are: not read
		! 2 no-maildir joe/Maildir/.Old/1: a message outside of cur and new, one of 1 files of this folder that are: not read
		! 2 not-regular joe/Maildir/.Sent/dovecot.index: a link or a device: not read
		! 2 no-maildir joe/Maildir/.Sent/old: a mailbox file among Maildirs: not read
		! 2 no-maildir joe/Maildir/.Sent/961579934.a:2,S: a message outside of cur and new, one of 1 files of this folder that are: not read
		! 2 no-maildir joe/Maildir/1: a message outside of cur and new, one of 2 files of this folder that are: not read
		box joe/INBOX 7 0 sub -1 "" ""
		box joe/Sent 8 0 sub -1 "" ""
		! 1 stray-file : 3 files are no mail, such as indexes of mail programs: left out (joe/Maildir/.Sent/dovecot.index.log, joe/Maildir/notes, joe/Maildir/sieve/x)`},
	{name: "nobody", files: map[string]string{"x/y": "z"}, opt: Options{Kind: Maildir}, want: "error: TREE: no user with mail of the kind maildir"},
}

func TestMaildir(t *testing.T) {
	for _, r := range maildirRows {
		r.check(t)
	}
}

func TestCompressed(t *testing.T) {
	var z strings.Builder
	w := gzip.NewWriter(&z)
	io.WriteString(w, "S: x\n\nhello\n")
	w.Close()
	r := row{name: "compressed", files: map[string]string{
		"joe/cur/961579934.a,S=12:2,Z": z.String(), "joe/cur/961579934.b,S=12:2,Z": z.String()[:20], "joe/cur/961579934.c": "\xfd7zXZ\x00", "joe/cur/961579934.d": "BZhtext",
		"joe/cur/961579934.e,S=7": "BZhtext", "joe/dovecot-uidlist": "3 V7 N6\n1 :961579934.a,S=12\n2 :961579934.b,S=12\n3 :961579934.c\n4 :961579934.d\n5 :961579934.e,S=7\n",
	}, want: `
		user joe
		box joe/INBOX 7 6 sub -1 "" ""
		msg joe/INBOX/1 0 "S: x\n\nhello\n" ""
		! 2 compressed joe/cur/961579934.b,S=12:2,Z: compressed, and damaged: it ends too early: the file has been cut
		! 2 compressed joe/cur/961579934.c: compressed with xz: decompress the files of the Maildir first
		! 2 compressed joe/cur/961579934.d: compressed with bzip2: decompress the files of the Maildir first
		msg joe/INBOX/5 0 "BZhtext" ""`}
	r.check(t)
}
