package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"strings"

	"imsconv/dbconv/bdb"
	"imsconv/ldifconv/testdir"
	"imsconv/storeconv/bench"
	"imsconv/storeconv/testsite"
)

// file makes an input, and returns its size in bytes.
func (s *suite) file(name string, fill func(w io.Writer) error) (int64, error) {
	f, err := os.Create(s.at(name))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := fill(w); err != nil {
		return 0, err
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), f.Close()
}

// plainExport has users that all have the same attributes in the same order. It
// tells how many entries there are.
func plainExport(users int, entries *int) func(io.Writer) error {
	return func(w io.Writer) (err error) {
		*entries, err = testdir.WritePlain(w, users)
		return err
	}
}

// variedExport has users that all differ, and between them every attribute that
// the upgrade knows. It tells how many entries there are.
func variedExport(users int, entries *int) func(io.Writer) error {
	return func(w io.Writer) error {
		totals, err := testdir.WriteSIMS(w, testdir.Options{Seed: 1, Users: users})
		*entries = totals.Entries
		return err
	}
}

// eachRecord makes small records: a 12-byte key and a 31-byte value.
func eachRecord(order []int, fn func(key, value []byte) error) error {
	rnd := rand.New(rand.NewSource(1))
	var key, value []byte
	for _, i := range order {
		key = fmt.Appendf(key[:0], "key%09d", i)
		value = value[:0]
		for range 31 {
			value = append(value, byte('a'+rnd.Intn(26)))
		}
		if err := fn(key, value); err != nil {
			return err
		}
	}
	return nil
}

func rising(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

func shuffled(n int) []int { return rand.New(rand.NewSource(2)).Perm(n) }

// dumpText writes records as db_dump -p prints them.
func dumpText(order []int) func(io.Writer) error {
	return func(w io.Writer) error {
		if _, err := io.WriteString(w, "VERSION=3\nformat=print\ntype=btree\ndb_pagesize=8192\nHEADER=END\n"); err != nil {
			return err
		}
		err := eachRecord(order, func(key, value []byte) error {
			_, err := fmt.Fprintf(w, " %s\n %s\n", key, value)
			return err
		})
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, "DATA=END\n")
		return err
	}
}

// oldDatabase writes records as a version 6 big-endian file.
func (s *suite) oldDatabase(name string, n int) error {
	f, err := os.Create(s.at(name))
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := bdb.NewWriter(f, bdb.WriterOptions{Name: "bench"})
	if err != nil {
		return err
	}
	if err := eachRecord(rising(n), w.Put); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return f.Close()
}

// mailShape is the stream of the tasks: the one that storeconv bench makes by
// itself, of this many messages.
func mailShape(messages int64) bench.Shape {
	return bench.Shape{Seed: 1, Messages: messages, Users: max(messages/100, 1), Mailboxes: 4, Links: 0.02, Sizes: bench.Sizes{Median: 6 << 10}}
}

// mail makes the stream of a shape.
func (s *suite) mail(name string, shape bench.Shape) (int64, error) {
	return s.file(name, func(w io.Writer) error { return bench.WriteStream(w, shape) })
}

// nmsStore makes an NMS store.
func (s *suite) nmsStore(name string, files int) (testsite.NMSSite, error) {
	return testsite.WriteNMS(s.at(name), testsite.NMSOptions{Seed: 1, Users: max(files/100, 1), Messages: files})
}

// remove gives what removes results before a run.
func (s *suite) remove(names ...string) func() error {
	return func() error {
		for _, n := range names {
			if err := os.RemoveAll(s.at(n)); err != nil {
				return err
			}
		}
		return nil
	}
}

// renewed gives what makes an empty directory before a run.
func (s *suite) renewed(name string) func() error {
	return func() error {
		if err := os.RemoveAll(s.at(name)); err != nil {
			return err
		}
		return os.Mkdir(s.at(name), 0o700)
	}
}

// treeSum counts the files of a tree in whose names a part stands, and their
// bytes.
func treeSum(root, part string) (files, bytes int64, err error) {
	err = filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || !strings.Contains(e.Name(), part) {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		files++
		bytes += info.Size()
		return nil
	})
	return files, bytes, err
}
