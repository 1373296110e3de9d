package cli

import (
	"encoding/json"
	"fmt"
)

// Problem tells of something refused, unreadable or lost; the exit status
// becomes 3. kind is a short word for the class, where the position.
func (j *Job) Problem(kind, where, text string) {
	j.tell("problem", &j.report.Problems, kind, where, text, false)
}

// Listed is Problem for what the verb's own output lists already: standard
// error has the line with --json only.
func (j *Job) Listed(kind, where, text string) {
	j.tell("problem", &j.report.Problems, kind, where, text, true)
}

// Warning tells of something that an administrator should look at and that
// loses nothing beyond what a documented rule says.
func (j *Job) Warning(kind, where, text string) {
	j.tell("warning", &j.report.Warnings, kind, where, text, false)
}

func (j *Job) tell(level string, lines *Lines, kind, where, text string, listed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	kept := lines.add(Line{kind, where, text})
	n := lines.Kinds.Get(kind)
	if j.log != nil {
		// An error comes again when the file is committed.
		fmt.Fprintf(j.log, "%s\t%s\t%s\t%s\n", level, kind, where, text)
	}
	switch {
	case listed && !j.json:
	case level == "warning" && !j.json && j.quiet:
	case level == "warning" && !j.json && j.terminal && n > groupedLines:
		if n == groupedLines+1 {
			j.say("note", kind, "", fmt.Sprintf("more warnings of kind %s are counted only%s", kind, j.seeLog()))
		}
	case kept:
		j.say(level, kind, where, text)
	case n == MaxLines+1:
		j.say("note", kind, "", fmt.Sprintf("more than %d %ss of kind %s: the rest are counted only%s", MaxLines, level, kind, j.seeLog()))
	}
}

// Counting reports whether further problems, or warnings, of a kind are counted
// only: nothing prints or keeps their text.
func (j *Job) Counting(problem bool, kind string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.log == nil && j.lines(problem).Kinds.Get(kind) > MaxLines
}

// Counted counts one more of a kind that Counting is true of.
func (j *Job) Counted(problem bool, kind string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines(problem)
	lines.Total++
	lines.Kinds.Add(kind, 1)
}

// lines are those of the problems, or of the warnings; j.mu is held.
func (j *Job) lines(problem bool) *Lines {
	if problem {
		return &j.report.Problems
	}
	return &j.report.Warnings
}

// groupedLines is how many warnings of one kind a terminal shows.
const groupedLines = 5

// seeLog says where all the lines are; j.mu is held.
func (j *Job) seeLog() string {
	if j.log != nil {
		return "; " + j.logPath + " has them all"
	}
	return "; --log FILE writes them all"
}

// Note says something of interest; silent with --quiet.
func (j *Job) Note(text string) { j.talk("note", text) }

// Hint gives advice; silent with --quiet.
func (j *Job) Hint(text string) { j.talk("hint", text) }

func (j *Job) talk(level, text string) {
	if j.quiet {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.say(level, "", "", text)
}

// talkLine is the JSON form of a line of talk.
type talkLine struct {
	Type  string `json:"type"`
	Kind  string `json:"kind,omitempty"`
	Where string `json:"where,omitempty"`
	Text  string `json:"text"`
}

// say writes one line of talk; j.mu is held. An error of standard error has
// nowhere to go.
func (j *Job) say(level, kind, where, text string) {
	if j.json {
		j.sayJSON(talkLine{level, kind, where, text})
		return
	}
	j.meter.clear()
	if where != "" {
		text = where + ": " + text
	}
	if level == "problem" || level == "warning" {
		text += " [" + kind + "]"
	}
	fmt.Fprintf(j.stderr, "%s: %s: %s\n", j.command, level, text)
}

func (j *Job) sayJSON(v any) {
	line, err := json.Marshal(v)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	j.stderr.Write(append(line, '\n'))
}
