package maildir

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"imsconv/storeconv/ims"
)

// Names of the files of subscriptions.
const (
	SubscriptionsName        = "subscriptions"
	CourierSubscriptionsName = "courierimapsubscribed"
)

// WriteSubscriptions writes the file subscriptions: lines as
// Naming.Subscription returns them.
func WriteSubscriptions(w io.Writer, lines []string) error {
	b := bufio.NewWriter(w)
	b.WriteString("V\t2\n\n")
	for _, line := range lines {
		if line == "" || strings.ContainsAny(line, "\n\r\x00\x01") {
			return fmt.Errorf("subscription %q", line)
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.Flush()
}

// ReadSubscriptions reads the file subscriptions of either version and returns
// the names of the mailboxes. tell gets what is wrong with a line, which is
// left out.
func ReadSubscriptions(r io.Reader, n Naming, tell func(*Error)) ([]string, error) {
	lines := newLineReader(r, BadSubscription)
	separator := "/"
	if n.Layout == PlusPlus {
		separator = "."
	}
	var names []string
	err := lines.each(tell, func(line string) *Error {
		switch {
		case lines.line == 1 && line == "V\t2":
			separator = "\t"
			return nil
		case line == "":
			return nil
		}
		name, ok := n.fromDisk(line, separator)
		if !ok {
			return lines.fault(fmt.Sprintf("no mailbox name: %q", shortened(line)))
		}
		names = append(names, name)
		return nil
	})
	return names, err
}

// fromDisk returns the name of a mailbox whose levels stand there as on disk.
// Control bytes, which the server writes as \x01 and a letter, no name has.
func (n Naming) fromDisk(line, separator string) (string, bool) {
	if strings.EqualFold(line, ims.Inbox) {
		return ims.Inbox, true
	}
	levels := strings.Split(line, separator)
	for i, level := range levels {
		if n.Escape {
			levels[i] = unescape(level)
		}
		if level == "" || strings.Contains(levels[i], "/") || strings.ContainsFunc(level, func(r rune) bool { return r < 0x20 }) {
			return "", false
		}
	}
	if strings.EqualFold(levels[0], ims.Inbox) {
		levels[0] = ims.Inbox
	}
	return strings.Join(levels, "/"), true
}

// ReadCourierSubscriptions reads a courierimapsubscribed: INBOX, or INBOX. and
// the name with dots between its levels.
func ReadCourierSubscriptions(r io.Reader, tell func(*Error)) ([]string, error) {
	lines := newLineReader(r, BadSubscription)
	var names []string
	err := lines.each(tell, func(line string) *Error {
		rest, below := cutFold(line, ims.Inbox+".")
		name, ok := Naming{}.fromDisk(rest, ".")
		switch {
		case line == "":
			return nil
		case !ok || !below && name != ims.Inbox:
			return lines.fault(fmt.Sprintf("no mailbox of this user: %q", shortened(line)))
		}
		names = append(names, name)
		return nil
	})
	return names, err
}

// cutFold cuts a prefix of whatever case.
func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
