package cli

import (
	"io"

	"github.com/spf13/pflag"
)

// Prints tells whether a run with these flags prints data on standard output.
// Such a run has its report and its log elsewhere: a reader could not tell them
// apart.
type Prints func(fs *pflag.FlagSet) bool

// Always is the rule of a verb whose results go to standard output.
func Always(*pflag.FlagSet) bool { return true }

// With is the rule of a verb that prints data where one of some flags is set.
func With(names ...string) Prints {
	return func(fs *pflag.FlagSet) bool {
		for _, name := range names {
			if fs.Changed(name) {
				return true
			}
		}
		return false
	}
}

// isStdout tells whether a path is standard output, under any of its names.
func isStdout(path string) bool {
	switch path {
	case "-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1":
		return true
	}
	return false
}

// mixed is the error of two outputs that would be one.
func mixed(why string) error {
	return WithHint(Usagef("%s, which holds one output only", why), "name a file for --report or --log, or, where the verb has -o, for the data")
}

// reportAlone is standard output while it belongs to the report or the log.
// Verbs that print say so beforehand ([Verb.Prints]): this keeps what they have
// forgotten to say from damaging either.
type reportAlone struct{ io.Writer }

// Write refuses data.
func (*reportAlone) Write([]byte) (int, error) {
	return 0, mixed("the report or the log goes to standard output")
}

// unwrapped is the standard output that the report may write to.
func unwrapped(w io.Writer) io.Writer {
	if alone, ok := w.(*reportAlone); ok {
		return alone.Writer
	}
	return w
}
