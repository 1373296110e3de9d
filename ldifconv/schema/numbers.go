package schema

// The products gave some names numbers of their own, and a definition has room
// for one. These are the others: an export that writes a class or an attribute
// by number may use either (draft-srivastava-ldap-mail-00; Schema Reference).
const simsNumber = "1.3.6.1.4.1.42.2.27."

var otherAttributeNumbers = []struct {
	oid string
	id  ID
}{
	{simsNumber + "2.1.11", DataSource},
	{simsNumber + "2.1.12", MailDeliveryFile}, {simsNumber + "2.1.28", MailDeliveryFile},
	{simsNumber + "2.1.13", MailDeliveryOption}, {simsNumber + "2.1.29", MailDeliveryOption},
	{simsNumber + "2.1.14", MailProgramDeliveryInfo}, {simsNumber + "2.1.33", MailProgramDeliveryInfo},
	{simsNumber + "2.1.24", MailAutoReplyTimeOut},
	{simsNumber + "2.1.25", MailAutoReplySubject},
	{simsNumber + "2.1.26", MailAutoReplyText},
	{simsNumber + "2.1.27", MailAutoReplyTextInternal},
	{simsNumber + "2.1.31", MailForwardingAddress},
	{simsNumber + "2.1.32", MailMessageStore},
	{simsNumber + "2.1.34", MailQuota},
	{"2.16.840.1.113730.3.1.24", MailRoutingAddress},
}

var otherClassNumbers = []struct {
	oid string
	id  ClassID
}{
	{simsNumber + "2.2.3", ClassInetMailUser}, {netscapeClass + "146", ClassInetMailUser},
	{simsNumber + "3.2.1", ClassInetSubscriber}, {netscapeClass + "134", ClassInetSubscriber},
	{netscapeClass + "37", ClassNsMessagingServerUser}, // without the slip in its published number
}
