package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/choices"
	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/ldifconv"
)

func upgradeVerb() cli.Verb {
	return cli.Verb{
		Name:    "upgrade",
		Args:    "-M sims|nms -b BASE [IN ...]",
		Summary: "upgrade the entries of a directory export to the iMS schema",
		See:     []string{"ldifconv-check(1)", "ldifconv-classify(1)", "ldifconv-daaci(1)", "ldifconv-diff(1)", "ldifconv-rules(1)", "ldifconv-schema(1)", "ldapmodify(1)", "slapadd(8)"},
		Doc:     upgradeDoc,
		Example: upgradeExample,
		Files:   upgradeFilesDoc,
		Exit3:   "done, but records could not be read, came twice, or hold values that no rule understands; each is listed",
		New: func(fs *pflag.FlagSet) cli.Action {
			f := newUpgradeFlags(fs)
			return f.run
		},
	}
}

// upgradeFlags are the options as they stand on the command line.
type upgradeFlags struct {
	set *pflag.FlagSet
	choices.Upgrade

	from           flags.Choice
	kinds          string
	base           []string
	only           bool
	config         string
	format         flags.Choice
	undo, rejects  string
	log, out       string
	save, programs string
	restore        []string
	jobs           int
	dryRun         bool
	check          flags.Choice
	force          bool
	old            oldFlags
}

// oldFlags are options of the online tool that a conversion of files has no use
// for.
type oldFlags struct {
	host, bindDN, password, debug, remove string
	goOn                                  bool
}

func newUpgradeFlags(fs *pflag.FlagSet) *upgradeFlags {
	f := &upgradeFlags{set: fs}
	f.from.Add(fs, "from", "M", "the `PRODUCT` the export comes from: sims or nms", "", "sims", "nms")
	f.from.AnyCase()
	fs.StringArrayVarP(&f.base, "base", "b", nil, "upgrade the entries at and below the DN `BASE`; may be repeated")
	fs.StringVarP(&f.kinds, "kinds", "m", "both", "the `KIND` of entries: users, groups, domains, both (users and groups) or all; singular forms too")
	cli.Offer(fs, "kinds", slices.Sorted(maps.Keys(kindWords))...)
	f.Upgrade.Add(fs)
	cli.Reads(fs, "program-map")
	cli.Reads(fs, "uid-map")
	fs.StringVar(&f.DefaultDomain, "default-domain", "", "the site's default domain `NAME`; one of the domains of --vanity")
	fs.BoolVarP(&f.only, "only-add", "O", false, "run no rule, only what -A and --restore say")
	fs.StringVarP(&f.config, "config", "C", "", "read options from `FILE`, one a line: a letter or long name, a blank, the value; the command line wins")
	cli.Reads(fs, "config")
	f.format.Add(fs, "format", "", "what is written, `FORMAT`: changes (records for ldapmodify) or ldif (all entries, for ldif2db)", "changes", "changes", "ldif")
	fs.StringVarP(&f.out, "output", "o", "-", "write to `FILE`")
	fs.StringVar(&f.undo, "undo", "", "write change records that take the upgrade back to `FILE`")
	f.check.Add(fs, "check", "", "count what ldifconv check finds in the output, `yes or no`; default: yes with --format ldif, no with changes, which are no directory", "", checkYes, checkNo)
	fs.Lookup("check").NoOptDefVal = checkYes
	fs.StringVar(&f.rejects, "rejects", "", "write the records that could not be read, as they stand, to `FILE`")
	fs.StringVarP(&f.log, "log", "f", "", "write all problems and warnings to `FILE`, without the limit of 1,000 of a kind")
	fs.StringVar(&f.save, "save", "", "write what the attributes of -A held before to `STATE`, for --restore")
	fs.StringVar(&f.programs, "program-script", "", "write the imsimta commands that make the programs of mailProgramDeliveryInfo known to the new server to `FILE`, a shell script")
	fs.StringArrayVar(&f.restore, "restore", nil, "first give each entry back what `STATE` holds for it; may be repeated")
	cli.Reads(fs, "restore")
	fs.IntVarP(&f.jobs, "jobs", "T", 0, "work on `N` pieces of the input at a time; 0: one a processor; the output is the same for any number")
	fs.BoolVarP(&f.dryRun, "dry-run", "n", false, "do all the work and write nothing but what --log and --report name")
	fs.BoolVar(&f.force, "force", false, "replace files that exist and hold something else")
	fs.StringVar(&f.old.host, "ldap-host", "", "not used: the `HOST` of the old tool's server; -h under its name")
	fs.StringVarP(&f.old.bindDN, "bind-dn", "D", "", "not used: the `DN` of the old tool's administrator")
	fs.StringVarP(&f.old.password, "bind-password", "w", "", "not used: the old tool's `PASSWORD`")
	fs.BoolVarP(&f.old.goOn, "continue", "c", false, "not needed: problems never end a run unless --strict is given")
	fs.StringVarP(&f.old.debug, "debug-level", "l", "", "not used: the old tool's debug `LEVEL`")
	fs.StringVarP(&f.old.remove, "old-r", "r", "", "not used: an option of the old tool with a `VALUE`, whose meaning was never published")
	cli.Secret(fs, "bind-password")
	for _, name := range []string{"old-r", "ldap-host", "bind-dn", "bind-password", "continue", "debug-level"} {
		fs.Lookup(name).DefValue = ""
	}
	return f
}

func (f *upgradeFlags) run(ctx context.Context, job *cli.Job, args []string) (err error) {
	if f.config != "" {
		if err := readConfig(job, f.set, f.config); err != nil {
			return err
		}
		job.Options(f.set)
	}
	opt, err := f.options(job)
	if err != nil {
		return err
	}
	hintMaxEntry(job)
	f.old.note(job, len(args) == 0)
	if err := f.checkRoom(job, args); err != nil {
		return err
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(f.heap()))
	defer debug.SetGCPercent(debug.SetGCPercent(heapGrowth))

	files := upgradeFiles{job: job, dry: f.dryRun, inputs: args, outputs: outputs{job: job, force: f.force, dry: f.dryRun}}
	defer files.close()
	log, err := files.log(f.log)
	if err != nil {
		return err
	}
	opt.Log = log
	out, script, err := f.create(&files, &opt)
	if err != nil {
		return err
	}
	if opt.Restore, err = files.states(f.restore); err != nil {
		return err
	}
	inputs, err := files.open(args)
	if err != nil {
		return err
	}
	opt.Progress = files.progress()
	if f.dryRun {
		job.DryRun()
	}
	rep, found, err := f.upgrade(ctx, job, out, inputs, opt)
	if err == nil {
		kind, text, names := job.Changed()
		for _, name := range names {
			log.Problem(kind, name, text)
		}
	}
	log.summary(rep, err)
	count(job, rep)
	if err := cmp.Or(err, log.err); err != nil {
		return err
	}
	f.tellChecked(job, found)
	if script != nil {
		if err := writeProgramScript(script, rep.Programs); err != nil {
			return err
		}
	}
	if err := files.commit(); err != nil {
		return err
	}
	f.next(job, rep)
	return nil
}

// create opens the files that are written: the output and, when it is wanted,
// the script of programs, beside those of opt.
func (f *upgradeFlags) create(files *upgradeFiles, opt *ldifconv.Options) (out, script io.Writer, err error) {
	if out, err = files.create("output", f.out); err != nil {
		return nil, nil, err
	}
	if opt.Undo, err = files.optional("undo", f.undo); err != nil {
		return nil, nil, err
	}
	if opt.Save, err = files.optional("state", f.save); err != nil {
		return nil, nil, err
	}
	if script, err = files.optional("script", f.programs); err != nil {
		return nil, nil, err
	}
	opt.Rejects, err = files.optional("rejects", f.rejects)
	return out, script, err
}

// next says what the administrator does with the files.
func (f *upgradeFlags) next(job *cli.Job, rep ldifconv.Report) {
	if f.dryRun || f.out == "-" || strings.HasPrefix(f.out, "/dev/") || rep.Changed+rep.Added == 0 {
		return
	}
	if f.format.Value == "ldif" {
		job.Next(fmt.Sprintf("import %s into an empty directory with ldif2db", cli.Quote(f.out)))
		return
	}
	job.Next(fmt.Sprintf(`ldapmodify -c -D "cn=Directory Manager" -w PASSWORD -f %s`, cli.Quote(f.out)))
	if f.undo != "" {
		job.Next(fmt.Sprintf("keep %s: applied in the same way, it takes the upgrade back", cli.Quote(f.undo)))
	}
}

// options turns the flags into those of the conversion.
func (f *upgradeFlags) options(job *cli.Job) (ldifconv.Options, error) {
	opt := ldifconv.Options{Base: f.base, AddOnly: f.only, Jobs: f.jobs}
	switch f.from.Value {
	case "sims":
		opt.From = ldifconv.SIMS
	case "nms":
		opt.From = ldifconv.NMS
	default:
		return opt, cli.Usagef("-M is missing: sims or nms")
	}
	if len(f.base) == 0 {
		return opt, cli.Usagef("-b is missing: the DN at and below which entries are upgraded")
	}
	var ok bool
	if opt.Kinds, ok = parseKinds(f.kinds); !ok {
		return opt, cli.Usagef("-m %q: users, groups, domains, both or all", f.kinds)
	}
	if f.format.Value == "ldif" {
		opt.Format = ldifconv.Full
	}
	if f.check.Value == checkYes && opt.Format != ldifconv.Full {
		return opt, cli.Usagef("--check goes with --format ldif: change records are no directory")
	}
	switch {
	case f.only && !f.Adds() && len(f.restore) == 0:
		return opt, cli.Usagef("-O needs -A or --restore")
	case f.save != "" && !f.Adds():
		return opt, cli.Usagef("--save needs -A: it keeps what the attributes of -A held")
	case f.jobs < 0:
		return opt, cli.Usagef("--jobs %d is negative", f.jobs)
	}
	err := f.Fill(job, &opt)
	return opt, err
}

// kindWords are the words of -m.
var kindWords = map[string]ldifconv.Kind{
	"users": ldifconv.Users, "groups": ldifconv.Groups, "domains": ldifconv.Domains, "both": ldifconv.Both, "all": ldifconv.All,
}

// parseKinds reads the argument of -m.
func parseKinds(s string) (ldifconv.Kind, bool) {
	var kinds ldifconv.Kind
	for _, word := range strings.Split(strings.ToLower(s), ",") {
		word = strings.TrimSpace(word)
		kind, ok := kindWords[word]
		if !ok {
			kind, ok = kindWords[word+"s"] // of one of them
		}
		if !ok {
			return 0, false
		}
		kinds |= kind
	}
	return kinds, true
}

// note says once which options of the online tool are not used.
func (o *oldFlags) note(job *cli.Job, stdin bool) {
	var unused []string
	for _, f := range []struct{ letter, value string }{{"-h", o.host}, {"-D", o.bindDN}, {"-w", o.password}, {"-l", o.debug}} {
		if f.value != "" {
			unused = append(unused, f.letter)
		}
	}
	if o.remove != "" {
		job.Note("-r accepted and not used: what it meant was never published")
	}
	if len(unused) == 0 {
		return
	}
	from := "the input files"
	if stdin {
		from = "standard input"
	}
	job.Note(fmt.Sprintf("%s accepted and not used: no server is asked, the export is read from %s", strings.Join(unused, ", "), from))
}

// count puts the report into the summary.
func count(job *cli.Job, rep ldifconv.Report) {
	job.Count("entries", rep.Entries)
	job.Count("damaged", rep.Damaged)
	job.Count("selected", rep.Selected)
	job.Count("changed", rep.Changed)
	job.Count("changed users", rep.Users)
	job.Count("changed groups", rep.Groups)
	job.Count("changed domains", rep.Domains)
	job.Count("unchanged", rep.Finished)
	if rep.Twice > 0 {
		job.Count("of a DN that came before", rep.Twice)
	}
	if rep.Restored > 0 {
		job.Count("restored", rep.Restored)
	}
	leftAlone(job, rep)
	if rep.Selected > 0 && rep.Changed+rep.Added == 0 {
		job.Note("nothing to change: no record is written")
	}
	if rep.Reordered {
		job.Note("children stood before their parents: the output is in order of depth")
	}
}

// leftAlone names the entries that belong to the directory server.
func leftAlone(job *cli.Job, rep ldifconv.Report) {
	for _, kind := range []struct {
		n         int64
		one, many string
	}{{rep.Conflicts, "conflict entry", "conflict entries"}, {rep.Tombstones, "tombstone", "tombstones"}} {
		if kind.n == 0 {
			continue
		}
		job.Note(cli.Counted(kind.n, kind.one, kind.many) + " left alone")
		job.Count(kind.many+" left alone", kind.n)
	}
}

// writeProgramScript writes the commands that make programs known.
func writeProgramScript(w io.Writer, programs []ldifconv.Program) error {
	text := "#!/bin/sh\n# Makes the programs that mail is delivered to known to the messaging server.\n# The executables belong into its directory of site programs.\n"
	for _, p := range programs {
		text += p.Script() + "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}
