package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/cmd/siteconv/internal/outdir"
)

// finding is one thing that a look at the inputs, before anything is written,
// has found.
type finding struct {
	code  string // one of the kinds
	where string
	text  string
	hint  string // what to do about it, where that is not the advice of all of its kind
	err   error  // of a finding that stops the run
}

// advice is what to do about it.
func (f *finding) advice() string { return cmp.Or(f.hint, kinds[f.code].advice) }

// kind is what there is to say of all findings of one code.
type kind struct {
	stops  bool   // the run cannot be done as it is
	later  bool   // a step of the run tells it in full: known beforehand with --preflight alone
	advice string // what to do about it
}

// kinds are the findings that there are.
var kinds = map[string]kind{
	"input-missing":    {stops: true, advice: "a site's folder holds export.ldif, and backup.sims or store; --ldif, --stream and --nms-store name them elsewhere"},
	"input-unreadable": {stops: true, advice: "give the user who runs this the right to read it"},
	"wrong-kind":       {stops: true, advice: "look whether two inputs were swapped: --ldif is the directory export, --stream the backup stream, --nms-store the folder of the store"},
	"wrong-product":    {stops: true, advice: "take the scenario of that product, or the export that belongs to the store"},
	"base-missing":     {stops: true, advice: "without --base the top entries of the export are taken"},
	"filter-empty":     {stops: true, advice: "correct filter in [upgrade] of site.toml, or leave it out"},
	"domains-tie":      {stops: true, advice: "--default-domain says which"},
	"domain-not-said":  {stops: true, advice: "--default-domain, or default-domain in [directory] of site.toml, says it"},
	"out-nested":       {stops: true, advice: "name a folder elsewhere with --out"},
	"out-taken":        {stops: true, advice: "name a new folder with --out"},
	"out-other":        {stops: true, advice: "--force removes it and starts afresh; or name another folder with --out"},
	"out-unwritable":   {stops: true, advice: "name a folder that may be written with --out"},
	"owner-denied":     {stops: true, advice: "run as root, or leave --owner out and chown afterwards"},
	"no-space":         {stops: true, advice: "make room, or name a folder on another file system with --out; of an NMS store --via hardlink takes next to no space where store and folder are on one file system"},
	"no-inodes":        {stops: true, advice: "name a folder on another file system with --out: each message is a file"},
	"no-hardlinks":     {stops: true, advice: "name a folder on the store's file system with --out, or copy with --via copy"},
	"little-space":     {advice: "make room, or name a folder on another file system with --out"},
	"shared-files":     {advice: "--via copy (via = \"copy\" in [relocate] of site.toml) makes files of their own"},
	"source-stays":     {advice: "keep it where it is, readable by the owner of the store, or make files of their own with --via copy (via = \"copy\" in [relocate] of site.toml)"},
	"default-domain":   {advice: "look at --default-domain: its users have the bare uid as id in the store"},
	"on-another-host":  {advice: "they keep their mail host, and their mail is not expected here"},
	"old-host-unknown": {advice: "look at --old-host (old below [hosts] in site.toml): those who are on it move, and nobody else"},
	"hosts-not-said":   {advice: "--old-host (old below [hosts] in site.toml) says whose users move"},
	"host-stays":       {advice: "sims-online and sims-incremental are the scenarios with a new host"},
	"empty-mail":       {advice: "look whether the right backup or store was named: no mail goes over"},
	"uid-map-alone":    {advice: "name the same file as map in the table of site.toml that makes the mail"},
	"damaged-mail":     {later: true, advice: "make the backup again, or look what is missing: the run takes over what can be read, and lists each place"},
	"forbidden-names":  {later: true, advice: "rename them in the source, or give users new ids with map in site.toml; the run leaves them out and lists each"},
	"mail-no-entry":    {later: true, advice: "export the whole directory; their mail goes over, and nobody can read it before they have an entry"},
	"entry-no-mail":    {later: true, advice: "see that the backup is of all users; those who never had mail need nothing"},
	"case-differs":     {later: true, advice: "make the uid in the directory that of the store, or give the store new ids with map in site.toml"},
	"check-errors":     {later: true, advice: "ldifconv check lists them with their lines"},
	"upgrade-problems": {later: true, advice: "ldifconv upgrade --dry-run lists them with their lines; what is not understood stays as it is"},
}

// fact is something that is good to know before a run.
type fact struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// preflight is what a look has found.
type preflight struct {
	full  bool // with what the steps tell by themselves
	found []finding
	facts []fact
}

func (p *preflight) find(code, where, format string, args ...any) {
	k, ok := kinds[code]
	if !ok {
		panic("internal error: no finding is called " + code)
	}
	f := finding{code: code, where: where, text: fmt.Sprintf(format, args...)}
	if k.stops {
		f.err = fmt.Errorf("%s: %s", where, f.text)
	}
	p.found = append(p.found, f)
}

// fail is find for an error that says where it is.
func (p *preflight) fail(code, where string, err error) {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), where), ": ")
	text = strings.TrimPrefix(text, " ")
	p.found = append(p.found, finding{code: code, where: where, text: text, err: err})
}

// advise says what to do about the last finding in other words.
func (p *preflight) advise(text string) { p.found[len(p.found)-1].hint = text }

// failInput is fail for an input that cannot be read as what it should be.
func (p *preflight) failInput(in *inputs.Input, err error) {
	var packed *cli.PackedError
	switch {
	case errors.As(err, &packed):
		p.fail("wrong-kind", in.Path, err)
		p.advise("the file is damaged, or not all of it is there: fetch or make it again")
	case errors.Is(err, fs.ErrNotExist):
		p.fail("input-missing", in.Path, err)
	case errors.Is(err, fs.ErrPermission):
		p.fail("input-unreadable", in.Path, err)
	default:
		p.fail("wrong-kind", in.Path, err)
	}
}

func (p *preflight) fact(name, format string, args ...any) {
	p.facts = append(p.facts, fact{name, fmt.Sprintf(format, args...)})
}

// stops are the findings with which a run cannot be done.
func (p *preflight) stops() (list []finding) {
	for _, f := range p.found {
		if f.err != nil {
			list = append(list, f)
		}
	}
	return list
}

// has says whether anything of one of these codes was found.
func (p *preflight) has(codes ...string) bool {
	return slices.ContainsFunc(p.found, func(f finding) bool { return slices.Contains(codes, f.code) })
}

// err tells what stops the run: one thing as the error that it is, several all
// together.
func (p *preflight) err(job *cli.Job) error {
	stops := p.stops()
	switch len(stops) {
	case 0:
		return nil
	case 1:
		return cli.WithHint(stops[0].err, stops[0].advice())
	}
	for _, f := range stops {
		job.Problem(f.code, f.where, f.text+"; "+f.advice())
	}
	return cli.WithHint(fmt.Errorf("%d things stand in the way: nothing was written", len(stops)), "each is listed above, with what to do about it")
}

// warn tells what does not stop the run, but what no step tells either.
func (p *preflight) warn(job *cli.Job) {
	for _, f := range p.found {
		if k := kinds[f.code]; f.err == nil && !k.later {
			job.Warning(f.code, f.where, f.text+"; "+f.advice())
		}
	}
}

// preflight looks at everything before anything is written. What it found is in
// c.pre; the error is wrong usage or an interruption. have is what an earlier
// run has left in the output folder; nil: nothing.
func (c *conversion) preflight(ctx context.Context, job *cli.Job, f *runFlags) (have *outdir.State, err error) {
	defer job.Phase(1, len(c.stepNames())+1, "preflight").End()
	c.pre.full = f.preflight
	for _, look := range []func(context.Context, *cli.Job) error{c.lookAtMail, c.lookAtExport, c.lookAtChoices} {
		if err := look(ctx, job); err != nil {
			return nil, err
		}
	}
	if have, err = c.lookAtOutput(f); err != nil || c.pre.has("input-missing", "input-unreadable", "wrong-kind") {
		return have, err
	}
	c.lookAtRoom(have == nil || f.force)
	if c.pre.full && len(c.pre.stops()) == 0 {
		return have, c.lookAhead(ctx, job)
	}
	return have, nil
}
