package ldifconv

import (
	"slices"
	"strings"
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

// Services are the names of the services that an access rule can open.
func Services() []string { return slices.Clone(serviceNames[:]) }

// mailServices are the services that a SIMS user could be given: one with all
// of them is not restricted. allServices are those that iMS knows.
const (
	mailServices = 1<<imap | 1<<imaps | 1<<pop | 1<<pops | 1<<smtp | 1<<smtps
	allServices  = mailServices | 1<<http
)

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

func servicesOf(mask uint8) (s serviceSet) {
	for v := imap; v < noService; v++ {
		if mask&(1<<v) != 0 {
			s.add(v)
		}
	}
	return s
}

func (s *serviceSet) has(v service) bool { return s.mask&(1<<v) != 0 }

func (s *serviceSet) add(v service) {
	if v < noService && !s.has(v) {
		s.list[s.n] = v
		s.n++
		s.mask |= 1 << v
	}
}

func (s *serviceSet) addAll(t serviceSet) {
	for _, v := range t.list[:t.n] {
		s.add(v)
	}
}

// sorted is the set in the order of serviceNames.
func (s *serviceSet) sorted() serviceSet { return servicesOf(s.mask) }

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

// String is the set as a list for people.
func (s *serviceSet) String() string {
	var names []string
	for _, v := range s.list[:s.n] {
		names = append(names, serviceNames[v])
	}
	return strings.Join(names, ", ")
}

// missing are the services that are not in the set.
func (s *serviceSet) missing() serviceSet { return servicesOf(allServices &^ s.mask) }

// withoutPlain are the plain services, imap and pop, that the set lacks though
// it has their TLS form. The back end knows the plain names alone: it sees the
// proxy's connection, not the user's.
func (s *serviceSet) withoutPlain() (plain serviceSet) {
	if s.has(imaps) && !s.has(imap) {
		plain.add(imap)
	}
	if s.has(pops) && !s.has(pop) {
		plain.add(pop)
	}
	return plain
}
