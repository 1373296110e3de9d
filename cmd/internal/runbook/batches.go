package runbook

import "fmt"

// usersABatch is how many users a batch has at most, where the plan chooses: as
// many as one night has time for, and one help desk answers the next morning.
const usersABatch = 1500

// mostBatches is how many batches the plan proposes at most.
const mostBatches = 24

// batch is a part of the users who move together.
type batch struct {
	name   string
	pilot  bool
	choice string // options of siteconv run that say who they are, as shell text
}

// batches are the pilot batch and those behind it.
func batches(in Input) []batch {
	n := in.Batches
	if n <= 0 {
		n = int(min(mostBatches, max(1, (in.Facts.Users+usersABatch-1)/usersABatch)))
	}
	out := []batch{{name: "pilot", pilot: true, choice: "--users " + words("", in.Folder+"/pilot.txt")}}
	for i := range n {
		out = append(out, batch{name: fmt.Sprintf("b%02d", i+1), choice: fmt.Sprintf("--split %d --part %d", n, i+1)})
	}
	return out
}
