package preflight

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
)

// finding is one thing that a look at the inputs, before anything is written,
// has found.
type finding struct {
	code  string // one of the Kinds
	where string
	text  string
	hint  string // what to do about it, where that is not the advice of all of its kind
	err   error  // of a finding that stops the run
}

// advice is what to do about it.
func (f *finding) advice() string { return cmp.Or(f.hint, Kinds[f.code].Advice) }

// Kind is what there is to say of all findings of one code.
type Kind struct {
	Stops  bool   // the run cannot be done as it is
	Later  bool   // a step of the run tells it in full: known beforehand with --preflight alone
	Loses  bool   // the run can be done, and its output is not what was meant: a problem of it
	Advice string // what to do about it
}

// Kinds are the findings that there are.
var Kinds = map[string]Kind{
	"input-missing":    {Stops: true, Advice: "a site's folder holds export.ldif, and backup.sims or store; --ldif, --stream and --nms-store name them elsewhere"},
	"input-unreadable": {Stops: true, Advice: "give the user who runs this the right to read it"},
	"wrong-kind":       {Stops: true, Advice: "look whether two inputs were swapped: --ldif is the directory export, --stream the backup stream, --nms-store the folder of the store"},
	"wrong-product":    {Stops: true, Advice: "take the scenario of that product, or the export that belongs to the store"},
	"base-missing":     {Stops: true, Advice: "without --base the top entries of the export are taken"},
	"filter-empty":     {Stops: true, Advice: "correct filter in [upgrade] of site.toml, or leave it out"},
	"new-id-ahead":     {Stops: true, Advice: "change the uid of the entry in the directory, and export it again; or take the line out of map"},
	"domains-tie":      {Stops: true, Advice: "--default-domain says which"},
	"domain-not-said":  {Stops: true, Advice: "--default-domain, or default-domain in [directory] of site.toml, says it"},
	"out-nested":       {Stops: true, Advice: "name a folder elsewhere with --out"},
	"out-taken":        {Stops: true, Advice: "name a new folder with --out"},
	"out-other":        {Stops: true, Advice: "--force removes it and starts afresh; or name another folder with --out"},
	"out-unwritable":   {Stops: true, Advice: "name a folder that may be written with --out"},
	"owner-denied":     {Stops: true, Advice: "run as root, or leave --owner out and chown afterwards"},
	"no-space":         {Stops: true, Advice: "make room, or name a folder on another file system with --out; of an NMS store --via hardlink takes next to no space where store and folder are on one file system"},
	"no-inodes":        {Stops: true, Advice: "name a folder on another file system with --out: each message is a file"},
	"no-hardlinks":     {Stops: true, Advice: "name a folder on the store's file system with --out, or copy with --via copy"},
	"little-space":     {Advice: "make room, or name a folder on another file system with --out"},
	"shared-files":     {Advice: "--via copy (via = \"copy\" in [relocate] of site.toml) makes files of their own"},
	"source-stays":     {Advice: "keep it where it is, readable by the owner of the store, or make files of their own with --via copy (via = \"copy\" in [relocate] of site.toml)"},
	"default-domain":   {Advice: "look at --default-domain: its users have the bare uid as id in the store"},
	"on-another-host":  {Advice: "they keep their mail host"},
	"third-host-mail":  {Advice: "it goes over with the rest, and nobody reads it there: their mail host stays. If it is not to, users in the table of site.toml that makes the mail names a file of those whose mail goes over"},
	"old-host-unknown": {Advice: "look at --old-host (old below [hosts] in site.toml): those who are on it move, and nobody else"},
	"hosts-not-said":   {Advice: "--old-host (old below [hosts] in site.toml) says whose users move"},
	"qualified-ids":    {Advice: "look at --default-domain"},
	"same-place":       {Later: true, Advice: "map in [export] of site.toml gives one of them another id; mail of one person is put together in a store (destination = \"ims\"), which storeconv export makes Maildirs of"},
	"same-user":        {Later: true, Advice: "it cannot be taken apart again: if they are two persons, map in [restore] of site.toml gives one of them another id"},
	"user-missing":     {Later: true, Advice: "look whether the ids are those of the stream or store (storeconv list names them), and whether it is the right one: nothing of these users goes over"},
	"partition-map":    {Stops: true, Advice: "correct partition in [relocate] of site.toml: OLD=NEW names partitions of the store, and no two become one"},
	"host-stays":       {Advice: "sims-online and sims-incremental are the scenarios with a new host"},
	"host-short":       {Advice: "servers compare mailHost with their whole name: new = \"newmail.siroe.com\" below [hosts] in site.toml, or --new-host, says it"},
	"empty-mail":       {Loses: true, Advice: "look whether the right backup or store was named: no mail goes over"},
	"uid-map-alone":    {Loses: true, Advice: "nobody can read the mail of these users until then: name the same file as map in the table of site.toml that makes the mail"},
	"damaged-mail":     {Later: true, Advice: "make the backup again, or look what is missing: the run takes over what can be read, and lists each place"},
	"no-end-marker":    {Later: true, Advice: "look whether the backup ran to its end, and make it again if not: whole users may be missing, and those with an entry and no mail may be they"},
	"forbidden-names":  {Later: true, Advice: "rename them in the source, or give users new ids with map in site.toml; the run leaves them out and lists each"},
	"mail-no-entry":    {Later: true, Advice: "export the whole directory; their mail goes over, and nobody can read it before they have an entry"},
	"new-id-no-entry":  {Later: true, Advice: "uid-map in [upgrade] of site.toml, with the same file as map, gives the entries the new ids too"},
	"foreign-stream":   {Later: true, Advice: "look whether it is the stream of another batch: unlocked by it, the users would move without their mail"},
	"new-id-no-mail":   {Later: true, Advice: "map in the table of site.toml that makes the mail gives it the new ids too: uid-map is of a uid in every domain, and map of one id, uid or uid@domain"},
	"unreadable-mail":  {Later: true, Advice: "give the user who runs this the right to read them before the run, which leaves them out and lists each: a store that can be read to another extent is another input later"},
	"entry-no-mail":    {Later: true, Advice: "see that the backup is of all users; those who never had mail need nothing"},
	"case-differs":     {Later: true, Advice: "make the uid in the directory that of the store, or give the store new ids with map in site.toml"},
	"quota-zero":       {Later: true, Advice: "give them 1024 bytes at least, or -1 for no limit: the store counts whole KB"},
	"domain-base":      {Later: true, Advice: "set inetDomainBaseDN of the domain to the DN that its users lie below"},
	"daaci":            {Later: true, Advice: "put the entries and ACIs right in the directory before the records of delegated administration are applied, or take those records out of ldif/daaci.changes.ldif"},
	"check-errors":     {Later: true, Advice: "ldifconv check lists them with their lines"},
	"upgrade-problems": {Later: true, Advice: "siteconv run --dry-run lists them with their lines; what is not understood stays as it is"},
	"entries-lost":     {Later: true, Advice: "mend the export, or make it again, before the run: it leaves these entries out of the upgraded directory; siteconv run --dry-run lists them with their lines. A record that is too big needs a larger max-entry in [upgrade] of site.toml"},
}

// Fact is something that is good to know before a run.
type Fact struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Findings are what a look has found.
type Findings struct {
	Full  bool // with what the steps tell by themselves
	found []finding
	facts []Fact
}

// Find adds a finding of one of the Kinds.
func (p *Findings) Find(code, where, format string, args ...any) {
	k, ok := Kinds[code]
	if !ok {
		panic("internal error: no finding is called " + code)
	}
	f := finding{code: code, where: where, text: fmt.Sprintf(format, args...)}
	if k.Stops {
		f.err = fmt.Errorf("%s: %s", where, f.text)
	}
	p.found = append(p.found, f)
}

// Fail is Find for an error that says where it is.
func (p *Findings) Fail(code, where string, err error) {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), where), ": ")
	text = strings.TrimPrefix(text, " ")
	p.found = append(p.found, finding{code: code, where: where, text: text, err: err})
}

// Advise says what to do about the last finding in other words.
func (p *Findings) Advise(text string) { p.found[len(p.found)-1].hint = text }

// FailInput is Fail for an input that cannot be read as what it should be.
func (p *Findings) FailInput(path string, err error) {
	var packed *cli.PackedError
	switch {
	case errors.As(err, &packed):
		p.Fail("wrong-kind", path, err)
		p.Advise("the file is damaged, or not all of it is there: fetch or make it again")
	case errors.Is(err, fs.ErrNotExist):
		p.Fail("input-missing", path, err)
	case errors.Is(err, fs.ErrPermission):
		p.Fail("input-unreadable", path, err)
	default:
		p.Fail("wrong-kind", path, err)
	}
}

// Fact adds something that is good to know.
func (p *Findings) Fact(name, format string, args ...any) {
	p.facts = append(p.facts, Fact{name, fmt.Sprintf(format, args...)})
}

// Stops says how many findings there are with which a run cannot be done.
func (p *Findings) Stops() int { return len(p.stops()) }

// stops are the findings with which a run cannot be done.
func (p *Findings) stops() (list []finding) {
	for _, f := range p.found {
		if f.err != nil {
			list = append(list, f)
		}
	}
	return list
}

// Has says whether anything of one of these codes was found.
func (p *Findings) Has(codes ...string) bool {
	return slices.ContainsFunc(p.found, func(f finding) bool { return slices.Contains(codes, f.code) })
}

// Err tells what stops the run: one thing as the error that it is, several all
// together.
func (p *Findings) Err(job *cli.Job) error {
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

// Warn tells what does not stop the run, but what no step tells either.
func (p *Findings) Warn(job *cli.Job) {
	for _, f := range p.found {
		switch k := Kinds[f.code]; {
		case f.err != nil || k.Later:
		case k.Loses:
			job.Problem(f.code, f.where, f.text+"; "+f.advice())
		default:
			job.Warning(f.code, f.where, f.text+"; "+f.advice())
		}
	}
}
