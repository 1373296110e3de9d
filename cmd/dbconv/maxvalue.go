package main

import (
	"github.com/spf13/pflag"

	"imsconv/cmd/internal/flags"
)

// maxValue is the flag that bounds keys and values.
type maxValue struct{ size flags.Size }

func (m *maxValue) add(fs *pflag.FlagSet) {
	fs.Var(&m.size, "max-value", "longest key or value that is read or written; the record of a longer one is listed and left out. Memory grows with it (default 16M)")
}

// bytes is the limit, 0 for the default.
func (m *maxValue) bytes() int64 { return int64(m.size) }
