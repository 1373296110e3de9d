package export

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
)

// box is one mailbox of a user while it is being exported.
type box struct {
	u      *user
	name   string // in the source
	target string // on the new side
	dir    string // below the user's place, "" for INBOX
	number int
	stage  string // directory in the stage
	made   bool   // the destination has it not: all of it is made in the stage
	plugin bool   // its name needs listescape

	was       string // of an mbox file: what it was when it was read
	appending bool   // an mbox file has messages already

	why      string // of an mbox file: why it has another name; "" when it has its own
	nameless bool   // its name cannot be kept: target and dir are not known until all mailboxes are

	validity   uint32 // UIDVALIDITY; 0: the source does not say
	next       uint32 // UIDNEXT; 0: the source does not say
	raised     bool   // that of the destination is below it
	subscribed bool
	acl        string   // lines of identifier TAB rights
	keywords   []string // in the order of the source
	foreign    bool     // nothing is known but the files

	letters map[string]int // numbers of keywords; nil: not known until all messages are
	lost    []string       // keywords without a number
	noRoom  []string       // in a dry run: those that come to a mailbox which is there, and have no letter

	fitted map[uint32]uint32 // UIDs of messages whose own a Maildir cannot have

	recs  records // written by this run
	old   *oldBox // what earlier runs have exported; nil: nothing
	src   *ims.Mailbox
	index *ims.Header // of src, where it has one of ours

	seen  map[uint32]struct{} // UIDs that have come, once they do not ascend
	last  uint32
	any   bool
	mu    sync.Mutex
	skips map[string]int64 // reasons
	all   int64            // messages of the source
	bytes int64
}

// where is the position of a message for the log.
func (b *box) where(uid uint32) string {
	return b.u.id + "/" + b.name + "/" + strconv.FormatUint(uint64(uid), 10)
}

func (b *box) whole() string { return b.u.id + "/" + b.name }

// choosePlace decides what the mailbox is called on the new side, as before
// where an earlier run has decided.
func (b *box) choosePlace() error {
	u := b.u
	if u.old != nil {
		if b.old = u.old.byName[b.name]; b.old != nil {
			b.target, b.dir = b.old.target, b.old.dir
		}
	}
	if b.old == nil {
		if u.r.opt.To == Mbox {
			b.nameless, b.made = true, true // its file depends on what is below it
			return nil
		}
		p, ok := u.names.own(b.name)
		if !ok {
			// It gets its name when all mailboxes are known: it must not take that of
			// one which comes later.
			b.nameless, b.made = true, true
			return nil
		}
		b.target, b.dir, b.plugin = p.target, p.dir, p.plugin
	}
	var err error
	b.made, err = b.missing()
	return err
}

// nameAll gives names to the mailboxes that could not keep theirs.
func (u *user) nameAll() error {
	if u.r.opt.To == Mbox {
		return u.nameMbox()
	}
	for _, b := range slices.SortedFunc(slices.Values(u.boxes), func(a, b *box) int { return compareNames(a.name, b.name) }) {
		if !b.nameless {
			continue
		}
		if err := b.nameAnew(); err != nil {
			return err
		}
	}
	return nil
}

// nameAnew gives a mailbox a name by rule, one that the destination has not.
func (b *box) nameAnew() error {
	u := b.u
	var p place
	for {
		p = u.names.place(b.name)
		b.target, b.dir, b.plugin = p.target, p.dir, p.plugin
		free, err := b.missing()
		if err != nil {
			return err
		}
		if free {
			break
		}
	}
	u.decides().Warning("renamed", b.whole(), fmt.Sprintf("%s: it is called %s", p.why, b.target))
	u.count(func(rep *Report) { rep.Renamed++ })
	if u.there {
		return nil
	}
	from := b.stage
	b.stage = u.stage + "/" + b.dir
	if u.r.dry() {
		return nil
	}
	stage := u.r.folder.Stage
	if err := stage.MkdirAll(path.Dir(b.stage)); err != nil {
		return err
	}
	return stage.Rename(from, stage, b.stage)
}

// missing tells whether the destination lacks the mailbox.
func (b *box) missing() (bool, error) {
	u := b.u
	if !u.there {
		return true, nil
	}
	if u.r.opt.To == Maildir {
		there, err := u.isDir(u.place + "/" + b.join("cur"))
		return !there, err
	}
	_, err := u.r.out.Stat(u.place + "/" + b.dir)
	if isMissing(err) {
		return true, nil
	}
	return false, err
}

// join is the path of something in the mailbox, below the user's place.
func (b *box) join(name string) string {
	if b.dir == "" {
		return name
	}
	return b.dir + "/" + name
}

// makeDirs makes the directories of the mailbox in the stage: below the user's
// tree where that is made anew, else by the mailbox's number.
func (b *box) makeDirs() error {
	u := b.u
	b.stage = u.stage
	switch {
	case u.r.opt.To == Mbox:
		b.stage += ".box" + strconv.Itoa(b.number)
	case u.there:
		b.stage += "/" + strconv.Itoa(b.number)
	case b.nameless:
		b.stage += ".box" + strconv.Itoa(b.number)
	case b.dir != "":
		b.stage += "/" + b.dir
	}
	if u.r.dry() {
		return nil
	}
	if u.r.opt.To == Mbox || !b.made {
		return u.r.folder.Stage.MkdirAll(b.stage)
	}
	for _, name := range [...]string{"cur", "new", "tmp"} {
		if err := u.r.folder.Stage.MkdirAll(b.stage + "/" + name); err != nil {
			return err
		}
	}
	return nil
}

// meet says whether a UID comes for the first time.
func (b *box) meet(uid uint32) bool {
	if !b.any || uid > b.last {
		b.any, b.last = true, uid
		if b.seen != nil {
			b.seen[uid] = struct{}{}
		}
		return true
	}
	if b.seen == nil {
		b.seen = make(map[uint32]struct{})
		for i := range b.recs.n {
			b.seen[b.recs.at(i).uid] = struct{}{}
		}
		b.seen[b.last] = struct{}{}
	}
	if _, twice := b.seen[uid]; twice {
		return false
	}
	b.seen[uid] = struct{}{}
	return true
}

// expired is the reason of messages that a rule leaves out.
const expired = "expired"

// skip notes a message that is not exported.
func (b *box) skip(reason string) {
	if reason != expired {
		b.u.count(func(rep *Report) { rep.lose(reason, 1) })
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.skips == nil {
		b.skips = make(map[string]int64)
	}
	b.skips[reason]++
}

// met counts a message of the source.
func (b *box) met(size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all++
	b.bytes += size
}

// file is where a message is written in the stage: under its final name in a
// mailbox that is made, else under its base name.
func (b *box) file(rec *record) string {
	base := b.base(rec)
	if !b.made || b.u.r.opt.To == Mbox {
		return b.stage + "/" + base
	}
	return b.stage + "/cur/" + base + maildir.Info(b.flagLetters(rec))
}

// base is the base name of a message of this run: with another part behind the
// P where an earlier run has used the name for another message.
func (b *box) base(rec *record) string {
	base := maildir.FileName(rec.date, rec.uid, rec.size, rec.vsize())
	if b.old == nil || !b.old.moved && b.old.made == 0 && b.old.recs.find(rec.uid) == nil {
		return base
	}
	n := uint32(rec.sum[0])<<24 | uint32(rec.sum[1])<<16 | uint32(rec.sum[2])<<8 | uint32(rec.sum[3])
	return strings.Replace(base, "P0.", fmt.Sprintf("P%d.", n), 1)
}

// flagLetters are the letters of a message as far as they are known.
func (b *box) flagLetters(rec *record) string {
	if rec.words == 0 || b.letters == nil {
		return maildir.FlagLetters(rec.flags, nil)
	}
	var numbers []int
	for _, k := range b.u.words.names(rec.words) {
		if n, ok := b.letters[k]; ok {
			numbers = append(numbers, n)
		}
	}
	return maildir.FlagLetters(rec.flags, numbers)
}

// numberKeywords gives the keywords that are used most their letters; used is
// how many messages have each.
func (b *box) numberKeywords(used map[string]int64) {
	names := slices.Clone(b.keywords)
	for k := range used {
		if !slices.Contains(b.keywords, k) {
			names = append(names, k)
		}
	}
	position := make(map[string]int)
	for i, k := range b.keywords {
		position[k] = i - len(b.keywords)
	}
	slices.SortFunc(names, func(x, y string) int {
		return cmp.Or(cmp.Compare(used[y], used[x]), cmp.Compare(position[x], position[y]), strings.Compare(x, y))
	})
	b.letters = make(map[string]int)
	for i, k := range names {
		if i < maildir.MaxKeywords {
			b.letters[k] = i
			continue
		}
		b.lost = append(b.lost, k)
	}
	b.tellLost(used)
}

func (b *box) tellLost(used map[string]int64) {
	var lost []string
	for _, k := range b.lost {
		if used[k] > 0 {
			lost = append(lost, fmt.Sprintf("%s (%d)", k, used[k]))
		}
	}
	if lost == nil {
		return
	}
	b.u.decides().Warning("keywords", b.whole(), fmt.Sprintf("a Maildir has room for %d keywords; these are lost, with the number of their messages: %s", maildir.MaxKeywords, strings.Join(lost, ", ")))
	b.u.count(func(rep *Report) { rep.KeywordsLost += int64(len(lost)) })
}

// guid is the GUID of a mailbox, the same in every run. One that was exported
// before and is gone may have been given another name on the new side, and has
// its GUID there: what is made again has the last UID of then in its own.
func (b *box) guid(validity uint32) string {
	made := ""
	if b.old != nil && b.made {
		last := uint32(0)
		if n := b.old.recs.n; n > 0 {
			last = b.old.recs.inOrder(n - 1).uid
		}
		made = fmt.Sprintf("\x00%d", last)
	}
	return guidOf(b.u.id, b.name, validity, made)
}

func guidOf(id, name string, validity uint32, made string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d%s", id, name, validity, made))
	return hex.EncodeToString(sum[:16])
}
