package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
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
			if a == "-h" { // the old tools' letter; here it is help
				a = "--header"
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
		case a == "--help":
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

// oldReconstruct tells what does the work of reconstruct.
func oldReconstruct(args []string, _ func(string)) ([]string, error) {
	switch {
	case slices.Contains(args, "--help"):
		return []string{"--help"}, nil
	case slices.Contains(args, "-q"):
		return nil, errors.New("-q is dbconv's work: " + requota + "; storeconv restore and relocate --requota count the usage as they write")
	case slices.Contains(args, "-m"):
		return nil, errors.New("-m is the new server's work; storeconv verify STORE lists where mboxlist and the mailboxes differ, relocate --add-missing writes the records that are missing")
	}
	return nil, errors.New("indexes are made anew by the new server's own reconstruct -r -f; storeconv verify STORE lists what is wrong with those that are there")
}

// oldQuota tells what does the work of iminitquota.
func oldQuota(args []string, _ func(string)) ([]string, error) {
	if slices.Contains(args, "--help") {
		return []string{"--help"}, nil
	}
	return nil, errors.New("this is dbconv's work: " + requota)
}

// requota is the command that counts the usage of a store anew and takes the
// limits of the upgraded directory.
const requota = "dbconv quota STORE/mboxlist/quota.db NEW --requota --usage STORE --limits UPGRADED.LDIF makes a new quota.db"
