package main

import (
	"strings"

	"imsconv/cmd/internal/directory"
	"imsconv/storeconv"
	"imsconv/storeconv/selection"
)

// bareID is the id of a user of the source without the default domain, which
// the stores of SIMS have at some ids and a conversion takes away. Users of NMS
// keep it.
func (c *conversion) bareID(id string) string {
	uid, domain, ok := strings.Cut(id, "@")
	if c.scenario.nms() || !ok || uid == "" || c.defaultDomain == "" || !strings.EqualFold(domain, c.defaultDomain) {
		return id
	}
	return uid
}

// newID tells what a user of the source is called in the new store, by what
// site.toml says of the conversion that makes it.
func (c *conversion) newID() (func(id string) string, error) {
	var of storeconv.Selection
	switch name, _, _ := mailTable(c.site); name {
	case "relocate":
		set := &c.set.relocate
		return func(id string) string {
			to, ok := set.Map[id]
			switch {
			case ok:
				return to
			case set.Domain != "" && !strings.Contains(id, "@"):
				return id + "@" + set.Domain
			}
			return id
		}, nil
	case "export":
		of = c.set.export.Selection
	default:
		of = c.set.restore.Selection
	}
	m, err := selection.Compile(storeconv.Selection{Map: of.Map, Domain: of.Domain})
	if err != nil {
		return nil, err
	}
	return func(id string) string {
		to, _ := m.StoreID(id) // one that cannot be is left out by the conversion
		return to
	}, nil
}

// entryID is the store id of an entry once the directory is upgraded.
func (c *conversion) entryID(u *directory.User) string {
	if to, ok := c.set.upgrade.Rules.UIDMap[strings.ToLower(u.UID)]; ok {
		renamed := *u
		renamed.UID = to
		u = &renamed
	}
	return u.ID(c.defaultDomain)
}
