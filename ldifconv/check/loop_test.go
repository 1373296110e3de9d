package check

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMailLoops has mail go round by members, addresses and forwarding: each
// loop is told once, at the first of its entries, with the way mail takes.
func TestMailLoops(t *testing.T) {
	forward := func(uid, to string, more ...string) string {
		return userText(uid, append(more, "mailDeliveryOption: forward", "mailForwardingAddress: "+to)...)
	}
	nms := func(uid string, more ...string) string {
		return entryText("dn: uid="+uid+","+people+"\nobjectClass: top\nobjectClass: person\nobjectClass: inetOrgPerson\nobjectClass: mailRecipient\nobjectClass: nsMessagingServerUser\n"+
			"cn: N\nsn: N\nuid: "+uid+"\nmail: "+uid+"@siroe.com\nmailHost: oldmail.siroe.com\nmailDeliveryOption: mailbox\n", more)
	}
	nmsList := func(name string, more ...string) string {
		return entryText("dn: cn="+name+",ou=Groups,"+siroe+"\nobjectClass: top\nobjectClass: groupOfUniqueNames\nobjectClass: mailGroup\n"+
			"cn: "+name+"\nmail: "+name+"@siroe.com\nmailHost: oldmail.siroe.com\nuniqueMember: uid=user0,"+people+"\n", more)
	}
	group := func(name string) string { return "cn=" + name + ",ou=Groups," + siroe }
	ring, ringOfOneList := "", ""
	for i := range 12 {
		name, to := fmt.Sprint("r", i), fmt.Sprintf("r%d@siroe.com", (i+1)%12)
		ring += forward(name, to)
		if i == 9 { // no step that is told leaves it
			ringOfOneList += listText(name, "mgrpRFC822MailMember: "+to)
		} else {
			ringOfOneList += forward(name, to)
		}
	}
	longWay := "mailForwardingAddress: mail comes back: mailForwardingAddress r1@siroe.com is @uid=r1, whose mailForwardingAddress r2@siroe.com is @uid=r2, " +
		"whose mailForwardingAddress r3@siroe.com is @uid=r3, whose mailForwardingAddress r4@siroe.com is @uid=r4, whose mailForwardingAddress r5@siroe.com is @uid=r5, " +
		"whose mailForwardingAddress r6@siroe.com is @uid=r6, whose mailForwardingAddress r7@siroe.com is @uid=r7, and so on over 4 more, " +
		"whose mailForwardingAddress r0@siroe.com is this entry"
	for _, tt := range []struct {
		name, text string
		want       []string // code, DN, attribute and text; @NAME stands for where an entry is
	}{
		{"members", listText("a", "uniqueMember: "+group("b")) + listText("b", "uniqueMember: "+group("c")) + listText("c", "uniqueMember: "+group("a")),
			[]string{"group-loop cn=a uniqueMember: the list is a member of itself by way of @cn=b; @cn=c"}},
		{"itself", listText("a", "uniqueMember: "+group("a")), []string{"group-loop cn=a uniqueMember: the list is a member of itself"}},
		{"addresses", listText("a", "mgrpRFC822MailMember: B@other.example") + listText("b", "mailAlternateAddress: b@Other.example", "mgrpRFC822MailMember: a@siroe.com"),
			[]string{"group-loop cn=a mgrpRFC822MailMember: mail comes back: mgrpRFC822MailMember b@other.example is @cn=b, whose mgrpRFC822MailMember a@siroe.com is this entry"}},
		{"a member who forwards", listText("a", "uniqueMember: uid=u,"+people) + forward("u", "a@siroe.com"),
			[]string{"group-loop cn=a uniqueMember: mail comes back: uniqueMember is @uid=u, whose mailForwardingAddress a@siroe.com is this entry"}},
		{"a member who does not forward", listText("a", "uniqueMember: uid=u,"+people) + userText("u", "mailForwardingAddress: a@siroe.com"), nil},
		{"a list that forwards", listText("a", "uniqueMember: "+group("b")) + listText("b", "mailDeliveryOption: forward", "mailForwardingAddress: a@siroe.com"),
			[]string{"group-loop cn=a uniqueMember: mail comes back: uniqueMember is @cn=b, whose mailForwardingAddress a@siroe.com is this entry"}},
		{"lists that forward", listText("a", "mailDeliveryOption: forward", "mailForwardingAddress: b@siroe.com") + listText("b", "mailDeliveryOption: forward", "mailForwardingAddress: a@siroe.com"),
			[]string{"group-loop cn=a mailForwardingAddress: mail comes back: mailForwardingAddress b@siroe.com is @cn=b, whose mailForwardingAddress a@siroe.com is this entry"}},
		{"users", forward("u", "v@siroe.com") + forward("v", "u@siroe.com", "mailForwardingAddress: away@other.example"),
			[]string{"forward-loop uid=u mailForwardingAddress: mail comes back: mailForwardingAddress v@siroe.com is @uid=v, whose mailForwardingAddress u@siroe.com is this entry"}},
		{"users in a row", forward("u", "v@siroe.com") + forward("v", "w@siroe.com") + forward("w", "away@other.example"), nil},
		{"NMS forwards by the address alone", nms("u", "mailForwardingAddress: v@siroe.com") + nms("v", "mailForwardingAddress: u@siroe.com"),
			[]string{"forward-loop uid=u mailForwardingAddress: mail comes back: mailForwardingAddress v@siroe.com is @uid=v, whose mailForwardingAddress u@siroe.com is this entry"}},
		{"NMS has parameters behind a member", nmsList("a", "mgrpRFC822MailMember: b@siroe.com%Babs Jensen", "mgrpRFC822MailMember: x@other.example %1(a@b)") + nmsList("b", "mgrpRFC822MailMember: a@siroe.com %1(x)"),
			[]string{"group-loop cn=a mgrpRFC822MailMember: mail comes back: mgrpRFC822MailMember b@siroe.com is @cn=b, whose mgrpRFC822MailMember a@siroe.com is this entry"}},
		{"a moderator", listText("a", "mgrpModerator: mailto:b@siroe.com") + listText("b", "uniqueMember: "+group("a")),
			[]string{"group-loop cn=a mgrpModerator: mail comes back: mgrpModerator b@siroe.com is @cn=b, whose uniqueMember is this entry"}},
		{"errors", listText("a", "mgrpErrorsTo: mailto:b@siroe.com") + listText("b", "uniqueMember: "+group("a")), nil},
		{"a URL of one entry", listText("a", "mgrpDeliverTo: ldap:///"+group("b")) + listText("b", "mgrpDeliverTo: ldap:///"+group("a")+"??base?(cn=*)"),
			[]string{"group-loop cn=a mgrpDeliverTo: mail comes back: mgrpDeliverTo is @cn=b, whose mgrpDeliverTo is this entry"}},
		{"a URL of others", listText("a", "mgrpDeliverTo: ldap:///"+group("a")+"??sub?(cn=x)"), nil},
		{"all of a domain", listText("a", "mgrpRFC822MailMember: anyone@catch.example") + listText("b", "mailAlternateAddress: @catch.example", "mgrpRFC822MailMember: a@siroe.com"),
			[]string{"group-loop cn=a mgrpRFC822MailMember: mail comes back: mgrpRFC822MailMember anyone@catch.example is @cn=b, whose mgrpRFC822MailMember a@siroe.com is this entry"}},
		{"all of a domain but one", listText("a", "mgrpRFC822MailMember: u@catch.example") + listText("b", "mailAlternateAddress: @catch.example", "mgrpRFC822MailMember: a@siroe.com") +
			userText("u", "mailAlternateAddress: u@catch.example"), nil},
		{"all of its domain", listText("b", "mailAlternateAddress: @catch.example", "mgrpRFC822MailMember: any@catch.example"),
			[]string{"group-loop cn=b mgrpRFC822MailMember: mail comes back: mgrpRFC822MailMember any@catch.example is this entry"}},
		{"two loops at one entry", forward("u", "v@siroe.com", "mailForwardingAddress: w@siroe.com") + forward("v", "u@siroe.com") + forward("w", "u@siroe.com"),
			[]string{
				"forward-loop uid=u mailForwardingAddress: mail comes back: mailForwardingAddress v@siroe.com is @uid=v, whose mailForwardingAddress u@siroe.com is this entry",
				"forward-loop uid=u mailForwardingAddress: mail comes back: mailForwardingAddress w@siroe.com is @uid=w, whose mailForwardingAddress u@siroe.com is this entry",
			}},
		{"a list on the way to a loop of users", listText("a", "uniqueMember: uid=u,"+people) + forward("u", "v@siroe.com") + forward("v", "u@siroe.com"),
			[]string{"forward-loop uid=u mailForwardingAddress: mail comes back: mailForwardingAddress v@siroe.com is @uid=v, whose mailForwardingAddress u@siroe.com is this entry"}},
		{"a long way", ring, []string{"forward-loop uid=r0 " + longWay}},
		{"a long way with a list", ringOfOneList, []string{"group-loop uid=r0 " + longWay}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := slices.Concat(clean(t, 60), []byte(tt.text))
			found, _ := run(t, text, Options{})
			want := []string{}
			for _, w := range tt.want {
				want = append(want, placed(string(text), w))
			}
			got := []string{}
			for _, f := range found {
				code, rest, _ := strings.Cut(f, " ")
				if code != "group-loop" && code != "forward-loop" {
					continue
				}
				_, rest, _ = strings.Cut(rest, " ")
				name, rest, _ := strings.Cut(rest, ",")
				_, rest, _ = strings.Cut(rest, ": ")
				got = append(got, code+" "+name+" "+rest)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestManyLoopsOfOnePath has the last user of a long row forward to all the
// others: each is a loop of its own, and none costs a walk round it.
func TestManyLoopsOfOnePath(t *testing.T) {
	n := 5000
	if testing.Short() {
		n = 500 // time is not what the race detector is asked about
	}
	var text strings.Builder
	var all []string
	for i := range n - 1 {
		text.WriteString(userText(fmt.Sprint("f", i), "mailDeliveryOption: forward", fmt.Sprintf("mailForwardingAddress: f%d@siroe.com", i+1)))
		all = append(all, fmt.Sprintf("mailForwardingAddress: f%d@siroe.com", i))
	}
	text.WriteString(userText(fmt.Sprint("f", n-1), append(all, "mailDeliveryOption: forward")...))
	start := used(t)
	found, _ := run(t, slices.Concat(clean(t, 60), []byte(text.String())), Options{})
	if spent := used(t) - start; spent > 6*time.Second {
		t.Errorf("%v for %d loops", spent, n-1)
	}
	var loops []string
	for _, f := range found {
		if strings.HasPrefix(f, "forward-loop ") {
			loops = append(loops, f)
		}
	}
	if len(loops) != n-1 {
		t.Fatalf("%d loops, not %d", len(loops), n-1)
	}
	for i, f := range loops {
		_, name, _ := strings.Cut(f, " uid=")
		name, _, _ = strings.Cut(name, ",")
		_, more, _ := strings.Cut(f, " and so on over ")
		more, _, _ = strings.Cut(more, ",")
		_, back, _ := strings.Cut(f, ", whose mailForwardingAddress "+name+"@siroe.com ")
		want := ""
		if length := n - i; length > mostHops {
			want = fmt.Sprintf("%d more", length-mostHops)
		}
		if name != fmt.Sprint("f", i) || more != want || back != "is this entry" {
			t.Fatalf("loop %d, with %q on the way: %s", i, want, f)
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

// placed puts file, line and DN in place of each @NAME before a comma, a
// semicolon or the end.
func placed(text, want string) string {
	fields := strings.Split(want, " @")
	for i := 1; i < len(fields); i++ {
		name, rest := fields[i], ""
		if at := strings.IndexAny(name, ",;"); at >= 0 {
			name, rest = name[:at], name[at:]
		}
		before, dn, _ := strings.Cut(text, "dn: "+name+",")
		dn, _, _ = strings.Cut(dn, "\n")
		fields[i] = fmt.Sprintf("in:%d, %s,%s%s", strings.Count(before, "\n")+1, name, dn, rest)
	}
	return strings.Join(fields, " ")
}
