package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
)

// ErrExists: the destination exists and may not be replaced.
var ErrExists = errors.New("exists already")

// OutputFile is a file being written. A regular file is written beside its
// final name, and has that name only after [OutputFile.Commit]; a device or a
// pipe is written directly.
type OutputFile struct {
	w      io.Writer
	stdout bool            // it is standard output
	direct *os.File        // written as it is; nil for standard output
	beside *durable.Output // nil when written directly
	kept   *keptFile       // it exists and stays, if it holds what is written; else nil
	job    *Job            // of kept

	named   string      // as the command line has it
	path    string      // of a regular file, links resolved; else ""
	old     os.FileInfo // what stands there; nil: nothing
	public  bool        // nothing of the inputs is in it
	settled bool        // committed or aborted
	written bool        // of a file written in place: anything yet
}

// Create opens path for writing, "-" being standard output. Without replace a
// regular file that exists is refused ([ErrExists]). A file that cannot be
// written is found here, before the work. The caller commits; what is not
// committed when the run ends is removed. A file that is an input of the run,
// or another of its outputs, is wrong usage.
func (j *Job) Create(path string, replace bool) (*OutputFile, error) {
	return j.createClaimed(path, making{replace: replace})
}

// CreatePublic is Create for a file that has nothing of the inputs in it, such
// as a schema: accounts of servers read it, so that it is not made private for
// a private input.
func (j *Job) CreatePublic(path string, replace bool) (*OutputFile, error) {
	return j.createClaimed(path, making{replace: replace, public: true})
}

// CreateAlone is Create for a file that no other process may be writing: one
// that does is [durable.ErrWritten].
func (j *Job) CreateAlone(path string, replace bool) (*OutputFile, error) {
	return j.createClaimed(path, making{replace: replace, alone: true})
}

// making is how a file is made.
type making struct {
	replace, alone, public bool
}

func (j *Job) createClaimed(path string, how making) (*OutputFile, error) {
	out, err := j.create(path, how)
	if err == nil && out.stdout {
		return out, j.claimStdout(out)
	}
	if err != nil || out.path == "" {
		return out, err
	}
	if err := j.claim(out, path); err != nil {
		out.Abort()
		return nil, err
	}
	return out, nil
}

// claimStdout lets one output of a run at a time be standard output: two would
// be mixed.
func (j *Job) claimStdout(out *OutputFile) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stdout != nil && !j.stdout.settled {
		return mixed("two outputs are -: both go to standard output")
	}
	j.stdout = out
	return nil
}

// claim keeps the outputs of a run apart from its inputs and from each other.
func (j *Job) claim(out *OutputFile, named string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, in := range j.inputs {
		if out.old != nil && os.SameFile(in, out.old) {
			return Usagef("%s is an input of this run: it is not written over", named)
		}
	}
	if err := j.outsideTrees(out, named); err != nil {
		return err
	}
	for _, other := range j.files {
		if !other.settled && other.path == out.path {
			return Usagef("%s is named for two outputs", named)
		}
	}
	j.files = append(j.files, out)
	return nil
}

// reads notes that a file or folder is an input of the run, and refuses one
// that is an output of it, or has one in it.
func (j *Job) reads(st os.FileInfo, named string, look func() (os.FileInfo, error)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if st.IsDir() {
		if err := j.readsTree(named); err != nil {
			return err
		}
	} else {
		for _, out := range j.files {
			if !out.settled && out.old != nil && os.SameFile(st, out.old) {
				return Usagef("%s is an output of this run: it is not read", named)
			}
		}
		j.keepsStill(st, named, look)
	}
	j.inputs = append(j.inputs, st)
	if !isPrivate(st) {
		return nil
	}
	for _, out := range j.files {
		if err := out.makePrivate(); err != nil {
			return err
		}
	}
	return nil
}

// Reads notes that the file or directory at path is an input that is opened by
// other means than the job's, so that no output replaces it, or lies in it, and
// a change of it is told.
func (j *Job) Reads(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	j.notes(path, st, nil)
	return j.reads(st, path, statOf(path))
}

// CreateInPlace opens path for what must outlive the run whatever becomes of
// it: it has its name from the start, every Write is on disk before it returns,
// and Abort keeps what was written. Without replace a file that exists may be
// what a killed run of the same command left: it is taken up as long as what is
// written agrees with it, byte for byte, and refused ([ErrExists]), untouched,
// where it does not.
func (j *Job) CreateInPlace(path string, replace bool) (*OutputFile, error) {
	probe, err := j.Create(path, true)
	if err != nil || !probe.Regular() {
		return probe, err
	}
	real, old := probe.path, probe.old
	probe.Abort()
	out := &OutputFile{path: real, old: old}
	if out.direct, err = os.OpenFile(real, os.O_RDWR|os.O_CREATE, cmp.Or(j.newMode(), 0o666)); err != nil {
		return nil, err
	}
	left, err := out.takeInPlace(path, replace)
	if err == nil {
		err = j.claim(out, path)
	}
	if err != nil {
		out.direct.Close()
		return nil, err
	}
	out.written = left
	out.w = &syncedFile{out: out, name: path, left: left}
	return out, durable.SyncDir(filepath.Dir(real))
}

// takeInPlace locks a file that is written in place, so that no other process
// writes it, and empties it where it may be replaced. left says that it holds
// what an earlier run has written.
func (o *OutputFile) takeInPlace(path string, replace bool) (left bool, err error) {
	if err := unix.Flock(int(o.direct.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == unix.EWOULDBLOCK {
		return false, fmt.Errorf("%s: %w", path, durable.ErrWritten)
	} // where there are no locks, nobody has one
	if replace {
		return false, o.direct.Truncate(0)
	}
	st, err := o.direct.Stat()
	if err != nil {
		return false, err
	}
	return o.old != nil || st.Size() > 0, nil
}

// syncedFile has on disk what it was given.
type syncedFile struct {
	out  *OutputFile
	name string
	left bool // there is more of what an earlier run left
}

// Write implements io.Writer.
func (s *syncedFile) Write(p []byte) (int, error) {
	agreed, err := s.agree(p)
	if err != nil || agreed == len(p) {
		return agreed, err
	}
	n, err := s.out.direct.Write(p[agreed:])
	s.out.written = s.out.written || n > 0
	if err != nil {
		return agreed + n, err
	}
	return len(p), s.out.direct.Sync()
}

// agree returns how much of p stands in the file already, and refuses a file
// that has something else there.
func (s *syncedFile) agree(p []byte) (int, error) {
	if !s.left {
		return 0, nil
	}
	have := make([]byte, len(p))
	n, err := io.ReadFull(s.out.direct, have)
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		s.left = false
	case err != nil:
		return 0, err
	}
	if !bytes.Equal(have[:n], p[:n]) {
		return 0, existsError(s.name)
	}
	return n, nil
}

// end refuses a file that goes on behind what was written.
func (s *syncedFile) end() error {
	if !s.left {
		return nil
	}
	if n, err := s.out.direct.Read(make([]byte, 1)); n == 0 && err == io.EOF {
		return nil
	}
	return existsError(s.name)
}

func existsError(path string) error {
	return WithHint(fmt.Errorf("%s: %w", path, ErrExists), "--force replaces it")
}

func (j *Job) create(path string, how making) (*OutputFile, error) {
	if isStdout(path) {
		return &OutputFile{w: unwrapped(j.Stdout), stdout: true}, nil
	}
	st, err := os.Stat(path)
	switch {
	case err == nil && !st.Mode().IsRegular():
		return openDirect(path)
	case err == nil && isDescriptor(path):
		return openDirect(path)
	case err == nil && !how.replace:
		return nil, existsError(path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err != nil && !how.replace && isLink(path):
		return nil, existsError(path)
	}
	opt, real := durable.FileOptions{Named: path, Alone: how.alone, Fresh: !how.replace}, path
	if err == nil {
		if real, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
		opt.Mode = st.Mode().Perm()
	} else if !how.public {
		opt.Mode = j.newMode()
	}
	beside, err := durable.CreateFile(real, opt)
	if err != nil {
		return nil, err
	}
	place, err := filepath.Abs(real)
	if err != nil {
		return nil, errors.Join(err, beside.Abort())
	}
	return &OutputFile{w: beside, beside: beside, named: path, path: place, old: st, public: how.public}, nil
}

// privateMode is that of a file which is for its owner alone.
const privateMode = 0o600

// isPrivate tells whether an input is a file that is not for everybody to read,
// or a folder that is not for everybody to enter.
func isPrivate(st os.FileInfo) bool {
	if st.IsDir() {
		return st.Mode()&0o001 == 0
	}
	return st.Mode().IsRegular() && st.Mode()&0o004 == 0
}

// newMode is the mode of a file that is made: its owner's alone where an input
// is not for everybody, as an export with passwords is not; 0: as the umask has
// it.
func (j *Job) newMode() fs.FileMode {
	j.mu.Lock()
	defer j.mu.Unlock()
	if slices.ContainsFunc(j.inputs, isPrivate) {
		return privateMode
	}
	return 0
}

// makePrivate does the same to a file that was begun before such an input was
// met. One that is replaced keeps its mode. The caller holds the lock of the
// job.
func (o *OutputFile) makePrivate() error {
	switch {
	case o.settled || o.old != nil || o.public:
		return nil
	case o.beside != nil:
		return o.beside.SetMode(privateMode)
	case o.direct != nil:
		return o.direct.Chmod(privateMode)
	}
	return nil
}

// isLink says whether path names a symbolic link. One that leads to nothing
// stands in the way of a file as any file does.
func isLink(path string) bool {
	st, err := os.Lstat(path)
	return err == nil && st.Mode()&fs.ModeSymlink != 0
}

// isDescriptor says whether path names a descriptor of this process, which may
// be a regular file that a shell opened, and is written as it is.
func isDescriptor(path string) bool {
	return path == "/dev/stderr" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}

func openDirect(path string) (*OutputFile, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	return &OutputFile{w: f, direct: f}, nil
}

// Write writes to the file.
func (o *OutputFile) Write(p []byte) (int, error) { return o.w.Write(p) }

var errNotRegular = errors.New("the destination must be a regular file")

// WriteAt writes at an offset in bytes; a pipe cannot.
func (o *OutputFile) WriteAt(p []byte, off int64) (int, error) {
	if err := o.besideKept(); err != nil {
		return 0, err
	}
	if o.beside == nil {
		return 0, errNotRegular
	}
	return o.beside.WriteAt(p, off)
}

// ReadAt reads back what WriteAt wrote; a pipe cannot.
func (o *OutputFile) ReadAt(p []byte, off int64) (int, error) {
	if o.beside == nil {
		return 0, errNotRegular
	}
	return o.beside.ReadAt(p, off)
}

// Regular says whether the destination is a regular file, so that WriteAt
// works.
func (o *OutputFile) Regular() bool { return o.beside != nil || o.kept != nil }

// Free refuses ([ErrExists]) what Commit would refuse: a file that has been
// made under the final name since, without replace, and holds something else.
// Where a run has several files, all are asked before the first is committed.
func (o *OutputFile) Free() error {
	if o.kept != nil && o.beside == nil {
		return o.kept.end()
	}
	if o.beside == nil {
		return nil
	}
	return o.made(o.beside.Free())
}

func isMade(err error) bool { return errors.Is(err, durable.ErrMade) }

// made says so where another run has made the file.
func (o *OutputFile) made(err error) error {
	if !isMade(err) {
		return err
	}
	return WithHint(fmt.Errorf("%s: %w: another run has made it since this one began", o.named, ErrExists), "--force replaces it")
}

// Commit makes the file durable and gives it its final name. Without replace it
// refuses ([ErrExists]) to replace a file that has been made meanwhile and
// holds something else.
func (o *OutputFile) Commit() error {
	o.settled = true
	switch {
	case o.kept != nil:
		return o.commitKept()
	case o.beside != nil:
		return o.made(o.beside.Commit())
	case o.direct != nil:
		var err error
		if s, ok := o.w.(*syncedFile); ok {
			err = s.end()
		}
		direct := o.direct
		o.direct = nil
		return errors.Join(err, direct.Close())
	}
	return nil
}

// Abort removes what was written unless it was committed. What cannot be
// removed is removed by the next run that writes the same file.
func (o *OutputFile) Abort() {
	if o.settled {
		return
	}
	o.settled = true
	if o.kept != nil {
		_ = o.kept.file.Close() // opened for reading
	}
	switch {
	case o.beside != nil:
		_ = o.beside.Abort()
	case o.direct != nil:
		_ = o.direct.Close()
		o.direct = nil
		if o.path != "" && !o.written {
			_ = os.Remove(o.path)
		}
	}
}

// SameFile says whether two paths name one file; a path that does not exist is
// the same as none.
func SameFile(a, b string) bool {
	sa, err := os.Stat(a)
	if err != nil {
		return false
	}
	sb, err := os.Stat(b)
	return err == nil && os.SameFile(sa, sb)
}
