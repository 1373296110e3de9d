package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// size is how much is measured.
type size struct {
	Name     string
	Rounds   int
	Users    int   // of the exports: of one shape,
	Varied   int   // and that all differ
	Records  int   // of a database
	Messages int64 // of the stream
	Files    int   // of the NMS store
	// The sizes of the tasks that grow, each ten times the one before, and the
	// rounds of the largest, which take minutes; 5 is all that any of them has.
	Growth      []int64 // messages
	GrowthBoxes []int64 // mailboxes
	GrowthLDIF  []int   // users of an export
	LargeRounds int
}

// The sizes. Medium is the one of the table of goals: 129 MB and 71 MB of
// directory, a million records, 50,000 messages.
var sizes = []size{
	{Name: "small", Rounds: 5, Users: 2000, Varied: 1000, Records: 5000, Messages: 1000, Files: 1000,
		Growth: []int64{100, 1000}, GrowthBoxes: []int64{100, 1000}, GrowthLDIF: []int{200, 2000}, LargeRounds: 5},
	{Name: "medium", Rounds: 7, Users: 170_000, Varied: 73_500, Records: 1_000_000, Messages: 50_000, Files: 100_000,
		Growth: []int64{10_000, 100_000, 1_000_000}, GrowthBoxes: []int64{10_000, 100_000, 1_000_000}, GrowthLDIF: []int{100_000, 1_000_000, 10_000_000}, LargeRounds: 2},
	{Name: "large", Rounds: 7, Users: 170_000, Varied: 73_500, Records: 1_000_000, Messages: 50_000, Files: 100_000,
		Growth: []int64{10_000, 100_000, 1_000_000}, GrowthBoxes: []int64{10_000, 100_000, 1_000_000}, GrowthLDIF: []int{100_000, 1_000_000, 10_000_000}, LargeRounds: 5},
}

// options are the command line.
type options struct {
	size  size
	dir   string   // for inputs and results of the programs
	peers []string // names of programs; none: all that are found
	tasks []string // beginnings of the names of tasks; none: all
	out   string   // where RESULTS.md goes; "": nowhere, only to standard output
	args  []string
}

func parseOptions(args []string) (options, error) {
	fs := pflag.NewFlagSet("compare", pflag.ContinueOnError)
	name := fs.String("size", "medium", "small, medium or large")
	dir := fs.String("dir", "", "where to measure (default: /dev/shm, else the temporary directory)")
	peers := fs.StringSlice("peers", nil, "only these peers, by the names of their programs (default: all that are found)")
	tasks := fs.StringSlice("tasks", nil, "only tasks whose names begin so (default: all)")
	out := fs.String("out", "", "the directory of RESULTS.md, results.json and plots (default: benchmarks; none for small or a part of the tasks)")
	rounds := fs.Int("rounds", 0, "rounds, at least 5 (default: by size)")
	if err := fs.Parse(args); err != nil {
		return options{}, err
	}
	i := slices.IndexFunc(sizes, func(s size) bool { return s.Name == *name })
	switch {
	case i < 0:
		return options{}, fmt.Errorf("--size %s is none of small, medium, large", *name)
	case fs.NArg() > 0:
		return options{}, fmt.Errorf("%s: there are no arguments", fs.Arg(0))
	case *rounds != 0 && *rounds < minRounds:
		return options{}, fmt.Errorf("--rounds %d is below %d", *rounds, minRounds)
	}
	for _, prefix := range *tasks {
		if !begins(prefix) {
			return options{}, fmt.Errorf("--tasks %q: no task begins so; they begin with %s", prefix, strings.Join(makerNames(), ", "))
		}
	}
	opt := options{size: sizes[i], dir: *dir, peers: *peers, tasks: *tasks, out: *out, args: args}
	if *rounds > 0 {
		opt.size.Rounds = *rounds
	}
	if opt.out == "" && opt.size.Name != "small" && len(opt.tasks) == 0 {
		opt.out = "benchmarks"
	}
	if opt.out != "" {
		if _, err := os.Stat(filepath.Join(opt.out, notesFile)); err != nil {
			return opt, fmt.Errorf("--out %s: start in the top directory of the sources: %w", opt.out, err)
		}
	}
	return opt, nil
}

// minRounds is how often a contender has its turn at least.
const minRounds = 5

// wants tells whether a peer is asked for.
func (o *options) wants(peer string) bool { return len(o.peers) == 0 || slices.Contains(o.peers, peer) }

// begins tells whether tasks may begin so: with what a maker makes, or with a
// part of that.
func begins(prefix string) bool {
	return prefix != "" && slices.ContainsFunc(makerNames(), func(maker string) bool {
		return strings.HasPrefix(prefix, maker) || strings.HasPrefix(maker, prefix)
	})
}

// has tells whether a task is asked for.
func (o *options) has(task string) bool {
	return len(o.tasks) == 0 || slices.ContainsFunc(o.tasks, func(t string) bool { return strings.HasPrefix(task, t) })
}
