package sims

import (
	"fmt"
	"slices"
	"strings"

	"imsconv/storeconv/ims"
)

// Kind is what a member is.
type Kind uint8

// The kinds of members.
const (
	User    Kind = iota + 1 // a directory of one component
	Mailbox                 // a directory of several components
	Message                 // a regular file
	Link                    // a later copy of a message
)

var kindNames = [...]string{User: "user", Mailbox: "mailbox", Message: "message", Link: "link"}

// String returns the kind as a word, such as "message".
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k]
}

// Attr is a pax record.
type Attr struct{ Key, Value string }

// Member is one member of a stream. A Reader gives the same Member again and
// again: Clone what must outlive the next call.
type Member struct {
	Kind    Kind
	Offset  int64  // of its first header block in the uncompressed stream
	Data    int64  // offset of the body
	Name    string // as in the stream, without a final slash
	User    string // first component of Name
	Mailbox string // the components between User and UID; "" for a user
	UID     uint32 // messages and links
	Size    int64  // of the body in bytes; 0 for all but messages
	Time    int64  // modification time, seconds since 1970
	NoTime  bool   // Time is not the message's: another one takes its place; not written
	Link    string // links: the member name of the first copy
	Carried int64  // links: size of the data that one brings along, read as a body is; not written

	Flags       string // SIMS.flags, less what cannot be a flag or a keyword
	SHA256      string // messages: of the body, 64 hexadecimal digits; "": not said
	Quota       int64  // bytes, if HasQuota
	HasQuota    bool
	UIDValidity uint32 // 0: not said
	UIDNext     uint32 // 0: not said
	MadeUIDs    uint32 // UIDs from here on were given while the source was read, and name nothing; 0: none
	Subscribed  int8   // -1: not said
	Keywords    string // blank-separated
	ACL         string // identifier TAB rights, lines
	Unknown     []Attr // SIMS. keys that are not known
}

// Clone returns a copy of the member that stays valid.
func (m *Member) Clone() *Member {
	c := *m
	c.Unknown = slices.Clone(m.Unknown)
	return &c
}

// Header is what the global header of a stream says.
type Header struct {
	Profile string // "" in a plain tar
	Product string
	Host    string
	Date    int64 // seconds since 1970, not before; a Writer takes one above 0 without HasDate too
	HasDate bool  // Date is said, 0 too
	Unknown []Attr
}

// maxDisplay bounds a name in a message, in bytes.
const maxDisplay = 200

// DisplayName returns a name for messages: as it is when it is printable and
// short, otherwise quoted and cut.
func DisplayName(name string) string {
	cut := ""
	if len(name) > maxDisplay {
		name, cut = name[:maxDisplay], "..."
	}
	for i := 0; i < len(name); i++ {
		if name[i] < 0x20 || name[i] > 0x7e || name[i] == '"' {
			return fmt.Sprintf("%q", name) + cut
		}
	}
	return name + cut
}

// MaxName bounds a member name, in bytes.
const MaxName = 4096

// NameFault says why the profile forbids a member name; "" is nothing.
func NameFault(name string) string { return checkName(name) }

// checkName reports why the profile forbids a member name.
func checkName(name string) string {
	switch {
	case name == "":
		return "empty name"
	case len(name) > MaxName:
		return fmt.Sprintf("name of %d bytes, at most %d are allowed", len(name), MaxName)
	case name[0] == '/':
		return "absolute name"
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; c < 0x20 || c == 0x7f {
			return fmt.Sprintf("name holds the control byte %#02x", c)
		}
	}
	start := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		switch part := name[start:i]; part {
		case "":
			return "empty component in the name"
		case ".", "..":
			return fmt.Sprintf("component %q in the name", part)
		}
		start = i + 1
	}
	return ""
}

// split fills User, Mailbox and UID from Name and reports why it cannot.
func (m *Member) split() string {
	user, rest, ok := strings.Cut(m.Name, "/")
	m.User = user
	if m.Kind == User || m.Kind == Mailbox {
		m.Kind = User
		if ok {
			m.Kind, m.Mailbox = Mailbox, rest
		}
		return ""
	}
	i := strings.LastIndexByte(rest, '/')
	if i < 0 {
		return "message outside a mailbox"
	}
	m.Mailbox = rest[:i]
	uid, ok := ims.ParseUID(rest[i+1:])
	if !ok {
		return fmt.Sprintf("%q is not a uid", DisplayName(rest[i+1:]))
	}
	m.UID = uid
	return ""
}

// SplitName takes the name of a message apart. ok is false when it is not one.
func SplitName(name string) (user, mailbox string, uid uint32, ok bool) {
	m := Member{Kind: Message, Name: name}
	if checkName(name) != "" || m.split() != "" {
		return "", "", 0, false
	}
	return m.User, m.Mailbox, m.UID, true
}
