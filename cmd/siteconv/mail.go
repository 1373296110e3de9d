package main

import (
	"errors"
	"strings"

	"imsconv/cmd/internal/directory"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/sims"
)

// mail is what one reading of the mail side has told of it.
type mail struct {
	ids      *directory.IDSet // of the users, as the old server had them
	perUser  map[string]int64 // how many messages each has
	messages int64            // all references
	files    int64            // of these, files of their own
	bytes    int64            // of the files
	folders  int64            // directories that the new store has at least
	odd      []string         // ids and folders that the new store refuses, the first ones
	refused  int64            // how many of them
	faults   map[string]int64 // what else is wrong with the backup, by kind
}

// oddShown is how many odd names are kept.
const oddShown = 5

func newMail() *mail {
	return &mail{ids: directory.NewIDSet(), perUser: make(map[string]int64), faults: make(map[string]int64)}
}

// tape is a stream, or a tree in the terms of one.
type tape interface {
	Next() (*sims.Member, error)
}

// readTape reads a backup. What is damaged in it, up to where it cannot be read
// on, the conversion tells.
func (m *mail) readTape(t tape) {
	user, box := "", ""
	for {
		member, err := t.Next()
		var damage *sims.Error
		switch {
		case errors.As(err, &damage):
			m.damaged(damage)
			continue
		case err != nil: // io.EOF, or what the conversion ends with
			return
		}
		if member.User != user {
			user = strings.Clone(member.User)
			m.user(user)
			box = ""
		}
		if member.Kind != sims.User && member.Mailbox != box {
			box = strings.Clone(member.Mailbox)
			m.folders++
		}
		m.member(member, user)
	}
}

func (m *mail) member(member *sims.Member, user string) {
	switch member.Kind {
	case sims.Message:
		m.files++
		m.bytes += member.Size
	case sims.Link:
	default:
		return
	}
	m.messages++
	m.perUser[user]++
}

// damaged counts a message that is refused as one of the source.
func (m *mail) damaged(e *sims.Error) {
	switch {
	case e.Class == sims.BadName:
		m.oddName(e.Text)
	case !e.Tolerated:
		m.faults[e.Class]++
	}
	if e.Member != nil {
		m.messages++
		m.perUser[strings.Clone(e.Member.User)]++
	}
}

// user adds a user by the id that the old server had.
func (m *mail) user(id string) {
	if err := ims.CheckUserID(id); err != nil {
		m.oddName(err.Error())
		return
	}
	m.ids.Add(id)
}

func (m *mail) oddName(text string) {
	m.refused++
	if len(m.odd) < oddShown {
		m.odd = append(m.odd, text)
	}
}

// storeFile counts a file of an NMS store by its path below the store, or a
// directory, whose size is -1.
func (m *mail) storeFile(rel string, size int64, names uint64) {
	parts := strings.Split(rel, "/")
	if len(parts) < 6 || parts[0] != "partition" || parts[2] != "=user" {
		return
	}
	id, err := ims.UnescapeName(strings.TrimPrefix(parts[5], "="))
	if size < 0 {
		m.storeFolder(parts, id, err)
		return
	}
	if !nms.IsMessage(parts[len(parts)-1]) {
		return
	}
	m.messages++
	m.perUser[id]++
	if names < 2 {
		m.files++
		m.bytes += size
		return
	}
	m.bytes += size / int64(names)
}

// storeFolder counts a user, or a mailbox of one.
func (m *mail) storeFolder(parts []string, id string, err error) {
	name := parts[len(parts)-1]
	if !strings.HasPrefix(name, "=") {
		return // of messages
	}
	m.folders++
	switch _, folderErr := ims.UnescapeName(name[1:]); {
	case len(parts) == 6 && err != nil:
		m.oddName("user directory " + strings.Join(parts, "/") + ": " + err.Error())
	case len(parts) == 6:
		m.user(id)
	case folderErr != nil:
		m.oddName("folder " + strings.Join(parts, "/") + ": " + folderErr.Error())
	}
}

var _ tape = (*sims.Reader)(nil)
