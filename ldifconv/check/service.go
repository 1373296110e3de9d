package check

import (
	"fmt"
	"strings"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// serviceRule is one rule of mailAllowedServiceAccess: + or -, services,
// clients.
type serviceRule struct {
	allow    bool
	services []string
	anyone   bool // the rule holds for every client
}

// parseServices reads rules joined by $ (Schema Reference,
// mailAllowedServiceAccess): sign, services, colon, clients.
func parseServices(value string) (rules []serviceRule, ok bool) {
	for _, text := range strings.Split(value, "$") {
		text = strings.TrimSpace(text)
		if text == "" {
			return nil, false
		}
		r := serviceRule{allow: text[0] == '+'}
		if text[0] != '+' && text[0] != '-' {
			return nil, false
		}
		services, clients, found := strings.Cut(text[1:], ":")
		if !found || strings.TrimSpace(clients) == "" {
			return nil, false
		}
		for _, word := range strings.FieldsFunc(strings.ToLower(services), func(c rune) bool { return c == ',' || c == ' ' }) {
			if !knownService[word] {
				return nil, false
			}
			r.services = append(r.services, word)
		}
		if len(r.services) == 0 {
			return nil, false
		}
		word := strings.ToUpper(strings.TrimSpace(clients))
		r.anyone = word == "*" || word == "ALL"
		rules = append(rules, r)
	}
	return rules, true
}

var knownService = map[string]bool{"imap": true, "imaps": true, "pop": true, "pops": true, "pop3": true, "smtp": true, "smtps": true, "http": true, "all": true, "*": true}

func (r *serviceRule) names(service string) bool {
	for _, s := range r.services {
		if s == service || s == "all" || s == "*" || s == "pop3" && service == "pop" {
			return true
		}
	}
	return false
}

// open reports whether some client can use a service: no rule denies it to all,
// and some rule allows it where there is any that allows.
func open(rules []serviceRule, service string) bool {
	allowed, anyAllow := false, false
	for i := range rules {
		r := &rules[i]
		if !r.allow && r.anyone && r.names(service) {
			return false
		}
		anyAllow = anyAllow || r.allow
		allowed = allowed || r.allow && r.names(service)
	}
	return allowed || !anyAllow
}

// services checks the service rules of an entry. The back end knows imap, pop
// and http: imaps and pops alone open nothing there.
func (c *checker) services(id schema.ID, owner bool) {
	c.each(id, func(v ldif.Value, desc []byte) {
		rules, ok := parseServices(string(v.Data))
		if !ok {
			c.find("service-syntax", string(desc), v.Line, fmt.Sprintf("%.200q is no list of service rules", v.Data))
			return
		}
		if open(rules, "imap") || open(rules, "pop") || open(rules, "http") {
			return
		}
		who := "every user of the domain"
		if owner {
			who = "the owner"
		}
		c.find("service-closed", string(desc), v.Line, fmt.Sprintf("%.200q shuts %s out: neither imap nor pop nor http is left", v.Data, who))
	})
}
