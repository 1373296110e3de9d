package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/dbconv"
	"imsconv/dbconv/bdb"
)

// target is the flags of a file to be written.
type target struct {
	form    flags.Database
	force   bool
	dryRun  bool
	tempDir string
}

func (t *target) add(fs *pflag.FlagSet, version int, order, pageSize string) {
	t.form.Add(fs, version, strconv.Itoa(version), order, pageSize)
	fs.BoolVar(&t.force, "force", false, "replace OUT if it exists and holds something else")
	fs.BoolVar(&t.dryRun, "dry-run", false, "do everything but write OUT")
	fs.StringVar(&t.tempDir, "temp-dir", "", "`DIR` for the temporary files of a sort (default the directory of OUT)")
	cli.Place(fs, "temp-dir")
}

// output is the form of the file; out is the destination's path.
func (t *target) output(out string) dbconv.Output {
	form := t.form.Form()
	return dbconv.Output{
		Version: form.Version, ByteOrder: form.ByteOrder, PageSize: form.PageSize,
		Name: filepath.Base(out), TempDir: t.sortDir(out),
	}
}

// sortDir is the directory of the temporary files, out being the destination.
func (t *target) sortDir(out string) string {
	if t.tempDir == "" && out != "-" {
		return filepath.Dir(out)
	}
	return t.tempDir
}

// write makes the destination with do: durable and under its name only when do
// succeeds. A destination that is no regular file gets the bytes of a temporary
// one.
func (t *target) write(job *cli.Job, out string, do func(dst io.WriterAt) error) error {
	if isTerminal(out) {
		return cli.WithHint(fmt.Errorf("%s is a terminal: a database is binary", out), "- instead of it says that it is wanted there")
	}
	if t.dryRun {
		job.DryRun()
		file, err := job.CreateOrKeepDry(out, t.force)
		if err != nil {
			return err
		}
		defer file.Abort()
		if err := t.writeThrough(file, do); err != nil {
			return err
		}
		return file.Commit()
	}
	file, err := job.CreateOrKeep(out, t.force)
	if err != nil {
		return err
	}
	defer file.Abort()
	if file.Regular() {
		err = do(file)
	} else {
		err = t.writeThrough(file, do)
	}
	if err != nil {
		return err
	}
	if err := file.Commit(); err != nil {
		return err
	}
	job.Output("database", out)
	return nil
}

// isTerminal tells whether path is a terminal.
func isTerminal(path string) bool {
	if st, err := os.Stat(path); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return term.IsTerminal(int(f.Fd()))
}

// writeThrough has the file made in a temporary one and copies it.
func (t *target) writeThrough(dst io.Writer, do func(dst io.WriterAt) error) error {
	temp, err := os.CreateTemp(t.tempDir, "dbconv-*")
	if err != nil {
		return err
	}
	defer temp.Close()
	if err := os.Remove(temp.Name()); err != nil {
		return err
	}
	if err := do(temp); err != nil {
		return err
	}
	if _, err := temp.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(dst, temp)
	return err
}

// inOut takes the two arguments of a conversion.
func inOut(args []string) (in, out string, err error) {
	if len(args) != 2 {
		return "", "", cli.Usagef("two arguments are wanted: the file to read and the file to write")
	}
	if cli.SameFile(args[0], args[1]) {
		return "", "", cli.Usagef("%s and %s are one file: nothing is converted in place", args[0], args[1])
	}
	return args[0], args[1], nil
}

// counts are the counts that every conversion has.
func counts(job *cli.Job, rep dbconv.Report) {
	job.Count("records", rep.Records)
	if rep.Databases > 0 {
		job.Count("databases", int64(rep.Databases))
	}
	if rep.Deleted > 0 {
		job.Count("deleted records passed over", rep.Deleted)
	}
	if rep.Replaced > 0 {
		job.Count("replaced", rep.Replaced)
	}
	job.Count("pages", rep.Pages)
}

// describe names a file form: "btree version 6, big-endian, pages of 8192".
func describe(m bdb.Meta) string {
	kind := fmt.Sprintf("%s version %d", m.Type, m.Version)
	if m.Legacy185 {
		kind += " (release 1.85)"
	}
	order := "little-endian"
	if m.ByteOrder == binary.BigEndian {
		order = "big-endian"
	}
	return fmt.Sprintf("%s, %s, pages of %d", kind, order, m.PageSize)
}
