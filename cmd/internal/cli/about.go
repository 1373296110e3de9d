package cli

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// About is what a file of --report tells of the run itself, beside the
// [Report]: with what it was run, when, and what it read. siteconv keeps
// members of the same names in the reports of its own.
type About struct {
	Version   string            `json:"version"`
	Commit    string            `json:"commit"` // see [Build]
	Go        string            `json:"go"`
	Options   map[string]string `json:"options"` // those that were set, by their long names; of one that was given again, a line each
	Arguments []string          `json:"arguments"`
	Start     time.Time         `json:"start"` // of the machine that ran, in UTC
	End       time.Time         `json:"end"`
	Inputs    []InputRead       `json:"inputs"` // in the order in which they were opened
}

// InputRead is one input of a run.
type InputRead struct {
	Role     string     `json:"role"` // the option that named it, or "argument"
	Path     string     `json:"path"` // as it was named; - is standard input
	Bytes    int64      `json:"bytes,omitempty"`
	Modified *time.Time `json:"modified,omitempty"` // of a file or folder
	SHA256   string     `json:"sha256,omitempty"`   // of a file of at most 16 MiB that is still as it was
	Tree     bool       `json:"tree,omitempty"`     // a folder
}

// hashedSize is how large a file is at most whose SHA-256 a report has: a
// larger one would be read once more for that alone.
const hashedSize = 16 << 20

// secretMark is the annotation of flags whose values no report has.
const secretMark = "imsconv-secret"

// Secret marks a flag as one whose value is kept out of reports.
func Secret(fs *pflag.FlagSet, name string) {
	if err := fs.SetAnnotation(name, secretMark, nil); err != nil {
		panic("internal error: " + err.Error()) // it was declared the line before
	}
}

// source is an input as the job knows it.
type source struct {
	path string
	info os.FileInfo     // nil: not known
	raw  *countingReader // of what is no plain file; else nil
}

// notes keeps an input for the report.
func (j *Job) notes(path string, info os.FileInfo, raw *countingReader) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.ContainsFunc(j.sources, func(s source) bool { return s.path == path }) {
		j.sources = append(j.sources, source{path, info, raw})
	}
}

// Source tells the report of a folder, or of a file that is opened by other
// means than the job's, that it is an input.
func (j *Job) Source(path string) {
	info, err := os.Stat(path)
	if err != nil {
		info = nil // what is wrong with it is met by reading
	}
	j.notes(path, info, nil)
}

// Options tells the report which flags were set.
func (j *Job) Options(fs *pflag.FlagSet) {
	options, roles := map[string]string{}, map[string]string{}
	fs.Visit(func(f *pflag.Flag) {
		values := valuesOf(f.Value)
		if _, secret := f.Annotations[secretMark]; secret {
			values = []string{"(not kept)"}
		}
		options[f.Name] = strings.Join(values, "\n")
		for _, v := range values {
			roles[v] = cmp.Or(roles[v], f.Name)
		}
	})
	j.mu.Lock()
	defer j.mu.Unlock()
	j.about.Options, j.roles = options, roles
}

// About is what is known of the run so far.
func (j *Job) About() About {
	j.mu.Lock()
	defer j.mu.Unlock()
	b, a := ThisBuild(j.command), j.about
	a.Version, a.Commit, a.Go = b.Version, b.Commit, b.Go
	a.End = time.Now().UTC().Truncate(time.Millisecond)
	a.Inputs = []InputRead{}
	for _, s := range j.sources {
		in := s.read()
		in.Role = cmp.Or(j.roles[s.path], "argument")
		a.Inputs = append(a.Inputs, in)
	}
	return a
}

// read is the input as a report has it.
func (s *source) read() InputRead {
	in := InputRead{Path: s.path}
	if s.raw != nil {
		in.Bytes = s.raw.n.Load()
	}
	if s.info == nil {
		return in
	}
	at := s.info.ModTime().UTC()
	in.Modified, in.Tree = &at, s.info.IsDir()
	if s.info.Mode().IsRegular() {
		in.Bytes, in.SHA256 = s.info.Size(), s.hash()
	}
	return in
}

// hash is the SHA-256 of a small file, "" where it is not the same any more.
func (s *source) hash() string {
	if s.info.Size() > hashedSize {
		return ""
	}
	f, err := os.Open(s.path)
	if err != nil {
		return ""
	}
	defer f.Close()
	now, err := f.Stat()
	if err != nil || !os.SameFile(now, s.info) || now.Size() != s.info.Size() || !now.ModTime().Equal(s.info.ModTime()) {
		return ""
	}
	sum := sha256.New()
	if n, err := io.Copy(sum, io.LimitReader(f, hashedSize+1)); err != nil || n != s.info.Size() {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// FileSHA256 is the SHA-256 of the file at path, in hexadecimal digits.
func FileSHA256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() // opened for reading
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// writeReport writes what --report names: the report and, where the verb's own
// results have no member of that name, what is known of the run.
func (j *Job) writeReport(w io.Writer, r Report) error {
	data, err := r.object()
	if err != nil {
		return err
	}
	about, err := without(j.About(), data)
	if err != nil {
		return err
	}
	return writeObject(w, joinObjects(data, about))
}

// without is a value as an object in JSON, less the members that another object
// has.
func without(v any, other []byte) ([]byte, error) {
	var there map[string]json.RawMessage
	if err := json.Unmarshal(other, &there); err != nil {
		return nil, err
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	var left [][]byte
	for dec.More() {
		var value json.RawMessage
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		if _, ok := there[name.(string)]; !ok {
			left = append(left, slices.Concat([]byte(`"`+name.(string)+`":`), value))
		}
	}
	return slices.Concat([]byte("{"), bytes.Join(left, []byte(",")), []byte("}")), nil
}
