package delivery

import (
	"strings"
	"testing"
)

func TestIsMailHost(t *testing.T) {
	part := strings.Repeat("a", 63)
	for host, want := range map[string]bool{
		"mail.x.com": true, "a.b": true, "1.b": true, "3com.com": true, "mail_1.x.com": true, "MAIL-1.X.COM": true, "x.c0": true,
		"10.0.0.3": true, "[10.0.0.3]": true, "[IPv6:fe80::1]": true, "[ipv6:::1]": true, "[IPv6:::ffff:10.0.0.3]": true,
		part + ".com": true, strings.Repeat(part+".", 3) + part: true,

		"": false, "mail": false, ".": false, ".x.com": false, "mail.x.com.": false, "a..b": false, "a b.com": false, "caf\xc3\xa9.com": false,
		"10.0.0.300": false, "1.2": false, "host.123": false, "10.0.0.3.4": false, "010.0.0.3": false, "fe80::1": false,
		"[]": false, "[": false, "[10.0.0]": false, "[fe80::1]": false, "[IPv6:1.2.3.4]": false, "[IPv6:fe80::1%eth0]": false, "[mail.x.com]": false, "[10.0.0.3": false,
		"a" + part + ".com": false, strings.Repeat(part+".", 4) + "com": false,
	} {
		if got := IsMailHost([]byte(host)); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func TestIsProgram(t *testing.T) {
	for v, want := range map[string]bool{
		"|/bin/prog -x": true, `"|prog a@x.com"`: true, "/var/mail/x": true, `"/var/mail/x"`: true, ":include:/etc/list": true, ":Include:/etc/list": true,
		"": false, `"`: false, `""`: false, `"|prog`: false, "/o=x/@x400.com": false, ":include": false, "a@x.com": false, `"|a"@x.com`: false,
	} {
		if got := IsProgram([]byte(v)); got != want {
			t.Errorf("%q: %v", v, got)
		}
	}
}
