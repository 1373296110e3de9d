package main

import (
	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/oldnames"
)

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
		AlsoCalled: []cli.OldName{ // storeconv has their links and pages
			{Name: "reconstruct", Verb: "quota", Translate: oldnames.Reconstruct},
			{Name: "iminitquota", Verb: "quota", Translate: oldnames.InitQuota},
		},
	}
}
