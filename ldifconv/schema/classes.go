package schema

// ClassID is a small number for a class of the table; NoClass stands for any
// other class.
type ClassID uint16

// The classes of the mapping, by constant.
const (
	NoClass ClassID = iota // no class of the table

	// Standard classes.
	ClassTop
	ClassAlias
	ClassPerson
	ClassOrganizationalPerson
	ClassInetOrgPerson
	ClassOrganization
	ClassOrganizationalUnit
	ClassGroupOfNames
	ClassGroupOfUniqueNames
	ClassDomain

	// SIMS 4.0, and the SIMS 3.x classes that the upgrade reports.
	ClassInetMailRouting
	ClassInetAdministrator
	ClassEmailPerson
	ClassEmailGroup
	ClassRFC822MailGroup

	// Netscape Messaging Server 4.x and Netscape Delegated Administrator.
	ClassMailRecipient
	ClassNsMessagingServerUser
	ClassMailGroup
	ClassGroupOfMailEnhancedUniqueNames
	ClassNetscapeMailServer
	ClassMailGroupManagement
	ClassMailGroupManagementGlobalConfig
	ClassMailGroupMember
	ClassNsManagedISP
	ClassNsManagedDomain
	ClassNsManagedOrgUnit
	ClassNsManagedDept
	ClassNsManagedFamilyGroup
	ClassNsManagedMailList
	ClassNsManagedPerson
	ClassNsManagedDeptAdminGroup
	ClassInetAdmin
	ClassNsUniquenessDomain
	ClassNsLicenseUser

	// iPlanet Messaging Server 5.x, three of them with the attributes SIMS
	// gave the same name.
	ClassInetUser
	ClassIPUser
	ClassUserPresenceProfile
	ClassInetMailUser
	ClassInetLocalMailRecipient
	ClassInetMailGroup
	ClassInetMailGroupManagement
	ClassInetSubscriber
	ClassMsgVanityDomainUser
	ClassInetMailAdministrator
	ClassInetDomain
	ClassMailDomain
	ClassInetDomainAuthInfo
	ClassInetDomainOrg
	ClassInetDomainAlias

	classCount // number of class identifiers, NoClass included
)

var classes = [classCount]Class{
	// Standard classes.
	ClassTop: {
		Name: "top", OID: "2.5.6.0", Kind: Abstract, Origin: Standard,
		Must: []ID{ObjectClass},
	},
	ClassAlias: {
		Name: "alias", OID: "2.5.6.1", Kind: Structural, Origin: Standard, Superior: "top",
		Must: []ID{AliasedObjectName},
	},
	ClassPerson: {
		Name: "person", OID: "2.5.6.6", Kind: Structural, Origin: Standard, Superior: "top",
		Must: []ID{SN, CN},
		May: []ID{
			UserPassword, TelephoneNumber, SeeAlso, Description,
		},
	},
	ClassOrganizationalPerson: {
		Name: "organizationalPerson", OID: "2.5.6.7", Kind: Structural, Origin: Standard, Superior: "person",
		May: []ID{
			Title, X121Address, RegisteredAddress, DestinationIndicator, PreferredDeliveryMethod,
			TelexNumber, TeletexTerminalIdentifier, TelephoneNumber, InternationalISDNNumber,
			FacsimileTelephoneNumber, Street, PostOfficeBox, PostalCode, PostalAddress,
			PhysicalDeliveryOfficeName, OU, ST, L,
		},
	},
	ClassInetOrgPerson: {
		Name: "inetOrgPerson", OID: "2.16.840.1.113730.3.2.2", Kind: Structural, Origin: Standard, Superior: "organizationalPerson",
		May: []ID{
			Audio, BusinessCategory, CarLicense, DepartmentNumber, DisplayName, EmployeeNumber,
			EmployeeType, GivenName, HomePhone, HomePostalAddress, Initials, JPEGPhoto, LabeledURI,
			Mail, Manager, Mobile, O, Pager, Photo, PreferredLanguage, RoomNumber, Secretary, UID,
			UserCertificate, UserSMIMECertificate, X500UniqueIdentifier,
		},
	},
	ClassOrganization: {
		Name: "organization", OID: "2.5.6.4", Kind: Structural, Origin: Standard, Superior: "top",
		Must: []ID{O},
		May: []ID{
			UserPassword, SearchGuide, SeeAlso, BusinessCategory, X121Address, RegisteredAddress,
			DestinationIndicator, PreferredDeliveryMethod, TelexNumber, TeletexTerminalIdentifier,
			TelephoneNumber, InternationalISDNNumber, FacsimileTelephoneNumber, Street, PostOfficeBox,
			PostalCode, PostalAddress, PhysicalDeliveryOfficeName, ST, L, Description,
		},
	},
	ClassOrganizationalUnit: {
		Name: "organizationalUnit", OID: "2.5.6.5", Kind: Structural, Origin: Standard, Superior: "top",
		Must: []ID{OU},
		May: []ID{
			UserPassword, SearchGuide, SeeAlso, BusinessCategory, X121Address, RegisteredAddress,
			DestinationIndicator, PreferredDeliveryMethod, TelexNumber, TeletexTerminalIdentifier,
			TelephoneNumber, InternationalISDNNumber, FacsimileTelephoneNumber, Street, PostOfficeBox,
			PostalCode, PostalAddress, PhysicalDeliveryOfficeName, ST, L, Description,
		},
	},
	ClassGroupOfNames: {
		Name: "groupOfNames", OID: "2.5.6.9", Kind: Structural, Origin: Standard, Superior: "top",
		Must: []ID{CN},
		May: []ID{
			Member, BusinessCategory, SeeAlso, Owner, OU, O, Description,
		},
	},
	ClassGroupOfUniqueNames: {
		Name: "groupOfUniqueNames", OID: "2.5.6.17", Kind: Structural, Origin: Standard, Superior: "top",
		Must: []ID{CN},
		May: []ID{
			UniqueMember, BusinessCategory, SeeAlso, Owner, OU, O, Description,
		},
	},
	ClassDomain: {
		Name: "domain", OID: "0.9.2342.19200300.100.4.13", Kind: Structural, Origin: Standard, Superior: "top",
		Must: []ID{DC},
		May: []ID{
			AssociatedName, O, Description, BusinessCategory, SeeAlso, SearchGuide, UserPassword, L,
			ST, Street, PhysicalDeliveryOfficeName, PostalAddress, PostalCode, PostOfficeBox,
			FacsimileTelephoneNumber, InternationalISDNNumber, TelephoneNumber,
			TeletexTerminalIdentifier, TelexNumber, PreferredDeliveryMethod, DestinationIndicator,
			RegisteredAddress, X121Address,
		},
	},

	// SIMS 4.0, and the SIMS 3.x classes that the upgrade reports.
	ClassInetMailRouting: {
		Name: "inetMailRouting", OID: "1.3.6.1.4.1.42.2.27.2.2.1", Kind: Auxiliary, Origin: SIMS, Superior: "top",
		May: []ID{
			Mail, MailHost, RFC822MailAlias,
		},
	},
	ClassInetAdministrator: {
		Name: "inetAdministrator", OID: local + "2.1", Kind: Auxiliary, Origin: SIMS, Superior: "top",
		May: []ID{
			InetAdministeredServices,
		},
	},
	ClassEmailPerson: {
		Name: "emailPerson", OID: local + "2.2", Kind: Auxiliary, Origin: SIMS, Superior: "top",
		May: []ID{
			Mail, RFC822MailAlias, MailHost,
		},
	},
	ClassEmailGroup: {
		Name: "emailGroup", OID: local + "2.3", Kind: Auxiliary, Origin: SIMS, Superior: "top",
		May: []ID{
			Mail, RFC822MailAlias, MailHost, RFC822MailMember,
		},
	},
	ClassRFC822MailGroup: {
		Name: "rfc822MailGroup", OID: local + "2.4", Kind: Structural, Origin: SIMS, Superior: "top",
		Must: []ID{CN},
		May: []ID{
			Mail, RFC822MailAlias, MailHost, RFC822MailMember, Owner, SeeAlso, Description, Joinable,
			ErrorsTo, RequestsTo,
		},
	},

	// Netscape Messaging Server 4.x and Netscape Delegated Administrator.
	ClassMailRecipient: {
		Name: "mailRecipient", OID: "2.16.840.1.113730.3.2.3", Kind: Auxiliary, Origin: NMS, Superior: "top",
		May: []ID{
			CN, Mail, MailAlternateAddress, MailHost, MailRoutingAddress, MailAccessDomain,
			MailAutoReplyMode, MailAutoReplyText, MailDeliveryOption, MailForwardingAddress,
			MailMessageStore, MailProgramDeliveryInfo, MailQuota, MultiLineDescription, UID,
			UserPassword,
		},
	},
	ClassNsMessagingServerUser: {
		Name: "nsMessagingServerUser", OID: "2.16.840.113730.3.2.37", Kind: Auxiliary, Origin: NMS, Superior: "top",
		May: []ID{
			CN, MailAccessDomain, MailAutoReplyMode, MailAutoReplyText, MailDeliveryOption,
			MailForwardingAddress, MailMessageStore, MailProgramDeliveryInfo, MailQuota,
			NsMsgDisallowAccess, NsMsgNumMsgQuota, NswmExtendedUserPrefs, VacationStartDate,
			VacationEndDate,
		},
	},
	ClassMailGroup: {
		Name: "mailGroup", OID: "2.16.840.1.113730.3.2.4", Kind: Auxiliary, Origin: NMS, Superior: "top",
		May: []ID{
			CN, Mail, MailAlternateAddress, MailHost, MailRoutingAddress, MgrpAddHeader,
			MgrpAllowedBroadcaster, MgrpAllowedDomain, MgrpApprovePassword, MgrpBroadcasterPolicy,
			MgrpDeliverException, MgrpDeliverTo, MgrpErrorsTo, MgrpModerator, MgrpMsgMaxSize,
			MgrpMsgRejectAction, MgrpMsgRejectText, MgrpNoDuplicateChecks, MgrpRemoveHeader,
			MgrpRFC822MailMember, Owner,
		},
	},
	ClassGroupOfMailEnhancedUniqueNames: {
		Name: "groupOfMailEnhancedUniqueNames", OID: "2.16.840.1.113730.3.2.5", Kind: Auxiliary, Origin: NMS, Superior: "top",
		Must: []ID{CN},
		May: []ID{
			BusinessCategory, Description, MailEnhancedUniqueMember, O, OU, Owner, SeeAlso,
		},
	},
	ClassNetscapeMailServer: {
		Name: "netscapeMailServer", OID: "2.16.840.1.113730.3.2.24", Kind: Auxiliary, Origin: NMS, Superior: "top",
	},
	ClassMailGroupManagement: {
		Name: "mailGroupManagement", OID: local + "2.10", Kind: Auxiliary, Origin: NMS, Superior: "top",
		May: []ID{
			Description, LabeledURI, MgmanAllowSubscribe, MgmanDenySubscribe, MgmanGroupKey,
			MgmanGroupStat, MgmanHidden, MgmanIntroText, MgmanJoinability, MgmanJoinLocalType,
			MgmanMemberVisibility, MgmanVisibility, MultiLineDescription, UserCertificate,
			UserPassword,
		},
	},
	ClassMailGroupManagementGlobalConfig: {
		Name: "mailGroupManagement_GlobalConfig", OID: local + "2.11", Kind: Auxiliary, Origin: NMS, Superior: "top",
	},
	ClassMailGroupMember: {
		Name: "mailGroupMember", OID: local + "2.12", Kind: Auxiliary, Origin: NMS, Superior: "top",
		May: []ID{
			Mail, MgmemMemberOfGroup, MgmemRefDN, MgmemAlternateSenderAddress, PreferredLanguage,
			UserCertificate, MgmemMailUserPassword, MgmemGroupMemberParam, MgmemGroupServerParam, C,
			CN, SN, GivenName,
		},
	},
	ClassNsManagedISP: {
		Name: "nsManagedISP", OID: netscapeClass + "85", Kind: Auxiliary, Origin: NMS, Superior: "top",
		May: []ID{
			NsNumDomains, NsMaxDomains,
		},
	},
	ClassNsManagedDomain: {
		Name: "nsManagedDomain", OID: netscapeClass + "86", Kind: Auxiliary, Origin: NMS, Superior: "top",
		May: []ID{
			NsNumUsers, NsMaxUsers, NsNumDepts, NsMaxDepts, NsNumMailLists, NsMaxMailLists,
			NsNumDomains, NsMaxDomains, NsDefaultMaxDeptSize, Owner, NsDAModifiableBy, NsDADomain,
		},
	},
	ClassNsManagedOrgUnit: {
		Name: "nsManagedOrgUnit", OID: netscapeClass + "87", Kind: Auxiliary, Origin: NMS, Superior: "top",
		May: []ID{
			Owner, NsDAModifiableBy, NsDADomain,
		},
	},
	ClassNsManagedDept: {
		Name: "nsManagedDept", OID: netscapeClass + "88", Kind: Auxiliary, Origin: NMS, Superior: "top",
		May: []ID{
			NsNumUsers, NsMaxUsers, NsNumDepts, NsMaxDepts, Owner, NsDAModifiableBy, NsDADomain,
		},
	},
	ClassNsManagedFamilyGroup: {
		Name: "nsManagedFamilyGroup", OID: netscapeClass + "89", Kind: Auxiliary, Origin: NMS, Superior: "top",
		May: []ID{
			NsNumUsers, NsMaxUsers, Owner, NsDAModifiableBy, NsDADomain,
		},
	},
	ClassNsManagedMailList: {
		Name: "nsManagedMailList", OID: netscapeClass + "90", Kind: Auxiliary, Origin: NMS, Superior: "top",
		May: []ID{
			NsNumUsers, NsMaxUsers, Owner, NsDAModifiableBy, NsDADomain,
		},
	},
	ClassNsManagedPerson: {
		Name: "nsManagedPerson", OID: netscapeClass + "91", Kind: Auxiliary, Origin: NMS, Superior: "top",
		May: []ID{
			MemberOf, NsDADomain, NsDAMemberOf, NsDACapability, NsSearchFilter, Owner,
			NsDAModifiableBy,
		},
	},
	ClassNsManagedDeptAdminGroup: {
		Name: "nsManagedDeptAdminGroup", OID: netscapeClass + "111", Kind: Auxiliary, Origin: NMS, Superior: "top",
	},
	ClassInetAdmin: {
		Name: "inetAdmin", OID: netscapeClass + "112", Kind: Auxiliary, Origin: NMS, Superior: "top",
		May: []ID{
			MemberOf, AdminRole,
		},
	},
	ClassNsUniquenessDomain: {
		Name: "nsUniquenessDomain", OID: netscapeClass + "115", Kind: Auxiliary, Origin: NMS, Superior: "top",
	},
	ClassNsLicenseUser: {
		Name: "nsLicenseUser", OID: netscapeClass + "7", Kind: Auxiliary, Origin: NMS, Superior: "top",
		May: []ID{
			NsLicensedFor, NsLicenseStartTime, NsLicenseEndTime,
		},
	},

	// iPlanet Messaging Server 5.x, three of them with the attributes SIMS
	// gave the same name.
	ClassInetUser: {
		Name: "inetUser", OID: netscapeClass + "130", Kind: Auxiliary, Origin: IMS, Superior: "top",
		May: []ID{
			UID, InetUserStatus, InetUserHTTPURL, UserPassword, MemberOf,
		},
	},
	ClassIPUser: {
		Name: "ipUser", OID: local + "2.20", Kind: Auxiliary, Origin: IMS, Superior: "top",
		May: []ID{
			PabURI, InetCOS, MemberOfManagedGroup, MaxPabEntries,
		},
	},
	ClassUserPresenceProfile: {
		Name: "userPresenceProfile", OID: netscapeClass + "136", Kind: Auxiliary, Origin: IMS, Superior: "top",
		May: []ID{
			VacationStartDate, VacationEndDate,
		},
	},
	ClassInetMailUser: {
		Name: "inetMailUser", OID: netscapeClass + "146", Kind: Auxiliary, Origin: IMS, Superior: "top",
		May: []ID{
			DataSource, InetMailUserVersion, Mail, MailAllowedServiceAccess, MailAntiUBEService,
			MailAutoReplyExpirationDate, MailAutoReplyMode, MailAutoReplyStartDate,
			MailAutoReplySubject, MailAutoReplyText, MailAutoReplyTextInternal, MailAutoReplyTimeOut,
			MailDeliveryFile, MailDeliveryOption, MailEquivalentAddress, MailFolderMap,
			MailForwardingAddress, MailHost, MailMessageStore, MailMsgQuota, MailProgramDeliveryInfo,
			MailQuota, MailSMTPSubmitChannel, MailSieveRuleSource, MailUserStatus,
			MultiLineDescription, NswmExtendedUserPrefs, RFC822MailAlias, UserDefinedAttribute1,
			UserDefinedAttribute2, UserDefinedAttribute3, UserDefinedAttribute4,
		},
	},
	ClassInetLocalMailRecipient: {
		Name: "inetLocalMailRecipient", OID: netscapeClass + "147", Kind: Auxiliary, Origin: IMS, Superior: "top",
		May: []ID{
			Mail, MailAlternateAddress, MailHost, MailRoutingAddress,
		},
	},
	ClassInetMailGroup: {
		Name: "inetMailGroup", OID: "1.3.6.1.4.1.42.2.27.2.2.2", Kind: Auxiliary, Origin: IMS, Superior: "top",
		May: []ID{
			AuthorizedDomain, AuthorizedSubmitter, DataSource, ErrorsTo, Expandable,
			InetMailGroupStatus, InetMailGroupVersion, Joinable, Mail, MailDeliveryFile,
			MailDeliveryFileURL, MailDeliveryOption, MailEquivalentAddress, MailForwardingAddress,
			MailHost, MailProgramDeliveryInfo, MailRejectText, MailSieveRuleSource, MembershipFilter,
			MgrpAddHeader, MgrpAllowedBroadcaster, MgrpAllowedDomain, MgrpAuthPassword,
			MgrpBroadcasterPolicy, MgrpDeliverTo, MgrpDisallowedBroadcaster, MgrpDisallowedDomain,
			MgrpErrorsTo, MgrpModerator, MgrpMsgMaxSize, MgrpMsgPrefixText, MgrpMsgRejectAction,
			MgrpMsgRejectText, MgrpMsgSuffixText, MgrpNoDuplicateChecks, MgrpRFC822MailMember,
			MgrpRemoveHeader, Moderator, MultiLineDescription, Owner, PreferredLanguage, RequestsTo,
			RFC822MailAlias, RFC822MailMember, SeeAlso, SuppressEmailError, UnauthorizedDomain,
			UnauthorizedSubmitter, UniqueMember, UserPassword,
		},
	},
	ClassInetMailGroupManagement: {
		Name: "inetMailGroupManagement", OID: netscapeClass + "149", Kind: Auxiliary, Origin: IMS, Superior: "top",
		May: []ID{
			MgmanAllowSubscribe, MgmanDenySubscribe, MgmanGoodbyeText, MgmanHidden, MgmanIntroText,
			MgmanJoinability, MgmanMemberVisibility, MgmanVisibility, MultiLineDescription,
		},
	},
	ClassInetSubscriber: {
		Name: "inetSubscriber", OID: netscapeClass + "134", Kind: Auxiliary, Origin: IMS, Superior: "top",
		May: []ID{
			UID, InetAuthorizedServices, InetSubscriberAccountID, InetSubscriberChallenge,
			InetSubscriberHTTPURL, InetSubscriberResponse, InetSubscriberStatus,
		},
	},
	ClassMsgVanityDomainUser: {
		Name: "msgVanityDomainUser", OID: netscapeClass + "150", Kind: Auxiliary, Origin: IMS, Superior: "top",
		May: []ID{
			MsgVanityDomain,
		},
	},
	ClassInetMailAdministrator: {
		Name: "inetMailAdministrator", OID: netscapeClass + "148", Kind: Auxiliary, Origin: IMS, Superior: "top",
		May: []ID{
			MailAdminRole,
		},
	},
	ClassInetDomain: {
		Name: "inetDomain", OID: netscapeClass + "129", Kind: Auxiliary, Origin: IMS, Superior: "top",
		May: []ID{
			AdminDN, AliasedObjectName, InetAuthorizedServices, InetDomainBaseDN, InetDomainStatus,
			MailDomainDiskQuota, MailQuota, MailRoutingHosts, Owner, PreferredMailHost,
			RFC822Postmaster,
		},
	},
	ClassMailDomain: {
		Name: "mailDomain", OID: local + "2.21", Kind: Auxiliary, Origin: IMS, Superior: "top",
		May: []ID{
			MailAccessProxyPreAuth, MailAccessProxyReplay, MailClientAttachmentQuota,
			MailDomainAllowedServiceAccess, MailDomainDiskQuota, MailDomainMsgQuota, MailDomainStatus,
			MailDomainWelcomeMessage, MailQuota, MailRoutingHosts, MailRoutingSmartHost,
			PreferredLanguage, PreferredMailHost, PreferredMailMessageStore,
		},
	},
	ClassInetDomainAuthInfo: {
		Name: "inetDomainAuthInfo", OID: netscapeClass + "133", Kind: Auxiliary, Origin: IMS, Superior: "top",
		May: []ID{
			DomainUIDSeparator, InetCanonicalDomainName, InetDomainCertMap, InetDomainSearchFilter,
		},
	},
	ClassInetDomainOrg: {
		Name: "inetDomainOrg", OID: netscapeClass + "132", Kind: Auxiliary, Origin: IMS, Superior: "top",
		May: []ID{
			DomOrgMaxUsers, DomOrgNumUsers,
		},
	},
	ClassInetDomainAlias: {
		Name: "inetDomainAlias", OID: local + "2.22", Kind: Auxiliary, Origin: IMS, Superior: "top",
		May: []ID{
			AliasedObjectName, DC,
		},
	},
}
