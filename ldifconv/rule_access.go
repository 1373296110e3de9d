package ldifconv

import (
	"bytes"

	"imsconv/ldifconv/internal/access"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// accessRules write the one string that says who may use which service.
var accessRules = []rule{
	{
		name: "sims-services", from: SIMS, kind: Users,
		needs:      []attrID{schema.InetAuthorizedServices},
		what:       "inetAuthorizedServices (words, lists with + and -, or DNs whose leftmost RDN but inetVersion names the service) becomes the allow rule mailAllowedServiceAccess; a user with every mail service gets none, unless a value stays that alone would close every service; a value with a word that is not understood stays and is a problem, and the other words of the list, in one value or several, make the rule; a word that was denied and is not known denies every service, and so do clients that are not understood when nobody else is let in; beside a mailAllowedServiceAccess that is there already, which holds, a list that restricts stays and is a problem; imaps and pops alone are warned about, and with the MMP choice get +imap,pop:ADDRESS beside them",
		source:     "draft-srivastava-ldap-mail-00 5; Schema Reference, mailAllowedServiceAccess",
		documented: false,
		apply: func(d *draft, o *ruleOptions) bool {
			return simsServices(d, o, schema.MailAllowedServiceAccess)
		},
	},
	{
		name: "nms-access", from: NMS, kind: Users,
		needs:  []attrID{schema.NsMsgDisallowAccess, schema.MailAccessDomain},
		what:   "nsmsgDisallowAccess becomes a deny rule and mailAccessDomain an allow rule for IMAP and POP, joined in one mailAllowedServiceAccess, deny first; a name, which may be a host or a domain, is written as both (x.com,.x.com), an address pattern as a net; words without a dot that only blanks keep apart (siroe com) are not understood; NONE alone denies IMAP and POP, beside clients that are let in it stays and is a problem; a denied service that is not known denies all services, stays and is a problem; a client that is not understood stays and is a problem, and IMAP and POP are denied when no other client is let in, when everyone else is, or when the list takes something away (! or EXCEPT); beside a mailAllowedServiceAccess that is there already, which holds, values that restrict stay and are a problem",
		source: "Directory Server 4.0 schema, attri112, attria43; Schema Reference, mailAllowedServiceAccess",
		apply:  nmsAccess,
	},
}

// grant is one part of inetAuthorizedServices: services that are allowed or
// denied.
type grant struct {
	deny     bool
	services serviceSet
	clients  []byte // as iMS writes them; nil for everyone
}

// grants are all of them, put together for one access rule.
type grants struct {
	allowed, denied serviceSet // for everyone
	limited         []grant    // for some clients
	any             bool

	unknown       bool // something was not understood
	closes        bool // it closed something: clients of a known service, say
	deniesUnknown bool // it was denied
	pop3r         bool
	web           []byte // the word for web access
}

func (g *grants) add(one grant) {
	g.any = true
	switch {
	case one.clients != nil:
		g.limited = append(g.limited, one)
	case one.deny:
		g.denied.addAll(one.services)
	default:
		g.allowed.addAll(one.services)
	}
}

// allows reports whether something is allowed, which closes what is not.
func (g *grants) allows() bool {
	for i := range g.limited {
		if !g.limited[i].deny {
			return true
		}
	}
	return g.allowed.n > 0
}

// restricts reports whether the grants close anything to anyone.
func (g *grants) restricts() bool {
	return g.unknown || g.denied.n > 0 || len(g.limited) > 0 ||
		g.allowed.n > 0 && g.allowed.mask&mailServices != mailServices
}

// warn tells of words that iMS has no service of their own for.
func (g *grants) warn(d *draft) {
	if g.pop3r {
		d.warn("service-pop3r", "pop3r has no service of its own in iMS: it counts as pop")
	}
	if g.web != nil {
		d.warnf("service-web", "service %.200q: it counts as http", g.web)
	}
}

// simsServices turns inetAuthorizedServices into an access rule in the
// attribute to. Values with a word that is not understood stay; the others of
// the same list make the rule, whether they stand in one value or in several.
// A word that was denied and is not known denies everything, and so do clients
// that are not understood when nobody else is let in: without a rule iMS lets
// everyone in.
func simsServices(d *draft, o *ruleOptions, to attrID) bool {
	const from = schema.InetAuthorizedServices
	var all grants
	before := len(d.values(from))
	for _, v := range d.values(from) {
		all.parse(v)
	}
	if d.has(to) {
		keepServices(d, to, &all)
		return len(d.values(from)) != before
	}
	closed := all.closes && (all.deniesUnknown || !all.allows())
	d.retain(from, func(v []byte) bool { return unknownServices(d, v, closed, all.any) })
	switch {
	case closed:
		d.setBytes(to, appendRule(nil, true, servicesOf(allServices), nil))
	case all.any:
		all.warn(d)
		writeAccess(d, o, to, &all)
	}
	return len(d.values(from)) != before || d.has(to)
}

// unknownServices tells of a value that stays, and reports whether it is one.
func unknownServices(d *draft, v []byte, closed, ruled bool) bool {
	var one grants
	if one.parse(v); !one.unknown {
		return false
	}
	text := "names a service or a client that is not known"
	if closed {
		text += ": every service is denied"
	}
	if !closed && !ruled {
		text += ", and without a rule iMS lets in to every service"
	}
	d.stays("service-unknown", schema.InetAuthorizedServices, v, text)
	return true
}

// keepServices is for an entry that has an access rule of iMS already, which
// holds: what the old attribute restricts beside it would be lost, so it stays.
func keepServices(d *draft, to attrID, all *grants) {
	if !all.restricts() {
		if all.any {
			d.warn("access-kept", schema.Name(to)+" is there already: inetAuthorizedServices, which restricts nothing, dropped")
		}
		d.remove(schema.InetAuthorizedServices)
		return
	}
	for _, v := range d.values(schema.InetAuthorizedServices) {
		d.stays("access-kept", schema.InetAuthorizedServices, v, "restricts beside "+schema.Name(to)+", which is there already and alone holds")
	}
}

// writeAccess writes the rule: what is denied first, then what is allowed.
func writeAccess(d *draft, o *ruleOptions, to attrID, g *grants) {
	var memory [160]byte
	value := memory[:0]
	if g.denied.n > 0 {
		value = appendRule(value, true, g.denied.sorted(), nil)
	}
	for i := range g.limited {
		if one := &g.limited[i]; one.deny {
			value = appendRule(value, true, one.services, one.clients)
		}
	}
	// Every service is written where a value stays that alone would close all:
	// what lets in is gone then.
	if g.allows() && (g.allowed.mask&mailServices != mailServices || len(value) > 0 || g.closes) {
		value = appendAllowed(value, d, o, g)
	}
	if len(value) > 0 {
		d.setBytes(to, value)
	}
}

// appendAllowed appends the allow rules and says what they close.
func appendAllowed(value []byte, d *draft, o *ruleOptions, g *grants) []byte {
	start := len(value)
	allowed := g.allowed
	allowed.addAll(o.alsoAllow)
	open := allowed
	if allowed.n > 0 {
		// The values of an attribute have no order.
		value = appendRule(value, false, allowed.sorted(), nil)
	}
	for i := range g.limited {
		if one := &g.limited[i]; !one.deny {
			value = appendRule(value, false, one.services, one.clients)
			open.addAll(one.services)
		}
	}
	if plain := open.withoutPlain(); plain.n > 0 {
		if o.MMP != "" {
			value = appendRule(value, false, plain, []byte(o.MMP))
		}
		warnTLSOnly(d, o, plain)
		open.addAll(plain)
	}
	if closed := open.missing(); closed.n > 0 {
		rule := bytes.TrimPrefix(value[start:], []byte{'$'})
		d.warnf("access-closed", "%s closes every other service: %s", rule, &closed)
	}
	return value
}

func warnTLSOnly(d *draft, o *ruleOptions, plain serviceSet) {
	const kind = "service-tls-only"
	if o.MMP != "" {
		d.warnf(kind, "allowed over TLS only: %s is allowed from the proxy %s, which speaks plain to the back end", &plain, o.MMP)
		return
	}
	d.warnf(kind, "allowed over TLS only: the back end knows %s, not its TLS name, and refuses the user unless a rule lets the proxy in (--mmp ADDRESS)", &plain)
}

// appendRule appends one rule, behind a $ when it is not the first.
func appendRule(b []byte, deny bool, services serviceSet, clients []byte) []byte {
	sign := byte('+')
	if deny {
		sign = '-'
	}
	if len(b) > 0 {
		b = append(b, '$')
	}
	b = services.appendTo(append(b, sign))
	if clients == nil {
		clients = []byte{'*'}
	}
	return append(append(b, ':'), clients...)
}

// parse adds what one value of inetAuthorizedServices says.
func (g *grants) parse(value []byte) {
	value = bytes.TrimSpace(value)
	if bytes.IndexByte(value, '=') >= 0 {
		g.parseDN(value)
		return
	}
	for part := range bytes.SplitSeq(value, []byte{'$'}) {
		g.parseList(bytes.TrimSpace(part))
	}
}

// parseDN adds the services that a DN names.
func (g *grants) parseDN(dn []byte) {
	words := servicesInDN(dn)
	var one grant
	for _, word := range words {
		g.service(word, &one)
	}
	g.unknown = g.unknown || len(words) == 0
	if one.services.n > 0 {
		g.add(one)
	}
}

// parseList reads a list of services, each with a sign or without one, and the
// clients behind a colon.
func (g *grants) parseList(list []byte) {
	names, clients, limited := bytes.Cut(list, []byte{':'})
	understood := true
	var one grant
	if limited {
		one.clients, understood = plainClients(clients)
	}
	eachToken(names, func(token []byte) {
		if token[0] == '+' || token[0] == '-' {
			if one.services.n > 0 && one.deny != (token[0] == '-') {
				g.addUnderstood(one, understood)
				one.services = serviceSet{}
			}
			one.deny, token = token[0] == '-', token[1:]
		}
		g.service(token, &one)
	})
	if one.services.n > 0 || !understood {
		g.addUnderstood(one, understood)
	}
}

// addUnderstood adds a grant, unless its clients were not understood.
func (g *grants) addUnderstood(one grant, understood bool) {
	if understood {
		g.add(one)
		return
	}
	g.unknown, g.closes = true, true
	g.deniesUnknown = g.deniesUnknown || one.deny
}

// service adds what a word stands for to one.
func (g *grants) service(token []byte, one *grant) {
	services, ok := simsService(token)
	switch {
	case !ok:
		g.unknown = true
		g.deniesUnknown = g.deniesUnknown || one.deny
		g.closes = g.closes || one.deny
	case isOneOf(token, "pop3r"):
		g.pop3r = true
	case isWebToken(token):
		g.web = token
	}
	one.services.addAll(services)
}

// plainClients returns the clients of a rule that was written in the form of
// iMS already, nil for everyone; ok is false for what is no client.
func plainClients(list []byte) (clients []byte, ok bool) {
	list = bytes.TrimSpace(list)
	if len(list) == 0 {
		return nil, false
	}
	ok = true
	everyone := true
	eachToken(list, func(client []byte) {
		ok = ok && access.IsClient(client)
		everyone = everyone && (isOneOf(client, "ALL") || string(client) == "*")
		if len(clients) > 0 {
			clients = append(clients, ',')
		}
		clients = append(clients, client...)
	})
	if ok && everyone {
		return nil, true
	}
	return clients, ok && len(clients) > 0
}

// simsService knows the words for a service.
func simsService(token []byte) (services serviceSet, ok bool) {
	switch {
	case isOneOf(token, "imap", "imap4"):
		services.add(imap)
	case isOneOf(token, "imaps", "imap4s"):
		services.add(imaps)
	case isOneOf(token, "pop3", "pop", "pop3r"):
		services.add(pop)
	case isOneOf(token, "pop3s", "pops"):
		services.add(pops)
	case isOneOf(token, "smtp", "imta"):
		services.add(smtp)
	case isOneOf(token, "smtps"):
		services.add(smtps)
	case isOneOf(token, "msma"):
		services.add(imap)
		services.add(pop)
	case isOneOf(token, "all", "*"):
		return servicesOf(allServices), true
	case isWebToken(token):
		services.add(http)
	default:
		return services, false
	}
	return services, true
}

// isWebToken knows the spellings of web access that products of the time used.
func isWebToken(token []byte) bool {
	return isOneOf(token, "http", "https", "web", "webaccess", "webmail", "sunwebaccess", "sun-webaccess")
}

// servicesInDN returns the values of the leftmost RDN of a DN, in lower case,
// inetVersion left aside: cn=imap,ou=services,... and
// inetVersion=4.0,ou=imta,ou=services,... name a service each, cn=imap+cn=pop
// two. It returns nil when there is none.
func servicesInDN(dn []byte) (words [][]byte) {
	dn, _, _ = bytes.Cut(dn, []byte("??")) // a scope, as in inetAdministeredServices
	norm, err := ldif.AppendNormDN(nil, dn)
	if err != nil {
		return nil
	}
	for rdn := range bytes.SplitSeq(norm, []byte{','}) {
		for pair := range bytes.SplitSeq(rdn, []byte{'+'}) {
			name, value, _ := bytes.Cut(pair, []byte{'='})
			if string(name) != "inetversion" {
				words = append(words, value)
			}
		}
		if words != nil {
			break
		}
	}
	return words
}

// eachToken calls use for the words of a list separated by commas and blanks.
func eachToken(list []byte, use func(token []byte)) {
	start := 0
	for i := 0; i <= len(list); i++ {
		if i < len(list) && list[i] != ',' && list[i] != ' ' && list[i] != '\t' && list[i] != ';' {
			continue
		}
		if i > start {
			use(list[start:i])
		}
		start = i + 1
	}
}

func nmsAccess(d *draft, _ *ruleOptions) bool {
	const to = schema.MailAllowedServiceAccess
	had := accessValues(d)
	if d.has(to) {
		keepRestrictions(d)
		allowAccessValues(d)
		return accessValues(d) < had
	}
	denied := deniedServices(d)
	clients := accessClients(d, &denied)
	allowAccessValues(d)
	var memory [256]byte
	value := memory[:0]
	if denied.n > 0 {
		value = appendRule(value, true, denied, nil)
	}
	if value = appendAccessDomains(value, d, clients); len(value) > 0 {
		d.setBytes(to, value)
	}
	return accessValues(d) < had || len(value) > 0
}

// accessValues is the number of values of NMS that restrict access.
func accessValues(d *draft) int {
	return len(d.values(schema.NsMsgDisallowAccess)) + len(d.values(schema.MailAccessDomain))
}

// allowAccessValues keeps the class that allows the values that are left.
func allowAccessValues(d *draft) {
	if accessValues(d) > 0 {
		d.addClass(schema.ClassNsMessagingServerUser)
	}
}

// keepRestrictions is for a user who has an access rule of iMS already, which
// holds: what the old attributes restrict beside it would be lost, so they
// stay. Words that restrict nothing go.
func keepRestrictions(d *draft) {
	const text = "restricts beside mailAllowedServiceAccess, which is there already and alone holds"
	d.retain(schema.NsMsgDisallowAccess, func(v []byte) bool {
		restricts := false
		eachToken(v, func(token []byte) { restricts = restricts || !isOneOf(token, "none") })
		if restricts {
			d.stays("access-kept", schema.NsMsgDisallowAccess, v, text)
		}
		return restricts
	})
	var all hostList
	for _, v := range d.values(schema.MailAccessDomain) {
		all.read(v)
	}
	open := !all.none && !all.unknown && (all.everyone || len(all.clients) == 0)
	d.retain(schema.MailAccessDomain, func(v []byte) bool {
		if !open {
			d.stays("access-kept", schema.MailAccessDomain, v, text)
		}
		return !open
	})
}

// deniedServices reads nsmsgDisallowAccess. A service that is not known denies
// them all: whoever wrote it wanted something closed. Its value stays.
func deniedServices(d *draft) (denied serviceSet) {
	all := servicesOf(allServices)
	d.retain(schema.NsMsgDisallowAccess, func(v []byte) bool {
		unknown := false
		eachToken(v, func(token []byte) {
			switch {
			case isOneOf(token, "none"):
			case isOneOf(token, "all", "*"):
				denied.addAll(all)
			case isOneOf(token, "pop3"):
				denied.add(pop)
			case isOneOf(token, "pop3s"):
				denied.add(pops)
			case isOneOf(token, "imap4"):
				denied.add(imap)
			case serviceNamed(string(token)) != noService:
				denied.add(serviceNamed(string(token)))
			default:
				unknown = true
				denied.addAll(all)
			}
		})
		if unknown {
			d.stays("service-unknown", schema.NsMsgDisallowAccess, v, "names a service that is not known: every service is denied")
		}
		return unknown
	})
	if denied.mask == allServices {
		return denied.sorted()
	}
	return denied
}
