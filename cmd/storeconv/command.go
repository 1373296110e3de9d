package main

import (
	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/oldnames"
)

// command is the table of storeconv's verbs and of the old names that it
// answers to.
func command() cli.Command {
	return cli.Command{
		Name:    "storeconv",
		Memory:  256 << 20,
		Heap:    200 << 20,
		Summary: "converts message stores: SIMS backup streams and NMS stores become stores of an iPlanet Messaging Server 5.x",
		Doc:     commandDoc, Environment: commandEnvironment, Files: commandFiles, Example: commandExample, See: commandSee,
		Verbs: []cli.Verb{
			restoreVerb(), relocateVerb(), listVerb(), verifyVerb(), inspectVerb(), backupVerb(), exportVerb(), planShardsVerb(), mergeVerb(), hashdirVerb(), benchVerb(),
		},
		OldNames: []cli.OldName{
			{Name: "imsrestore", Verb: "restore", Translate: withHeader(oldStore("-g", "-s", "-D", "-S", "-x"))},
			{Name: "imrestore", Verb: "restore", Translate: withHeader(oldStore("-g", "-s", "-D", "-S", "-x"))},
			{Name: "imsbackup", Verb: "backup", Translate: replacing(oldStore("-g", "-l", "-x"))},
			{Name: "imbackup", Verb: "backup", Translate: replacing(oldBackup)},
			{Name: "hashdir", Verb: "hashdir"},
			{Name: "imcheck", Verb: "inspect", Translate: oldCheck, Options: []string{"-m", "--store", "--help"}},
			{Name: "reconstruct", Verb: "verify", Translate: oldnames.Reconstruct, Options: []string{"--help"}},
			{Name: "iminitquota", Verb: "verify", Translate: oldnames.InitQuota, Options: []string{"--help"}},
		},
	}
}
