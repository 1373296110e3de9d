package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/storeconv/bench"
)

// results are all that a run has measured, as results.json has them.
type results struct {
	Date     string            `json:"date"`
	Command  string            `json:"command"`
	Size     size              `json:"size"`
	Machine  bench.Machine     `json:"machine"`
	Go       string            `json:"go"`
	Versions map[string]string `json:"versions"`
	Missing  []string          `json:"missing"` // peers that were not found
	Floor    int64             `json:"floor_bytes"`
	Tasks    []taskResult      `json:"tasks"`
	Bench    []float64         `json:"bench_messages_per_s"` // what storeconv bench said of the stream of restore, a round each
	Goals    []goalResult      `json:"goals"`
	Profiles []profileResult   `json:"profiles"` // of goals that are not reached
}

// taskResult is a task with its contenders.
type taskResult struct {
	Name       string            `json:"name"`
	Title      string            `json:"title"`
	Unit       string            `json:"unit"`
	Items      int64             `json:"items"`
	Bytes      int64             `json:"bytes"`
	Note       string            `json:"note"`
	Contenders []contenderResult `json:"contenders"`
	Left       []string          `json:"left_out,omitempty"` // sizes that there was no room for
}

// contenderResult is what a program took for a task.
type contenderResult struct {
	Name   string  `json:"name"`
	Role   string  `json:"role"`
	Does   string  `json:"does"`
	Series string  `json:"series,omitempty"`
	X      float64 `json:"x,omitempty"`
	Summary
}

// noteBench takes over what storeconv bench has said of the restore.
func (s *suite) noteBench(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var rep bench.Report
	if err := json.Unmarshal(data, &rep); err != nil {
		return err
	}
	if len(rep.Rows) != 1 || rep.Rows[0].MessagesPerS <= 0 {
		return fmt.Errorf("storeconv bench has %d rows", len(rep.Rows))
	}
	s.res.Bench = append(s.res.Bench, rep.Rows[0].MessagesPerS)
	return nil
}

// finish adds what is known at the end.
func (r *results) finish(s *suite) {
	r.Versions = versions()
	r.Missing = slices.Sorted(maps.Keys(s.missing))
	r.Goals = goalsOf(r)
}

// versions asks the programs for theirs.
func versions() map[string]string {
	out := make(map[string]string)
	for name, argv := range map[string][]string{
		"OpenLDAP": {"ldapmodify", "-VV"}, "Berkeley DB": {"db5.3_dump", "-V"}, "GNU tar": {"tar", "--version"}, "bsdtar": {"bsdtar", "--version"},
		"coreutils": {"cp", "--version"}, "rsync": {"rsync", "--version"}, "perl": {"perl", "-e", "print $^V"}, "fs_mark": {"fs_mark", "-h"},
	} {
		text, _ := exec.Command(argv[0], argv[1:]...).CombinedOutput() // some exit with an error though they answer
		line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
		if line = strings.TrimSpace(strings.NewReplacer("@(#)", "", "$", "").Replace(line)); line != "" && !strings.Contains(line, "not found") {
			out[name] = line
		}
	}
	for name, pkg := range map[string]string{"postmark": "postmark", "fs_mark": "fsmark", "Net::LDAP": "libnet-ldap-perl", "python-ldap": "python3-ldap", "Dovecot": "dovecot-core"} {
		if text, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", pkg).Output(); err == nil && len(text) > 0 {
			out[name] = string(text)
		}
	}
	return out
}

// Names of what is written.
const (
	resultsFile = "RESULTS.md"
	jsonFile    = "results.json"
	plotsDir    = "plots"
	notesFile   = "notes.md" // written by hand, taken into RESULTS.md
)

// write writes the results to a directory; "" only checks that they can be
// written.
func (r *results) write(dir string) error {
	check := dir == ""
	if check {
		temp, err := os.MkdirTemp("", "imsconv-compare-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		dir = temp
	}
	notes, err := os.ReadFile(filepath.Join(dir, notesFile))
	if err != nil && !check {
		return err
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	plots, err := r.plot(filepath.Join(dir, plotsDir))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, jsonFile), append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, resultsFile), []byte(r.markdown(plots, string(notes))), 0o644)
}

// task is a task by its name; nil when it was not measured.
func (r *results) task(name string) *taskResult {
	for i := range r.Tasks {
		if r.Tasks[i].Name == name {
			return &r.Tasks[i]
		}
	}
	return nil
}

// contender is a contender by its name; nil when there is none.
func (t *taskResult) contender(name string) *contenderResult {
	if t == nil {
		return nil
	}
	for i := range t.Contenders {
		if t.Contenders[i].Name == name {
			return &t.Contenders[i]
		}
	}
	return nil
}

// role is the first contender in a role; nil when there is none.
func (t *taskResult) role(role string) *contenderResult {
	if t == nil {
		return nil
	}
	for i := range t.Contenders {
		if t.Contenders[i].Role == role {
			return &t.Contenders[i]
		}
	}
	return nil
}
