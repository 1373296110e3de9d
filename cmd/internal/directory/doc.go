// Package directory reads from a directory export what the conversions of
// stores and databases want to know of it: which store user ids it has, their
// quotas, its top entries, and which of its domains is the default one.
//
// A user's domain is taken from the DN: the dc components of the nearest
// domain node ("uid=joe,ou=People,dc=siroe,dc=com,o=internet" is of
// siroe.com), else an organization named like a domain ("o=siroe.com"), else
// the domain of its mail address. Its store id is "uid" in the default domain
// and "uid@domain" in any other; a uid that holds an @ is a store id as it is.
package directory
