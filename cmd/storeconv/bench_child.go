package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv"
	"imsconv/storeconv/bench"
)

// childLine is a line that the process of a step writes: how far it is, and at
// the end its sample or what went wrong.
type childLine struct {
	Items  int64         `json:"items,omitempty"` // since the last line
	Bytes  int64         `json:"bytes,omitempty"`
	Sample *bench.Sample `json:"sample,omitempty"`
	Error  string        `json:"error,omitempty"`
}

// stepInChild takes a step in a process of its own. The process ends with this
// one, whatever ends it: it watches its standard input.
func stepInChild(ctx context.Context, s bench.Step, progress storeconv.Progress) (bench.Sample, error) {
	cmd, err := benchChild(ctx, childStep)
	if err != nil {
		return bench.Sample{}, err
	}
	var said strings.Builder
	cmd.Stderr = &said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return bench.Sample{}, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return bench.Sample{}, err
	}
	if err := cmd.Start(); err != nil {
		return bench.Sample{}, err
	}
	sample, err := talk(s, stdin, stdout, progress)
	stdin.Close() // a pipe's end: nothing is lost
	ended := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return bench.Sample{}, ctx.Err()
	case errors.Is(err, errNoSample):
		return bench.Sample{}, fmt.Errorf("%s: the process ended without a result: %v %s", s.Op, ended, strings.TrimSpace(said.String()))
	}
	return sample, err
}

var errNoSample = errors.New("no sample")

// talk gives a step to a process and takes its lines up to the sample.
func talk(s bench.Step, stdin io.Writer, stdout io.Reader, progress storeconv.Progress) (bench.Sample, error) {
	if err := json.NewEncoder(stdin).Encode(s); err != nil {
		return bench.Sample{}, errNoSample
	}
	lines := json.NewDecoder(stdout)
	for {
		var l childLine
		if err := lines.Decode(&l); err != nil {
			return bench.Sample{}, errNoSample
		}
		switch {
		case l.Error != "":
			return bench.Sample{}, errors.New(l.Error)
		case l.Sample != nil:
			return *l.Sample, nil
		case progress != nil:
			progress.Add(l.Items, l.Bytes)
		}
	}
}

// runStep is the process of a step: it reads the step from standard input and
// writes lines to standard output.
func runStep(ctx context.Context, job *cli.Job) error {
	in := bufio.NewReader(job.Stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	var s bench.Step
	if err := json.Unmarshal(line, &s); err != nil {
		return err
	}
	go func() {
		_, _ = in.ReadByte() // its end is the end of the process that asked
		os.Exit(cli.ExitInterrupted)
	}()
	out := &childOutput{enc: json.NewEncoder(job.Stdout)}
	stop := out.every(200 * time.Millisecond)
	sample, err := s.Run(ctx, out)
	stop()
	if err != nil {
		return out.write(childLine{Error: err.Error()})
	}
	return out.write(childLine{Sample: &sample})
}

// childOutput counts progress and writes it now and then.
type childOutput struct {
	items, bytes atomic.Int64
	mu           sync.Mutex
	enc          *json.Encoder
}

// Add counts.
func (o *childOutput) Add(items, bytes int64) {
	o.items.Add(items)
	o.bytes.Add(bytes)
}

func (o *childOutput) write(l childLine) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.enc.Encode(l)
}

// flush writes what has been counted since the last time.
func (o *childOutput) flush() {
	if items, bytes := o.items.Swap(0), o.bytes.Swap(0); items+bytes > 0 {
		_ = o.write(childLine{Items: items, Bytes: bytes}) // who reads it is gone: the end of standard input tells
	}
}

// every flushes at an interval, and once more when stop is called.
func (o *childOutput) every(interval time.Duration) (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				o.flush()
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
		o.flush()
	}
}
