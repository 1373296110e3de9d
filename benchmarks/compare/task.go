package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/bench"
)

// task is one piece of work that several programs do.
type task struct {
	name  string // "restore-none"
	title string
	unit  string // of items: "messages"
	items int64
	bytes int64
	note  string // what the contenders do not do alike
	list  []contender
	sizes []point // of a task that grows, in place of list
}

// point is one size of a task that grows. It is measured by itself, and what it
// reads and wrote is gone before the next one.
type point struct {
	size   string // "10000000 entries"
	rounds int
	need   int64 // bytes that its inputs and results take
	files  int64 // files and directories that its results take
	input  func() error
	list   []contender
}

// Roles of contenders.
const (
	ours  = "ours"
	peer  = "peer"
	limit = "limit" // a bare loop: the least that must be done
)

// contender is one program that does the work of a task.
type contender struct {
	name    string // as the table calls it
	role    string
	does    string // the command, as a stranger would type it
	cmd     command
	prepare func() error           // before each run, not measured; nil: nothing
	check   func(first bool) error // whether the result is right; thorough in the first round; nil: the exit status says so
	series  string                 // of a plot: which curve this belongs to, and where
	x       float64
}

// command is what is run: a program, or a line of the shell, and perhaps a
// sync(1) of the file system of a path behind it.
type command struct {
	argv  []string
	shell string
	dir   string
	sync  string
	own   bool // the program measures itself
}

// task takes the contenders of a task in turn, and returns its row of results.
func (s *suite) task(ctx context.Context, t *task) (taskResult, error) {
	row := taskResult{Name: t.name, Title: t.title, Unit: t.unit, Items: t.items, Bytes: t.bytes, Note: t.note}
	for _, p := range t.sizes {
		if err := s.point(ctx, &p, &row); err != nil {
			return row, fmt.Errorf("%s: %w", p.size, err)
		}
	}
	return row, s.rounds(ctx, t.list, s.opt.size.Rounds, &row)
}

// rounds has contenders take turns, so many times, and adds what they took.
func (s *suite) rounds(ctx context.Context, list []contender, rounds int, row *taskResult) error {
	runs := make([][]usage, len(list))
	for round := range rounds {
		for i := range list {
			u, err := s.turn(ctx, &list[i], round == 0)
			if err != nil {
				return fmt.Errorf("%s: %w", list[i].name, err)
			}
			runs[i] = append(runs[i], u)
		}
	}
	for i, c := range list {
		row.Contenders = append(row.Contenders, contenderResult{
			Name: c.name, Role: c.role, Does: c.does, Series: c.series, X: c.x, Summary: summarise(runs[i]),
		})
	}
	return nil
}

// point measures one size, if there is room for it.
func (s *suite) point(ctx context.Context, p *point, row *taskResult) error {
	free, err := freeRoom(s.dir)
	if err != nil {
		return err
	}
	if p.need > free {
		row.Left = append(row.Left, fmt.Sprintf("%s: %.1f GiB of room, of which %.1f are free", p.size, gib(p.need), gib(free)))
		return nil
	}
	files, err := freeFiles(s.dir)
	if err != nil {
		return err
	}
	if p.files > files {
		row.Left = append(row.Left, fmt.Sprintf("%s: %d files and directories, of which %d can be made", p.size, p.files, files))
		return nil
	}
	if err := warm(ctx, s.dir, p.need); err != nil {
		return err
	}
	if err := p.input(); err != nil {
		return err
	}
	if err := s.rounds(ctx, p.list, p.rounds, row); err != nil {
		return err
	}
	return s.clear()
}

// turn runs a contender once. A time of a wrong result is no time.
func (s *suite) turn(ctx context.Context, c *contender, first bool) (usage, error) {
	if c.prepare != nil {
		if err := c.prepare(); err != nil {
			return usage{}, err
		}
	}
	if err := s.settle(); err != nil {
		return usage{}, err
	}
	u, err := s.runOnce(ctx, c.cmd)
	if err != nil {
		return u, err
	}
	if c.check != nil {
		if err := c.check(first); err != nil {
			return u, fmt.Errorf("the result is wrong: %w", err)
		}
	}
	return u, nil
}

// settle writes out what earlier runs have left: it is not the next one's.
func (s *suite) settle() error {
	f, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}

// step is the command of a bare loop of storeconv bench.
func (s *suite) step(b bench.Step) (command, error) {
	text, err := json.Marshal(b)
	return command{argv: []string{s.at("loops"), "step", string(text)}, own: true}, err
}
