// Command compare measures the programs of this project beside every peer that
// it finds on the machine, on the same seeded input, and writes RESULTS.md,
// results.json and plots.
//
//	go run ./benchmarks/compare [--size small|medium|large] [--dir DIR] [--peers NAME,...]
//
// Contenders of a task take turns (A B A B), at least five times; figures are
// medians with their spread. A result is checked before its time is believed.
// Wall time, processor seconds and peak memory are those of the program and its
// children; what sync(1) takes counts where the task says that a result must be
// durable. A row is marked as noisy when other programs had a part of the
// processors or its runs lie far apart.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/pflag"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	opt, err := parseOptions(args)
	if err != nil {
		return err
	}
	s, err := newSuite(opt)
	if err != nil {
		return err
	}
	defer s.close()
	res, err := s.measure(ctx)
	if err != nil {
		return err
	}
	if len(res.Missing) > 0 {
		fmt.Printf("Not found on this machine: %s\n", strings.Join(res.Missing, "; "))
	}
	return res.write(opt.out)
}
