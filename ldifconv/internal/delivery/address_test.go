package delivery

import "testing"

func TestAddressFault(t *testing.T) {
	for v, want := range map[string]Fault{
		"a@x.com": NoFault, " a@x.com ": NoFault, `"a b"@x.com`: NoFault, "a%b@x.com": NoFault, "a@[10.1.1.1]": NoFault, "a@localhost": NoFault,
		"a": NoDomain, "uid=a": NoDomain,
		"caf\xc3\xa9@x.com": NotASCII, "caf\xe9": NotASCII,
		"": NoAddress, "@": NoAddress, "@x.com": NoAddress, "a@": NoAddress, "a b": NoAddress, "a@b@x.com": NoAddress, "a@x..com": NoAddress, "a@x.com.": NoAddress,
		"<a@x.com>": NoAddress, "J. Doe <a@x.com>": NoAddress, `"J. Doe" <a@x.com>`: NoAddress, "a@x.com (Joe)": NoAddress, "mailto:a@x.com": NoAddress,
	} {
		if got := AddressFault([]byte(v)); got != want {
			t.Errorf("%q: %v, want %v", v, got, want)
		}
	}
}

func TestPeerFault(t *testing.T) {
	for v, want := range map[string]Fault{
		"mailto:a@x.com": NoFault, "MAILTO: a@x.com?subject=x": NoFault, "mailto:a%40x.com": NoFault, "a@x.com": NoFault,
		"mailto:a": NoDomain, "a": NoDomain, "uid=a": NoAddress, "uid=a,o=x": NoAddress, "mailto:": NoAddress, "mailto:<a@x.com>": NoAddress,
	} {
		if got := PeerFault([]byte(v)); got != want {
			t.Errorf("%q: %v, want %v", v, got, want)
		}
	}
}

func TestWithoutParameters(t *testing.T) {
	for v, want := range map[string]string{
		"a@x.com%Babs Jensen": "a@x.com", "a@x.com %1(b@c) %2(d)": "a@x.com", "a%b@x.com": "a%b@x.com", "a%b@x.com%c@d": "a%b@x.com", `"a@b c"@x.com%d`: `"a@b c"@x.com`, "a b": "a b",
	} {
		if got := WithoutParameters([]byte(v)); string(got) != want {
			t.Errorf("%q: %q, want %q", v, got, want)
		}
	}
}
