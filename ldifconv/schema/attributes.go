package schema

// The attributes of the mapping, by constant. The numbers are an index into a
// table of this process and mean nothing outside it.
const (
	None ID = iota // no attribute of the table

	// Attributes every directory knows (RFC 2256, RFC 1274, RFC 2798).
	ObjectClass
	CN
	SN
	GivenName
	Initials
	UID
	UserPassword
	Mail
	Description
	O
	OU
	DC
	C
	L
	ST
	Street
	Title
	SearchGuide
	BusinessCategory
	PostalAddress
	PostalCode
	PostOfficeBox
	PhysicalDeliveryOfficeName
	TelephoneNumber
	TelexNumber
	TeletexTerminalIdentifier
	FacsimileTelephoneNumber
	X121Address
	InternationalISDNNumber
	RegisteredAddress
	DestinationIndicator
	PreferredDeliveryMethod
	Member
	Owner
	SeeAlso
	UserCertificate
	X500UniqueIdentifier
	UniqueMember
	AliasedObjectName
	Audio
	Photo
	JPEGPhoto
	RoomNumber
	Manager
	Secretary
	HomePhone
	HomePostalAddress
	Mobile
	Pager
	AssociatedName
	AssociatedDomain
	LabeledURI
	CarLicense
	DepartmentNumber
	EmployeeNumber
	EmployeeType
	PreferredLanguage
	UserSMIMECertificate
	DisplayName

	// Operational attributes the server maintains.
	CreateTimestamp
	ModifyTimestamp
	CreatorsName
	ModifiersName
	ACI
	NsUniqueID
	PasswordExpirationTime
	PasswordExpWarned
	PasswordRetryCount
	RetryCountResetTime
	AccountUnlockTime
	PasswordHistory
	PasswordAllowChangeTime

	// SIMS 4.0.
	RFC822MailAlias
	InetMailGroupVersion
	ErrorsTo
	Joinable
	Moderator
	RequestsTo
	SuppressEmailError
	AuthorizedDomain
	AuthorizedSubmitter
	Expandable
	RFC822MailMember
	UnauthorizedDomain
	UnauthorizedSubmitter
	MultiLineDescription
	MembershipFilter
	InetMailUserVersion
	MailAutoReplyStartDate
	MailAutoReplyExpirationDate
	MailAutoReplySubject
	MailAutoReplyTextInternal
	MailDeliveryFile
	MailFolderMap
	UserDefinedAttribute1
	UserDefinedAttribute2
	UserDefinedAttribute3
	UserDefinedAttribute4
	InetAuthorizedServices
	InetSubscriberHTTPURL
	InetSubscriberStatus
	InetAdministeredServices
	RFC822Postmaster
	AdminDN

	// Netscape Messaging Server 4.x and Netscape Delegated Administrator.
	MailAccessDomain
	MailAlternateAddress
	MailAutoReplyMode
	MailAutoReplyText
	MailDeliveryOption
	MailForwardingAddress
	MailHost
	MailMessageStore
	MailProgramDeliveryInfo
	MailQuota
	MailRoutingAddress
	NsMsgDisallowAccess
	NsMsgNumMsgQuota
	NswmExtendedUserPrefs
	VacationStartDate
	VacationEndDate
	NsLicensedFor
	NsLicenseStartTime
	NsLicenseEndTime
	MgrpAllowedBroadcaster
	MgrpAllowedDomain
	MgrpDeliverTo
	MgrpErrorsTo
	MgrpMsgRejectAction
	MgrpMsgRejectText
	MgrpRFC822MailMember
	MailEnhancedUniqueMember
	MgrpMsgMaxSize
	MgrpModerator
	MgrpApprovePassword
	MgrpBroadcasterPolicy
	MgrpAddHeader
	MgrpRemoveHeader
	MgrpNoDuplicateChecks
	MgrpDeliverException
	MgmanGroupKey
	MgmanGroupStat
	MgmanJoinLocalType
	MgmanAllowSubscribe
	MgmanDenySubscribe
	MgmanHidden
	MgmanJoinability
	MgmanVisibility
	MgmanMemberVisibility
	MgmanIntroText
	MgmanGoodbyeText
	MgmemMemberOfGroup
	MgmemRefDN
	MgmemMailUserPassword
	MgmemGroupMemberParam
	MgmemGroupServerParam
	MgmemAlternateSenderAddress
	NsNumUsers
	NsMaxUsers
	NsNumDepts
	NsMaxDepts
	NsNumMailLists
	NsMaxMailLists
	NsNumDomains
	NsMaxDomains
	NsDefaultMaxDeptSize
	NsDACapability
	NsSearchFilter
	NsDAModifiableBy
	MemberOf
	NsDADomain
	AdminRole
	NsDAMemberOf

	// iPlanet Messaging Server 5.x.
	MailEquivalentAddress
	MailMsgQuota
	MailAutoReplyTimeOut
	MailAllowedServiceAccess
	MailAntiUBEService
	MailSieveRuleSource
	MailSMTPSubmitChannel
	MailUserStatus
	InetUserStatus
	InetUserHTTPURL
	DataSource
	InetCOS
	PabURI
	MaxPabEntries
	MemberOfManagedGroup
	InetSubscriberAccountID
	InetSubscriberChallenge
	InetSubscriberResponse
	MsgVanityDomain
	MailAdminRole
	InetMailGroupStatus
	MailDeliveryFileURL
	MailRejectText
	MgrpAuthPassword
	MgrpDisallowedBroadcaster
	MgrpDisallowedDomain
	MgrpMsgPrefixText
	MgrpMsgSuffixText
	InetDomainBaseDN
	InetDomainStatus
	InetDomainSearchFilter
	InetDomainCertMap
	InetCanonicalDomainName
	DomainUIDSeparator
	DomOrgMaxUsers
	DomOrgNumUsers
	MailDomainStatus
	MailDomainDiskQuota
	MailDomainMsgQuota
	MailDomainAllowedServiceAccess
	MailDomainWelcomeMessage
	MailAccessProxyPreAuth
	MailAccessProxyReplay
	MailClientAttachmentQuota
	MailRoutingHosts
	MailRoutingSmartHost
	PreferredMailHost
	PreferredMailMessageStore

	count // number of identifiers, None included
)

var attributes = [count]Attribute{
	// Attributes every directory knows (RFC 2256, RFC 1274, RFC 2798).
	ObjectClass:                {Name: "objectClass", OID: "2.5.4.0", Syntax: CIS, Origin: Standard, builtin: true},
	CN:                         {Name: "cn", Aliases: []string{"commonName"}, OID: "2.5.4.3", Syntax: CIS, Origin: Standard, builtin: true},
	SN:                         {Name: "sn", Aliases: []string{"surName"}, OID: "2.5.4.4", Syntax: CIS, Origin: Standard},
	GivenName:                  {Name: "givenName", OID: "2.5.4.42", Syntax: CIS, Origin: Standard},
	Initials:                   {Name: "initials", OID: "2.5.4.43", Syntax: CIS, Origin: Standard},
	UID:                        {Name: "uid", Aliases: []string{"userid"}, OID: "0.9.2342.19200300.100.1.1", Syntax: CIS, Origin: Standard, builtin: true},
	UserPassword:               {Name: "userPassword", OID: "2.5.4.35", Syntax: Bin, Origin: Standard, builtin: true},
	Mail:                       {Name: "mail", Aliases: []string{"rfc822Mailbox"}, OID: "0.9.2342.19200300.100.1.3", Syntax: CIS, Origin: Standard, Single: true, WasMulti: true},
	Description:                {Name: "description", OID: "2.5.4.13", Syntax: CIS, Origin: Standard, builtin: true},
	O:                          {Name: "o", Aliases: []string{"organizationName"}, OID: "2.5.4.10", Syntax: CIS, Origin: Standard},
	OU:                         {Name: "ou", Aliases: []string{"organizationalUnitName"}, OID: "2.5.4.11", Syntax: CIS, Origin: Standard},
	DC:                         {Name: "dc", Aliases: []string{"domainComponent"}, OID: "0.9.2342.19200300.100.1.25", Syntax: CIS, Origin: Standard, Single: true, WasMulti: true},
	C:                          {Name: "c", Aliases: []string{"countryName"}, OID: "2.5.4.6", Syntax: CIS, Origin: Standard, Single: true, WasMulti: true},
	L:                          {Name: "l", Aliases: []string{"locality", "localityName"}, OID: "2.5.4.7", Syntax: CIS, Origin: Standard},
	ST:                         {Name: "st", Aliases: []string{"stateOrProvinceName"}, OID: "2.5.4.8", Syntax: CIS, Origin: Standard},
	Street:                     {Name: "street", Aliases: []string{"streetAddress"}, OID: "2.5.4.9", Syntax: CIS, Origin: Standard},
	Title:                      {Name: "title", OID: "2.5.4.12", Syntax: CIS, Origin: Standard},
	SearchGuide:                {Name: "searchGuide", OID: "2.5.4.14", Syntax: CES, Origin: Standard},
	BusinessCategory:           {Name: "businessCategory", OID: "2.5.4.15", Syntax: CIS, Origin: Standard},
	PostalAddress:              {Name: "postalAddress", OID: "2.5.4.16", Syntax: CIS, Origin: Standard},
	PostalCode:                 {Name: "postalCode", OID: "2.5.4.17", Syntax: CIS, Origin: Standard},
	PostOfficeBox:              {Name: "postOfficeBox", OID: "2.5.4.18", Syntax: CIS, Origin: Standard},
	PhysicalDeliveryOfficeName: {Name: "physicalDeliveryOfficeName", OID: "2.5.4.19", Syntax: CIS, Origin: Standard},
	TelephoneNumber:            {Name: "telephoneNumber", OID: "2.5.4.20", Syntax: Tel, Origin: Standard},
	TelexNumber:                {Name: "telexNumber", OID: "2.5.4.21", Syntax: CIS, Origin: Standard},
	TeletexTerminalIdentifier:  {Name: "teletexTerminalIdentifier", OID: "2.5.4.22", Syntax: CIS, Origin: Standard},
	FacsimileTelephoneNumber:   {Name: "facsimileTelephoneNumber", Aliases: []string{"fax"}, OID: "2.5.4.23", Syntax: Tel, Origin: Standard},
	X121Address:                {Name: "x121Address", OID: "2.5.4.24", Syntax: CIS, Origin: Standard},
	InternationalISDNNumber:    {Name: "internationaliSDNNumber", OID: "2.5.4.25", Syntax: CIS, Origin: Standard},
	RegisteredAddress:          {Name: "registeredAddress", OID: "2.5.4.26", Syntax: CIS, Origin: Standard},
	DestinationIndicator:       {Name: "destinationIndicator", OID: "2.5.4.27", Syntax: CIS, Origin: Standard},
	PreferredDeliveryMethod:    {Name: "preferredDeliveryMethod", OID: "2.5.4.28", Syntax: CIS, Origin: Standard, Single: true, WasMulti: true},
	Member:                     {Name: "member", OID: "2.5.4.31", Syntax: DN, Origin: Standard},
	Owner:                      {Name: "owner", OID: "2.5.4.32", Syntax: DN, Origin: Standard},
	SeeAlso:                    {Name: "seeAlso", OID: "2.5.4.34", Syntax: DN, Origin: Standard, builtin: true},
	UserCertificate:            {Name: "userCertificate", OID: "2.5.4.36", Syntax: Bin, Origin: Standard},
	X500UniqueIdentifier:       {Name: "x500UniqueIdentifier", OID: "2.5.4.45", Syntax: Bin, Origin: Standard},
	UniqueMember:               {Name: "uniqueMember", OID: "2.5.4.50", Syntax: DN, Origin: Standard},
	AliasedObjectName:          {Name: "aliasedObjectName", Aliases: []string{"aliasedEntryName"}, OID: "2.5.4.1", Syntax: DN, Origin: Standard, Single: true, WasMulti: true, builtin: true},
	Audio:                      {Name: "audio", OID: "0.9.2342.19200300.100.1.55", Syntax: Bin, Origin: Standard},
	Photo:                      {Name: "photo", OID: "0.9.2342.19200300.100.1.7", Syntax: Bin, Origin: Standard},
	JPEGPhoto:                  {Name: "jpegPhoto", OID: "0.9.2342.19200300.100.1.60", Syntax: Bin, Origin: Standard},
	RoomNumber:                 {Name: "roomNumber", OID: "0.9.2342.19200300.100.1.6", Syntax: CIS, Origin: Standard},
	Manager:                    {Name: "manager", OID: "0.9.2342.19200300.100.1.10", Syntax: DN, Origin: Standard},
	Secretary:                  {Name: "secretary", OID: "0.9.2342.19200300.100.1.21", Syntax: DN, Origin: Standard},
	HomePhone:                  {Name: "homePhone", Aliases: []string{"homeTelephoneNumber"}, OID: "0.9.2342.19200300.100.1.20", Syntax: Tel, Origin: Standard},
	HomePostalAddress:          {Name: "homePostalAddress", OID: "0.9.2342.19200300.100.1.39", Syntax: CIS, Origin: Standard},
	Mobile:                     {Name: "mobile", Aliases: []string{"mobileTelephoneNumber"}, OID: "0.9.2342.19200300.100.1.41", Syntax: Tel, Origin: Standard},
	Pager:                      {Name: "pager", Aliases: []string{"pagerTelephoneNumber"}, OID: "0.9.2342.19200300.100.1.42", Syntax: Tel, Origin: Standard},
	AssociatedName:             {Name: "associatedName", OID: "0.9.2342.19200300.100.1.38", Syntax: DN, Origin: Standard},
	AssociatedDomain:           {Name: "associatedDomain", OID: "0.9.2342.19200300.100.1.37", Syntax: CIS, Origin: Standard},
	LabeledURI:                 {Name: "labeledURI", Aliases: []string{"labeledURL"}, OID: "1.3.6.1.4.1.250.1.57", Syntax: CES, Origin: Standard, builtin: true},
	CarLicense:                 {Name: "carLicense", OID: "2.16.840.1.113730.3.1.1", Syntax: CIS, Origin: Standard},
	DepartmentNumber:           {Name: "departmentNumber", OID: "2.16.840.1.113730.3.1.2", Syntax: CIS, Origin: Standard},
	EmployeeNumber:             {Name: "employeeNumber", OID: "2.16.840.1.113730.3.1.3", Syntax: CIS, Origin: Standard, Single: true, WasMulti: true},
	EmployeeType:               {Name: "employeeType", OID: "2.16.840.1.113730.3.1.4", Syntax: CIS, Origin: Standard},
	PreferredLanguage:          {Name: "preferredLanguage", OID: "2.16.840.1.113730.3.1.39", Syntax: CIS, Origin: Standard, Single: true, WasMulti: true},
	UserSMIMECertificate:       {Name: "userSMIMECertificate", OID: "2.16.840.1.113730.3.1.40", Syntax: Bin, Origin: Standard},
	DisplayName:                {Name: "displayName", OID: "2.16.840.1.113730.3.1.241", Syntax: CIS, Origin: Standard, Single: true, WasMulti: true},

	// Operational attributes the server maintains.
	CreateTimestamp:         {Name: "createTimestamp", OID: "2.5.18.1", Syntax: CIS, Origin: Standard, Single: true, Operational: true, builtin: true},
	ModifyTimestamp:         {Name: "modifyTimestamp", OID: "2.5.18.2", Syntax: CIS, Origin: Standard, Single: true, Operational: true, builtin: true},
	CreatorsName:            {Name: "creatorsName", OID: "2.5.18.3", Syntax: DN, Origin: Standard, Single: true, Operational: true, builtin: true},
	ModifiersName:           {Name: "modifiersName", OID: "2.5.18.4", Syntax: DN, Origin: Standard, Single: true, Operational: true, builtin: true},
	ACI:                     {Name: "aci", OID: "2.16.840.1.113730.3.1.55", Syntax: Bin, Origin: Standard, Operational: true},
	NsUniqueID:              {Name: "nsUniqueId", OID: "2.16.840.1.113730.3.1.542", Syntax: CIS, Origin: Standard, Single: true, Operational: true},
	PasswordExpirationTime:  {Name: "passwordExpirationTime", OID: "2.16.840.1.113730.3.1.91", Syntax: CIS, Origin: Standard, Single: true, Operational: true},
	PasswordExpWarned:       {Name: "passwordExpWarned", OID: "2.16.840.1.113730.3.1.92", Syntax: CIS, Origin: Standard, Single: true, Operational: true},
	PasswordRetryCount:      {Name: "passwordRetryCount", OID: "2.16.840.1.113730.3.1.93", Syntax: CIS, Origin: Standard, Single: true, Operational: true},
	RetryCountResetTime:     {Name: "retryCountResetTime", OID: "2.16.840.1.113730.3.1.94", Syntax: CIS, Origin: Standard, Single: true, Operational: true},
	AccountUnlockTime:       {Name: "accountUnlockTime", OID: "2.16.840.1.113730.3.1.95", Syntax: CIS, Origin: Standard, Single: true, Operational: true},
	PasswordHistory:         {Name: "passwordHistory", OID: "2.16.840.1.113730.3.1.96", Syntax: Bin, Origin: Standard, Operational: true},
	PasswordAllowChangeTime: {Name: "passwordAllowChangeTime", OID: "2.16.840.1.113730.3.1.214", Syntax: CIS, Origin: Standard, Single: true, Operational: true},

	// SIMS 4.0.
	RFC822MailAlias:             {Name: "rfc822MailAlias", OID: sims + "1", Syntax: CIS, Origin: SIMS},
	InetMailGroupVersion:        {Name: "inetMailGroupVersion", OID: sims + "2", Syntax: CES, Origin: SIMS, Single: true, WasMulti: true},
	ErrorsTo:                    {Name: "errorsTo", OID: sims + "3", Syntax: CES, Origin: SIMS, Single: true, WasMulti: true},
	Joinable:                    {Name: "joinable", OID: sims + "4", Syntax: CIS, Origin: SIMS, Single: true, WasMulti: true},
	Moderator:                   {Name: "moderator", OID: sims + "5", Syntax: CES, Origin: SIMS},
	RequestsTo:                  {Name: "requestsTo", OID: sims + "6", Syntax: CES, Origin: SIMS},
	SuppressEmailError:          {Name: "suppressEmailError", OID: sims + "7", Syntax: CIS, Origin: SIMS, Single: true, WasMulti: true},
	AuthorizedDomain:            {Name: "authorizedDomain", OID: sims + "8", Syntax: CIS, Origin: SIMS},
	AuthorizedSubmitter:         {Name: "authorizedSubmitter", OID: sims + "9", Syntax: CES, Origin: SIMS},
	Expandable:                  {Name: "expandable", OID: sims + "10", Syntax: CIS, Origin: SIMS, Single: true, WasMulti: true},
	RFC822MailMember:            {Name: "rfc822MailMember", OID: sims + "15", Syntax: CIS, Origin: SIMS},
	UnauthorizedDomain:          {Name: "unauthorizedDomain", OID: sims + "17", Syntax: CIS, Origin: SIMS},
	UnauthorizedSubmitter:       {Name: "unauthorizedSubmitter", OID: sims + "18", Syntax: CES, Origin: SIMS},
	MultiLineDescription:        {Name: "multiLineDescription", OID: "1.3.6.1.4.1.250.1.2", Syntax: CIS, Origin: SIMS},
	MembershipFilter:            {Name: "membershipFilter", OID: sims + "20", Syntax: CES, Origin: SIMS},
	InetMailUserVersion:         {Name: "inetMailUserVersion", OID: sims + "21", Syntax: CES, Origin: SIMS, Single: true, WasMulti: true},
	MailAutoReplyStartDate:      {Name: "mailAutoReplyStartDate", OID: sims + "22", Syntax: CIS, Origin: SIMS, Single: true, WasMulti: true},
	MailAutoReplyExpirationDate: {Name: "mailAutoReplyExpirationDate", OID: sims + "23", Syntax: CIS, Origin: SIMS, Single: true, WasMulti: true},
	MailAutoReplySubject:        {Name: "mailAutoReplySubject", OID: sims + "25", Syntax: CIS, Origin: SIMS, Single: true, WasMulti: true},
	MailAutoReplyTextInternal:   {Name: "mailAutoReplyTextInternal", OID: sims + "27", Syntax: CIS, Origin: SIMS, Single: true, WasMulti: true},
	MailDeliveryFile:            {Name: "mailDeliveryFile", OID: sims + "28", Syntax: CES, Origin: SIMS},
	MailFolderMap:               {Name: "mailFolderMap", OID: sims + "30", Syntax: CIS, Origin: SIMS, Single: true, WasMulti: true},
	UserDefinedAttribute1:       {Name: "userDefinedAttribute1", OID: sims + "35", Syntax: CIS, Origin: SIMS},
	UserDefinedAttribute2:       {Name: "userDefinedAttribute2", OID: sims + "36", Syntax: CIS, Origin: SIMS},
	UserDefinedAttribute3:       {Name: "userDefinedAttribute3", OID: sims + "37", Syntax: CIS, Origin: SIMS},
	UserDefinedAttribute4:       {Name: "userDefinedAttribute4", OID: sims + "38", Syntax: CIS, Origin: SIMS},
	InetAuthorizedServices:      {Name: "inetAuthorizedServices", OID: "1.3.6.1.4.1.42.2.27.3.1.1", Syntax: CIS, Origin: SIMS},
	InetSubscriberHTTPURL:       {Name: "inetSubscriberHttpURL", OID: "1.3.6.1.4.1.42.2.27.3.1.2", Syntax: CES, Origin: SIMS},
	InetSubscriberStatus:        {Name: "inetSubscriberStatus", OID: "1.3.6.1.4.1.42.2.27.3.1.3", Syntax: CIS, Origin: SIMS, Single: true, WasMulti: true},
	InetAdministeredServices:    {Name: "inetAdministeredServices", OID: local + "1.1", Syntax: CES, Origin: SIMS},
	RFC822Postmaster:            {Name: "rfc822Postmaster", OID: local + "1.2", Syntax: CIS, Origin: SIMS},
	AdminDN:                     {Name: "adminDN", OID: local + "1.3", Syntax: DN, Origin: SIMS},

	// Netscape Messaging Server 4.x and Netscape Delegated Administrator.
	MailAccessDomain:            {Name: "mailAccessDomain", OID: netscape + "12", Syntax: CIS, Origin: NMS},
	MailAlternateAddress:        {Name: "mailAlternateAddress", OID: netscape + "13", Syntax: CIS, Origin: NMS},
	MailAutoReplyMode:           {Name: "mailAutoReplyMode", OID: netscape + "14", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	MailAutoReplyText:           {Name: "mailAutoReplyText", OID: netscape + "15", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	MailDeliveryOption:          {Name: "mailDeliveryOption", OID: netscape + "16", Syntax: CIS, Origin: NMS},
	MailForwardingAddress:       {Name: "mailForwardingAddress", OID: netscape + "17", Syntax: CIS, Origin: NMS},
	MailHost:                    {Name: "mailHost", OID: netscape + "18", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	MailMessageStore:            {Name: "mailMessageStore", OID: netscape + "19", Syntax: CES, Origin: NMS, Single: true, WasMulti: true},
	MailProgramDeliveryInfo:     {Name: "mailProgramDeliveryInfo", OID: netscape + "20", Syntax: CES, Origin: NMS},
	MailQuota:                   {Name: "mailQuota", OID: netscape + "21", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	MailRoutingAddress:          {Name: "mailRoutingAddress", OID: netscape + "24", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	NsMsgDisallowAccess:         {Name: "nsmsgDisallowAccess", OID: local + "1.50", Syntax: CES, Origin: NMS},
	NsMsgNumMsgQuota:            {Name: "nsmsgNumMsgQuota", OID: local + "1.51", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	NswmExtendedUserPrefs:       {Name: "nswmExtendedUserPrefs", OID: netscape + "520", Syntax: CIS, Origin: NMS},
	VacationStartDate:           {Name: "vacationStartDate", OID: netscape + "707", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	VacationEndDate:             {Name: "vacationEndDate", OID: netscape + "708", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	NsLicensedFor:               {Name: "nsLicensedFor", OID: netscape + "36", Syntax: CIS, Origin: NMS},
	NsLicenseStartTime:          {Name: "nsLicenseStartTime", OID: netscape + "37", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	NsLicenseEndTime:            {Name: "nsLicenseEndTime", OID: netscape + "38", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	MgrpAllowedBroadcaster:      {Name: "mgrpAllowedBroadcaster", OID: netscape + "22", Syntax: CES, Origin: NMS},
	MgrpAllowedDomain:           {Name: "mgrpAllowedDomain", OID: netscape + "23", Syntax: CIS, Origin: NMS},
	MgrpDeliverTo:               {Name: "mgrpDeliverTo", OID: netscape + "25", Syntax: CES, Origin: NMS},
	MgrpErrorsTo:                {Name: "mgrpErrorsTo", OID: netscape + "26", Syntax: CES, Origin: NMS, Single: true, WasMulti: true},
	MgrpMsgRejectAction:         {Name: "mgrpMsgRejectAction", OID: netscape + "28", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	MgrpMsgRejectText:           {Name: "mgrpMsgRejectText", OID: netscape + "29", Syntax: CES, Origin: NMS, Single: true, WasMulti: true},
	MgrpRFC822MailMember:        {Name: "mgrpRFC822MailMember", OID: netscape + "30", Syntax: CIS, Origin: NMS},
	MailEnhancedUniqueMember:    {Name: "mailEnhancedUniqueMember", OID: netscape + "31", Syntax: DN, Origin: NMS, loose: true},
	MgrpMsgMaxSize:              {Name: "mgrpMsgMaxSize", OID: netscape + "32", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	MgrpModerator:               {Name: "mgrpModerator", OID: netscape + "33", Syntax: CES, Origin: NMS},
	MgrpApprovePassword:         {Name: "mgrpApprovePassword", OID: local + "1.10", Syntax: CES, Origin: NMS, Single: true, WasMulti: true},
	MgrpBroadcasterPolicy:       {Name: "mgrpBroadcasterPolicy", OID: netscape + "788", Syntax: CIS, Origin: NMS},
	MgrpAddHeader:               {Name: "mgrpAddHeader", OID: netscape + "781", Syntax: CES, Origin: NMS},
	MgrpRemoveHeader:            {Name: "mgrpRemoveHeader", OID: netscape + "801", Syntax: CIS, Origin: NMS},
	MgrpNoDuplicateChecks:       {Name: "mgrpNoDuplicateChecks", OID: netscape + "789", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	MgrpDeliverException:        {Name: "mgrpDeliverException", OID: local + "1.11", Syntax: DN, Origin: NMS},
	MgmanGroupKey:               {Name: "mgmanGroupKey", OID: local + "1.12", Syntax: CIS, Origin: NMS},
	MgmanGroupStat:              {Name: "mgmanGroupStat", OID: local + "1.13", Syntax: CIS, Origin: NMS},
	MgmanJoinLocalType:          {Name: "mgmanJoinLocalType", OID: local + "1.14", Syntax: CIS, Origin: NMS},
	MgmanAllowSubscribe:         {Name: "mgmanAllowSubscribe", OID: netscape + "790", Syntax: CES, Origin: NMS},
	MgmanDenySubscribe:          {Name: "mgmanDenySubscribe", OID: netscape + "791", Syntax: CES, Origin: NMS},
	MgmanHidden:                 {Name: "mgmanHidden", OID: netscape + "792", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	MgmanJoinability:            {Name: "mgmanJoinability", OID: netscape + "793", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	MgmanVisibility:             {Name: "mgmanVisibility", OID: netscape + "794", Syntax: CIS, Origin: NMS},
	MgmanMemberVisibility:       {Name: "mgmanMemberVisibility", OID: netscape + "795", Syntax: CIS, Origin: NMS, Single: true, WasMulti: true},
	MgmanIntroText:              {Name: "mgmanIntroText", OID: netscape + "796", Syntax: CIS, Origin: NMS},
	MgmanGoodbyeText:            {Name: "mgmanGoodbyeText", OID: local + "1.15", Syntax: CIS, Origin: NMS},
	MgmemMemberOfGroup:          {Name: "mgmemMemberOfGroup", OID: local + "1.16", Syntax: CES, Origin: NMS},
	MgmemRefDN:                  {Name: "mgmemRefDN", OID: local + "1.17", Syntax: DN, Origin: NMS},
	MgmemMailUserPassword:       {Name: "mgmemMailUserPassword", OID: local + "1.18", Syntax: Bin, Origin: NMS},
	MgmemGroupMemberParam:       {Name: "mgmemGroupMemberParam", OID: local + "1.19", Syntax: CIS, Origin: NMS},
	MgmemGroupServerParam:       {Name: "mgmemGroupServerParam", OID: local + "1.20", Syntax: CIS, Origin: NMS},
	MgmemAlternateSenderAddress: {Name: "mgmemAlternateSenderAddress", OID: local + "1.21", Syntax: CIS, Origin: NMS},
	NsNumUsers:                  {Name: "nsNumUsers", OID: netscape + "554", Syntax: Int, Origin: NMS, Single: true},
	NsMaxUsers:                  {Name: "nsMaxUsers", OID: netscape + "555", Syntax: Int, Origin: NMS, Single: true},
	NsNumDepts:                  {Name: "nsNumDepts", OID: netscape + "556", Syntax: Int, Origin: NMS, Single: true},
	NsMaxDepts:                  {Name: "nsMaxDepts", OID: netscape + "557", Syntax: Int, Origin: NMS, Single: true},
	NsNumMailLists:              {Name: "nsNumMailLists", OID: netscape + "558", Syntax: Int, Origin: NMS, Single: true},
	NsMaxMailLists:              {Name: "nsMaxMailLists", OID: netscape + "559", Syntax: Int, Origin: NMS, Single: true},
	NsNumDomains:                {Name: "nsNumDomains", OID: netscape + "560", Syntax: Int, Origin: NMS, Single: true},
	NsMaxDomains:                {Name: "nsMaxDomains", OID: netscape + "561", Syntax: Int, Origin: NMS, Single: true},
	NsDefaultMaxDeptSize:        {Name: "nsDefaultMaxDeptSize", OID: netscape + "562", Syntax: Int, Origin: NMS, Single: true},
	NsDACapability:              {Name: "nsdaCapability", OID: netscape + "563", Syntax: CIS, Origin: NMS},
	NsSearchFilter:              {Name: "nsSearchFilter", OID: netscape + "564", Syntax: CIS, Origin: NMS, Single: true},
	NsDAModifiableBy:            {Name: "nsdaModifiableBy", OID: netscape + "565", Syntax: DN, Origin: NMS},
	MemberOf:                    {Name: "memberOf", OID: "1.2.840.113556.1.2.102", Syntax: DN, Origin: NMS},
	NsDADomain:                  {Name: "nsDADomain", OID: netscape + "600", Syntax: CIS, Origin: NMS, Single: true},
	AdminRole:                   {Name: "adminRole", OID: netscape + "601", Syntax: CIS, Origin: NMS},
	NsDAMemberOf:                {Name: "nsDAMemberOf", OID: local + "1.22", Syntax: CIS, Origin: NMS},

	// iPlanet Messaging Server 5.x.
	MailEquivalentAddress:          {Name: "mailEquivalentAddress", OID: local + "1.30", Syntax: CIS, Origin: IMS},
	MailMsgQuota:                   {Name: "mailMsgQuota", OID: netscape + "774", Syntax: Int, Origin: IMS, Single: true},
	MailAutoReplyTimeOut:           {Name: "mailAutoReplyTimeOut", OID: netscape + "771", Syntax: CIS, Origin: IMS, Single: true, WasMulti: true},
	MailAllowedServiceAccess:       {Name: "mailAllowedServiceAccess", OID: netscape + "777", Syntax: CIS, Origin: IMS, Single: true},
	MailAntiUBEService:             {Name: "mailAntiUBEService", OID: local + "1.31", Syntax: CIS, Origin: IMS},
	MailSieveRuleSource:            {Name: "mailSieveRuleSource", OID: local + "1.60", Syntax: CES, Origin: IMS},
	MailSMTPSubmitChannel:          {Name: "mailSMTPSubmitChannel", OID: local + "1.32", Syntax: CIS, Origin: IMS, Single: true},
	MailUserStatus:                 {Name: "mailUserStatus", OID: netscape + "778", Syntax: CIS, Origin: IMS, Single: true},
	InetUserStatus:                 {Name: "inetUserStatus", OID: netscape + "692", Syntax: CIS, Origin: IMS, Single: true},
	InetUserHTTPURL:                {Name: "inetUserHttpURL", OID: netscape + "693", Syntax: CES, Origin: IMS},
	DataSource:                     {Name: "dataSource", OID: netscape + "779", Syntax: CIS, Origin: IMS, Single: true},
	InetCOS:                        {Name: "inetCOS", OID: local + "1.59", Syntax: CIS, Origin: IMS},
	PabURI:                         {Name: "pabURI", OID: local + "1.33", Syntax: CES, Origin: IMS, Single: true},
	MaxPabEntries:                  {Name: "maxPabEntries", OID: local + "1.34", Syntax: Int, Origin: IMS, Single: true},
	MemberOfManagedGroup:           {Name: "memberOfManagedGroup", OID: local + "1.58", Syntax: DN, Origin: IMS, Single: true},
	InetSubscriberAccountID:        {Name: "inetSubscriberAccountId", OID: netscape + "694", Syntax: CIS, Origin: IMS, Single: true},
	InetSubscriberChallenge:        {Name: "inetSubscriberChallenge", OID: netscape + "695", Syntax: CIS, Origin: IMS, Single: true},
	InetSubscriberResponse:         {Name: "inetSubscriberResponse", OID: netscape + "696", Syntax: CIS, Origin: IMS, Single: true},
	MsgVanityDomain:                {Name: "msgVanityDomain", OID: netscape + "799", Syntax: CIS, Origin: IMS, Single: true},
	MailAdminRole:                  {Name: "mailAdminRole", OID: local + "1.61", Syntax: CIS, Origin: IMS, Single: true},
	InetMailGroupStatus:            {Name: "inetMailGroupStatus", OID: netscape + "786", Syntax: CIS, Origin: IMS, Single: true, WasMulti: true},
	MailDeliveryFileURL:            {Name: "mailDeliveryFileURL", OID: netscape + "787", Syntax: CES, Origin: IMS, Single: true},
	MailRejectText:                 {Name: "mailRejectText", OID: local + "1.35", Syntax: CIS, Origin: IMS, Single: true},
	MgrpAuthPassword:               {Name: "mgrpAuthPassword", OID: local + "1.62", Syntax: CES, Origin: IMS, Single: true},
	MgrpDisallowedBroadcaster:      {Name: "mgrpDisallowedBroadcaster", OID: netscape + "785", Syntax: CES, Origin: IMS},
	MgrpDisallowedDomain:           {Name: "mgrpDisallowedDomain", OID: local + "1.63", Syntax: CIS, Origin: IMS},
	MgrpMsgPrefixText:              {Name: "mgrpMsgPrefixText", OID: local + "1.36", Syntax: CIS, Origin: IMS, Single: true},
	MgrpMsgSuffixText:              {Name: "mgrpMsgSuffixText", OID: local + "1.37", Syntax: CIS, Origin: IMS, Single: true},
	InetDomainBaseDN:               {Name: "inetDomainBaseDN", OID: netscape + "690", Syntax: DN, Origin: IMS, Single: true},
	InetDomainStatus:               {Name: "inetDomainStatus", OID: netscape + "691", Syntax: CIS, Origin: IMS, Single: true, WasMulti: true},
	InetDomainSearchFilter:         {Name: "inetDomainSearchFilter", OID: local + "1.54", Syntax: CIS, Origin: IMS, Single: true},
	InetDomainCertMap:              {Name: "inetDomainCertMap", OID: local + "1.55", Syntax: CES, Origin: IMS, Single: true},
	InetCanonicalDomainName:        {Name: "inetCanonicalDomainName", OID: local + "1.56", Syntax: CIS, Origin: IMS, Single: true},
	DomainUIDSeparator:             {Name: "domainUIDSeparator", OID: local + "1.57", Syntax: CIS, Origin: IMS, Single: true},
	DomOrgMaxUsers:                 {Name: "domOrgMaxUsers", OID: local + "1.52", Syntax: Int, Origin: IMS, Single: true},
	DomOrgNumUsers:                 {Name: "domOrgNumUsers", OID: local + "1.53", Syntax: Int, Origin: IMS, Single: true},
	MailDomainStatus:               {Name: "mailDomainStatus", OID: local + "1.40", Syntax: CIS, Origin: IMS, Single: true},
	MailDomainDiskQuota:            {Name: "mailDomainDiskQuota", OID: netscape + "766", Syntax: CIS, Origin: IMS, Single: true, WasMulti: true},
	MailDomainMsgQuota:             {Name: "mailDomainMsgQuota", OID: local + "1.41", Syntax: CIS, Origin: IMS, Single: true},
	MailDomainAllowedServiceAccess: {Name: "mailDomainAllowedServiceAccess", OID: local + "1.42", Syntax: CIS, Origin: IMS, Single: true},
	MailDomainWelcomeMessage:       {Name: "mailDomainWelcomeMessage", OID: local + "1.43", Syntax: CIS, Origin: IMS, Single: true},
	MailAccessProxyPreAuth:         {Name: "mailAccessProxyPreAuth", OID: netscape + "769", Syntax: CIS, Origin: IMS, Single: true},
	MailAccessProxyReplay:          {Name: "mailAccessProxyReplay", OID: local + "1.44", Syntax: CIS, Origin: IMS, Single: true},
	MailClientAttachmentQuota:      {Name: "mailClientAttachmentQuota", OID: local + "1.45", Syntax: Int, Origin: IMS, Single: true},
	MailRoutingHosts:               {Name: "mailRoutingHosts", OID: local + "1.46", Syntax: CIS, Origin: IMS},
	MailRoutingSmartHost:           {Name: "mailRoutingSmartHost", OID: netscape + "760", Syntax: CIS, Origin: IMS, Single: true},
	PreferredMailHost:              {Name: "preferredMailHost", OID: netscape + "761", Syntax: CIS, Origin: IMS, Single: true, WasMulti: true},
	PreferredMailMessageStore:      {Name: "preferredMailMessageStore", OID: local + "1.47", Syntax: CIS, Origin: IMS, Single: true},
}
