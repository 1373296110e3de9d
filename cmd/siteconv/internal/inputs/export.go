package inputs

import (
	"context"
	"io"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/roster"
	"imsconv/ldifconv"
	"imsconv/ldifconv/ldif"
)

// Export is the directory export as the users of a site are read from it.
type Export struct {
	*Input
	Base   []string // the users at and below these DNs; none: all
	Domain string   // whose users have the bare uid as store id

	// Unlisted, which may be nil, is called by EachUser as [roster.List] does.
	Unlisted func(m *roster.Member, why string)
}

// EachUser reads the mail users of the export that match the filter.
func (e Export) EachUser(ctx context.Context, job *cli.Job, log Teller, filter string, use func(m *roster.Member) error) (roster.Counts, error) {
	list, err := roster.NewList(roster.Selection{Base: e.Base, Filter: filter, Domain: e.Domain}, log)
	if err != nil {
		return roster.Counts{}, err
	}
	defer list.Close()
	list.Unlisted = e.Unlisted
	in, err := e.Open(job)
	if err != nil {
		return roster.Counts{}, err
	}
	defer in.Close()
	input := ldifconv.Input{Name: in.Name, Reader: in}
	err = list.Read(ctx, &input, job.Meter("entries", 0, 0), use)
	return list.Counts, err
}

// Open opens it: a file, or what was kept of standard input.
func (e Export) Open(job *cli.Job) (*cli.Input, error) {
	if e.Stdin != nil {
		return flags.CheckExport(e.Stdin.Open())
	}
	return flags.OpenExport(job, e.Path)
}

// Teller is where a reading of the export tells what it finds.
type Teller interface {
	Problem(kind, where, text string)
	Warning(kind, where, text string)
}

// Silent is for a reading of what another one has told.
type Silent struct{}

// Problem implements Teller.
func (Silent) Problem(kind, where, text string) {}

// Warning implements Teller.
func (Silent) Warning(kind, where, text string) {}

// ID is the store id of a user's entry, "" of any other.
func (e Export) ID(rec *ldif.Record) string {
	if u := directory.UserOf(rec); u != nil {
		return u.ID(e.Domain)
	}
	return ""
}

// EachEntry reads the export whole, whatever the bases of the site are.
func (e Export) EachEntry(ctx context.Context, job *cli.Job, use func(dn string, rec *ldif.Record)) (damaged bool, err error) {
	in, err := e.Open(job)
	if err != nil {
		return false, err
	}
	defer in.Close()
	return ReadEntries(ctx, in, use)
}

// ReadEntries gives the records of a file with their normalised DNs, and says
// whether there were others that cannot be read.
func ReadEntries(ctx context.Context, src io.Reader, use func(dn string, rec *ldif.Record)) (damaged bool, err error) {
	r := ldif.NewReader(src, ldif.Options{})
	for ctx.Err() == nil {
		rec, err := r.Next()
		switch {
		case err == io.EOF:
			return damaged, nil
		case ldif.IsDamage(err):
			damaged = true
			continue
		case err != nil:
			return damaged, err
		}
		if dn, err := ldif.AppendNormDN(nil, rec.DN); err == nil {
			use(string(dn), rec)
		}
	}
	return damaged, ctx.Err()
}
