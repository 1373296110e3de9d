package filter

import (
	"errors"
	"strings"
	"testing"
)

func TestErrorsInOurWords(t *testing.T) {
	for in, want := range map[string]string{
		"(uid=a":         "byte 1: a ( without its )",
		"(&(uid=a)":      "byte 1: a ( without its )",
		"(uid=a))":       "byte 8: something stands behind the filter",
		"uid=a)":         "byte 7: something stands behind the filter",
		"(uid=a)(uid=b)": "byte 8: something stands behind the filter",
		"()":             "byte 1: nothing stands between ( and )",
		"(uid)":          `byte 1: "uid" has no =`,
		"(=a)":           `byte 1: "=a" names no attribute`,
		"(&uid=a)":       "byte 1: & needs filters in brackets behind it",
		"(&(uid=a)(cn))": `byte 10: "cn" has no =`,
		"(cn=a\\zz)":     `a \ needs two hex digits behind it`,
		"(cn=a(b)c)":     `a comparison holds a bracket`,
		"":               "nothing stands between",
		"(cn:bitAnd:=1)": `matching rule "bitAnd" is not known`,
		"(!(a=b)(c=d))":  "",
		strings.Repeat("(!", 101) + "(a=b)" + strings.Repeat(")", 101): "nested deeper than 100",
	} {
		_, err := Compile(in, nil)
		var e *Error
		if !errors.As(err, &e) || e.Kind() != "bad-filter" || e.Severity() != 2 || e.Filter != in {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
		for _, word := range []string{"LDAP Result", "ldap:", "201"} {
			if strings.Contains(err.Error(), word) {
				t.Errorf("%q: the words of the library: %v", in, err)
			}
		}
	}
}

// TestLongFilter: the text of an error stays short, whatever is given.
func TestLongFilter(t *testing.T) {
	long := "(|" + strings.Repeat("(a=b)", maxLength/5) + ")"
	_, err := Compile(long, nil)
	if want := "byte 1: longer than 65536 bytes"; err == nil || !strings.HasSuffix(err.Error(), want) || len(err.Error()) > 300 {
		t.Errorf("%.400v, want %s", err, want)
	}
	if _, err := Compile("(|"+strings.Repeat("(a=b)", maxLength/5-1)+")", nil); err != nil {
		t.Error(err)
	}
}

func TestAttributes(t *testing.T) {
	f, err := Compile("(&(UID=s*)(|(cn;lang-ja=x)(!(uid=a)))(mailHost=*))", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(f.Attributes(), " "); got != "cn mailhost uid" {
		t.Errorf("attributes %s", got)
	}
}
