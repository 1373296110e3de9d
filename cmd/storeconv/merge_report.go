package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/shards/merge"
)

// shardTold is what the report of a merge tells of one part.
type shardTold struct {
	Index    int        `json:"index"`
	Count    int        `json:"count"`
	Part     string     `json:"part"` // the store that it was made in
	Exit     int        `json:"exit"`
	Start    *time.Time `json:"start,omitempty"`
	End      *time.Time `json:"end,omitempty"`
	Runs     int        `json:"runs"` // that ended with 0 or 3; start and end are of the last
	Counts   cli.Counts `json:"counts"`
	Problems int64      `json:"problems"`
}

// copiesCount is what restore calls links that became files of their own.
const copiesCount = "copies for links"

// thereCount is what restore calls messages that were there before the run.
// They are in none of its other counts.
const thereCount = "already there"

// repeatedCount is what it calls messages that it has had already, in an
// earlier stream most of the time. They too are in no other count.
const repeatedCount = "repeated"

// sums says how the counts of the runs of a part become those of the part.
type sums struct {
	made  []string // what each run has made: it is added up
	there string   // of these, what the next run finds as already there
}

// sumsOf are the rules by the verb's command. All counts that they do not name
// are of the source, or of the store as it is in the end, as the last run saw
// them.
var sumsOf = map[string]sums{
	"storeconv restore": {
		made:  []string{"messages", "bytes", "links", copiesCount, "flags updated", "put back", "messages with bare LF"},
		there: "messages",
	},
	"storeconv relocate": {made: []string{"placed", "completed", "bytes copied"}, there: "placed"},
}

// ofAllRuns are the counts of a part, of the last run's and of those of the
// runs before that had done their work. Where the last one has not found what
// they had made, somebody has removed it, or the options had it made a second
// time: then nobody can tell how much of it there is, and its own are all;
// known is false.
func ofAllRuns(command string, last cli.Counts, before merge.Earlier) (all cli.Counts, known bool) {
	rules := sumsOf[command]
	there := before.Counts[rules.there]
	if there == 0 {
		return last, true
	}
	if there > last.Get(thereCount) {
		return last, false
	}
	all = slices.Clone(last)
	for _, name := range rules.made {
		if n := before.Counts[name]; n > 0 {
			all.Add(name, n)
		}
	}
	all.Add(thereCount, -there)
	return slices.DeleteFunc(all, func(c cli.Count) bool { return c.Name == thereCount && c.N == 0 }), true
}

// joinReports takes the reports of all parts into that of the merge, one after
// the other, and returns how many links became copies.
func joinReports(job *cli.Job, records []merge.Record) (copies int64, err error) {
	told := []shardTold{}
	var again []int
	for i := range records {
		text, err := os.ReadFile(records[i].Path)
		if err != nil {
			return 0, err
		}
		r, about, err := cli.ParseReport(text)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", records[i].Path, err)
		}
		var known bool
		r.Counts, known = ofAllRuns(r.Command, r.Counts, records[i].Earlier)
		s := shardTold{
			Index: records[i].Shard.Index, Count: records[i].Shard.Count, Part: records[i].Store, Exit: r.Exit,
			Runs: max(0, records[i].Earlier.Runs) + 1, Counts: r.Counts, Problems: r.Problems.Total,
		}
		if !about.Start.IsZero() {
			s.Start, s.End = &about.Start, &about.End
		}
		told = append(told, s)
		job.Adopt(r)
		if r.Exit == cli.ExitLost && r.Problems.Total == 0 {
			job.Problem("shard", records[i].Path, "the run ended with losses, and its record lists none")
		}
		for _, c := range r.Counts {
			job.Detail(c.Name, c.N)
		}
		copies += r.Counts.Get(copiesCount)
		if !known || strings.HasSuffix(r.Command, " restore") && r.Counts.Get(thereCount) > 0 {
			again = append(again, records[i].Shard.Index)
		}
	}
	if len(again) > 0 {
		job.Warning("counted-before", "shard "+merge.PartNumbers(again, records[0].Shard.Count),
			fmt.Sprintf("messages of a run that was killed, or of another source, were there, or what a run had made was made once more: the counts are of the last run alone, and what it found is %q in them", thereCount))
	}
	job.Data(struct {
		Shards []shardTold `json:"shards"`
	}{told})
	return copies, nil
}
