package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// usageError is a wrong command line: exit status 2.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// Usagef makes an error that ends the run with exit status 2 and a hint at
// --help.
func Usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// hintedError carries advice to be printed below the error.
type hintedError struct {
	err  error
	hint string
}

func (e *hintedError) Error() string { return e.err.Error() }
func (e *hintedError) Unwrap() error { return e.err }

// WithHint adds a line of advice to err, printed as "hint: ..." below it.
func WithHint(err error, hint string) error { return &hintedError{err, hint} }

// flagError makes a usage error of what pflag found wrong, without the wording
// of strconv, and with the nearest option for one that is not known.
func flagError(fs *pflag.FlagSet, err error) error {
	var value *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	switch {
	case errors.As(err, &value):
		why := errors.Unwrap(value)
		if why == nil || strings.HasPrefix(why.Error(), "strconv.") {
			return Usagef("--%s: %q is not a valid value", value.GetFlag().Name, value.GetValue())
		}
		return Usagef("--%s: %q: %w", value.GetFlag().Name, value.GetValue(), why)
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		var names []string
		fs.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := Nearest(unknown.GetSpecifiedName(), names); near != "" {
			return WithHint(Usagef("%w", err), "is it --"+near+"?")
		}
	}
	return Usagef("%w", err)
}

// IsUsage says whether an error is one of a wrong command line.
func IsUsage(err error) bool {
	var usage *usageError
	return errors.As(err, &usage)
}
