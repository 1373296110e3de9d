package site

import "strings"

// Side says where a mail user lives.
type Side int

const (
	OldSide   Side = iota // on the host that is left, or on none that is named
	NewSide               // moved already
	ThirdSide             // on a host that has no part in this
)

// Side says where the users of a mailHost live, "" being an entry without one.
// Without a name of the old host every host but the new one is taken for it.
func (h *Hosts) Side(name string) Side {
	switch {
	case name == "":
		return OldSide
	case sameHost(name, h.New) && !sameHost(name, h.Old):
		return NewSide
	case h.Old != "" && !sameHost(name, h.Old):
		return ThirdSide
	}
	return OldSide
}

// MailHost is the host that the values of an entry's mailHost name, "" for
// none.
func MailHost(values [][]byte) string {
	if len(values) == 0 {
		return ""
	}
	return strings.TrimSpace(string(values[0]))
}

// sameHost compares names of hosts.
func sameHost(a, b string) bool {
	return a != "" && strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}
