package fold

import (
	"strings"
	"testing"
)

func TestStep(t *testing.T) {
	long := "ldapmodify -x -H ldap://directory.example.com:389 -D 'cn=Directory Manager' -W -c -f ldif/users.changes.ldif"
	path := "/" + strings.Repeat("long", 30)
	for step, want := range map[string]string{
		"short":                     "  short\n",
		long:                        "  " + long + "\n",
		"# to go back: " + long:     "  # to go back:\n  #   " + long + "\n",
		"on the host: new: " + path: "  on the host: new:\n    " + path + "\n",
		"# the store takes the place of the server's own, which is put aside: where that has mail, see the runbook": "" +
			"  # the store takes the place of the server's own, which is put aside: where\n  #   that has mail, see the runbook\n",
		"look at what lies in the folder " + path + " and go on": "  look at what lies in the folder\n    " + path + "\n    and go on\n",
	} {
		if got := Step(step); got != want {
			t.Errorf("%s:\n%q\n%q", step, got, want)
		}
	}
}
