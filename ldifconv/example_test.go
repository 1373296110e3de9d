package ldifconv_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"imsconv/ldifconv"
)

// talk prints what a conversion says.
type talk struct{}

func (talk) Problem(kind, where, text string) { fmt.Println("problem:", where+":\n  ", text) }
func (talk) Warning(kind, where, text string) { fmt.Println("warning:", where+":\n  ", text) }

// Upgrade an export in memory: the change records, what takes them back, and
// what there is to say.
func ExampleUpgrade() {
	export := strings.NewReader(`dn: uid=jill,ou=People,o=siroe.com
objectClass: top
objectClass: mailRecipient
objectClass: nsMessagingServerUser
uid: jill
mail: jill@siroe.com
mailHost: mail.siroe.com
mailDeliveryOption: Inbox
mailQuota: 0
`)
	var undo bytes.Buffer
	report, err := ldifconv.Upgrade(context.Background(), os.Stdout, export, ldifconv.Options{
		From: ldifconv.NMS, Kinds: ldifconv.Both, Undo: &undo, Log: talk{}, Jobs: 1, Name: "export.ldif",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("users:", report.Users, "quotas of no limit:", report.Rules["nms-quota-zero"])
	fmt.Println("undo has the old quota:", strings.Contains(undo.String(), "\nmailQuota: 0\n"))
	// Output:
	// version: 1
	//
	// dn: uid=jill,ou=People,o=siroe.com
	// changetype: modify
	// replace: objectClass
	// objectClass: top
	// objectClass: inetUser
	// objectClass: ipUser
	// objectClass: inetMailUser
	// objectClass: inetLocalMailRecipient
	// objectClass: nsManagedPerson
	// objectClass: userPresenceProfile
	// -
	// replace: mailQuota
	// mailQuota: -1
	// -
	// replace: inetUserStatus
	// inetUserStatus: active
	// -
	// replace: mailUserStatus
	// mailUserStatus: active
	// -
	// replace: dataSource
	// dataSource: imsconv ldifconv
	// -
	//
	// problem: export.ldif:8: uid=jill,ou=People,o=siroe.com:
	//    mailDeliveryOption "Inbox" is not known: it stays as it is
	// users: 1 quotas of no limit: 1
	// undo has the old quota: true
}
