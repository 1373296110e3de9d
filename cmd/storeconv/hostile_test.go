package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rawMember is a tar member made by hand, for what archive/tar refuses to
// write.
type rawMember struct {
	name, link string
	kind       byte   // '0' when zero
	size       string // the field as it is to stand there; empty: the length of body
	body       string
	pax        [][2]string // in front, as an extended header
}

// block makes the 512 bytes of a ustar header.
func (m rawMember) block() []byte {
	b := make([]byte, 512)
	copy(b, m.name)
	copy(b[100:], "0000600\x000000000\x000000000\x00")
	size := m.size
	if size == "" {
		size = fmt.Sprintf("%011o\x00", len(m.body))
	}
	copy(b[124:136], size)
	copy(b[136:], "07243001414\x00")
	b[156] = '0'
	if m.kind != 0 {
		b[156] = m.kind
	}
	copy(b[157:257], m.link)
	copy(b[257:], "ustar\x0000")
	copy(b[148:], "        ")
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

// append adds the member, with its extended header when it has one.
func (m rawMember) append(out []byte) []byte {
	if len(m.pax) > 0 {
		ext := rawMember{name: "PaxHeaders/x", kind: 'x'}
		for _, kv := range m.pax {
			ext.body += paxRecord(kv[0], kv[1])
		}
		out = ext.append(out)
	}
	out = append(out, m.block()...)
	out = append(out, m.body...)
	if rest := len(m.body) % 512; rest != 0 {
		out = append(out, make([]byte, 512-rest)...)
	}
	return out
}

func paxRecord(key, value string) string {
	n := len(key) + len(value) + 3
	for {
		if rec := fmt.Sprintf("%d %s=%s\n", n, key, value); len(rec) == n {
			return rec
		}
		n++
	}
}

const hostileText = "Subject: x\r\nMessage-ID: <x@siroe.com>\r\n\r\nx\r\n"

// goodMember is a member that nothing is wrong with.
func goodMember(name string) rawMember {
	return rawMember{name: name, body: hostileText + name + "\r\n"}
}

// named is a message under any name, carried in an extended header.
func named(name string) rawMember {
	return rawMember{name: "placeholder/INBOX/1", body: hostileText, pax: [][2]string{{"path", name}}}
}

// hostileMembers are members that have to be refused, one line each, with
// everything else restored.
var hostileMembers = []struct {
	what string
	m    rawMember
}{
	{"up and out", rawMember{name: "../../../escaped/INBOX/1", body: hostileText}},
	{"up in the middle", rawMember{name: "joe/../../escaped/1", body: hostileText}},
	{"up at the end", rawMember{name: "joe/INBOX/..", body: hostileText}},
	{"dot component", rawMember{name: "joe/./INBOX/1", body: hostileText}},
	{"dot user", rawMember{name: "./INBOX/1", body: hostileText}},
	{"absolute", rawMember{name: "/tmp/escaped/1", body: hostileText}},
	{"empty name", rawMember{name: "", body: hostileText}},
	{"empty component", rawMember{name: "joe//1", body: hostileText}},
	{"only a slash", rawMember{name: "/", kind: '5'}},
	{"directory up", rawMember{name: "../escaped/", kind: '5'}},
	{"NUL in the middle", named("joe/IN\x00BOX/1")},
	{"control byte", named("joe/bo\x01x/1")},
	{"newline", named("joe/bo\nx/1")},
	{"4,000 characters", named("joe/" + strings.Repeat("x", 4000) + "/1")},
	{"4,000 characters nested", named("joe/" + strings.Repeat("deep/", 800) + "1")},
	{"long component", named("joe/" + strings.Repeat("A", 140) + "/1")},
	{"long mailbox", named("joe/" + strings.Repeat("abcdefg/", 62) + "x/1")},
	{"long user", named(strings.Repeat("u", 128) + "/INBOX/1")},
	{"forbidden user", rawMember{name: "j*e/INBOX/1", body: hostileText}},
	{"user with a percent sign", rawMember{name: "j%doe/INBOX/1", body: hostileText}},
	{"reserved user", rawMember{name: "anyone/INBOX/1", body: hostileText}},
	{"user with a leading hyphen", rawMember{name: "-joe/INBOX/1", body: hostileText}},
	{"user as a group", rawMember{name: "group=staff/INBOX/1", body: hostileText}},
	{"8-bit user", rawMember{name: "jo\xe9/INBOX/1", body: hostileText}},
	{"forbidden folder", rawMember{name: "joe/wild*card/1", body: hostileText}},
	{"folder with a percent sign", rawMember{name: "joe/50%/1", body: hostileText}},
	{"no mailbox", rawMember{name: "joe/1", body: hostileText}},
	{"no user", rawMember{name: "1", body: hostileText}},
	{"uid with a leading zero", rawMember{name: "joe/INBOX/07", body: hostileText}},
	{"uid with a sign", rawMember{name: "joe/INBOX/+7", body: hostileText}},
	{"negative uid", rawMember{name: "joe/INBOX/-7", body: hostileText}},
	{"uid zero", rawMember{name: "joe/INBOX/0", body: hostileText}},
	{"uid too big", rawMember{name: "joe/INBOX/4294967296", body: hostileText}},
	{"uid no number", rawMember{name: "joe/INBOX/7.msg", body: hostileText}},
	{"character device", rawMember{name: "joe/INBOX/7", kind: '3'}},
	{"block device", rawMember{name: "joe/INBOX/7", kind: '4'}},
	{"fifo", rawMember{name: "joe/INBOX/7", kind: '6'}},
	{"symbolic link", rawMember{name: "joe/INBOX/7", kind: '2', link: "/etc/passwd"}},
	{"symbolic link as a mailbox", rawMember{name: "joe/away", kind: '2', link: "/tmp"}},
	{"hard link to itself", rawMember{name: "joe/INBOX/7", kind: '1', link: "joe/INBOX/7"}},
	{"hard link to nothing", rawMember{name: "joe/INBOX/7", kind: '1', link: "nobody/INBOX/1"}},
	{"hard link to a file outside", rawMember{name: "joe/INBOX/7", kind: '1', link: "../../../etc/passwd"}},
	{"hard link to an absolute name", rawMember{name: "joe/INBOX/7", kind: '1', link: "/etc/passwd"}},
	{"hard link to a directory", rawMember{name: "joe/INBOX/7", kind: '1', link: "amy/INBOX"}},
	{"the same uid again, after another user", rawMember{name: "amy/INBOX/1", body: "Subject: second\r\n\r\n"}},
}

// hostileStream is amy's message, the members, and zoe's message.
func hostileStream(members ...rawMember) []byte {
	global := rawMember{name: "GlobalHead", kind: 'g', body: paxRecord("SIMS.profile", "1") + paxRecord("SIMS.date", "981538200")}
	out := global.append(nil)
	out = goodMember("amy/INBOX/1").append(out)
	for _, m := range members {
		out = m.append(out)
	}
	out = goodMember("zoe/INBOX/1").append(out)
	out = append(out, make([]byte, 1024)...)
	return append(out, make([]byte, (10240-len(out)%10240)%10240)...)
}

// restoreHostile restores a stream into base/a/b/store, holds what has to be
// true of every such restore against it, and returns the names of the message
// files.
func restoreHostile(t *testing.T, stream io.Reader) (outcome, []string) {
	t.Helper()
	base := scratch(t)
	store := filepath.Join(base, "a", "b", "store")
	if err := os.MkdirAll(filepath.Dir(store), 0o700); err != nil {
		t.Fatal(err)
	}
	o := run(t, stream, "restore", "-f", "-", "--store", store)
	if o.exit != 3 {
		t.Errorf("exit status %d, want 3\n%s", o.exit, o.stderr)
	}
	if strings.Contains(o.stderr, "panic") || strings.Contains(o.stderr, "goroutine ") {
		t.Errorf("crashed:\n%s", o.stderr)
	}
	if o.rss > 256<<20 {
		t.Errorf("took %d MiB", o.rss>>20)
	}
	var messages []string
	for name, n := range readTree(t, base) {
		rest, inside := strings.CutPrefix(name, "a/b/store/")
		if !inside && name != "." && name != "a" && name != "a/b" && name != "a/b/store" {
			t.Errorf("%s was written outside the store", name)
		}
		if !n.mode.IsDir() && !n.mode.IsRegular() {
			t.Errorf("%s is a %v", name, n.mode)
		}
		if inside && strings.HasSuffix(rest, ".msg") {
			messages = append(messages, rest)
		}
	}
	for _, escaped := range []string{"/tmp/escaped", "/escaped"} {
		if _, err := os.Lstat(escaped); err == nil {
			t.Errorf("%s was written", escaped)
		}
	}
	return o, messages
}

// TestHostileMembers: each member alone costs exactly one line; what stands
// around it is restored.
func TestHostileMembers(t *testing.T) {
	for _, c := range hostileMembers {
		t.Run(c.what, func(t *testing.T) {
			o, got := restoreHostile(t, bytes.NewReader(hostileStream(c.m)))
			if lines := o.problems(); len(lines) != 1 {
				t.Errorf("%d problem lines, want one:\n%s", len(lines), o.stderr)
			}
			checkOnly(t, got, "=amy/00/1.msg", "=zoe/00/1.msg")
		})
	}
}

// TestHostileTogether has all of them in one stream: as many lines as members.
func TestHostileTogether(t *testing.T) {
	var members []rawMember
	for _, c := range hostileMembers {
		members = append(members, c.m)
	}
	o, got := restoreHostile(t, bytes.NewReader(hostileStream(members...)))
	if lines := o.problems(); len(lines) != len(members) {
		t.Errorf("%d problem lines, want %d:\n%s", len(lines), len(members), o.stderr)
	}
	checkOnly(t, got, "=amy/00/1.msg", "=zoe/00/1.msg")
}

// checkOnly fails unless got are files of these ends, in any order.
func checkOnly(t *testing.T, got []string, ends ...string) {
	t.Helper()
	found := make(map[string]int)
	for _, name := range got {
		known := false
		for _, end := range ends {
			if strings.HasSuffix(name, "/"+end) {
				found[end]++
				known = true
			}
		}
		if !known {
			t.Errorf("%s was restored", name)
		}
	}
	for _, end := range ends {
		if found[end] != 1 {
			t.Errorf("%d files %s, want one", found[end], end)
		}
	}
}

// hostileSizes are headers whose size is a lie; what follows cannot always be
// told from the body, so that only what stands in front has to be there.
var hostileSizes = []struct{ what, size string }{
	{"negative, base 256", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00"},
	{"minus one, base 256", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"},
	{"negative, octal", "-0000000010\x00"},
	{"2^60, base 256", "\x80\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00"},
	{"2^62, base 256", "\x80\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00"},
	{"2^64, base 256", "\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"},
	{"2^95, base 256", "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"},
	{"the largest octal", "77777777777\x00"},
	{"no number", "size?size?si"},
}

// TestHostileSizes: no crash, bounded memory, one line, exit status 3.
func TestHostileSizes(t *testing.T) {
	for _, c := range hostileSizes {
		t.Run(c.what, func(t *testing.T) {
			m := rawMember{name: "joe/INBOX/7", size: c.size}
			o, got := restoreHostile(t, bytes.NewReader(hostileStream(m)))
			if lines := o.problems(); len(lines) != 1 {
				t.Errorf("%d problem lines, want one:\n%s", len(lines), o.stderr)
			}
			found := false
			for _, name := range got {
				switch {
				case strings.HasSuffix(name, "/=amy/00/1.msg"):
					found = true
				case !strings.HasSuffix(name, "/=zoe/00/1.msg"):
					t.Errorf("%s was restored", name)
				}
			}
			if !found {
				t.Error("the message in front is not restored")
			}
		})
	}
}

// TestHostileExtendedHeaders: sizes and lengths of extended headers are lies
// too.
func TestHostileExtendedHeaders(t *testing.T) {
	cases := []struct {
		what string
		m    rawMember
	}{
		{"size 2^60 in an extended header", rawMember{name: "joe/INBOX/7", body: hostileText, pax: [][2]string{{"size", "1152921504606846976"}}}},
		{"negative size in an extended header", rawMember{name: "joe/INBOX/7", body: hostileText, pax: [][2]string{{"size", "-5"}}}},
		{"an extended header of 2^60 bytes", rawMember{name: "PaxHeaders/x", kind: 'x', size: "\x80\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00"}},
		{"a record longer than its header", rawMember{name: "PaxHeaders/x", kind: 'x', body: "999999999 path=x\n"}},
		{"a record of negative length", rawMember{name: "PaxHeaders/x", kind: 'x', body: "-9 path=x\n"}},
	}
	for _, c := range cases {
		t.Run(c.what, func(t *testing.T) {
			o, _ := restoreHostile(t, bytes.NewReader(hostileStream(c.m)))
			if len(o.problems()) == 0 {
				t.Errorf("no problem line:\n%s", o.stderr)
			}
		})
	}
}

// TestTruncatedStream cuts a stream everywhere a block begins and in the middle
// of blocks.
func TestTruncatedStream(t *testing.T) {
	whole := hostileStream(goodMember("bob/INBOX/3"))
	for cut := 0; cut < 512*11; cut += 256 {
		base := scratch(t)
		o := run(t, bytes.NewReader(whole[:cut]), "restore", "-f", "-", "--store", filepath.Join(base, "store"))
		if o.exit != 0 && o.exit != 3 && (cut >= 512 || o.exit != 1) || strings.Contains(o.stderr, "goroutine ") {
			t.Errorf("cut at %d: exit status %d\n%s", cut, o.exit, o.stderr)
		}
	}
}

// emptyMailboxes gives a stream of n mailboxes without a message, a thousand a
// user.
type emptyMailboxes struct {
	n, i int
	buf  []byte
	at   int
}

func (e *emptyMailboxes) Read(p []byte) (int, error) {
	if e.at == len(e.buf) {
		if e.i > e.n {
			return 0, io.EOF
		}
		e.buf, e.at = e.buf[:0], 0
		for range 64 {
			if e.i == e.n {
				e.buf = append(e.buf, make([]byte, 1024)...)
				e.i++
				break
			}
			if e.i%1000 == 0 {
				e.buf = append(e.buf, rawMember{name: fmt.Sprintf("user%d/", e.i/1000), kind: '5'}.block()...)
			}
			name := fmt.Sprintf("user%d/box%d/", e.i/1000, e.i%1000)
			e.buf = append(e.buf, rawMember{name: name, kind: '5'}.block()...)
			e.i++
		}
	}
	n := copy(p, e.buf[e.at:])
	e.at += n
	return n, nil
}

// TestManyEmptyMailboxes: ten million of them (300,000 in the short run) go
// through a dry run in bounded memory.
func TestManyEmptyMailboxes(t *testing.T) {
	n := 300000
	if full {
		n = 10000000
	}
	dir := scratch(t)
	store := filepath.Join(dir, "store")
	o := run(t, &emptyMailboxes{n: n}, "restore", "-f", "-", "--store", store, "--dry-run")
	if o.exit != 0 {
		t.Errorf("exit status %d\n%s", o.exit, o.stderr)
	}
	if o.rss > 256<<20 {
		t.Errorf("took %d MiB", o.rss>>20)
	}
	t.Logf("%d mailboxes: %d MiB", n, o.rss>>20)
	if !strings.Contains(o.stderr, fmt.Sprint(n)) {
		t.Errorf("the summary does not name %d mailboxes:\n%s", n, o.stderr)
	}
	if _, err := os.Stat(store); err == nil {
		t.Error("a dry run made the store")
	}
}
