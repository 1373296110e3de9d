package main

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

	"golang.org/x/sys/unix"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/ledger"
	"imsconv/cmd/siteconv/internal/inputs"
)

// stateName is the file in the output folder that says whose output it is.
const stateName = ".siteconv.json"

// state is what a run leaves so that a later one knows whether it is the same:
// it holds no clock and no path of the machine.
type state struct {
	Scenario string            `json:"scenario"`
	Inputs   []inputs.Input    `json:"inputs"`
	Options  map[string]string `json:"options"`
	Finished bool              `json:"finished"`
	// Done are the steps that need not be done again after an interruption. What
	// they told is in report.steps.json.
	Done []string `json:"done,omitempty"`
}

func (s state) same(t state) bool {
	return s.Scenario == t.Scenario && maps.Equal(s.Options, t.Options) &&
		slices.EqualFunc(s.Inputs, t.Inputs, func(a, b inputs.Input) bool {
			return a.Role == b.Role && a.Bytes == b.Bytes && a.SHA256 == b.SHA256
		})
}

// readState returns the state of an output folder, nil when it has none.
func readState(out string) (*state, error) {
	data, err := os.ReadFile(filepath.Join(out, stateName))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(out, stateName), err)
	}
	return &s, nil
}

func (s state) write(job *cli.Job, out string) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(job, filepath.Join(out, stateName), func(w *cli.OutputFile) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

// writeFile writes one file of the output folder durably.
func writeFile(job *cli.Job, path string, fill func(w *cli.OutputFile) error) error {
	w, err := job.Create(path, true)
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := fill(w); err != nil {
		return err
	}
	return w.Commit()
}

// tempName is the folder for what does not fit in memory.
const tempName = ".siteconv.tmp"

// ours are the names that a run makes in its output folder, the state last.
var ours = []string{"schema", "ldif", "store", "mail", leftName, "report.json", linesName, ledger.ListName, ledger.HTMLName("en"), ledger.HTMLName("ja"), stepsName, tempName, stateName}

// sweep removes what an interrupted run left half written.
func sweep(out string) error {
	left := []string{filepath.Join(out, tempName)}
	for _, dir := range []string{out, filepath.Join(out, "schema"), filepath.Join(out, "ldif")} {
		files, err := filepath.Glob(filepath.Join(escapeGlob(dir), ".*.tmp"))
		if err != nil {
			return err
		}
		left = append(left, files...)
	}
	for _, path := range left {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}

// escapeGlob takes the meaning from the bytes of a path that Glob knows.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// claimError says why a folder cannot be this run's.
type claimError struct {
	code string // of the finding
	error
}

func (e *claimError) Unwrap() error { return e.error }

// lookAtClaim looks whether the output folder may be this run's: a new or empty
// folder, one that an interrupted run of the same inputs left, or with force
// one of any other run. It returns what the run that left it has done; nil:
// nothing.
func lookAtClaim(out string, want state, force bool) (*state, error) {
	have, err := readState(out)
	switch {
	case force && (err != nil || have != nil):
		return &want, nil
	case err != nil:
		return nil, &claimError{"out-other", err}
	case have == nil:
		return nil, lookAtNew(out)
	case !have.same(want):
		return nil, &claimError{"out-other", fmt.Errorf("%s holds the output of another run: %s", out, difference(*have, want))}
	}
	return have, nil
}

// lookAtNew looks at a folder that no run has left.
func lookAtNew(out string) error {
	if st, err := os.Stat(out); err == nil && !st.IsDir() {
		return &claimError{"out-taken", fmt.Errorf("%s is a file, not a folder", out)}
	}
	entries, err := os.ReadDir(out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &claimError{"out-unwritable", err}
	}
	// A run that was killed as it began has left the state under another name.
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return strings.HasPrefix(e.Name(), "."+stateName) && strings.HasSuffix(e.Name(), ".tmp")
	})
	if len(entries) > 0 {
		return &claimError{"out-taken", fmt.Errorf("%s is not empty, and not the output of siteconv", out)}
	}
	return nil
}

// claim makes the output folder this run's until release is called, and returns
// how far the work has come. What lookAtClaim finds counts as it is once no
// other run can change it.
func claim(out string, want state, force bool) (st state, release func(), err error) {
	if err := os.MkdirAll(out, 0o777); err != nil {
		return want, nil, err
	}
	hold, err := holdFolder(out)
	if err != nil {
		return want, nil, err
	}
	have, err := lookAtClaim(out, want, force)
	if err == nil && force {
		have, err = nil, removeOurs(out)
	}
	if err != nil {
		hold()
		return want, nil, err
	}
	if have != nil {
		return *have, hold, nil
	}
	return want, hold, nil
}

// holdFolder keeps a second run out of a folder.
func holdFolder(dir string) (release func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if err == unix.EWOULDBLOCK {
			return nil, cli.WithHint(fmt.Errorf("%s: another run is at work there", dir), "wait until it is done: the same command then goes on, or tells what that run has done")
		}
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return func() { f.Close() }, nil
}

// removeOurs removes the output of an earlier run, the state last, so that an
// interruption leaves it recognisable.
func removeOurs(out string) error {
	for _, name := range ours {
		if err := os.RemoveAll(filepath.Join(out, name)); err != nil {
			return err
		}
	}
	return removeParts(out)
}

// difference says in what two runs differ.
func difference(have, want state) string {
	if have.Scenario != want.Scenario {
		return fmt.Sprintf("scenario %s, not %s", have.Scenario, want.Scenario)
	}
	for i, in := range want.Inputs {
		if i >= len(have.Inputs) || have.Inputs[i].SHA256 != in.SHA256 || have.Inputs[i].Role != in.Role {
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
