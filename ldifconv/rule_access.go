package ldifconv

import (
	"bytes"
	"fmt"
	"strings"

	"imsconv/ldifconv/schema"
)

// service is a service of mailAllowedServiceAccess.
type service uint8

const (
	imap service = iota
	imaps
	pop
	pops
	smtp
	smtps
	http
	noService
)

var serviceNames = [...]string{"imap", "imaps", "pop", "pops", "smtp", "smtps", "http"}

// mailServices are the services that a SIMS user could be given; one with all of them is not
// restricted.
const mailServices = 1<<imap | 1<<imaps | 1<<pop | 1<<pops | 1<<smtp | 1<<smtps

func serviceNamed(name string) service {
	for i, known := range serviceNames {
		if strings.EqualFold(name, known) {
			return service(i)
		}
	}
	return noService
}

// serviceSet is a set of services that knows in which order they came.
type serviceSet struct {
	list [noService]service
	n    int
	mask uint8
}

func (s *serviceSet) add(v service) {
	if v < noService && s.mask&(1<<v) == 0 {
		s.list[s.n] = v
		s.n++
		s.mask |= 1 << v
	}
}

func (s *serviceSet) addAll(t *serviceSet) {
	for _, v := range t.list[:t.n] {
		s.add(v)
	}
}

// sorted is the set in the order of serviceNames.
func (s *serviceSet) sorted() (t serviceSet) {
	for v := imap; v < noService; v++ {
		if s.mask&(1<<v) != 0 {
			t.add(v)
		}
	}
	return t
}

// appendTo writes the services as a comma list.
func (s *serviceSet) appendTo(b []byte) []byte {
	for i, v := range s.list[:s.n] {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, serviceNames[v]...)
	}
	return b
}

// missing names the services that are not in the set.
func (s *serviceSet) missing() string {
	var names []string
	for i, name := range serviceNames {
		if s.mask&(1<<i) == 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// accessRules write the one string that says who may use which service.
var accessRules = []rule{
	{
		name: "sims-services", from: SIMS, kind: Users,
		needs:      []attrID{schema.InetAuthorizedServices},
		what:       "inetAuthorizedServices becomes the allow rule mailAllowedServiceAccess; a user with every mail service gets none",
		source:     "draft-srivastava-ldap-mail-00 5; Schema Reference, mailAllowedServiceAccess",
		documented: false,
		apply: func(d *draft, o *ruleOptions) bool {
			return simsServices(d, o, schema.MailAllowedServiceAccess)
		},
	},
	{
		name: "nms-access", from: NMS, kind: Users,
		needs:  []attrID{schema.NsMsgDisallowAccess, schema.MailAccessDomain},
		what:   "nsmsgDisallowAccess becomes a deny rule and mailAccessDomain an allow rule for IMAP and POP, joined in one mailAllowedServiceAccess, deny first; a domain takes a dot in front",
		source: "Directory Server 4.0 schema, attri112, attria43; Schema Reference, mailAllowedServiceAccess",
		apply:  nmsAccess,
	},
}

// simsServices turns inetAuthorizedServices into an allow rule in the attribute to.
func simsServices(d *draft, o *ruleOptions, to attrID) bool {
	if d.has(to) {
		d.warn("access-kept", schema.Name(to)+" is there already: inetAuthorizedServices dropped")
		d.remove(schema.InetAuthorizedServices)
		return true
	}
	var allowed serviceSet
	for _, v := range d.values(schema.InetAuthorizedServices) {
		addSIMSServices(d, &allowed, v)
	}
	d.remove(schema.InetAuthorizedServices)
	if allowed.mask&mailServices == mailServices {
		return true
	}
	allowed.addAll(&o.alsoAllow)
	if allowed.n == 0 {
		d.warn("access-closed", "no known service was authorised: every service is closed")
		d.set(to, "-imap,imaps,pop,pops,smtp,smtps,http:*")
		return true
	}
	allowed = allowed.sorted() // the values of an attribute have no order
	var memory [96]byte
	value := allowed.appendTo(append(memory[:0], '+'))
	value = append(value, ":*"...)
	if closed := allowed.missing(); closed != "" {
		d.warn("access-closed", fmt.Sprintf("%s closes every other service: %s", value, closed))
	}
	d.setBytes(to, value)
	return true
}

// addSIMSServices adds what one value of inetAuthorizedServices allows: a token, a list of them,
// or a DN whose ou names the service.
func addSIMSServices(d *draft, allowed *serviceSet, value []byte) {
	if bytes.IndexByte(value, '=') >= 0 {
		addSIMSService(d, allowed, ouOf(value))
		return
	}
	eachToken(value, func(token []byte) { addSIMSService(d, allowed, token) })
}

func addSIMSService(d *draft, allowed *serviceSet, token []byte) {
	switch {
	case equalFoldString(token, "imap"), equalFoldString(token, "imap4"):
		allowed.add(imap)
	case equalFoldString(token, "imaps"):
		allowed.add(imaps)
	case equalFoldString(token, "pop3"), equalFoldString(token, "pop"):
		allowed.add(pop)
	case equalFoldString(token, "pop3s"), equalFoldString(token, "pops"):
		allowed.add(pops)
	case equalFoldString(token, "pop3r"):
		allowed.add(pop)
		d.warn("service-pop3r", "pop3r has no service of its own in iMS: pop allowed")
	case equalFoldString(token, "smtp"), equalFoldString(token, "imta"):
		allowed.add(smtp)
	case equalFoldString(token, "smtps"):
		allowed.add(smtps)
	case equalFoldString(token, "msma"):
		allowed.add(imap)
		allowed.add(pop)
	case isWebToken(token):
		allowed.add(http)
		d.warn("service-web", fmt.Sprintf("service %.200q: http allowed", token))
	default:
		d.warn("service-unknown", fmt.Sprintf("service %.200q is not known: left out", token))
	}
}

// isWebToken knows the spellings of web access that products of the time used.
func isWebToken(token []byte) bool {
	for _, name := range []string{"http", "https", "web", "webaccess", "webmail", "sunwebaccess", "sun-webaccess"} {
		if equalFoldString(token, name) {
			return true
		}
	}
	return false
}

// ouOf returns the value of the first ou in a DN, or the whole text.
func ouOf(dn []byte) []byte {
	for rest := dn; len(rest) > 0; {
		var part []byte
		if i := bytes.IndexByte(rest, ','); i >= 0 {
			part, rest = rest[:i], rest[i+1:]
		} else {
			part, rest = rest, nil
		}
		name, value, ok := bytes.Cut(part, []byte{'='})
		if ok && equalFoldString(bytes.TrimSpace(name), "ou") {
			return bytes.TrimSpace(value)
		}
	}
	return dn
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

func nmsAccess(d *draft, o *ruleOptions) bool {
	const to = schema.MailAllowedServiceAccess
	if d.has(to) {
		d.warn("access-kept", "mailAllowedServiceAccess is there already: nsmsgDisallowAccess and mailAccessDomain dropped")
		d.remove(schema.NsMsgDisallowAccess)
		d.remove(schema.MailAccessDomain)
		return true
	}
	var memory [256]byte
	value := memory[:0]
	if denied := deniedServices(d); denied.n > 0 {
		value = append(value, '-')
		value = denied.appendTo(value)
		value = append(value, ":*"...)
	}
	value = appendAccessDomains(value, d)
	d.remove(schema.NsMsgDisallowAccess)
	d.remove(schema.MailAccessDomain)
	if len(value) > 0 {
		d.setBytes(to, value)
	}
	return true
}

func deniedServices(d *draft) (denied serviceSet) {
	for _, v := range d.values(schema.NsMsgDisallowAccess) {
		eachToken(v, func(token []byte) {
			switch {
			case equalFoldString(token, "pop3"):
				denied.add(pop)
			case equalFoldString(token, "imap4"):
				denied.add(imap)
			case equalFoldString(token, "none"):
			case serviceNamed(string(token)) != noService:
				denied.add(serviceNamed(string(token)))
			default:
				d.warn("service-unknown", fmt.Sprintf("denied service %.200q is not known: left out", token))
			}
		})
	}
	return denied
}

// appendAccessDomains adds the rules for mailAccessDomain. It held for IMAP and POP only, so the
// other services are allowed beside it: an allow rule closes what no rule allows.
func appendAccessDomains(value []byte, d *draft) []byte {
	domains := d.values(schema.MailAccessDomain)
	start := len(value)
	for _, list := range domains {
		eachToken(list, func(client []byte) {
			switch {
			case len(value) > start:
				value = append(value, ',')
			default:
				if start > 0 {
					value = append(value, '$')
				}
				value = append(value, "+imap,imaps,pop,pops:"...)
			}
			value = appendClient(value, client)
		})
	}
	if len(value) > start {
		rule := bytes.TrimPrefix(value[start:], []byte{'$'})
		d.warn("access-domain", fmt.Sprintf("mailAccessDomain is now %.1000s: a name matches the hosts below it, not itself", rule))
		value = append(value, "$+http,smtp,smtps:*"...)
	}
	return value
}

// appendClient writes one client of an access rule. A bare domain matched the hosts below it;
// iMS, as TCP wrappers, wants a dot in front for that. Addresses and wildcards stay.
func appendClient(value, client []byte) []byte {
	if bytes.HasPrefix(client, []byte("*.")) {
		client = client[1:]
	}
	if needsDot(client) {
		value = append(value, '.')
	}
	return append(value, client...)
}

func needsDot(client []byte) bool {
	if client[0] == '.' || client[0] == '*' || bytes.IndexByte(client, ':') >= 0 {
		return false
	}
	for _, word := range []string{"ALL", "LOCAL", "KNOWN", "UNKNOWN", "DNSSPOOFER", "EXCEPT"} {
		if equalFoldString(client, word) {
			return false
		}
	}
	for _, c := range client {
		if (c < '0' || c > '9') && c != '.' && c != '*' && c != '/' {
			return true
		}
	}
	return false // an address, or the beginning of one
}
