package testdir

import (
	"fmt"
	"io"
)

// plainUser is a user as most sites had them: 25 values, no photo.
const plainUser = `# entry-id: %[1]d
dn: cn=First Last (user%06[1]d),ou=People,dc=siroe,dc=com,o=internet
objectclass: top
objectclass: person
objectclass: organizationalPerson
objectclass: inetOrgPerson
objectclass: inetSubscriber
objectclass: inetMailUser
objectclass: inetMailRouting
cn: First Last (user%06[1]d)
cn: First Last
sn: Last
givenname: First
uid: user%06[1]d
userpassword: {crypt}abJnggxhB/yWI
mail: user%06[1]d@siroe.com
rfc822mailalias: First.Last%[1]d@siroe.com
mailhost: mail.siroe.com
maildeliveryoption: mailbox
mailfoldermap: SUN-MS
mailquota: 20M
inetmailuserversion: 1.0
inetsubscriberstatus: active
telephonenumber: +1 408 555 %06[1]d
description: Engineering, building 4, second floor
creatorsname: cn=directory manager
modifiersname: cn=directory manager
createtimestamp: 19991122073000Z
modifytimestamp: 20000105101500Z

`

// plainTop is what stands above them.
const plainTop = `version: 1

dn: o=internet
objectclass: top
objectclass: organization
o: internet

dn: dc=com,o=internet
objectclass: top
objectclass: domain
dc: com

dn: dc=siroe,dc=com,o=internet
objectclass: top
objectclass: domain
objectclass: inetDomain
dc: siroe
mailroutinghosts: mail.siroe.com

dn: ou=People,dc=siroe,dc=com,o=internet
objectclass: top
objectclass: organizationalUnit
ou: People

`

const plainTopEntries = 4

// WritePlain writes a SIMS export of users who all have the same attributes in
// the same order, below what stands above them, and returns how many entries
// that is. The same number gives the same bytes.
func WritePlain(w io.Writer, users int) (entries int, err error) {
	if _, err := io.WriteString(w, plainTop); err != nil {
		return 0, err
	}
	for i := range users {
		if _, err := fmt.Fprintf(w, plainUser, i); err != nil {
			return 0, err
		}
	}
	return plainTopEntries + users, nil
}
