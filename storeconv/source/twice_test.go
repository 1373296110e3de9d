package source

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify/trees"
)

// twice reads the tree with the verifier's own reader, which is to see the same
// in it: what dump tells of users, mailboxes and messages.
func twice(t testing.TB, path string, opt Options) []string {
	t.Helper()
	var out bytes.Buffer
	own := trees.Options{User: opt.User, Path: opt.Path, Layout: opt.Layout, Escape: opt.Escape, Encoded: opt.Encoded, Quoting: opt.Quoting}
	switch opt.Kind {
	case Mbox:
		own.Kind = trees.Mbox
	case Maildir:
		own.Kind = trees.Maildir
	}
	if err := trees.Write(context.Background(), &out, path, own); err != nil {
		return []string{"error: " + err.Error()}
	}
	var lines []string
	r := sims.NewReader(&out)
	for {
		m, err := r.Next()
		if err == io.EOF {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		line := seen(m)
		if m.Kind == sims.Message {
			body, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			line += fmt.Sprintf(" %q", body)
		}
		lines = append(lines, line)
	}
}

// once is what a Source sees, in the same words.
func once(t testing.TB, path string, opt Options) []string {
	t.Helper()
	s, err := Open(path, opt)
	if err != nil {
		return []string{"error: " + err.Error()}
	}
	defer s.Close()
	var lines []string
	for {
		m, err := s.Next()
		if err == io.EOF {
			return lines
		}
		if err != nil {
			continue // told
		}
		line := seen(m)
		if m.Kind == sims.Message {
			body, err := io.ReadAll(s)
			if err != nil {
				t.Fatal(err)
			}
			line += fmt.Sprintf(" %q", body)
		}
		lines = append(lines, line)
	}
}

// seen is what counts of a member.
func seen(m *sims.Member) string {
	flags := strings.Fields(m.Flags)
	slices.Sort(flags)
	switch m.Kind {
	case sims.User:
		return fmt.Sprintf("user %s %v %d", m.Name, m.HasQuota, m.Quota)
	case sims.Mailbox:
		return fmt.Sprintf("box %s %d %d %d %q %q", m.Name, m.UIDValidity, m.UIDNext, m.Subscribed, m.Keywords, m.ACL)
	case sims.Link:
		return fmt.Sprintf("link %s %d %q to %s", m.Name, m.Time, slices.Compact(flags), m.Link)
	}
	return fmt.Sprintf("msg %s %d %q", m.Name, m.Time, slices.Compact(flags))
}

// bothSee compares the two.
func bothSee(t testing.TB, name, path string, opt Options) {
	t.Helper()
	a, b := once(t, path, opt), twice(t, path, opt)
	if len(a) > 0 && strings.HasPrefix(a[0], "error: ") && len(b) > 0 && strings.HasPrefix(b[0], "error: ") {
		return
	}
	if !slices.Equal(a, b) {
		t.Errorf("%s: the verifier sees\n%s\nthis\n%s", name, strings.Join(b, "\n"), strings.Join(a, "\n"))
	}
}

// TestBothSeeRandomTrees builds trees of odd parts, by chance that is the same
// each time, and has both readers read them.
func TestBothSeeRandomTrees(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 7))
		files := randomMaildirs(rng)
		opt := Options{Kind: Maildir}
		if seed%2 == 1 {
			files, opt.Kind = randomMboxes(rng), Mbox
		}
		bothSee(t, fmt.Sprintf("seed %d: %q", seed, files), tree(t, files), opt)
	}
}

func pick(rng *rand.Rand, from ...string) string { return from[rng.IntN(len(from))] }

// randomMaildirs are two users' Maildirs.
func randomMaildirs(rng *rand.Rand) map[string]string {
	files := map[string]string{}
	for _, user := range []string{"joe/Maildir", "x.com/ann"} {
		files[user+"/cur/"] = ""
		for range rng.IntN(5) {
			folder := pick(rng, "", "", "/.a", "/.a.b", `/.v\2e1`, "/.Inbox", "/.INBOX.x", "/.a..b", "/.50%", "/.50_", "/.x*y", "/fs/sub", "/fs", `/.q\r`, "/.~t", "/.ü", "/.&APw-", "/.R&D", "/.ü&APw-", "/.\xfc", "/.ä%", "/.a\uf03ab", "/.v_2E1", "/..x", "/.a_5fb.c_2")
			for range rng.IntN(4) {
				name := pick(rng, "961579934", "100000000", "99999999", "1", "x", "9615799340", "-5", "0961579934") + "." + pick(rng, "a", "b", "c,S=1", "d,S=5,W=6", "h,U=3", "i,U=5,S=5", "h,U=4294967295", "h,U=0", "h,U=7x", "j,U=x,U=6", "j,U=000000000002,x") + pick(rng, "", ":2,", ":2,S", ":2,FRTab", ":2,PDz", ":1,x", ":2,SS,x", ";2,S", "!2,", "_2,RS", "_2,a", "-2,S", "=2,", "%3A2,Fa", "%3a2,", "\uff1a2,S", ".2,S", "-2,a", ":x:2,S", "\uf03a2,Fa")
				files[user+folder+"/"+pick(rng, "cur", "cur", "new")+"/"+name] = pick(rng, "", "text", "S: x\n\ny\n", "\x1f\x8bno", "BZhxx")
			}
			list := pick(rng, "3 V7 N9\n", "3 V7 N1 Gx\n", "1 7 9\n", "3 V961579934 N4294967295\n", "3 V0 N9\n", "x\n")
			for uid := 1; rng.IntN(4) > 0; uid += rng.IntN(3) {
				list += fmt.Sprintf("%d %s%s\n", uid, pick(rng, ":", "S5 :", ""), pick(rng, "961579934.a", "1.b", "x.c,S=1:2,S", "100000000.a:2,", "961579934.d,S=5,W=6"))
			}
			if rng.IntN(3) > 0 {
				files[user+folder+"/dovecot-uidlist"] = list
			}
			if rng.IntN(3) > 0 {
				files[user+folder+"/.uidvalidity"] = pick(rng, "1000\n9\n", "1000\n4\n", "1000\n4294967294\n", "1\r\n4294967293\r\n", "x\n", "5\n", "0\n3\n", "7\n0\n")
			}
			if rng.IntN(2) > 0 {
				files[user+folder+"/dovecot-keywords"] = pick(rng, "0 a\n1 b\n25 z\n", "3 x y\n1 ok\n", "bad\n", "0 \\x\n")
			}
			if rng.IntN(2) > 0 {
				files[user+folder+"/dovecot-acl"] = pick(rng, "owner lrwstipekxa\n", "user=bob lrk\n-anyone w\n", "group=a lrex\nauthenticated l\n", "user= l\n\"user=a b\" lr\n", "owner \n")
			}
		}
		if rng.IntN(2) > 0 {
			files[user+"/subscriptions"] = pick(rng, "V\t2\n\nINBOX\na\tb\nfs\n", "INBOX\na.b\nv\\2e1\ngone\n", "inbox\n\x01t\n", "ü\r\nR&D\r\n&APw-\r\nä%\r\n")
		}
		if rng.IntN(4) == 0 {
			files[user+"/..maildir++"] = pick(rng, "maildir++ 1", "maildir++ 1", "maildir++ 1\n", "maildir++ 2", "")
		}
		if rng.IntN(2) > 0 {
			files[user+"/maildirsize"] = pick(rng, "0S\n", "5C\n1 1\n", "7S,1C\n", "", "x\n")
		}
	}
	return files
}

// randomMboxes are two users' mailbox files.
func randomMboxes(rng *rand.Rand) map[string]string {
	files := map[string]string{"joe/INBOX": ""}
	for range 2 + rng.IntN(7) {
		text := pick(rng, "", "", "\n", "garbage\n\n", "\x01\x01\x01\x01\n")
		for range rng.IntN(4) {
			text += pick(rng, from1, from2, "From x\n", "From - Wed Feb 31 09:32:14 2000\n") + pick(rng, "", "X-IMAPbase: 5 2 k1 k2\n", "X-IMAP: 9 3\n", "X-UID: 7\n", "X-UID: 2\n", "X-UID: 4294967295\n") +
				pick(rng, "", "Status: RO\n", "X-Status: AF\nX-Keywords: k2 k3\n", "X-Mozilla-Status: 1001\n", "Date: Wed, 21 Jun 2000 09:32:16 +0000\n") + "S: x\n\n" + pick(rng, "body\n", ">From here\n", "no end", "\n\n") + pick(rng, "", "\n", "\x01\x01\x01\x01\n")
		}
		files[pick(rng, "joe/", "joe/", "joe/Mail/", "joe/a.sbd/", "joe/b.mbox/", "")+pick(rng, "INBOX", "inbox", "a", "a.mbox", "folder.msg", "mbox", "b", "z.gz", ".hidden", "c.lock", "ü", "ü.mbox", "R&D", "&APw-", "\xfc", "a%", "a*")] = text
	}
	if rng.IntN(2) > 0 {
		files["joe/.subscriptions"] = pick(rng, "INBOX\nMail/a\nü\n", "V\t2\n\nMail\tfolder.msg\na\nR&D\na%\n")
	}
	for path := range files { // a file cannot be a folder too
		for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
			delete(files, dir)
		}
	}
	return files
}
