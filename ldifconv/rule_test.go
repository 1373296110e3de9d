package ldifconv

import (
	"strings"
	"testing"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// ruleRow is one example of a rule at work, all others switched off.
type ruleRow struct {
	rule string
	in   string // the entry's lines, "dn: ..." first when it matters
	want string // what changed: "attr=value|value", "attr-" for one that is gone, "!kind" for a warning, "!!kind" for a problem
	opt  RuleOptions
	kind Kind   // when the rule is for several
	from Source // when the rule is for both
}

func (r *ruleRow) run(t *testing.T) string {
	t.Helper()
	info := ruleNamed(t, r.rule)
	if r.from == 0 {
		r.from = info.from
		if r.from == AnySource {
			r.from = SIMS
		}
	}
	if r.kind == 0 {
		r.kind = info.kind & -info.kind
	}
	opt := Options{From: r.from, Kinds: All, Rules: r.opt}
	for _, table := range ruleTables {
		for i := range table {
			if table[i].name != r.rule {
				opt.Rules.Off = append(opt.Rules.Off, table[i].name)
			}
		}
	}
	rules, err := newRuleSet(&opt)
	if err != nil {
		t.Fatal(err)
	}
	text := r.in
	if !strings.HasPrefix(text, "dn:") {
		text = "dn: cn=x,o=siroe.com\n" + text
	}
	rec, err := ldif.NewReader(strings.NewReader(text+"\n"), ldif.Options{}).Next()
	if err != nil {
		t.Fatal(err)
	}
	var d draft
	var b batch
	d.load(rec, &b)
	d.kind = r.kind
	d.had.put(schema.ClassMailGroupMember) // some class of NMS, so that rows need none
	rules.apply(&d)
	return changesOf(&d, &b)
}

func ruleNamed(t *testing.T, name string) *rule {
	t.Helper()
	for _, table := range ruleTables {
		for i := range table {
			if table[i].name == name {
				return &table[i]
			}
		}
	}
	t.Fatalf("no rule is named %q", name)
	return nil
}

// changesOf writes what a draft changed in the form of ruleRow.want.
func changesOf(d *draft, b *batch) string {
	var lines []string
	for i := range d.fields {
		f := &d.fields[i]
		if !f.differs() {
			continue
		}
		if len(f.now) == 0 {
			lines = append(lines, string(f.desc)+"-")
			continue
		}
		values := make([]string, len(f.now))
		for i, v := range f.now {
			values[i] = string(v)
		}
		lines = append(lines, string(f.desc)+"="+strings.Join(values, "|"))
	}
	if d.renamed != nil {
		lines = append(lines, "dn="+string(d.renamed))
	}
	for _, n := range b.notes {
		mark := "!"
		if n.problem {
			mark = "!!"
		}
		lines = append(lines, mark+n.kind)
	}
	return strings.Join(lines, "\n")
}

func TestRuleRows(t *testing.T) {
	shown := map[string]bool{}
	for _, rows := range [][]ruleRow{addressRows, classRows, simsRows, accessRows, nmsRows, groupRows, domainRows} {
		for _, row := range rows {
			got := row.run(t)
			if want := strings.TrimSpace(row.want); got != want {
				t.Errorf("%s on\n%s\n got:\n%s\nwant:\n%s", row.rule, row.in, got, want)
			}
			shown[row.rule] = shown[row.rule] || got != "" || row.rule == "program-names" || row.rule == "nms-domain-tree"
		}
	}
	for _, table := range ruleTables {
		for i := range table {
			if !shown[table[i].name] {
				t.Errorf("rule %s has no row that shows it at work", table[i].name)
			}
		}
	}
}

func TestRuleNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules(AnySource) {
		if seen[r.Name] {
			t.Errorf("two rules are named %s", r.Name)
		}
		seen[r.Name] = true
		if r.What == "" || r.Source == "" || r.Kind == "" || r.From == "" {
			t.Errorf("rule %s is not described", r.Name)
		}
	}
}

var addressRows = []ruleRow{
	{rule: "empty-values", in: "inetauthorizedservices:\nmailfoldermap:\nmailprogramdeliveryinfo:\nmailquota:: IA==", want: "inetauthorizedservices-\nmailfoldermap-\nmailprogramdeliveryinfo-\nmailquota-\n!empty-value\n!empty-value\n!empty-value\n!empty-value"},
	{rule: "empty-values", from: NMS, in: "nsmsgdisallowaccess:\nmailaccessdomain: x.com\nmailaccessdomain:\nmaildeliveryoption:", want: "nsmsgdisallowaccess-\nmailaccessdomain=x.com\nmaildeliveryoption-\n!empty-value\n!empty-value\n!empty-value"},
	{rule: "empty-values", kind: Groups, in: "errorsto:\nmgrperrorsto:\nrfc822mailmember:", want: "errorsto-\nmgrperrorsto-\nrfc822mailmember-\n!empty-value\n!empty-value\n!empty-value"},
	{rule: "empty-values", kind: Domains, in: "inetauthorizedservices:\ndescription: a", want: "inetauthorizedservices-\n!empty-value"},
	{rule: "empty-values", in: "x-site:\nuserpassword:\nmail: a@x", want: ""},

	{rule: "mail-single", in: "mail: a@x.com", want: ""},
	{rule: "mail-single", in: "mail: a@x.com\nmail: b@x.com", want: "mail=a@x.com\nmailAlternateAddress=b@x.com\n!mail-values"},
	{rule: "mail-single", in: "rfc822mailbox: b@x.com\nmail: a@x.com", want: "mail=a@x.com\nmailAlternateAddress=b@x.com\n!mail-values"},
	{rule: "mail-single", in: "rfc822Mailbox: a@x.com", want: ""},
	{rule: "mail-single", in: "dn: Mail=B@x.com,o=x\nmail: a@x.com\nmail: b@x.com\nmail: c@x.com", want: "mail=b@x.com\nmailAlternateAddress=a@x.com|c@x.com\n!mail-values"},
	{rule: "mail-single", in: "dn: mail=other@x.com,o=x\nmail: a@x.com\nmail: b@x.com", want: "mail=a@x.com\nmailAlternateAddress=b@x.com\n!mail-values"},
	{rule: "mail-single", in: "mail: a@x.com\nmail: b@x.com\nmail: c@x.com\nmailalternateaddress: B@x.com", want: "mail=a@x.com\nmailalternateaddress=B@x.com|c@x.com\n!mail-values"},
	{rule: "mail-single", kind: Groups, in: "mail: l@x.com\nmail: m@x.com", want: "mail=l@x.com\nmailAlternateAddress=m@x.com\n!mail-values"},
	{rule: "mail-single", in: "mail;lang-de: a@x.com\nmail;lang-fr: b@x.com", want: ""},

	{rule: "alias-addresses", in: "rfc822MailAlias: a@x.com\nrfc822mailalias: b@x.com", want: "rfc822MailAlias-\nmailAlternateAddress=a@x.com|b@x.com"},
	{rule: "alias-addresses", in: "mailAlternateAddress: A@x.com\nrfc822mailalias: a@X.com\nrfc822mailalias: b@x.com", want: "mailAlternateAddress=A@x.com|b@x.com\nrfc822mailalias-"},

	{rule: "alternate-unlike-mail", in: "mail: a@x.com\nmailAlternateAddress: A@x.com\nmailAlternateAddress: b@x.com", want: "mailAlternateAddress=b@x.com"},
	{rule: "alternate-unlike-mail", in: "mail: a@x.com\nmailAlternateAddress: a@X.COM", want: "mailAlternateAddress-"},
	{rule: "alternate-unlike-mail", in: "mailAlternateAddress: b@x.com\nmailAlternateAddress: B@x.com", want: "mailAlternateAddress=b@x.com"},
	{rule: "alternate-unlike-mail", in: "mail: a@x.com\nmailAlternateAddress: @x.com", want: ""},

	{rule: "mail-host-name", in: "mailHost: mail.x.com", want: ""},
	{rule: "mail-host-name", in: "mailHost: 10.1.2.3", want: ""},
	{rule: "mail-host-name", in: "mailHost: [10.1.2.3]", want: ""},
	{rule: "mail-host-name", in: "mailHost: [IPv6:fe80::1]", want: ""},
	{rule: "mail-host-name", in: "mailHost: [fe80::1]", want: "!mail-host-name"},
	{rule: "mail-host-name", in: "mailHost: [10.1.2]", want: "!mail-host-name"},
	{rule: "mail-host-name", in: "mailHost: 10.0.0.300", want: "!mail-host-name"},
	{rule: "mail-host-name", in: "mailHost: 1.2", want: "!mail-host-name"},
	{rule: "mail-host-name", in: "mailHost: host.123", want: "!mail-host-name"},
	{rule: "mail-host-name", in: "mailHost: a..b", want: "!mail-host-name"},
	{rule: "mail-host-name", in: "mailHost: [IPv6:1.2.3.4]", want: "!mail-host-name"},
	{rule: "mail-host-name", in: "mailHost: mail_1.x.com", want: ""},
	{rule: "mail-host-name", in: "mailHost: mail", want: "!mail-host-name"},
	{rule: "mail-host-name", in: "mailHost: mail.x.com.", want: "!mail-host-name"},
	{rule: "mail-host-name", in: "mail: a@x.com", want: "!mail-host-missing"},
	{rule: "mail-host-name", from: NMS, in: "mail: a@x.com", want: "!mail-host-missing"},
	{rule: "mail-host-name", kind: Groups, in: "mail: l@x.com", want: "!mail-host-missing"},

	{rule: "address-domain", in: "mail: a@x.com\nmailAlternateAddress: @x.com", want: ""},
	{rule: "address-domain", in: "mail: a\nmailAlternateAddress: b\nmailAlternateAddress: c@", want: "!address-domain\n!address-domain\n!address-form"},
	{rule: "address-domain", from: NMS, in: "uid: a", want: "!mail-missing"},
	{rule: "address-domain", kind: Groups, in: "cn: l", want: "!mail-missing"},

	{rule: "user-uid", in: "uid: a", want: ""},
	{rule: "user-uid", in: "cn: a", want: "!uid-missing"},
	{rule: "user-uid", from: NMS, in: "uid: a\nuid: a@x.com", want: "!uid-values"},
}

var classRows = []ruleRow{
	{rule: "user-classes", in: "objectclass: top\nobjectclass: InetMailUser", want: "objectclass=top|InetMailUser|inetUser|ipUser|inetLocalMailRecipient|nsManagedPerson|userPresenceProfile"},
	{rule: "user-classes", from: NMS, in: "objectclass: top\nobjectclass: nsmessagingserveruser\nobjectclass: NSMANAGEDPERSON", want: "objectclass=top|nsmessagingserveruser|NSMANAGEDPERSON|inetUser|ipUser|inetMailUser|inetLocalMailRecipient|userPresenceProfile"},

	{rule: "person-classes", in: "objectclass: top\nobjectclass: mailRecipient\ncn: a\nsn: b", want: "objectclass=top|mailRecipient|person|organizationalPerson|inetOrgPerson"},
	{rule: "person-classes", in: "objectclass: top\nobjectclass: person\ncommonname: a\nsurname: b", want: "objectclass=top|person|organizationalPerson|inetOrgPerson"},
	{rule: "person-classes", in: "objectclass: top\nobjectclass: mailRecipient\ncn: a", want: ""},
	{rule: "person-classes", in: "objectclass: inetorgperson\ncn: a\nsn: b", want: ""},

	{rule: "sims-routing-class", in: "objectclass: inetMailUser\nobjectclass: inetmailrouting\nobjectclass: x", want: "objectclass=inetMailUser|x"},
	{rule: "sims-routing-class", kind: Groups, in: "objectclass: inetMailGroup\nobjectclass: inetMailRouting", want: "objectclass=inetMailGroup"},
	{rule: "sims-routing-class", opt: RuleOptions{KeepOldClasses: KeepAll}, in: "objectclass: inetMailUser\nobjectclass: inetMailRouting", want: ""},

	{rule: "nms-user-classes", in: "objectclass: top\nobjectclass: mailRecipient\nobjectclass: nsMessagingServerUser", want: "objectclass=top"},
	{rule: "nms-user-classes", in: "objectclass: top\nobjectclass: mailRecipient", want: "objectclass=top\n!class-missing"},
	{rule: "nms-user-classes", opt: RuleOptions{KeepOldClasses: KeepMessagingUser}, in: "objectclass: mailRecipient\nobjectclass: nsMessagingServerUser", want: "objectclass=nsMessagingServerUser"},
	{rule: "nms-user-classes", opt: RuleOptions{KeepOldClasses: KeepAll}, in: "objectclass: mailRecipient\nobjectclass: nsMessagingServerUser", want: ""},

	{rule: "quota-large", in: "mailquota: 4294966272", want: ""},
	{rule: "quota-large", in: "mailquota: 4294966273", want: "!quota-large"},
	{rule: "quota-large", from: NMS, in: "mailquota: plenty", want: "!!quota-value"},
	{rule: "quota-large", from: NMS, in: "mailquota: 20M", want: "!!quota-value"},
	{rule: "quota-large", in: "mailquota: 1.5G", want: "!!quota-value"},
	{rule: "quota-large", in: "mailquota:", want: "!!quota-value"},
	{rule: "quota-large", opt: RuleOptions{QuotaSuffix: true}, in: "mailquota: 5G", want: "!quota-large"},
	{rule: "quota-large", from: NMS, opt: RuleOptions{QuotaSuffix: true}, in: "mailquota: 3T", want: "!!quota-value"},
	{rule: "quota-large", in: "mailquota: -1", want: ""},

	{rule: "user-description", in: "multiLineDescription: a$b", want: "multiLineDescription-\ndescription=a$b"},
	{rule: "user-description", kind: Both, in: "multiLineDescription: a$b", want: ""},
	{rule: "user-description", in: "description: A\nmultilinedescription: a\nmultilinedescription: b", want: "description=A|b\nmultilinedescription-"},

	{rule: "user-status", in: "uid: a", want: "inetUserStatus=active\nmailUserStatus=active"},
	{rule: "user-status", in: "inetuserstatus: inactive", want: "mailUserStatus=active"},
	{rule: "user-status", in: "inetsubscriberstatus: asleep", want: "mailUserStatus=active"},
	{rule: "user-status", in: "inetuserstatus: inactive\nmailuserstatus: hold", want: ""},

	{rule: "uid-map", opt: RuleOptions{UIDMap: map[string]string{"wallyc@varrius.org": "wallyc2"}}, in: "uid: WallyC@varrius.org", want: "uid=wallyc2"},
	{rule: "uid-map", opt: RuleOptions{UIDMap: map[string]string{"a": "b"}}, in: "dn: uid=a,o=x\nuid: a", want: "uid=b\ndn=uid=b,o=x"},
	{rule: "uid-map", opt: RuleOptions{UIDMap: map[string]string{"a,b+c": "d+e"}}, in: "dn: UID = A\\,b\\2bc ,o=x\nuid: a,b+c", want: "uid=d+e\ndn=UID =d\\+e,o=x"},
	{rule: "uid-map", opt: RuleOptions{UIDMap: map[string]string{"a": "b"}}, in: "dn: uid=a+cn=x,o=x\nuid: a", want: "!!uid-in-dn"},
	{rule: "uid-map", opt: RuleOptions{UIDMap: map[string]string{"a": "b"}}, in: "dn: uid=a,o=x\nuid: a\nuid: c", want: "!!uid-in-dn"},
	{rule: "uid-map", in: "uid: a@b", want: ""},

	{rule: "uid-map-references", kind: Groups, opt: RuleOptions{UIDMap: map[string]string{"a": "b"}},
		in:   "uniquemember: uid=A,ou=P,o=x\nuniquemember: uid=c,o=x\nuniquemember: cn=a,o=x\nmgrperrorsto: ldap:///uid=a,o=x??base\nmgrpmoderator: mailto:a@x",
		want: "uniquemember=uid=b,ou=P,o=x|uid=c,o=x|cn=a,o=x\nmgrperrorsto=ldap:///uid=b,o=x??base\n!reference-unseen\n!reference-unseen"},
	{rule: "uid-map-references", in: "owner: uid=a,o=x", want: ""},

	{rule: "delivery-options", in: "maildeliveryoption: mailbox\nmaildeliveryoption: Hold", want: ""},
	{rule: "delivery-options", in: "maildeliveryoption: acme-fax", want: "!!delivery-option"},
	{rule: "delivery-options", from: NMS, in: "maildeliveryoption: Inbox", want: "!!delivery-option"},
	{rule: "delivery-options", from: NMS, in: "maildeliveryoption: file", want: "!!delivery-option"},
	{rule: "delivery-options", kind: Groups, in: "maildeliveryoption: file\nmaildeliveryoption: mailbox", want: "!!delivery-option"},
	{rule: "delivery-options", kind: Both, in: "maildeliveryoption: file\nmaildeliveryoption: mailbox", want: ""},

	{rule: "status-values", in: "inetuserstatus: active\nmailuserstatus: overquota", want: ""},
	{rule: "status-values", in: "inetuserstatus: asleep\nmailuserstatus: on", want: "!!status-value\n!!status-value"},
	{rule: "status-values", kind: Groups, in: "inetmailgroupstatus: on", want: "!!status-value"},
	{rule: "status-values", kind: Domains, in: "inetdomainstatus: closed\nmaildomainstatus: hold", want: "!!status-value"},

	{rule: "text-encoding", in: "cn: caf\xc3\xa9\nuserpassword: \xe9\nx-other: \xe9", want: ""},
	{rule: "status-values", in: "inetuserstatus: active\ninetuserstatus: inactive\nmailuserstatus: Active\nmailuserstatus: active", want: "!!status-value"},
	{rule: "status-values", kind: Domains, in: "maildomainstatus: inactive\nmaildomainstatus: active", want: "!!status-value"},

	{rule: "text-encoding", in: "cn: a\ncn: caf\xe9\nsn: \xe9", want: "!not-utf8\n!not-utf8"},

	{rule: "old-with-options", in: "multiLineDescription;lang-ja: x\ncn;lang-ja: y\nrfc822mailalias;x: z@x\nmailautoreplytext;lang-ja: t", want: "!old-with-options\n!old-with-options"},
	{rule: "old-with-options", kind: Groups, in: "multiLineDescription;lang-ja: x\nmoderator;lang-ja: y", want: "!old-with-options"},
	{rule: "old-with-options", kind: Groups, in: "userPassword;x-a: p\nmgmanGroupKey;x-a: k\nmgmemRefDN;x-a: cn=z", want: "!old-with-options\n!old-with-options\n!old-with-options"},

	{rule: "options-unread", in: "mailQuota;x-a: 5\nmail;lang-ja: a@x\nrfc822mailbox;x-b: b@x\nuid;x: z\nobjectClass;x: y", want: "!options-unread\n!options-unread\n!options-unread\n!options-unread\n!options-unread"},
	{rule: "options-unread", in: "inetUserStatus;x-a: inactive\nmailDeliveryOption;lang-en: forward\nmailAllowedServiceAccess;x: -imap:*", want: "!options-unread\n!options-unread\n!options-unread"},
	{rule: "options-unread", in: "cn;lang-ja: a\nsn;x: b\ndescription;lang-ja: c\nmailAutoReplyText;lang-ja;lang-ja-JP: d\nx-own;x: e\nuserCertificate;binary: f\nrfc822mailalias;x: g@x", want: ""},
	{rule: "options-unread", in: "mailAutoReplyText;x-a: d", want: "!options-unread"},
	{rule: "options-unread", kind: Groups, in: "mgrpModerator;x: a\nuniqueMember;x: cn=b\nmultiLineDescription;lang-ja: c\nuserPassword;x: d", want: "!options-unread\n!options-unread\n!options-unread"},
	{rule: "options-unread", kind: Domains, in: "mailQuota;x: 5K\ninetDomainBaseDN;x: o=y", want: "!options-unread\n!options-unread"},

	{rule: "single-values", in: "mailMessageStore: a\nmailMessageStore: b\nmailautoreplytimeout: 3\nmailautoreplytimeout: 4\nmailAlternateAddress: a@x\nmailAlternateAddress: b@x\nmailhost: a\nmailhost: b", want: "!several-values\n!several-values"},
	{rule: "single-values", kind: Groups, in: "mgrpMsgMaxSize: 1\nmgrpMsgMaxSize: 2\njoinable: TRUE\njoinable: FALSE", want: "!several-values"},
	{rule: "single-values", kind: Groups, in: "mgrpAuthPassword: sesame\nmgrpAuthPassword: open", want: "!several-values"},
	{rule: "single-values", in: "inetuserstatus: active\ninetuserstatus: inactive\nmailquota: 5", want: ""},

	{rule: "addressees", in: "mailforwardingaddress: a@x.com\nmailforwardingaddress: \"a b\"@x.com\nmailforwardingaddress: a%x@[10.1.1.1]", want: ""},
	{rule: "addressees", in: "mailforwardingaddress: not one\nmailforwardingaddress: joe", want: "!address-form\n!address-domain"},
	{rule: "addressees", in: "mailforwardingaddress: |/bin/prog -x\nmailforwardingaddress: \"|prog a@x.com\"\nmailforwardingaddress: /var/mail/x\nmailforwardingaddress: :include:/etc/list\nmailforwardingaddress: /o=x/@x400.com",
		want: "!address-program\n!address-program\n!address-program\n!address-program"},
	{rule: "addressees", kind: Groups, in: "mgrprfc822mailmember: Joe <a@x.com>\nmgrprfc822mailmember: a@b@x.com\nmgrprfc822mailmember: a@x..com\nmgrprfc822mailmember: caf\xe9@x.com", want: "!address-form\n!address-form\n!address-form\n!address-form"},
	{rule: "address-domain", in: "mail: <a@x.com>\nmailalternateaddress: a@x.com, b@x.com\nmailalternateaddress: @x.com", want: "!address-form\n!address-form"},

	{rule: "data-source", in: "uid: a", want: "dataSource=" + DefaultDataSource},
	{rule: "data-source", opt: RuleOptions{DataSource: "site tag"}, in: "uid: a", want: "dataSource=site tag"},
	{rule: "data-source", in: "datasource: SIMS 4.0", want: ""},
}
