package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// translation turns the command line of an old program into that of a verb.
type translation = func(args []string, note func(string)) ([]string, error)

// replacing lets an old program write over its output, as it always did.
func replacing(next translation) translation {
	return func(args []string, note func(string)) ([]string, error) {
		out, err := next(args, note)
		return append([]string{"--force"}, out...), err
	}
}

// storeVariable names the store for the old commands, which knew theirs from
// the server's configuration.
const storeVariable = "IMSCONV_STORE"

// theStore is the store of a command line that names none.
func theStore(note func(string)) string {
	dir := os.Getenv(storeVariable)
	if dir == "" {
		dir = "store"
		note("the store is ./store; set " + storeVariable + " or --store for another")
	}
	return dir
}

// oldStore takes the command line of an old program as it stands: it adds the
// store, and passes over the options in idle.
func oldStore(idle ...string) translation {
	return func(args []string, note func(string)) ([]string, error) {
		out := make([]string, 0, len(args)+2)
		named := false
		for _, a := range args {
			if slices.Contains(idle, a) {
				note("option " + a + " is accepted and does nothing here")
				continue
			}
			named = named || a == "--store" || strings.HasPrefix(a, "--store=")
			out = append(out, a)
		}
		if named {
			return out, nil
		}
		return append([]string{"--store", theStore(note)}, out...), nil
	}
}

// withHeader gives -h the meaning that it had for a program that reads a
// stream: its header. In other verbs it is help.
func withHeader(next translation) translation {
	return func(args []string, note func(string)) ([]string, error) {
		known := pflag.NewFlagSet("", pflag.ContinueOnError)
		new(restoreFlags).add(known)
		return next(spellHeader(known, args), note)
	}
}

// spellHeader writes --header for -h, which may stand in a group of letters, as
// in -hf STREAM, and is left alone where it is the value of an option.
func spellHeader(known *pflag.FlagSet, args []string) (out []string) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			return append(append(out, arg), args...)
		}
		letters, header, valued := spellLetters(known, arg)
		if header {
			out = append(out, "--header")
		}
		if letters != "-" || arg == "-" {
			out = append(out, letters)
		}
		if valued && len(args) > 0 {
			out, args = append(out, args[0]), args[1:]
		}
	}
	return out
}

// spellLetters takes the h out of a group of letters; valued says that the word
// behind is a value.
func spellLetters(known *pflag.FlagSet, arg string) (letters string, header, valued bool) {
	if name, ok := strings.CutPrefix(arg, "--"); ok {
		f := known.Lookup(name)
		return arg, false, f != nil && f.NoOptDefVal == ""
	}
	if len(arg) < 2 || arg[0] != '-' {
		return arg, false, false
	}
	letters = "-"
	for i := 1; i < len(arg); i++ {
		f := known.ShorthandLookup(arg[i : i+1])
		switch {
		case arg[i] == 'h':
			header = true
			continue
		case f != nil && f.NoOptDefVal == "":
			return letters + arg[i:], header, i+1 == len(arg)
		}
		letters += arg[i : i+1]
	}
	return letters, header, false
}

// oldBackup takes the command line of imbackup, which read a SIMS store: -f,
// -d, -b and -u mean the same, -a and -l served its tapes, and -n simulated.
func oldBackup(args []string, note func(string)) ([]string, error) {
	note("a store of SIMS cannot be read here: this backs up an iMS store; streams that imbackup wrote are read by storeconv restore")
	var out []string
	simulated := false
	for i := 0; i < len(args); i++ {
		switch a := args[i]; a {
		case "-n":
			simulated = true
		case "-l": // the file of a tape library
			note("option -l is accepted and does nothing here")
			i++
		default:
			out = append(out, a)
		}
	}
	if simulated {
		note("-n: the stream is read together and thrown away")
		out = append([]string{"-f", os.DevNull}, out...)
	}
	return oldStore("-a")(out, note)
}

// oldCheck takes imcheck -m MAILBOX; its other forms are told the verbs that do
// their work.
func oldCheck(args []string, note func(string)) ([]string, error) {
	var mailboxes, rest []string
	store := ""
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "-m" && i+1 < len(args):
			i++
			mailboxes = append(mailboxes, args[i])
		case a == "--store" && i+1 < len(args):
			i++
			store = args[i]
		case strings.HasPrefix(a, "--store="):
			store = strings.TrimPrefix(a, "--store=")
		case a == "-d":
			return nil, errors.New("-d prints a database: dbconv dump -p STORE/mboxlist/FILE")
		case a == "--help" || a == "-h":
			return []string{"--help"}, nil
		default:
			rest = append(rest, a)
		}
	}
	if mailboxes == nil || rest != nil {
		return nil, fmt.Errorf("only -m MAILBOX is taken here, which is storeconv inspect STORE MAILBOX; a whole store is checked by storeconv verify STORE")
	}
	if store == "" {
		store = theStore(note)
	}
	return append([]string{store}, mailboxes...), nil
}
