package site

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/ldifconv/ldif"
)

// Key is one key of the file outside of the tables of verbs.
type Key struct {
	Name  string // "hosts.old"
	Doc   string // one line, for the commented file and docs/site.md
	Usual string // what stands for it when it is not said; "" when nothing does

	// Example is a value as the file has it.
	Example string

	check func(text string) error // of a text, or of each text of a list; nil: any
}

// Keys are all keys outside of the tables of verbs, in the order of the file.
func Keys() []Key { return keys }

var keys = []Key{
	{"scenario", "which chapter of the guide: " + strings.Join(Scenarios(), ", "), "", `"sims-offline"`, oneOf(Scenarios()...)},
	{"destination", "where the mail goes: ims, the store of an iPlanet Messaging Server 5.x, or maildir, for Dovecot", IMS, `"ims"`, oneOf(IMS, Maildir)},

	{"hosts.old", "the mail host that is left", "", `"oldmail.siroe.com"`, checkHost},
	{"hosts.new", "the mail host that is moved to", "hosts.old, where the host stays", `"newmail.siroe.com"`, checkHost},

	{"directory.host", "the LDAP server that holds users and groups", "", `"ldap.siroe.com"`, checkHost},
	{"directory.port", "its port", strconv.Itoa(ldapPort), `389`, nil},
	{"directory.bind-dn", "the DN that changes are made as; its password is never stored", directoryManager, `"cn=Directory Manager"`, checkDN},
	{"directory.client", "the ldapmodify at hand: netscape (-w - asks for the password) or openldap (-W asks)", Netscape, `"netscape"`, oneOf(Netscape, OpenLDAP)},
	{"directory.base", "the DNs at and below which entries are upgraded", "the top entries of the export", `["o=internet"]`, checkDN},
	{"directory.default-organization", "the DN of the default domain's entry (local.ugldapdeforgdn)", "what default-domain and base make", `"dc=siroe,dc=com,o=internet"`, checkDN},
	{"directory.default-domain", "the domain whose users have a bare uid as id in the store", "the one that fits the store", `"siroe.com"`, checkDomain},
	{"directory.domains", "the mail domains of the site, the default one too", "", `["siroe.com", "florizel.com"]`, checkDomain},

	{"servers.root", "server root of iMS", "", `"/usr/iplanet/server5"`, checkRoot},
	{"servers.instance", "instance of iMS; its folder is ROOT/msg-INSTANCE", "", `"newmail"`, checkInstance},
	{"servers.old-root", "server root of the old server", "of SIMS " + simsRoot, `"/usr/netscape/suitespot"`, checkRoot},
	{"servers.old-instance", "instance of the old server, of NMS alone; its folder is OLD-ROOT/msg-OLD-INSTANCE", "", `"oldmail"`, checkInstance},
	{"servers.directory-root", "instance folder of the directory server, where bin/db2ldif or restart-slapd is", "", `"/usr/netscape/server4/slapd-ldap"`, checkRoot},
	{"servers.owner", "the user whom the store belongs to on the mail host, USER or USER:GROUP", storeOwner, `"mailsrv"`, flags.CheckOwner},
	{"servers.login-separator", "the sign between uid and domain in logins, where it is not @", "@", `"+"`, checkSeparator},

	{"inputs.ldif", "the directory export; compressed (LZ4 frame or gzip) or not", ldifName, `"export.ldif"`, nil},
	{"inputs.stream", "of SIMS: the backup stream, compressed or not, or a folder of mailbox files or Maildirs", streamName, `"backup.sims"`, nil},
	{"inputs.nms-store", "of NMS: the folder of the store", storeName, `"store"`, nil},
}

// What stands for keys that are not said.
const (
	ldapPort         = 389
	directoryManager = "cn=Directory Manager"
	simsRoot         = "/opt/SUNWmail"
	storeOwner       = "mailsrv"

	ldifName   = "export.ldif"
	streamName = "backup.sims"
	storeName  = "store"
)

// oneOf checks for one of some words, and names the nearest.
func oneOf(words ...string) func(string) error {
	return func(text string) error {
		for _, w := range words {
			if w == text {
				return nil
			}
		}
		list := strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
		if near := cli.Nearest(strings.ToLower(text), words); near != "" {
			return fmt.Errorf("not %s; is it %s?", list, near)
		}
		return errors.New("not " + list)
	}
}

// checkHost takes names of hosts and addresses.
func checkHost(text string) error {
	if _, err := netip.ParseAddr(text); err == nil {
		return nil
	}
	if strings.Contains(text, ":") {
		return errors.New("no host name: a port has a key of its own, and a URL is none")
	}
	if !isName(text) {
		return errors.New("no host name and no address")
	}
	return nil
}

func checkDomain(text string) error {
	if !isName(text) {
		return errors.New("no name of a domain")
	}
	return nil
}

// isName tells names of hosts and domains: labels of letters, digits, hyphens
// and underscores.
func isName(text string) bool {
	if len(text) > 253 {
		return false
	}
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || strings.ContainsFunc(label, notOfName) {
			return false
		}
	}
	return true
}

func notOfName(r rune) bool {
	return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_'
}

func checkDN(text string) error {
	if _, err := ldif.AppendNormDN(nil, []byte(text)); err != nil {
		return fmt.Errorf("no DN: %w", err)
	}
	return nil
}

// checkRoot takes absolute paths: they are of another host.
func checkRoot(text string) error {
	if !strings.HasPrefix(text, "/") {
		return errors.New("not a path from the root of that host (/...)")
	}
	return nil
}

func checkInstance(text string) error {
	for _, prefix := range []string{"msg-", "slapd-"} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			return fmt.Errorf("an instance is named without %s: is it %s?", prefix, rest)
		}
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r == '/' || r <= ' ' }) {
		return errors.New("no name of an instance")
	}
	return nil
}

func checkSeparator(text string) error {
	if len(text) != 1 || text[0] <= ' ' || text[0] >= 0x7f || !notOfName(rune(text[0])) {
		return errors.New("not one sign such as + or %")
	}
	return nil
}

// secrets are parts of names of keys that ask for a secret.
var secrets = []string{"password", "passwd", "passphrase", "secret", "credential", "bindcred", "bindpw", "pwd"}

func isSecret(key string) bool {
	key = strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(key))
	for _, word := range secrets {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}

// hidden tells characters that show as nothing or turn the text around them: a
// runbook must be what it looks like.
func hidden(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// fits tells a text that the file can hold as it is.
func fits(text string) bool { return utf8.ValidString(text) && !strings.ContainsFunc(text, hidden) }
