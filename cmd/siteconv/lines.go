package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"imsconv/cmd/internal/cli"
)

// linesName is the file of the output folder with every problem and warning, of
// which the report keeps the first of each kind.
const linesName = "report.lines.tsv"

// preflightPart stands for what was found before the first step.
const preflightPart = "preflight"

// partName is where the lines of one step are until all steps are done.
func partName(step string) string { return "report.lines." + step + ".tsv" }

// logLines writes what a step tells to a file of its own, until commit.
func (c *conversion) logLines(job *cli.Job, step string) (commit func() error, err error) {
	return job.LogTo(filepath.Join(c.out, partName(step)), filepath.Join(c.out, linesName))
}

// joinLines makes one file of those of the steps.
func (c *conversion) joinLines(job *cli.Job) error {
	steps := append([]string{preflightPart}, c.stepNames()...)
	return writeFile(job, filepath.Join(c.out, linesName), func(w *cli.OutputFile) error {
		for _, step := range steps {
			if err := appendFile(w, filepath.Join(c.out, partName(step))); err != nil {
				return err
			}
		}
		return nil
	})
}

func appendFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // of a step that was done without writing any
	}
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// removeParts removes the files of the steps, when the run is marked as
// finished.
func removeParts(out string) error {
	paths, err := filepath.Glob(filepath.Join(escapeGlob(out), partName("*")))
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}
