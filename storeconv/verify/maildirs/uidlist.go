package maildirs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// uidlist reads a dovecot-uidlist of version 3 as the server does, which throws
// the whole of it away at the first line that is none.
type uidlist struct {
	in             *bufio.Reader
	validity, next uint32
	guid           string
	line           int
	last           uint32
}

// uidLine is a line of it.
type uidLine struct {
	uid  uint32
	pop3 string // UIDL of POP3; "": not said
	name string // of the file
}

// maxUID is the highest UID that a server bears: with the next one it ends
// itself.
const maxUID = 1<<32 - 3

// maxLine bounds a line in bytes; a longer one is none.
const maxLine = 8 << 10

var errBroken = errors.New("a server throws this list away and numbers the messages anew")

func (u *uidlist) broken(format string, args ...any) error {
	return fmt.Errorf("line %d: %s: %w", u.line, fmt.Sprintf(format, args...), errBroken)
}

func newUidlist(r io.Reader) (*uidlist, error) {
	u := &uidlist{in: bufio.NewReaderSize(r, maxLine)}
	line, err := u.read()
	if err == io.EOF {
		return nil, u.broken("no first line")
	}
	if err != nil {
		return nil, err
	}
	words := strings.Split(line, " ")
	if words[0] != "3" {
		return nil, u.broken("the version is %q", words[0])
	}
	for _, word := range words[1:] {
		if word == "" {
			return nil, u.broken("two blanks, or one at the end")
		}
		switch word[0] {
		case 'V':
			u.validity, err = readNumber(word[1:])
		case 'N':
			u.next, err = readNumber(word[1:])
		case 'G':
			u.guid = word[1:]
		}
		if err != nil {
			return nil, u.broken("%s: %v", word, err)
		}
	}
	if u.validity == 0 || u.next == 0 || u.next > maxUID+1 {
		return nil, u.broken("no UIDVALIDITY, or no next UID that a server can have")
	}
	return u, nil
}

// read returns a line without its end.
func (u *uidlist) read() (string, error) {
	u.line++
	line, err := u.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", u.broken("more than %d bytes", maxLine)
	case err == io.EOF && len(line) > 0:
		return "", u.broken("it ends without a line end")
	case err != nil:
		return "", err
	}
	return string(line[:len(line)-1]), nil
}

// nextLine returns the next line, io.EOF at the end.
func (u *uidlist) nextLine() (uidLine, error) {
	text, err := u.read()
	if err != nil {
		return uidLine{}, err
	}
	head, name, ok := strings.Cut(text, " :")
	words := strings.Split(head, " ")
	uid, err := readNumber(words[0])
	switch {
	case !ok || err != nil:
		return uidLine{}, u.broken("%q is no line of a uidlist", clip(text))
	case uid <= u.last:
		return uidLine{}, u.broken("UID %d comes after %d", uid, u.last)
	case uid > maxUID:
		return uidLine{}, u.broken("no server has the UID %d", uid)
	case name == "" || strings.Contains(name, "/"):
		return uidLine{}, u.broken("%q is no name of a file", clip(name))
	}
	u.last = uid
	line := uidLine{uid: uid, name: name}
	for _, word := range words[1:] {
		if word == "" || word[0] < 'A' || word[0] > 'Z' {
			return uidLine{}, u.broken("%q is no field", clip(word))
		}
		if word[0] == 'P' {
			line.pop3 = word[1:]
		}
	}
	return line, nil
}

func readNumber(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || s[0] == '+' {
		return 0, errors.New("no number of 32 bits")
	}
	return uint32(n), nil
}

// clip shortens text for a message.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}
