package cli

import (
	"fmt"

	"github.com/spf13/pflag"
)

// common are the flags that every verb has.
type common struct {
	help, version, quiet, json bool
	report, log                string
}

func (o *common) add(fs *pflag.FlagSet) {
	fs.BoolVar(&o.quiet, "quiet", false, "only problems and errors on standard error; how many warnings there were is told at the end")
	fs.BoolVar(&o.json, "json", false, "talk on standard error as JSON, one object a line")
	fs.StringVar(&o.report, "report", "", "write the summary as JSON to `FILE` (- for standard output, where no data go there)")
	if fs.Lookup("log") == nil { // a verb may have its own
		fs.StringVar(&o.log, "log", "", "write all problems and warnings to `FILE`, however many (- as with --report)")
	}
	// An old program's letter goes before these two.
	fs.BoolVarP(&o.help, "help", free(fs, "h"), false, "print this page and exit")
	if fs.Lookup("version") == nil {
		fs.BoolVarP(&o.version, "version", free(fs, "V"), false, "print the version and exit")
	}
}

// free is a letter that the verb has not given to a flag of its own, else none.
func free(fs *pflag.FlagSet, letter string) string {
	if fs.ShorthandLookup(letter) != nil {
		return ""
	}
	return letter
}

// onStdout is the option that sends the report or the log to standard output;
// "" is none.
func (o *common) onStdout() string {
	switch {
	case isStdout(o.report):
		return "--report"
	case isStdout(o.log):
		return "--log"
	}
	return ""
}

// apartFrom refuses to send the report, or the log, where the verb's data go.
func (o *common) apartFrom(verb *Verb, fs *pflag.FlagSet) error {
	option := o.onStdout()
	if option == "" || verb.Prints == nil || !verb.Prints(fs) {
		return nil
	}
	return mixed(fmt.Sprintf("%s -: the data of %s go to standard output", option, verb.Name))
}
