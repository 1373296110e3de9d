package ledger

import (
	"bufio"
	"context"
	"errors"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/lists"
)

// Gone is how many messages fewer the output holds than the runs have made.
// Read comes first.
func (l *Ledger) Gone() int64 {
	s := l.Sums()
	return max(s.Written+s.Linked-l.Messages-l.Strays, 0)
}

// lookForOutputs misses what the runs say that they have made. Their reports
// may be moved, and are made again by the next one.
func (l *Ledger) lookForOutputs() {
	looked := map[string]bool{}
	look := func(path, what string) {
		if path = filepath.Clean(path); looked[path] {
			return
		}
		looked[path] = true
		if _, err := os.Stat(filepath.Join(l.Out, path)); errors.Is(err, fs.ErrNotExist) {
			l.miss(Unread{"output-gone", path, what + " is not there any more"})
		}
	}
	for _, p := range l.parts() {
		dir, err := filepath.Rel(l.Out, p.Dir)
		if err != nil || p.Report.Exit != cli.ExitDone && p.Report.Exit != cli.ExitLost {
			continue
		}
		for _, o := range p.Report.Outputs {
			switch path := filepath.Clean(filepath.Join(dir, o.Path)); {
			case strings.HasPrefix(filepath.Base(path), "report."):
			case path == storeDir:
				look(path, o.Name)
				for _, kind := range []mboxlist.Kind{mboxlist.FolderDB, mboxlist.QuotaDB, mboxlist.SubscrDB, mboxlist.PeruserDB} {
					look(filepath.Join(path, lists.Dir, kind.FileName()), "a list of mailboxes of the store")
				}
			default:
				look(path, o.Name)
			}
		}
	}
}

// GoneBox is a mailbox that had more messages when a list was made.
type GoneBox struct {
	User, Folder string // as the list has them
	Was, Is      int64  // messages
}

// GoneBoxes compares the output with lists of mailboxes that earlier reports
// have left, which need not be there, and tells of those that had more messages
// then, each by the first list that says so. The output is gone through once
// more, so that a million mailboxes take little memory where nothing is gone.
func (l *Ledger) GoneBoxes(ctx context.Context, lists []string, tell func(GoneBox)) error {
	seed, is := maphash.MakeSeed(), map[uint64]int64{}
	key := func(user, folder string) uint64 { return maphash.String(seed, user+"\t"+folder) }
	w := &walker{ctx: ctx, fault: func(string, error) {}, gone: func(string) {}, each: func(r *Row) error {
		is[key(oneLine(r.User), oneLine(r.Folder))] += r.Messages
		return nil
	}}
	if err := w.mailboxes(l.Out); err != nil {
		return err
	}
	told := map[uint64]bool{}
	for _, list := range lists {
		err := eachListed(list, func(user, folder string, was int64) {
			box := key(user, folder)
			if now := is[box]; now < was && !told[box] {
				told[box] = true
				tell(GoneBox{User: user, Folder: folder, Was: was, Is: now})
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachListed gives the mailboxes of a list, which need not be there.
func eachListed(list string, use func(user, folder string, messages int64)) error {
	f, err := os.Open(list)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close() // opened for reading
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		if len(fields) < 3 {
			continue
		}
		if messages, err := strconv.ParseInt(fields[2], 10, 64); err == nil { // else it names the columns
			use(fields[0], fields[1], messages)
		}
	}
	return lines.Err()
}
