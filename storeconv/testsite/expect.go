package testsite

import (
	"encoding/json"
	"fmt"
	"io"
)

// Message is what a restore has to leave of one message, in the form of
// testdata/site/expect.json. The fields below Linked are more than that file
// has and are left out of JSON when empty.
type Message struct {
	UID    uint32   `json:"uid"`
	Path   string   `json:"path"`   // under the store
	Size   int64    `json:"size"`   // bytes
	SHA256 string   `json:"sha256"` // hex
	Date   int64    `json:"date"`   // receive date, seconds since 1970
	Flags  []string `json:"flags"`  // sorted
	Linked bool     `json:"linked"` // a hard link to a file already stored

	First     string `json:"first,omitempty"`     // of a linked one: path of the file it is linked to
	FileDate  int64  `json:"filedate,omitempty"`  // the file's modification time: the date of the first copy in the stream that has not expired
	HeaderLen int64  `json:"hsize,omitempty"`     // bytes, with the empty line
	Sent      int64  `json:"sent,omitempty"`      // seconds since 1970, 0 without a Date header
	MessageID string `json:"messageid,omitempty"` // with its angle brackets
}

// Mailbox is what a restore has to leave of one mailbox.
type Mailbox struct {
	User        string    `json:"user"`
	Name        string    `json:"name"`
	Dir         string    `json:"dir"` // under the store
	UIDValidity uint32    `json:"uidvalidity"`
	Subscribed  int       `json:"subscribed"`
	Messages    []Message `json:"messages"`
	Expired     int       `json:"expired"` // messages that a restore leaves out

	UIDNext  uint32 `json:"uidnext,omitempty"`
	Keywords string `json:"keywords,omitempty"`
	ACL      string `json:"acl,omitempty"`
	Quota    int64  `json:"quota,omitempty"` // of the user, bytes; -1 none, -2 default
}

// Expect is the whole of an expectation. A big site's is better taken mailbox
// by mailbox from [WriteStream].
type Expect struct {
	Users     []string  `json:"users"`
	Mailboxes []Mailbox `json:"mailboxes"`
}

// Add takes one mailbox; it is a collector to give to [WriteStream].
func (e *Expect) Add(m Mailbox) error {
	if n := len(e.Users); n == 0 || e.Users[n-1] != m.User {
		e.Users = append(e.Users, m.User)
	}
	e.Mailboxes = append(e.Mailboxes, m)
	return nil
}

// ReadExpect reads an expectation file.
func ReadExpect(r io.Reader) (*Expect, error) {
	e := new(Expect)
	if err := json.NewDecoder(r).Decode(e); err != nil {
		return nil, fmt.Errorf("expectation: %w", err)
	}
	return e, nil
}

// Write writes the expectation as JSON, indented by one blank as the sample is.
func (e *Expect) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(e)
}
