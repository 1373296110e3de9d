package ldif_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/ldifconv/ldif"
)

func TestCutRDN(t *testing.T) {
	for dn, want := range map[string][2]string{
		"":                     {"", ""},
		"o=x":                  {"o=x", ""},
		"cn=a,o=x":             {"cn=a", ",o=x"},
		"cn=a ; o=x":           {"cn=a ", "; o=x"},
		`cn=a\,b,o=x`:          {`cn=a\,b`, ",o=x"},
		`cn="a,b",o=x`:         {`cn="a,b"`, ",o=x"},
		`cn="a\",b",o=x`:       {`cn="a\",b"`, ",o=x"},
		`cn=a\2cb+sn=c,o=x`:    {`cn=a\2cb+sn=c`, ",o=x"},
		`cn="never closed,o=x`: {`cn="never closed,o=x`, ""},
		`cn=a\`:                {`cn=a\`, ""},
		",o=x":                 {"", ",o=x"},
	} {
		rdn, rest := ldif.CutRDN([]byte(dn))
		if got := [2]string{string(rdn), string(rest)}; got != want {
			t.Errorf("%q: %q, want %q", dn, got, want)
		}
		if (rest == nil) != (want[1] == "") {
			t.Errorf("%q: rest is nil: %t", dn, rest == nil)
		}
	}
}

func TestNamingOf(t *testing.T) {
	for dn, want := range map[string][]ldif.Naming{
		"":                        nil,
		"o":                       nil,
		"cn=Anna Lee,o=x":         {{"cn", "Anna Lee"}},
		"  CN =  Anna  , o=x":     {{"CN", "Anna"}},
		`cn=a\, b\2B+SN = c ,o=x`: {{"cn", "a, b+"}, {"SN", "c"}},
		`cn=\ a\ ,o=x`:            {{"cn", " a "}},
		`cn="a+b=c, d " ,o=x`:     {{"cn", "a+b=c, d "}},
		`cn=m\c3\bcller,o=x`:      {{"cn", "müller"}},
		"cn=a=b,o=x":              {{"cn", "a=b"}},
		"cn=":                     {{"cn", ""}},
		`cn=a\`:                   {{"cn", `a\`}},
		`\63\6e=a,o=x`:            {{"cn", "a"}},
		`"cn"=a,o=x`:              {{"cn", "a"}},
	} {
		if d := cmp.Diff(want, ldif.NamingOf([]byte(dn))); d != "" {
			t.Errorf("%q: %s", dn, d)
		}
	}
}

func TestTrimDN(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "  ": "", " cn=a ": "cn=a", `cn=a\ `: `cn=a\ `, `cn=a\   `: `cn=a\ `, `cn=a\\ `: `cn=a\\`, `cn=a\\\  `: `cn=a\\\ `, `cn=a\`: `cn=a\`,
	} {
		if got := ldif.TrimDN([]byte(in)); string(got) != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestUnescapeNorm(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "anna": "anna", `a\2cb`: "a,b", `\5c\2b`: `\+`, `a\`: `a\`, `a\2`: `a\2`,
	} {
		if got := ldif.UnescapeNorm([]byte(in)); string(got) != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// FuzzRDN: the first part of a DN and the rest are the DN, also in their normal
// forms, and it has as many types and values in either form.
func FuzzRDN(f *testing.F) {
	for _, dn := range []string{"cn=a,o=x", `cn="a,b"+SN=\20c\2c ; o=x`, `\63\6e=a`, `cn=a\`, "2.5.4.3=a"} {
		f.Add([]byte(dn))
	}
	f.Fuzz(func(t *testing.T, dn []byte) {
		rdn, rest := ldif.CutRDN(dn)
		if string(rdn)+string(rest) != string(dn) {
			t.Fatalf("%q and %q", rdn, rest)
		}
		list := ldif.NamingOf(dn)
		norm, err := ldif.AppendNormDN(nil, dn)
		if err != nil || len(norm) == 0 {
			return
		}
		first, err := ldif.AppendNormDN(nil, rdn)
		if err != nil {
			t.Fatalf("%q: %v", rdn, err)
		}
		if parent, _ := ldif.ParentNormDN(norm); rest != nil {
			if above, err := ldif.AppendNormDN(nil, rest[1:]); err != nil || string(above) != string(parent) {
				t.Fatalf("%q: above it is %q, %v, want %q", dn, above, err, parent)
			}
		}
		if n := bytes.Count(first, []byte{'+'}) + 1; n != len(list) {
			t.Fatalf("%q: %q, and its normal form is %q", dn, list, first)
		}
	})
}

func TestWithoutUniqueID(t *testing.T) {
	for value, want := range map[string]string{
		"uid=a,o=x#'0101'B": "uid=a,o=x",
		"uid=a,o=x#''B":     "uid=a,o=x",
		"uid=a,o=x":         "uid=a,o=x",
		"uid=a,o=x#'012'B":  "uid=a,o=x#'012'B",
		"uid=a,o=x'01'B":    "uid=a,o=x'01'B",
		"uid=a,o=x#'01'b":   "uid=a,o=x#'01'b",
		"#'01'B":            "#'01'B",
		"'B":                "'B",
		"":                  "",
	} {
		if got := ldif.WithoutUniqueID([]byte(value)); string(got) != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}
