package main

import (
	"context"
	"runtime/debug"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
)

// memoryGoal is the size of the heap in bytes from which the collector works
// harder, so that a process stays below the 64 MiB that the manual promises.
const memoryGoal = 48 << 20

func command() cli.Command {
	verbs := []cli.Verb{
		convertVerb(), dumpVerb(), loadVerb(),
		verifyVerb(), salvageVerb(), statVerb(),
		folderVerb(), quotaVerb(), mboxlistVerb(),
	}
	for i := range verbs {
		verbs[i].New = bounded(verbs[i].New)
	}
	return cli.Command{
		Name:    "dbconv",
		Summary: "reads, converts, checks and rescues Berkeley DB files of releases 1.85 to 5.3",
		Verbs:   verbs,
	}
}

// bounded sets the memory goal before a verb runs.
func bounded(verb func(*pflag.FlagSet) cli.Action) func(*pflag.FlagSet) cli.Action {
	return func(fs *pflag.FlagSet) cli.Action {
		run := verb(fs)
		return func(ctx context.Context, job *cli.Job, args []string) error {
			defer debug.SetMemoryLimit(debug.SetMemoryLimit(memoryGoal))
			return run(ctx, job, args)
		}
	}
}
