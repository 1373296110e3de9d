// Package schema is the one table of attributes and object classes that the
// directory conversion knows: the standard ones of a Netscape Directory Server
// 4.x export, the Sun Internet Mail Server 4.0 (SIMS) ones, the Netscape
// Messaging Server 4.x (NMS) ones and the iPlanet Messaging Server 5.x (iMS)
// ones, merged under one definition a name.
//
// Names compare without regard to case and resolve through aliases:
// rfc822Mailbox is mail, commonName is cn. A numeric object identifier, with or
// without the prefix "oid.", names its attribute too.
//
// # Sources
//
// SIMS: draft-srivastava-ldap-mail-00. NMS: the schema files of Directory
// Server 4.12 (ns-mail-schema.conf and its siblings). iMS: the Messaging Server
// 5.x and Communications Suite schema references. Where SIMS and Netscape gave
// one name two identifiers, the Netscape one stands, since a server accepts a
// name once. An identifier that no public source gives is a placeholder, see
// Placeholder.
//
// # Merged definitions
//
// An entry passes through a directory both before and after its upgrade, so the
// schema written here is the union of old and new: a class allows what either
// product allowed and requires what both required; an attribute is
// single-valued only where both products had it so. Attribute.Single and
// AttributeType.OneInIMS tell the iMS rule, which is the one that the upgrade
// has to meet.
//
// # Output forms
//
// A Set is the table, with the definitions of a site added that Read reads from
// any of these forms. It writes slapd.conf directives and a cn=config entry of
// OpenLDAP, cn=schema of Directory Server 5 and 389 Directory Server, and the
// slapd.user_at.conf and slapd.user_oc.conf form of Directory Server 4.x:
//
//	attribute NAME [ALIAS ...] OID SYNTAX [single] [operational]
//
//	objectclass NAME
//	    oid OID
//	    superior NAME
//	    requires
//	        ATTRIBUTE,
//	        ATTRIBUTE
//	    allows
//	        ATTRIBUTE
package schema
