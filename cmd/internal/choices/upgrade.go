package choices

import (
	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/ldifconv"
)

// Upgrade are the choices of ldifconv upgrade: which entries, what is set in
// them beside the rules, and how the rules map.
type Upgrade struct {
	// MaxEntry is the largest record that is not skipped, in bytes.
	MaxEntry flags.Size

	set        *pflag.FlagSet
	filter     string
	add        []string
	appendTo   bool
	allDomains bool
	strict     bool
	Rules
}

// Add declares the flags.
func (u *Upgrade) Add(fs *pflag.FlagSet) {
	u.set, u.MaxEntry = fs, 8<<20
	fs.StringVarP(&u.filter, "filter", "F", "", "upgrade only entries that match the LDAP `FILTER` (RFC 1558, RFC 4515)")
	fs.StringArrayVarP(&u.add, "add", "A", nil, "set `ATTR:VALUE[;ATTR:VALUE...]` in every selected entry, after the rules; an empty value removes the attribute; may be repeated")
	fs.BoolVarP(&u.appendTo, "append", "P", false, "with -A: add the values to those that are there instead of replacing them")
	fs.BoolVar(&u.allDomains, "all-domains", false, "take every dc node for a mail domain, not only those with a domain's attributes or class")
	u.addRules(fs)
	fs.Var(&u.MaxEntry, "max-entry", "skip and report a record of more than `SIZE` bytes (K, M, G)")
	fs.BoolVar(&u.strict, "strict", false, "stop at the first problem")
}

// Adds says whether anything is set in every selected entry (-A).
func (u *Upgrade) Adds() bool { return len(u.add) > 0 }

// Check refuses values that cannot be, and choices that do not go together. It
// reads no file.
func (u *Upgrade) Check() error {
	// Which source, base and kinds they are makes no difference to the rest.
	o := ldifconv.Options{From: ldifconv.SIMS, Base: []string{"o=internet"}, Kinds: ldifconv.All}
	if err := u.fillEntries(&o); err != nil {
		return err
	}
	return u.fillRules(&o.Rules)
}

// Fill puts the choices into o, whose source, bases and kinds are set, and
// reads the files that they name. A choice that has no effect on entries of
// that source is told to the job.
func (u *Upgrade) Fill(job *cli.Job, o *ldifconv.Options) error {
	if err := u.fillEntries(o); err != nil {
		return err
	}
	u.unused(job, o.From)
	if err := u.fillRules(&o.Rules); err != nil {
		return err
	}
	return u.readMaps(job, &o.Rules)
}

// fillEntries takes what says which entries are upgraded, and what is set in
// them.
func (u *Upgrade) fillEntries(o *ldifconv.Options) error {
	o.Filter, o.Append, o.AllDomains, o.Strict, o.MaxEntry = u.filter, u.appendTo, u.allDomains, u.strict, int(u.MaxEntry)
	for _, arg := range u.add {
		pairs, err := ldifconv.ParsePairs(arg)
		if err != nil {
			return cli.Usagef("-A: %w", err)
		}
		o.Add = append(o.Add, pairs...)
	}
	switch {
	case u.appendTo && len(o.Add) == 0:
		return cli.Usagef("-P needs -A")
	case u.MaxEntry <= 0:
		return cli.Usagef("--max-entry %d: a size above 0", int64(u.MaxEntry))
	}
	if err := ldifconv.CheckSelection(*o); err != nil {
		return cli.Usagef("%w", err)
	}
	return nil
}
