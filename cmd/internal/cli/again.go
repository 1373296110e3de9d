package cli

import (
	"io"
	"os"
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
