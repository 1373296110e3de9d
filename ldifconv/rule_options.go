package ldifconv

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"imsconv/ldifconv/internal/access"
	"imsconv/ldifconv/internal/delivery"
)

// RuleOptions are the choices that the mapping leaves to the site. The zero
// value is the default of every one of them.
type RuleOptions struct {
	// QuotaMissing is what a SIMS user without mailQuota gets: "" or "-1"
	// for no limit, as the user had; "keep" to leave the attribute out, so
	// that the server's default holds; or any other number of bytes.
	QuotaMissing string
	// QuotaSuffix keeps the suffixes K, M and G, and writes T as G, instead
	// of plain bytes.
	QuotaSuffix bool
	// Lock says what becomes of a user left with mailFolderMap LOCK: "" or
	// "drop" drops the lock, "hold" sets mailUserStatus to hold.
	Lock string
	// KeepOldClasses says which NMS classes of a user stay: "" or "none",
	// "nsMessagingServerUser", or "all".
	KeepOldClasses string
	// Programs names the command lines of mailProgramDeliveryInfo; a
	// command it does not know becomes prog-1, prog-2 and so on in the
	// order of the input.
	Programs map[string]string
	// AlsoAllow are services that an access rule which would close them
	// lets in all the same.
	AlsoAllow []string
	// MMP is the address or host of the proxy, as access rules write a
	// client: a user who has IMAP or POP over TLS only is let in from there
	// without it, since the proxy speaks plain to the back end. "" makes no
	// such rule.
	MMP string
	// UIDMap gives users another uid, by the old one in lower case.
	UIDMap map[string]string
	// Vanity adds msgVanityDomain to users whose address is in none of the
	// Domains.
	Vanity bool
	// Domains are the mail domains of the site, in lower case, for Vanity.
	Domains []string
	// MakeDCTree adds the domain component tree that an NMS directory does
	// not have.
	MakeDCTree bool
	// EncodeURL writes the blanks of a DN in an LDAP URL as %20.
	EncodeURL bool
	// UserAttributes renames userDefinedAttribute1 to 4; a missing one is
	// dropped.
	UserAttributes [4]string
	// DropLicenses drops nsLicenseUser and its attributes.
	DropLicenses bool
	// DataSource is the tag an entry without dataSource gets; "" means
	// DefaultDataSource.
	DataSource string
	// Off are the names of rules that do not run.
	Off []string
}

// DefaultDataSource is the dataSource of an entry that had none.
const DefaultDataSource = "imsconv ldifconv"

// The values of RuleOptions.Lock.
const (
	LockDrop = "drop"
	LockHold = "hold"
)

// The values of RuleOptions.KeepOldClasses.
const (
	KeepNone          = "none"
	KeepMessagingUser = "nsMessagingServerUser"
	KeepAll           = "all"
)

// Check refuses choices that mean nothing.
func (o *RuleOptions) Check() error {
	switch {
	case o.QuotaMissing != "" && o.QuotaMissing != "keep" && !isLimit([]byte(o.QuotaMissing)):
		return fmt.Errorf("missing quota %q is neither keep, -1, -2 nor a number of bytes", o.QuotaMissing)
	case !oneOf(o.Lock, "", LockDrop, LockHold):
		return fmt.Errorf("lock policy %q is neither drop nor hold", o.Lock)
	case !oneOf(o.KeepOldClasses, "", KeepNone, KeepMessagingUser, KeepAll):
		return fmt.Errorf("old classes %q is neither none, nsMessagingServerUser nor all", o.KeepOldClasses)
	}
	if o.MMP != "" && !isProxy(o.MMP) {
		return fmt.Errorf("proxy %q is neither a full host name nor an address", o.MMP)
	}
	for _, name := range o.AlsoAllow {
		if !oneOf(name, serviceNames[:]...) {
			return fmt.Errorf("service %q is none of %s", name, strings.Join(serviceNames[:], ", "))
		}
	}
	for _, name := range o.UserAttributes {
		if name != "" && !validDesc(name) {
			return fmt.Errorf("%q is not an attribute name", name)
		}
	}
	for _, name := range o.Off {
		if !knownRule(name) {
			return fmt.Errorf("no rule is named %q", name)
		}
	}
	return nil
}

// isProxy reports whether name is one host: words that stand for many would
// open the plain services to all of them.
func isProxy(name string) bool {
	return access.AddressPattern(name) == name || access.IsHostName([]byte(name)) && delivery.IsHostName([]byte(name))
}

// oneOf compares ignoring case.
func oneOf(s string, list ...string) bool {
	for _, v := range list {
		if strings.EqualFold(s, v) {
			return true
		}
	}
	return false
}

// ReadProgramMap reads a program map: one program a line, its name, blanks, and
// the command line as it stands in mailProgramDeliveryInfo. Empty lines and
// lines with # in front are skipped.
func ReadProgramMap(r io.Reader) (map[string]string, error) {
	programs := map[string]string{}
	err := eachLine(r, func(line string) error {
		name, command, ok := cutBlank(line)
		if !ok {
			return errors.New("needs a program name and a command line")
		}
		if !isProgramName(name) {
			return fmt.Errorf("%q cannot name a program: letters, digits, . - _ only", name)
		}
		if other, ok := programs[command]; ok && other != name {
			return fmt.Errorf("command %q has the name %s already", command, other)
		}
		programs[command] = name
		return nil
	})
	return programs, err
}

// ReadUIDMap reads a map of user ids: the old one, blanks or =, the new one.
// Refused are a new id that iMS does not allow, one that two users would get,
// and one that is the old id of another user: which of two renames comes first
// in the directory is not known.
func ReadUIDMap(r io.Reader) (map[string]string, error) {
	ids, owner := map[string]string{}, map[string]string{}
	err := eachLine(r, func(line string) error {
		if strings.Contains(line, ":") {
			return fmt.Errorf("%.100q holds a colon: is this a map of user ids", line)
		}
		old, id, err := ParseUserPair(line)
		if err != nil {
			return err
		}
		if form := formOf([]byte(id)); form != Local && form != Compound {
			return fmt.Errorf("new user id %.100q holds a character that iMS forbids", id)
		}
		old = strings.ToLower(old)
		if other, ok := ids[old]; ok && other != id {
			return fmt.Errorf("user %q is mapped twice", old)
		}
		if other, ok := owner[strings.ToLower(id)]; ok && other != old {
			return fmt.Errorf("users %q and %q both get the user id %q", other, old, id)
		}
		ids[old], owner[strings.ToLower(id)] = id, old
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ids, checkUIDChain(ids)
}

// checkUIDChain refuses a new id that another user has to give up first.
func checkUIDChain(ids map[string]string) error {
	for _, old := range slices.Sorted(maps.Keys(ids)) {
		id := strings.ToLower(ids[old])
		if next, ok := ids[id]; ok && id != old && !strings.EqualFold(next, id) {
			return fmt.Errorf("user %q gets the id %q, whose user gets another: map the one in a first run and the other in a second", old, ids[old])
		}
	}
	return nil
}

// eachLine calls use for every line that is neither empty nor a comment.
func eachLine(r io.Reader, use func(line string) error) error {
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, 1<<20)
	n := 1
	for ; scan.Scan(); n++ {
		line := strings.TrimSpace(scan.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if err := use(line); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := scan.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n, err)
	}
	return nil
}

func cutBlank(line string) (first, rest string, ok bool) {
	i := strings.IndexAny(line, " \t")
	if i < 0 {
		return line, "", false
	}
	return line[:i], strings.TrimSpace(line[i:]), true
}

func isProgramName(name string) bool {
	for _, c := range []byte(name) {
		if c != '.' && c != '-' && c != '_' && !isAlnum(c) {
			return false
		}
	}
	return name != ""
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
