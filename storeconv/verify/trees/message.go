package trees

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/sims"
)

// fileID tells files apart.
type fileID struct{ dev, ino uint64 }

// first is the first message of a file with several names.
type first struct {
	name string
	date int64
}

// mostLinks bounds the files with several names that are remembered.
const mostLinks = 500_000

// keywordNames reads what the letters of keywords stand for.
func (b *mailboxDir) keywordNames() {
	if !b.readLines(b.dir, "dovecot-keywords", func(r io.Reader, tell func(*maildir.Error)) (err error) {
		b.keywords, err = maildir.ReadKeywords(r, tell)
		return err
	}) {
		b.readLines(filepath.Join(b.dir, "courierimapkeywords"), ":list", func(r io.Reader, tell func(*maildir.Error)) (err error) {
			b.keywords, b.courier, err = maildir.ReadCourierKeywords(r, tell)
			return err
		})
		list, _ := names(filepath.Join(b.dir, "courierimapkeywords")) // none but Courier's has one
		if n := len(list) - sign(slices.Contains(list, ":list")); n > 0 {
			b.problem(b.dir, "bad-keywords", "changes of keywords in %d files: not compared", n)
		}
	}
	for i, k := range b.keywords {
		if !isKeyword(k) {
			if k != "" {
				b.problem(b.dir, "keyword", "a keyword of %d bytes cannot be one: not compared", len(k))
			}
			b.keywords[i] = ""
		}
	}
}

// rights are those of the mailbox in the terms of RFC 2086: c for k and x, d
// for e and t, and nothing for one of a pair alone.
func (b *mailboxDir) rights() string {
	var list []maildir.Right
	courier := !b.readLines(b.dir, "dovecot-acl", func(r io.Reader, tell func(*maildir.Error)) (err error) {
		list, err = maildir.ReadACL(r, tell)
		return err
	})
	if courier {
		b.readLines(b.dir, "courierimapacl", func(r io.Reader, tell func(*maildir.Error)) (err error) {
			list, err = maildir.ReadCourierACL(r, tell)
			return err
		})
	}
	if !courier {
		list = b.asServed(list)
	}
	var lines []string
	for _, r := range list {
		who, letters := b.identifier(r.Identifier), storeRights(r.Letters)
		if back := strings.NewReplacer("c", "kx", "d", "et").Replace(letters); who == "" || strings.Trim(r.Letters, back) != "" {
			b.problem(b.dir, "bad-acl", "not all rights %q of %s have a form in a store: not compared", r.Letters, r.Identifier)
		}
		if who != "" && (letters != "" || r.Letters == "") {
			lines = append(lines, who+"\t"+letters)
		}
	}
	all := strings.Join(lines, "\n")
	if len(all) > mostRights {
		b.problem(b.dir, "bad-acl", "%d bytes of rights are more than a store has: not compared", len(all))
		return ""
	}
	return all
}

// mostRights is how many bytes of rights a mailbox can have.
const mostRights = 128 << 10

// asServed is what a server makes of a list of rights: one line for all of an
// identifier; none of "owner" beside one of his name; all rights for an owner
// of whom nothing is said.
func (b *mailboxDir) asServed(list []maildir.Right) (out []maildir.Right) {
	said := make(map[string]bool)
	for _, r := range list {
		said[r.Identifier] = true
	}
	name := "user=" + b.user
	if len(list) > 0 && !said["owner"] && !said[name] {
		out = append(out, maildir.Right{Identifier: "owner", Letters: "lrswipkxeta"})
	}
	place := make(map[string]int)
	for _, r := range list {
		if r.Identifier == "owner" && said[name] || r.Identifier == "-owner" && said["-"+name] {
			continue
		}
		i, met := place[r.Identifier]
		if !met {
			place[r.Identifier] = len(out)
			out = append(out, r)
			continue
		}
		for _, letter := range r.Letters {
			if !strings.ContainsRune(out[i].Letters, letter) {
				out[i].Letters += string(letter)
			}
		}
	}
	return out
}

// identifier is what a store calls somebody with rights; "" is nobody.
func (b *mailboxDir) identifier(who string) string {
	sign := ""
	if strings.HasPrefix(who, "-") {
		sign, who = "-", who[1:]
	}
	name, isUser := strings.CutPrefix(who, "user=")
	group, isGroup := strings.CutPrefix(who, "group=")
	switch {
	case who == "owner":
		return sign + b.user
	case who == "anyone", isGroup && group != "":
		return sign + who
	case isUser && name != "" && !strings.ContainsAny(name, "\t\n"):
		return sign + name
	}
	return ""
}

func storeRights(letters string) string {
	out := ""
	for _, r := range "lrswipcda" {
		need := string(r)
		switch r {
		case 'c':
			need = "kx"
		case 'd':
			need = "et"
		}
		if !slices.ContainsFunc([]rune(need), func(n rune) bool { return !strings.ContainsRune(letters, n) }) {
			out += string(r)
		}
	}
	return out
}

// flagLetters are the flags of the letters behind ":2,".
var flagLetters = []struct {
	letter byte
	flag   string
}{{'T', `\Deleted`}, {'S', `\Seen`}, {'R', `\Answered`}, {'F', `\Flagged`}, {'D', `\Draft`}}

func (b *mailboxDir) flags(f *mailFile) string {
	letters := maildir.ParseFileName(f.name).Flags
	var words []string
	if f.isNew {
		words = append(words, ims.Recent.Names()...)
	}
	for _, l := range flagLetters {
		if strings.IndexByte(letters, l.letter) >= 0 {
			words = append(words, l.flag)
		}
	}
	var numbers []int
	for _, c := range letters {
		if c >= 'a' && c <= 'z' {
			numbers = append(numbers, int(c-'a'))
		}
	}
	for _, n := range append(numbers, b.courier[f.base]...) {
		if n >= 0 && n < len(b.keywords) && b.keywords[n] != "" && !slices.Contains(words, b.keywords[n]) {
			words = append(words, b.keywords[n])
		}
	}
	if strings.Contains(letters, "P") {
		words = append(words, "$Forwarded")
	}
	return strings.Join(words, " ")
}

// message writes one message.
func (b *mailboxDir) message(file mailFile) error {
	sub := map[bool]string{true: "new", false: "cur"}[file.isNew]
	path := filepath.Join(b.dir, sub, file.name)
	if !isRegular(path) {
		b.problem(path, "not-regular", "a link or a device: not compared")
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		b.told(path, err)
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		b.told(path, err)
		return nil
	}
	name := maildir.ParseFileName(file.name)
	m := &sims.Member{Kind: sims.Message, Name: fmt.Sprintf("%s/%s/%d", b.user, b.name, file.uid), Time: info.ModTime().Unix(), Size: info.Size(), Flags: b.flags(&file)}
	// The modification time is lost where the number in front of the name
	// is more than a day older. What is below 1973 is no date.
	if name.Date >= 100_000_000 && name.Date < 1<<40 && m.Time-name.Date > 24*60*60 {
		m.Time = name.Date
	}
	body, err := b.text(f, name, m)
	if err != nil {
		b.problem(path, "compressed", "%v: not compared", err)
		return nil
	}
	if body == io.Reader(f) && name.Size > info.Size() {
		b.problem(path, "cut-short", "%d bytes, where its name says %d", info.Size(), name.Size)
	}
	if body == io.Reader(f) && b.linked(m, info) {
		m.Size = 0
		return b.member(m)
	}
	return b.body(m, body)
}

// linked makes the member of a file that came already, with the same date, a
// link to that.
func (b *mailboxDir) linked(m *sims.Member, info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Nlink < 2 {
		return false
	}
	id := fileID{uint64(st.Dev), st.Ino}
	before, met := b.links[id]
	switch {
	case !met && len(b.links) < mostLinks:
		b.links[id] = first{m.Name, m.Time}
	case met && before.date == m.Time:
		m.Kind, m.Link = sims.Link, before.name
		return true
	}
	return false
}

// text is the text of a message: the file itself, or what gzip has packed in
// it.
func (b *mailboxDir) text(f *os.File, name maildir.File, m *sims.Member) (io.Reader, error) {
	head := string(firstBytes(f, 16))
	switch {
	case strings.HasPrefix(head, "BZh") && name.Size == m.Size:
	case strings.HasPrefix(head, "\x1f\x8b"):
		z, err := gzip.NewReader(f)
		if err == nil {
			m.Size, err = io.Copy(io.Discard, z)
		}
		if err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
		if err == nil {
			err = z.Reset(f)
		}
		if err != nil {
			return nil, errors.New("compressed, and " + damage(err))
		}
		return z, nil
	case slices.ContainsFunc([]string{"BZh", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd", "Dovecot-LZ4"}, func(magic string) bool { return strings.HasPrefix(head, magic) }):
		return nil, fmt.Errorf("compressed, and not with gzip")
	}
	return f, nil
}
