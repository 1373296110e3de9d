package relocate

import (
	"errors"
	"fmt"
	"strings"

	"imsconv/storeconv/ims"
)

// decodeComponent reads one directory name of a store, "=" and the escaped
// name. canonical is the name as the layout spells it; it differs from
// component for a name that can be read though it is spelt oddly: bytes that
// stand for themselves where an escape belongs.
func decodeComponent(component string) (name, canonical string, err error) {
	escaped, ok := strings.CutPrefix(component, "=")
	if !ok {
		return "", "", errors.New("no = in front")
	}
	if escaped == "" {
		return "", "", errors.New("nothing after the =")
	}
	name, err = ims.UnescapeName(escaped)
	strict := err == nil
	if !strict {
		if name, ok = readOddName(escaped); !ok {
			return "", "", err
		}
	}
	if strings.ContainsAny(name, "/\x00") {
		return "", "", fmt.Errorf("name %q has a slash or a NUL in it", name)
	}
	if strict {
		return name, component, nil
	}
	canonical = ims.Component(name)
	if len(canonical) > ims.MaxComponent {
		return "", "", fmt.Errorf("%d bytes on disk, at most %d are allowed", len(canonical), ims.MaxComponent)
	}
	return name, canonical, nil
}

// readOddName undoes the known escapes and takes every other byte as it is; a
// lone '%' or '+' cannot be read.
func readOddName(escaped string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(escaped); i++ {
		rest := escaped[i:]
		switch {
		case len(rest) >= 2 && rest[0] == '+' && rest[1] >= 'A' && rest[1] <= 'Z':
			b.WriteByte(rest[1])
			i++
		case strings.HasPrefix(rest, "%d"):
			b.WriteByte('.')
			i++
		case len(rest) >= 4 && strings.HasPrefix(rest, "%x") && isHex(rest[2]) && isHex(rest[3]):
			b.WriteByte(hexValue(rest[2])<<4 | hexValue(rest[3]))
			i += 3
		case rest[0] == '%' || rest[0] == '+' || rest[0] < 0x20 || rest[0] > 0x7e:
			return "", false
		default:
			b.WriteByte(rest[0])
		}
	}
	return b.String(), true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func hexValue(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// checkUIDForm says why id is not a user id that goes over: iPlanet Messaging
// Server takes <LocalPart> and <LocalPart>@<FQDN> and nothing else (Migration
// Guide, prerequisites of the NMS scenarios).
func checkUIDForm(id string) error {
	if err := ims.CheckUserID(id); err != nil {
		return err
	}
	local, domain, compound := strings.Cut(id, "@")
	if !compound {
		return nil
	}
	if local == "" {
		return fmt.Errorf("user id %q has nothing before the @", id)
	}
	if err := checkFQDN(domain); err != nil {
		return fmt.Errorf("user id %q: %w", id, err)
	}
	return nil
}

// checkFQDN takes host names of two labels or more (RFC 1123, section 2.1).
func checkFQDN(domain string) error {
	if len(domain) > 253 {
		return errors.New("the domain has more than 253 bytes")
	}
	labels := strings.Split(domain, ".")
	if len(labels) < 2 {
		return fmt.Errorf("%q is not a fully qualified domain", domain)
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return fmt.Errorf("%q is not a domain name", domain)
		}
		for i := 0; i < len(label); i++ {
			c := label[i] | 0x20
			if !('a' <= c && c <= 'z') && !('0' <= label[i] && label[i] <= '9') && label[i] != '-' {
				return fmt.Errorf("%q is not a domain name", domain)
			}
		}
	}
	return nil
}
