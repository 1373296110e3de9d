// Package choices holds the options of the verbs that are choices of a
// conversion: how an upgrade maps, how a restore adds to a mailbox, where an
// export puts the mail of a user. The verbs declare them beside what is theirs
// alone, inputs, outputs, dry runs, workers; a site's file sets the same ones
// by their long names. So each option has one parser and one text.
//
// A choice that names a file marks its flag with it: see [Relative].
package choices

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Choices are the options of one verb.
type Choices interface {
	// Add declares them.
	Add(fs *pflag.FlagSet)
}

// The forms in which an option names files.
const (
	pathMark = "imsconv-path" // the annotation of flags

	fileForm      = "file"      // the value is a path
	partitionForm = "partition" // OLD=NEW, where the side with a slash is a path
)

// isPath marks a flag as one whose value is, or has in it, a path.
func isPath(fs *pflag.FlagSet, name, form string) {
	if err := fs.SetAnnotation(name, pathMark, []string{form}); err != nil {
		panic("internal error: " + err.Error()) // it was declared the line before
	}
}

// NamesFile tells a flag whose value is, or has in it, a path.
func NamesFile(f *pflag.Flag) bool { return f.Annotations[pathMark] != nil }

// Relative is the value of a flag for a process that stands elsewhere: a path
// in it that is relative is one below dir. Values of other flags stay as they
// are.
func Relative(f *pflag.Flag, dir, value string) string {
	switch form := f.Annotations[pathMark]; {
	case slices.Equal(form, []string{fileForm}) && value != "-":
		return below(dir, value)
	case slices.Equal(form, []string{partitionForm}):
		return partitionBelow(dir, value)
	}
	return value
}

func below(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// partitionBelow does the same for one side of OLD=NEW: a name has no slash.
func partitionBelow(dir, value string) string {
	left, right, ok := strings.Cut(value, "=")
	switch {
	case !ok || strings.HasPrefix(left, "/"):
		return value
	case strings.Contains(left, "/"):
		return below(dir, left) + "=" + right
	case strings.Contains(right, "/"):
		return left + "=" + below(dir, right)
	}
	return value
}

// File is the path that a value of a flag names, for a process that stands
// elsewhere; ok is false where the value is no file's path.
func File(f *pflag.Flag, dir, value string) (path string, ok bool) {
	if !slices.Equal(f.Annotations[pathMark], []string{fileForm}) {
		return "", false
	}
	return Relative(f, dir, value), true
}
