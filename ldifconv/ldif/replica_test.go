package ldif_test

import (
	"strings"
	"testing"

	"imsconv/ldifconv/ldif"
)

func TestStateOf(t *testing.T) {
	for desc, want := range map[string]ldif.ReplicaState{
		"":                                  ldif.NoState,
		"mail":                              ldif.NoState,
		"cn;lang-ja":                        ldif.NoState,
		"deleted":                           ldif.NoState, // an attribute of that name
		"vucsn-1;binary":                    ldif.NoState,
		"mail;vucsn-38f5d5d1000000010000":   ldif.ChangeTime,
		"mail;lang-ja;ADCSN-1":              ldif.ChangeTime,
		"mail;vucsn-":                       ldif.NoState,
		"mail;":                             ldif.NoState,
		"mail;vdcsn-1;deleted":              ldif.Deleted,
		"mail;DeletedAttribute;mdcsn-1;x-y": ldif.Deleted,
	} {
		if got := ldif.StateOf([]byte(desc)); got != want {
			t.Errorf("%s: %d, want %d", desc, got, want)
		}
	}
}

func TestOfServer(t *testing.T) {
	for text, want := range map[string]string{
		"dn: uid=a,o=x\nobjectClass: inetMailUser\n":                                                "",
		"dn: uid=a,o=x\nobjectClass: top\nobjectClass:: IG5zdG9tYnN0b25l\n":                         "tombstone", // with a blank in front
		"dn: uid=a,o=x\nobjectClass: NSTombstone \n":                                                "tombstone",
		"dn: nsuniqueid=1+uid=a,o=x\nuid: a\n":                                                      "conflict",
		"dn: uid=a + nsUniqueId = 1,o=x\nuid: a\n":                                                  "conflict",
		"dn: uid=a,o=x\nnsds5replconflict: namingConflict uid=a\n":                                  "conflict",
		"dn: uid=a,o=x\nnsds5replconflict;vucsn-38f5d5d1000000010000: namingConflict uid=a\n":       "conflict",
		"dn: uid=a,o=x\nuid: a\nnsds5replconflict;adcsn-38f5d5d1000000010000;deletedattribute: x\n": "",
		"dn: uid=a,o=x\nuid: a\nobjectclass;vdcsn-38f5d5d1000000010000;deleted: nsTombstone\n":      "",
		"dn: nsuniqueid=1,uid=a,o=x\nobjectclass: nsTombstone\n":                                    "tombstone conflict",
		"dn: cn=nsuniqueid\\=1,o=x\ncn: a\n":                                                        "",
		"dn: cn=a\\,nsuniqueid=1,o=x\ncn: a\n":                                                      "",
		"dn: uid=a,nsuniqueid=1,o=x\nuid: a\n":                                                      "",
		"dn: uid=a,o=x\nuid: a\ndescription: nsuniqueid=1 nsTombstone\n":                            "",
	} {
		rec, err := ldif.NewReader(strings.NewReader(text), ldif.Options{}).Next()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		tombstone, conflict := ldif.OfServer(&rec.Entry)
		if tombstone {
			got = append(got, "tombstone")
		}
		if conflict {
			got = append(got, "conflict")
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestInLanguages(t *testing.T) {
	for desc, want := range map[string]bool{
		"cn": true, "cn;lang-ja": true, "cn;Lang-ja;LANG-ja-JP": true, "cn;lang-ja;vucsn-38f5d5d1000000010000": true, "cn;vdcsn-38f5d5d1000000010000;lang-en": true,
		"cn;lang-": false, "cn;langja": false, "cn;lang-ja;binary": false, "cn;x": false, "cn;": true,
	} {
		if got := ldif.InLanguages([]byte(desc)); got != want {
			t.Errorf("%s: %v", desc, got)
		}
	}
}
