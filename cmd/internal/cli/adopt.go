package cli

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
)

// Adopt takes what another run has told into this run's report: all of it is
// counted, and as much of it kept as of this run's own. A line that an adopted
// run before has told in the same words is of the same thing, which both have
// met, and counts once. Of its problems each line is told, since they give this
// run its exit status; its warnings are in the report and in --log.
func (j *Job) Adopt(r Report) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.adopted == nil {
		j.adopted, j.adoptSeed = make(map[uint64]struct{}), maphash.MakeSeed()
	}
	fresh := make(map[uint64]struct{})
	j.adopt("problem", &j.report.Problems, &r.Problems, fresh)
	j.adopt("warning", &j.report.Warnings, &r.Warnings, fresh)
	maps.Copy(j.adopted, fresh)
}

// adopt adds other to lines and the sums of what it adds to fresh; j.mu is
// held.
func (j *Job) adopt(level string, lines, other *Lines, fresh map[uint64]struct{}) {
	listed := Counts{}
	for _, l := range other.Items {
		listed.Add(l.Kind, 1)
		sum := maphash.String(j.adoptSeed, level+"\x00"+l.Kind+"\x00"+l.Where+"\x00"+l.Text)
		if _, met := j.adopted[sum]; met {
			continue
		}
		fresh[sum] = struct{}{}
		kept := lines.add(l)
		switch n := lines.Kinds.Get(l.Kind); {
		case level != "problem":
		case kept:
			j.say(level, l.Kind, l.Where, l.Text)
		case n == MaxLines+1:
			j.tellMore(level, l.Kind)
		}
		for _, file := range []*OutputFile{j.log, j.lines} {
			if file != nil {
				// An error comes again when the file is committed.
				fmt.Fprintf(file, "%s\t%s\t%s\t%s\n", level, l.Kind, l.Where, l.Text)
			}
		}
	}
	for _, c := range other.Kinds {
		if rest := c.N - listed.Get(c.Name); rest > 0 {
			lines.Total += rest
			lines.Kinds.Add(c.Name, rest)
			if level == "problem" {
				j.say("note", c.Name, "", fmt.Sprintf("%d more %ss of kind %s, which the report that counts them does not list", rest, level, c.Name))
			}
		}
	}
}

// Recall takes over the report of an earlier run, or of an earlier part of this
// one, for a run that finds its work done. What this run has told itself
// before, and the other has not in the same words, stays, and is returned.
func (j *Job) Recall(r Report) (own Report) {
	j.mu.Lock()
	defer j.mu.Unlock()
	before := j.report
	j.report = r.clone() // the caller's is written again, as it was
	own.Problems = j.report.Problems.addMissing(&before.Problems)
	own.Warnings = j.report.Warnings.addMissing(&before.Warnings)
	return own
}

// clone is a report that can be added to without a change of the other.
func (r Report) clone() Report {
	r.Counts, r.Details = slices.Clone(r.Counts), slices.Clone(r.Details)
	r.Outputs, r.Next = slices.Clone(r.Outputs), slices.Clone(r.Next)
	for _, ls := range []*Lines{&r.Problems, &r.Warnings} {
		ls.Kinds, ls.Items = slices.Clone(ls.Kinds), slices.Clone(ls.Items)
	}
	return r
}

// addMissing adds the lines of other that ls does not have, and returns them.
func (ls *Lines) addMissing(other *Lines) (added Lines) {
	have := make(map[Line]bool)
	for _, l := range ls.Items {
		have[l] = true
	}
	for _, l := range other.Items {
		if !have[l] {
			ls.add(l)
			added.add(l)
		}
	}
	return added
}
