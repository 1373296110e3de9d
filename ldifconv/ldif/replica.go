package ldif

import "bytes"

// What replication between Directory Servers leaves in an export: options of
// descriptions (db2ldif -r), and entries that only a server understands.

// ReplicaState is what an option of a description says of replication.
type ReplicaState uint8

// The states: none; the time of a change (mail;vucsn-38f5d5d1000000010000); and
// that the value, or the attribute, is gone and kept for its time alone.
const (
	NoState ReplicaState = iota
	ChangeTime
	Deleted
)

// StateOfOption tells the state that an option, without its semicolon, is of.
func StateOfOption(option []byte) ReplicaState {
	if bytes.EqualFold(option, []byte("deleted")) || bytes.EqualFold(option, []byte("deletedattribute")) {
		return Deleted
	}
	if len(option) > len("vucsn-") && (option[0]|0x20 == 'v' || option[0]|0x20 == 'm' || option[0]|0x20 == 'a') {
		for _, prefix := range [...]string{"vucsn-", "vdcsn-", "mdcsn-", "adcsn-"} {
			if bytes.EqualFold(option[:len(prefix)], []byte(prefix)) {
				return ChangeTime
			}
		}
	}
	return NoState
}

// StateOf tells the state that the options of a description are of: Deleted
// where one of them is, else ChangeTime where one is.
func StateOf(desc []byte) (state ReplicaState) {
	_, rest, more := bytes.Cut(desc, []byte{';'})
	for more {
		var option []byte
		option, rest, more = bytes.Cut(rest, []byte{';'})
		state = max(state, StateOfOption(option))
	}
	return state
}

// InLanguages reports whether the options of a description, but for those of
// replication, are language tags (RFC 2596), as they are where there are none.
func InLanguages(desc []byte) bool {
	_, options, _ := bytes.Cut(desc, []byte{';'})
	for option := range bytes.SplitSeq(options, []byte{';'}) {
		const tag = "lang-"
		language := len(option) > len(tag) && bytes.EqualFold(option[:len(tag)], []byte(tag))
		if len(option) > 0 && !language && StateOfOption(option) == NoState {
			return false
		}
	}
	return true
}

// OfServer tells an entry that only a server makes and knows what to do with: a
// tombstone, what is left of a deleted entry; or one of two that replication
// found under one name, which has nsuniqueid in its own or an attribute
// nsds5ReplConflict. What replication marks as gone does not count.
func OfServer(e *Entry) (tombstone, conflict bool) {
	for i := range e.Attrs {
		desc := e.Attrs[i].Desc
		if len(desc) < len(classes) || desc[0]|0x20 != 'o' && desc[0]|0x20 != 'n' {
			continue // most attributes are told from both here
		}
		switch name := e.Attrs[i].Name(); {
		case len(name) == len(conflicts) && bytes.EqualFold(name, []byte(conflicts)):
			conflict = conflict || StateOf(desc) != Deleted
		case len(name) == len(classes) && bytes.EqualFold(name, []byte(classes)) && StateOf(desc) != Deleted:
			for _, v := range e.Attrs[i].Values {
				tombstone = tombstone || isTombstone(v.Data)
			}
		}
	}
	return tombstone, conflict || namedByServer(e.DN)
}

// classes and conflicts are the attributes that OfServer looks at.
const (
	classes   = "objectClass"
	conflicts = "nsds5ReplConflict"
)

// isTombstone reports whether a value of objectClass is nsTombstone, with
// blanks around it or without.
func isTombstone(class []byte) bool {
	const name = "nsTombstone"
	if len(class) < len(name) || class[0] > ' ' && class[0]|0x20 != 'n' {
		return false // of most classes
	}
	return bytes.EqualFold(bytes.TrimSpace(class), []byte(name))
}

// namedByServer tells a DN whose first part has nsuniqueid in it.
func namedByServer(dn []byte) bool {
	const name = "nsuniqueid"
	if bytes.IndexByte(dn, 'q') < 0 && bytes.IndexByte(dn, 'Q') < 0 {
		return false // most names are told from it here
	}
	rdn, _ := CutRDN(dn)
	for at := 0; at+len(name) <= len(rdn); at++ {
		if !bytes.EqualFold(rdn[at:at+len(name)], []byte(name)) {
			continue
		}
		for _, n := range NamingOf(rdn) {
			if bytes.EqualFold([]byte(n.Type), []byte(name)) {
				return true
			}
		}
		return false
	}
	return false
}
