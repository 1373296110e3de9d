package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The folders of an output that hold mail.
const (
	storeDir = "store" // of iMS
	mailDir  = "mail"  // Maildirs
)

// walker goes through the mailboxes of an output.
type walker struct {
	ctx     context.Context
	digests bool // messages may be read for digests
	each    func(*Row) error
	fault   func(where string, err error) // something cannot be read
	gone    func(where string)            // a message is not there that an index names
	strays  int64                         // messages in a store that no mailbox has
	root    string                        // of the store that is gone through
	buf     []byte                        // to read messages with
}

// mailboxes calls each for every mailbox of the output: the mailboxes of a user
// come one after the other. What cannot be read is told to fault, and left out.
// It keeps the UIDs of one mailbox at a time.
func (w *walker) mailboxes(out string) error {
	w.buf = make([]byte, 64<<10)
	for _, kind := range []struct {
		dir  string
		walk func(dir string) error
	}{{storeDir, w.store}, {mailDir, w.maildirs}} {
		dir := filepath.Join(out, kind.dir)
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		if err := kind.walk(dir); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	return nil
}

// give hands a row on, unless the run has been interrupted.
func (w *walker) give(r *Row) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	r.State = Whole
	return w.each(r)
}
