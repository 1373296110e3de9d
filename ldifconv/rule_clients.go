package ldifconv

import (
	"bytes"

	"imsconv/ldifconv/internal/access"
	"imsconv/ldifconv/schema"
)

// inboxServices are those for which mailAccessDomain held.
const inboxServices = 1<<imap | 1<<imaps | 1<<pop | 1<<pops

// hostList is what the values of mailAccessDomain say together.
type hostList struct {
	clients  []byte // in the form of iMS
	none     bool   // NONE is among them
	everyone bool   // so is ALL or *
	excepts  bool   // so is a word that takes something away
	unknown  bool   // so is what is not understood
}

// accessClients reads mailAccessDomain and returns the clients in the form of
// iMS. What lets nobody in goes to what is denied: NONE alone, and a list of
// which nothing is understood, or which lets everyone in but for something
// that is not. Values with a client that is not understood stay.
func accessClients(d *draft, denied *serviceSet) []byte {
	var all hostList
	for _, v := range d.values(schema.MailAccessDomain) {
		all.read(v)
	}
	only := all.none && !all.unknown && !all.everyone && len(all.clients) == 0
	if only {
		d.warn("access-domain", "mailAccessDomain NONE is no domain: IMAP and POP are denied to every client")
		denied.addAll(servicesOf(inboxServices))
		d.remove(schema.MailAccessDomain)
		return nil
	}
	if !all.none && !all.unknown {
		d.remove(schema.MailAccessDomain)
		return all.clients
	}
	closed := all.everyone || all.excepts || len(all.clients) == 0
	d.retain(schema.MailAccessDomain, func(v []byte) bool {
		return unknownHosts(d, v, closed) || closed
	})
	if closed {
		denied.addAll(servicesOf(inboxServices))
		return nil
	}
	return all.clients
}

// unknownHosts tells of a value that stays, and reports whether it is one.
func unknownHosts(d *draft, v []byte, closed bool) bool {
	var one hostList
	one.read(v)
	text := ""
	switch {
	case one.unknown:
		text = "is no host, domain or net that iMS could be told of"
	case one.none:
		text = "lets nobody in and stands beside what lets clients in"
	default:
		return false
	}
	if closed {
		text += ": IMAP and POP are denied to every client"
	}
	d.stays("access-domain", schema.MailAccessDomain, v, text)
	return true
}

// read adds what one value says. Words without a dot that nothing but blanks
// keeps apart are rather one mistyped name ("siroe com") than several: .com
// would let half the world in.
func (l *hostList) read(v []byte) {
	words := bytes.ContainsAny(trimBlanks(v), " \t") && !bytes.ContainsAny(v, ",;")
	eachToken(v, func(client []byte) {
		switch {
		case isOneOf(client, "NONE"):
			l.none = true
			return
		case isOneOf(client, "EXCEPT") || client[0] == '!' || client[0] == '-':
			l.excepts, l.unknown = true, true
			return
		case isOneOf(client, "ALL") || string(client) == "*":
			l.everyone = true
		case words && bytes.IndexByte(client, '.') < 0 && access.IsHostName(client):
			l.unknown = true
			return
		}
		one, ok := access.AppendClient(nil, client)
		if !ok {
			l.unknown = true
			return
		}
		l.clients = appendList(l.clients, one)
	})
}

// appendList joins two comma lists.
func appendList(list, more []byte) []byte {
	if len(list) > 0 && len(more) > 0 {
		list = append(list, ',')
	}
	return append(list, more...)
}

// appendAccessDomains adds the rules for mailAccessDomain. It held for IMAP and
// POP only, so the other services are allowed beside it: an allow rule closes
// what no rule allows.
func appendAccessDomains(value []byte, d *draft, clients []byte) []byte {
	if len(clients) == 0 {
		return value
	}
	start := len(value)
	value = appendRule(value, false, servicesOf(inboxServices), clients)
	rule := bytes.TrimPrefix(value[start:], []byte{'$'})
	d.warnf("access-domain", "mailAccessDomain is now %.1000s: a name matches that host, one with a dot in front the hosts below it", rule)
	return appendRule(value, false, servicesOf(1<<http|1<<smtp|1<<smtps).nonInbox(), nil)
}

// nonInbox puts the services in the order in which the rule for those that
// mailAccessDomain did not cover names them.
func (s serviceSet) nonInbox() (t serviceSet) {
	for _, v := range []service{http, smtp, smtps} {
		if s.has(v) {
			t.add(v)
		}
	}
	return t
}
