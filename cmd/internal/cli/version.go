package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/pflag"
)

// Version and Commit say what was built. A release sets them as it is linked,
// by -ldflags "-X imsconv/cmd/internal/cli.Version=...", and a build outside
// of a clone has no other way to know its commit.
var (
	Version = "0.1.0"
	Commit  = "" // empty: what the go command has written into the program
)

// Build is what a program was built of.
type Build struct {
	Program, Version string
	Commit           string // with "+dirty" where files had been changed; "unknown"
	Go, OS, Arch     string
}

// ThisBuild describes the running program.
func ThisBuild(program string) Build {
	return Build{
		Program: program, Version: Version, Commit: cmp.Or(Commit, builtCommit(debug.ReadBuildInfo()), "unknown"),
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
	}
}

// builtCommit is the commit that the go command found; "" where it found none.
func builtCommit(info *debug.BuildInfo, ok bool) string {
	if !ok {
		return ""
	}
	commit, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if commit == "" {
		return ""
	}
	return commit + dirty
}

// write prints the lines of --version.
func (b Build) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s %s\ncommit %s\n%s %s/%s\n", b.Program, b.Version, b.Commit, b.Go, b.OS, b.Arch)
	return err
}

// versionVerb is the verb version of the command.
func versionVerb(c *Command) Verb {
	return Verb{
		Name:    "version",
		Prints:  Always,
		Summary: "print the version, the commit and how it was built",
		Doc: `Prints the version of the program, the commit it was built of ("+dirty" behind
it where files had been changed), the version of Go, and the system and the
processor it was built for. --version and -V, before or behind a verb, do the
same.`,
		Example: c.Name + " version",
		New: func(*pflag.FlagSet) Action {
			return func(_ context.Context, job *Job, args []string) error {
				if len(args) > 0 {
					return Usagef("version takes no arguments")
				}
				return ThisBuild(c.Name).write(job.Stdout)
			}
		},
	}
}
