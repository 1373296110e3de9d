package batches

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv"
)

// TestUnlockGivesBack looks at the values that the guide's own records lose.
func TestUnlockGivesBack(t *testing.T) {
	const before = `dn: uid=a,o=x
objectclass: inetMailUser
uid: a
mailhost: old
maildeliveryoption: mailbox
maildeliveryoption: forward
mailforwardingaddress: a@e.example

dn: uid=b,o=x
objectclass: inetMailUser
uid: b
maildeliveryoption: hold
mailfoldermap: Sun-MS

dn: uid=c,o=x
objectclass: inetMailUser
uid: c
mailhost: old
`
	const want = `version: 1

dn: uid=a,o=x
changetype: modify
replace: mailhost
mailhost: new
-
replace: maildeliveryoption
maildeliveryoption: mailbox
maildeliveryoption: forward
-
delete: mailFolderMap
-

dn: uid=b,o=x
changetype: modify
replace: mailfoldermap
mailfoldermap: Sun-MS
-
replace: mailHost
mailHost: new
-

dn: uid=c,o=x
changetype: modify
replace: mailhost
mailhost: new
-
delete: mailDeliveryOption
-
delete: mailFolderMap
-

`
	r := &Records{Host: "new", Common: ldifconv.Options{From: ldifconv.SIMS, Jobs: 1, TempDir: t.TempDir()}}
	var lock, saved, unlock bytes.Buffer
	if _, err := r.Lock(context.Background(), &lock, &saved, strings.NewReader(before)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Unlock(context.Background(), &unlock, strings.NewReader(before), &saved); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, unlock.String()); d != "" {
		t.Error(d)
	}
}

// A hold script quotes what a shell would read otherwise, and is none where no
// domain is known.
func TestHoldScript(t *testing.T) {
	var b bytes.Buffer
	err := WriteHold(&b, "p", "/opt/old mail", []HoldMember{{"a;rm -rf $HOME", "x.com"}, {"it's", ""}})
	if err != nil {
		t.Fatal(err)
	}
	want := "'/opt/old mail/imta/sbin/hold_master' -u 'a;rm -rf $HOME' -d x.com\n" +
		"echo " + cli.Quote("no domain is known of it's: its mail stays held") + " >&2\n"
	if _, got, _ := strings.Cut(b.String(), "is done.\n"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
