package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/manual"
)

const manualDoc = `
Prints the manual page of VERB, or of the program, in the macros of man(7):
man -l - and mandoc show it. VERB may be an old name. --help is the same page as
plain text.

--out DIR writes all pages of the program to files of DIR, as a folder man1 of a
manual has them: one for the program, one for each verb, and for each old name
one that refers to the page of its verb. The pages hold no clock: their date is
that of the version.
`

// manualVerb is the verb manual of the command.
func manualVerb(c *Command) Verb {
	return Verb{
		Name:    "manual",
		Prints:  Always,
		Args:    "[VERB]",
		Summary: "print a manual page, or write all of them to a folder",
		Doc:     manualDoc,
		Files: fmt.Sprintf("  DIR/%[1]s.1       the page of the program\n  DIR/%[1]s-VERB.1  the page of a verb\n"+
			"  DIR/OLDNAME.1     a reference, \".so man1/%[1]s-VERB.1\"", c.Name),
		Example: fmt.Sprintf("%[1]s manual | man -l -\n%[1]s manual %[2]s | man -l -\n%[1]s manual --out /usr/local/share/man/man1", c.Name, c.Verbs[0].Name),
		See:     []string{"man(1)"},
		New: func(fs *pflag.FlagSet) Action {
			o := manualOptions{command: c}
			fs.StringVar(&o.out, "out", "", "write all pages to files of `DIR`, which is made when it is missing")
			Place(fs, "out")
			fs.BoolVar(&o.force, "force", false, "replace files that exist and hold something else")
			return o.run
		},
	}
}

type manualOptions struct {
	command *Command
	out     string
	force   bool
}

func (o *manualOptions) run(_ context.Context, job *Job, args []string) error {
	switch {
	case o.out != "" && len(args) > 0:
		return Usagef("--out writes all pages: VERB is not wanted")
	case len(args) > 1:
		return Usagef("one VERB at most")
	case o.force && o.out == "":
		return Usagef("--force is for --out")
	case o.out != "":
		return o.write(job)
	case len(args) == 0:
		return manual.WriteMan(job.Stdout, o.command.programPage())
	}
	name := args[0]
	if old := o.command.oldName(name); old != nil && o.command.verb(name) == nil {
		name = old.Verb
	}
	verb := o.command.verb(name)
	if verb == nil {
		return Usagef("no verb %q", args[0])
	}
	return manual.WriteMan(job.Stdout, o.command.page(verb))
}

// manualFile is one file of --out.
type manualFile struct {
	name string
	text []byte
}

// manualFiles are the pages of the program, and its old names.
func (c *Command) manualFiles() ([]manualFile, error) {
	var files []manualFile
	for _, p := range c.pages() {
		var text bytes.Buffer
		if err := manual.WriteMan(&text, p); err != nil {
			return nil, err
		}
		files = append(files, manualFile{p.File(), text.Bytes()})
		for _, old := range p.Also {
			link := *p
			link.Name = old
			files = append(files, manualFile{link.File(), []byte(manual.Link(p))})
		}
	}
	return files, nil
}

// write writes the files. One that has its text already stays.
func (o *manualOptions) write(job *Job) error {
	files, err := o.command.manualFiles()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o777); err != nil {
		return err
	}
	var outs []*OutputFile
	for _, f := range files {
		path := filepath.Join(o.out, f.name)
		if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, f.text) {
			continue
		}
		out, err := job.Create(path, o.force)
		if err != nil {
			return err
		}
		if _, err := out.Write(f.text); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		outs = append(outs, out)
	}
	for _, out := range outs {
		if err := out.Commit(); err != nil {
			return err
		}
	}
	job.Count("pages", int64(len(files)))
	job.Output("pages", o.out)
	return nil
}
