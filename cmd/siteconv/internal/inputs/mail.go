package inputs

import (
	"errors"
	"io"
	"maps"
	"strings"

	"imsconv/cmd/internal/directory"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/sims"
)

// Mail is what one reading of the mail side has told of it.
type Mail struct {
	IDs      *directory.IDSet // of the users, as the old server had them
	PerUser  map[string]int64 // how many messages each has
	Messages int64            // all references
	Files    int64            // of these, files of their own
	Bytes    int64            // of the files
	Folders  int64            // directories that the new store has at least
	Odd      []string         // ids and folders that the new store refuses, the first ones
	Refused  int64            // how many of them
	Faults   map[string]int64 // what else is wrong with the backup, by kind
	NoEnd    bool             // the stream has no end marker: its rest may be missing
	Last     string           // the user whose mail comes last
	Broken   error            // what kept the backup from being read to its end; nil: nothing
}

// Whole says whether the backup was read to its end, and whether every member
// that it shows is there: who has no mail in it has none at all.
func (m *Mail) Whole() bool { return len(m.Gaps()) == 0 && !m.NoEnd && m.Broken == nil }

// Cut says whether the backup ends before its end, or may: what came behind its
// last member is missing.
func (m *Mail) Cut() bool {
	return m.NoEnd || m.Broken != nil || m.Faults[sims.Truncated] > 0 || m.Faults[sims.ReadError] > 0
}

// Gaps are the faults by which a member may be missing. By the others it comes
// without something.
func (m *Mail) Gaps() map[string]int64 {
	gaps := maps.Clone(m.Faults)
	for _, class := range []string{sims.BadValue, sims.BadFlag, sims.BadACL, sims.BadDate} {
		delete(gaps, class)
	}
	return gaps
}

// mostOdd is how many odd names are kept.
const mostOdd = 5

// NewMail is that of a side that has not been read.
func NewMail() *Mail {
	return &Mail{IDs: directory.NewIDSet(), PerUser: make(map[string]int64), Faults: make(map[string]int64)}
}

// tape is a stream, or a tree in the terms of one.
type tape interface {
	Next() (*sims.Member, error)
}

// readTape reads a backup. What is damaged in it, up to where it cannot be read
// on, the conversion tells.
func (m *Mail) readTape(t tape) {
	user, box := "", ""
	for {
		member, err := t.Next()
		var damage *sims.Error
		switch {
		case errors.As(err, &damage):
			m.damaged(damage)
			continue
		case err == io.EOF:
			return
		case err != nil: // what the conversion ends with
			m.Broken = err
			return
		}
		if member.User != user {
			user = strings.Clone(member.User)
			m.user(user)
			box = ""
		}
		m.Last = user
		if member.Kind != sims.User && member.Mailbox != box {
			box = strings.Clone(member.Mailbox)
			m.Folders++
		}
		m.member(member, user)
	}
}

func (m *Mail) member(member *sims.Member, user string) {
	switch member.Kind {
	case sims.Message:
		m.Files++
		m.Bytes += member.Size
	case sims.Link:
	default:
		return
	}
	m.Messages++
	m.PerUser[user]++
}

// damaged counts a message that is refused as one of the source.
func (m *Mail) damaged(e *sims.Error) {
	switch {
	case e.Class == sims.BadName:
		m.oddName(e.Text)
	case e.Class == sims.NoEnd:
		m.NoEnd = true
	case !e.Tolerated:
		m.Faults[e.Class]++
	}
	if e.Member != nil {
		m.Last = strings.Clone(e.Member.User)
		m.Messages++
		m.PerUser[m.Last]++
	}
}

// user adds a user by the id that the old server had.
func (m *Mail) user(id string) {
	if err := ims.CheckUserID(id); err != nil {
		m.oddName(err.Error())
		return
	}
	m.IDs.Add(id)
}

func (m *Mail) oddName(text string) {
	m.Refused++
	if len(m.Odd) < mostOdd {
		m.Odd = append(m.Odd, text)
	}
}

// storeFile counts a file of an NMS store by its path below the store, or a
// directory, whose size is -1.
func (m *Mail) storeFile(rel string, size int64, names uint64) {
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
	m.Messages++
	m.PerUser[id]++
	if names < 2 {
		m.Files++
		m.Bytes += size
		return
	}
	m.Bytes += size / int64(names)
}

// storeFolder counts a user, or a mailbox of one.
func (m *Mail) storeFolder(parts []string, id string, err error) {
	name := parts[len(parts)-1]
	if !strings.HasPrefix(name, "=") {
		return // of messages
	}
	m.Folders++
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
