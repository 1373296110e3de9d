package cli

import "github.com/spf13/pflag"

// readsMark is the annotation of flags whose values are inputs.
const readsMark = "imsconv-reads"

// Reads says that the values of a flag are inputs, of which "-" is standard
// input.
func Reads(fs *pflag.FlagSet, name string) {
	if err := fs.SetAnnotation(name, readsMark, []string{"yes"}); err != nil {
		panic("internal error: " + err.Error()) // it was declared the line before
	}
}

// errTwice: standard input is named for two inputs.
var errTwice = Usagef("two inputs are -: standard input can be read once only")

// oneStdin refuses a command line with two inputs that are standard input,
// before one of them reads what is the other's. The first argument of a verb
// that reads options from files is an input itself.
func oneStdin(fs *pflag.FlagSet) error {
	times := 0
	fs.Visit(func(f *pflag.Flag) {
		if f.Annotations[readsMark] != nil {
			times += dashes(f.Value)
		}
	})
	if fs.Arg(0) == "-" && times > 0 {
		times++
	}
	if times > 1 {
		return errTwice
	}
	return nil
}

// dashes is how many values of a flag are standard input.
func dashes(v pflag.Value) (n int) {
	values := []string{v.String()}
	if list, ok := v.(pflag.SliceValue); ok {
		values = list.GetSlice()
	}
	for _, value := range values {
		if value == "-" {
			n++
		}
	}
	return n
}
