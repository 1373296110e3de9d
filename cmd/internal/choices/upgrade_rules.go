package choices

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/ldifconv"
)

// Rules are the choices of the mapping.
type Rules struct {
	// DefaultDomain is the site's default domain, one of those of --vanity; the
	// verb or the site's file says it.
	DefaultDomain string

	off                 []string
	quotaMissing        string
	lock, keep          flags.Choice
	quotaSuffix         bool
	programMap, uidMap  string
	alsoAllow, domains  []string
	mmp                 string
	vanity, tree        bool
	encodeURL, licenses bool
	dataSource          string
	userAttributes      []string
}

func (f *Rules) addRules(fs *pflag.FlagSet) {
	fs.StringArrayVar(&f.off, "no-rule", nil, "switch off the rule `NAME` (ldifconv rules lists them); may be repeated")
	cli.Offer(fs, "no-rule", ruleNames()...)
	fs.StringVar(&f.quotaMissing, "quota-missing", "-1", "what a SIMS user without mailQuota gets: a `NUMBER` of bytes, -1 for no limit, or keep to leave it out")
	fs.BoolVar(&f.quotaSuffix, "quota-suffix", false, "keep K, M and G in quotas instead of plain bytes")
	cli.Offer(fs, "quota-missing", "-1", "keep")
	f.lock.Add(fs, "lock", "", "what becomes of a mailFolderMap LOCK that was left over, `POLICY`: drop, or hold for mailUserStatus hold", ldifconv.LockDrop, ldifconv.LockDrop, ldifconv.LockHold)
	f.lock.AnyCase()
	f.keep.Add(fs, "keep-old-classes", "", "NMS classes that stay, `CLASSES`: none, nsMessagingServerUser or all", ldifconv.KeepNone, ldifconv.KeepNone, ldifconv.KeepMessagingUser, ldifconv.KeepAll)
	f.keep.AnyCase()
	fs.StringVar(&f.programMap, "program-map", "", "names of programs for NMS command lines, from `FILE`: name, blank, command line")
	fs.StringArrayVar(&f.alsoAllow, "also-allow", nil, "let `SERVICE` (http, ...) through access rules that would close it; may be repeated, or comma-separated")
	cli.Offer(fs, "also-allow", ldifconv.Services()...)
	fs.StringVar(&f.mmp, "mmp", "", "let users who have IMAP or POP over TLS only in from the proxy at `ADDRESS`, which speaks plain to the back end")
	fs.StringVar(&f.uidMap, "uid-map", "", "give users the uids of `FILE`: old, blank or =, new")
	fs.BoolVar(&f.vanity, "vanity", false, "mark users whose address is in none of the domains given with --domain as vanity domain users")
	fs.StringArrayVar(&f.domains, "domain", nil, "a mail domain `NAME` of the site, for --vanity; may be repeated")
	fs.BoolVar(&f.tree, "make-dc-tree", false, "from NMS: add the domain nodes below o=internet that iMS looks users up in")
	fs.BoolVar(&f.encodeURL, "encode-ldap-url", false, "write blanks in LDAP URLs as %20")
	fs.BoolVar(&f.licenses, "drop-licenses", false, "from NMS: drop nsLicenseUser and its attributes")
	fs.StringVar(&f.dataSource, "data-source", "", "`TAG` for dataSource of entries without one")
	fs.StringArrayVar(&f.userAttributes, "user-attribute", nil, "keep userDefinedAttribute`N=NAME` under another name; may be repeated")
	isPath(fs, "program-map", fileForm)
	isPath(fs, "uid-map", fileForm)
}

// fillRules puts the choices into o, all but the files that they name.
func (f *Rules) fillRules(o *ldifconv.RuleOptions) error {
	o.Off, o.QuotaMissing, o.QuotaSuffix = f.off, f.quotaMissing, f.quotaSuffix
	o.Lock, o.KeepOldClasses = f.lock.Value, f.keep.Value
	o.Vanity, o.MakeDCTree, o.EncodeURL = f.vanity, f.tree, f.encodeURL
	o.DropLicenses, o.DataSource, o.MMP = f.licenses, f.dataSource, f.mmp
	for _, list := range f.alsoAllow {
		for _, name := range strings.Split(list, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
				o.AlsoAllow = append(o.AlsoAllow, name)
			}
		}
	}
	for _, d := range append(slices.Clone(f.domains), f.DefaultDomain) {
		if d != "" {
			o.Domains = append(o.Domains, strings.ToLower(d))
		}
	}
	for _, arg := range f.userAttributes {
		n, name, ok := strings.Cut(arg, "=")
		if !ok || len(n) != 1 || n[0] < '1' || n[0] > '4' || name == "" {
			return cli.Usagef("--user-attribute %q: 1=NAME to 4=NAME", arg)
		}
		o.UserAttributes[n[0]-'1'] = name
	}
	if err := knownRules(f.off); err != nil {
		return err
	}
	if err := o.Check(); err != nil {
		return cli.Usagef("%w", err)
	}
	return nil
}

// readMaps reads the files that the choices name.
func (f *Rules) readMaps(job *cli.Job, o *ldifconv.RuleOptions) error {
	if err := readFile(job, "map of programs", f.programMap, &o.Programs, ldifconv.ReadProgramMap); err != nil {
		return err
	}
	return readFile(job, "map of user ids", f.uidMap, &o.UIDMap, ldifconv.ReadUIDMap)
}

// ruleNames are the names of all rules.
func ruleNames() (names []string) {
	for _, r := range ldifconv.Rules(ldifconv.AnySource) {
		names = append(names, r.Name)
	}
	return names
}

// knownRules refuses names that no rule has.
func knownRules(names []string) error {
	known := ruleNames()
	for _, name := range names {
		if slices.Contains(known, name) {
			continue
		}
		if near := cli.Nearest(name, known); near != "" {
			return cli.Usagef("--no-rule %q: no rule is named so; is it %s? ldifconv rules lists them", name, near)
		}
		return cli.Usagef("--no-rule %q: no rule is named so; ldifconv rules lists them", name)
	}
	return nil
}

// unused tells of choices that have no effect on entries of this source.
func (u *Upgrade) unused(job *cli.Job, from ldifconv.Source) {
	names := []string{"make-dc-tree", "drop-licenses", "program-map", "vanity"}
	if from == ldifconv.NMS {
		names = []string{"quota-missing", "quota-suffix", "lock", "also-allow", "mmp", "user-attribute"}
	}
	for _, name := range names {
		if u.set.Changed(name) {
			job.Warning("option-unused", "--"+name, fmt.Sprintf("has no effect on entries of %s", from))
		}
	}
	if u.vanity && from == ldifconv.NMS && len(u.domains) == 0 && u.DefaultDomain == "" {
		job.Warning("option-unused", "--vanity", "no --domain is given: every address in another domain than its entry's is taken for a vanity domain")
	}
}

// readFile reads a map from the file named path, when one is named.
func readFile(job *cli.Job, what, path string, to *map[string]string, read func(io.Reader) (map[string]string, error)) error {
	if path == "" {
		return nil
	}
	in, err := flags.OpenText(job, path, "no "+what)
	if err != nil {
		return err
	}
	defer in.Close()
	if *to, err = read(in); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(*to) == 0 {
		job.Warning("empty-file", path, "the file holds nothing")
	}
	return nil
}
