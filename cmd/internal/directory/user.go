package directory

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"imsconv/ldifconv/ldif"
)

// User is a mail user of the export.
type User struct {
	DN     string
	Line   int    // of the dn line
	UID    string // as in the entry
	Domain string // in lower case; "" when neither DN nor address tells

	// Quota is mailQuota in bytes and MessageQuota mailMsgQuota, both with -1
	// for none and -2 for the server's default; the Has fields tell whether the
	// entry has them.
	Quota, MessageQuota       int64
	HasQuota, HasMessageQuota bool
}

// ID is the store user id.
func (u *User) ID(defaultDomain string) string {
	if u.Domain == "" || strings.EqualFold(u.Domain, defaultDomain) || strings.Contains(u.UID, "@") {
		return u.UID
	}
	return u.UID + "@" + u.Domain
}

// userClasses are the classes that make an entry a mail user.
var userClasses = []string{"inetmailuser", "mailrecipient", "nsmessagingserveruser"}

// entries reads an export and yields each entry's DN and, for a mail
// user, the user; damaged records are passed over, for they are ldifconv's to
// tell. The second value is an error of the input, and the last.
func entries(r io.Reader) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		lr := ldif.NewReader(r, ldif.Options{})
		for {
			rec, err := lr.Next()
			switch {
			case err == io.EOF:
				return
			case ldif.IsDamage(err):
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
	if !isUser(rec) {
		return it
	}
	u := &User{DN: it.dn, Line: rec.Line, UID: first(rec, "uid", "userid"), Domain: domainOf(it.norm)}
	if u.UID == "" {
		return it
	}
	if u.Domain == "" {
		_, domain, _ := strings.Cut(first(rec, "mail", "rfc822mailbox"), "@")
		u.Domain = strings.ToLower(domain)
	}
	if n, err := ParseQuota(first(rec, "mailquota")); err == nil {
		u.Quota, u.HasQuota = n, true
	}
	if n, err := ParseQuota(first(rec, "mailmsgquota")); err == nil {
		u.MessageQuota, u.HasMessageQuota = n, true
	}
	it.user = u
	return it
}

func isUser(rec *ldif.Record) bool {
	for _, class := range rec.Get("objectclass") {
		for _, c := range userClasses {
			if strings.EqualFold(string(class), c) {
				return true
			}
		}
	}
	return false
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
			digits, shift = text[:len(text)-1], uint(i+1)*10
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || n > 1<<62>>shift {
		return 0, fmt.Errorf("%w: %q", errQuota, text)
	}
	return int64(n << shift), nil
}

// Users reads an export and yields its mail users.
func Users(r io.Reader) iter.Seq2[*User, error] {
	return func(yield func(*User, error) bool) {
		for it, err := range entries(r) {
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
