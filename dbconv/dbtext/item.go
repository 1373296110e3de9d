package dbtext

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

const hexDigits = "0123456789abcdef"

// plain says which bytes stand for themselves in the format print.
var plain = func() (t [256]bool) {
	for c := ' '; c <= '~'; c++ {
		t[c] = c != '\\'
	}
	return t
}()

// nibble is the value of a hexadecimal digit, 0xff for any other byte.
var nibble = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range 10 {
		t['0'+i] = byte(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = byte(10+i), byte(10+i)
	}
	return t
}()

// hexPairs is the two digits of each byte.
var hexPairs = func() (t [256][2]byte) {
	for i := range t {
		t[i] = [2]byte{hexDigits[i>>4], hexDigits[i&15]}
	}
	return t
}()

func appendPrint(dst, item []byte) []byte {
	start := 0
	for i, c := range item {
		if plain[c] {
			continue
		}
		dst = append(dst, item[start:i]...)
		start = i + 1
		if c == '\\' {
			dst = append(dst, '\\', '\\')
			continue
		}
		dst = append(dst, '\\', hexPairs[c][0], hexPairs[c][1])
	}
	return append(dst, item[start:]...)
}

func appendHex(dst, item []byte) []byte {
	at := len(dst)
	dst = slices.Grow(dst, 2*len(item))[:at+2*len(item)]
	for i, c := range item {
		pair := hexPairs[c]
		dst[at+2*i], dst[at+2*i+1] = pair[0], pair[1]
	}
	return dst
}

var errOddHex = errors.New("an odd number of hexadecimal digits")

// decodeHex decodes text, which is a piece of an item unless last is true, and
// tells how much of it was used.
func decodeHex(dst, text []byte, last bool) (item []byte, used int, err error) {
	if len(text)%2 != 0 && last {
		return dst, 0, errOddHex
	}
	whole := len(text) &^ 1
	at := len(dst)
	dst = slices.Grow(dst, whole/2)
	out := dst[at : at+whole/2]
	for i := range out {
		pair := text[2*i : 2*i+2]
		h, l := nibble[pair[0]], nibble[pair[1]]
		if h|l == 0xff {
			return dst[:at+i], 2 * i, fmt.Errorf("%.2q is no pair of hexadecimal digits", pair)
		}
		out[i] = h<<4 | l
	}
	return dst[:at+len(out)], whole, nil
}

// decodePrint is decodeHex for the format print. It takes bytes beyond
// printable ASCII as they are: so does db_load.
func decodePrint(dst, text []byte, last bool) (item []byte, used int, err error) {
	for i := 0; ; {
		n := bytes.IndexByte(text[i:], '\\')
		if n < 0 {
			return append(dst, text[i:]...), len(text), nil
		}
		dst = append(dst, text[i:i+n]...)
		i += n
		switch {
		case i+1 < len(text) && text[i+1] == '\\':
			dst = append(dst, '\\')
			i += 2
		case i+2 < len(text) && nibble[text[i+1]]|nibble[text[i+2]] != 0xff:
			dst = append(dst, nibble[text[i+1]]<<4|nibble[text[i+2]])
			i += 3
		case !last && i+2 >= len(text):
			return dst, i, nil
		default:
			return dst, i, errors.New("a backslash without two hexadecimal digits")
		}
	}
}
