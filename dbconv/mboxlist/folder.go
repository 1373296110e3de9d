package mboxlist

import (
	"bytes"
	"strings"
)

// ACE is one entry of an access control list: who may do what. Rights are the
// letters of RFC 2086.
type ACE struct{ Identifier, Rights string }

// Folder is a record of folder.db.
type Folder struct {
	Partition string
	ACL       []ACE
}

// Append appends the record to dst.
func (f Folder) Append(dst []byte) []byte {
	dst = append(dst, f.Partition...)
	for _, e := range f.ACL {
		dst = append(dst, '\t')
		dst = append(dst, e.Identifier...)
		dst = append(dst, '\t')
		dst = append(dst, e.Rights...)
	}
	return dst
}

// ParseFolder reads a record of folder.db. A final TAB is taken.
func ParseFolder(value []byte) (Folder, error) {
	if i := bytes.IndexFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }); i >= 0 {
		return Folder{}, bad("folder", i, "a control byte")
	}
	fields := strings.Split(string(value), "\t")
	if n := len(fields); n > 1 && fields[n-1] == "" && n%2 == 0 {
		fields = fields[:n-1]
	}
	f := Folder{Partition: fields[0]}
	at := len(fields[0]) + 1
	if f.Partition == "" {
		return Folder{}, bad("folder", 0, "no partition")
	}
	if len(fields)%2 == 0 {
		return Folder{}, bad("folder", len(value), "an identifier without rights")
	}
	for i := 1; i < len(fields); i += 2 {
		if fields[i] == "" {
			return Folder{}, bad("folder", at, "an empty identifier")
		}
		f.ACL = append(f.ACL, ACE{fields[i], fields[i+1]})
		at += len(fields[i]) + len(fields[i+1]) + 2
	}
	return f, nil
}
