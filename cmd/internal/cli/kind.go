package cli

import (
	"bytes"
	"encoding/binary"
)

// headSize is how many bytes of a file [Kind] wants to see: a tar archive is
// known by bytes 257 to 262, a Berkeley DB file by bytes 12 to 16.
const headSize = 512

// packed are the compressions that are recognised and not undone, each with
// the program that undoes it.
var packed = []struct{ magic, name, program string }{
	{"\x28\xb5\x2f\xfd", "zstd", "zstd -dc"},
	{"\xfd7zXZ\x00", "xz", "xz -dc"},
	{"\x1f\x9d", "compress (.Z)", "gzip -dc"},
	{"\x02\x21\x4c\x18", "LZ4 in its legacy form", "lz4 -dc"},
	{"PK\x03\x04", "zip", "unzip -p"},
}

// Kind names what a file is by its first bytes, at most 512 of them, for a
// message that refuses it: "a tar archive", "an LDIF file". It returns "" for
// what it does not know.
func Kind(head []byte) string {
	lower := bytes.ToLower(head[:min(len(head), 16)])
	switch {
	case len(head) == 0:
		return "an empty file"
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return "a tar archive"
	case isDatabase(head):
		return "a Berkeley DB file"
	case bytes.HasPrefix(lower, []byte("dn:")), bytes.HasPrefix(lower, []byte("version: ")):
		return "an LDIF file"
	case bytes.HasPrefix(head, []byte("From ")), bytes.HasPrefix(head, []byte("\x01\x01\x01\x01\n")):
		return "an mbox file"
	case bytes.HasPrefix(head, []byte("VERSION=")):
		return "a database in the text form of db_dump"
	case bytes.HasPrefix(head, []byte("imsconv-store.idx ")):
		return "an index of a mailbox"
	case bytes.HasPrefix(head, gzipMagic), bytes.HasPrefix(head, lz4Magic):
		return "compressed twice"
	case bytes.HasPrefix(head, []byte("07070")), bytes.HasPrefix(head, []byte("\xc7\x71")), bytes.HasPrefix(head, []byte("\x71\xc7")):
		return "a cpio archive"
	case bytes.HasPrefix(head, []byte("7z\xbc\xaf")):
		return "a 7z archive"
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return "a JPEG picture"
	case bytes.HasPrefix(head, []byte("\x89PNG")):
		return "a PNG picture"
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return "a PDF file"
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		return "a program"
	case bytes.IndexByte(head, 0) >= 0:
		return "binary data"
	}
	return ""
}

// packedAs tells which of the packed a file is, by its first 6 bytes.
func packedAs(head []byte) (name, program string, ok bool) {
	// A user file may begin with BZh: bzip2 is known by the block's mark too.
	if len(head) >= 6 && string(head[:3]) == "BZh" && head[3] >= '1' && head[3] <= '9' && string(head[4:6]) == "1A" {
		return "bzip2", "bzip2 -dc", true
	}
	for _, p := range packed {
		if bytes.HasPrefix(head, []byte(p.magic)) {
			return p.name, p.program, true
		}
	}
	return "", "", false
}

// isDatabase knows the magic numbers of Berkeley DB: of btree, hash, queue and
// heap at byte 12, of release 1.85 at byte 0; in either byte order.
func isDatabase(head []byte) bool {
	for _, at := range []int{12, 0} {
		if len(head) < at+4 {
			continue
		}
		for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
			switch order.Uint32(head[at:]) {
			case 0x053162, 0x061561, 0x042253, 0x074582:
				return true
			}
		}
	}
	return false
}
