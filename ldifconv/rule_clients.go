package ldifconv

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"

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
		case words && bytes.IndexByte(client, '.') < 0 && isHostName(client):
			l.unknown = true
			return
		}
		one, ok := appendClient(nil, client)
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

// appendClient writes one client of mailAccessDomain in the form of the access
// rules of iMS: a host name matches that host, a name with a dot in front the
// hosts below it, numbers with a dot behind them the addresses that begin so,
// n.n.n.n/m.m.m.m a net. A name may have been either of the first two, so both
// are written. ok is false when it is nothing of all that.
func appendClient(b, client []byte) (out []byte, ok bool) {
	switch {
	case isOneOf(client, "ALL") || string(client) == "*":
		return append(b, client...), true
	case bytes.HasPrefix(client, []byte("*.")) && isHostName(client[2:]):
		return append(b, client[1:]...), true
	case client[0] == '.' && isHostName(client[1:]):
		return append(b, client...), true
	case isHostName(client):
		client = bytes.TrimSuffix(client, []byte{'.'})
		b = append(append(b, client...), ",."...)
		return append(b, client...), true
	}
	if net := addressPattern(string(client)); net != "" {
		return append(b, net...), true
	}
	return b, false
}

// isHostName reports whether name is made of the labels of a host name and is
// no address.
func isHostName(name []byte) bool {
	name = bytes.TrimSuffix(name, []byte{'.'})
	letter := false // in the last label: a name that ends in a number is an address
	for label := range bytes.SplitSeq(name, []byte{'.'}) {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		letter = false
		for _, c := range label {
			if !isAlnum(c) && c != '-' && c != '_' {
				return false
			}
			letter = letter || c|0x20 >= 'a' && c|0x20 <= 'z'
		}
	}
	// Words that access rules have a meaning of their own for.
	return letter && len(name) <= 255 && !isOneOf(name, "LOCAL", "KNOWN", "UNKNOWN", "DNSSPOOFER", "EXCEPT", "NONE")
}

// addressPattern is an address or a range of addresses as access rules write
// it, "" for what is none: 10.1.2.3 as it is; 10.1. and 10.1.* and 10.1.*.* as
// 10.1.; 10.1.0.0/16 and 10.1.0.0/255.255.0.0 as the latter.
func addressPattern(text string) string {
	if addr, bits, ok := cutNet(text); ok {
		p, err := addr.Prefix(bits)
		if err != nil {
			return ""
		}
		mask := ^uint32(0) << (32 - bits)
		if bits == 0 {
			mask = 0
		}
		return fmt.Sprintf("%s/%d.%d.%d.%d", p.Addr(), mask>>24, mask>>16&255, mask>>8&255, mask&255)
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Is4() {
		return text
	}
	return addressStart(text)
}

// cutNet reads an address and the length of its net, behind a slash.
func cutNet(text string) (addr netip.Addr, bits int, ok bool) {
	i := bytes.IndexByte([]byte(text), '/')
	if i < 0 {
		return addr, 0, false
	}
	addr, err := netip.ParseAddr(text[:i])
	if err != nil || !addr.Is4() {
		return addr, 0, false
	}
	if bits, err = strconv.Atoi(text[i+1:]); err == nil {
		return addr, bits, bits >= 0 && bits <= 32 && text[i+1] != '+'
	}
	mask, err := netip.ParseAddr(text[i+1:])
	if err != nil || !mask.Is4() {
		return addr, 0, false
	}
	bits = leadingOnes(mask.As4())
	return addr, bits, bits >= 0
}

// leadingOnes is the length of a net mask, -1 for what is none.
func leadingOnes(mask [4]byte) int {
	n := uint32(mask[0])<<24 | uint32(mask[1])<<16 | uint32(mask[2])<<8 | uint32(mask[3])
	bits := 0
	for n&(1<<31) != 0 {
		bits++
		n <<= 1
	}
	if n != 0 {
		return -1
	}
	return bits
}

// addressStart is the beginning of an address, one to three numbers with a dot
// behind each. Stars may stand for the numbers that are left out.
func addressStart(text string) string {
	out, parts, stars := "", 0, 0
	fields := bytes.Split([]byte(text), []byte{'.'})
	for i, field := range fields {
		last := i == len(fields)-1
		switch n, err := strconv.ParseUint(string(field), 10, 8); {
		case string(field) == "*":
			stars++
		case len(field) == 0 && last && stars == 0 && i > 0:
			stars++ // a dot at the end
		case err != nil || stars > 0:
			return ""
		default:
			parts++
			out += strconv.FormatUint(n, 10) + "."
		}
	}
	if stars == 0 || parts == 0 || parts > 3 || len(fields) > 4 {
		return ""
	}
	return out
}

// isClient reports whether client may stand in an access rule of iMS as it is.
func isClient(client []byte) bool {
	if isOneOf(client, "ALL", "LOCAL", "KNOWN", "UNKNOWN", "DNSSPOOFER") || string(client) == "*" {
		return true
	}
	if client[0] == '.' {
		client = client[1:]
	}
	return isHostName(client) || len(client) > 0 && addressPattern(string(client)) == string(client)
}
