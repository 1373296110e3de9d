package maildirs

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"

	"golang.org/x/sys/unix"
)

// link keeps what the ends of a run need to know of files with several names,
// and of bodies that the source has once.
func (b *boxChecker) link(name string, st *unix.Stat_t, want *message) {
	file := fileKey(st)
	b.v.linkLock.Lock()
	defer b.v.linkLock.Unlock()
	var err error
	if st.Nlink > 1 {
		p := packer{}
		p.number(int64(st.Nlink))
		p.number(int64(bit(file == want.shared)))
		p.text(b.at("cur/" + name))
		err = b.v.files.Add(file[:], p.b)
	}
	if err == nil && want.shared != [16]byte{} {
		key := binary.BigEndian.AppendUint64(want.shared[:], uint64(want.date))
		err = b.v.bodies.Add(append(key, file[:]...), []byte(b.at("cur/"+name)))
	}
	if err != nil {
		b.notes.warning("links", b.at("cur/"+name), "its links are not compared: %v", err)
	}
}

// fileKey tells one file from another.
func fileKey(st *unix.Stat_t) (key [16]byte) {
	binary.BigEndian.PutUint64(key[:8], uint64(st.Dev))
	binary.BigEndian.PutUint64(key[8:], st.Ino)
	return key
}

// links tells of links that lead out of the export, and of copies where the
// source has one file of one date.
func (v *verifier) links(ctx context.Context) error {
	if err := v.outside(ctx); err != nil {
		return err
	}
	var body, file []byte
	where := ""
	err := v.bodies.Drain(func(key, value []byte) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch {
		case !bytes.Equal(key[:24], body):
			body, file = bytes.Clone(key[:24]), bytes.Clone(key[24:])
		case !bytes.Equal(key[24:], file):
			file = bytes.Clone(key[24:])
			if v.report.Copies++; where == "" {
				where = string(value)
			}
		}
		return nil
	})
	if err == nil && v.report.Copies > 0 {
		v.log.Warning("copies", where, "a file of its own, and so with "+plural(v.report.Copies, "file")+" in all, where the source has one file of that date")
	}
	return err
}

// outside counts, of the names of one file, all but the first, and files that
// have more names than were met.
func (v *verifier) outside(ctx context.Context) error {
	var file []byte
	var names, links int64
	fromStore := false
	where, first := "", ""
	end := func() {
		if file == nil {
			return
		}
		v.report.Links += names - 1
		if names == links || fromStore {
			return
		}
		if v.report.Outside++; first == "" {
			first = where
		}
	}
	err := v.files.Drain(func(key, value []byte) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !bytes.Equal(key, file) {
			end()
			file, names, fromStore, where = bytes.Clone(key), 0, false, ""
		}
		u := unpacker{b: value}
		links = u.number()
		fromStore = u.number() == 1 || fromStore
		if text := u.text(); where == "" || strings.Compare(text, where) < 0 {
			where = text
		}
		names++
		return u.err
	})
	if err != nil {
		return err
	}
	end()
	if v.report.Outside > 0 {
		v.log.Warning("links", first, "somebody else has a link to this file, and so with "+plural(v.report.Outside, "file")+" in all: what changes there changes here")
	}
	return nil
}
