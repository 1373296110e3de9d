package flags

import (
	"fmt"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/storeconv"
)

// Limits are --limits, directory exports that say the quotas of users, and
// --default-domain.
type Limits struct {
	Domain string // of --default-domain, else what Read has found
	files  []string
}

// Add declares both flags.
func (l *Limits) Add(fs *pflag.FlagSet) {
	fs.StringArrayVar(&l.files, "limits", nil, "directory export `LDIF` with the quotas of users (- for standard input); may be given again")
	cli.Reads(fs, "limits")
	fs.StringVar(&l.Domain, "default-domain", "", "the `DOMAIN` whose users have a bare uid as id in the store (default: the one that fits --limits)")
}

// Append adds exports that another flag named.
func (l *Limits) Append(files []string) { l.files = append(l.files, files...) }

// Given says whether any export was named.
func (l *Limits) Given() bool { return len(l.files) > 0 }

// Read reads the exports and returns a look-up of quotas by store id; nil when
// none was named. Of a user whom two exports have, the first counts. Without
// --default-domain it is found by the ids that the other side has: see
// [InferDomain]. Damage in an export is told to the job.
func (l *Limits) Read(job *cli.Job, ids func() (directory.IDs, error)) (func(id string) (storeconv.Quota, bool), error) {
	if !l.Given() {
		return nil, nil
	}
	var tables []func(string) (directory.Limit, bool)
	for _, path := range l.files {
		table, err := l.table(job, path, ids)
		if err != nil {
			return nil, err
		}
		tables = append(tables, table)
	}
	return func(id string) (storeconv.Quota, bool) {
		for _, table := range tables {
			if limit, ok := table(id); ok {
				return quota(limit), true
			}
		}
		return storeconv.Quota{}, false
	}, nil
}

// table reads one export; the default domain is found in the first.
func (l *Limits) table(job *cli.Job, path string, ids func() (directory.IDs, error)) (func(string) (directory.Limit, bool), error) {
	export, err := job.Again(path, "")
	if err != nil {
		return nil, err
	}
	defer export.Close()
	if path == l.files[0] {
		if err := l.findDomain(job, export, ids); err != nil {
			return nil, err
		}
	}
	in, err := CheckExport(export.Open())
	if err != nil {
		return nil, err
	}
	defer in.Close()
	table, err := directory.Limits(in, in.Name, l.Domain, job)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	}
	return table, nil
}

// ReadDomain finds the default domain as Read does, and reads no quotas.
func (l *Limits) ReadDomain(job *cli.Job, ids func() (directory.IDs, error)) error {
	if !l.Given() {
		return nil
	}
	export, err := job.Again(l.files[0], "")
	if err != nil {
		return err
	}
	defer export.Close()
	return l.findDomain(job, export, ids)
}

func (l *Limits) findDomain(job *cli.Job, export *cli.Again, ids func() (directory.IDs, error)) error {
	if l.Domain != "" {
		return nil
	}
	known, err := ids()
	if err != nil {
		return err
	}
	l.Domain, err = InferDomain(job, export, known)
	return err
}

// quota leaves to other sources what the entry does not say.
func quota(l directory.Limit) storeconv.Quota {
	q := storeconv.Quota{Bytes: storeconv.NotSaid, Messages: storeconv.NotSaid}
	if l.HasBytes {
		q.Bytes = l.Bytes
	}
	if l.HasMessages {
		q.Messages = l.Messages
	}
	return q
}

// OpenExport opens a directory export; a file of another kind is refused.
func OpenExport(job *cli.Job, path string) (*cli.Input, error) {
	return CheckExport(job.Open(path))
}

// CheckExport refuses an opened file that is no directory export, and closes
// it. An error of opening it is returned as it is.
func CheckExport(in *cli.Input, err error) (*cli.Input, error) {
	if err != nil {
		return nil, err
	}
	head, err := in.Head()
	if err == nil {
		if kind := cli.Kind(head); kind != "" && kind != "an LDIF file" {
			err = fmt.Errorf("%s: %s, no directory export", in.Name, kind)
		}
	}
	if err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

// InferDomain finds the default domain of an export: the one whose users the
// other side knows by their bare uid. It says what it has found; that two fit
// is an error with a hint.
func InferDomain(job *cli.Job, export *cli.Again, ids directory.IDs) (string, error) {
	in, err := CheckExport(export.Open())
	if err != nil {
		return "", err
	}
	defer in.Close()
	survey, err := directory.Read(in, in.Name, ids, nil)
	if err != nil {
		return "", fmt.Errorf("%s: %w", in.Name, err)
	}
	domain, err := survey.DefaultDomain()
	if err != nil {
		return "", cli.WithHint(fmt.Errorf("%s: %w", in.Name, err), "name it: --default-domain DOMAIN")
	}
	if domain != "" {
		job.Note("the default domain is " + domain)
	}
	for _, d := range survey.Doubts(domain) {
		job.Warning("qualified-ids", d.Name, d.Doubt(domain))
	}
	return domain, nil
}
