package check

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"imsconv/ldifconv/internal/access"
	"imsconv/ldifconv/internal/delivery"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// source checks values of SIMS and NMS that iMS has in another form: what
// cannot be read has no such form, and the upgrade leaves it where it is.
func (c *checker) source() {
	switch c.product {
	case SIMS:
		c.simsServices()
		c.values(schema.MailFolderMap, "folder-map", "no store that is known", isFolderMap)
		for _, id := range [...]schema.ID{schema.Joinable, schema.Expandable} {
			c.values(id, "switch-value", "neither TRUE nor FALSE", isSwitch)
		}
	case NMS:
		c.values(schema.NsMsgDisallowAccess, "service-unknown", "no list of services that are known", areDenied)
		c.clients()
		c.values(schema.MailProgramDeliveryInfo, "program-quote", "a command line with a quote that is not closed", func(v []byte) bool {
			return len(v) > delivery.MaxCommand || delivery.ClosesQuotes(string(v))
		})
		c.values(schema.MailProgramDeliveryInfo, "program-long", fmt.Sprintf("longer than %d bytes", delivery.MaxCommand), func(v []byte) bool {
			return len(v) <= delivery.MaxCommand
		})
		c.values(schema.NsDAMemberOf, "dn-value", "no DN", isDN)
		c.values(schema.MailEnhancedUniqueMember, "dn-value", "no DN", func(v []byte) bool { return isDN(withoutParameters(v)) })
	}
}

// simsServices checks the services that SIMS gave a user, or those of a domain.
func (c *checker) simsServices() {
	c.values(schema.InetAuthorizedServices, "service-unknown", "no list of services and clients that are known", areAuthorized)
}

// posterDomains checks the domains whose people may or may not post to a list.
func (c *checker) posterDomains() {
	for _, id := range [...]schema.ID{
		schema.MgrpAllowedDomain, schema.MgrpDisallowedDomain, schema.AuthorizedDomain, schema.UnauthorizedDomain,
	} {
		c.values(id, "list-domain", "no domain, and matches no poster", delivery.IsDomainPattern)
	}
}

// values finds the values of an attribute that are not known. Those of nothing
// but blanks say nothing.
func (c *checker) values(id schema.ID, code, why string, known func(v []byte) bool) {
	c.each(id, func(v ldif.Value, desc []byte) {
		if text := bytes.Trim(v.Data, " "); len(text) > 0 && !known(text) {
			c.find(code, string(desc), v.Line, fmt.Sprintf("%.200q is %s", v.Data, why))
		}
	})
}

func isDN(v []byte) bool {
	norm, err := ldif.AppendNormDN(nil, v)
	return err == nil && len(norm) > 0
}

func isFolderMap(v []byte) bool {
	return slices.Contains([]string{"sun-ms", "sunms", "unix v7", "unixv7", "unix-v7", "lock"}, lowerString(string(v)))
}

func isSwitch(v []byte) bool {
	return slices.Contains([]string{"true", "false"}, lowerString(string(v)))
}

// words are those of a list separated by commas, semicolons and blanks.
func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\t' })
}

// simsServiceNames are the names of services in inetAuthorizedServices.
var simsServiceNames = []string{
	"imap", "imap4", "imaps", "imap4s", "pop", "pop3", "pop3r", "pops", "pop3s", "smtp", "imta", "smtps", "msma", "all", "*",
	"http", "https", "web", "webaccess", "webmail", "sunwebaccess", "sun-webaccess",
}

// areAuthorized reports whether a value of inetAuthorizedServices is known: the
// DN of a service, or lists joined by $, each of services with a sign or
// without, and perhaps clients behind a colon.
func areAuthorized(v []byte) bool {
	if bytes.IndexByte(v, '=') >= 0 {
		return namesService(v)
	}
	for list := range strings.SplitSeq(string(v), "$") {
		names, clients, limited := strings.Cut(list, ":")
		for _, word := range words(names) {
			if word[0] == '+' || word[0] == '-' {
				word = word[1:]
			}
			if !slices.Contains(simsServiceNames, strings.ToLower(word)) {
				return false
			}
		}
		if !limited {
			continue
		}
		given := words(clients)
		if len(given) == 0 || slices.ContainsFunc(given, func(w string) bool { return !access.IsClient([]byte(w)) }) {
			return false
		}
	}
	return true
}

// namesService reports whether a DN names a service: its leftmost part but
// inetVersion does.
func namesService(dn []byte) bool {
	dn, _, _ = bytes.Cut(dn, []byte("??")) // a scope
	norm, err := ldif.AppendNormDN(nil, dn)
	if err != nil {
		return false
	}
	for rdn := range strings.SplitSeq(string(norm), ",") {
		named := false
		for pair := range strings.SplitSeq(rdn, "+") {
			name, value, _ := strings.Cut(pair, "=")
			if name == "inetversion" {
				continue
			}
			if !slices.Contains(simsServiceNames, value) {
				return false
			}
			named = true
		}
		if named {
			return true
		}
	}
	return false
}

// areDenied reports whether a value of nsmsgDisallowAccess is a list of
// services that are known.
func areDenied(v []byte) bool {
	known := []string{"none", "all", "*", "imap", "imap4", "imaps", "pop", "pop3", "pops", "pop3s", "smtp", "smtps", "http"}
	for _, word := range words(string(v)) {
		if !slices.Contains(known, strings.ToLower(word)) {
			return false
		}
	}
	return true
}

// clientList is what values of mailAccessDomain say.
type clientList struct{ none, some, unknown bool }

// clients checks whom mailAccessDomain lets in. NONE says something where
// nothing stands beside it.
func (c *checker) clients() {
	var all clientList
	c.each(schema.MailAccessDomain, func(v ldif.Value, _ []byte) { all.read(v.Data) })
	c.each(schema.MailAccessDomain, func(v ldif.Value, desc []byte) {
		var one clientList
		one.read(v.Data)
		switch {
		case one.unknown:
			c.find("access-domain", string(desc), v.Line, fmt.Sprintf("%.200q is no list of hosts, domains and nets", v.Data))
		case one.none && (all.some || all.unknown):
			c.find("access-domain", string(desc), v.Line, fmt.Sprintf("%.200q lets nobody in and stands beside what lets clients in", v.Data))
		}
	})
}

// read adds what one value says. Of words without a dot that only blanks keep
// apart (siroe com) it cannot be told whether they are one name or several.
func (l *clientList) read(value []byte) {
	value = bytes.Trim(value, " ")
	apart := bytes.ContainsAny(value, " \t") && !bytes.ContainsAny(value, ",;")
	for _, word := range words(string(value)) {
		w := []byte(word)
		switch _, ok := access.AppendClient(nil, w); {
		case strings.EqualFold(word, "NONE"):
			l.none = true
		case word[0] == '-' || !ok, apart && !strings.Contains(word, ".") && access.IsHostName(w) && !strings.EqualFold(word, "ALL"):
			l.unknown = true
		default:
			l.some = true
		}
	}
}
