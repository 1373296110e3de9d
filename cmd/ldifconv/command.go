package main

import "imsconv/cmd/internal/cli"

func command() cli.Command {
	return cli.Command{
		Name:    "ldifconv",
		Memory:  64 << 20,
		Heap:    36 << 20,
		Summary: "upgrades directory exports of SIMS 4.0 and NMS 4.x to iMS 5.x, offline, file to file",
		Doc:     commandDoc, Files: commandFiles, Example: commandExample, See: commandSee,
		Verbs: []cli.Verb{upgradeVerb(), classifyVerb(), rulesVerb(), checkVerb(), diffVerb(), schemaVerb(), daaciVerb(), usersVerb()},
		OldNames: []cli.OldName{
			{Name: "imsdirmig", Verb: "upgrade", Translate: oldMigration},
			{Name: "imsdaaci", Verb: "daaci"},
		},
	}
}
