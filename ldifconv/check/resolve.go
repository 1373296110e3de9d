package check

import (
	"bytes"
	"errors"
	"fmt"

	"imsconv/ldifconv/ldif"
)

// resolve settles what takes the whole directory.
func (c *checker) resolve() error {
	for _, step := range []func() error{
		c.store.Flush, c.names, c.lostReferences, c.sameMail, c.sameUID, c.sameUIDInDomain, c.uidDomains, c.spooled, c.goings, c.loops, c.store.Flush,
	} {
		if err := step(); err != nil {
			return err
		}
		if c.err != nil {
			return c.err
		}
	}
	return nil
}

// scan is Store.Scan that ends when the run is cancelled.
func (c *checker) scan(prefix byte, use func(key, value []byte) error) error {
	n := 0
	return c.store.Scan([]byte{prefix}, func(key, value []byte) error {
		if n++; n%4096 == 0 {
			if err := errors.Join(c.err, c.ctx.Err()); err != nil {
				return err
			}
		}
		return use(key, value)
	})
}

// nameGroup is what the index knows of one DN.
type nameGroup struct {
	hash     [hashSize]byte
	entry    uint64 // 0: nobody has the DN
	flags    byte
	children int64
	child    uint64 // the first
	users    int64  // children that are users
	user     uint64 // the first of them
	// A container is a child without any entry above it.
	childFlags byte
}

// names walks over all DNs: entries with the same, parents and referents that
// are nowhere, users outside any domain.
func (c *checker) names() error {
	var g nameGroup
	err := c.scan(keyName, func(key, value []byte) error {
		h := [hashSize]byte(key[1 : 1+hashSize])
		if h != g.hash {
			if err := c.endName(&g); err != nil {
				return err
			}
			g = nameGroup{hash: h}
		}
		number := numberAt(key[2+hashSize:])
		switch role(key[1+hashSize]) {
		case isEntry:
			if g.entry != 0 {
				return c.sameName(g.entry, number)
			}
			g.entry, g.flags = number, value[0]
		case isChild:
			c.childOf(&g, number, value[0])
		case isReferr:
			c.referr(&g, number, key, value)
		}
		return nil
	})
	return errors.Join(err, c.endName(&g))
}

func (c *checker) sameName(first, number uint64) error {
	p, err := c.place(first)
	if err == nil {
		c.findAt(number, "dup-dn", "", 0, 0, fmt.Sprintf("the DN is that of %s, %s", p, p.dn))
	}
	return err
}

func (c *checker) childOf(g *nameGroup, number uint64, flags byte) {
	if g.children == 0 {
		g.child, g.childFlags = number, flags
	}
	g.children++
	if flags&flagUser != 0 {
		if g.users == 0 {
			g.user = number
		}
		g.users++
	}
}

// referr keeps a reference to nowhere for lostReferences, when all suffixes are
// known, and one that mail goes on by for loops.
func (c *checker) referr(g *nameGroup, number uint64, key, value []byte) {
	if g.entry == 0 {
		n := numberAt(key[10+hashSize:])
		c.put(appendNumber(appendNumber(append(c.key[:0], keyLost), number), n), value)
		return
	}
	if value[1]&flagDelivers != 0 && g.flags&(flagGroup|flagForwards) != 0 {
		_, rest := takeUvarint(value[2:])
		attr, _ := cutZero(rest)
		c.enterEdge(number, g.entry, value[1], attr, "")
	}
}

// endName reports what the group of one DN shows.
func (c *checker) endName(g *nameGroup) error {
	if g.children > 0 && g.entry == 0 {
		if err := c.orphans(g); err != nil {
			return err
		}
	}
	if g.users > 0 && c.domainCount > 0 {
		return c.outsideDomains(g)
	}
	return nil
}

// ancestors returns the normalised names above the record, nearest first; none
// of a name that is too long to be kept whole.
func (c *checker) ancestors(number uint64) ([][]byte, error) {
	p, err := c.place(number)
	if err != nil || len(p.dn) >= longestName {
		return nil, err
	}
	norm, err := ldif.AppendNormDN(nil, []byte(p.dn))
	if err != nil {
		return nil, nil // damaged: it has no ancestors that are looked for
	}
	var list [][]byte
	for {
		parent, ok := ldif.ParentNormDN(norm)
		if !ok || len(parent) == 0 {
			return list, nil
		}
		list = append(list, parent)
		norm = parent
	}
}

// orphans reports that the parent of entries is nowhere. A container with no
// ancestor at all is the top of what was exported.
func (c *checker) orphans(g *nameGroup) error {
	above, err := c.ancestors(g.child)
	if err != nil {
		return err
	}
	if len(above) == 0 {
		c.findAt(g.child, "no-parent", "", 0, 0, fmt.Sprintf("the parent of %s is not in the input", count(g.children, "entry", "entries")))
		return nil
	}
	hole := false
	for _, name := range above[1:] {
		if hole, err = c.isEntry(name); hole || err != nil {
			break
		}
	}
	if err != nil {
		return err
	}
	if !hole && g.childFlags&flagContainer != 0 {
		p, err := c.place(g.child)
		if err != nil {
			return err
		}
		if norm, err := ldif.AppendNormDN(nil, []byte(p.dn)); err == nil {
			c.addSuffix(norm)
		}
		c.findAt(g.child, "suffix", "", 0, 0, "no ancestor of the entry is in the input: taken for a suffix")
		return nil
	}
	c.findAt(g.child, "no-parent", "", 0, 0, fmt.Sprintf("%s, the parent of %s, is not in the input", clip(above[0], longestText), count(g.children, "entry", "entries")))
	return nil
}

func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// isEntry reports whether an entry of the input has the DN.
func (c *checker) isEntry(norm []byte) (bool, error) {
	key := append(appendHash([]byte{keyName}, norm), byte(isEntry))
	_, _, ok, err := c.store.First(key)
	return ok, err
}

// outsideDomains reports users of a container that no domain node covers.
func (c *checker) outsideDomains(g *nameGroup) error {
	above, err := c.ancestors(g.user)
	if err != nil {
		return err
	}
	if len(above) == 0 {
		return nil
	}
	domain, err := c.domainOf(above)
	if err == nil && domain == nil {
		c.findAt(g.user, "user-no-domain", "", 0, 0, fmt.Sprintf("%s below no domain node", count(g.users, "user lies", "users lie")))
	}
	return err
}

// domainOf returns the nearest of the names that users of a domain lie below.
func (c *checker) domainOf(above [][]byte) ([]byte, error) {
	for _, name := range above {
		_, ok, err := c.store.Get(nil, appendHash([]byte{keyDomain}, name))
		if ok || err != nil {
			return name, err
		}
	}
	return nil, nil
}

// lostReferences reports references to nowhere.
func (c *checker) lostReferences() error {
	return c.scan(keyLost, func(key, value []byte) error {
		number, n := numberAt(key[1:]), int(numberAt(key[9:]))
		code := refCodes[value[0]]
		line, rest := takeUvarint(value[2:])
		attr, dn := cutZero(rest)
		if c.inside([]byte(dn)) {
			c.findAt(number, code, attr, int(line), n, fmt.Sprintf("%s is nowhere in the input", clip([]byte(dn), longestText)))
		} else {
			c.findAt(number, "ref-outside", attr, int(line), n, fmt.Sprintf("%s lies below no suffix of the input", clip([]byte(dn), longestText)))
		}
		return nil
	})
}

// inside reports whether a name lies below a suffix of the input.
func (c *checker) inside(dn []byte) bool {
	norm, err := ldif.AppendNormDN(nil, dn)
	if err != nil || len(c.suffixes) >= mostSuffixes || len(dn) >= longestName {
		return true
	}
	for _, suffix := range c.suffixes {
		if ldif.UnderNormDN(norm, suffix) {
			return true
		}
	}
	return false
}

// same calls each for every record but the first with the same key up to size.
func (c *checker) same(prefix byte, size int, each func(first, number uint64, value []byte) error) error {
	var group []byte
	var first uint64
	return c.scan(prefix, func(key, value []byte) error {
		number := numberAt(key[size:])
		if !bytes.Equal(key[:size], group) {
			group, first = append(group[:0], key[:size]...), number
			return nil
		}
		return each(first, number, value)
	})
}

func (c *checker) sameMail() error {
	return c.same(keyMail, 1+hashSize, func(first, number uint64, value []byte) error {
		if first == number {
			return nil
		}
		p, same, err := c.twin(first, number)
		if err != nil || same {
			return err
		}
		line, rest := takeUvarint(value)
		attr, address := cutZero(rest)
		c.findAt(number, "dup-mail", attr, int(line), 0, fmt.Sprintf("%s is an address of %s, %s, too", address, p, p.dn))
		return nil
	})
}

// twin returns where a record stands, and whether another one has its DN: what
// they share beside it says nothing more.
func (c *checker) twin(first, number uint64) (p place, same bool, err error) {
	if p, err = c.place(first); err != nil {
		return p, false, err
	}
	q, err := c.place(number)
	if err != nil {
		return p, false, err
	}
	a, errA := ldif.AppendNormDN(nil, []byte(p.dn))
	b, errB := ldif.AppendNormDN(nil, []byte(q.dn))
	return p, errA == nil && errB == nil && bytes.Equal(a, b), nil
}

// sameUID enters uid and domain of the users whose uid another user has too.
func (c *checker) sameUID() error {
	var group []byte
	first := uint64(0) // of the group, 0 once it is entered
	return c.scan(keyUID, func(key, _ []byte) error {
		number := numberAt(key[1+hashSize:])
		if !bytes.Equal(key[:1+hashSize], group) {
			group, first = append(group[:0], key[:1+hashSize]...), number
			return nil
		}
		if first != 0 {
			if err := c.enterUIDIn(group[1:], first); err != nil {
				return err
			}
			first = 0
		}
		return c.enterUIDIn(group[1:], number)
	})
}

// enterUIDIn enters one user's uid under the domain the user lies in.
func (c *checker) enterUIDIn(uid []byte, number uint64) error {
	above, err := c.ancestors(number)
	if err != nil {
		return err
	}
	domain, err := c.domainOf(above)
	if err != nil {
		return err
	}
	key := append(append(c.key[:0], keyUIDIn), uid...)
	c.put(appendNumber(appendHash(key, domain), number), nil)
	return nil
}

func (c *checker) sameUIDInDomain() error {
	return c.same(keyUIDIn, 1+2*hashSize, func(first, number uint64, _ []byte) error {
		p, same, err := c.twin(first, number)
		if err == nil && !same {
			c.findAt(number, "dup-uid", "uid", 0, 0, fmt.Sprintf("the uid is that of %s, %s, in the same domain", p, p.dn))
		}
		return err
	})
}

// uidDomains reports uids local@domain whose domain is not known.
func (c *checker) uidDomains() error {
	return c.scan(keyUIDDom, func(key, value []byte) error {
		_, ok, err := c.store.Get(nil, append([]byte{keyMailDom}, key[1:1+hashSize]...))
		if err == nil && !ok {
			c.findAt(numberAt(key[1+hashSize:]), "uid-domain", "uid", 0, 0, fmt.Sprintf("uid %s names a domain that has neither node nor address", value))
		}
		return err
	})
}
