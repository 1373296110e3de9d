package export

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"imsconv/storeconv/ims"
)

// template says where a user's mail goes below the destination.
type template struct {
	text   string
	domain string // stands for %d of an id without one
}

// CheckPath says what is wrong with a template of Options.Path.
func CheckPath(text string) error {
	_, err := parseTemplate(text, "x")
	return err
}

// parseTemplate checks a template: no place but a relative one without "." and
// "..", with the user's name in it.
func parseTemplate(text, domain string) (template, error) {
	t := template{text, domain}
	named := false
	for rest := text; rest != ""; {
		_, after, found := strings.Cut(rest, "%")
		if !found {
			break
		}
		if after == "" || strings.IndexByte("und%", after[0]) < 0 {
			return t, errors.New("only %u, %n, %d and %% stand for something")
		}
		named = named || after[0] == 'u' || after[0] == 'n'
		rest = after[1:]
	}
	switch {
	case !named:
		return t, errors.New("names no user: %u, or %n with %d, must be in it")
	case strings.ContainsAny(text, "\n\x00"):
		return t, errors.New("holds a control byte")
	}
	_, err := t.place("user@domain")
	return t, err
}

// login is what a user is called when he logs in: where his place needs a
// domain, with it.
func (t template) login(id string) string {
	if t.domain == "" || strings.Contains(id, "@") || !strings.Contains(strings.ReplaceAll(t.text, "%%", ""), "%d") {
		return id
	}
	return id + "@" + t.domain
}

// place returns the path of a user.
func (t template) place(id string) (string, error) {
	name, domain, _ := strings.Cut(id, "@")
	if i := strings.LastIndexByte(id, '@'); i >= 0 {
		name, domain = id[:i], id[i+1:]
	}
	if domain == "" {
		domain = t.domain
	}
	if domain == "" && strings.Contains(strings.ReplaceAll(t.text, "%%", ""), "%d") {
		return "", errors.New("the id has no domain for %d; --default-domain says which")
	}
	to := strings.NewReplacer("%%", "%", "%u", id, "%n", name, "%d", domain).Replace(t.text)
	if err := checkPlace(to); err != nil {
		return "", err
	}
	return to, nil
}

// covers tells whether a path below the destination may be within a user's
// place: any may, but for names that no user has.
func (t template) covers(below string) bool {
	first, _, _ := strings.Cut(below, "/")
	return checkPlace(first) == nil && first != ""
}

// checkPlace refuses a path that could lead out of the destination, or to what
// an export keeps there.
func checkPlace(to string) error {
	if strings.HasPrefix(to, "/") {
		return errors.New("an absolute path")
	}
	first, _, _ := strings.Cut(to, "/")
	if reservedNames[first] {
		return fmt.Errorf("%q is a name that the export needs itself", first)
	}
	for part := range strings.SplitSeq(to, "/") {
		switch {
		case part == ims.WorkDir: // nobody who reads an export looks there for mail
			return fmt.Errorf("%q is a name that the export needs itself", part)
		case part == "":
			return errors.New("an empty part in the path")
		case part == "." || part == "..":
			return fmt.Errorf("the part %q in the path", part)
		case len(part) > ims.MaxComponent:
			return fmt.Errorf("a part of %d bytes in the path, at most %d are allowed", len(part), ims.MaxComponent)
		}
	}
	return nil
}

// Places finds out, before an export, who gets no place of his own in it.
type Places struct {
	template template
	claims   *claims
}

// NewPlaces is of an export to Maildirs with the Options given.
func NewPlaces(o Options) (*Places, error) {
	t, err := parseTemplate(cmp.Or(o.Path, maildirPath), o.Domain)
	if err != nil {
		return nil, fmt.Errorf("path %q: %w", o.Path, err)
	}
	return &Places{t, newClaims()}, nil
}

// Claim takes the place of a user of the source, who has id on the new side, or
// says why he can have none. Users claim in the order in which they come.
func (p *Places) Claim(source, id string) error {
	place, err := p.template.place(id)
	if err != nil {
		return err
	}
	return p.claims.take(place, source, id)
}

// maildirPath is the template of Maildirs where none is given.
const maildirPath = "%u/Maildir"

// claims are the places of the users of a run, by hash: no two users get one
// place, and none gets a place within another's. It takes some 50 bytes a user.
type claims struct {
	owner map[uint64]owner    // place: its user
	above map[uint64]struct{} // directories above places
}

// owner is a user with a place, by hash.
type owner struct {
	source uint64 // what the source calls him
	id     uint64 // what he is called on the new side
}

func newClaims() *claims { return &claims{make(map[uint64]owner), make(map[uint64]struct{})} }

// hash64 stands for a text where a million of them are held.
func hash64(text string) uint64 {
	sum := sha256.Sum256([]byte(text))
	return binary.BigEndian.Uint64(sum[:])
}

// free tells whether a place can be claimed by one who has none yet.
func (c *claims) free(place string) bool {
	_, taken := c.owner[hash64(place)]
	_, above := c.above[hash64(place)]
	for dir := path.Dir(place); dir != "." && !taken; dir = path.Dir(dir) {
		_, taken = c.owner[hash64(dir)]
	}
	return !taken && !above
}

// take claims a place for a user of the source, who has id on the new side, and
// says why he cannot have it. Who has it already may take it again.
func (c *claims) take(place, source, id string) error {
	at, who := hash64(place), owner{hash64(source), hash64(id)}
	if other, taken := c.owner[at]; taken {
		switch {
		case other == who:
			return nil
		case other.id == who.id:
			return fmt.Errorf("another user of the source has the id %s too, and the mail of two is not put together: map gives one of them another id", id)
		}
		return fmt.Errorf("the place %s is another user's", place)
	}
	if _, taken := c.above[at]; taken {
		return fmt.Errorf("another user's place is within %s", place)
	}
	for dir := path.Dir(place); dir != "."; dir = path.Dir(dir) {
		if _, taken := c.owner[hash64(dir)]; taken {
			return fmt.Errorf("the place %s is within another user's, %s", place, dir)
		}
	}
	c.owner[at] = who
	for dir := path.Dir(place); dir != "."; dir = path.Dir(dir) {
		c.above[hash64(dir)] = struct{}{}
	}
	return nil
}

// drop gives up a place. The directories above it stay what they are: a way to
// places.
func (c *claims) drop(place string) { delete(c.owner, hash64(place)) }

// uidl makes the POP3 UIDL of a message.
type uidl []uidlPart

// uidlPart is literal text or, with a key, a number as the server's formats
// have it: %u, %v, %Xu, %08Xv.
type uidlPart struct {
	text  string
	key   byte // 'u' or 'v'
	hex   byte // 'x', 'X' or 0
	width int
	zero  bool
}

// CheckUIDL says what is wrong with a format of Options.UIDL.
func CheckUIDL(format string) error {
	_, err := parseUIDL(format)
	return err
}

func parseUIDL(format string) (uidl, error) {
	var parts uidl
	named := false
	for rest := format; rest != ""; {
		text, after, found := strings.Cut(rest, "%")
		if text != "" {
			parts = append(parts, uidlPart{text: text})
		}
		if !found {
			break
		}
		p, n := parseUIDLPart(after)
		if n == 0 {
			return nil, fmt.Errorf("%q: only %%u, %%v and %%%%, also as %%08Xu, stand for something", format)
		}
		named = named || p.key == 'u'
		parts, rest = append(parts, p), after[n:]
	}
	switch {
	case format == "":
		return nil, nil
	case !named:
		return nil, fmt.Errorf("%q has no %%u: all messages would be one", format)
	}
	for _, c := range format {
		if c <= ' ' || c > '~' {
			return nil, fmt.Errorf("%q holds a blank or a byte that POP3 does not allow", format)
		}
	}
	if n := len(parts.of(1<<32-1, 1<<32-1)); n > 70 {
		return nil, fmt.Errorf("%q makes %d characters, POP3 allows 70", format, n)
	}
	return parts, nil
}

// parseUIDLPart reads what follows a percent sign; n is its length, 0 when it
// is nothing.
func parseUIDLPart(s string) (p uidlPart, n int) {
	if strings.HasPrefix(s, "%") {
		return uidlPart{text: "%"}, 1
	}
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' && i < 3 {
		i++
	}
	if p.zero = i > 0 && s[0] == '0'; i > 0 && !p.zero {
		return p, 0
	}
	p.width, _ = strconv.Atoi(s[:i])
	if i < len(s) && (s[i] == 'X' || s[i] == 'x') {
		p.hex = s[i]
		i++
	}
	if i == len(s) || s[i] != 'u' && s[i] != 'v' {
		return p, 0
	}
	p.key = s[i]
	return p, i + 1
}

// of returns the UIDL of a message; "" without a format.
func (u uidl) of(validity, uid uint32) string {
	var b strings.Builder
	for _, p := range u {
		n := map[byte]uint32{'u': uid, 'v': validity}[p.key]
		switch {
		case p.key == 0:
			b.WriteString(p.text)
		case p.hex == 0 && p.zero:
			fmt.Fprintf(&b, "%0*d", p.width, n)
		case p.hex == 0:
			fmt.Fprintf(&b, "%d", n)
		case p.zero:
			fmt.Fprintf(&b, "%0*x", p.width, n)
		default:
			fmt.Fprintf(&b, "%x", n)
		}
	}
	return b.String()
}
