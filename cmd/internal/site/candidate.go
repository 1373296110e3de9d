package site

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv/ldif"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/source"
)

// kind is what a thing in the folder is.
type kind int

const (
	other  kind = iota // no input
	folder             // of other things
	exportKind
	streamKind
	mailboxKind // one mailbox file
	treeKind    // a folder of mailbox files or of Maildirs
	nmsKind
)

// candidate is one thing in the folder that may be an input.
type candidate struct {
	name    string // below the folder
	path    string
	kind    kind
	what    string // of other: what it is
	packed  string // the name of its compression; ""
	size    int64  // bytes on disk
	changed time.Time

	export *exportLook // of an export
	mail   *mailLook   // of a stream, tree or store
}

// usualNames are those of inputs, the least usual first.
var usualNames = []string{storeName, streamName, ldifName}

// maxNames is how many names of a folder are looked at.
const maxNames = 10_000

// maxLevels is how far below the folder inputs are looked for.
const maxLevels = 3

// finder lists the things in a folder.
type finder struct {
	ctx   context.Context
	job   *cli.Job
	root  string
	found []*candidate
	seen  map[fileID]string // names by what they lead to
	doubt func(kind, where, format string, args ...any)
}

// fileID is what a file or folder is, whatever its names.
type fileID struct{ dev, ino uint64 }

// folder looks at every name in a folder, and in the folders below it that are
// no input themselves.
func (f *finder) folder(name string, level int) error {
	names, err := f.names(name)
	if err != nil {
		if level == 0 {
			return err
		}
		f.doubt("unreadable", name, "%v", plainError(filepath.Join(f.root, name), err))
		return nil
	}
	for _, base := range names {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		c := &candidate{name: filepath.Join(name, base), path: filepath.Join(f.root, name, base)}
		if !fits(base) {
			c.what = "its name is not in UTF-8, or has control characters in it: rename it, or make a link"
			f.doubt("name", c.name, "%s, if it is an input", c.what)
		} else if err := f.look(c); cli.IsUsage(err) {
			return err
		} else if err != nil {
			c.kind, c.what = other, plainError(c.path, err)
			f.doubt("unreadable", c.name, "%s", c.what)
		}
		if c.kind != folder {
			f.found = append(f.found, c)
			continue
		}
		if level+1 == maxLevels {
			c.kind, c.what = other, "a folder: not looked into"
			f.found = append(f.found, c)
			continue
		}
		if err := f.folder(c.name, level+1); err != nil {
			return err
		}
	}
	return nil
}

// names are those in a folder that are not hidden and not the file of a site.
func (f *finder) names(name string) ([]string, error) {
	dir, err := os.Open(filepath.Join(f.root, name))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(maxNames + 1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(names) > maxNames {
		f.doubt("many-names", name, "over %d names: only some are looked at; name the inputs in the file", maxNames)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n[0] == '.' || name == "" && n == FileName || n == "lost+found" })
	// Of several names of one file the usual one counts.
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(slices.Index(usualNames, b)-slices.Index(usualNames, a), strings.Compare(a, b))
	})
	return names, nil
}

// look finds out what a thing is.
func (f *finder) look(c *candidate) error {
	info, err := os.Stat(c.path)
	if err == nil {
		c.changed = info.ModTime()
	}
	switch {
	case err != nil:
		return err
	case f.again(c, info):
		return nil
	case info.IsDir():
		return f.lookFolder(c)
	case !info.Mode().IsRegular():
		c.what = "neither a file nor a folder"
		return nil
	}
	c.size = info.Size()
	return f.lookFile(c)
}

// again tells that a thing was met under another name: a link, or a folder that
// leads back to where the search began.
func (f *finder) again(c *candidate, info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	id := fileID{uint64(st.Dev), st.Ino}
	first, met := f.seen[id]
	if met {
		c.what = "the same as " + shown(first)
		return true
	}
	f.seen[id] = c.name
	return false
}

// lookFolder tells stores and trees of mail from other folders.
func (f *finder) lookFolder(c *candidate) error {
	if exists(c.path, ".siteconv.json") {
		c.what = "the output of siteconv run"
		return nil
	}
	store, err := nms.Open(c.path)
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err == nil {
		if store.DataDB == "" && exists(c.path, "mboxlist", "folder.db") {
			c.what = "a store of iMS: it is what a conversion makes"
			return nil
		}
		c.kind = nmsKind
		return nil
	}
	switch {
	case isMaildirs(c.path):
		c.kind = treeKind
	case holdsMailboxes(c.path, 0) && !f.holdsInputs(c.path):
		c.kind = treeKind
	default:
		c.kind = folder
	}
	return nil
}

func exists(parts ...string) bool {
	_, err := os.Lstat(filepath.Join(parts...))
	return err == nil
}

// isMaildirs tells a Maildir, and a folder of them.
func isMaildirs(path string) bool {
	src, err := source.Open(path, source.Options{})
	if err != nil {
		return false
	}
	defer src.Close()
	return src.Kind() == source.Maildir
}

// holdsMailboxes tells whether a file in a folder, or a little below it, begins
// as a mailbox file.
func holdsMailboxes(path string, level int) bool {
	entries, err := os.ReadDir(path)
	if err != nil {
		return false
	}
	var below []string
	for _, e := range entries[:min(len(entries), maxNames)] {
		at := filepath.Join(path, e.Name())
		switch {
		case e.Name()[0] == '.':
		case e.IsDir():
			below = append(below, at)
		case e.Type().IsRegular() && source.IsTree(at):
			return true
		}
	}
	return level < 2 && slices.ContainsFunc(below, func(at string) bool { return holdsMailboxes(at, level+1) })
}

// holdsInputs tells whether a folder has an export or a stream in it: then its
// mailbox files are inputs of their own.
func (f *finder) holdsInputs(path string) bool {
	entries, err := os.ReadDir(path)
	if err != nil {
		return false
	}
	for _, e := range entries[:min(len(entries), maxNames)] {
		c := &candidate{path: filepath.Join(path, e.Name())}
		if e.Type().IsRegular() && f.lookFile(c) == nil && (c.kind == exportKind || c.kind == streamKind) {
			return true
		}
	}
	return false
}

// lookFile tells exports and streams from other files by how they begin.
func (f *finder) lookFile(c *candidate) error {
	in, err := f.job.Open(c.path)
	if cli.IsUsage(err) && !isInput(c.path) {
		c.what = "what --log or --report names"
		return nil
	}
	if err != nil && strings.Contains(err.Error(), "is compressed with ") {
		return fmt.Errorf("%w: unpack it, if it is an input", err)
	}
	if err != nil {
		return err
	}
	defer in.Close()
	c.packed = packing(in)
	head, err := in.Peek(headSize)
	if err != nil && err != io.EOF {
		return err
	}
	c.kind, c.what = kindOfFile(head)
	return nil
}

// isInput tells whether an output of the run that is there already could be an
// input, and is no log or report of an earlier run.
func isInput(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return true
	}
	defer file.Close()
	plain, _, err := cli.Decompress(file)
	if err != nil {
		return true
	}
	head, err := io.ReadAll(io.LimitReader(plain, headSize))
	if err != nil {
		return true
	}
	k, _ := kindOfFile(head)
	return k != other
}

// headSize is how much of a file says what it is: a damaged stream is read on
// behind the damage.
const headSize = 256 << 10

// kindOfFile is what begins so.
func kindOfFile(head []byte) (k kind, what string) {
	what = cli.Kind(head[:min(len(head), 4<<10)])
	switch {
	case len(head) >= 512 && sims.IsHeader(head[:512]):
		return streamKind, ""
	case what == "an LDIF file", what == "" && holdsRecord(head):
		return exportKind, ""
	case what == "an mbox file":
		return mailboxKind, ""
	case (what == "" || what == "binary data") && holdsHeader(head):
		return streamKind, ""
	case what == "" && utf8.Valid(head) && !bytes.ContainsRune(head, 0):
		what = "a text file"
	case what == "":
		what = "a file of no known kind"
	}
	return other, what
}

// holdsRecord tells whether a text begins with records of LDIF.
func holdsRecord(head []byte) bool {
	rec, err := ldif.NewReader(bytes.NewReader(head), ldif.Options{}).Next()
	return err == nil && len(rec.DN) > 0
}

// holdsHeader tells whether a block behind the first is a header of a stream.
func holdsHeader(head []byte) bool {
	for at := 512; at+512 <= len(head); at += 512 {
		if sims.IsHeader(head[at : at+512]) {
			return true
		}
	}
	return false
}

// packing names the compression of an input.
func packing(in *cli.Input) string {
	if in.File != nil || in.Size < 0 {
		return ""
	}
	f, err := os.Open(in.Name)
	if err != nil {
		return ""
	}
	defer f.Close()
	var magic [2]byte
	if _, err := io.ReadFull(f, magic[:]); err == nil && magic == [2]byte{0x1f, 0x8b} {
		return "gzip"
	}
	return "LZ4"
}

// plainError is an error without the path that is told beside it.
func plainError(path string, err error) string {
	var of *fs.PathError
	if errors.As(err, &of) {
		if rel, err := filepath.Rel(path, of.Path); err == nil && rel != "." && filepath.IsLocal(rel) {
			return rel + ": " + of.Err.Error() // deeper than what is told
		}
		return of.Err.Error()
	}
	text := err.Error()
	if _, rest, ok := strings.Cut(text, ": "); ok && strings.Contains(rest, " ") {
		return rest
	}
	return text
}

// finding is what is said of a candidate.
func (c *candidate) finding() Finding {
	f := Finding{Name: c.name, What: c.what}
	switch c.kind {
	case exportKind:
		f.What, f.Text = c.export.what(), c.export.text()
	case streamKind, mailboxKind, treeKind, nmsKind:
		f.What, f.Text = c.mail.what, c.mail.text()
	}
	if c.packed != "" && c.kind != other {
		f.Text += fmt.Sprintf("; %s, %s on disk", c.packed, sizeText(c.size))
	}
	return f
}
