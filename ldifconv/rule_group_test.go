package ldifconv

var groupRows = []ruleRow{
	{rule: "group-classes", in: "objectclass: top\nobjectclass: groupofuniquenames\nobjectclass: inetMailGroup\ncn: l", want: "objectclass=top|groupofuniquenames|inetMailGroup|inetLocalMailRecipient|inetMailGroupManagement|nsManagedMailList"},
	{rule: "group-classes", from: NMS, in: "objectclass: top\nobjectclass: mailGroup\ncn: l", want: "objectclass=top|mailGroup|groupOfUniqueNames|inetMailGroup|inetLocalMailRecipient|inetMailGroupManagement|nsManagedMailList"},
	{rule: "group-classes", from: NMS, in: "objectclass: mailGroup", want: "objectclass=mailGroup|inetMailGroup|inetLocalMailRecipient|inetMailGroupManagement|nsManagedMailList"},

	{rule: "nms-group-classes", in: "objectclass: top\nobjectclass: mailgroup\nobjectclass: mailGroupManagement\nobjectclass: groupOfMailEnhancedUniqueNames", want: "objectclass=top"},
	{rule: "nms-group-classes", in: "objectclass: mailGroup\nobjectclass: mailGroupManagement_GlobalConfig\nobjectclass: x", want: "objectclass=x\n!list-manager"},
	{rule: "nms-group-classes", in: "objectclass: mailGroup\nobjectclass: mailRecipient\nobjectclass: nsMessagingServerUser\nobjectclass: x", want: "objectclass=x"},
	{rule: "nms-group-classes", opt: RuleOptions{KeepOldClasses: KeepAll}, in: "objectclass: mailGroup\nobjectclass: mailGroupManagement", want: ""},

	{rule: "sims-group-version", in: "inetmailgroupversion: 1.0", want: "inetmailgroupversion-"},

	{rule: "group-status", in: "cn: l", want: "inetMailGroupStatus=active"},
	{rule: "group-status", in: "inetmailgroupstatus: inactive", want: ""},

	{rule: "group-members", in: "rfc822mailmember: a@x\nrfc822mailmember: b@x", want: "rfc822mailmember-\nmgrpRFC822MailMember=a@x|b@x"},
	{rule: "group-members", from: NMS, in: "mgrprfc822mailmember: A@x\nrfc822mailmember: a@x\nrfc822mailmember: b@x", want: "mgrprfc822mailmember=A@x|b@x\nrfc822mailmember-"},

	// List members with parameters.
	{rule: "nms-member-parameters", in: "mgrprfc822mailmember: fan@elsewhere.example%A Fan", want: "mgrprfc822mailmember=fan@elsewhere.example"},
	{rule: "nms-member-parameters", in: "mgrprfc822mailmember: joe@acme.com %1(param) %2(a@b)", want: "mgrprfc822mailmember=joe@acme.com"},
	{rule: "nms-member-parameters", in: "mgrprfc822mailmember: user%host@gate.example", want: ""},
	{rule: "nms-member-parameters", in: "mgrprfc822mailmember: user%host@gate.example%User", want: "mgrprfc822mailmember=user%host@gate.example"},
	{rule: "nms-member-parameters", in: "mgrprfc822mailmember: \"odd @ %name\"@x.com%y", want: "mgrprfc822mailmember=\"odd @ %name\"@x.com"},
	{rule: "nms-member-parameters", in: "mgrprfc822mailmember: local %1(x)", want: ""},
	{rule: "nms-member-parameters", in: "mgrprfc822mailmember: a@x.com\nmgrprfc822mailmember: A@x.com%again", want: "mgrprfc822mailmember=a@x.com"},

	{rule: "nms-enhanced-members", in: "uniquemember: uid=a,o=x\nmailenhanceduniquemember: uid=b,o=x %1(digest) %2(a=b)\nmailenhanceduniquemember: cn=50% off,o=x%Shop", want: "uniquemember=uid=a,o=x|uid=b,o=x|cn=50% off,o=x\nmailenhanceduniquemember-"},

	{rule: "sims-membership-filter", in: "membershipfilter: ldap:///o=x??sub?(mail=*)", want: "membershipfilter-\nmgrpDeliverTo=ldap:///o=x??sub?(mail=*)"},

	{rule: "sims-membership-filter", in: "membershipfilter: ldap://ou=People,o=x??sub?(mail=*)", want: "membershipfilter-\nmgrpDeliverTo=ldap://ou=People,o=x??sub?(mail=*)"},
	{rule: "sims-membership-filter", in: "membershipfilter: ldap://host:389/ou=A%20B,o=x", want: "membershipfilter-\nmgrpDeliverTo=ldap://host:389/ou=A%20B,o=x"},
	{rule: "sims-membership-filter", in: "membershipfilter: everyone here", want: "!!membership-filter"},
	{rule: "sims-membership-filter", in: "membershipfilter: (mail=*)", want: "!!membership-filter"},
	{rule: "sims-membership-filter", in: "membershipfilter: ldap:///??sub?(mail=*)", want: "!!membership-filter"},
	{rule: "sims-membership-filter", in: "membershipfilter: ldap:///o=x??sub?(mail=*", want: "!!membership-filter"},
	{rule: "sims-membership-filter", in: "membershipfilter: ldap:///o=x??deep?(mail=*)", want: "!!membership-filter"},
	{rule: "sims-membership-filter", in: "membershipfilter: ldap:///o=x\nmembershipfilter: y", want: "membershipfilter=y\nmgrpDeliverTo=ldap:///o=x\n!!membership-filter"},

	{rule: "sims-errors-to", in: "errorsto: mailto: a@x", want: "errorsto-\nmgrpErrorsTo=mailto: a@x"},
	{rule: "sims-errors-to", in: "errorsto: a@x\nerrorsto: b@x", want: "errorsto-\nmgrpErrorsTo=a@x\n!single-value"},
	{rule: "sims-errors-to", in: "errorsto: a@x\nmgrperrorsto: b@x", want: "errorsto-\n!single-value"},

	{rule: "sims-requests-to", in: "requeststo: a@x\nsuppressemailerror: TRUE", want: "requeststo-\nsuppressemailerror-\n!requests-to\n!suppress-error"},

	{rule: "sims-submitters", in: "authorizeddomain: *.x.com\nunauthorizeddomain: y.com\nauthorizedsubmitter: a@x\nunauthorizedsubmitter: b@x", want: "authorizeddomain-\nunauthorizeddomain-\nauthorizedsubmitter-\nunauthorizedsubmitter-\nmgrpAllowedDomain=*.x.com\nmgrpDisallowedDomain=y.com\nmgrpAllowedBroadcaster=a@x\nmgrpDisallowedBroadcaster=b@x"},

	{rule: "sims-moderator", in: "moderator: mailto:m@x\nmoderator: n@x", want: "moderator-\nmgrpModerator=mailto:m@x|n@x\nmgrpMsgRejectAction=toModerator\nmgrpAllowedBroadcaster=mailto:m@x|n@x\n!moderator"},
	{rule: "sims-moderator", in: "moderator: m@x\nmgrpallowedbroadcaster: boss@x", want: "moderator-\nmgrpallowedbroadcaster=boss@x|m@x\nmgrpModerator=m@x\nmgrpMsgRejectAction=toModerator\n!moderator"},

	{rule: "nms-allowed-domain", in: "mgrpalloweddomain: siroe.com", want: "mgrpalloweddomain=siroe.com|*.siroe.com"},
	{rule: "nms-allowed-domain", in: "mgrpalloweddomain: *.siroe.com\nmgrpalloweddomain: siroe.com", want: ""},
	{rule: "nms-allowed-domain", in: "mgrpalloweddomain: .siroe.com", want: "mgrpalloweddomain=.siroe.com|*.siroe.com"},
	{rule: "nms-allowed-domain", in: "objectclass: inetMailGroup\nobjectclass: inetLocalMailRecipient\nobjectclass: mailGroup\nmgrpalloweddomain: siroe.com", want: ""},

	// ldap:// and ldap:///.
	{rule: "list-urls", in: "mgrperrorsto: ldap://uid=a, o=Airius.com", want: "mgrperrorsto=ldap:///uid=a, o=Airius.com"},
	{rule: "list-urls", in: "mgrperrorsto: ldap:///uid=a, o=Airius.com", want: ""},
	{rule: "list-urls", in: "mgrperrorsto: LDAP://ldap.siroe.com/uid=a", want: ""},
	{rule: "list-urls", in: "mgrperrorsto: errors@x", want: ""},
	{rule: "list-urls", in: "mgrperrorsto: mailto: errors@x", want: "mgrperrorsto=mailto:errors@x"},
	{rule: "list-urls", in: "mgrpmoderator: m@x\nmgrpallowedbroadcaster: b@x\nmgrpdisallowedbroadcaster: c@x", want: "mgrpmoderator=mailto:m@x\nmgrpallowedbroadcaster=mailto:b@x\nmgrpdisallowedbroadcaster=mailto:c@x"},
	{rule: "list-urls", in: "mgrpmoderator: uid=a,o=x", want: "!!list-url"},
	{rule: "list-urls", in: "mgrpmoderator: news:a@x", want: "!!list-url"},
	{rule: "list-urls", opt: RuleOptions{EncodeURL: true}, in: "mgrpmoderator: ldap://cn=A B,o=x", want: "mgrpmoderator=ldap:///cn=A%20B,o=x"},
	{rule: "list-urls", in: "mgrpdeliverto: ldap://ou=People,o=x??sub?(mail=*)", want: "mgrpdeliverto=ldap:///ou=People,o=x??sub?(mail=*)"},
	{rule: "list-urls", in: "mgrpallowedbroadcaster: mailto:a@x\nmgrpallowedbroadcaster: a@x", want: "mgrpallowedbroadcaster=mailto:a@x"},

	{rule: "sims-joinable", in: "joinable: TRUE\nexpandable: false", want: "joinable-\nexpandable-\nmgmanJoinability=all\nmgmanMemberVisibility=none"},
	{rule: "sims-joinable", in: "joinable: FALSE\nmgmanjoinability: owner", want: "!!switch-value"},
	{rule: "sims-joinable", in: "joinable: TRUE\nmgmanjoinability: none", want: "joinable-\n!single-value"},
	{rule: "sims-joinable", in: "joinable: FALSE\nmgmanjoinability: None", want: "joinable-"},
	{rule: "sims-joinable", in: "expandable: perhaps", want: "!!switch-value"},
	{rule: "sims-joinable", in: "joinable: yes\nexpandable: 1", want: "!!switch-value\n!!switch-value"},
	{rule: "sims-joinable", in: "joinable: no\nexpandable: 0", want: "!!switch-value\n!!switch-value"},
	{rule: "sims-joinable", in: "joinable: TRUE\njoinable: FALSE", want: "!!switch-value"},
	{rule: "sims-joinable", in: "joinable: TRUE\njoinable: true", want: "joinable-\nmgmanJoinability=all"},

	// What finds the members of a list, of either product.
	{rule: "deliver-to", from: NMS, in: "mgrpdeliverto: ldap:///ou=People,o=x??sub?(departmentnumber=7)", want: ""},
	{rule: "deliver-to", from: NMS, in: "mgrpdeliverto: ldap:///o=x", want: ""},
	{rule: "deliver-to", from: NMS, in: "mgrpdeliverto: (departmentnumber=7)", want: "!!deliver-to"},
	{rule: "deliver-to", from: NMS, in: "mgrpdeliverto: everyone", want: "!!deliver-to"},
	{rule: "deliver-to", from: NMS, in: "mgrpdeliverto: http://x.com/list", want: "!!deliver-to"},
	{rule: "deliver-to", from: NMS, in: "mgrpdeliverto: ldap:///??sub?(mail=*)", want: "!!deliver-to"},
	{rule: "deliver-to", from: NMS, in: "mgrpdeliverto: ldap:///o=x??all?(mail=*)", want: "!!deliver-to"},
	{rule: "deliver-to", from: NMS, in: "mgrpdeliverto: ldap:///o=x??sub?(mail=*", want: "!!deliver-to"},
	{rule: "deliver-to", in: "mgrpdeliverto: ldap:///o=x\nmgrpdeliverto: b\nmgrpdeliverto: c", want: "!!deliver-to\n!!deliver-to"},

	{rule: "list-size", from: NMS, in: "mgrpmsgmaxsize: 5000000", want: ""},
	{rule: "list-size", from: NMS, in: "mgrpmsgmaxsize: 5M", want: "!!list-size"},

	{rule: "list-urls", in: "mgrpallowedbroadcaster: cn=boss,o=x", want: "!!list-url"},
	{rule: "list-urls", from: NMS, in: "mgrpdisallowedbroadcaster: uid=a,o=x\nmgrpdisallowedbroadcaster: b@x.com", want: "mgrpdisallowedbroadcaster=uid=a,o=x|mailto:b@x.com\n!!list-url"},
	{rule: "list-urls", in: "mgrpmoderator: http://x.com/m", want: "!!list-url"},
	{rule: "list-urls", in: "mgrperrorsto: postmaster", want: "!address-domain"},
	{rule: "list-urls", in: "mgrpmoderator: bogus thing\nmgrpmoderator: m@x.com", want: "mgrpmoderator=bogus thing|mailto:m@x.com\n!!list-url"},
	{rule: "list-urls", in: "mgrpmoderator: mailto:\nmgrpmoderator: ldap://\nmgrpmoderator: ldap:///", want: "!!list-url\n!!list-url\n!!list-url"},
	{rule: "list-urls", in: "mgrpallowedbroadcaster: mailto:a@x.com,b@x.com", want: "!!list-url"},
	{rule: "list-urls", in: "mgrpallowedbroadcaster: ldap:///cn=a,o=x??sub?(uid=*\nmgrpallowedbroadcaster: ldap://h.x.com/cn=a,o=x", want: "!!list-url"},
	{rule: "list-urls", in: "mgrperrorsto: junk junk", want: "!!list-url"},
	{rule: "list-urls", in: "mgrperrorsto: a@b@x.com", want: "!!list-url"},
	{rule: "list-urls", in: "mgrperrorsto: mailto:a%2Bb@x.com?subject=a b", want: ""},
	{rule: "list-urls", in: "mgrperrorsto: \"a b\"@[10.1.2.3]", want: ""},

	{rule: "list-domains", in: "mgrpalloweddomain: x.com\nmgrpalloweddomain: *.x.com\nmgrpalloweddomain: .x.com\nmgrpalloweddomain: *\nmgrpdisalloweddomain: x?.com", want: ""},
	{rule: "list-domains", in: "mgrpalloweddomain: x.com, y.com\nmgrpdisalloweddomain: @x.com", want: "!!list-domain\n!!list-domain"},
	{rule: "list-domains", from: NMS, in: "mgrpalloweddomain: x..com", want: "!!list-domain"},
	{rule: "nms-allowed-domain", in: "mgrpalloweddomain: x.com, y.com\nmgrpalloweddomain: @x.com\nmgrpalloweddomain: 10.1.2.3", want: ""},

	{rule: "nms-enhanced-members", in: "mailenhanceduniquemember: uid=a, o=x\nuniquemember: UID=A,O=X", want: "mailenhanceduniquemember-"},
	{rule: "nms-enhanced-members", in: "mailenhanceduniquemember: junk\nmailenhanceduniquemember: uid=b,o=x %1(y)\nmailenhanceduniquemember: uid=b, o=x", want: "mailenhanceduniquemember=junk\nuniqueMember=uid=b,o=x\nobjectClass=groupOfMailEnhancedUniqueNames\n!!dn-value"},

	{rule: "errors-to-single", from: NMS, in: "mgrperrorsto: a@x\nmgrperrorsto: b@x", want: "mgrperrorsto=a@x\n!single-value"},
	{rule: "errors-to-single", in: "mgrperrorsto: a@x", want: ""},

	// File and program delivery of lists that keep members.
	{rule: "sims-list-delivery", in: "maildeliveryoption: file", want: "maildeliveryoption=file|members"},
	{rule: "sims-list-delivery", in: "maildeliveryoption: Program", want: "maildeliveryoption=Program|members"},
	{rule: "sims-list-delivery", in: "maildeliveryoption: shared", want: "maildeliveryoption-\n!delivery-option"},
	{rule: "sims-list-delivery", in: "maildeliveryoption: shared\nmaildeliveryoption: file\nmaildeliveryoption: members", want: "maildeliveryoption=file|members\n!delivery-option"},

	{rule: "sims-list-file", in: "maildeliveryfile: /a\nmaildeliveryfile: /b", want: "maildeliveryfile-\nmailDeliveryFileURL=/a\n!delivery-file\n!single-value"},

	{rule: "nms-reject-action", in: "mgrpmsgrejectaction: bounce", want: "mgrpmsgrejectaction=reply\n!reject-action"},
	{rule: "nms-reject-action", in: "mgrpmsgrejectaction: toModerator", want: ""},
	{rule: "nms-reject-action", in: "mgrpmsgrejectaction: SIZE:reply\nmgrpmsgrejectaction: SENDER:tomoderator", want: "mgrpmsgrejectaction=toModerator\n!reject-action"},
	{rule: "nms-reject-action", in: "mgrpmsgrejectaction: explode", want: "!!reject-action"},
	{rule: "nms-reject-action", in: "mgrpmsgrejectaction: explode\nmgrpmsgrejectaction: SIZE:reply", want: "mgrpmsgrejectaction=reply\n!!reject-action\n!reject-action"},

	{rule: "nms-reject-text", in: "mgrpmsgrejecttext: SIZE: too big$sorry", want: "mgrpmsgrejecttext=too big$sorry"},
	{rule: "nms-reject-text", in: "mgrpmsgrejecttext: a\nmgrpmsgrejecttext: b", want: "mgrpmsgrejecttext=a\n!reject-text"},
	{rule: "nms-reject-text", in: "mgrpmsgrejecttext: gro\xdf", want: "!reject-text"},

	{rule: "nms-broadcaster-policy", in: "mgrpbroadcasterpolicy: BROADCASTERS_OVERRIDE\nmgrpbroadcasterpolicy: AUTH_REQ,or", want: "!!broadcaster-policy"},

	{rule: "nms-approve-password", in: "mgrpapprovepassword: sesame", want: "mgrpapprovepassword-\nmgrpAuthPassword=sesame\nmgrpBroadcasterPolicy=PASSWORD_REQUIRED\n!list-password"},

	{rule: "nms-list-manager", in: "objectclass: mailGroupManagement\nmgmangroupkey: 1\nmgmanhidden: true\nusercertificate: x", want: "mgmangroupkey-\nusercertificate-\n!list-manager\n!list-manager"},
	{rule: "nms-list-manager", in: "objectclass: mailGroupManagement_GlobalConfig\nmgmangconfport: 1", want: "mgmangconfport-\n!list-manager"},
	{rule: "nms-list-manager", in: "mgmanhidden: true\nusercertificate: x", want: ""},
	{rule: "nms-list-manager", in: "objectclass: mailGroupManagement\nuserCertificate;binary: x", want: "userCertificate;binary-\n!list-manager"},

	{rule: "list-password", in: "userpassword: x", want: "userpassword-\n!list-user-password"},
	{rule: "list-password", kind: Both, in: "userpassword: x", want: ""},
}

var domainRows = []ruleRow{
	{rule: "domain-alias", in: "objectclass: domain\naliasedobjectname: dc=a", want: "objectclass=domain|inetDomainAlias"},

	{rule: "domain-classes", in: "objectclass: domain\nobjectclass: inetdomain", want: "objectclass=domain|inetdomain|mailDomain|nsManagedDomain"},
	{rule: "domain-classes", in: "objectclass: domain\naliasedobjectname: dc=a", want: ""},

	{rule: "domain-base", in: "dn: dc=siroe, dc=com,o=internet\ndc: siroe", want: "inetDomainBaseDN=dc=siroe, dc=com,o=internet"},
	{rule: "domain-base", in: "inetdomainbasedn: o=x", want: ""},
	{rule: "domain-base", in: "inetdomainbasedn: nowhere", want: "!!domain-base"},
	{rule: "domain-base", in: "inetdomainbasedn: o=x\ninetdomainbasedn: o=y", want: "!!domain-base"},
	{rule: "domain-base", in: "aliasedobjectname: dc=a", want: ""},

	{rule: "domain-status", in: "dc: siroe", want: "inetDomainStatus=active\nmailDomainStatus=active"},
	{rule: "domain-status", in: "inetdomainstatus: inactive", want: "mailDomainStatus=active"},

	{rule: "domain-quota", in: "mailquota: 10G", want: "mailquota-\nmailDomainDiskQuota=10737418240"},
	{rule: "domain-quota", in: "mailquota: -1", want: "mailquota-\nmailDomainDiskQuota=-1"},
	{rule: "domain-quota", opt: RuleOptions{QuotaSuffix: true}, in: "mailquota: 10G", want: "mailquota-\nmailDomainDiskQuota=10G"},
	{rule: "domain-quota", in: "mailquota: much", want: "!!quota-value"},
	{rule: "domain-quota", in: "mailquota: 0M", want: "mailquota-\nmailDomainDiskQuota=0\n!quota-zero"},
	{rule: "domain-quota", in: "mailquota: 1\nmailquota: 2", want: "mailquota-\nmailDomainDiskQuota=1\n!single-value"},
	{rule: "domain-quota", in: "mailquota: 1\nmaildomaindiskquota: 2", want: "mailquota-\n!quota-kept"},
	{rule: "domain-quota", in: "objectclass: mailDomain\nmailquota: 1", want: ""},

	{rule: "domain-services", in: "inetauthorizedservices: imap", want: "inetauthorizedservices-\nmailDomainAllowedServiceAccess=+imap:*\n!access-closed"},

	{rule: "domain-people", in: "rfc822postmaster: p@x\nadmindn: cn=a", want: "!domain-postmaster\n!domain-administrator"},
}
