package ledger

import (
	"bufio"
	"context"
	"errors"
	"hash/maphash"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Gone is how many messages fewer the output holds than the runs have made.
// Read comes first.
func (l *Ledger) Gone() int64 {
	s := l.Sums()
	return max(s.Written+s.Linked-l.Messages-l.Strays, 0)
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
