// Package aci reads and writes access control instructions of Netscape
// Directory Server 4 and its heirs, and holds those that delegated
// administration needs.
//
// An ACI is a value of the attribute aci:
//
//	(target = "ldap:///ou=People,o=x")(targetattr != "userPassword")
//	(version 3.0; acl "name"; allow (read,search) userdn = "ldap:///anyone";)
//
// Parse takes what those servers take, and refuses what they refuse: words that
// are no target, right or bind keyword, filters and DNs that are none, brackets
// and quotes that do not close.
//
// The templates are in [Templates]; each says whether a public source states it
// or whether it is concluded. The exact output of imsdaaci was never published.
package aci
