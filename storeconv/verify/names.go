package verify

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Limits of names in bytes (docs/formats.md, section 3).
const (
	maxUserID    = 127
	maxMailbox   = 490
	maxComponent = 255 // on disk, with the = in front
)

// inbox is the mailbox that lies in the user's own directory.
const inbox = "INBOX"

// spelling has, for each byte of a name, what stands for it on disk.
var spelling = makeSpelling()

func makeSpelling() (s [256]string) {
	for i := range s {
		c := byte(i)
		switch {
		case 'A' <= c && c <= 'Z':
			s[i] = "+" + string(rune(c))
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c != 0 && strings.IndexByte("-_@&,~=", c) >= 0:
			s[i] = string(rune(c))
		case c == '.':
			s[i] = "%d"
		default:
			s[i] = fmt.Sprintf("%%x%02x", c)
		}
	}
	return s
}

// letters is spelling turned round.
var letters = makeLetters()

func makeLetters() map[string]byte {
	m := make(map[string]byte, len(spelling))
	for i, s := range spelling {
		m[s] = byte(i)
	}
	return m
}

// diskName is the directory of one name: a user, or one component of a folder.
func diskName(name string) string {
	var b strings.Builder
	b.WriteByte('=')
	for i := range len(name) {
		b.WriteString(spelling[name[i]])
	}
	return b.String()
}

// readDiskName is the reverse of diskName, for what diskName writes and for
// nothing else. No spelling begins another, so the shortest that fits is the
// one.
func readDiskName(dir string) (string, bool) {
	rest, ok := strings.CutPrefix(dir, "=")
	if !ok || rest == "" {
		return "", false
	}
	var b strings.Builder
	for rest != "" {
		n := 0
		for _, length := range [...]int{1, 2, 4} {
			if length > len(rest) {
				break
			}
			if c, ok := letters[rest[:length]]; ok {
				b.WriteByte(c)
				n = length
				break
			}
		}
		if n == 0 {
			return "", false
		}
		rest = rest[n:]
	}
	return b.String(), true
}

// readOddName reads a name that is spelt as no program of ours would: bytes
// that stand for themselves though they have a spelling, and escapes of bytes
// that need none. A lone + or % has no meaning.
func readOddName(dir string) (string, bool) {
	rest, ok := strings.CutPrefix(dir, "=")
	if !ok || rest == "" {
		return "", false
	}
	var b strings.Builder
	for rest != "" {
		c, n, ok := oddLetter(rest)
		if !ok {
			return "", false
		}
		b.WriteByte(c)
		rest = rest[n:]
	}
	return b.String(), true
}

func oddLetter(s string) (c byte, n int, ok bool) {
	switch s[0] {
	case '+':
		ok = len(s) > 1 && 'A' <= s[1] && s[1] <= 'Z'
		if ok {
			c = s[1]
		}
		return c, 2, ok
	case '%':
		if strings.HasPrefix(s, "%d") {
			return '.', 2, true
		}
		if len(s) < 4 || s[1] != 'x' {
			return 0, 0, false
		}
		_, err := fmt.Sscanf(s[2:4], "%02x", &c)
		return c, 4, err == nil
	}
	return s[0], 1, 0x20 <= s[0] && s[0] <= 0x7e
}

// hashDirs are the two directories above a user's own, "53/53" for mack1: four
// digits of 4, 3, 4 and 3 bits out of a hash over the raw id.
func hashDirs(id string) string {
	h := 0
	for i := range len(id) {
		h = (31*h + int(id[i])) % (1 << 14)
	}
	return fmt.Sprintf("%x%x/%x%x", h%16, h/16%8, h/128%16, h/2048)
}

// userDir is a user's directory under the store.
func userDir(partition, id string) string {
	return "partition/" + partition + "/=user/" + hashDirs(id) + "/" + diskName(id)
}

// mailboxDir is a mailbox's directory under the store.
func mailboxDir(partition, id, mailbox string) string {
	dir := userDir(partition, id)
	if mailbox == inbox {
		return dir
	}
	for part := range strings.SplitSeq(mailbox, "/") {
		dir += "/" + diskName(part)
	}
	return dir
}

// fullName is what records and indexes call a mailbox.
func fullName(id, mailbox string) string {
	if mailbox == inbox {
		return "user/" + id
	}
	return "user/" + id + "/" + mailbox
}

// messageDir is the directory of a message within its mailbox.
func messageDir(uid uint32) string {
	n := uid / 100 % 100
	return string([]byte{'0' + byte(n/10), '0' + byte(n%10)})
}

// messageFile is the path of a message within its mailbox.
func messageFile(uid uint32) string { return string(appendMessageFile(nil, uid)) }

func appendMessageFile(dst []byte, uid uint32) []byte {
	dst = append(append(dst, messageDir(uid)...), '/')
	return append(strconv.AppendUint(dst, uint64(uid), 10), ".msg"...)
}

// readUID reads a UID: 1 to 4294967295, without sign or leading zero.
func readUID(s string) (uint32, bool) {
	if s == "" || len(s) > 10 || s[0] == '0' {
		return 0, false
	}
	n := uint64(0)
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + uint64(c-'0')
	}
	return uint32(n), n < 1<<32
}

// readMessageName reads the base name of a message file.
func readMessageName(name string) (uint32, bool) {
	digits, ok := strings.CutSuffix(name, ".msg")
	if !ok {
		return 0, false
	}
	return readUID(digits)
}

func isMessageDir(name string) bool {
	return len(name) == 2 && '0' <= name[0] && name[0] <= '9' && '0' <= name[1] && name[1] <= '9'
}

// isHashDir: a hexadecimal digit, then one of three bits.
func isHashDir(name string) bool {
	return len(name) == 2 && strings.IndexByte("0123456789abcdef", name[0]) >= 0 && '0' <= name[1] && name[1] <= '7'
}

// checkUser says why the manuals allow no user of that id.
func checkUser(id string) error {
	switch {
	case id == "" || len(id) > maxUserID:
		return fmt.Errorf("user id of %d bytes, 1 to %d are allowed", len(id), maxUserID)
	case id[0] == '-', strings.HasPrefix(id, "group="), id == ".", id == "..":
		return fmt.Errorf("user id %q is not allowed", id)
	case id == "anonymous", id == "anybody", id == "anyone", strings.HasPrefix(id, "anyone@"):
		return fmt.Errorf("user id %q is reserved", id)
	case len(diskName(id)) > maxComponent:
		return fmt.Errorf("user id %q is too long on disk", id)
	}
	return checkBytes("user id", id, "%?*&/:\\")
}

// checkBytes allows printable ASCII but for the forbidden bytes.
func checkBytes(what, s, forbidden string) error {
	for i := range len(s) {
		if c := s[i]; c < 32 || c > 126 || strings.IndexByte(forbidden, c) >= 0 {
			return fmt.Errorf("%s %q holds the forbidden byte %q", what, s, c)
		}
	}
	return nil
}

// checkMailbox says why there is no mailbox of that name.
func checkMailbox(name string) error {
	if name == "" || len(name) > maxMailbox {
		return fmt.Errorf("mailbox name of %d bytes, 1 to %d are allowed", len(name), maxMailbox)
	}
	if err := checkBytes("mailbox name", name, "%*?"); err != nil {
		return err
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || len(diskName(part)) > maxComponent {
			return fmt.Errorf("mailbox name %q has the component %q", name, part)
		}
	}
	return nil
}

// checkStoreUser allows what an iPlanet Messaging Server takes as an id:
// LOCALPART or LOCALPART@FQDN.
func checkStoreUser(id string) error {
	if err := checkUser(id); err != nil {
		return err
	}
	local, domain, compound := strings.Cut(id, "@")
	if !compound {
		return nil
	}
	if local == "" {
		return fmt.Errorf("user id %q has nothing before the @", id)
	}
	if err := checkDomain(domain); err != nil {
		return fmt.Errorf("user id %q: %w", id, err)
	}
	return nil
}

// checkDomain allows host names of two labels or more (RFC 1123, section 2.1).
func checkDomain(domain string) error {
	if len(domain) > 253 || !strings.Contains(domain, ".") {
		return errors.New("not a fully qualified domain")
	}
	for label := range strings.SplitSeq(domain, ".") {
		bad := func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
		}
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.IndexFunc(label, bad) >= 0 {
			return errors.New("not a domain name")
		}
	}
	return nil
}
