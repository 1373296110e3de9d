package check

import (
	"bytes"
	"net/url"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// containers are classes of entries that others lie below.
var containers = []schema.ClassID{schema.ClassDomain, schema.ClassOrganization, schema.ClassOrganizationalUnit}

// flags describes the entry in the index of names.
func (c *checker) flags() (f byte) {
	switch {
	case c.kind == user && c.product != NMS:
		f |= flagUser
	case c.kind == list, c.classes.any(schema.ClassGroupOfUniqueNames, schema.ClassGroupOfNames):
		f |= flagGroup
	}
	if c.classes.any(containers...) {
		f |= flagContainer
	}
	if c.forwards {
		f |= flagForwards
	}
	return f
}

// enterName enters the entry's DN, and that of its parent.
func (c *checker) enterName() {
	key := appendHash(append(c.key[:0], keyName), c.norm)
	key = append(key, byte(isEntry))
	c.val = append(c.val[:0], c.flags())
	c.put(appendNumber(key, c.number), c.val)

	parent, ok := ldif.ParentNormDN(c.norm)
	if !ok || len(parent) == 0 {
		c.root()
		return
	}
	key = append(append(c.key[:0], keyName), c.parents.hash(parent)...)
	key = append(key, byte(isChild))
	c.put(appendNumber(key, c.number), c.val)
}

// root notes a suffix of one RDN.
func (c *checker) root() {
	if len(c.norm) > 0 {
		c.addSuffix(c.norm)
	}
}

// mostSuffixes bounds the suffixes that are remembered; beyond it references
// are taken to lie inside.
const mostSuffixes = 4096

func (c *checker) addSuffix(norm []byte) {
	if len(c.suffixes) < mostSuffixes {
		c.suffixes = append(c.suffixes, bytes.Clone(norm))
	}
}

// parentCache remembers the hash of the parent seen last: siblings come in
// rows.
type parentCache struct {
	name []byte
	sum  [hashSize]byte
}

func (p *parentCache) hash(parent []byte) []byte {
	if !bytes.Equal(p.name, parent) || p.name == nil {
		p.name, p.sum = append(p.name[:0], parent...), hash(parent)
	}
	return p.sum[:]
}

// refKind is one of the codes of references.
type refKind byte

const (
	refMember refKind = iota
	refOwner
	refPerson
	refURL
	refAlias
)

var refCodes = [...]string{refMember: "ref-member", refOwner: "ref-owner", refPerson: "ref-person", refURL: "ref-url", refAlias: "ref-alias"}

// refAttributes are the references of each attribute whose values are DNs.
var refAttributes = map[schema.ID]refKind{
	schema.UniqueMember: refMember, schema.Member: refMember, schema.MailEnhancedUniqueMember: refMember,
	schema.Owner: refOwner, schema.NsDAModifiableBy: refOwner, schema.MemberOf: refOwner, schema.AdminDN: refOwner,
	schema.MgrpDeliverException: refOwner, schema.MemberOfManagedGroup: refOwner, schema.MgmemRefDN: refOwner,
	schema.Manager: refPerson, schema.Secretary: refPerson, schema.SeeAlso: refPerson, schema.AssociatedName: refPerson,
	schema.AliasedObjectName: refAlias, schema.InetDomainBaseDN: refAlias,
	schema.MgrpAllowedBroadcaster: refURL, schema.MgrpDisallowedBroadcaster: refURL, schema.MgrpModerator: refURL,
	schema.MgrpErrorsTo: refURL, schema.MgrpDeliverTo: refURL, schema.AuthorizedSubmitter: refURL,
	schema.UnauthorizedSubmitter: refURL, schema.Moderator: refURL, schema.ErrorsTo: refURL, schema.RequestsTo: refURL,
	schema.MembershipFilter: refURL,
}

// references enters every DN that the entry names.
func (c *checker) references() {
	for i := range c.entry.Attrs {
		a := &c.entry.Attrs[i]
		id := c.ids[i]
		if id == 0 || id >= schema.Count {
			continue
		}
		k, ok := refAttributes[schema.ID(id)]
		if !ok {
			continue
		}
		for _, v := range a.Values {
			dn := v.Data
			switch {
			case k == refURL:
				if dn, ok = urlDN(v.Data); !ok {
					continue
				}
			case schema.ID(id) == schema.MailEnhancedUniqueMember:
				dn = withoutParameters(dn)
			default:
				dn = ldif.WithoutUniqueID(dn)
			}
			c.refer(k, a.Desc, v.Line, dn, c.delivers(k, schema.ID(id), v.Data))
		}
	}
}

// refer enters one DN. What is no DN is a matter of syntax, not of reference.
func (c *checker) refer(k refKind, desc []byte, line int, dn []byte, delivers bool) {
	norm, err := ldif.AppendNormDN(nil, dn)
	if err != nil || len(norm) == 0 {
		return
	}
	c.findings++
	key := appendHash(append(c.key[:0], keyName), norm)
	key = append(key, byte(isReferr))
	key = appendNumber(appendNumber(key, c.number), uint64(c.findings))
	flags := c.flags()
	if delivers {
		flags |= flagDelivers
	}
	c.val = append(c.val[:0], byte(k), flags)
	c.val = appendUvarint(c.val, uint64(line))
	c.val = append(append(c.val, desc...), 0)
	c.val = append(c.val, clip(bytes.TrimSpace(dn), longestName)...)
	c.put(key, c.val)
}

// urlDN returns the DN of an LDAP URL of this directory, with two slashes as
// SIMS and NMS wrote it or three; ok is false for anything else, and for the
// URL of another server.
func urlDN(value []byte) (dn []byte, ok bool) {
	const scheme = "ldap://"
	value = bytes.TrimSpace(value)
	if len(value) < len(scheme) || !bytes.EqualFold(value[:len(scheme)], []byte(scheme)) {
		return nil, false
	}
	rest := value[len(scheme):]
	if i := bytes.IndexByte(rest, '/'); i >= 0 && bytes.IndexByte(rest[:i], '=') < 0 {
		if len(bytes.TrimSpace(rest[:i])) > 0 {
			return nil, false
		}
		rest = rest[i+1:]
	}
	if i := bytes.IndexByte(rest, '?'); i >= 0 {
		rest = rest[:i]
	}
	if bytes.IndexByte(rest, '%') >= 0 {
		if plain, err := url.PathUnescape(string(rest)); err == nil {
			rest = []byte(plain)
		}
	}
	rest = bytes.TrimSpace(rest)
	return rest, bytes.IndexByte(rest, '=') > 0
}

// withoutParameters cuts what mailEnhancedUniqueMember has behind its DN: from
// the first % on behind which no further part of a name comes.
func withoutParameters(value []byte) []byte {
	i := bytes.IndexByte(value, '%')
	for i >= 0 {
		tail := value[i:]
		if open := bytes.IndexByte(tail, '('); open >= 0 {
			tail = tail[:open]
		}
		if bytes.IndexByte(tail, '=') < 0 {
			return bytes.TrimRight(value[:i], " \t")
		}
		next := bytes.IndexByte(value[i+1:], '%')
		if next < 0 {
			break
		}
		i += next + 1
	}
	return value
}
