package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"imsconv/cmd/internal/peer"
)

// served is a message as an IMAP server has to show it.
type served struct {
	uid   uint32
	flags []string // sorted, keywords too
	date  int64    // INTERNALDATE, seconds since 1970
	size  int64    // RFC822.SIZE
	sum   string   // SHA-256 of BODY[], in hex; "": not compared, and the size neither
	odd   bool     // it holds what Dovecot's other formats change: a NUL, a bare CR at the end
	plain int64    // bytes of the file
	body  []byte   // of the file; nil: not kept
}

// servedBox is a mailbox as an IMAP server has to show it.
type servedBox struct {
	name           string
	validity, next uint32 // 0: not compared
	subscribed     bool
	acl            map[string]string // rights in Dovecot's letters by identifier
	keywords       []string          // those it announces
	messages       []served
}

// servedUser is what an IMAP server has to show to a user.
type servedUser struct {
	id, home string // home is the directory above its Maildir
	limit    int64  // quota in bytes; <= 0: none
	boxes    []servedBox
}

func (u *servedUser) box(name string) *servedBox {
	for i := range u.boxes {
		if u.boxes[i].name == name {
			return &u.boxes[i]
		}
	}
	return nil
}

// shown is what Dovecot makes of the bytes of a message: lines end in CR LF,
// and there is no NUL in IMAP.
func shown(body []byte) []byte {
	out := make([]byte, 0, len(body)+len(body)/32)
	for i, c := range body {
		switch {
		case c == '\n' && (i == 0 || body[i-1] != '\r'):
			out = append(out, '\r', '\n')
		case c == 0:
			out = append(out, 0x80)
		default:
			out = append(out, c)
		}
	}
	return out
}

func newServed(uid uint32, flags []string, date int64, body []byte) served {
	text := shown(body)
	flags = slices.Clone(flags)
	slices.Sort(flags)
	return served{
		uid: uid, flags: flags, date: date, size: int64(len(text)), sum: hashHex(text),
		plain: int64(len(body)), body: body,
		odd: slices.Contains(body, 0) || len(body) > 0 && body[len(body)-1] == '\r',
	}
}

func hashHex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// judgement collects what a server shows otherwise than it should.
type judgement struct {
	mu    sync.Mutex
	lines []string
}

func (j *judgement) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

// fail fails the test with the first lines.
func (j *judgement) fail(t testing.TB) {
	t.Helper()
	slices.Sort(j.lines)
	for i, line := range j.lines {
		if i == 20 {
			t.Errorf("and %d more", len(j.lines)-i)
			break
		}
		t.Error(line)
	}
}

// judge opens every mailbox of the users with a real Dovecot and tells what is
// not as it should be. What lies below out must be untouched after that.
func judge(t testing.TB, d *peer.Dovecot, out string, users []servedUser) *judgement {
	t.Helper()
	d.Own(out)
	j := new(judgement)
	before := mailFiles(t, out)
	j.sizes(before)
	everyUser(users, func(u *servedUser) { j.user(d, u) })
	j.untouched(before, mailFiles(t, out))
	for _, line := range d.Complaints() {
		j.add("log: %s", line)
	}
	return j
}

// everyUser calls fn for the users, two at a time.
func everyUser(users []servedUser, fn func(*servedUser)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2)
	for i := range users {
		wg.Add(1)
		slots <- struct{}{}
		go func() {
			defer wg.Done()
			fn(&users[i])
			<-slots
		}()
	}
	wg.Wait()
}

// user holds what Dovecot shows to a user against what it should.
func (j *judgement) user(d *peer.Dovecot, u *servedUser) {
	c, err := d.IMAP(u.id, u.home)
	if err != nil {
		j.add("%s: %v", u.id, err)
		return
	}
	j.lists(c, u)
	for i := range u.boxes {
		if err := j.mailbox(c, u, &u.boxes[i]); err != nil {
			j.add("%s: %s: %v", u.id, u.boxes[i].name, err)
		}
	}
	if err := j.quota(c, u); err != nil {
		j.add("%s: %v", u.id, err)
	}
	if err := c.Close(); err != nil {
		j.add("%s: %v", u.id, err)
	}
}

// lists compares LIST and LSUB.
func (j *judgement) lists(c *peer.IMAP, u *servedUser) {
	var all, subscribed []string
	for i := range u.boxes {
		all = append(all, u.boxes[i].name)
		if u.boxes[i].subscribed {
			subscribed = append(subscribed, u.boxes[i].name)
		}
	}
	j.listing(c, u, "LIST", all)
	j.listing(c, u, "LSUB", subscribed)
}

func (j *judgement) listing(c *peer.IMAP, u *servedUser, command string, want []string) {
	got, err := listing(c, command)
	if err != nil {
		j.add("%s: %v", u.id, err)
		return
	}
	slices.Sort(want)
	if command == "LIST" && !slices.Contains(want, "INBOX") {
		want = append(want, "INBOX") // every user has one
		slices.Sort(want)
	}
	if !slices.Equal(got, want) {
		j.add("%s: %s shows %q, should be %q", u.id, command, got, want)
	}
}

// listing is what a command lists and can be selected, sorted.
func listing(c *peer.IMAP, command string) ([]string, error) {
	answers, err := c.Do(`%s "" "*"`, command)
	var names []string
	for _, a := range answers {
		if a.Name != command || len(a.Items) != 3 {
			continue
		}
		if !slices.ContainsFunc(a.Items[0].List, func(f peer.Item) bool {
			return strings.EqualFold(f.Text, `\Noselect`) || strings.EqualFold(f.Text, `\NonExistent`)
		}) {
			names = append(names, a.Items[2].Text)
		}
	}
	slices.Sort(names)
	return names, err
}

// mailbox compares a mailbox and its messages.
func (j *judgement) mailbox(c *peer.IMAP, u *servedUser, want *servedBox) error {
	answers, err := c.Do("SELECT %s", peer.Quote(want.name))
	if err != nil {
		return err
	}
	where := u.id + ": " + want.name
	codes := statusCodes(answers)
	if got := codes["UIDVALIDITY"]; want.validity != 0 && got != fmt.Sprint(want.validity) {
		j.add("%s: UIDVALIDITY is %s, should be %d", where, got, want.validity)
	}
	if got := codes["UIDNEXT"]; want.next != 0 && got != fmt.Sprint(want.next) {
		j.add("%s: UIDNEXT is %s, should be %d", where, got, want.next)
	}
	for _, a := range answers {
		if a.Name == "RECENT" && a.Number != 0 {
			j.add("%s: %d messages are recent", where, a.Number)
		}
		if a.Name == "EXISTS" && int(a.Number) != len(want.messages) {
			j.add("%s: %d messages, should be %d", where, a.Number, len(want.messages))
		}
	}
	if err := j.messages(c, where, want); err != nil {
		return err
	}
	if want.acl == nil {
		return nil
	}
	if own, ok := want.acl[u.id]; ok && !strings.Contains(own, "a") {
		return j.ownRights(c, where, want.name, own)
	}
	return j.rights(c, where, want)
}

// ownRights compares the rights of a user who may not ask for those of others.
func (j *judgement) ownRights(c *peer.IMAP, where, mailbox, want string) error {
	answers, err := c.Do("MYRIGHTS %s", peer.Quote(mailbox))
	if err != nil {
		return err
	}
	for _, a := range answers {
		if a.Name == "MYRIGHTS" && len(a.Items) == 2 && sortedRights(a.Items[1].Text) == sortedRights(want) {
			return nil
		}
	}
	j.add("%s: the rights are %v, should be %q", where, answers, want)
	return nil
}

// statusCodes are the values of the codes in brackets.
func statusCodes(answers []peer.Answer) map[string]string {
	codes := make(map[string]string)
	for _, a := range answers {
		if a.Name == "OK" && len(a.Items) > 0 && a.Items[0].IsList && len(a.Items[0].List) == 2 {
			codes[a.Items[0].List[0].Text] = a.Items[0].List[1].Text
		}
	}
	return codes
}

func (j *judgement) messages(c *peer.IMAP, where string, want *servedBox) error {
	answers, err := c.Do("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")
	if err != nil {
		return err
	}
	got := make(map[uint32]served)
	for _, a := range answers {
		if a.Name == "FETCH" && len(a.Items) == 1 {
			m, err := fetched(a.Items[0].List)
			if err != nil {
				return err
			}
			got[m.uid] = m
		}
	}
	for i := range want.messages {
		w := &want.messages[i]
		g, ok := got[w.uid]
		if !ok {
			j.add("%s: message %d is missing", where, w.uid)
			continue
		}
		delete(got, w.uid)
		if !slices.Equal(g.flags, w.flags) {
			j.add("%s: message %d has the flags %q, should be %q", where, w.uid, g.flags, w.flags)
		}
		if g.date != w.date {
			j.add("%s: message %d is of %d, should be %d", where, w.uid, g.date, w.date)
		}
		if w.sum != "" && (g.size != w.size || g.sum != w.sum) {
			j.add("%s: message %d has %d bytes, hash %s, should be %d, %s", where, w.uid, g.size, g.sum, w.size, w.sum)
		}
	}
	for uid := range got {
		j.add("%s: message %d is too much", where, uid)
	}
	return nil
}

// fetched is what a FETCH tells of a message.
func fetched(items []peer.Item) (served, error) {
	var m served
	for i := 0; i+1 < len(items); i += 2 {
		value := items[i+1]
		switch items[i].Text {
		case "UID":
			n, err := strconv.ParseUint(value.Text, 10, 32)
			if err != nil {
				return m, err
			}
			m.uid = uint32(n)
		case "FLAGS":
			m.flags = []string{}
			for _, f := range value.List {
				m.flags = append(m.flags, f.Text)
			}
			slices.Sort(m.flags)
		case "INTERNALDATE":
			at, err := time.Parse("_2-Jan-2006 15:04:05 -0700", value.Text)
			if err != nil {
				return m, err
			}
			m.date = at.Unix()
		case "RFC822.SIZE":
			n, err := strconv.ParseInt(value.Text, 10, 64)
			if err != nil {
				return m, err
			}
			m.size = n
		case "BODY[]":
			m.sum = hashHex([]byte(value.Text))
		}
	}
	return m, nil
}

// rights compares GETACL, whose answer has the two old rights beside the new.
func (j *judgement) rights(c *peer.IMAP, where string, want *servedBox) error {
	answers, err := c.Do("GETACL %s", peer.Quote(want.name))
	if err != nil {
		return err
	}
	got := make(map[string]string)
	for _, a := range answers {
		if a.Name != "ACL" {
			continue
		}
		for i := 1; i+1 < len(a.Items); i += 2 {
			got[a.Items[i].Text] = sortedRights(a.Items[i+1].Text)
		}
	}
	for id, rights := range want.acl {
		if got[id] != sortedRights(rights) {
			j.add("%s: %s has the rights %q, should be %q", where, id, got[id], sortedRights(rights))
		}
		delete(got, id)
	}
	for id, rights := range got {
		j.add("%s: %s has the rights %q, should have none", where, id, rights)
	}
	return nil
}

// sortedRights are rights without c and d, which only sum up others.
func sortedRights(rights string) string {
	letters := []byte(strings.NewReplacer("c", "", "d", "").Replace(rights))
	slices.Sort(letters)
	return string(slices.Compact(letters))
}

// quota compares limit and usage, which IMAP tells in KB.
func (j *judgement) quota(c *peer.IMAP, u *servedUser) error {
	if u.limit <= 0 {
		return nil
	}
	answers, err := c.Do(`GETQUOTAROOT "INBOX"`)
	if err != nil {
		return err
	}
	var used int64
	for i := range u.boxes {
		for k := range u.boxes[i].messages {
			used += u.boxes[i].messages[k].plain
		}
	}
	want := fmt.Sprintf("STORAGE %d %d", (used+1023)/1024, (u.limit+1023)/1024)
	var got []string
	for _, a := range answers {
		if a.Name != "QUOTA" || len(a.Items) != 2 {
			continue
		}
		for _, item := range a.Items[1].List {
			got = append(got, item.Text)
		}
	}
	if text := strings.Join(got, " "); !strings.Contains(text+" ", want+" ") {
		j.add("%s: the quota is %q, should be %q", u.id, text, want)
	}
	return nil
}

// ownFile tells whether Dovecot keeps a file of that name for itself.
func ownFile(name string) bool {
	for _, prefix := range []string{"dovecot.index", "dovecot.list.index", "dovecot-acl-list", "dovecot.mailbox.log", "dovecot-uidvalidity"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// mailFiles reads what counts of all files below a directory: path to size and,
// of messages, date, of others, content.
func mailFiles(t testing.TB, root string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == ".imap" { // indexes of mailbox files
			return fs.SkipDir
		}
		if err != nil || ownFile(d.Name()) || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := fmt.Sprint(info.Size(), " ", info.ModTime().Unix())
		if dir := filepath.Base(filepath.Dir(path)); dir != "cur" && dir != "new" {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = fmt.Sprintf("%d %q", info.Size(), data)
		}
		files[path] = text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var nameSize = regexp.MustCompile(`,S=(\d+)`)

// sizes holds the sizes in names against the files: Dovecot believes them
// wherever only a sum is wanted.
func (j *judgement) sizes(files map[string]string) {
	for path, text := range files {
		said := nameSize.FindStringSubmatch(filepath.Base(path))
		if size, _, _ := strings.Cut(text, " "); said != nil && said[1] != size {
			j.add("%s: the name says %s bytes, it has %s", path, said[1], size)
		}
	}
}

// untouched compares what lay there before and after.
func (j *judgement) untouched(before, after map[string]string) {
	for path, text := range before {
		if after[path] != text {
			j.add("%s was %s, is %s", path, text, after[path])
		}
	}
	for path := range after {
		if _, ok := before[path]; !ok {
			j.add("%s is new", path)
		}
	}
}

// withoutPlugins takes plugins out of the lines mail_plugins of a
// configuration.
func withoutPlugins(conf []byte, names ...string) []byte {
	var out []string
	for line := range strings.Lines(string(conf)) {
		if strings.HasPrefix(strings.TrimSpace(line), "mail_plugins") {
			words := slices.DeleteFunc(strings.Fields(line), func(word string) bool { return slices.Contains(names, word) })
			line = strings.Join(words, " ") + "\n"
		}
		out = append(out, line)
	}
	return []byte(strings.Join(out, ""))
}

// keptBy backs the users up into another format of Dovecot's and judges that.
func keptBy(t testing.TB, format, dir string, conf []byte, maildir *peer.Dovecot, users []servedUser) *judgement {
	t.Helper()
	home := filepath.Join(dir, format)
	if err := os.MkdirAll(home, 0o777); err != nil {
		t.Fatal(err)
	}
	// Rights and quota are files of Maildir, which backup does not know.
	layout := ""
	if strings.Contains(string(conf), ":LAYOUT=fs") {
		layout = ":LAYOUT=fs"
	}
	conf = withoutPlugins(conf, "acl", "quota", "imap_acl", "imap_quota")
	conf = append(conf, "\nmail_location = "+format+":"+home+"/%u\n"...)
	d := peer.NewDovecot(t, home, conf)
	j := new(judgement)
	everyUser(users, func(u *servedUser) {
		if _, err := d.Doveadm(u.id, u.home, "backup", "-R", "maildir:"+u.home+"/Maildir"+layout); err != nil {
			j.add("%s: %v", u.id, err)
			return
		}
		other := *u
		other.boxes, other.limit = slices.Clone(u.boxes), 0
		for i := range other.boxes {
			b := &other.boxes[i]
			b.acl, b.messages = nil, slices.Clone(b.messages)
			for k := range b.messages {
				m := &b.messages[k]
				m.date = int64(uint32(m.date)) // other formats have 32 bits for it
				if m.odd {
					m.sum = ""
				}
			}
		}
		j.user(d, &other)
	})
	for _, line := range append(d.Complaints(), maildir.Complaints()...) {
		j.add("log: %s", line)
	}
	return j
}
