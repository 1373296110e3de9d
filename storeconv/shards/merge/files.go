package merge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/nms"
)

// maxUserDepth bounds how deep the files of user/ are looked for.
const maxUserDepth = 16

// mostUserFile bounds the size of a file of user/ that is compared with one
// that is there, in bytes.
const mostUserFile = 64 << 20

// userFiles carries the directories user/ of the parts over, which stores of
// NMS have.
type userFiles struct {
	scan
	ctx    context.Context
	clone  durable.Cloner
	moves  []durable.Move
	from   map[string]*part // of moves, by their places
	staged uint64           // files so far: numbers them
}

// fileBatch is how many files are staged at a time.
const fileBatch = 2000

func (m *merge) mergeUserFiles(ctx context.Context) error {
	f := &userFiles{scan: scan{m: m, log: m.log}, ctx: ctx, from: make(map[string]*part)}
	f.clone = durable.Cloner{FS: m.opts.FS, Owner: m.opts.Owner}
	var parts []*part
	for _, p := range m.parts {
		if p.hasDir(userFilesDir) {
			parts = append(parts, p)
		}
	}
	if err := f.dir(parts, userFilesDir, 0); err != nil {
		return err
	}
	return f.commit()
}

func (f *userFiles) dir(parts []*part, rel string, depth int) error {
	if err := f.ctx.Err(); err != nil {
		return context.Cause(f.ctx)
	}
	if depth > maxUserDepth {
		for _, p := range parts {
			f.m.log.Problem("too-deep", p.path+"/"+rel, "left out")
		}
		return nil
	}
	entries, err := f.list(parts, rel)
	if err != nil {
		return err
	}
	for _, e := range entries {
		at := rel + "/" + e.name
		var below []*part
		for _, one := range e.of {
			switch one.kind {
			case nms.File:
				err = f.file(one.part, at)
			case nms.Directory:
				below = append(below, one.part)
			default:
				f.m.log.Problem("not-a-file", one.part.path+"/"+at, "a "+one.kind.String()+": left out")
			}
			if err != nil {
				return err
			}
		}
		if len(below) > 0 {
			if err := f.dir(below, at, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// file carries one file over.
func (f *userFiles) file(p *part, rel string) error {
	m, where := f.m, p.path+"/"+rel
	if len(f.moves) >= fileBatch || f.from[rel] != nil {
		if err := f.commit(); err != nil {
			return err
		}
	}
	dir, err := p.openDir(filepath.Dir(rel))
	if err != nil {
		m.log.Problem("unreadable", where, fmt.Sprintf("open: %v", err))
		return machineOnly(err)
	}
	defer unix.Close(dir)
	done, err := f.there(dir, rel, where)
	if durable.IsSource(err) {
		m.log.Problem("unreadable", where, err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	m.report.UserFiles++
	switch {
	case done || m.run == nil:
		return nil
	case m.opts.Via == ViaNone:
		m.report.UserFiles--
		m.log.Problem("not-there", where, "the store does not have this file: bring it, or merge with --via copy")
		return nil
	}
	f.staged++
	staged := "u" + strconv.FormatUint(f.staged, 10)
	_, err = f.clone.Copy(dir, filepath.Base(rel), m.run.Stage.FD(), staged)
	if durable.IsSource(err) {
		m.report.UserFiles--
		m.log.Problem("unreadable", where, err.Error())
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: copy of %s: %w", m.run.Path("stage/"+staged), where, err)
	}
	f.moves = append(f.moves, durable.Move{From: staged, To: rel})
	f.from[rel] = p
	return nil
}

// there tells whether the store has the file already. Another one stays.
func (f *userFiles) there(dir int, rel, where string) (bool, error) {
	if f.m.dst == nil {
		return false, nil
	}
	have, err := f.m.dst.ReadFile(rel, mostUserFile)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	fd, err := unix.Openat(dir, filepath.Base(rel), unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return false, &durable.SourceError{Err: fmt.Errorf("open: %w", err)}
	}
	in := os.NewFile(uintptr(fd), rel)
	defer in.Close() // opened for reading
	want, err := io.ReadAll(io.LimitReader(in, mostUserFile))
	if err != nil {
		return false, &durable.SourceError{Err: err}
	}
	if !bytes.Equal(have, want) {
		f.m.report.UserFiles--
		f.m.log.Problem("already-there", where, "the store has another file there, which stays as it is")
	}
	return true, nil
}

func (f *userFiles) commit() error {
	if len(f.moves) == 0 {
		return nil
	}
	f.m.report.Changed = true
	err := f.m.run.Commit(f.moves, nil)
	for rel, p := range f.from {
		f.m.dirs.note(p, rel)
	}
	f.moves = f.moves[:0]
	clear(f.from)
	return err
}
