package ldifconv

import (
	"io"
	"strings"
	"testing"
)

var simsRows = []ruleRow{
	{rule: "sims-administrator", in: "objectclass: inetAdministrator\nobjectclass: x\ninetadministeredservices: ou=imta", want: "objectclass=x\ninetadministeredservices-\n!administrator"},

	// LOCK left over.
	{rule: "sims-folder-map", in: "mailfoldermap: SUN-MS\nmaildeliveryoption: mailbox", want: "mailfoldermap-"},
	{rule: "sims-folder-map", in: "mailfoldermap: UNIX V7\nmaildeliveryoption: mailbox", want: "mailfoldermap-\nmaildeliveryoption=mailbox|native\n!folder-map"},
	{rule: "sims-folder-map", in: "mailfoldermap: unix v7\nmaildeliveryoption: Native", want: "mailfoldermap-\n!folder-map"},
	{rule: "sims-folder-map", in: "mailFolderMap: LOCK\nmaildeliveryoption: hold", want: "mailFolderMap-\n!lock"},
	{rule: "sims-folder-map", opt: RuleOptions{Lock: LockHold}, in: "mailFolderMap: LOCK", want: "mailFolderMap-\nmailUserStatus=hold\n!lock"},
	{rule: "sims-folder-map", in: "mailFolderMap: other", want: "!!folder-map"},
	{rule: "sims-folder-map", in: "mailFolderMap: other\nmailFolderMap: Sun-MS", want: "mailFolderMap=other\n!!folder-map"},

	// Forward and autoreply options.
	{rule: "sims-delivery-file", in: "maildeliveryoption: mailbox\nmaildeliveryoption: file\nmaildeliveryfile: /a", want: "maildeliveryoption=mailbox\nmaildeliveryfile-\n!delivery-option\n!delivery-file"},
	{rule: "sims-delivery-file", in: "maildeliveryoption: SHARED", want: "maildeliveryoption-\n!delivery-option"},
	{rule: "sims-delivery-file", in: "maildeliveryoption: forward\nmaildeliveryoption: autoreply\nmaildeliveryoption: hold\nmaildeliveryoption: native\nmaildeliveryoption: program", want: ""},
	{rule: "sims-delivery-file", in: "maildeliveryoption: acme-fax", want: ""},
	{rule: "sims-delivery-file", kind: Both, in: "maildeliveryoption: file\nmaildeliveryfile: /a", want: ""},
	{rule: "sims-delivery-file", in: "maildeliveryoption:: ZmlsZSA=\nmaildeliveryoption:: Zm9yd2FyZCA=", want: "maildeliveryoption=forward \n!delivery-option"}, // "file ", "forward "

	{rule: "sims-delivery-missing", in: "uid: a", want: "mailDeliveryOption=mailbox"},
	{rule: "sims-delivery-missing", in: "mailforwardingaddress: a@x", want: "!delivery-missing"},
	{rule: "sims-delivery-missing", in: "maildeliveryoption: forward", want: ""},
	{rule: "sims-delivery-missing", in: "maildeliveryoption:\nmailforwardingaddress:", want: "maildeliveryoption=mailbox"},

	{rule: "sims-vacation-dates", in: "mailautoreplystartdate: 20000701000000Z\nmailautoreplyexpirationdate: 20000801000000+0900", want: "mailautoreplystartdate-\nmailautoreplyexpirationdate-\nvacationStartDate=20000701000000Z\nvacationEndDate=20000731150000Z"},
	{rule: "sims-vacation-dates", in: "mailautoreplystartdate: next week", want: "!!date"},
	{rule: "sims-vacation-dates", in: "mailautoreplystartdate: 200007010000", want: "mailautoreplystartdate-\nvacationStartDate=20000701000000Z\n!date-zone"},
	{rule: "sims-vacation-dates", in: "mailautoreplystartdate: 20000701000000Z\nvacationstartdate: 19990101000000Z", want: "mailautoreplystartdate-\n!single-value"},

	{rule: "sims-autoreply-mode", in: "maildeliveryoption: autoreply", want: "mailAutoReplyMode=reply"},
	{rule: "sims-autoreply-mode", in: "maildeliveryoption: Autoreply\nmailautoreplymode: echo", want: ""},
	{rule: "sims-autoreply-mode", in: "maildeliveryoption: autoreply\nmailautoreplymode: vacation", want: "!!autoreply-mode"},
	{rule: "sims-autoreply-mode", in: "mailautoreplymode: reply\nmailautoreplymode: vacation", want: "!!autoreply-mode"},
	{rule: "sims-autoreply-mode", in: "maildeliveryoption: mailbox\nmailautoreplytext: x", want: ""},
	{rule: "sims-autoreply-mode", in: "mailautoreplymode: echo\nmailautoreplymode: reply", want: "mailautoreplymode=echo\n!single-value"},
	{rule: "sims-autoreply-mode", in: "mailautoreplymode: off\nmailautoreplymode: echo\nmailautoreplymode: reply", want: "mailautoreplymode=off|echo\n!!autoreply-mode\n!single-value"},

	{rule: "sims-autoreply-body", in: "mailautoreplytext: you wrote $BODY", want: "!autoreply-body"},
	{rule: "sims-autoreply-body", in: "mailautoreplytextinternal: you wrote $BODY\nmailautoreplytext: $SUBJECT", want: "!autoreply-body"},

	{rule: "program-names", in: "mailprogramdeliveryinfo: procmail", want: ""},

	// Quota 0, -1, -2, suffixes.
	{rule: "sims-quota", in: "mailquota: 20M", want: "mailquota=20971520"},
	{rule: "sims-quota", in: "mailquota: 1K", want: "mailquota=1024"},
	{rule: "sims-quota", in: "mailquota: 1g", want: "mailquota=1073741824"},
	{rule: "sims-quota", in: "mailquota: 2T", want: "mailquota=2199023255552"},
	{rule: "sims-quota", in: "mailquota: 0", want: "!quota-zero"},
	{rule: "sims-quota", in: "mailquota: 0M", want: "mailquota=0\n!quota-zero"},
	{rule: "sims-quota", in: "mailquota: -1", want: ""},
	{rule: "sims-quota", in: "mailquota: -2", want: ""},
	{rule: "sims-quota", in: "mailquota: 5000000", want: ""},
	{rule: "sims-quota", in: "mailquota: 1.5G", want: ""},
	{rule: "sims-quota", in: "mailquota:: MTIg", want: "mailquota=12"}, // "12 "
	{rule: "sims-quota", in: "mailquota: 1K\nmailquota: 2K", want: "mailquota=1024\n!single-value"},
	{rule: "sims-quota", in: "mailquota: 7\nmailquota: 2K", want: "mailquota=7\n!single-value"},
	{rule: "sims-quota", opt: RuleOptions{QuotaSuffix: true}, in: "mailquota: 1K\nmailquota: 2K", want: "mailquota=1K\n!single-value"},
	{rule: "sims-quota", in: "mailquota: K", want: ""},
	{rule: "sims-quota", in: "mailquota: 99999999999999999T", want: ""},
	{rule: "sims-quota", opt: RuleOptions{QuotaSuffix: true}, in: "mailquota: 20M", want: ""},
	{rule: "sims-quota", opt: RuleOptions{QuotaSuffix: true}, in: "mailquota: 2T", want: "mailquota=2048G"},

	{rule: "sims-quota-missing", in: "uid: a", want: "mailQuota=-1"},
	{rule: "sims-quota-missing", opt: RuleOptions{QuotaMissing: "keep"}, in: "uid: a", want: ""},
	{rule: "sims-quota-missing", opt: RuleOptions{QuotaMissing: "52428800"}, in: "uid: a", want: "mailQuota=52428800"},
	{rule: "sims-quota-missing", in: "mailquota: 0", want: ""},

	{rule: "message-store", in: "mailmessagestore: /var/mail", want: "mailmessagestore-\n!message-store"},
	{rule: "message-store", from: NMS, in: "mailmessagestore: D:\\mail", want: "mailmessagestore-\n!message-store"},
	{rule: "message-store", from: NMS, in: "mailmessagestore: stu", want: ""},
	{rule: "message-store", in: "mailmessagestore: /var/mail\nmailmessagestore: primary", want: "mailmessagestore=primary\n!message-store"},

	{rule: "sims-subscriber-status", in: "inetsubscriberstatus: inactive", want: "inetsubscriberstatus-\ninetUserStatus=inactive"},
	{rule: "sims-subscriber-status", in: "inetsubscriberstatus: Active\ninetuserstatus: deleted", want: "inetsubscriberstatus-\n!single-value"},
	{rule: "sims-subscriber-status", in: "inetsubscriberstatus: Active\ninetuserstatus: active", want: "inetsubscriberstatus-"},
	{rule: "sims-subscriber-status", in: "inetsubscriberstatus: asleep", want: "!!status-value"},
	{rule: "sims-subscriber-status", in: "inetsubscriberstatus: deleted\ninetuserstatus: active", want: "!!status-value"},
	{rule: "sims-subscriber-status", in: "inetsubscriberstatus: active\ninetsubscriberstatus: inactive", want: "!!status-value"},
	{rule: "sims-subscriber-status", in: "inetsubscriberstatus: active\ninetsubscriberstatus: asleep", want: "!!status-value"},

	{rule: "sims-subscriber-url", in: "inetsubscriberhttpurl: http://a/", want: "inetsubscriberhttpurl-\ninetUserHttpURL=http://a/"},

	{rule: "sims-subscriber-class", in: "objectclass: inetSubscriber\nobjectclass: x", want: "objectclass=x"},
	{rule: "sims-subscriber-class", in: "objectclass: inetSubscriber\ninetsubscriberaccountid: 1", want: ""},

	{rule: "sims-user-version", in: "inetmailuserversion: 1.0", want: "inetmailuserversion-"},

	{rule: "sims-user-attributes", in: "userdefinedattribute1: a\nuserdefinedattribute4: b", want: "userdefinedattribute1-\nuserdefinedattribute4-\n!user-attribute\n!user-attribute"},
	{rule: "sims-user-attributes", opt: RuleOptions{UserAttributes: [4]string{"siteBadge", "employeeNumber"}}, in: "userdefinedattribute1: a\nuserdefinedattribute2: 7", want: "userdefinedattribute1-\nuserdefinedattribute2-\nsiteBadge=a\nemployeeNumber=7"},
}

// Access rules that close services.
var accessRows = []ruleRow{
	{rule: "sims-services", in: "inetauthorizedservices: imap\ninetauthorizedservices: pop3", want: "inetauthorizedservices-\nmailAllowedServiceAccess=+imap,pop:*\n!access-closed"},
	{rule: "sims-services", in: "inetauthorizedservices: imap\ninetauthorizedservices: imaps\ninetauthorizedservices: pop3\ninetauthorizedservices: pop3s\ninetauthorizedservices: smtp\ninetauthorizedservices: smtps", want: "inetauthorizedservices-"},
	{rule: "sims-services", in: "inetauthorizedservices: pop3r", want: "inetauthorizedservices-\nmailAllowedServiceAccess=+pop:*\n!service-pop3r\n!access-closed"},
	{rule: "sims-services", in: "inetauthorizedservices: ou=imta,ou=services,dc=a,o=internet\ninetauthorizedservices: inetVersion=4.0, OU = msma ,ou=services", want: "inetauthorizedservices-\nmailAllowedServiceAccess=+imap,pop,smtp:*\n!access-closed"},
	{rule: "sims-services", in: "inetauthorizedservices: sunwebaccess\ninetauthorizedservices: IMAP", want: "inetauthorizedservices-\nmailAllowedServiceAccess=+imap,http:*\n!service-web\n!access-closed"},
	{rule: "sims-services", in: "inetauthorizedservices: smtp\ninetauthorizedservices: pop3\ninetauthorizedservices: imap", want: "inetauthorizedservices-\nmailAllowedServiceAccess=+imap,pop,smtp:*\n!access-closed"},
	{rule: "sims-services", in: "inetauthorizedservices: calendar", want: "!!service-unknown"},
	{rule: "sims-services", in: "inetauthorizedservices: cn=calendar,ou=services,o=x", want: "!!service-unknown"},
	{rule: "sims-services", in: "inetauthorizedservices: =", want: "!!service-unknown"},
	{rule: "sims-services", in: "inetauthorizedservices: imap\ninetauthorizedservices: calendar", want: "inetauthorizedservices=calendar\nmailAllowedServiceAccess=+imap:*\n!!service-unknown\n!access-closed"},
	{rule: "sims-services", in: "inetauthorizedservices: imap\ninetauthorizedservices: smtp, calendar", want: "inetauthorizedservices=smtp, calendar\nmailAllowedServiceAccess=+imap,smtp:*\n!!service-unknown\n!access-closed"},
	{rule: "sims-services", in: "inetauthorizedservices: all\ninetauthorizedservices: imap:", want: "inetauthorizedservices=imap:\nmailAllowedServiceAccess=+imap,imaps,pop,pops,smtp,smtps,http:*\n!!service-unknown"},
	{rule: "sims-services", in: "inetauthorizedservices: imap, calendar", want: "mailAllowedServiceAccess=+imap:*\n!!service-unknown\n!access-closed"},
	{rule: "sims-services", in: "mailallowedserviceaccess: +imap:*\ninetauthorizedservices: calendar", want: "!!access-kept"},
	{rule: "sims-services", in: "inetauthorizedservices: cn=imap,ou=services,dc=siroe,dc=com,o=internet\ninetauthorizedservices: CN = \"smtp\" , ou=services", want: "inetauthorizedservices-\nmailAllowedServiceAccess=+imap,smtp:*\n!access-closed"},
	{rule: "sims-services", in: "inetauthorizedservices: inetVersion=4.0+ou=imta,ou=services,o=x", want: "inetauthorizedservices-\nmailAllowedServiceAccess=+smtp:*\n!access-closed"},
	{rule: "sims-services", in: "inetauthorizedservices: +imap,+smtp,-pop3", want: "inetauthorizedservices-\nmailAllowedServiceAccess=-pop:*$+imap,smtp:*\n!access-closed"},
	{rule: "sims-services", in: "inetauthorizedservices: -pop3,imap", want: "inetauthorizedservices-\nmailAllowedServiceAccess=-imap,pop:*"},
	{rule: "sims-services", in: "inetauthorizedservices: +imap:10.1.$-smtp:*", want: "inetauthorizedservices-\nmailAllowedServiceAccess=-smtp:*$+imap:10.1.\n!access-closed"},
	{rule: "sims-services", in: "inetauthorizedservices: +imap:[odd]", want: "mailAllowedServiceAccess=-imap,imaps,pop,pops,smtp,smtps,http:*\n!!service-unknown"},
	{rule: "sims-services", in: "inetauthorizedservices: all", want: "inetauthorizedservices-"},
	{rule: "sims-services", in: "inetauthorizedservices: imaps", want: "inetauthorizedservices-\nmailAllowedServiceAccess=+imaps:*\n!service-tls-only\n!access-closed"},
	{rule: "sims-services", opt: RuleOptions{MMP: "10.0.0.7"}, in: "inetauthorizedservices: imaps, pop3s", want: "inetauthorizedservices-\nmailAllowedServiceAccess=+imaps,pops:*$+imap,pop:10.0.0.7\n!service-tls-only\n!access-closed"},
	{rule: "sims-services", opt: RuleOptions{MMP: "10.0.0.7"}, in: "inetauthorizedservices: imaps, imap, smtp", want: "inetauthorizedservices-\nmailAllowedServiceAccess=+imap,imaps,smtp:*\n!access-closed"},
	{rule: "sims-services", opt: RuleOptions{AlsoAllow: []string{"http", "imap"}}, in: "inetauthorizedservices: imap", want: "inetauthorizedservices-\nmailAllowedServiceAccess=+imap,http:*\n!access-closed"},
	{rule: "sims-services", in: "inetauthorizedservices: imap\nmailallowedserviceaccess: +all:*", want: "!!access-kept"},
	{rule: "sims-services", in: "inetauthorizedservices: all\nmailallowedserviceaccess: +imap:*", want: "inetauthorizedservices-\n!access-kept"},
	{rule: "sims-services", in: "inetauthorizedservices: imap foo", want: "mailAllowedServiceAccess=+imap:*\n!!service-unknown\n!access-closed"},
	{rule: "sims-services", in: "inetauthorizedservices: imap\ninetauthorizedservices: foo", want: "inetauthorizedservices=foo\nmailAllowedServiceAccess=+imap:*\n!!service-unknown\n!access-closed"},
	{rule: "sims-services", in: "inetauthorizedservices: imap pop3", want: "inetauthorizedservices-\nmailAllowedServiceAccess=+imap,pop:*\n!access-closed"},
	{rule: "sims-services", in: "inetauthorizedservices: -foo imap", want: "mailAllowedServiceAccess=-imap,imaps,pop,pops,smtp,smtps,http:*\n!!service-unknown"},
	{rule: "sims-services", in: "inetauthorizedservices: -pop3\ninetauthorizedservices: foo", want: "inetauthorizedservices=foo\nmailAllowedServiceAccess=-pop:*\n!!service-unknown"},
	{rule: "sims-services", in: "inetauthorizedservices: cn=imap+cn=pop,o=x", want: "inetauthorizedservices-\nmailAllowedServiceAccess=+imap,pop:*\n!access-closed"},

	{rule: "nms-access", in: "nsmsgdisallowaccess: pop, imap", want: "nsmsgdisallowaccess-\nmailAllowedServiceAccess=-pop,imap:*"},
	{rule: "nms-access", in: "mailaccessdomain: siroe.com\nnsmsgdisallowaccess: pop, imap", want: "mailaccessdomain-\nnsmsgdisallowaccess-\nmailAllowedServiceAccess=-pop,imap:*$+imap,imaps,pop,pops:siroe.com,.siroe.com$+http,smtp,smtps:*\n!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: siroe.com\nmailaccessdomain: 192.18.42.17, 10.1.", want: "mailaccessdomain-\nmailAllowedServiceAccess=+imap,imaps,pop,pops:siroe.com,.siroe.com,192.18.42.17,10.1.$+http,smtp,smtps:*\n!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: *.siroe.com .varrius.org ALL *", want: "mailaccessdomain-\nmailAllowedServiceAccess=+imap,imaps,pop,pops:.siroe.com,.varrius.org,ALL,*$+http,smtp,smtps:*\n!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: mail.airius.com", want: "mailaccessdomain-\nmailAllowedServiceAccess=+imap,imaps,pop,pops:mail.airius.com,.mail.airius.com$+http,smtp,smtps:*\n!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: 10.1.*, 10.2.*.*, 10.3.0.9/16, 10.4.0.0/255.255.255.0", want: "mailaccessdomain-\nmailAllowedServiceAccess=+imap,imaps,pop,pops:10.1.,10.2.,10.3.0.0/255.255.0.0,10.4.0.0/255.255.255.0$+http,smtp,smtps:*\n!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: 10.1.2.3-9\nmailaccessdomain: 10.1\nmailaccessdomain: 10.1.0.0/33\nmailaccessdomain: 10.1.0.0/255.0.255.0\nmailaccessdomain: mail*.x.com\nmailaccessdomain: fe80::1\nmailaccessdomain: LOCAL", want: "objectClass=nsMessagingServerUser\nmailAllowedServiceAccess=-imap,imaps,pop,pops:*" + strings.Repeat("\n!!access-domain", 7)},
	{rule: "nms-access", in: "mailaccessdomain: x.com\nmailaccessdomain: 10.*.3.4", want: "mailaccessdomain=10.*.3.4\nobjectClass=nsMessagingServerUser\nmailAllowedServiceAccess=+imap,imaps,pop,pops:x.com,.x.com$+http,smtp,smtps:*\n!!access-domain\n!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: x.com 10.*.3.4", want: "objectClass=nsMessagingServerUser\nmailAllowedServiceAccess=+imap,imaps,pop,pops:x.com,.x.com$+http,smtp,smtps:*\n!!access-domain\n!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: !siroe.com", want: "objectClass=nsMessagingServerUser\nmailAllowedServiceAccess=-imap,imaps,pop,pops:*\n!!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: 10.1", want: "objectClass=nsMessagingServerUser\nmailAllowedServiceAccess=-imap,imaps,pop,pops:*\n!!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: 256.1.1.1", want: "objectClass=nsMessagingServerUser\nmailAllowedServiceAccess=-imap,imaps,pop,pops:*\n!!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: * !siroe.com", want: "objectClass=nsMessagingServerUser\nmailAllowedServiceAccess=-imap,imaps,pop,pops:*\n!!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: ALL EXCEPT siroe.com", want: "objectClass=nsMessagingServerUser\nmailAllowedServiceAccess=-imap,imaps,pop,pops:*\n!!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: NONE ALL", want: "objectClass=nsMessagingServerUser\nmailAllowedServiceAccess=-imap,imaps,pop,pops:*\n!!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: -siroe.com varrius.org", want: "objectClass=nsMessagingServerUser\nmailAllowedServiceAccess=-imap,imaps,pop,pops:*\n!!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: siroe.com\nmailaccessdomain: !varrius.org", want: "objectClass=nsMessagingServerUser\nmailAllowedServiceAccess=-imap,imaps,pop,pops:*\n!!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: NONE siroe.com", want: "objectClass=nsMessagingServerUser\nmailAllowedServiceAccess=+imap,imaps,pop,pops:siroe.com,.siroe.com$+http,smtp,smtps:*\n!!access-domain\n!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: NONE", want: "mailaccessdomain-\nmailAllowedServiceAccess=-imap,imaps,pop,pops:*\n!access-domain"},
	{rule: "nms-access", in: "mailaccessdomain: NONE\nmailaccessdomain: x.com", want: "mailaccessdomain=NONE\nobjectClass=nsMessagingServerUser\nmailAllowedServiceAccess=+imap,imaps,pop,pops:x.com,.x.com$+http,smtp,smtps:*\n!!access-domain\n!access-domain"},
	{rule: "nms-access", in: "nsmsgdisallowaccess: POP3,http,gopher", want: "objectClass=nsMessagingServerUser\nmailAllowedServiceAccess=-imap,imaps,pop,pops,smtp,smtps,http:*\n!!service-unknown"},
	{rule: "nms-access", in: "nsmsgdisallowaccess: all", want: "nsmsgdisallowaccess-\nmailAllowedServiceAccess=-imap,imaps,pop,pops,smtp,smtps,http:*"},
	{rule: "nms-access", in: "nsmsgdisallowaccess: none", want: "nsmsgdisallowaccess-"},
	{rule: "nms-access", in: "nsmsgdisallowaccess: ,", want: "nsmsgdisallowaccess-"},
	{rule: "nms-access", in: "nsmsgdisallowaccess: pop\nmailallowedserviceaccess: +all:*", want: "objectClass=nsMessagingServerUser\n!!access-kept"},
	{rule: "nms-access", in: "mailaccessdomain: siroe.com\nnsmsgdisallowaccess: pop\nmailallowedserviceaccess: +all:*", want: "objectClass=nsMessagingServerUser\n!!access-kept\n!!access-kept"},
	{rule: "nms-access", in: "mailaccessdomain: NONE\nmailallowedserviceaccess: +imap:*", want: "objectClass=nsMessagingServerUser\n!!access-kept"},
	{rule: "nms-access", in: "mailaccessdomain: *\nnsmsgdisallowaccess: none\nmailallowedserviceaccess: +imap:*", want: "mailaccessdomain-\nnsmsgdisallowaccess-"},
}

var nmsRows = []ruleRow{
	{rule: "nms-license", in: "objectclass: nsLicenseUser\nnslicensedfor: mail", want: ""},
	{rule: "nms-license", opt: RuleOptions{DropLicenses: true}, in: "objectclass: nsLicenseUser\nobjectclass: x\nnslicensedfor: mail\nnslicenseendtime: 1", want: "objectclass=x\nnslicensedfor-\nnslicenseendtime-"},

	// Forward and autoreply options.
	{rule: "nms-forward", in: "maildeliveryoption: mailbox\nmailforwardingaddress: a@x", want: "maildeliveryoption=mailbox|forward"},
	{rule: "nms-forward", in: "mailforwardingaddress: a@x", want: "mailDeliveryOption=forward"},
	{rule: "nms-forward", in: "mailforwardingaddress:", want: ""},
	{rule: "nms-forward", in: "mailforwardingaddress: a@x\nmaildeliveryoption:: Zm9yd2FyZCA=", want: ""}, // "forward "
	{rule: "nms-forward", in: "maildeliveryoption: Forward\nmailforwardingaddress: a@x", want: ""},
	{rule: "nms-forward", in: "objectclass: inetMailUser\nobjectclass: inetLocalMailRecipient\nobjectclass: mailRecipient\nmailforwardingaddress: a@x", want: ""},

	{rule: "nms-autoreply", in: "maildeliveryoption: mailbox\nmailautoreplymode: vacation", want: "maildeliveryoption=mailbox|autoreply"},

	{rule: "nms-autoreply", in: "maildeliveryoption: mailbox\nmailautoreplymode:", want: ""},
	{rule: "nms-autoreply", in: "maildeliveryoption: mailbox\nmailautoreplymode: no", want: ""},
	{rule: "nms-autoreply", in: "maildeliveryoption: mailbox\nmailautoreplymode: yes", want: ""},
	{rule: "nms-delivery-missing", in: "maildeliveryoption:", want: "maildeliveryoption=|mailbox\n!delivery-missing"},
	{rule: "nms-delivery-missing", in: "uid: a", want: "mailDeliveryOption=mailbox\n!delivery-missing"},
	{rule: "nms-delivery-missing", in: "maildeliveryoption: autoreply", want: "maildeliveryoption=autoreply|mailbox\n!delivery-missing"},
	{rule: "nms-delivery-missing", in: "maildeliveryoption: forward\nmaildeliveryoption: autoreply\nmailforwardingaddress: a@x", want: ""},
	{rule: "nms-delivery-missing", in: "maildeliveryoption: Forward", want: "maildeliveryoption=Forward|mailbox\n!delivery-missing"},
	{rule: "nms-delivery-missing", in: "maildeliveryoption: forward\nmailforwardingaddress:", want: "maildeliveryoption=forward|mailbox\n!delivery-missing"},
	{rule: "nms-delivery-missing", in: "maildeliveryoption: forward\nmaildeliveryoption: native", want: ""},

	{rule: "nms-autoreply-mode", in: "mailautoreplymode: VACATION", want: "mailautoreplymode=reply"},
	{rule: "nms-autoreply-mode", in: "mailautoreplymode: reply", want: "mailAutoReplyTimeOut=0"},
	{rule: "nms-autoreply-mode", in: "mailautoreplymode: echo\nmailautoreplytimeout: 24", want: ""},
	{rule: "nms-autoreply-mode", in: "mailautoreplymode: shout", want: "!!autoreply-mode"},
	{rule: "nms-autoreply-mode", in: "mailautoreplymode: vacation\nmailautoreplymode: no", want: "mailautoreplymode=reply\n!autoreply-off"},
	{rule: "nms-autoreply-mode", in: "mailautoreplymode: no\nmailautoreplymode: echo", want: "mailautoreplymode=echo\nmailAutoReplyTimeOut=0\n!autoreply-off"},
	{rule: "nms-autoreply-mode", in: "mailautoreplymode: no\nmailautoreplymode: echo\nmailautoreplytimeout: 4", want: "mailautoreplymode=echo\n!autoreply-off"},
	{rule: "nms-autoreply-mode", in: "mailautoreplymode: vacation\nmailautoreplymode: shout", want: "mailautoreplymode=reply|shout\n!!autoreply-mode"},
	{rule: "nms-autoreply-mode", in: "mailautoreplymode: echo\nmailautoreplymode: reply", want: "mailautoreplymode=echo\nmailAutoReplyTimeOut=0\n!single-value"},
	{rule: "nms-autoreply-mode", in: "mailautoreplymode: No", want: "mailautoreplymode-\n!autoreply-off"},

	{rule: "nms-vacation-dates", in: "vacationstartdate: 20000701000000Z\nvacationenddate: 20000801000000+0900", want: "vacationenddate=20000731150000Z"},
	{rule: "nms-vacation-dates", in: "vacationstartdate: July", want: "!!date"},

	// Quota 0.
	{rule: "nms-quota-zero", in: "mailquota: 0", want: "mailquota=-1"},
	{rule: "nms-quota-zero", in: "mailquota: 000", want: "mailquota=-1"},
	{rule: "nms-quota-zero", in: "mailquota: -1", want: ""},
	{rule: "nms-quota-zero", in: "mailquota: 0\nmailquota: 5", want: "mailquota=-1\n!single-value"},
	{rule: "nms-quota-zero", in: "mailquota: 5000000", want: ""},
	{rule: "nms-quota-zero", in: "objectclass: inetMailUser\nobjectclass: inetLocalMailRecipient\nobjectclass: nsMessagingServerUser\nmailquota: 0", want: ""},

	{rule: "nms-message-quota", in: "nsmsgnummsgquota: 0", want: "nsmsgnummsgquota-\nmailMsgQuota=-1"},
	{rule: "nms-message-quota", in: "nsmsgnummsgquota: 100\nmailmsgquota: 7", want: "nsmsgnummsgquota-\n!single-value"},

	{rule: "nms-message-quota", in: "nsmsgnummsgquota: 007", want: "nsmsgnummsgquota-\nmailMsgQuota=7"},
	{rule: "nms-message-quota", in: "nsmsgnummsgquota:: NyA=", want: "nsmsgnummsgquota-\nmailMsgQuota=7"},
	{rule: "nms-message-quota", in: "nsmsgnummsgquota: -1", want: "nsmsgnummsgquota-\nmailMsgQuota=-1"},
	{rule: "nms-message-quota", in: "nsmsgnummsgquota: 07\nmailmsgquota: 7", want: "nsmsgnummsgquota-"},
	{rule: "nms-message-quota", in: "nsmsgnummsgquota: 07\nnsmsgnummsgquota: 8", want: "nsmsgnummsgquota-\nmailMsgQuota=7\n!single-value"},
	{rule: "nms-message-quota", in: "nsmsgnummsgquota: few", want: "objectClass=nsMessagingServerUser\n!!quota-value"},

	{rule: "nms-programs", in: "mailprogramdeliveryinfo: /usr/bin/a -x\nmailprogramdeliveryinfo: b\nmailprogramdeliveryinfo: /usr/bin/a -x", want: "mailprogramdeliveryinfo=prog-1|prog-2"},
	{rule: "nms-programs", opt: RuleOptions{Programs: map[string]string{"/usr/bin/a -x": "alpha", "c": "prog-1"}}, in: "mailprogramdeliveryinfo: /usr/bin/a -x\nmailprogramdeliveryinfo: b", want: "mailprogramdeliveryinfo=alpha|prog-2"},

	{rule: "user-uid", in: "uid: a b.c-d", want: ""},
	{rule: "user-uid", in: "uid: wallyc@varrius.org", want: ""},
	{rule: "user-uid", in: "uid:: asO8cmc=", want: "!uid-form"},
	{rule: "user-uid", from: NMS, in: "uid: a&b", want: "!uid-form"},
	{rule: "address-domain", in: "mail:: asO8cmdAeC5jb20=\nmailalternateaddress:: YUBqw7xyZy5jb20=", want: "!address-form\n!address-form"},
	{rule: "address-domain", in: "mail: \"a@b\"\nmailalternateaddress: \"a b\"@x.com\nmailalternateaddress: a@", want: "!address-domain\n!address-form"},
	{rule: "mail-host-name", in: "mailhost: h.x.com\nmailhost: i.x.com", want: "!mail-host-values"},

	{rule: "nms-programs", in: "mailprogramdeliveryinfo: it's\nmailprogramdeliveryinfo: b 'c \"d'\nmailprogramdeliveryinfo: e \"f", want: "mailprogramdeliveryinfo=it's|prog-1|e \"f\n!!program-quote\n!!program-quote"},
	{rule: "nms-programs", opt: RuleOptions{Programs: map[string]string{"it's": "its"}}, in: "mailprogramdeliveryinfo: it's", want: "mailprogramdeliveryinfo=its"},
	{rule: "nms-programs", in: "mailprogramdeliveryinfo: /b " + strings.Repeat("x", 5000), want: "!!program-long"},
	{rule: "nms-programs", kind: Groups, in: "mailprogramdeliveryinfo: /usr/bin/archive -l x", want: "mailprogramdeliveryinfo=prog-1"},

	{rule: "nms-quota-single", in: "mailquota: 5\nmailquota: 6", want: "mailquota=5\n!single-value"},
	{rule: "nms-quota-single", in: "mailquota: 5", want: ""},

	{rule: "nms-member-of", in: "nsdamemberof: cn=a,o=x", want: "nsdamemberof-\nmemberOf=cn=a,o=x"},

	{rule: "nms-list-manager-user", in: "objectclass: mailGroupMember\nobjectclass: x\nmgmemmemberofgroup: l\nmgmemrefdn: cn=a", want: "objectclass=x\nmgmemmemberofgroup-\nmgmemrefdn-\n!list-manager\n!list-manager\n!list-manager"},

	{rule: "nms-vanity", in: "mail: a@shop.example", want: ""},
	{rule: "nms-vanity", opt: RuleOptions{Vanity: true}, in: "objectclass: x\nmail: a@Shop.example", want: "objectclass=x|msgVanityDomainUser\nmsgVanityDomain=shop.example\n!vanity"},
	{rule: "nms-vanity", opt: RuleOptions{Vanity: true}, in: "mail: a@siroe.com", want: ""},
	{rule: "nms-vanity", opt: RuleOptions{Vanity: true, Domains: []string{"shop.example"}}, in: "mail: a@shop.example", want: ""},

	{rule: "nms-domain-tree", opt: RuleOptions{MakeDCTree: true}, in: "mail: a@siroe.com", want: ""},
}

// What a rule drops is named with its value, but for passwords.
func TestDroppedIsNamed(t *testing.T) {
	for _, tt := range []struct {
		from Source
		in   string
		want string
	}{
		{SIMS, "objectclass: inetMailUser\ninetadministeredservices: ou=imta\ninetadministeredservices: ou=msma\n", `administrator: was a SIMS administrator, of "ou=imta" and 1 more: add`},
		{SIMS, "objectclass: inetMailUser\nuserdefinedattribute2: a\nuserdefinedattribute2: b\nuserdefinedattribute2: c\n", `user-attribute: userDefinedAttribute2 "a" and 2 more dropped`},
		{SIMS, "objectclass: inetMailGroup\nrequeststo: a@x.com\n", `requests-to: requestsTo "a@x.com" dropped`},
		{SIMS, "objectclass: inetMailGroup\nsuppressemailerror: TRUE\n", `suppress-error: suppressEmailError "TRUE" dropped`},
		{NMS, "objectclass: mailRecipient\nmgmemmemberofgroup: l\n", `list-manager: mgmemMemberOfGroup "l" of the Mailing List Manager dropped`},
		{NMS, "objectclass: mailRecipient\nobjectclass: mailGroupMember\nmgmemmailuserpassword: sesame\n", `list-manager: mgmemMailUserPassword (not shown) of the Mailing List Manager dropped`},
		{NMS, "objectclass: mailGroup\nobjectclass: mailGroupManagement\nmgmangroupkey: k\n", `list-manager: mgmanGroupKey "k" dropped`},
		{NMS, "objectclass: mailGroup\nmgrpapprovepassword: sesame\nmgrpapprovepassword: open\n", `single-value: mgrpApprovePassword keeps (not shown), 1 more dropped`},
	} {
		var told kindLog
		opt := Options{From: tt.from, Kinds: Both, Base: []string{"o=x"}, Log: &told}
		if _, err := Upgrade(t.Context(), io.Discard, strings.NewReader("dn: cn=a,o=x\n"+tt.in), opt); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(told.String(), tt.want) || strings.Contains(told.String(), "sesame") {
			t.Errorf("%s\ntold %s\nwant %s", tt.in, &told, tt.want)
		}
	}
}

// kindLog keeps kinds and texts.
type kindLog struct{ strings.Builder }

func (l *kindLog) Problem(kind, _, text string) { l.WriteString(kind + ": " + text + "\n") }
func (l *kindLog) Warning(kind, _, text string) { l.WriteString(kind + ": " + text + "\n") }
