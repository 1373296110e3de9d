package site

// examples are values of the options of verbs, as the file has them: where one
// was not said, the commented file shows it.
var examples = map[string]map[string]string{
	"upgrade": {
		"filter": `"(!(uid=test*))"`, "add": `["mailQuota:-1"]`, "append": `true`, "all-domains": `true`,
		"no-rule": `["data-source"]`, "quota-missing": `"keep"`, "quota-suffix": `true`, "lock": `"hold"`,
		"keep-old-classes": `"nsMessagingServerUser"`, "program-map": `"programs.txt"`, "also-allow": `["http"]`,
		"mmp": `"192.0.2.25"`, "uid-map": `"uids.txt"`, "vanity": `true`, "domain": `["siroe.com", "florizel.com"]`,
		"make-dc-tree": `true`, "encode-ldap-url": `true`, "drop-licenses": `true`, "data-source": `"migrated"`,
		"user-attribute": `["1=employeeNumber"]`, "max-entry": `"32M"`, "strict": `true`,
	},
	"restore": {
		"users": `"users.txt"`, "map": `"ids.txt"`, "new-mailbox": `true`, "ignore-existing": `true`, "continue": `"n"`,
		"encoding": `"ISO-8859-1"`, "partition": `"secondary"`, "reference": `["full.sims"]`, "kind": `"maildir"`,
		"user": `"joe"`, "path": `"%d/%n/Maildir"`, "layout": `"fs"`, "escape": `"none"`, "mbox": `"mboxrd"`,
		"newline": `"crlf"`, "no-index": `true`, "owner": `"mailsrv:mail"`, "bdb": `8`, "byte-order": `"little"`, "page-size": `"4K"`,
	},
	"relocate": {
		"via": `"copy"`, "partition": `["primary=first", "/disk2/secondary=second"]`, "users": `"users.txt"`, "map": `"ids.txt"`,
		"domain": `"siroe.com"`, "owner": `"mailsrv:mail"`, "repair-hash": `true`, "add-missing": `true`, "requota": `true`,
		"bdb": `8`, "byte-order": `"little"`, "page-size": `"4K"`,
	},
	"export": {
		"path": `"%d/%n/Maildir"`, "via": `"hardlink"`, "layout": `"fs"`, "escape": `"listescape"`, "users": `"users.txt"`,
		"map": `"ids.txt"`, "partition": `"primary"`, "owner": `"vmail"`, "encoding": `"ISO-8859-1"`, "pop3-uidl": `"%v-%u"`,
		"newline": `"crlf"`, "keep-target": `"none"`,
	},
}
