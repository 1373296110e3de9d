package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// completionVerb is the verb completion of the command.
func completionVerb(c *Command) Verb {
	return Verb{
		Name:    "completion",
		Args:    "bash|zsh|fish",
		Summary: "print a script that lets a shell complete command lines",
		Doc:     "Prints the script for the shell that is named.",
		Example: "source <(" + c.Name + " completion bash)",
		New: func(*pflag.FlagSet) Action {
			return func(_ context.Context, job *Job, args []string) error {
				if len(args) != 1 {
					return Usagef("one shell: bash, zsh or fish")
				}
				var names []string
				for i := range c.Verbs {
					names = append(names, c.Verbs[i].Name)
				}
				text := map[string]string{
					"bash": "complete -W '%[2]s' %[1]s\n",
					"zsh":  "compdef '_values verb %[2]s' %[1]s\n",
					"fish": "complete -c %[1]s -a '%[2]s'\n",
				}[args[0]]
				if text == "" {
					return Usagef("no shell %q: bash, zsh or fish", args[0])
				}
				_, err := fmt.Fprintf(job.Stdout, text, c.Name, strings.Join(names, " "))
				return err
			}
		},
	}
}
