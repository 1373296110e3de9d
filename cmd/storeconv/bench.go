package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/storeconv/bench"
)

const benchDoc = `
Measures what a disk can do as a message store, and how long a migration takes
on it. A synthetic stream, made in memory while it is read, becomes a store in
DIR; the store is verified, and backed up into a stream beside it. Everything is
removed again: after success, failure and interrupt. After an interrupt, or when
this process is killed, another one that goes on for a moment does that.

There is a row for every number of --jobs with every mode of --sync. The rounds
take the rows in turn, and figures are medians of the rounds. Beside them stand
the limits of DIR, measured in the same rounds: the bare loop that creates,
writes, dates and hashes the same files and does nothing else, the bare loop
that opens, reads and hashes them, one large file, and how often a second 4 KiB
are made durable. What is read has just been written, so caches are warm.

Each step runs in a process of its own, so that its peak memory is known. A time
is believed only when all messages are where they should be.

DIR must be empty or not there; it needs room for the store and the stream. What
is in a store of its kind decides what it does: a disk that is shared or full is
slower.

Without --median, --sizes and --like messages have a median of 6 KiB, as mail
had it, or the size that --for asks for. --sizes names a file with lines "SIZE"
or "SIZE COUNT", such as "4K 120". --like takes the sizes, and the messages and
mailboxes a user where they can be told, from real mail: a backup stream, a
store of ours or of NMS, a Maildir, an mbox. Its messages are not copied.

--for says how much there is to migrate, such as 2000000 or 2000000,40G: the
answer is a time with the range of the rounds.

Tables go to standard output. --report FILE has all of it as JSON (times in
seconds, sizes in bytes): "rows" with "messages_per_s", "mb_per_s", and p50, p95,
p99 and max of "message" and "commit". --html FILE is a page with curves that
needs no network.
`

func benchVerb() cli.Verb {
	return cli.Verb{
		Name:    "bench",
		Prints:  cli.Always,
		Args:    "[--dir] DIR",
		Summary: "measure what a disk does as a message store, and how long a migration takes",
		See:     []string{"siteconv-plan(1)", "storeconv-restore(1)", "storeconv-verify(1)"},
		Doc:     benchDoc,
		Example: "storeconv bench --dir /var/ims/empty --for 2000000,40G\n" +
			"storeconv bench --dir /mnt/new --jobs 1,2,4,8 --sync batch,user --html disk.html",
		New: func(fs *pflag.FlagSet) cli.Action {
			v := new(benchFlags)
			v.add(fs)
			return v.run
		},
	}
}

type benchFlags struct {
	dir         string
	messages    flags.Count
	users       flags.Count
	median      flags.Size
	sizes, like string
	goal        goalFlag
	jobs        jobsFlag
	sync        syncsFlag
	rounds      flags.Count
	html        string
	force       bool
	child       string

	given func(name string) bool
}

// What is measured when nothing else is said.
const (
	benchMessages = 20000
	benchMedian   = 6 << 10
	benchLinks    = 0.02
	userMessages  = 100
	userBoxes     = 4
)

func (v *benchFlags) add(fs *pflag.FlagSet) {
	v.messages, v.median, v.rounds = benchMessages, benchMedian, 3
	v.given = func(name string) bool { return fs.Changed(name) }
	fs.StringVar(&v.dir, "dir", "", "where to measure, an empty `DIR` (default: the first argument)")
	fs.Var(&v.messages, "messages", "messages of the stream, `N`")
	fs.Var(&v.users, "users", "users that they belong to, `N` (default: one for 100 messages)")
	fs.Lookup("users").DefValue = ""
	fs.Var(&v.median, "median", "median `SIZE` of a message")
	fs.StringVar(&v.sizes, "sizes", "", "take the sizes from `FILE`, lines SIZE or SIZE COUNT")
	cli.Reads(fs, "sizes")
	fs.StringVar(&v.like, "like", "", "take the sizes from real mail at `PATH`: a stream, a store, a Maildir or an mbox")
	fs.Var(&v.goal, "for", "how much there is to migrate, `MESSAGES[,BYTES]`")
	fs.Var(&v.jobs, "jobs", "numbers of workers to try, `N,...` (default: one a processor)")
	fs.Var(&v.sync, "sync", "modes to try, `WHEN,...` of none, batch and user (default: batch)")
	fs.Var(&v.rounds, "rounds", "take every row `N` times")
	fs.StringVar(&v.html, "html", "", "write a page with curves to `FILE`")
	fs.BoolVar(&v.force, "force", false, "replace the FILE of --html when it exists")
	fs.StringVar(&v.child, "child", "", "what this process does for another `bench`")
	fs.MarkHidden("child") // it is there
}

func (v *benchFlags) run(ctx context.Context, job *cli.Job, args []string) error {
	switch v.child {
	case "":
	case childStep:
		return runStep(ctx, job)
	case childKeep:
		return keep(job, args)
	default:
		return cli.Usagef("--child %s", v.child)
	}
	if v.dir == "" && len(args) > 0 {
		v.dir, args = args[0], args[1:]
	}
	if err := cli.NoFolder("DIR", v.dir); err != nil {
		return err
	}
	if err := v.check(args); err != nil {
		return err
	}
	shape, err := v.shape(job)
	if err != nil {
		return err
	}
	room, err := makeRoom(v.dir)
	if err != nil {
		return err
	}
	rep, page, err := v.measure(ctx, job, room, shape)
	if err = errors.Join(err, room.clear(ctx, job)); err != nil {
		return err
	}
	return v.tell(job, rep, page)
}

func (v *benchFlags) check(args []string) error {
	sources := 0
	for _, name := range [...]string{"median", "sizes", "like"} {
		if v.given(name) {
			sources++
		}
	}
	switch {
	case v.dir == "":
		return cli.Usagef("where? (--dir)")
	case len(args) > 0:
		return cli.Usagef("%s: there is one DIR", args[0])
	case sources > 1:
		return cli.Usagef("--median, --sizes and --like exclude each other")
	case v.messages < 1:
		return cli.Usagef("--messages 0: there is nothing to measure")
	case v.given("users") && (v.users < 1 || v.users > v.messages):
		return cli.Usagef("--users %d is not from 1 to --messages %d", v.users, v.messages)
	case v.rounds < 1:
		return cli.Usagef("--rounds 0: there is nothing to measure")
	}
	return nil
}

// shape makes the shape of the stream from the flags and what they name.
func (v *benchFlags) shape(job *cli.Job) (bench.Shape, error) {
	n := int64(v.messages)
	s := bench.Shape{Seed: 1, Messages: n, Users: max(n/userMessages, 1), Mailboxes: userBoxes, Links: benchLinks}
	s.Sizes.Median = int64(v.median)
	var err error
	switch {
	case v.like != "":
		s, err = v.alike(job, s)
	case v.sizes != "":
		s.Sizes, err = readSizes(job, v.sizes)
	case v.goal.Bytes > 0 && !v.given("median"):
		mean := float64(v.goal.Bytes) / float64(v.goal.Messages)
		s.Sizes.Median = max(int64(math.Round(mean/bench.MeanOverMedian)), 1)
	}
	if err != nil {
		return s, err
	}
	if v.given("users") {
		s.Users = int64(v.users)
	}
	if err := s.Check(); err != nil {
		return s, cli.Usagef("%w", err)
	}
	return s, nil
}

// alike makes a shape like that of real mail.
func (v *benchFlags) alike(job *cli.Job, def bench.Shape) (bench.Shape, error) {
	folder := false
	if v.like != "-" {
		info, err := os.Stat(v.like)
		if err != nil {
			return def, err
		}
		folder = info.IsDir()
	}
	var seen *bench.Seen
	var err error
	if folder {
		if err := job.SourceTree(v.like); err != nil {
			return def, err
		}
		seen, err = bench.LikeTree(v.like)
	} else {
		var in *cli.Input
		if in, err = job.Open(v.like); err != nil {
			return def, err
		}
		defer in.Close()
		seen, err = bench.LikeFile(in)
	}
	if err != nil {
		return def, fmt.Errorf("--like %s: %w", v.like, err)
	}
	return seen.Shape(def.Messages, def), nil
}

// measure measures, and opens what --html names before it does.
func (v *benchFlags) measure(ctx context.Context, job *cli.Job, room *benchRoom, shape bench.Shape) (rep bench.Report, page *cli.OutputFile, err error) {
	if v.html != "" {
		if page, err = job.Create(v.html, v.force); err != nil {
			return rep, nil, err
		}
	}
	opts := bench.Options{Jobs: v.jobs, Sync: v.sync, Rounds: int(v.rounds), For: bench.Goal(v.goal), Step: stepInChild}
	opts.Progress = job.Meter("messages", opts.Work(shape), 0)
	rep, err = bench.Bench(ctx, room.work, shape, opts)
	return rep, page, err
}

// tell prints and writes the results.
func (v *benchFlags) tell(job *cli.Job, r bench.Report, page *cli.OutputFile) error {
	job.Data(r)
	job.Count("messages", r.Stream.Messages)
	job.Count("bytes", r.Stream.Bytes)
	job.Count("rows", int64(len(r.Rows)))
	job.Count("rounds", int64(r.Rounds))
	if page != nil {
		if err := r.WriteHTML(page); err != nil {
			return err
		}
		if err := page.Commit(); err != nil {
			return err
		}
		job.Output("page", v.html)
	}
	return r.WriteText(job.Stdout)
}
