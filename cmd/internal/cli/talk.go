package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
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
	for _, file := range []*OutputFile{j.log, j.lines} {
		if file != nil {
			// An error comes again when the file is committed.
			fmt.Fprintf(file, "%s\t%s\t%s\t%s\n", level, kind, where, text)
		}
	}
	switch {
	case listed && !j.json:
	case level == "warning" && !j.json && j.quiet:
	case level == "warning" && j.grouping() && j.grouped.Add(kind, 1) > 1: // told with its group at the end
	case kept:
		j.say(level, kind, where, text)
	case n == MaxLines+1:
		j.tellMore(level, kind)
	}
}

// tellMore tells that the bound of a kind is reached; j.mu is held.
func (j *Job) tellMore(level, kind string) {
	j.say("note", kind, "", fmt.Sprintf("more than %d %ss of kind %s: the rest are counted only%s", MaxLines, level, kind, j.seeLog()))
}

// grouping says whether warnings are told by kind, with the first of a kind as
// its example: on a terminal, which has no room for more.
func (j *Job) grouping() bool { return j.terminal && !j.json && !j.quiet }

// groups tells how many warnings there were of each kind beside its example;
// j.mu is held.
func (j *Job) groups() {
	var more []string
	for _, c := range j.grouped {
		if c.N > 1 {
			more = append(more, fmt.Sprintf("%d of kind %s", c.N-1, c.Name))
		}
	}
	if len(more) > 0 {
		j.say("note", "", "", "more warnings, like those above: "+strings.Join(more, ", ")+j.seeLog())
	}
}

// LogTo writes every problem and warning from now on to the file at path too,
// however many, until commit is called, which puts the file in its place.
// People are told of it by the name shown.
func (j *Job) LogTo(path, shown string) (commit func() error, err error) {
	file, err := j.Create(path, true)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	j.lines, j.linesPath = file, shown
	j.mu.Unlock()
	return func() error {
		j.mu.Lock()
		j.lines = nil
		j.mu.Unlock()
		return file.Commit()
	}, nil
}

// LogAgain writes the lines of a report to the file of LogTo, which was not
// there when they were told.
func (j *Job) LogAgain(r Report) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, told := range []struct {
		level string
		lines []Line
	}{{"problem", r.Problems.Items}, {"warning", r.Warnings.Items}} {
		for _, l := range told.lines {
			// An error comes again when the file is committed.
			fmt.Fprintf(j.lines, "%s\t%s\t%s\t%s\n", told.level, l.Kind, l.Where, l.Text)
		}
	}
}

// Counting reports whether further problems, or warnings, of a kind are counted
// only: nothing prints or keeps their text.
func (j *Job) Counting(problem bool, kind string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.log == nil && j.lines == nil && j.told(problem).Kinds.Get(kind) > MaxLines
}

// Counted counts one more of a kind that Counting is true of.
func (j *Job) Counted(problem bool, kind string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.told(problem)
	lines.Total++
	lines.Kinds.Add(kind, 1)
}

// told are the lines of the problems, or of the warnings; j.mu is held.
func (j *Job) told(problem bool) *Lines {
	if problem {
		return &j.report.Problems
	}
	return &j.report.Warnings
}

// seeLog says where all the lines are; j.mu is held.
func (j *Job) seeLog() string {
	if path := cmp.Or(j.logPath, j.linesPath); path != "" {
		return "; " + path + " has them all"
	}
	return "; --log FILE writes them all"
}

// Note says something of interest; silent with --quiet.
func (j *Job) Note(text string) { j.talk("note", text) }

// Hint gives advice; silent with --quiet.
func (j *Job) Hint(text string) { j.talk("hint", text) }

// hintOn is a hint for the end of a run that has told of a problem of a kind.
type hintOn struct{ kind, text string }

// HintOn has a hint given at the end where a problem of a kind has been told,
// such as which option raises a limit: the formats do not know the options.
func (j *Job) HintOn(kind, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.hintsOn = append(j.hintsOn, hintOn{kind, text})
}

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

func (j *Job) sayError(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		text = "interrupted"
	case errors.Is(err, syscall.EPIPE):
		text = "the reader of the output has gone: " + text
	}
	j.say("error", "", "", text)
	var hinted *hintedError
	switch {
	case errors.As(err, &hinted):
		j.say("hint", "", "", hinted.hint)
	case roomForTemporary(err) != "":
		j.say("hint", "", "", roomForTemporary(err))
	case roomFor(err) != "":
		j.say("hint", "", "", strings.TrimSuffix(roomFor(err)+"; "+j.again, "; "))
	case rightFor(err) != "":
		j.say("hint", "", "", rightFor(err))
	}
	var usage *usageError
	if errors.As(err, &usage) {
		j.say("hint", "", "", fmt.Sprintf("%s %s --help is the manual page", j.command, j.verb))
	}
}

// roomFor says what to do where the place of an output takes no more; "" is no
// such error.
func roomFor(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "make room there: df tells of bytes, df -i of files"
	case errors.Is(err, syscall.EDQUOT):
		return "make room there, or have the quota of the user or group raised"
	case errors.Is(err, syscall.EFBIG):
		return "let files be larger there: ulimit -f says how large they may be, unless the file system does"
	}
	return ""
}

// rightFor says what to do where the system refuses a path, or cannot reach it;
// "" is no such error.
func rightFor(err error) string {
	switch {
	case errors.Is(err, syscall.EROFS):
		return "the file system there is read-only: name another place, or mount it anew"
	case errors.Is(err, fs.ErrPermission):
		return "look at the owner and mode of that path and of the folders above it (ls -ld): whoever runs this needs the right"
	case errors.Is(err, syscall.EIO):
		return "the disk, or the way to it, fails: the system's log (dmesg) says more"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "let the process have more open files (ulimit -n)"
	}
	return ""
}

// summary tells the counts in one line, or in one object with --json. With
// --quiet only what was silenced is told.
func (j *Job) summary(r Report, usage bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.json:
		j.sayJSON(struct {
			Type string `json:"type"`
			Report
		}{"summary", r})
	case usage:
	case j.quiet:
		if r.Warnings.Total > 0 {
			j.say("note", "", "", "warnings silenced by --quiet: "+r.Warnings.kinds())
		}
	default:
		j.groups()
		if text := r.line(); text != "" {
			j.meter.clear()
			fmt.Fprintf(j.stderr, "%s: %s: %s\n", j.command, r.Result, text)
		}
	}
}

// Counted is a number and what there is of it, "1 user" or "2 users".
func Counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
