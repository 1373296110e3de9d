package directory

import "imsconv/ldifconv/ldif"

// UserOf returns the mail user that a record of an export is, or nil.
func UserOf(rec *ldif.Record) *User { return newItem(rec).user }
