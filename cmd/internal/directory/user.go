package directory

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// User is a mail user of the export.
type User struct {
	DN     string
	Line   int    // of the dn line
	UID    string // as in the entry, the first
	UIDs   int    // how many there are
	Domain string // in lower case; "" when neither DN nor address tells

	// Quota is mailQuota in bytes and MessageQuota mailMsgQuota, both with -1
	// for none and -2 for the server's default; the Has fields tell whether the
	// entry has them.
	Quota, MessageQuota       int64
	HasQuota, HasMessageQuota bool

	// Unread are the quotas of the entry that are no numbers, each with its
	// attribute, for messages.
	Unread []string
}

// ID is the store user id.
func (u *User) ID(defaultDomain string) string {
	if u.Domain == "" || strings.EqualFold(u.Domain, defaultDomain) || strings.Contains(u.UID, "@") {
		return u.UID
	}
	return u.UID + "@" + u.Domain
}

// Log receives the damage of an export. *cli.Job is one.
type Log interface {
	Problem(kind, where, text string)
}

// errNoEntry refuses a file in which there is nothing to look for.
var errNoEntry = errors.New("no directory export: there is no entry in it")

// entries reads an export and yields each entry's DN and, for a mail user, the
// user. Damaged records are told to log and passed over; nil is for those who
// read what another reader tells of. The second value is an error of the
// input, and the last; an export without entries is one.
func entries(r io.Reader, name string, log Log) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		lr := ldif.NewReader(r, ldif.Options{})
		for n := 0; ; n++ {
			rec, err := lr.Next()
			switch {
			case err == io.EOF && n > 0:
				return
			case err == io.EOF:
				yield(item{}, errNoEntry)
				return
			case ldif.IsDamage(err):
				if log != nil {
					log.Problem("damaged", name, err.Error())
				}
				n--
				continue
			case err != nil:
				yield(item{}, err)
				return
			case rec.Type != ldif.Content && rec.Type != ldif.Add:
				continue
			}
			if !yield(newItem(rec), nil) {
				return
			}
		}
	}
}

// item is one entry of an export.
type item struct {
	dn   string // as written
	norm string // normalised; "" when it is no DN
	user *User  // nil when the entry is no mail user
}

func newItem(rec *ldif.Record) item {
	it := item{dn: string(rec.DN)}
	if norm, err := ldif.AppendNormDN(nil, rec.DN); err == nil {
		it.norm = string(norm)
	}
	if !IsUser(rec) {
		return it
	}
	u := &User{DN: it.dn, Line: rec.Line, UID: first(rec, "uid", "userid"), UIDs: howMany(rec, "uid", "userid"), Domain: domainOf(it.norm)}
	if u.UID == "" {
		return it
	}
	if u.Domain == "" {
		_, domain, _ := strings.Cut(first(rec, "mail", "rfc822mailbox"), "@")
		u.Domain = strings.ToLower(domain)
	}
	if n, ok := u.quota(rec, "mailQuota"); ok {
		u.Quota, u.HasQuota = n, true
		if n == 0 && !hasClass(rec, schema.ClassInetMailUser) {
			u.Quota = -1 // NMS: no limit (attri122); in an upgraded entry it is no space
		}
	}
	u.MessageQuota, u.HasMessageQuota = u.quota(rec, "mailMsgQuota")
	it.user = u
	return it
}

// IsUser tells an entry with a class of a mail user, of whichever product: one
// of NMS, or the one that SIMS and iMS share.
func IsUser(rec *ldif.Record) bool {
	return hasClass(rec, schema.ClassInetMailUser, schema.ClassMailRecipient, schema.ClassNsMessagingServerUser)
}

// quota reads a quota of an entry, and notes one that is none.
func (u *User) quota(rec *ldif.Record, name string) (n int64, ok bool) {
	text := first(rec, name)
	if text == "" {
		return 0, false
	}
	n, err := ParseQuota(text)
	if err != nil {
		u.Unread = append(u.Unread, fmt.Sprintf("%s %.200q is not a number", name, text))
	}
	return n, err == nil
}

func hasClass(rec *ldif.Record, classes ...schema.ClassID) bool {
	for _, class := range rec.Get("objectclass") {
		if id, known := schema.LookupClass(class); known && slices.Contains(classes, id) {
			return true
		}
	}
	return false
}

// howMany counts the values of attributes.
func howMany(rec *ldif.Record, names ...string) (n int) {
	for _, name := range names {
		n += len(rec.Get(name))
	}
	return n
}

func first(rec *ldif.Record, names ...string) string {
	for _, name := range names {
		if values := rec.Get(name); len(values) > 0 {
			return strings.TrimSpace(string(values[0]))
		}
	}
	return ""
}

var errQuota = errors.New("not a quota")

// ParseQuota reads a quota value: a number of bytes or messages, with an
// optional suffix K, M, G or T to the base of 1,024; -1 and -2 stand for
// themselves.
func ParseQuota(text string) (int64, error) {
	text = strings.TrimSpace(text)
	if text == "-1" || text == "-2" {
		return int64(text[1]-'0') * -1, nil
	}
	digits, shift := text, uint(0)
	if text != "" {
		if i := strings.IndexByte("KMGT", text[len(text)-1]&^0x20); i >= 0 {
			digits, shift = strings.TrimRight(text[:len(text)-1], " \t"), uint(i+1)*10
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || n > 1<<62>>shift {
		return 0, fmt.Errorf("%w: %q", errQuota, text)
	}
	return int64(n << shift), nil
}

// Users reads an export and yields its mail users; damaged records are passed
// over, for the upgrade tells of them.
func Users(r io.Reader) iter.Seq2[*User, error] { return users(r, "", nil) }

func users(r io.Reader, name string, log Log) iter.Seq2[*User, error] {
	return func(yield func(*User, error) bool) {
		for it, err := range entries(r, name, log) {
			if err != nil {
				yield(nil, err)
				return
			}
			if it.user != nil && !yield(it.user, nil) {
				return
			}
		}
	}
}
