package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An input gives all of its bytes, in order, whatever was looked at before and
// however large the reads are.
func TestInputReads(t *testing.T) {
	a, b := someBytes(300<<10), someBytes(400<<10)
	want := append(bytes.Clone(a), b...)
	forms := packedForms(t, a, b)
	forms["plain"] = want
	for name, data := range forms {
		path := filepath.Join(t.TempDir(), "input")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, sizes := range [][]int{{1 << 20}, {100, 64 << 10}, {200 << 10, 10, directRead, directRead - 1}} {
			in, err := new(Job).Open(path)
			if err != nil {
				t.Fatal(err)
			}
			head, err := in.Head()
			if err != nil || !bytes.HasPrefix(want, head) || len(head) != headSize {
				t.Errorf("%s: a head of %d bytes, %v", name, len(head), err)
			}
			var got []byte
			for n := 0; err == nil; n++ {
				var read int
				p := make([]byte, sizes[n%len(sizes)])
				read, err = in.Read(p)
				got = append(got, p[:read]...)
			}
			if err != io.EOF || !bytes.Equal(got, want) || in.Consumed() != int64(len(data)) {
				t.Errorf("%s, reads of %d: %d of %d bytes right, %d consumed of %d, %v",
					name, sizes, len(got), len(want), in.Consumed(), len(data), err)
			}
			in.Close()
		}
	}
}

// TestKeepsStill: a file that is written, cut or replaced while a run reads it
// is a problem, whatever the reader made of it.
func TestKeepsStill(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"nothing": func(string) error { return nil },
		"cut":     func(path string) error { return os.Truncate(path, 2) },
		"longer": func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteString("more")
			return err
		},
		"written over": func(path string) error {
			if err := os.WriteFile(path, []byte("mail"), 0o600); err != nil {
				return err
			}
			return os.Chtimes(path, time.Time{}, time.Now().Add(time.Second)) // clocks are coarse
		},
		"replaced": func(path string) error {
			if err := os.WriteFile(path+".new", []byte("text"), 0o600); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
		"gone": os.Remove,
	} {
		path := filepath.Join(t.TempDir(), "in")
		if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, talk := run(t, func(_ context.Context, j *Job, _ []string) error {
			in, err := j.Open(path)
			if err != nil {
				return err
			}
			defer in.Close()
			return change(path)
		}, "tool", "do")
		want, told := ExitLost, true
		if name == "nothing" {
			want, told = ExitDone, false
		}
		if code != want || strings.Contains(talk, path+": the file has changed since the run began") != told {
			t.Errorf("%s: exit %d, want %d: %s", name, code, want, talk)
		}
	}
}

// TestEveryWayOfOpeningKeepsStill: however an input is opened, a change of the
// file is told, once.
func TestEveryWayOfOpeningKeepsStill(t *testing.T) {
	for name, open := range map[string]func(j *Job, path string) error{
		"Open": func(j *Job, path string) error {
			for range 2 {
				in, err := j.Open(path)
				if err != nil {
					return err
				}
				defer in.Close()
			}
			return nil
		},
		"OpenFile": func(j *Job, path string) error {
			f, _, err := j.OpenFile(path)
			if err == nil {
				f.Close()
			}
			return err
		},
		"Again": func(j *Job, path string) error {
			a, err := j.Again(path, "")
			if err != nil {
				return err
			}
			in, err := a.Open()
			if err == nil {
				in.Close()
			}
			return errors.Join(err, a.Close())
		},
		"Reads":                 func(j *Job, path string) error { return j.Reads(path) },
		"KeepsStill":            func(j *Job, path string) error { return j.KeepsStill(path) },
		"standard input":        func(j *Job, _ string) error { _, err := j.Open("-"); return err },
		"standard input, plain": func(j *Job, _ string) error { _, err := j.PlainStdin(); return err },
		"standard input, closed": func(j *Job, _ string) error {
			f, err := j.PlainStdin()
			return errors.Join(err, f.Close())
		},
		"standard input, and again": func(j *Job, _ string) error { _, err := j.Again("-", ""); return err },
	} {
		for _, changes := range []bool{false, true} {
			path := filepath.Join(t.TempDir(), "in")
			if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
				t.Fatal(err)
			}
			stdin, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			code, _, talk := run(t, func(_ context.Context, j *Job, _ []string) error {
				j.Stdin = stdin
				if err := open(j, path); err != nil || !changes {
					return err
				}
				return os.WriteFile(path, []byte("another text"), 0o600)
			}, "tool", "do")
			where := path
			if strings.HasPrefix(name, "standard input") {
				where = "standard input"
			}
			want, times := ExitDone, 0
			if changes {
				want, times = ExitLost, 1
			}
			if got := strings.Count(talk, where+": the file has changed since the run began"); code != want || got != times {
				t.Errorf("%s, changes %v: exit %d, told %d times: %s", name, changes, code, got, talk)
			}
		}
	}
}

// TestLooksAgainAtTheEnd: a file that changes behind a look at all of them,
// which no step opens again, is a problem at the end of the run, told once.
func TestLooksAgainAtTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, talk := run(t, func(_ context.Context, j *Job, _ []string) error {
		in, err := j.Open(path)
		if err != nil {
			return err
		}
		defer in.Close()
		j.TellChanged()
		if err := os.Truncate(path, 2); err != nil {
			return err
		}
		defer j.TellChanged()
		return nil
	}, "tool", "do")
	if code != ExitLost || strings.Count(talk, path+": the file has changed since the run began") != 1 {
		t.Errorf("exit %d, want %d: %s", code, ExitLost, talk)
	}
}
