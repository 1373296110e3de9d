package export

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/maildir"
)

// placing brings the work of one user to its place. Everything it does may be
// done twice.
type placing struct {
	u    *user
	r    *run
	from string // the user's directory among the pending
	head head
	late bool // a killed run may have done a part
}

// doPending does the work that lies among the pending for the user.
// late is set when a killed run may have done a part of it.
func (u *user) doPending(late bool) error {
	p := &placing{u: u, r: u.r, from: pendingDir + "/" + listName(u.place), late: late}
	f, l, err := openList(u.r.out.Dir, p.from+"/new", pendingMagic)
	if err != nil {
		return err
	}
	p.head = l.head
	f.Close() // opened for reading
	for i := range p.head.boxes {
		if err := p.box(i); err != nil {
			return err
		}
	}
	if err := p.subscribe(); err != nil {
		return err
	}
	err = p.r.out.Replace(p.from+"/"+maildir.SizeName, p.r.out.Dir, u.place+"/"+maildir.SizeName)
	if isMissing(err) {
		return nil
	}
	return err
}

// each calls fn for the lines of a mailbox.
func (p *placing) each(number int, fn func(e *entry) error) error {
	f, l, err := openList(p.r.out.Dir, p.from+"/new", pendingMagic)
	if err != nil {
		return err
	}
	defer f.Close()
	var e entry
	for {
		n, err := l.message(&e)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.from, err)
		}
		if n > number {
			return nil
		}
		if n == number {
			if err := fn(&e); err != nil {
				return err
			}
		}
	}
}

// box does the work of one mailbox.
func (p *placing) box(i int) error {
	b := &p.head.boxes[i]
	switch {
	case p.r.opt.To == Mbox:
		return p.mbox(b)
	case b.made:
		return p.make(b)
	}
	return p.add(i)
}

// at is a path in a mailbox of the destination.
func (p *placing) at(b *headBox, name string) string { return path.Join(p.u.place, b.dir, name) }

// stock is the directory of what is new for a mailbox.
func (p *placing) stock(b *headBox) string { return fmt.Sprintf("%s/%d", p.from, b.number) }

// make puts a mailbox that is new in its place, cur last: with it a server
// sees the mailbox.
func (p *placing) make(b *headBox) error {
	out, stock, to := p.r.out, p.stock(b), path.Join(p.u.place, b.dir)
	list, err := out.ReadNames(stock)
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := p.mkdirs(path.Dir(to)); err != nil {
		return err
	}
	err = out.Rename(stock, out.Dir, to)
	if !isAny(err, unix.EEXIST, unix.ENOTEMPTY) {
		return err
	}
	for _, e := range list {
		if e.Name() != "cur" {
			if err := p.put(stock+"/"+e.Name(), p.at(b, e.Name())); err != nil {
				return err
			}
		}
	}
	return p.put(stock+"/cur", p.at(b, "cur"))
}

// mkdirs makes directories that are missing, durably: what is moved into one
// that a power cut takes away would be lost.
func (p *placing) mkdirs(dir string) error {
	out := p.r.out
	switch _, err := out.Stat(dir); {
	case err == nil:
		return out.Mkdir(dir) // a run that was stopped may have left it without its owner
	case !isMissing(err):
		return err
	}
	if parent := path.Dir(dir); parent != "." {
		if err := p.mkdirs(parent); err != nil {
			return err
		}
	}
	if err := out.Mkdir(dir); err != nil {
		return err
	}
	return p.r.syncNames(path.Dir(dir))
}

// put moves a file or a directory to its place. A directory that is there
// already takes what the other has.
func (p *placing) put(from, to string) error {
	out := p.r.out
	err := out.Rename(from, out.Dir, to)
	switch {
	case err == nil || isMissing(err):
		return nil
	case !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.ENOTEMPTY):
		return err
	}
	info, err := out.Stat(from)
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return out.Replace(from, out.Dir, to)
	}
	list, err := out.ReadNames(from)
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := p.put(from+"/"+e.Name(), to+"/"+e.Name()); err != nil {
			return err
		}
	}
	return nil // the rest goes when all is durable
}

// lockText begins the lock files of this program.
const lockText = "imsconv:"

// lock takes a lock file as servers do: O_EXCL. One that a killed run has left
// is known by what is in it, since the user is locked against other runs.
func (p *placing) lock(name string) (unlock func() error, err error) {
	out := p.r.out
	for end := time.Now().Add(patience); ; time.Sleep(patience / 20) {
		f, err := out.Create(name)
		if err == nil {
			_, err = io.WriteString(f, lockText+p.r.folder.Name+"\n")
			if closeErr := f.Close(); err == nil {
				err = closeErr
			}
			return func() error { return out.Remove(name) }, err
		}
		if !errors.Is(err, unix.EEXIST) {
			return nil, err
		}
		dropped, err := p.dropLock(name)
		if err != nil {
			return nil, err
		}
		if dropped {
			continue
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("%s is there: somebody changes the mailbox: %w", name, ErrWaiting)
		}
	}
}

// dropLock removes a lock that a killed run has left. One that it had made a
// moment before may have no text yet.
func (p *placing) dropLock(name string) (dropped bool, err error) {
	text, err := p.r.out.ReadFile(name, 4096)
	if err != nil || !strings.HasPrefix(string(text), lockText) && !(p.late && len(text) == 0) {
		return false, nil
	}
	return true, ignoreMissing(p.r.out.Remove(name))
}

// replace writes a small file of a mailbox anew: beside, durable, renamed.
func (p *placing) replace(name string, write func(w io.Writer) error) error {
	out, fresh := p.r.out, p.from+"/fresh"
	f, err := out.Recreate(fresh)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil && p.r.opt.Sync != storeconv.SyncNone {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return out.Replace(fresh, out.Dir, name)
}

// subscribe adds the lines of new mailboxes to the subscriptions.
func (p *placing) subscribe() error {
	var lines []string
	for _, b := range p.head.boxes {
		lines = append(lines, b.subscribe...)
	}
	if lines == nil {
		return nil
	}
	name := p.u.place + "/" + p.u.r.subscriptionsName()
	unlock, err := p.lock(name + ".lock")
	if err != nil {
		return err
	}
	err = p.addLines(name, lines)
	if unlockErr := unlock(); err == nil {
		err = unlockErr
	}
	return err
}

func (p *placing) addLines(name string, lines []string) error {
	text, err := p.r.out.ReadFile(name, 64<<20)
	switch {
	case isMissing(err):
		return p.replace(name, func(w io.Writer) error { return maildir.WriteSubscriptions(w, lines) })
	case err != nil:
		return err
	}
	have := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		have[strings.TrimSuffix(line, "\n")] = true
	}
	separator := "/"
	if p.r.naming.Layout == maildir.PlusPlus {
		separator = "."
	}
	changed := false
	for _, line := range lines {
		if !have["V\t2"] {
			line = strings.ReplaceAll(line, "\t", separator)
		}
		if !have[line] {
			changed = true
			if n := len(text); n > 0 && text[n-1] != '\n' {
				text = append(text, '\n')
			}
			text = append(append(text, line...), '\n')
		}
	}
	if !changed {
		return nil
	}
	return p.replace(name, func(w io.Writer) error { _, err := w.Write(text); return err })
}
