package ldifconv

import (
	"imsconv/ldifconv/schema"
)

// Tag is a set of the schema tags of local.imta.schematag that an entry satisfies. The test is
// the documented one of the Messaging Server administration guide: by object class alone.
type Tag uint8

// The tags.
const (
	TagSIMS40 Tag = 1 << iota // inetMailRouting with inetMailUser or inetMailGroup
	TagNMS41                  // mailRecipient with nsMessagingServerUser; mailGroup
	TagIMS50                  // inetLocalMailRecipient with inetMailUser or inetMailGroup
)

// tagsOf returns the tags of an entry with these classes.
func tagsOf(c *classSet) Tag {
	var t Tag
	user, group := c.has(schema.ClassInetMailUser), c.has(schema.ClassInetMailGroup)
	if c.has(schema.ClassInetMailRouting) && (user || group) {
		t |= TagSIMS40
	}
	if c.has(schema.ClassMailRecipient) && c.has(schema.ClassNsMessagingServerUser) || c.has(schema.ClassMailGroup) {
		t |= TagNMS41
	}
	if c.has(schema.ClassInetLocalMailRecipient) && (user || group) {
		t |= TagIMS50
	}
	return t
}

// String lists the tags as the configuration does, or says none.
func (t Tag) String() string {
	return [...]string{
		"none", "sims40", "nms41", "sims40,nms41",
		"ims50", "sims40,ims50", "nms41,ims50", "sims40,nms41,ims50",
	}[t&7]
}
