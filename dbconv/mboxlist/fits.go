package mboxlist

import "strings"

// Fits tells whether a record may be one of the database k, and of none of the
// other three: so a database that lies in the place of another is known by its
// records. A record of k in a form that is not known need not fit.
func (k Kind) Fits(key, value []byte) bool {
	name := string(key)
	switch k {
	case FolderDB:
		_, _, ok := SplitKey(name)
		return ok
	case QuotaDB:
		_, err := ParseAnyQuota(value)
		return err == nil
	case PeruserDB:
		_, _, ok := SplitPerUserKey(name)
		return ok
	}
	if strings.HasPrefix(name, UserPrefix) || strings.Contains(name, "\t") || QuotaDB.Fits(key, value) {
		return false
	}
	_, err := ParseSubscriptions(value)
	return err == nil
}
