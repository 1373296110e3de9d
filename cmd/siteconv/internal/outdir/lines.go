package outdir

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"imsconv/cmd/internal/cli"
)

// LinesName is the file of the output folder with every problem and warning, of
// which the report keeps the first of each kind.
const LinesName = "report.lines.tsv"

// PreflightPart stands for what was found before the first step.
const PreflightPart = "preflight"

// PartName is where the lines of one step are until all steps are done.
func PartName(step string) string { return "report.lines." + step + ".tsv" }

// LogLines writes what a step tells to a file of its own, until commit.
func LogLines(job *cli.Job, out, step string) (commit func() error, err error) {
	return job.LogTo(filepath.Join(out, PartName(step)), filepath.Join(out, LinesName))
}

// JoinLines makes one file of those of the preflight and the steps.
func JoinLines(job *cli.Job, out string, steps []string) error {
	return WriteFile(job, filepath.Join(out, LinesName), func(w *cli.OutputFile) error {
		for _, step := range append([]string{PreflightPart}, steps...) {
			if err := appendFile(w, filepath.Join(out, PartName(step))); err != nil {
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
	paths, err := Glob(out, PartName("*"))
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
