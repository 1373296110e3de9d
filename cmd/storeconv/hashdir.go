package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/ims"
)

const hashdirDoc = `
Prints the hash directories in which the store keeps a user, relative to
partition/NAME/=user/, with a final slash: 53/53/ for mack1. ID is the
message store's user id: the uid of a user of the default domain, uid@domain
of any other. It is taken as it stands, capitals included. Several ids give
a line each, in their order.

An id that the manuals forbid (more than 127 bytes, one of % ? * & / : \, a
byte outside 0x20 to 0x7e, a leading hyphen or "group=", or a reserved name
such as anyone) has no directory; it is a problem and prints nothing.
`

func hashdirVerb() cli.Verb {
	return cli.Verb{
		Name:    "hashdir",
		Prints:  cli.Always,
		Args:    "ID ...",
		Summary: "print the hash directories of a user",
		See:     []string{"storeconv-relocate(1)", "ims-store(5)"},
		Doc:     hashdirDoc,
		Example: "$ storeconv hashdir mack1\n53/53/\n$ storeconv hashdir -a john.smith@siroe.com\n56/c3/=john%dsmith@siroe%dcom",
		Exit3:   "an id was refused",
		Lost:    "done, ids refused",
		New: func(fs *pflag.FlagSet) cli.Action {
			var h hashdirOptions
			fs.BoolVarP(&h.name, "append", "a", false, "append the name of the user's own directory")
			fs.BoolVarP(&h.interactive, "interactive", "i", false, "take ids from standard input, one a line, after those of the command line; so does a last ID -")
			return h.run
		},
	}
}

type hashdirOptions struct{ name, interactive bool }

func (h *hashdirOptions) run(_ context.Context, job *cli.Job, args []string) error {
	if len(args) == 0 && !h.interactive {
		return cli.Usagef("which user?")
	}
	if n := len(args); n > 0 && args[n-1] == "-" { // no user can be called so
		h.interactive, args = true, args[:n-1]
	}
	for _, id := range args {
		if err := h.print(job, id); err != nil {
			return err
		}
	}
	if !h.interactive {
		return nil
	}
	return h.printLines(job)
}

// printLines answers line by line, for a person or a pipe on the other side.
func (h *hashdirOptions) printLines(job *cli.Job) error {
	in := bufio.NewReader(job.Stdin)
	for {
		line, err := in.ReadString('\n')
		if id := strings.TrimRight(line, "\r\n"); id != "" {
			if err := h.print(job, id); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (h *hashdirOptions) print(job *cli.Job, id string) error {
	if err := ims.CheckUserID(id); err != nil {
		job.Problem("bad-id", fmt.Sprintf("%q", id), err.Error())
		return nil
	}
	line := ims.Hash(id) + "/"
	if h.name {
		line += ims.Component(id)
	}
	_, err := fmt.Fprintln(job.Stdout, line)
	return err
}
