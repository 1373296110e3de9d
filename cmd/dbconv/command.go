package main

import "imsconv/cmd/internal/cli"

func command() cli.Command {
	return cli.Command{
		Name:    "dbconv",
		Summary: "reads, converts, checks and rescues Berkeley DB files of releases 1.85 to 5.3",
		Doc:     commandDoc, Files: commandFiles, Example: commandExample, See: commandSee,
		Memory: 64 << 20,
		Heap:   48 << 20,
		Verbs: []cli.Verb{
			convertVerb(), dumpVerb(), loadVerb(),
			verifyVerb(), salvageVerb(), statVerb(),
			folderVerb(), quotaVerb(), mboxlistVerb(),
		},
	}
}
