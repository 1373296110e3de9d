package check

import (
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// Severity says what a finding costs.
type Severity uint8

// The severities. An Error is refused by a server, or mail goes wrong by it; a
// Warning is worth a look; Info is good to know.
const (
	Info Severity = iota
	Warning
	Error
)

// String returns the word.
func (s Severity) String() string { return [...]string{"info", "warning", "error"}[s] }

// Code describes one kind of finding. Names are stable.
type Code struct {
	Name     string   `json:"code"`
	Severity Severity `json:"-"`
	Group    string   `json:"group"`
	What     string   `json:"what"`
}

// Codes returns all kinds of findings, in the order of docs/checks.md. The
// slice is the caller's.
func Codes() []Code { return append([]Code(nil), codes...) }

// The groups of codes.
const (
	groupFile      = "file"
	groupSchema    = "schema"
	groupIdentity  = "identity"
	groupReference = "reference"
	groupMeaning   = "meaning"
	groupLeftover  = "leftover"
)

var codes = []Code{
	{ldif.BadLine, Error, groupFile, "a record with a line that has no colon, or no attribute before it"},
	{ldif.BadBase64, Error, groupFile, "a record with a value that is not base64, though it says so"},
	{ldif.BadURL, Error, groupFile, "a record with a value that lies in a file or at a URL: none is opened"},
	{ldif.BadRecord, Error, groupFile, "lines that do not make an entry"},
	{ldif.NoDN, Error, groupFile, "a record that does not begin with a dn line"},
	{ldif.SecondDN, Error, groupFile, "a record with two dn lines: a blank line is missing before the second"},
	{ldif.BadChange, Error, groupFile, "a change record that RFC 2849 does not know"},
	{ldif.BadVersion, Error, groupFile, "a version line that is not version 1"},
	{ldif.SearchResult, Error, groupFile, "the output of an ldapsearch that ended with an error, such as a limit of the server: entries are missing"},
	{ldif.EntryTooLong, Error, groupFile, "a record above the size of --max-entry, or of more attributes than are read"},
	{"unreadable", Error, groupFile, "an input that cannot be read to its end, such as a compressed one that is cut off"},
	{"no-line-end", Warning, groupFile, "an input that ends in the middle of a line: it may be cut off"},
	{"change-record", Error, groupFile, "a change record, which is no entry of an export"},
	{"bad-dn", Error, groupFile, "an entry whose name is no DN, or a mail entry without a name"},
	{"empty-input", Warning, groupFile, "no entry in the input"},
	{"server-only", Info, groupFile, "a tombstone, a replication conflict, or the root of the server (an entry without a name), which only its server understands; not checked further"},
	{"cross-read", Error, groupFile, "--cross-read: go-ldap/ldif reads another entry out of the same record"},
	{"cross-refused", Info, groupFile, "--cross-read: go-ldap/ldif and this reader disagree whether the record can be read"},

	{schema.NoObjectClass, Error, groupSchema, "an entry without objectClass"},
	{schema.NoStructural, Warning, groupSchema, "no structural class among the classes: OpenLDAP refuses the entry, Directory Server does not"},
	{schema.TwoStructural, Warning, groupSchema, "two structural classes, neither of which is above the other, as of a user who is a list too: OpenLDAP refuses the entry, Directory Server does not"},
	{schema.UnknownClass, Warning, groupSchema, "a class that neither the merged schema nor --schema has; which attributes it allows is not known, so not-allowed is not checked"},
	{schema.UnknownAttribute, Warning, groupSchema, "an attribute that neither the merged schema nor --schema has"},
	{schema.Required, Error, groupSchema, "an attribute that a class requires is missing"},
	{schema.NotAllowed, Error, groupSchema, "an attribute that no class of the entry allows"},
	{schema.TooManyValues, Error, groupSchema, "several values of an attribute that takes one"},
	{schema.DuplicateValue, Error, groupSchema, "a value that stands twice in one attribute, as its matching rule sees it"},
	{schema.EmptyValue, Warning, groupSchema, "a value of no bytes: OpenLDAP refuses it"},
	{schema.BadDN, Error, groupSchema, "a value that should be a DN and is none"},
	{schema.BadInteger, Error, groupSchema, "a value that should be an integer and is none, or has leading zeros"},
	{schema.BadTelephone, Warning, groupSchema, "a value that should be a telephone number and is none"},
	{schema.BadTime, Error, groupSchema, "a value that should be a time (20001231235959Z) and is none"},
	{schema.BadUTF8, Error, groupSchema, "a text, or the name of an entry, that is not UTF-8"},
	{schema.RDNValue, Warning, groupSchema, "the name of the entry is not among its values: a server adds it on ldapadd, and an import may not"},

	{"dup-dn", Error, groupIdentity, "two entries with one DN"},
	{"dup-uid", Error, groupIdentity, "two users of one domain with one uid"},
	{"dup-mail", Error, groupIdentity, "two entries with one address (mail, alternate, equivalent)"},
	{"uid-form", Error, groupIdentity, "a uid with a character that iMS forbids"},
	{"uid-domain", Warning, groupIdentity, "a uid of the form local@domain whose domain has no node and no address in the input"},
	{"several-uids", Warning, groupIdentity, "a user with several uids: the first is the store id"},
	{"mail-no-domain", Error, groupIdentity, "an address without a domain"},
	{"mail-form", Error, groupIdentity, "an address that is none: blanks, a name beside it (J. Doe <a@x.com>), two @, an empty part, bytes beyond ASCII"},

	{"no-parent", Error, groupReference, "an entry whose parent is not in the input; one finding for each missing parent"},
	{"suffix", Info, groupReference, "a container none of whose ancestors is in the input: taken for a suffix"},
	{"ref-member", Warning, groupReference, "a member (uniqueMember, member) that is nowhere"},
	{"ref-owner", Warning, groupReference, "an owner or administrator (owner, nsdaModifiableBy, memberOf, adminDN and the like) that is nowhere"},
	{"ref-person", Warning, groupReference, "a manager, secretary, seeAlso or associatedName that is nowhere"},
	{"ref-url", Warning, groupReference, "an LDAP URL of a list whose DN is nowhere"},
	{"ref-alias", Error, groupReference, "an alias target or inetDomainBaseDN that is nowhere"},
	{"ref-outside", Info, groupReference, "a reference to a DN below no suffix of the input"},
	{"group-loop", Error, groupReference, "a list whose mail comes back to it: it is a member of itself, directly or by way of other lists, of addresses, or of users who forward"},
	{"forward-loop", Error, groupReference, "a user whose mail comes back by way of forwarding addresses: it goes round until a server gives up"},
	{"user-no-domain", Warning, groupReference, "users below no domain node, though the input has domain nodes; one finding for each container"},

	{"no-uid", Error, groupMeaning, "a user without uid"},
	{"no-mail", Error, groupMeaning, "a user or list without mail"},
	{"no-mailhost", Error, groupMeaning, "a user without mailHost"},
	{"list-no-mailhost", Info, groupMeaning, "a list without mailHost: any server may expand it"},
	{"mailhost-form", Warning, groupMeaning, "a mailHost that is neither a full host name nor an IP address"},
	{"several-mailhosts", Warning, groupMeaning, "several values of mailHost in an entry of SIMS or NMS: one server has the mailbox or expands the list (iMS: single-valued)"},
	{"mailhost-unknown", Warning, groupMeaning, "a mailHost that --host does not name"},
	{"list-no-members", Warning, groupMeaning, "a list without members"},
	{"status-value", Error, groupMeaning, "a status that is none of the documented values: iMS takes it for inactive"},
	{"quota-value", Error, groupMeaning, "a quota that is no number"},
	{"quota-zero", Warning, groupMeaning, "a quota of 0: no space at all in SIMS and iMS"},
	{"quota-large", Warning, groupMeaning, "a quota above 4294966272 bytes, the largest that iMS 5.x counts"},
	{"option-unknown", Error, groupMeaning, "a mailDeliveryOption that the product does not know for this kind of entry"},
	{"no-delivery", Warning, groupMeaning, "a user without mailDeliveryOption (NMS: and without a forwarding address)"},
	{"forward-no-address", Warning, groupMeaning, "mailDeliveryOption forward without mailForwardingAddress"},
	{"address-no-forward", Info, groupMeaning, "mailForwardingAddress without mailDeliveryOption forward: not in use"},
	{"address-form", Error, groupMeaning, "a forwarding address, member, moderator, submitter or address for errors that is none: blanks, a name beside it (J. Doe <a@x.com>), two @, an empty part, bytes beyond ASCII"},
	{"address-no-domain", Warning, groupMeaning, "a forwarding address, member, moderator, submitter or address for errors without a domain: each server adds its own"},
	{"address-program", Warning, groupMeaning, "a forwarding address, member, moderator or address for errors that is a program or a file, as sendmail has them (|/bin/prog, /var/mail/x, :include:/list): servers run programs and write files by mailProgramDeliveryInfo and mailDeliveryFile alone"},
	{"url-form", Error, groupMeaning, "a mgrpDeliverTo (SIMS: membershipFilter) that is no LDAP URL, or an LDAP URL there or among moderators, submitters and addresses for errors that has no base, or whose scope or filter is none"},
	{"word-unknown", Error, groupMeaning, "a mgrpBroadcasterPolicy, mgrpMsgRejectAction or mailAutoReplyMode that the product does not know, or of NMS a policy that iMS does not"},
	{"number-value", Error, groupMeaning, "a mailAutoReplyTimeOut that is no number of hours, a mgrpMsgMaxSize that is no number of bytes"},
	{"program-no-name", Warning, groupMeaning, "mailDeliveryOption program without mailProgramDeliveryInfo"},
	{"autoreply-no-text", Warning, groupMeaning, "mailDeliveryOption autoreply without a text"},
	{"file-no-name", Warning, groupMeaning, "mailDeliveryOption file without a file"},
	{"service-syntax", Error, groupMeaning, "a service rule (mailAllowedServiceAccess) that cannot be understood"},
	{"service-closed", Warning, groupMeaning, "service rules that leave the owner neither IMAP nor POP nor HTTP at the back end"},
	{"service-unknown", Error, groupMeaning, "an inetAuthorizedServices (SIMS) or nsmsgDisallowAccess (NMS) with a service or a client that is not known: the upgrade cannot write the rule of iMS for it"},
	{"access-domain", Error, groupMeaning, "a mailAccessDomain (NMS) that is no list of hosts, domains and nets, or NONE beside what lets clients in: the upgrade cannot write the rule of iMS for it"},
	{"dn-value", Error, groupMeaning, "a mailEnhancedUniqueMember or nsDAMemberOf (NMS) that is no DN: the upgrade leaves it where iMS does not look"},
	{"folder-map", Error, groupMeaning, "a mailFolderMap (SIMS) that is no store that is known: neither Sun-MS nor UNIX V7 nor LOCK"},
	{"switch-value", Error, groupMeaning, "a joinable or expandable (SIMS) that is neither TRUE nor FALSE"},
	{"list-domain", Error, groupMeaning, "a domain of those who may or may not post to a list that is none: it matches no poster"},
	{"program-quote", Warning, groupMeaning, "a mailProgramDeliveryInfo (NMS) with a quote that is not closed: the upgrade gives it no name, unless --program-map does"},
	{"program-long", Warning, groupMeaning, "a mailProgramDeliveryInfo (NMS) of more than 4096 bytes: the upgrade gives it no name, unless --program-map does"},
	{"options-unread", Warning, groupMeaning, "an attribute with options in a mail entry (mailQuota;lang-ja): servers read it without them, and so does this check"},

	{"not-upgraded", Error, groupLeftover, "--as ims50: a mail entry that does not satisfy the tag ims50"},
	{"half-upgraded", Error, groupLeftover, "a mail entry that satisfies ims50 and an old tag too"},
	{"two-products", Error, groupLeftover, "a mail entry that satisfies sims40 and nms41 at once: which upgrade is its own cannot be told"},
	{"other-product", Warning, groupLeftover, "--as sims or nms: a mail entry of another product"},
	{"old-class", Warning, groupLeftover, "a class of SIMS or NMS in an entry of iMS"},
	{"old-attribute", Warning, groupLeftover, "an attribute of SIMS or NMS in an entry of iMS"},
}

// codeNumbers finds a code by its name.
var codeNumbers = func() map[string]int {
	m := make(map[string]int, len(codes))
	for i := range codes {
		m[codes[i].Name] = i
	}
	return m
}()

func numberOf(code string) int {
	n, ok := codeNumbers[code]
	if !ok {
		panic("internal error: no code " + code)
	}
	return n
}
