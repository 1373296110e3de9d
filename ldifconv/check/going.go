package check

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// isForwarding reports whether mail of a user or list goes on to its
// mailForwardingAddress. In NMS that the address is there is enough; in SIMS
// and iMS the delivery options say so.
func (c *checker) isForwarding() bool {
	if c.kind != user && c.kind != list || !c.has(schema.MailForwardingAddress) {
		return false
	}
	if c.product == NMS {
		return true
	}
	found := false
	c.each(schema.MailDeliveryOption, func(v ldif.Value, _ []byte) {
		found = found || lowerString(string(v.Data)) == "forward"
	})
	return found
}

// goesBy reports whether mail of the entry goes on to the addresses in an
// attribute.
func (c *checker) goesBy(id schema.ID) bool {
	switch id {
	case schema.MailForwardingAddress:
		return c.forwards
	case schema.MgrpRFC822MailMember, schema.RFC822MailMember, schema.MgrpModerator, schema.Moderator:
		return c.kind == list
	}
	return false
}

// delivers reports whether mail of the entry goes on to the entry that a value
// names: a member, or a URL of a list that stands for the entry at its base.
func (c *checker) delivers(k refKind, id schema.ID, value []byte) bool {
	switch {
	case k == refMember:
		return c.flags()&flagGroup != 0
	case c.kind != list:
		return false
	}
	switch id {
	case schema.MgrpDeliverTo, schema.MembershipFilter, schema.MgrpModerator, schema.Moderator:
		parts := strings.SplitN(string(value), "?", 4) // base, attributes, scope, filter
		return len(parts) < 3 || parts[2] == "" || strings.EqualFold(parts[2], "base")
	}
	return false
}

// enterGoing keeps an address that mail of the entry goes on to.
func (c *checker) enterGoing(address, desc []byte) {
	c.findings++
	if c.err == nil {
		c.err = c.spool.add(going{c.number, uint64(c.findings), c.flags(), desc, address})
	}
}

// enterOwn enters the addresses of an entry whose mail goes on.
func (c *checker) enterOwn(own map[string]bool) {
	for _, address := range slices.Sorted(maps.Keys(own)) {
		prefix := byte(keyGoes)
		if strings.HasPrefix(address, "@") {
			prefix, c.catchAlls = keyCatch, true
		}
		c.owned.Put(index.Hash([]byte(address)))
		c.put(appendSide(appendHash(append(c.key[:0], prefix), []byte(address)), hasAddress, c.number, 0), nil)
	}
}

// spooled enters the addresses that mail goes on to of which an entry whose
// mail goes on may be the owner, by the address or by that of its domain.
func (c *checker) spooled() error {
	n := 0
	return c.spool.each(func(g *going) error {
		if n++; n%4096 == 0 {
			if err := errors.Join(c.err, c.ctx.Err()); err != nil {
				return err
			}
		}
		if at := bytes.LastIndexByte(g.address, '@'); !c.owned.Has(index.Hash(g.address)) && (at < 0 || !c.catchAlls || !c.owned.Has(index.Hash(g.address[at:]))) {
			return nil
		}
		c.val = append(append(append(c.val[:0], g.flags), g.desc...), 0)
		c.val = append(c.val, clip(g.address, longestText)...)
		c.put(appendSide(appendHash(append(c.key[:0], keyGoes), g.address), goesTo, g.number, g.n), c.val)
		return nil
	})
}

func appendSide(key []byte, s side, number, n uint64) []byte {
	return appendNumber(appendNumber(append(key, byte(s)), number), n)
}

// enterEdge enters that mail of an entry goes on to another. flags are those of
// the first; address is "" where it goes by the name of the other.
func (c *checker) enterEdge(from, to uint64, flags byte, attr, address string) {
	c.val = append(append(append(append(c.val[:0], flags), attr...), 0), address...)
	c.put(appendNumber(appendNumber(append(c.key[:0], keyEdge), from), to), c.val)
}

// goings finds the entries that mail goes on to by address: the one that has
// the address, or else the one that has all addresses of the domain. Of two
// with one address, which is a finding of its own, it is the first.
func (c *checker) goings() error {
	err := c.meet(keyGoes, func(key, value []byte) error {
		if !c.catchAlls {
			return nil
		}
		prefix := append([]byte{keyMail}, key[1:1+hashSize]...)
		if _, _, somebody, err := c.store.Next(prefix, prefix); somebody || err != nil {
			return err // a user whose mail goes nowhere else
		}
		_, address := cutZero(value[1:])
		at := strings.LastIndexByte(address, '@')
		if at < 0 || len(address) >= longestText {
			return nil
		}
		number, n := numberAt(key[2+hashSize:]), numberAt(key[10+hashSize:])
		c.put(appendSide(appendHash(append(c.key[:0], keyCatch), []byte(address[at:])), goesTo, number, n), value)
		return nil
	})
	if err != nil || !c.catchAlls {
		return err
	}
	return errors.Join(c.err, c.meet(keyCatch, func(_, _ []byte) error { return nil }))
}

// meet enters an edge from each entry whose mail goes on to an address to the
// first that has it, and calls nobody for those to an address that none has.
func (c *checker) meet(prefix byte, nobody func(key, value []byte) error) error {
	var group []byte
	var owner uint64 // the first of the group; 0 without one
	return c.scan(prefix, func(key, value []byte) error {
		number := numberAt(key[2+hashSize:])
		if !bytes.Equal(key[1:1+hashSize], group) {
			group, owner = append(group[:0], key[1:1+hashSize]...), 0
		}
		if side(key[1+hashSize]) == hasAddress {
			if owner == 0 {
				owner = number
			}
			return nil
		}
		if owner == 0 {
			return nobody(key, value)
		}
		attr, address := cutZero(value[1:])
		c.enterEdge(number, owner, value[0], attr, address)
		return nil
	})
}
