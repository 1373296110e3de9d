package flags

import (
	"errors"
	"strconv"

	"github.com/spf13/pflag"
)

// Count is a whole number that is not negative.
type Count int

// String returns the number in decimal.
func (c *Count) String() string { return strconv.Itoa(int(*c)) }

// Set parses a number.
func (c *Count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return errors.New("not a whole number from 0 up")
	}
	*c = Count(n)
	return nil
}

// Type names the value in help texts.
func (c *Count) Type() string { return "N" }

// Jobs is --jobs: how many workers there are, 0 being one a processor.
type Jobs struct{ Count }

// Add declares the flag; what says what is done at a time ("users").
func (j *Jobs) Add(fs *pflag.FlagSet, what string) {
	fs.Var(&j.Count, "jobs", what+" at a time, `N` (default: one a processor)")
	fs.Lookup("jobs").DefValue = ""
}

// Number returns the number of workers as the conversions take it.
func (j *Jobs) Number() int { return int(j.Count) }
