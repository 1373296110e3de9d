package schema

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// AttributeType is one attribute of a Set.
type AttributeType struct {
	Names  []string // the first is the canonical one
	OID    string
	Syntax Syntax
	Time   bool // values are points in time
	Loose  bool // values may carry more than the syntax allows

	// Single: a server takes one value. OneInIMS: iMS takes one, whatever
	// an older product took.
	Single, OneInIMS bool
	Operational      bool // maintained by the server
	Origin           Origin

	// Placeholder: no public source gives the identifier, see
	// [Placeholder].
	Placeholder bool
	// Reason says why the definition is as it is where the products clash.
	Reason string

	secret  bool // see [Secret]
	builtin bool // compiled into OpenLDAP's slapd
	nameOID bool // Netscape's own files give "NAME-oid" for an identifier
}

// Name is the canonical name.
func (a *AttributeType) Name() string { return a.Names[0] }

// ClassType is one class of a Set.
type ClassType struct {
	Names     []string
	OID       string
	Kind      Kind
	KindKnown bool     // false for a class of a file that knows no kinds
	Superiors []string // none: top
	Must, May []string
	Origin    Origin

	Placeholder bool
	Reason      string
}

// Name is the canonical name.
func (c *ClassType) Name() string { return c.Names[0] }

// Set is a schema: the table of this package, with the definitions of a site
// added. It is built once and then safe for concurrent use.
type Set struct {
	attrs      []AttributeType // by number; number 0 is no attribute
	classes    []ClassType     // by number; number 0 is no class
	attrNames  map[string]int  // every name and identifier, in lower case
	classNames map[string]int
}

// Merged returns the table as a Set: one definition a name for SIMS, NMS and
// iMS together. The numbers of its attributes are those of [ID], of its classes
// those of [ClassID].
func Merged() *Set {
	s := &Set{
		attrs: make([]AttributeType, 1, Count), classes: make([]ClassType, 1, ClassCount),
		attrNames: map[string]int{}, classNames: map[string]int{},
	}
	for id := None + 1; id < count; id++ {
		s.addAttribute(tableAttribute(id))
	}
	for id := NoClass + 1; id < classCount; id++ {
		s.addClass(tableClass(id))
	}
	return s
}

func tableAttribute(id ID) AttributeType {
	a := &attributes[id]
	t := AttributeType{
		Names: append([]string{a.Name}, a.Aliases...), OID: a.OID, Syntax: a.Syntax, Time: timeAttributes[id], Loose: a.loose,
		Single: a.Single && !a.WasMulti, OneInIMS: a.Single, Operational: a.Operational, Origin: a.Origin,
		Reason: attributeReasons[id], secret: Secret(id), builtin: a.builtin, nameOID: nameOIDs[id],
	}
	if t.Reason == "" && a.WasMulti && (a.Origin == NMS || a.Origin == IMS) {
		t.Reason = "an older product took several values and iMS takes one: several are allowed until the upgrade is done"
	}
	if isPlaceholder(a.OID) {
		t.OID, t.Placeholder = Placeholder(a.Name), true
	}
	return t
}

func tableClass(id ClassID) ClassType {
	c := &classes[id]
	o := ClassType{Names: []string{c.Name}, OID: c.OID, Kind: c.Kind, KindKnown: true, Origin: c.Origin, Reason: classReasons[id]}
	if c.Superior != "" {
		o.Superiors = []string{c.Superior}
	}
	for _, a := range c.Must {
		o.Must = append(o.Must, Name(a))
	}
	for _, a := range c.May {
		o.May = append(o.May, Name(a))
	}
	if isPlaceholder(c.OID) {
		o.OID, o.Placeholder = Placeholder(c.Name), true
	}
	return o
}

func (s *Set) addAttribute(a AttributeType) {
	a.Names = slices.Clip(a.Names) // what is appended to them is this Set's own
	s.attrs = append(s.attrs, a)
	addNames(s.attrNames, append([]string{a.OID}, a.Names...), len(s.attrs)-1)
}

func (s *Set) addClass(c ClassType) {
	s.classes = append(s.classes, c)
	addNames(s.classNames, append([]string{c.OID}, c.Names...), len(s.classes)-1)
}

// addNames enters names that are free.
func addNames(table map[string]int, names []string, at int) {
	for _, name := range names {
		if key := strings.ToLower(name); name != "" && table[key] == 0 {
			table[key] = at
		}
	}
}

// Attributes returns the definitions, those of the table first. The caller must
// not change what they point to.
func (s *Set) Attributes() []AttributeType { return s.attrs[1:] }

// Classes returns the definitions, superiors of the table before the classes
// below them.
func (s *Set) Classes() []ClassType { return s.classes[1:] }

// Attribute returns the number of the attribute that name, without options,
// means, and 0 for none. A number below [Count] is an [ID].
func (s *Set) Attribute(name []byte) int { return lookupFold(s.attrNames, trimOID(name)) }

// AttributeType returns the definition with a number.
func (s *Set) AttributeType(number int) *AttributeType { return &s.attrs[number] }

// Class returns the number of the class that name means, and 0 for none. A
// number below [ClassCount] is a [ClassID].
func (s *Set) Class(name []byte) int { return lookupFold(s.classNames, trimOID(bytes.TrimSpace(name))) }

// ClassType returns the definition with a number.
func (s *Set) ClassType(number int) *ClassType { return &s.classes[number] }

// lookupFold looks a name up without regard to case. It does not allocate for
// names of usual length.
func lookupFold(table map[string]int, name []byte) int {
	var room [64]byte
	key := room[:0]
	for _, c := range name {
		key = append(key, lowerASCII(c))
	}
	return table[string(key)]
}

// Definitions are what a file of a site defines.
type Definitions struct {
	Attributes []AttributeType
	Classes    []ClassType
}

// Add merges definitions of a site into s. A new name is added. A known
// attribute stays as it is, but for what the site's takes beyond it; a known
// class allows the union of both and requires what both require. notes tells
// what was merged, one line each.
func (s *Set) Add(d Definitions) (notes []string) {
	for i := range d.Attributes {
		if note := s.mergeAttribute(&d.Attributes[i]); note != "" {
			notes = append(notes, note)
		}
	}
	for i := range d.Classes {
		if note := s.mergeClass(&d.Classes[i]); note != "" {
			notes = append(notes, note)
		}
	}
	return notes
}

// known returns the number under which one of the names is known.
func known(table map[string]int, names []string) int {
	for _, name := range names {
		if at := table[strings.ToLower(name)]; at != 0 {
			return at
		}
	}
	return 0
}

func (s *Set) mergeAttribute(a *AttributeType) string {
	at := known(s.attrNames, a.Names)
	if at == 0 {
		if other := s.attrNames[strings.ToLower(a.OID)]; other != 0 {
			addNames(s.attrNames, a.Names, other)
			s.attrs[other].Names = append(s.attrs[other].Names, a.Names...)
			return fmt.Sprintf("attribute %s has the identifier of %s: taken for another name of it", a.Name(), s.attrs[other].Name())
		}
		s.addAttribute(*a)
		return ""
	}
	was := &s.attrs[at]
	var says []string
	if !strings.EqualFold(a.OID, was.OID) && !strings.HasSuffix(strings.ToLower(a.OID), "-oid") {
		if was.Placeholder {
			was.OID, was.Placeholder = a.OID, false
			addNames(s.attrNames, []string{a.OID}, at)
			says = append(says, "its identifier is the site's")
		} else {
			says = append(says, fmt.Sprintf("the site's identifier %s gives way to %s", a.OID, was.OID))
		}
	}
	if was.Single && !a.Single {
		was.Single = false
		says = append(says, "several values, as the site has it")
	}
	if a.Syntax != was.Syntax && !was.Loose {
		says = append(says, fmt.Sprintf("syntax %s, where the site has %s", was.Syntax, a.Syntax))
	}
	for _, name := range a.Names {
		if s.attrNames[strings.ToLower(name)] == 0 {
			was.Names = append(was.Names, name)
			addNames(s.attrNames, []string{name}, at)
		}
	}
	return mergeNote(&was.Reason, "attribute", was.Name(), says)
}

// longestReason is the length in bytes above which the reason of a definition
// takes no more: a file may have it any number of times. The notes have all.
const longestReason = 4 << 10

func mergeNote(reason *string, what, name string, says []string) string {
	if len(says) == 0 {
		return ""
	}
	text := strings.Join(says, "; ")
	if len(*reason) <= longestReason {
		*reason = strings.TrimPrefix(*reason+"; "+text, "; ")
	}
	return fmt.Sprintf("%s %s: %s", what, name, text)
}

func (s *Set) mergeClass(c *ClassType) string {
	at := known(s.classNames, c.Names)
	if at == 0 {
		s.addClass(*c)
		return ""
	}
	was := &s.classes[at]
	var says []string
	if !strings.EqualFold(c.OID, was.OID) && !strings.HasSuffix(strings.ToLower(c.OID), "-oid") {
		if was.Placeholder {
			was.OID, was.Placeholder = c.OID, false
			addNames(s.classNames, []string{c.OID}, at)
			says = append(says, "its identifier is the site's")
		} else {
			says = append(says, fmt.Sprintf("the site's identifier %s gives way to %s", c.OID, was.OID))
		}
	}
	must := s.both(was.Must, c.Must)
	may, have := slices.Clone(was.May), s.names(must, was.May)
	for _, name := range slices.Concat(was.Must, c.Must, c.May) {
		if key := s.nameKey(name); !have[key] && !strings.EqualFold(name, "objectclass") {
			may, have[key] = append(may, name), true
		}
	}
	if len(must) != len(was.Must) {
		says = append(says, "requires what both require")
	}
	switch n := len(may) - len(was.May); {
	case n == 1:
		says = append(says, "allows 1 more attribute")
	case n > 1:
		says = append(says, fmt.Sprintf("allows %d more attributes", n))
	}
	was.Must, was.May = must, may
	return mergeNote(&was.Reason, "class", was.Name(), says)
}

// both returns the names that are in a and in b.
func (s *Set) both(a, b []string) (list []string) {
	have := s.names(b)
	for _, name := range a {
		if have[s.nameKey(name)] || strings.EqualFold(name, "objectclass") {
			list = append(list, name)
		}
	}
	return list
}

// names are the attributes that the lists name, by nameKey.
func (s *Set) names(lists ...[]string) map[string]bool {
	have := map[string]bool{}
	for _, list := range lists {
		for _, name := range list {
			have[s.nameKey(name)] = true
		}
	}
	return have
}

// nameKey is equal for the names of one attribute.
func (s *Set) nameKey(name string) string {
	name = strings.ToLower(name)
	if at := s.attrNames[name]; at != 0 {
		return strings.ToLower(s.attrs[at].Name())
	}
	return name
}

// Only returns the part of s that the products named brought, with the
// attributes that their classes need. Standard definitions are left out unless
// standard is set.
func (s *Set) Only(origins []Origin, standard bool) *Set {
	out := &Set{attrs: make([]AttributeType, 1), classes: make([]ClassType, 1), attrNames: map[string]int{}, classNames: map[string]int{}}
	wanted := map[int]bool{}
	for i := 1; i < len(s.classes); i++ {
		c := &s.classes[i]
		if !belongs(c.Origin, origins, standard) && !(slices.Contains(origins, SIMS) && sharedWithSIMS[ClassID(i)]) {
			continue
		}
		out.addClass(*c)
		for _, name := range slices.Concat(c.Must, c.May) {
			wanted[s.attrNames[strings.ToLower(name)]] = true
		}
	}
	for i := 1; i < len(s.attrs); i++ {
		a := &s.attrs[i]
		if belongs(a.Origin, origins, standard) || wanted[i] && (a.Origin != Standard || standard) {
			out.addAttribute(*a)
		}
	}
	return out
}

func belongs(o Origin, origins []Origin, standard bool) bool {
	if o == Standard {
		return standard
	}
	return o == Site || slices.Contains(origins, o)
}

// sharedWithSIMS are classes of iMS whose names SIMS 4.0 had too.
var sharedWithSIMS = map[ClassID]bool{ClassInetMailUser: true, ClassInetMailGroup: true, ClassInetSubscriber: true, ClassInetDomain: true}

// timeAttributes hold points in time, whatever their syntax says.
var timeAttributes = map[ID]bool{
	CreateTimestamp: true, ModifyTimestamp: true, PasswordExpirationTime: true, RetryCountResetTime: true,
	AccountUnlockTime: true, PasswordAllowChangeTime: true, VacationStartDate: true, VacationEndDate: true,
	MailAutoReplyStartDate: true, MailAutoReplyExpirationDate: true,
}

// nameOIDs are attributes to which Netscape's own files, and those of its
// heirs, give no number: their servers know them as "NAME-oid", and refuse
// another identifier. OpenLDAP takes numbers only.
var nameOIDs = map[ID]bool{MgrpApprovePassword: true, NsMsgNumMsgQuota: true, NsMsgDisallowAccess: true}

// attributeReasons say why one definition stands where the products clash.
var attributeReasons = map[ID]string{
	Mail:                    "SIMS and iMS take one address, Directory Server 4 several: several are allowed until the upgrade is done; rfc822Mailbox is another name of it, as in Directory Server 4",
	MailAutoReplyText:       "SIMS gave it 1.3.6.1.4.1.42.2.27.2.1.26: a server takes a name once, the identifier of Netscape and iMS stands",
	MailDeliveryOption:      "SIMS gave it 1.3.6.1.4.1.42.2.27.2.1.29 (users) and .13 (lists): the identifier of Netscape and iMS stands",
	MailForwardingAddress:   "SIMS gave it 1.3.6.1.4.1.42.2.27.2.1.31: the identifier of Netscape and iMS stands",
	MailMessageStore:        "SIMS gave it 1.3.6.1.4.1.42.2.27.2.1.32 and meant a directory, iMS means a partition: the identifier of Netscape and iMS stands",
	MailProgramDeliveryInfo: "SIMS gave it 1.3.6.1.4.1.42.2.27.2.1.33 (users) and .14 (lists): the identifier of Netscape and iMS stands",
	MailQuota:               "SIMS gave it 1.3.6.1.4.1.42.2.27.2.1.34 and writes suffixes, iMS an integer: a string, under the identifier of Netscape and iMS",
	MailRoutingAddress:      "the files of Directory Server 4 give it .47, which ntGroupType has too: .24, as its heir has it",
	MultiLineDescription:    "SIMS gave it 1.3.6.1.4.1.42.2.27.2.1.19: the identifier of Netscape's servers stands",
	MgrpBroadcasterPolicy:   "one value in Directory Server 4.0, several from 4.1 on: several",
	MailDeliveryFile:        "SIMS had two identifiers, for users and for lists: one stands",
}

// classReasons are attributeReasons for classes.
var classReasons = map[ClassID]string{
	ClassInetMailUser:           "SIMS gave the name 1.3.6.1.4.1.42.2.27.2.2.3: the identifier of iMS stands, with the attributes of both",
	ClassInetMailGroup:          "SIMS and iMS share name and identifier: the attributes of both",
	ClassInetSubscriber:         "SIMS gave the name 1.3.6.1.4.1.42.2.27.3.2.1 and required uid: the identifier of iMS stands, with the attributes of both",
	ClassInetLocalMailRecipient: "OpenLDAP's misc.schema has another class of this name and identifier, without mail and mailAlternateAddress: do not load both",
	ClassNsMessagingServerUser:  "the identifier lacks the .1. of Netscape's arc in Netscape's own files",
	ClassGroupOfUniqueNames:     "Directory Server 4 requires no member, RFC 2256 one",
}
