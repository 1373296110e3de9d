package cli

import (
	"io"
	"os"

	"github.com/spf13/pflag"
)

// Again is an input that can be opened several times: a file, or standard input
// kept as it came.
type Again struct {
	job  *Job
	path string
	file *os.File // what standard input holds; nil: a file is opened by its path
	size int64
	temp bool // file is a copy without a name
}

// Again takes path, "-" being standard input, for an input that is read more
// than once. What comes from a pipe is copied, as it comes, into a temporary
// file in dir ("": os.TempDir), which has no name and so does not outlive the
// run. The caller closes it.
func (j *Job) Again(path, dir string) (*Again, error) {
	a := &Again{job: j, path: path}
	if path != "-" {
		return a, nil
	}
	if err := j.takeStdin(); err != nil {
		return nil, err
	}
	if f, ok := j.Stdin.(*os.File); ok {
		info, err := f.Stat()
		if err == nil && info.Mode().IsRegular() && atStart(f) {
			a.file, a.size = f, info.Size()
			j.notes(path, info, nil)
			return a, nil
		}
	}
	raw := &countingReader{r: j.Stdin}
	j.notes(path, nil, raw)
	var err error
	a.temp = true
	a.file, a.size, err = Spool(raw, dir)
	return a, err
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

// Spool copies r into a temporary file in dir ("": os.TempDir) that has no name
// any more. The caller closes it.
func Spool(r io.Reader, dir string) (*os.File, int64, error) {
	temp, err := os.CreateTemp(dir, "imsconv-*")
	if err != nil {
		return nil, 0, err
	}
	if err = os.Remove(temp.Name()); err == nil {
		var size int64
		if size, err = io.Copy(temp, r); err == nil {
			return temp, size, nil
		}
	}
	temp.Close()
	return nil, 0, err
}

// Open opens it from its beginning, LZ4 and gzip undone.
func (a *Again) Open() (*Input, error) {
	if a.file == nil {
		return a.job.Open(a.path)
	}
	in := &Input{Name: InputName(a.path), Size: a.size, raw: &countingReader{r: a.Raw()}}
	if err := in.decompress(); err != nil {
		return nil, err
	}
	return in, nil
}

// Raw reads what standard input holds, a compression not undone; nil for a file
// that has a path.
func (a *Again) Raw() io.Reader {
	if a.file == nil {
		return nil
	}
	return io.NewSectionReader(a.file, 0, a.size)
}

// Close removes what was copied.
func (a *Again) Close() error {
	if !a.temp {
		return nil
	}
	return a.file.Close()
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

// InputName is the name of an input in messages.
func InputName(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}
