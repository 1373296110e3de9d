package relocate

import (
	"strings"
	"testing"

	"imsconv/storeconv/ims"
)

func TestDecodeComponent(t *testing.T) {
	for _, tt := range []struct {
		component, name, canonical string // name empty: refused
	}{
		{"=joe", "joe", "=joe"},
		{"=+John%d+Smith", "John.Smith", "=+John%d+Smith"},
		{"=wallyc@varrius%dorg", "wallyc@varrius.org", "=wallyc@varrius%dorg"},
		{"=a%x20b", "a b", "=a%x20b"},
		// Spelt oddly, and still to be read.
		{"=John.Smith", "John.Smith", "=+John%d+Smith"},
		{"=+John.Smith", "John.Smith", "=+John%d+Smith"},
		{"=a b", "a b", "=a%x20b"},
		{"=a%x2B", "a+", "=a%x2b"},
		{"=%x41", "A", "=+A"},
		// Not to be read.
		{"joe", "", ""},
		{"=", "", ""},
		{"", "", ""},
		{"=100%", "", ""},
		{"=a+b", "", ""},
		{"=a%x2fb", "", ""},
		{"=a%x00b", "", ""},
		{"=a%zb", "", ""},
		{"=caf\xe9", "", ""},
		{"=" + strings.Repeat("A", 200), "", ""},
	} {
		name, canonical, err := decodeComponent(tt.component)
		switch {
		case tt.name == "":
			if err == nil {
				t.Errorf("%q is taken as %q", tt.component, name)
			}
		case err != nil || name != tt.name || canonical != tt.canonical:
			t.Errorf("%q: %q, %q, %v", tt.component, name, canonical, err)
		}
	}
}

func FuzzDecodeComponent(f *testing.F) {
	for _, s := range []string{"=joe", "=+John%d+Smith", "=a%x20b", "=John.Smith", "=100%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, component string) {
		name, canonical, err := decodeComponent(component)
		if err != nil {
			return
		}
		if canonical != ims.Component(name) {
			t.Errorf("%q: name %q is not written %q", component, name, canonical)
		}
		if again, same, err := decodeComponent(canonical); err != nil || again != name || same != canonical {
			t.Errorf("%q: %q is read as %q, %v", component, canonical, again, err)
		}
		if strings.ContainsAny(canonical, "/\x00") {
			t.Errorf("%q: %q leads out of its directory", component, canonical)
		}
	})
}

func TestCheckUIDForm(t *testing.T) {
	for id, want := range map[string]string{ // a part of the error; "": a good id
		"ofanning":                       "",
		"wallyc@varrius.org":             "",
		"O'Fanning+x~y":                  "",
		"a b":                            "",
		"joe@mail.siroe.com":             "",
		"joe@3com.com":                   "",
		"":                               "empty",
		"joe@siroe":                      "not a fully qualified domain",
		"joe@":                           "not a fully qualified domain",
		"@siroe.com":                     "nothing before the @",
		"joe@siroe.com.":                 "not a domain name",
		"joe@-x.com":                     "not a domain name",
		"joe@a@b.com":                    "not a domain name",
		"joe@si_roe.com":                 "not a domain name",
		"joe/smith":                      "forbidden byte",
		"anyone":                         "reserved",
		"-joe":                           "hyphen",
		"group=staff":                    "group=",
		strings.Repeat("x", 128):         "128 bytes",
		"j@" + strings.Repeat("x.", 300): "bytes",
	} {
		err := checkUIDForm(id)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", id, err, want)
		}
	}
}
