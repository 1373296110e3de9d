package merge

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/carry"
	"imsconv/storeconv/ims"
)

// tellNoList tells of a database that the store of a part does not have. Every
// run of a part leaves all of them, with or without records.
func (p *part) tellNoList(kind mboxlist.Kind, log storeconv.Log) {
	log.Problem("missing-database", p.path+"/"+listPath(kind), "the database is not there, and a run of a part makes it: what it held is lost")
}

// tellOwnLists tells of the databases that are missing where all parts were
// made in the store itself.
func (m *merge) tellOwnLists() error {
	own := &part{path: m.store}
	for _, kind := range kinds {
		f, _, err := own.openList(kind)
		switch {
		case err != nil:
			m.log.Problem("database", own.path+"/"+listPath(kind), err.Error())
			if err := machineOnly(err); err != nil {
				return err
			}
		case f == nil:
			own.tellNoList(kind, m.log)
		default:
			f.Close() // opened for reading
		}
	}
	return nil
}

// mostLost is how many messages of one mailbox are told one by one that are not
// there: a mailbox may have lost all of a million.
const mostLost = 1000

// holder holds the indexes of mailboxes against their directories. It belongs
// to one goroutine.
type holder struct {
	index ims.IndexReader
	path  []byte // of a message, reused
}

// mailbox tells of what the index of a mailbox, whose directory is open, names
// and the mailbox does not have, whatever lines of it cannot be read. An index
// of another product names nothing. One that cannot be opened has been told.
func (h *holder) mailbox(w *carry.Walk, dir int) {
	fd, err := unix.Openat(dir, ims.IndexName, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	f := os.NewFile(uintptr(fd), ims.IndexName)
	defer f.Close() // opened for reading
	bad := func(err error, text string) { w.Problem("bad-index", w.At(), fmt.Sprintf("%v: %s", err, text)) }
	err = h.index.Reset(f)
	if err != nil && !errors.Is(err, ims.ErrForeignIndex) {
		bad(err, "it goes over as it is, and what it names was not looked for")
	}
	if err != nil {
		return
	}
	lost := 0
	err = h.index.EachRecord(func(err error) {
		bad(err, "it goes over as it is, and only what can be read of it was looked for")
	}, func(rec *ims.Record) error {
		h.path = ims.AppendMessagePath(h.path[:0], rec.UID)
		var st unix.Stat_t
		err := unix.Fstatat(dir, string(h.path), &st, unix.AT_SYMLINK_NOFOLLOW)
		if err != unix.ENOENT && err != unix.ENOTDIR {
			return nil
		}
		if lost++; lost <= mostLost {
			w.Problem("missing-file", w.At()+"/"+string(h.path), "the index names it, the file is not there")
		}
		return nil
	})
	if lost > mostLost {
		w.Problem("missing-file", w.At(), fmt.Sprintf("%d more messages that the index names are not there", lost-mostLost))
	}
	if err != nil {
		bad(err, "it goes over as it is, and what it names behind that was not looked for")
	}
}
