package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/dbconv"
	"imsconv/dbconv/bdb"
)

// sourceDoc is the last paragraph of the verbs that read a database.
const sourceDoc = `
The database to read may be -, standard input. What comes from a pipe, or is
compressed with gzip or LZ4, is copied into a temporary file first.
`

// targetDoc is the paragraph on the file that is written.
const targetDoc = `
A file that exists is replaced with --force only. One that holds what would be
written, byte for byte, is no conflict and stays: the same command can be given
again where a run was killed. Of a database this is known at the end.
`

// source is a database file, open for reading only.
type source struct {
	*os.File
	size int64
}

// Size is the size of the database in bytes.
func (s *source) Size() int64 { return s.size }

// openSource opens a database file and warns of an environment's files beside
// it. A gzip or LZ4 file is unpacked into a temporary one in tempDir ("":
// os.TempDir), since a database is not read from front to back.
func openSource(job *cli.Job, path, tempDir string) (*source, error) {
	if path == "-" {
		return openStdin(job, tempDir)
	}
	f, size, err := job.OpenFile(path)
	if err != nil {
		return nil, err
	}
	warnEnvironment(job, path, f)
	return newSource(f, size, path, tempDir)
}

// openStdin takes the database of standard input. Where that is no plain file,
// the database is copied into a temporary one.
func openStdin(job *cli.Job, tempDir string) (*source, error) {
	f, err := job.PlainStdin()
	if err != nil {
		return nil, err
	}
	if f != nil {
		st, err := f.Stat()
		if err != nil {
			return nil, err
		}
		return newSource(f, st.Size(), cli.InputName("-"), tempDir)
	}
	in, err := job.Open("-")
	if err != nil {
		return nil, err
	}
	temp, size, err := cli.Spool(in, tempDir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	}
	return newSource(temp, size, in.Name, tempDir)
}

// newSource makes a source of the open file f, which it closes when it cannot.
func newSource(f *os.File, size int64, path, tempDir string) (*source, error) {
	r, plain, err := cli.Decompress(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s := &source{f, size}
	if !plain {
		defer f.Close()
		if s.File, s.size, err = cli.Spool(r, tempDir); err != nil {
			return nil, fmt.Errorf("%s: unpacking: %w", path, err)
		}
	}
	if s.size == 0 {
		s.Close()
		return nil, fmt.Errorf("%s: %w", path, bdb.ErrEmpty)
	}
	return s, nil
}

// reading wraps the action of a verb that reads a database: a file of 0 bytes
// is a problem, and nothing is written.
func reading(action cli.Action) cli.Action {
	return func(ctx context.Context, job *cli.Job, args []string) error {
		err := action(ctx, job, args)
		if !errors.Is(err, bdb.ErrEmpty) {
			return err
		}
		job.Problem("empty", "", err.Error())
		return nil
	}
}

// warnEnvironment tells of region and log files of a transactional environment:
// what the log holds may not have reached the database.
func warnEnvironment(job *cli.Job, path string, db *os.File) {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // only a warning would come of it
	}
	var regions, logs []os.DirEntry
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, "__db.") || strings.HasPrefix(name, "__db_") && strings.HasSuffix(name, ".share"):
			regions = append(regions, e)
		case isLogName(name):
			logs = append(logs, e)
		}
	}
	if len(logs) > 0 {
		text := "log files of a database environment lie beside the file"
		if newerThan(logs, db) {
			text += ", newer than it"
		}
		job.Warning("environment", path, fmt.Sprintf("%s (%s): what they hold and the file does not is missing here; stop the old server, or run db_recover of its own release, before converting", text, logs[0].Name()))
		return
	}
	if len(regions) > 0 {
		job.Warning("environment", path, fmt.Sprintf("files of a database environment lie beside the file (%s): make sure that the old server is stopped", regions[0].Name()))
	}
}

// isLogName: log.00001 up to release 2.4, later ten digits.
func isLogName(name string) bool {
	digits, ok := strings.CutPrefix(name, "log.")
	return ok && len(digits) >= 5 && strings.Trim(digits, "0123456789") == ""
}

func newerThan(logs []os.DirEntry, db *os.File) bool {
	st, err := db.Stat()
	if err != nil {
		return false
	}
	for _, e := range logs {
		if info, err := e.Info(); err == nil && info.ModTime().After(st.ModTime()) {
			return true
		}
	}
	return false
}

// named puts the file's path before an error of the reader and adds what to do
// about it.
func named(path string, err error) error {
	if err == nil {
		return nil
	}
	if refused := unread(path, err); refused != nil {
		return refused
	}
	err = fmt.Errorf("%s: %w", cli.InputName(path), err)
	switch {
	case errors.Is(err, dbconv.ErrOtherList):
		return cli.WithHint(err, "dbconv folder and mboxlist are for data.db2 and folder.db, dbconv quota is for quota.db2 and quota.db; dbconv convert writes any database in another version, dbconv dump prints it")
	case errors.Is(err, bdb.ErrNotBerkeleyDB), errors.Is(err, bdb.ErrCorrupt):
		return cli.WithHint(err, "dbconv salvage reads what is left of a damaged file")
	}
	return err
}

// unread names the file in an error that says its records are in a form that is
// not read, and who reads it; nil for any other error.
func unread(path string, err error) error {
	name := cli.InputName(path)
	switch {
	case errors.Is(err, bdb.ErrForm):
		return cli.WithHint(fmt.Errorf("%s: %w", name, err), "db_dump of the release that wrote it prints it, with the files beside it; where the file only says so by damage, dbconv salvage -R takes its records")
	case errors.Is(err, bdb.ErrEncrypted):
		return cli.WithHint(fmt.Errorf("%s: %w", name, err), "db_dump -P of the release that wrote it prints it")
	}
	return nil
}
