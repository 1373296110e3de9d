package stream

import (
	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/source"
)

// OpenTree opens a tree of mailbox files or Maildirs as an input of the job;
// "-" is a mailbox file on standard input. The caller closes it.
func OpenTree(job *cli.Job, path string, opt source.Options) (*source.Source, error) {
	switch {
	case path != "-":
		if err := job.Reads(path); err != nil {
			return nil, err
		}
		return source.Open(path, opt)
	case opt.Kind == source.Maildir:
		return nil, cli.Usagef("a Maildir is a folder: name it")
	case opt.User == "":
		return nil, cli.Usagef("whose mail is on standard input? (--user)")
	}
	in, err := job.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close() // opened for reading
	return source.OpenMbox(in.Name, in, opt)
}

// OfTree is a tree as restore reads it.
func OfTree(path string, tree *source.Source) *restore.Stream {
	s := &restore.Stream{Name: path, ID: tree.ID(), Source: tree, Size: -1, Where: tree.Where}
	if tree.Kind() == source.Maildir {
		s.At = tree
	}
	s.Again = func() restore.Source {
		again, err := tree.Again()
		if err != nil {
			return failing{tree, err}
		}
		if s.At != nil {
			s.At = again
		}
		return again
	}
	return s
}

// failing is a tree that cannot be opened again.
type failing struct {
	*source.Source
	err error
}

// Next returns why.
func (f failing) Next() (*sims.Member, error) { return nil, f.err }
