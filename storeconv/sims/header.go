package sims

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"imsconv/storeconv/ims"
)

// Offsets of the ustar header.
const (
	offName     = 0
	offSize     = 124
	offMtime    = 136
	offChecksum = 148
	offType     = 156
	offLink     = 157
	offMagic    = 257
	offPrefix   = 345
)

// isZero tells whether a block is all zero bytes.
func isZero(b []byte) bool {
	for len(b) >= 8 {
		if binary.NativeEndian.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// IsHeader tells whether a block of 512 bytes is the header of a member in any
// form of tar: it has its checksum, and is not all zero.
func IsHeader(block []byte) bool {
	return len(block) == blockSize && !isZero(block) && isHeader(block)
}

// isHeader tells whether a block of 512 bytes has the checksum of a tar header,
// counted over unsigned or, as some old programs did, signed bytes.
func isHeader(b []byte) bool {
	want, ok := parseOctal(b[offChecksum : offChecksum+8])
	if !ok {
		return false
	}
	sum := byteSum(b)
	for _, c := range b[offChecksum : offChecksum+8] {
		sum += ' ' - int64(c)
	}
	if sum == want {
		return true
	}
	var high int64
	for i, c := range b[:blockSize] {
		if c >= 0x80 && (i < offChecksum || i >= offChecksum+8) {
			high++
		}
	}
	return high > 0 && sum-256*high == want
}

// byteSum adds up the bytes of a block, eight at a time in four lanes.
func byteSum(b []byte) int64 {
	const lanes = 0x00ff00ff00ff00ff
	var acc uint64
	for i := 0; i < blockSize; i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		acc += w&lanes + w>>8&lanes
	}
	return int64(acc&0xffff + acc>>16&0xffff + acc>>32&0xffff + acc>>48)
}

// parseOctal parses an octal field that may have blanks around it and ends at a
// NUL.
func parseOctal(b []byte) (int64, bool) {
	i := 0
	for i < len(b) && b[i] == ' ' {
		i++
	}
	var n int64
	start := i
	for ; i < len(b) && b[i] >= '0' && b[i] <= '7'; i++ {
		if n > 1<<59 {
			return 0, false
		}
		n = n<<3 | int64(b[i]-'0')
	}
	end := i
	for ; i < len(b) && b[i] != 0; i++ {
		if b[i] != ' ' {
			return 0, false
		}
	}
	return n, end > start || start == len(b) || b[start] == 0
}

// parseNumeric parses an octal or, with the top bit of the first byte set, a
// GNU base-256 field.
func parseNumeric(b []byte) (int64, bool) {
	if b[0]&0x80 == 0 {
		return parseOctal(b)
	}
	var n int64
	if b[0]&0x40 != 0 {
		n = -1
	} else {
		n = int64(b[0] & 0x3f)
	}
	for _, c := range b[1:] {
		if n > 1<<54 || n < -(1<<54) {
			return 0, false
		}
		n = n<<8 | int64(c)
	}
	return n, true
}

// cString returns the bytes before the first NUL.
func cString(b []byte) []byte {
	b, _, _ = bytes.Cut(b, []byte{0})
	return b
}

// headerName joins prefix and name of a ustar header.
func headerName(b []byte) string {
	name := cString(b[offName : offName+100])
	if string(b[offMagic:offMagic+6]) == "ustar\x00" {
		if prefix := cString(b[offPrefix : offPrefix+155]); len(prefix) > 0 {
			return string(prefix) + "/" + string(name)
		}
	}
	return string(name)
}

// apply sets the fields of h from the records. It returns what is wrong with a
// value that cannot be read.
func (h *Header) apply(attrs []Attr) (fault string) {
	held := 0
	for _, a := range h.Unknown {
		held += len(a.Key) + len(a.Value)
	}
	for _, a := range attrs {
		switch a.Key {
		case "SIMS.profile":
			h.Profile = a.Value
		case "SIMS.product":
			h.Product = a.Value
		case "SIMS.host":
			h.Host = a.Value
		case "SIMS.date":
			n, ok := parseSeconds(a.Value)
			if !ok || n < 0 || n > ims.MaxTime {
				fault = fmt.Sprintf("SIMS.date=%s of the global header cannot be and is left out", DisplayName(a.Value))
				continue
			}
			h.Date, h.HasDate = n, true
		default:
			// A stream may have any number of global headers.
			if held += len(a.Key) + len(a.Value); held <= maxExtended {
				h.Unknown = append(h.Unknown, a)
			}
		}
	}
	return fault
}
