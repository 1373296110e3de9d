package ldifconv

import (
	"bytes"
	"fmt"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// accessRules write the one string that says who may use which service.
var accessRules = []rule{
	{
		name: "sims-services", from: SIMS, kind: Users,
		needs:      []attrID{schema.InetAuthorizedServices},
		what:       "inetAuthorizedServices (words, lists with + and -, or DNs whose leftmost RDN but inetVersion names the service) becomes the allow rule mailAllowedServiceAccess; a user with every mail service gets none; a value that is not understood stays and is a problem; imaps and pops alone are warned about, and with the MMP choice get +imap,pop:ADDRESS beside them",
		source:     "draft-srivastava-ldap-mail-00 5; Schema Reference, mailAllowedServiceAccess",
		documented: false,
		apply: func(d *draft, o *ruleOptions) bool {
			return simsServices(d, o, schema.MailAllowedServiceAccess)
		},
	},
	{
		name: "nms-access", from: NMS, kind: Users,
		needs:  []attrID{schema.NsMsgDisallowAccess, schema.MailAccessDomain},
		what:   "nsmsgDisallowAccess becomes a deny rule and mailAccessDomain an allow rule for IMAP and POP, joined in one mailAllowedServiceAccess, deny first; a name, which may be a host or a domain, is written as both (x.com,.x.com), an address pattern as a net, NONE denies IMAP and POP; a denied service that is not known denies all services, stays and is a problem; a client that is not understood stays and is a problem",
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

func (g *grants) addAll(one *grants) {
	g.allowed.addAll(one.allowed)
	g.denied.addAll(one.denied)
	g.limited = append(g.limited, one.limited...)
	g.any = g.any || one.any
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

// simsServices turns inetAuthorizedServices into an access rule in the
// attribute to. Values that are not understood stay.
func simsServices(d *draft, o *ruleOptions, to attrID) bool {
	const from = schema.InetAuthorizedServices
	var all grants
	var widen serviceSet // of values that stay: they make no rule, but a rule lets them in
	before := len(d.values(from))
	d.retain(from, func(v []byte) bool {
		var one grants
		if parseGrants(d, v, one.add) {
			all.addAll(&one)
			return false
		}
		widen.addAll(one.allowed)
		d.stays("service-unknown", from, v, "names a service that is not known")
		return true
	})
	if all.allows() {
		all.allowed.addAll(widen)
	}
	if d.has(to) {
		if all.any {
			d.warn("access-kept", schema.Name(to)+" is there already: inetAuthorizedServices dropped")
		}
		return len(d.values(from)) != before
	}
	if all.any {
		writeAccess(d, o, to, &all)
	}
	return len(d.values(from)) != before || d.has(to)
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
	if g.allows() && (g.allowed.mask&mailServices != mailServices || len(value) > 0) {
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
	if closed := open.missing(); closed != "" {
		rule := bytes.TrimPrefix(value[start:], []byte{'$'})
		d.warn("access-closed", fmt.Sprintf("%s closes every other service: %s", rule, closed))
	}
	return value
}

func warnTLSOnly(d *draft, o *ruleOptions, plain serviceSet) {
	text := fmt.Sprintf("allowed over TLS only: the back end knows %s, not its TLS name, and refuses the user", &plain)
	if o.MMP != "" {
		text = fmt.Sprintf("allowed over TLS only: %s is allowed from the proxy %s, which speaks plain to the back end", &plain, o.MMP)
	} else {
		text += " unless a rule lets the proxy in (--mmp ADDRESS)"
	}
	d.warn("service-tls-only", text)
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

// parseGrants hands over what one value of inetAuthorizedServices says. It
// returns false when there is a word in it that is not understood.
func parseGrants(d *draft, value []byte, use func(grant)) bool {
	value = bytes.TrimSpace(value)
	if len(value) == 0 {
		return true
	}
	if bytes.IndexByte(value, '=') >= 0 {
		services, ok := simsService(d, serviceInDN(value))
		if ok {
			use(grant{services: services})
		}
		return ok
	}
	understood := true
	for part := range bytes.SplitSeq(value, []byte{'$'}) {
		understood = parseGrantList(d, bytes.TrimSpace(part), use) && understood
	}
	return understood
}

// parseGrantList reads a list of services, each with a sign or without one,
// and the clients behind a colon.
func parseGrantList(d *draft, list []byte, use func(grant)) bool {
	names, clients, limited := bytes.Cut(list, []byte{':'})
	if limited {
		var ok bool
		if clients, ok = plainClients(clients); !ok {
			return false
		}
	}
	understood := true
	one := grant{clients: clients}
	if !limited {
		one.clients = nil
	}
	eachToken(names, func(token []byte) {
		if token[0] == '+' || token[0] == '-' {
			if one.services.n > 0 && one.deny != (token[0] == '-') {
				use(one)
				one.services = serviceSet{}
			}
			one.deny, token = token[0] == '-', token[1:]
		}
		services, ok := simsService(d, token)
		if !ok {
			understood = false
		}
		one.services.addAll(services)
	})
	if one.services.n > 0 {
		use(one)
	}
	return understood
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
		ok = ok && isClient(client)
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
func simsService(d *draft, token []byte) (services serviceSet, ok bool) {
	switch {
	case isOneOf(token, "imap", "imap4"):
		services.add(imap)
	case isOneOf(token, "imaps", "imap4s"):
		services.add(imaps)
	case isOneOf(token, "pop3", "pop"):
		services.add(pop)
	case isOneOf(token, "pop3s", "pops"):
		services.add(pops)
	case isOneOf(token, "pop3r"):
		services.add(pop)
		d.warn("service-pop3r", "pop3r has no service of its own in iMS: pop allowed")
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
		d.warn("service-web", fmt.Sprintf("service %.200q: http allowed", token))
	default:
		return services, false
	}
	return services, true
}

// isWebToken knows the spellings of web access that products of the time used.
func isWebToken(token []byte) bool {
	return isOneOf(token, "http", "https", "web", "webaccess", "webmail", "sunwebaccess", "sun-webaccess")
}

// serviceInDN returns the value of the leftmost RDN of a DN, in lower case,
// inetVersion left aside: cn=imap,ou=services,... and
// inetVersion=4.0,ou=imta,ou=services,... name a service each. It returns nil
// when there is none.
func serviceInDN(dn []byte) []byte {
	dn, _, _ = bytes.Cut(dn, []byte("??")) // a scope, as in inetAdministeredServices
	norm, err := ldif.AppendNormDN(nil, dn)
	if err != nil {
		return nil
	}
	for rdn := range bytes.SplitSeq(norm, []byte{','}) {
		for pair := range bytes.SplitSeq(rdn, []byte{'+'}) {
			name, value, _ := bytes.Cut(pair, []byte{'='})
			if string(name) != "inetversion" {
				return value
			}
		}
	}
	return nil
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
	kept := d.has(to)
	had := len(d.values(schema.NsMsgDisallowAccess)) + len(d.values(schema.MailAccessDomain))
	denied := deniedServices(d, kept)
	clients := accessClients(d, &denied)
	left := len(d.values(schema.NsMsgDisallowAccess)) + len(d.values(schema.MailAccessDomain))
	if left > 0 { // the class that allows what is left
		d.addClass(schema.ClassNsMessagingServerUser)
	}
	if kept {
		if left < had {
			d.warn("access-kept", "mailAllowedServiceAccess is there already: nsmsgDisallowAccess and mailAccessDomain dropped")
		}
		return left < had
	}
	var memory [256]byte
	value := memory[:0]
	if denied.n > 0 {
		value = appendRule(value, true, denied, nil)
	}
	if value = appendAccessDomains(value, d, clients); len(value) > 0 {
		d.setBytes(to, value)
	}
	return left < had || len(value) > 0
}

// deniedServices reads nsmsgDisallowAccess. A service that is not known denies
// them all: whoever wrote it wanted something closed. Its value stays.
func deniedServices(d *draft, kept bool) (denied serviceSet) {
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
			text := "names a service that is not known: every service is denied"
			if kept {
				text = "names a service that is not known"
			}
			d.stays("service-unknown", schema.NsMsgDisallowAccess, v, text)
		}
		return unknown
	})
	if denied.mask == allServices {
		return denied.sorted()
	}
	return denied
}
