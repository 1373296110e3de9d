package main

import "imsconv/cmd/internal/cli"

func command() cli.Command {
	return cli.Command{
		Name:    "siteconv",
		Memory:  256 << 20,
		Heap:    200 << 20,
		Summary: "converts a SIMS 4.0 or NMS 4.x site to iMS 5.x, offline, file to file",
		Doc:     commandDoc, Files: commandFiles, Example: commandExample, See: commandSee,
		Verbs: []cli.Verb{initVerb(), planVerb(), runVerb(), statusVerb(), reportVerb()},
	}
}
