package relocate

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/carry"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/nms"
)

// treeNames reads the names of a user's tree. It is written for one walk.
type treeNames struct {
	repair bool  // folder names that are spelt oddly become what the layout makes of them
	moved  int64 // folders whose name was put right
}

// Message tells whether a file is a message, which it is wherever it lies.
func (*treeNames) Message(name string, _ bool) bool { return nms.IsMessage(name) }

// Stray tells of a directory among messages.
func (*treeNames) Stray(w *carry.Walk) {
	w.Problem("stray-directory", w.At(), "a directory among messages: carried over as it is")
}

// Folder decodes the name of a folder's directory.
func (n *treeNames) Folder(w *carry.Walk, name string) (component, counterpart string, ok bool) {
	component, canonical, err := decodeComponent(name)
	if err == nil && canonical != name && !n.repair {
		err = fmt.Errorf("written %s by the rule of the layout", canonical)
	}
	if err != nil {
		w.Problem("bad-name", w.At(), fmt.Sprintf("folder name: %v: carried over as it is", err))
		return "", name, false
	}
	if canonical != name {
		n.moved++
	}
	return component, canonical, true
}

// checkMode lists a file that only root could read.
func checkMode(w *carry.Walk, name string, mode uint32) {
	if mode&0o444 == 0 {
		w.Problem("unreadable", w.At()+"/"+name, fmt.Sprintf("mode %04o, nobody may read it: carried over as it is", mode&0o7777))
	}
}

// linker makes messages links to those of the source.
type linker struct {
	fs      durable.FS
	own     *durable.Cloner // gives symbolic links their owner
	euid    int
	srcPath string // absolute path of the directory that notes call srcName, for symbolic links
	srcName string
}

func newLinker(own *durable.Cloner) *linker {
	return &linker{fs: own.FS, own: own, euid: os.Geteuid()}
}

// hard makes a hard link.
func (l *linker) hard(_ *carry.Walk, src, dst int, name string, st *unix.Stat_t) error {
	if err := l.mayRead(src, name, st); err != nil {
		return err
	}
	return l.fs.Linkat(src, name, dst, name)
}

// symbolic makes a symbolic link to the absolute path.
func (l *linker) symbolic(w *carry.Walk, src, dst int, name string, st *unix.Stat_t) error {
	if err := l.mayRead(src, name, st); err != nil {
		return err
	}
	if err := l.fs.Symlinkat(l.srcPath+strings.TrimPrefix(w.At(), l.srcName)+"/"+name, dst, name); err != nil {
		return err
	}
	return l.own.OwnLink(dst, name)
}

// mayRead tells whether the process may read a file that it links and never
// opens: a message that is unreadable is so whatever the way.
func (l *linker) mayRead(dir int, name string, st *unix.Stat_t) error {
	if l.euid == 0 || int(st.Uid) == l.euid && st.Mode&0o400 != 0 {
		return nil
	}
	if err := unix.Faccessat(dir, name, unix.R_OK, unix.AT_EACCESS); err != nil {
		return &durable.SourceError{Err: fmt.Errorf("open: %w", err)}
	}
	return nil
}
