// Package stream opens what a command line names as the source of mail: backup
// streams, and trees of mailbox files or Maildirs, which restore reads as
// streams ([OfTree]) and [WriteTree] writes as one. A file that is no stream is
// refused, by its first bytes, before anything is made of it.
package stream

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/sims"
)

// searched is how far a header is looked for when the first block is none: a
// damaged stream is read on behind the damage.
const searched = 256 << 10

// firstHeaders is enough for the headers of a first member, in bytes.
const firstHeaders = 8 << 10

// Peeker shows bytes that will be read, without passing over them; fewer than n
// come with the error that ended them. A [bufio.Reader] is one.
type Peeker interface {
	Peek(n int) ([]byte, error)
}

// Open opens the stream called path, "-" being standard input, and checks it.
// The caller closes it, and reads it through [Source].
func Open(job *cli.Job, path string) (*cli.Input, error) {
	in, err := job.Open(path)
	if err != nil {
		return nil, err
	}
	if err := Check(job, in.Name, in); err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

// Source is the file itself where the reader can gain by seeking.
func Source(in *cli.Input) io.Reader {
	if in.File == nil {
		return in
	}
	if _, err := in.File.Seek(0, io.SeekStart); err != nil {
		return in
	}
	return in.File
}

// Check returns an error when the input called name begins like something else
// than a backup stream; what it is, is said. A stream that is damaged at its
// start passes. Where all members will be refused for the way in which the
// archive was made, a hint says how to make it.
func Check(job *cli.Job, name string, p Peeker) error {
	block, err := p.Peek(512)
	switch {
	case len(block) == 512 && sims.IsHeader(block):
		head, _ := p.Peek(firstHeaders) // an error comes again where it is read
		hint(job, name, head)
		return nil
	case err != nil && err != io.EOF && len(block) < 512:
		return fmt.Errorf("%s: no backup stream: %w", name, err)
	}
	head, _ := p.Peek(searched)
	kind := cli.Kind(block)
	switch {
	case kind == "a tar archive", kind == "binary data", kind == "":
		for at := 512; at+512 <= len(head); at += 512 {
			if sims.IsHeader(head[at : at+512]) {
				return nil
			}
		}
		if len(head) > 0 && len(bytes.Trim(head, "\x00")) == 0 {
			kind = "nothing but zero bytes"
		}
	}
	if kind == "" {
		kind = "it does not begin with the header of a tar archive"
	}
	return cli.WithHint(fmt.Errorf("%s: no backup stream: %s", name, kind), advice(kind))
}

// advice says which command takes what is no stream.
func advice(kind string) string {
	switch kind {
	case "an LDIF file":
		return "ldifconv reads directory exports; a backup stream is a tar archive of user/mailbox/uid"
	case "a Berkeley DB file", "a database in the text form of db_dump":
		return "dbconv reads databases; a backup stream is a tar archive of user/mailbox/uid"
	case "an mbox file":
		return "a mailbox file on standard input is read with --kind mbox --user USER"
	}
	return "a backup stream is a tar archive of user/mailbox/uid"
}

// hint tells how to make an archive whose names do not begin with "./" or "/".
func hint(job *cli.Job, name string, head []byte) {
	first := firstName(head)
	for _, start := range []string{"./", "/"} {
		if first == "." && start == "./" || strings.HasPrefix(first, start) {
			job.Hint(fmt.Sprintf("%s: its names begin with %q, and every member will be refused; make the archive in the folder of the users by their names: tar -cf STREAM *", name, start))
			return
		}
	}
}

// firstName is the name of the first member of a stream that begins so; "" when
// that cannot be told.
func firstName(head []byte) string {
	r := sims.NewReader(bytes.NewReader(head))
	for m, err := range r.All() {
		if damage := sims.ErrorOf(err); damage != nil {
			return damage.Name
		}
		if err != nil {
			return ""
		}
		return m.Name
	}
	return ""
}
