package main

import (
	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
)

// maxValue is the flag that bounds keys and values.
type maxValue struct{ size flags.Size }

func (m *maxValue) add(fs *pflag.FlagSet) {
	fs.Var(&m.size, "max-value", "longest key or value that is read or written; the record of a longer one is listed and left out. Memory grows with it (default 16M)")
}

// bytes is the limit, 0 for the default. Who meets a longer item is told of the
// option.
func (m *maxValue) bytes(job *cli.Job) int64 {
	job.HintOn("too-big", "--max-value SIZE reads longer keys and values")
	return int64(m.size)
}
