package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// sayWhat runs a program of ours for a check, and returns what it says when it
// finds fault.
func (s *suite) sayWhat(name string, args ...string) error {
	out, err := exec.Command(s.ours[name], args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %.500s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// countLines counts the lines of a file that begin with a word.
func countLines(path, word string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n := 0
	in := bufio.NewReaderSize(f, 1<<20)
	start := true
	for {
		line, err := in.ReadSlice('\n')
		if start && len(line) > 0 && bytes.HasPrefix(line, []byte(word)) {
			n++
		}
		start = err == nil
		if err == io.EOF {
			return n, nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return n, err
		}
	}
}

// wantLines checks that a file has so many lines that begin with a word.
func (s *suite) wantLines(name, word string, want int) error {
	got, err := countLines(s.at(name), word)
	if err == nil && got != want {
		err = fmt.Errorf("%s has %d lines %q, want %d", name, got, word, want)
	}
	return err
}

// wantTree checks that a tree has so many files, of so many bytes, in whose
// names a part stands.
func (s *suite) wantTree(root, part string, files, bytes int64) error {
	n, size, err := treeSum(s.at(root), part)
	if err == nil && (n != files || bytes >= 0 && size != bytes) {
		err = fmt.Errorf("%s has %d files of %d bytes, want %d of %d", root, n, size, files, bytes)
	}
	return err
}

// wantFile checks that a result is there and not empty.
func (s *suite) wantFile(name string) error {
	st, err := os.Stat(s.at(name))
	if err == nil && st.Size() == 0 {
		err = fmt.Errorf("%s is empty", name)
	}
	return err
}
