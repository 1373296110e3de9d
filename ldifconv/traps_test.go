package ldifconv

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The traps of the mapping, with every rule on: what the upgraded entry must
// hold and must not.
var traps = []struct {
	name  string
	from  Source
	opt   RuleOptions
	in    string // "user", "list" or "" for the classes, then the entry's lines
	has   string
	lacks string
}{
	{"quota 0 of NMS was no limit", NMS, RuleOptions{}, "user mailquota: 0", "mailquota: -1", ""},
	{"quota 0 of SIMS was no space", SIMS, RuleOptions{}, "user mailquota: 0", "mailquota: 0", ""},
	{"quota -1 stays", SIMS, RuleOptions{}, "user mailquota: -1", "mailquota: -1", ""},
	{"quota -2 stays", SIMS, RuleOptions{}, "user mailquota: -2", "mailquota: -2", ""},
	{"quota with a suffix", SIMS, RuleOptions{}, "user mailquota: 20M", "mailquota: 20971520", ""},
	{"quota with a suffix kept", SIMS, RuleOptions{QuotaSuffix: true}, "user mailquota: 3T", "mailquota: 3072G", ""},
	{"quota missing from SIMS", SIMS, RuleOptions{}, "user", "mailQuota: -1", ""},
	{"quota missing left so", SIMS, RuleOptions{QuotaMissing: "keep"}, "user", "", "mailQuota"},
	{"quota missing from NMS is the default in both", NMS, RuleOptions{}, "user", "", "mailQuota"},
	{"message quota 0 of NMS", NMS, RuleOptions{}, "user nsmsgnummsgquota: 0", "mailMsgQuota: -1", "nsmsgnummsgquota"},

	{"forwarding by presence gets its option", NMS, RuleOptions{}, "user maildeliveryoption: mailbox\nmailforwardingaddress: a@b.c", "maildeliveryoption: mailbox\nmaildeliveryoption: forward", ""},
	{"forwarding alone keeps no mailbox", NMS, RuleOptions{}, "user mailforwardingaddress: a@b.c", "mailDeliveryOption: forward", "mailDeliveryOption: mailbox"},
	{"forwarding without option was inactive in SIMS", SIMS, RuleOptions{}, "user maildeliveryoption: mailbox\nmailforwardingaddress: a@b.c", "maildeliveryoption: mailbox\nmailforwardingaddress: a@b.c", "maildeliveryoption: forward"},
	{"autoreply by presence gets its option", NMS, RuleOptions{}, "user maildeliveryoption: mailbox\nmailautoreplymode: vacation", "maildeliveryoption: autoreply\nmailautoreplymode: reply", "mailAutoReplyTimeOut"},
	{"autoreply to every message", NMS, RuleOptions{}, "user maildeliveryoption: mailbox\nmailautoreplymode: echo", "mailAutoReplyTimeOut: 0\nmailautoreplymode: echo", ""},
	{"autoreply of SIMS gets a mode", SIMS, RuleOptions{}, "user maildeliveryoption: mailbox\nmaildeliveryoption: autoreply\nmailautoreplystartdate: 20000701000000Z\nmailautoreplyexpirationdate: 20000801000000+0900", "mailAutoReplyMode: reply\nvacationStartDate: 20000701000000Z\nvacationEndDate: 20000731150000Z", "mailautoreplystartdate"},
	{"autoreply without an option in NMS keeps the mailbox", NMS, RuleOptions{}, "user mailautoreplymode: reply", "mailDeliveryOption: autoreply\nmailDeliveryOption: mailbox", ""},

	{"an allow rule closes what it does not name", SIMS, RuleOptions{}, "user inetauthorizedservices: imap\ninetauthorizedservices: pop3", "mailAllowedServiceAccess: +imap,pop:*", "inetauthorizedservices"},
	{"an allow rule with a service left open", SIMS, RuleOptions{AlsoAllow: []string{"http"}}, "user inetauthorizedservices: imap", "mailAllowedServiceAccess: +imap,http:*", ""},
	{"every service is no rule", SIMS, RuleOptions{}, "user inetauthorizedservices: smtp\ninetauthorizedservices: smtps\ninetauthorizedservices: imap\ninetauthorizedservices: imaps\ninetauthorizedservices: pop3\ninetauthorizedservices: pop3s", "", "mailAllowedServiceAccess"},
	{"access by domain holds for IMAP and POP only", NMS, RuleOptions{}, "user nsmsgdisallowaccess: pop, imap\nmailaccessdomain: siroe.com", "mailAllowedServiceAccess: -pop,imap:*$+imap,imaps,pop,pops:siroe.com,.siroe.com$+http,smtp,smtps:*", "mailaccessdomain"},

	{"ldap URL of two slashes", NMS, RuleOptions{}, "list mgrpallowedbroadcaster: ldap://uid=a,o=x", "mgrpallowedbroadcaster: ldap:///uid=a,o=x", ""},
	{"ldap URL of three slashes", NMS, RuleOptions{}, "list mgrpallowedbroadcaster: ldap:///uid=a,o=x", "mgrpallowedbroadcaster: ldap:///uid=a,o=x", "ldap:////"},
	{"ldap URL with a host", NMS, RuleOptions{}, "list mgrperrorsto: ldap://ldap.x.com/uid=a", "mgrperrorsto: ldap://ldap.x.com/uid=a", ""},
	{"mailto with a blank", SIMS, RuleOptions{}, "list moderator: mailto: m@x.com", "mgrpModerator: mailto:m@x.com\nmgrpAllowedBroadcaster: mailto:m@x.com\nmgrpMsgRejectAction: toModerator", "moderator: mailto: "},

	{"list member with a parameter", NMS, RuleOptions{}, "list mgrprfc822mailmember: fan@elsewhere.example%A Fan", "mgrprfc822mailmember: fan@elsewhere.example", "%A Fan"},
	{"list member with a percent before its domain", NMS, RuleOptions{}, "list mgrprfc822mailmember: fan%gate@elsewhere.example", "mgrprfc822mailmember: fan%gate@elsewhere.example", ""},
	{"list members under one name", SIMS, RuleOptions{}, "list rfc822mailmember: a@x.com\nmgrprfc822mailmember: b@x.com", "mgrprfc822mailmember: b@x.com\nmgrprfc822mailmember: a@x.com", "\nrfc822mailmember"},

	{"file delivery of a list keeps its members", SIMS, RuleOptions{}, "list maildeliveryoption: file\nmaildeliveryfile: /archive", "maildeliveryoption: file\nmaildeliveryoption: members\nmailDeliveryFileURL: /archive", ""},
	{"program delivery of a list keeps its members", SIMS, RuleOptions{}, "list maildeliveryoption: program\nmailprogramdeliveryinfo: archiver", "maildeliveryoption: members\nmailprogramdeliveryinfo: archiver", ""},

	{"LOCK left over", SIMS, RuleOptions{}, "user mailfoldermap: LOCK\nmaildeliveryoption: mailbox", "mailUserStatus: active", "mailfoldermap"},
	{"LOCK left over becomes hold", SIMS, RuleOptions{Lock: LockHold}, "user mailfoldermap: LOCK\nmaildeliveryoption: mailbox", "mailUserStatus: hold", "mailfoldermap"},

	{"two addresses of one mail", SIMS, RuleOptions{}, "user mail: a@x.com\nmail: b@x.com\nrfc822mailalias: A@x.com\nrfc822mailalias: c@x.com", "mail: a@x.com\nmailAlternateAddress: b@x.com\nmailAlternateAddress: c@x.com", "mailAlternateAddress: A@x.com"},
	{"alias of an attribute", SIMS, RuleOptions{}, "user rfc822mailbox: b@x.com\nmail: a@x.com", "mail: a@x.com\nmailAlternateAddress: b@x.com", "rfc822mailbox"},
	{"an option makes another attribute", SIMS, RuleOptions{}, "user mail: a@x.com\nmail;x-old: b@x.com", "mail: a@x.com\nmail;x-old: b@x.com", "mailAlternateAddress"},

	{"compound uid stays", NMS, RuleOptions{}, "user uid: wallyc@varrius.org", "uid: wallyc@varrius.org", ""},
	{"program names", NMS, RuleOptions{}, "user maildeliveryoption: program\nmailprogramdeliveryinfo: /usr/local/bin/procmail -f-", "mailprogramdeliveryinfo: prog-1", "procmail"},
	{"a user without inetMailRouting", SIMS, RuleOptions{}, " objectclass: inetMailUser\nmail: a@x.com", "objectclass: inetLocalMailRecipient", "inetMailRouting"},
	{"a half-upgraded user", NMS, RuleOptions{}, " objectclass: inetMailUser\nobjectclass: inetLocalMailRecipient\nobjectclass: mailRecipient\nmailquota: 0", "mailquota: 0\nobjectclass: inetUser", "mailRecipient"},
	{"an iMS user", NMS, RuleOptions{}, " objectclass: inetMailUser\nobjectclass: inetLocalMailRecipient\nmailquota: 0", "mailquota: 0", "inetUserStatus"},
	{"a SIMS user in an NMS upgrade", NMS, RuleOptions{}, " objectclass: inetMailUser\nobjectclass: inetMailRouting\nmailquota: 20M", "mailquota: 20M\nobjectclass: inetMailRouting", "inetUserStatus"},
	{"an NMS user in a SIMS upgrade", SIMS, RuleOptions{}, " objectclass: mailRecipient\nobjectclass: nsMessagingServerUser\nmailquota: 0", "mailquota: 0\nobjectclass: mailRecipient", "inetUserStatus"},
	{"a user who is a list", SIMS, RuleOptions{}, " objectclass: inetMailUser\nobjectclass: inetMailGroup\nobjectclass: inetMailRouting\nmail: a@x.com\nuserpassword: p\nmaildeliveryoption: file", "inetUserStatus: active\ninetMailGroupStatus: active\nobjectclass: inetMailGroupManagement\nuserpassword: p\nmaildeliveryoption: file\nmaildeliveryoption: members", "inetMailRouting"},
	{"a list that is a user", NMS, RuleOptions{}, " objectclass: mailGroup\nobjectclass: mailRecipient\nuid: a\nmail: a@x.com", "inetUserStatus: active\ninetMailGroupStatus: active\nuid: a", "mailRecipient"},
	{"a list with the class of a user for its addresses", NMS, RuleOptions{}, " objectclass: mailGroup\nobjectclass: mailRecipient\nmail: a@x.com", "inetMailGroupStatus: active", "inetUserStatus"},
	{"a class by its number", SIMS, RuleOptions{}, " objectclass: 1.3.6.1.4.1.42.2.27.2.2.3\nobjectclass: 1.3.6.1.4.1.42.2.27.2.2.1\nmail: a@x.com", "inetUserStatus: active\nobjectclass: inetLocalMailRecipient", "42.2.27.2.2.1"},
	{"what is left of a deleted entry", SIMS, RuleOptions{}, "user objectclass: nsTombstone\nmail: a@x.com", "objectclass: inetMailRouting", "inetUserStatus"},
	{"what is left of one, with a blank", SIMS, RuleOptions{}, "user objectclass: nsTombstone \nmail: a@x.com", "objectclass: inetMailRouting", "inetUserStatus"},
	{"what was left of one that is there again", SIMS, RuleOptions{}, "user objectclass;vdcsn-38f5d5d1000000010000;deleted: nsTombstone\nmail: a@x.com", "inetUserStatus: active", "inetMailRouting"},
	{"no longer one of two of a name", SIMS, RuleOptions{}, "user nsds5ReplConflict;adcsn-38f5d5d1000000010000;deletedattribute: namingConflict uid=a\nmail: a@x.com", "inetUserStatus: active", "inetMailRouting"},
	{"one of two of a name, of an export with states", SIMS, RuleOptions{}, "user nsds5ReplConflict;vucsn-38f5d5d1000000010000: namingConflict uid=a\nmail: a@x.com", "objectclass: inetMailRouting", "inetUserStatus"},
	{"one of two of a name", SIMS, RuleOptions{}, "user nsds5ReplConflict: namingConflict uid=a\nmail: a@x.com", "objectclass: inetMailRouting", "inetUserStatus"},
	{"a value is not encoded anew", SIMS, RuleOptions{}, "user cn:: bcO8bGxlcg==\nmail: a@x.com", "cn:: bcO8bGxlcg==", ""},
}

var trapClasses = map[Source]map[string]string{
	SIMS: {"user": "objectclass: inetMailUser\nobjectclass: inetMailRouting\n", "list": "objectclass: groupOfUniqueNames\nobjectclass: inetMailGroup\nobjectclass: inetMailRouting\n"},
	NMS:  {"user": "objectclass: mailRecipient\nobjectclass: nsMessagingServerUser\n", "list": "objectclass: groupOfUniqueNames\nobjectclass: mailGroup\n"},
}

func TestTraps(t *testing.T) {
	for _, trap := range traps {
		t.Run(trap.name, func(t *testing.T) {
			kind, lines, _ := strings.Cut(trap.in, " ")
			in := "dn: cn=x,o=siroe.com\n" + trapClasses[trap.from][kind] + "cn: x\n" + lines + "\n"
			out, _, _ := upgraded(t, in, Options{From: trap.from, Format: Full, Rules: trap.opt})
			out = strings.ReplaceAll(out, "\n ", "")
			for _, line := range strings.Split(trap.has, "\n") {
				if line != "" && !strings.Contains(out, "\n"+line+"\n") {
					t.Errorf("%q is not in\n%s", line, out)
				}
			}
			if trap.lacks != "" && strings.Contains(out, trap.lacks) {
				t.Errorf("%q is in\n%s", trap.lacks, out)
			}
		})
	}
}

// TestLargeEntries upgrades entries with very many values of one attribute: no
// rule may take more than linear time or memory for them. A quadratic step
// would take hours here.
func TestLargeEntries(t *testing.T) {
	n := 60_000
	if testing.Short() {
		n = 2000 // time is not what the race detector is asked about
	}
	for _, row := range []struct {
		from        Source
		kind, value string
	}{
		{NMS, "list", "mgrprfc822mailmember: fan%d@elsewhere.example%%A Fan"},
		{NMS, "list", "mgrpalloweddomain: d%d.example"},
		{NMS, "list", "mgrpallowedbroadcaster: ldap://uid=u%d,o=x"},
		{NMS, "list", "mailenhanceduniquemember: uid=u%d,o=x %%1(a)"},
		{NMS, "list", "mgrpmsgrejectaction: odd%d"},
		{NMS, "list", "mgrpbroadcasterpolicy: odd%d"},
		{SIMS, "list", "rfc822mailmember: fan%d@elsewhere.example"},
		{SIMS, "list", "moderator: m%d@x.com"},
		{SIMS, "list", "maildeliveryfile: /a/%d"},
		{NMS, "user", "mail: u%d@x.com"},
		{NMS, "user", "mailalternateaddress: u%d@x.com"},
		{NMS, "user", "nsmsgdisallowaccess: odd%d"},
		{NMS, "user", "mailaccessdomain: d%d.example"},
		{NMS, "user", "mailprogramdeliveryinfo: /bin/p%d"},
		{SIMS, "user", "inetauthorizedservices: odd%d"},
		{SIMS, "user", "rfc822mailalias: u%d@x.com"},
		{SIMS, "user", "maildeliveryoption: odd%d"},
		{SIMS, "user", "mailfoldermap: odd%d"},
		{SIMS, "user", "multilinedescription: line %d"},
	} {
		var in strings.Builder
		in.WriteString("dn: cn=x,o=siroe.com\n" + trapClasses[row.from][row.kind] + "cn: x\nmail: x@x.com\n")
		for i := range n {
			fmt.Fprintf(&in, row.value+"\n", i)
		}
		in.WriteString("\n")
		start := used(t)
		full, _, report := upgraded(t, in.String(), Options{From: row.from, Format: Full})
		if report.Changed != 1 {
			t.Errorf("%s: %d entries changed", row.value, report.Changed)
		}
		if again, _, _ := upgraded(t, full, Options{From: row.from, Format: Full}); again != full {
			t.Errorf("%s: the second run changes the result", row.value)
		}
		if spent := used(t) - start; spent > 20*time.Second {
			t.Errorf("%s: %v for %d values", row.value, spent, n)
		}
	}
}

// used is the time of a processor that this process has taken: a busy machine
// takes none of it.
func used(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
