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

// flagError says what pflag found wrong without the wording of strconv.
func flagError(err error) error {
	var value *pflag.InvalidValueError
	if !errors.As(err, &value) {
		return err
	}
	why := errors.Unwrap(value)
	if why == nil || strings.HasPrefix(why.Error(), "strconv.") {
		return fmt.Errorf("--%s: %q is not a valid value", value.GetFlag().Name, value.GetValue())
	}
	return fmt.Errorf("--%s: %q: %w", value.GetFlag().Name, value.GetValue(), why)
}
