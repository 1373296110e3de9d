package cli

import (
	"context"

	"github.com/spf13/pflag"
)

// manualVerb is the verb manual of the command.
func manualVerb(c *Command) Verb {
	return Verb{
		Name:    "manual",
		Args:    "[VERB]",
		Summary: "print a manual page",
		Doc:     "Prints the page of VERB, or of the program.",
		Example: c.Name + " manual",
		New: func(*pflag.FlagSet) Action {
			return func(_ context.Context, job *Job, args []string) error {
				switch {
				case len(args) > 1:
					return Usagef("one verb at most")
				case len(args) == 0:
					c.help(job.Stdout)
				case c.verb(args[0]) == nil:
					return Usagef("no verb %q", args[0])
				default:
					fs, _ := c.verb(args[0]).flags()
					c.verbHelp(job.Stdout, c.verb(args[0]), flagUsages(fs))
				}
				return nil
			}
		},
	}
}
