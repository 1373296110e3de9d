package outdir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/inputs"
)

// StateName is the file in the output folder that says whose output it is.
const StateName = ".siteconv.json"

// State is what a run leaves so that a later one knows whether it is the same:
// it holds no clock and no path of the machine.
type State struct {
	Scenario string            `json:"scenario"`
	Inputs   []inputs.Input    `json:"inputs"`
	Options  map[string]string `json:"options"`
	Finished bool              `json:"finished"`
	// Done are the steps that need not be done again after an interruption. What
	// they told is in report.steps.json.
	Done []string `json:"done,omitempty"`
}

// Same says whether two runs are of the same inputs and options.
func (s State) Same(t State) bool {
	return s.Scenario == t.Scenario && maps.Equal(s.Options, t.Options) &&
		slices.EqualFunc(s.Inputs, t.Inputs, func(a, b inputs.Input) bool {
			return a.Role == b.Role && a.Bytes == b.Bytes && a.SHA256 == b.SHA256
		})
}

// ReadState returns the state of an output folder, nil when it has none.
func ReadState(out string) (*State, error) {
	data, err := os.ReadFile(filepath.Join(out, StateName))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var s State
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, Damaged(filepath.Join(out, StateName), err)
	}
	return &s, nil
}

// Damaged is the error of a file of the output folder that is not as a run has
// written it.
func Damaged(path string, err error) error {
	return cli.WithHint(fmt.Errorf("%s: %w", path, err), "the file is cut or changed: put it back from a backup of the output folder, or begin in a new one (--out)")
}

// Write keeps it in the output folder.
func (s State) Write(job *cli.Job, out string) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(job, filepath.Join(out, StateName), func(w *cli.OutputFile) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

// WriteFile writes one file of the output folder durably.
func WriteFile(job *cli.Job, path string, fill func(w *cli.OutputFile) error) error {
	w, err := job.Create(path, true)
	if err != nil {
		return err
	}
	return filled(w, fill)
}

// WritePublic is WriteFile for a file that has nothing of the inputs in it.
func WritePublic(job *cli.Job, path string, fill func(w *cli.OutputFile) error) error {
	w, err := job.CreatePublic(path, true)
	if err != nil {
		return err
	}
	return filled(w, fill)
}

func filled(w *cli.OutputFile, fill func(w *cli.OutputFile) error) error {
	defer w.Abort()
	if err := fill(w); err != nil {
		return err
	}
	return w.Commit()
}

// Difference says in what two runs differ.
func Difference(have, want State) string {
	if have.Scenario != want.Scenario {
		return fmt.Sprintf("scenario %s, not %s", have.Scenario, want.Scenario)
	}
	for i, in := range want.Inputs {
		switch {
		case i < len(have.Inputs) && have.Inputs[i].SHA256 == in.SHA256 && have.Inputs[i].Role == in.Role:
		case i < len(have.Inputs) && have.Inputs[i].Unreadable > in.Unreadable:
			return fmt.Sprintf("another %s than %s: not all of it could be read then, and more can be now", in.Role, in.Path)
		default:
			return fmt.Sprintf("another %s than %s", in.Role, in.Path)
		}
	}
	// Either may have options of site.toml that the other has not.
	all := maps.Clone(have.Options)
	maps.Copy(all, want.Options)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		switch {
		case have.Options[name] == want.Options[name]:
		case name == "no-verify":
			return "one that left its verification out, or did not: storeconv verify does that alone"
		default:
			return fmt.Sprintf("%s %q, not %q", optionNamed(name), have.Options[name], want.Options[name])
		}
	}
	return "other inputs"
}

// optionNamed is an option as whoever runs the program has given it: those of
// other verbs are keys of site.toml.
func optionNamed(name string) string {
	if strings.Contains(name, ".") {
		return name + " of site.toml"
	}
	return "--" + name
}
