// Package message reads of a mail message what an index of the store keeps: the
// size of its header, its Date: and Message-ID: fields, its length and its
// SHA-256. Messages are taken as they come; nothing is an error.
package message

import (
	"bytes"
	"strings"

	"imsconv/storeconv/ims"
)

// Summary is what an index keeps of a message's text.
type Summary struct {
	HeaderSize int64  // bytes up to and with the empty line that ends the header
	Sent       int64  // the Date: field, seconds since 1970, or ims.NoTime
	ID         string // the Message-ID: field
	BareLF     bool   // has a line end that is not CR LF
}

// maxMessageID bounds a Message-id in the index, in bytes.
const maxMessageID = 998

// Summarize reads the header of a message. b is the message, or its start.
func Summarize(b []byte) Summary {
	s := Summary{Sent: ims.NoTime, HeaderSize: int64(len(b))}
	haveDate, haveID := false, false
	for at := 0; at < len(b); {
		end := bytes.IndexByte(b[at:], '\n')
		if end < 0 {
			return s
		}
		line := b[at : at+end]
		next := at + end + 1
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		} else {
			s.BareLF = true
		}
		switch {
		case len(line) == 0:
			s.HeaderSize = int64(next)
			s.BareLF = s.BareLF || hasBareLF(b[next:], '\n')
			return s
		case !haveDate && field(line, "date:"):
			haveDate = true
			s.Sent = parseDate(unfold(b, at+5))
		case !haveID && field(line, "message-id:"):
			haveID = true
			s.ID = messageID(unfold(b, at+11))
		}
		at = next
	}
	return s
}

// field tells whether a header line starts with name, which has its colon.
func field(line []byte, name string) bool {
	return len(line) >= len(name) && line[0]|0x20 == name[0] && strings.EqualFold(string(line[:len(name)]), name)
}

// unfold returns the value of a header field that starts at offset at, with its
// continuation lines.
func unfold(b []byte, at int) []byte {
	end := at
	for {
		i := bytes.IndexByte(b[end:], '\n')
		if i < 0 {
			end = len(b)
			break
		}
		end += i + 1
		if end >= len(b) || b[end] != ' ' && b[end] != '\t' || end-at > 4096 {
			break
		}
	}
	v := bytes.TrimSpace(b[at:end])
	if bytes.IndexByte(v, '\n') < 0 {
		return v
	}
	return bytes.Join(bytes.Fields(v), []byte(" "))
}

// messageID returns the value of a Message-ID field as the index keeps it:
// without control characters, and cut at its limit.
func messageID(v []byte) string {
	if i := bytes.IndexByte(v, '<'); i > 0 {
		if j := bytes.IndexByte(v[i:], '>'); j > 0 {
			v = v[i : i+j+1]
		}
	}
	v = v[:min(len(v), maxMessageID)]
	out := make([]byte, 0, len(v))
	for _, c := range v {
		if c >= 0x20 && c != 0x7f {
			out = append(out, c)
		}
	}
	return string(out)
}

// AppendCRLF appends b to dst with every line end written as CR LF. prev is the
// byte before b, 0 at the start of a message.
func AppendCRLF(dst, b []byte, prev byte) []byte {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return append(dst, b...)
		}
		dst = append(dst, b[:i]...)
		if i > 0 {
			prev = b[i-1]
		}
		if prev != '\r' {
			dst = append(dst, '\r')
		}
		dst = append(dst, '\n')
		prev = '\n'
		b = b[i+1:]
	}
	return dst
}
