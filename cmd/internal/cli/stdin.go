package cli

import (
	"io"
	"os"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
)

// readsMark is the annotation of flags whose values are inputs.
const readsMark = "imsconv-reads"

// Reads says that the values of a flag are inputs, of which "-" is standard
// input.
func Reads(fs *pflag.FlagSet, name string) {
	if err := fs.SetAnnotation(name, readsMark, []string{"yes"}); err != nil {
		panic("internal error: " + err.Error()) // it was declared the line before
	}
}

// errTwice: standard input is named for two inputs.
var errTwice = Usagef("two inputs are -: standard input can be read once only")

// oneStdin refuses a command line with two inputs that are standard input,
// before one of them reads what is the other's. The first argument of a verb
// that reads options from files is an input itself.
func oneStdin(fs *pflag.FlagSet) error {
	times := 0
	fs.Visit(func(f *pflag.Flag) {
		if f.Annotations[readsMark] != nil {
			times += dashes(f.Value)
		}
	})
	if fs.Arg(0) == "-" && times > 0 {
		times++
	}
	if times > 1 {
		return errTwice
	}
	return nil
}

// dashes is how many values of a flag are standard input.
func dashes(v pflag.Value) (n int) {
	for _, value := range valuesOf(v) {
		if value == "-" {
			n++
		}
	}
	return n
}

// readsStdin notes that standard input is read, where it is a plain file.
func (j *Job) readsStdin() error {
	f, ok := j.Stdin.(*os.File)
	if !ok {
		return nil
	}
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return nil // what is wrong with it is met by reading
	}
	return j.reads(st, InputName("-"), statAgain(f))
}

// statAgain looks at an open file by a descriptor of its own, which is there
// when the reader has closed the file. It lasts as long as the process.
func statAgain(f *os.File) func() (os.FileInfo, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return func() (os.FileInfo, error) { return nil, err }
	}
	return os.NewFile(uintptr(fd), f.Name()).Stat
}

// PlainStdin returns standard input where that is a plain file, read from its
// start and not compressed, so that it can be read like a file that is named;
// else nil. Standard input can be had once, this way or by Open.
func (j *Job) PlainStdin() (*os.File, error) {
	f, ok := j.Stdin.(*os.File)
	if !ok || j.stdinOpen.Load() {
		return nil, nil
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	if !atStart(f) {
		return nil, nil
	}
	if _, plain, err := Decompress(io.NewSectionReader(f, 0, info.Size())); err != nil || !plain {
		return nil, nil
	}
	j.stdinOpen.Store(true)
	j.notes("-", info, nil)
	return f, j.reads(info, InputName("-"), statAgain(f))
}

// takeStdin takes standard input, which is there once.
func (j *Job) takeStdin() error {
	if j.stdinOpen.Swap(true) {
		return errTwice
	}
	return j.readsStdin()
}

// atStart says whether nothing of a file has been read.
func atStart(f *os.File) bool {
	at, err := f.Seek(0, io.SeekCurrent)
	return err == nil && at == 0
}

// InputName is the name of an input in messages.
func InputName(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}

// NoFolder refuses "-" where a folder is wanted; what names it.
func NoFolder(what, path string) error {
	if path != "-" {
		return nil
	}
	return WithHint(Usagef("%s: - is standard input, and a folder is wanted", what), "a folder of that name is ./-")
}

// checkFolders refuses options that name standard input as a folder.
func checkFolders(fs *pflag.FlagSet) (err error) {
	fs.Visit(func(f *pflag.Flag) {
		if err == nil && completeFlag(f).want == folders {
			err = NoFolder("--"+f.Name, f.Value.String())
		}
	})
	return err
}
