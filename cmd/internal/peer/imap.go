package peer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

// IMAP is a session of one user. It knows of the protocol what takes an answer
// apart, and nothing of mail.
type IMAP struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	errors bytes.Buffer
	number int
}

// Item is a part of an answer: an atom, number, string or literal, or a list.
// NIL is the atom of that name.
type Item struct {
	Text   string
	List   []Item
	IsList bool
}

// Answer is an untagged line: * NAME ITEM ..., where a number may stand before
// the name. A code in brackets is in Items as its name and one list.
type Answer struct {
	Number uint32
	Name   string
	Items  []Item
}

// IMAP starts a session. The caller ends it with Close.
func (d *Dovecot) IMAP(user, home string) (*IMAP, error) {
	c := &IMAP{cmd: d.command(user, home, d.imap)}
	c.cmd.Stderr = &c.errors
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReaderSize(out, 1<<16)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := c.out.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "* PREAUTH") {
		return nil, errors.Join(fmt.Errorf("imap greets with %q: %w", line, err), c.Close())
	}
	return c, nil
}

// Close logs out. The error is also for what the process told at warning or
// above.
func (c *IMAP) Close() error {
	fmt.Fprint(c.in, "Z LOGOUT\r\n") // it may be gone already
	c.in.Close()
	_, err := io.Copy(io.Discard, c.out)
	err = errors.Join(err, c.cmd.Wait())
	if lines := complaints(c.errors.String()); len(lines) > 0 {
		err = errors.Join(err, errors.New(strings.Join(lines, "\n")))
	}
	return err
}

// Do gives a command and returns the answers to it. An error is also NO or BAD.
func (c *IMAP) Do(format string, args ...any) ([]Answer, error) {
	c.number++
	tag := "a" + strconv.Itoa(c.number)
	command := fmt.Sprintf(format, args...)
	if _, err := fmt.Fprintf(c.in, "%s %s\r\n", tag, command); err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	return c.answers(tag, command)
}

// Append gives a message to a mailbox, both as IMAP writes them.
func (c *IMAP) Append(mailbox, flags string, body []byte) error {
	c.number++
	tag := "a" + strconv.Itoa(c.number)
	if _, err := fmt.Fprintf(c.in, "%s APPEND %s (%s) {%d+}\r\n%s\r\n", tag, Quote(mailbox), flags, len(body), body); err != nil {
		return err
	}
	_, err := c.answers(tag, "APPEND")
	return err
}

// Quote writes a string as IMAP quotes it.
func Quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func (c *IMAP) answers(tag, command string) ([]Answer, error) {
	var all []Answer
	for {
		line, err := c.line()
		if err != nil {
			return all, fmt.Errorf("%s: %w", command, err)
		}
		rest, ok := bytes.CutPrefix(line, []byte("* "))
		if !ok {
			status := strings.TrimPrefix(string(line), tag+" ")
			if !strings.HasPrefix(status, "OK") {
				return all, fmt.Errorf("%s: %s", command, status)
			}
			return all, nil
		}
		all = append(all, readAnswer(rest))
	}
}

// line reads a line with the literals in it, which are left as {N} CR LF bytes.
func (c *IMAP) line() ([]byte, error) {
	var line []byte
	for {
		part, err := c.out.ReadBytes('\n')
		line = append(line, part...)
		if err != nil {
			return nil, err
		}
		n, ok := literal(part)
		if !ok {
			return bytes.TrimRight(line, "\r\n"), nil
		}
		at := len(line)
		line = append(line, make([]byte, n)...)
		if _, err := io.ReadFull(c.out, line[at:]); err != nil {
			return nil, err
		}
	}
}

// literal is the length that a line announces at its end.
func literal(line []byte) (int, bool) {
	line = bytes.TrimRight(line, "\r\n")
	at := bytes.LastIndexByte(line, '{')
	if at < 0 || !bytes.HasSuffix(line, []byte("}")) {
		return 0, false
	}
	n, err := strconv.Atoi(string(line[at+1 : len(line)-1]))
	return n, err == nil && n >= 0
}

func readAnswer(line []byte) Answer {
	var a Answer
	status := bytes.HasPrefix(line, []byte("OK ")) || bytes.HasPrefix(line, []byte("NO ")) || bytes.HasPrefix(line, []byte("BAD "))
	items, _ := readItems(line, status)
	if len(items) > 0 {
		if n, err := strconv.ParseUint(items[0].Text, 10, 32); err == nil {
			a.Number, items = uint32(n), items[1:]
		}
	}
	if len(items) > 0 {
		a.Name, a.Items = items[0].Text, items[1:]
	}
	return a
}

// readItems reads up to the end or a closing bracket, and returns what is
// behind. In a status line square brackets are brackets too.
func readItems(s []byte, status bool) ([]Item, []byte) {
	var items []Item
	for len(s) > 0 {
		switch c := s[0]; {
		case c == ' ':
			s = s[1:]
		case c == '(', c == '[' && status:
			list, rest := readItems(s[1:], status)
			items, s = append(items, Item{List: list, IsList: true}), rest
		case c == ')', c == ']' && status:
			return items, s[1:]
		default:
			text, rest := readText(s, status)
			items, s = append(items, Item{Text: text}), rest
		}
	}
	return items, nil
}

func readText(s []byte, status bool) (string, []byte) {
	if s[0] == '"' {
		return readQuoted(s[1:])
	}
	if s[0] == '{' {
		head, rest, _ := bytes.Cut(s, []byte("\r\n"))
		if n, ok := literal(head); ok && n <= len(rest) {
			return string(rest[:n]), rest[n:]
		}
	}
	ends := " ()"
	if status {
		ends += "]"
	}
	end := bytes.IndexAny(s, ends)
	if end <= 0 {
		end = len(s)
	}
	return string(s[:end]), s[end:]
}

func readQuoted(s []byte) (string, []byte) {
	var text []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '"' {
			return string(text), s[i+1:]
		}
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		text = append(text, s[i])
	}
	return string(text), nil
}
