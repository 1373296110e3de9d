package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// source is the clone that is released.
type source struct {
	root   string // absolute
	commit string
	date   time.Time // of everything that is made
}

// openSource looks at the clone. Changes that are not committed are an error.
func openSource(ctx context.Context, root string) (*source, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	s := &source{root: abs}
	changes, err := s.git(ctx, "status", "--porcelain", "--untracked-files=normal")
	if err != nil {
		return nil, err
	}
	for change := range strings.Lines(changes) {
		change = strings.TrimSpace(change)
		if !isOutput(change) {
			return nil, fmt.Errorf("%s has changes that are not committed (%s): a release is what its commit says", root, change)
		}
	}
	if s.commit, err = s.git(ctx, "rev-parse", "HEAD"); err != nil {
		return nil, err
	}
	s.date, err = s.sourceDate(ctx)
	return s, err
}

// isOutput tells of a line of git status whether it names a new folder at the
// top of the clone, such as an earlier release or what a program has written.
// Nothing of it goes into a release, unless it is vendor, which go build reads.
func isOutput(change string) bool {
	name, isNew := strings.CutPrefix(change, "?? ")
	folder, isFolder := strings.CutSuffix(name, "/")
	return isNew && isFolder && folder != "vendor" && !strings.Contains(folder, "/")
}

// sourceDate is the time of all that is made: SOURCE_DATE_EPOCH, as the
// reproducible-builds project defines it, else the commit's date.
func (s *source) sourceDate(ctx context.Context) (time.Time, error) {
	text, name := os.Getenv("SOURCE_DATE_EPOCH"), "SOURCE_DATE_EPOCH"
	if text == "" {
		var err error
		name = "the date of the commit"
		if text, err = s.git(ctx, "log", "-1", "--format=%ct"); err != nil {
			return time.Time{}, err
		}
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, fmt.Errorf("%s: %q is no number of seconds", name, text)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// git runs git in the clone and returns what it prints, less the line end.
func (s *source) git(ctx context.Context, args ...string) (string, error) {
	out, err := output(ctx, s.root, nil, "git", args...)
	return strings.TrimRight(string(out), "\n"), err
}

// tracked lists the files of the clone that match the patterns of git, sorted,
// relative to the root.
func (s *source) tracked(ctx context.Context, patterns ...string) ([]string, error) {
	out, err := s.git(ctx, append([]string{"ls-files", "-z", "--"}, patterns...)...)
	if err != nil {
		return nil, err
	}
	names := strings.Split(strings.TrimRight(out, "\x00"), "\x00")
	slices.Sort(names)
	if names[0] == "" {
		return nil, fmt.Errorf("git tracks nothing that is %s", strings.Join(patterns, " or "))
	}
	return names, nil
}

// programs are the folders of cmd that hold a program: the names of what is
// released.
func (s *source) programs() ([]string, error) {
	mains, err := filepath.Glob(filepath.Join(s.root, "cmd", "*", "main.go"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range mains {
		names = append(names, filepath.Base(filepath.Dir(m)))
	}
	if names == nil {
		return nil, errors.New("no programs in " + filepath.Join(s.root, "cmd"))
	}
	return names, nil
}

// output runs a program in a folder with variables added to the environment. An
// error has what the program wrote on standard error.
func output(ctx context.Context, dir string, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}
