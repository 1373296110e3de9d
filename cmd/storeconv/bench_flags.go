package main

import (
	"bufio"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/storeconv"
	"imsconv/storeconv/bench"
)

// goalFlag is --for: messages and, behind a comma, bytes.
type goalFlag bench.Goal

// String returns the goal as Set reads it; "" for none.
func (g *goalFlag) String() string {
	switch {
	case g.Messages == 0:
		return ""
	case g.Bytes == 0:
		return strconv.FormatInt(g.Messages, 10)
	}
	return fmt.Sprintf("%d,%d", g.Messages, g.Bytes)
}

// Set parses a goal.
func (g *goalFlag) Set(text string) error {
	count, size, sized := strings.Cut(text, ",")
	n, err := strconv.ParseInt(count, 10, 64)
	var bytes flags.Size
	if err == nil && sized {
		err = bytes.Set(size)
	}
	if err != nil || n < 1 || sized && bytes < 1 {
		return errors.New("not of the form MESSAGES or MESSAGES,BYTES, such as 2000000,40G")
	}
	*g = goalFlag{Messages: n, Bytes: int64(bytes)}
	return nil
}

// Type names the value in help texts.
func (g *goalFlag) Type() string { return "MESSAGES[,BYTES]" }

// jobsFlag is a list of numbers of workers, 0 being one a processor.
type jobsFlag []int

// String returns the list as Set reads it.
func (j *jobsFlag) String() string {
	words := make([]string, len(*j))
	for i, n := range *j {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ",")
}

// maxJobs bounds a number of workers.
const maxJobs = 1024

// Set parses a list.
func (j *jobsFlag) Set(text string) error {
	var list []int
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 0 || n > maxJobs || slices.Contains(list, n) {
			return fmt.Errorf("not a list of different numbers of workers up to %d, such as 1,2,4", maxJobs)
		}
		list = append(list, n)
	}
	*j = list
	return nil
}

// Type names the value in help texts.
func (j *jobsFlag) Type() string { return "N,..." }

// syncsFlag is a list of sync modes.
type syncsFlag []storeconv.SyncMode

// String returns the list as Set reads it.
func (s *syncsFlag) String() string {
	words := make([]string, len(*s))
	for i, m := range *s {
		words[i] = m.String()
	}
	return strings.Join(words, ",")
}

// Set parses a list.
func (s *syncsFlag) Set(text string) error {
	var list []storeconv.SyncMode
	for word := range strings.SplitSeq(text, ",") {
		mode, err := storeconv.ParseSyncMode(word)
		if err != nil || word == "" || slices.Contains(list, mode) {
			return fmt.Errorf("not a list of %s", strings.Join(s.Values(), ", "))
		}
		list = append(list, mode)
	}
	*s = list
	return nil
}

// Values are the modes.
func (s *syncsFlag) Values() []string { return flags.SyncModes() }

// Type names the value in help texts.
func (s *syncsFlag) Type() string { return "WHEN,..." }

// maxSizes bounds the different sizes of a file of sizes.
const maxSizes = 100000

// readSizes reads a file of sizes: lines SIZE or SIZE COUNT, empty ones and
// comments behind # left out.
func readSizes(job *cli.Job, path string) (bench.Sizes, error) {
	in, err := job.Open(path)
	if err != nil {
		return bench.Sizes{}, err
	}
	defer in.Close()
	counts := make(map[int64]int64)
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		size, count, err := parseSizeLine(words)
		if err != nil {
			return bench.Sizes{}, fmt.Errorf("%s: line %d: %w", in.Name, n, err)
		}
		counts[size] += count
		if len(counts) > maxSizes {
			return bench.Sizes{}, fmt.Errorf("%s: more than %d different sizes", in.Name, maxSizes)
		}
	}
	if err := lines.Err(); err != nil {
		return bench.Sizes{}, fmt.Errorf("%s: %w", in.Name, err)
	}
	if len(counts) == 0 {
		return bench.Sizes{}, fmt.Errorf("%s: there are no sizes in it", in.Name)
	}
	return bench.SizeTable(counts), nil
}

// maxCount bounds how often a size occurs.
const maxCount = 1 << 40

func parseSizeLine(words []string) (size, count int64, err error) {
	var s flags.Size
	if err := s.Set(words[0]); err != nil {
		return 0, 0, fmt.Errorf("%q: %w", words[0], err)
	}
	count = 1
	if len(words) > 1 {
		count, err = strconv.ParseInt(words[1], 10, 64)
	}
	if err != nil || count < 1 || count > maxCount || len(words) > 2 {
		return 0, 0, fmt.Errorf("%q is not SIZE or SIZE COUNT", strings.Join(words, " "))
	}
	return int64(s), count, nil
}
