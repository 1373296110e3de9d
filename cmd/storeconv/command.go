package main

import (
	"os"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
)

// command is the table of storeconv's verbs and of the old names that it answers to.
func command() cli.Command {
	return cli.Command{
		Name:    "storeconv",
		Memory:  256 << 20,
		Heap:    200 << 20,
		Summary: "converts message stores: SIMS backup streams and NMS stores become stores of an iPlanet Messaging Server 5.x",
		Verbs: []cli.Verb{
			restoreVerb(), relocateVerb(), listVerb(), verifyVerb(), inspectVerb(), backupVerb(), hashdirVerb(),
		},
		OldNames: []cli.OldName{
			{Name: "imsrestore", Verb: "restore", Translate: oldStore("-g", "-s", "-D", "-S", "-x")},
			{Name: "imrestore", Verb: "restore", Translate: oldStore("-g", "-s", "-D", "-S", "-x")},
			{Name: "imsbackup", Verb: "backup", Translate: replacing(oldStore("-g", "-l", "-x"))},
			{Name: "hashdir", Verb: "hashdir"},
		},
	}
}

// replacing lets an old program write over its output, as it always did.
func replacing(next func([]string, func(string)) ([]string, error)) func([]string, func(string)) ([]string, error) {
	return func(args []string, note func(string)) ([]string, error) {
		out, err := next(args, note)
		return append([]string{"--force"}, out...), err
	}
}

// storeVariable names the store for the old commands, which knew theirs from the server's configuration.
const storeVariable = "IMSCONV_STORE"

// oldStore takes the command line of an old program as it stands: it adds the store, and passes over the options in idle.
func oldStore(idle ...string) func(args []string, note func(string)) ([]string, error) {
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
		dir := os.Getenv(storeVariable)
		if dir == "" {
			dir = "store"
			note("the store is ./store; set " + storeVariable + " or --store for another")
		}
		return append([]string{"--store", dir}, out...), nil
	}
}
