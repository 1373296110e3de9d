package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"imsconv/cmd/internal/cli"
)

// conclude writes the report and marks the run as finished.
func (c *conversion) conclude(job *cli.Job, st state) error {
	for _, o := range []struct{ name, path string }{
		{"domain changes", domainChanges}, {"user and group changes", userChanges}, {"upgraded directory", upgraded},
		{"undo of all changes", undo}, {"message store", "store"}, {"report", "report.json"},
	} {
		job.Output(o.name, o.path)
	}
	for _, step := range nextSteps() {
		job.Next(step)
	}
	rep := job.Snapshot()
	err := writeFile(job, filepath.Join(c.out, "report.json"), func(w *cli.OutputFile) error { return rep.Write(w) })
	if err != nil {
		return err
	}
	st.Finished = true
	if err := st.write(job, c.out); err != nil {
		return err
	}
	return c.summary(job, rep)
}

// recall tells again what a finished run told.
func (c *conversion) recall(job *cli.Job) error {
	data, err := os.ReadFile(filepath.Join(c.out, "report.json"))
	if err != nil {
		return cli.WithHint(err, "--force starts afresh")
	}
	var rep cli.Report
	if err := json.Unmarshal(data, &rep); err != nil {
		return cli.WithHint(fmt.Errorf("%s: %w", filepath.Join(c.out, "report.json"), err), "--force starts afresh")
	}
	for _, o := range rep.Outputs {
		if _, err := os.Stat(filepath.Join(c.out, o.Path)); err != nil {
			return cli.WithHint(fmt.Errorf("this conversion was finished, but its %s is gone: %w", o.Name, err), "--force starts afresh")
		}
	}
	job.Recall(rep)
	job.Note(c.out + " holds this very conversion, finished: nothing to do")
	return c.summary(job, rep)
}

// nextSteps are what an administrator does with the output, from within the
// output folder.
func nextSteps() []string {
	return []string{
		`ldapmodify -D "cn=Directory Manager" -W -f ` + domainChanges,
		`ldapmodify -D "cn=Directory Manager" -W -f ` + userChanges,
		"cp -a store/. <ServerRoot>/msg-<instance>/store/ && chown -R mailsrv <ServerRoot>/msg-<instance>/store",
		"su mailsrv -c '<ServerRoot>/bin/msg/admin/bin/reconstruct -r -f && <ServerRoot>/bin/msg/admin/bin/reconstruct -q'",
	}
}
