package ldif

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Masks for looking at eight bytes at a time.
const ones, highs = 0x0101010101010101, 0x8080808080808080

// lineFeed returns the position of the first line feed at or behind from, or
// -1. Most lines are short: for these it is faster than bytes.IndexByte.
func lineFeed(d []byte, from int) int {
	for range 4 {
		if from+8 > len(d) {
			break
		}
		x := binary.LittleEndian.Uint64(d[from:]) ^ ones*'\n'
		if zero := (x - ones) &^ x & highs; zero != 0 {
			return from + bits.TrailingZeros64(zero)/8
		}
		from += 8
	}
	if i := bytes.IndexByte(d[from:], '\n'); i >= 0 {
		return from + i
	}
	return -1
}

// split cuts a line at its first colon; rest begins with it.
func split(l *logical) (desc, rest []byte, damage *Error) {
	text := l.text
	i := bytes.IndexByte(text, ':')
	if i < 0 {
		return nil, nil, &Error{Class: BadLine, Line: l.num, Text: fmt.Sprintf("line has no colon: %q", clip(text))}
	}
	desc, rest = text[:i], text[i:]
	if i > 0 && (desc[0] <= ' ' || desc[i-1] <= ' ') {
		desc = trimSpace(desc)
	}
	if len(desc) == 0 {
		return nil, nil, &Error{Class: BadLine, Line: l.num, Text: "line has no attribute before its colon"}
	}
	for _, c := range desc {
		if !descByte[c] {
			return nil, nil, &Error{Class: BadLine, Line: l.num, Text: fmt.Sprintf("%q is not an attribute description", clip(desc))}
		}
	}
	return desc, rest, nil
}

// descByte holds the bytes an attribute description may have: RFC 2849 and the
// underscore of old servers.
var descByte = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '-' || c == '_' || c == '.' || c == ';'
	}
	return t
}()

// foldEqual reports whether b is the ASCII lower-case word s in any case.
func foldEqual(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != s[i] {
			return false
		}
	}
	return true
}

func isNumber(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// isSpace is the white space that Netscape's reader skips after the colon.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\v' || c == '\f' }

func trimLeft(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}

func trimSpace(b []byte) []byte {
	b = trimLeft(b)
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func trimLineEnd(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return b
}

// clip shortens a piece of input for a message.
func clip(b []byte) []byte {
	if len(b) > 60 {
		return append(append([]byte(nil), b[:60]...), "..."...)
	}
	return b
}
