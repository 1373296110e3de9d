package main

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	accounts "imsconv/cmd/internal/directory"
	"imsconv/ldifconv"
	"imsconv/ldifconv/filter"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
	"imsconv/storeconv/ims"
)

const usersDoc = `
Writes the store ids of the mail users of an export, one a line, in the order of
the export: uid for users of the default domain, uid@domain for others. Such a
list is what storeconv's -u takes.

--split N --out DIR spreads them over N files, users01.txt and so on, that are as
even as the order allows: each user goes to the file with the least so far, by
--by: sizes, the bytes of each user in --sizes FILE (lines of user or
user/mailbox/uid and bytes, as storeconv list prints them); quota, the mailQuota,
where a user without one counts as much as the mean of those before; or count.
Default: sizes with --sizes, else quota when the first user has one, else count.
No user is in two files: files of an earlier split that this one would leave in
DIR are refused, or removed with --force. The same command goes on where a run
was killed between two files.

An id that no store can have, or that -u would read as something else, is a
problem and not written; of two entries with one id, in any case of letters, the
first counts and the other is a problem. What replication left, tombstones and
conflict entries, is no user.

--format tsv is a table of one line a user, columns separated by TABs, with a
header line: id, DN, domain, mailHost, quota, status, forward. Quota is in bytes,
-1 none, - not set; forward are the forwarding addresses, joined by commas.

-b, -F and the class of an entry select, as in upgrade. IN is a plain, gzip or
LZ4 file, or - for standard input, the default. Memory does not grow with the
export or with --sizes; the ids of a large one take room for temporary files.
`

func usersVerb() cli.Verb {
	return cli.Verb{
		Name:    "users",
		Args:    "[IN ...]",
		Summary: "list the store ids of an export, split evenly",
		Doc:     usersDoc,
		Example: "$ ldifconv users --default-domain siroe.com --split 12 --out batches export.ldif\n$ ldifconv users --format tsv -F '(mailHost=mail1.siroe.com)' export.ldif",
		Exit3:   "a record could not be read, or a user has no id of its own that a store can have",
		New: func(fs *pflag.FlagSet) cli.Action {
			var o usersOptions
			fs.StringArrayVarP(&o.base, "base", "b", nil, "only users at and below the DN `BASE`; may be repeated")
			fs.StringVarP(&o.filter, "filter", "F", "", "only users that match the LDAP `FILTER` (RFC 1558, RFC 4515)")
			fs.StringVar(&o.domain, "default-domain", "", "the `DOMAIN` whose users have bare uids for ids")
			fs.StringVar(&o.format, "format", "ids", "`FORM` of the output: ids or tsv")
			fs.IntVar(&o.split, "split", 0, "spread the users over `N` files of --out")
			fs.StringVar(&o.out, "out", "", "write the files to `DIR`")
			fs.StringVar(&o.by, "by", "", "make the files even by `WHAT`: sizes, quota or count")
			fs.StringVar(&o.sizes, "sizes", "", "the bytes of each user are in `FILE`")
			fs.BoolVar(&o.force, "force", false, "replace files that exist and hold something else, and remove those of an earlier split")
			o.splitGiven = func() bool { return fs.Changed("split") }
			return o.run
		},
	}
}

type usersOptions struct {
	base                                   []string
	filter, domain, format, out, by, sizes string
	split                                  int
	force                                  bool
	splitGiven                             func() bool
}

func (o *usersOptions) check() error {
	switch {
	case o.format != "ids" && o.format != "tsv":
		return cli.Usagef("--format %s is neither ids nor tsv", o.format)
	case (o.split != 0 || o.splitGiven()) && (o.split < 1 || o.split > 9999):
		return cli.Usagef("--split %d: 1 to 9999", o.split)
	case o.split > 0 && o.out == "":
		return cli.Usagef("--split needs --out: the folder of the files")
	case o.by != "" && o.by != "sizes" && o.by != "quota" && o.by != "count":
		return cli.Usagef("--by %s is none of sizes, quota, count", o.by)
	case o.by == "sizes" && o.sizes == "":
		return cli.Usagef("--by sizes needs --sizes")
	case (o.by != "" || o.sizes != "") && o.split == 0:
		return cli.Usagef("--by and --sizes need --split")
	}
	return nil
}

func (o *usersOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	if err := o.check(); err != nil {
		return err
	}
	l := userLister{o: o, job: job}
	defer l.close()
	if o.by == "" && o.sizes != "" {
		o.by = "sizes"
	}
	if err := l.selection(); err != nil {
		return cli.Usagef("%w", err)
	}
	if o.sizes != "" {
		if err := readSizes(job, o.sizes, &l.sizes); err != nil {
			return err
		}
	}
	inputs, closeAll, err := openInputs(job, args)
	if err != nil {
		return err
	}
	defer closeAll()
	if err := l.open(); err != nil {
		return err
	}
	meter := job.Meter("entries", 0, 0)
	for i := range inputs {
		if err := l.read(ctx, &inputs[i], meter); err != nil {
			return err
		}
	}
	return l.finish()
}

// userLister writes the users of an export to one file or several.
type userLister struct {
	o      *usersOptions
	job    *cli.Job
	bases  [][]byte
	filter *filter.Filter
	sizes  ldifconv.Sums // by id

	files   outputs
	stale   []string // lists of an earlier split, which go
	outs    []*bufio.Writer
	weights []int64 // of each file so far
	count   []int64

	ids   ldifconv.FirstOf // where each store id came first
	names []string         // of the inputs

	entries, users, chosenUsers int64
	selected, unsized           int64
	quotas, quotaSum            int64
	tombstones, conflicts       int64
	domainMet                   bool // --default-domain is that of some user
}

// selection prepares what -b and -F say.
func (l *userLister) selection() (err error) {
	for _, base := range l.o.base {
		norm, err := ldif.AppendNormDN(nil, []byte(base))
		if err != nil {
			return fmt.Errorf("base %q: %w", base, err)
		}
		l.bases = append(l.bases, norm)
	}
	if l.o.filter == "" {
		return nil
	}
	set := schema.Merged()
	l.filter, err = filter.Compile(l.o.filter, func(name string) []string {
		if at := set.Attribute([]byte(name)); at != 0 {
			a := set.AttributeType(at)
			return append([]string{a.OID}, a.Names...)
		}
		return nil
	})
	return err
}

// read lists the users of one file.
func (l *userLister) read(ctx context.Context, in *ldifconv.Input, meter *cli.Meter) error {
	l.names = append(l.names, in.Name)
	r := ldif.NewReader(in, ldif.Options{})
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		rec, err := r.Next()
		if err != nil {
			if end, err := tellDamage(l.job, in.Name, r, err); end || err != nil {
				return err
			}
			continue
		}
		switch {
		case rec.Type != ldif.Content && rec.Type != ldif.Add:
			l.job.Problem("change-record", position(in.Name, rec.Line, rec.DN), fmt.Sprintf("a %s record is no entry of an export", rec.Type))
			continue
		}
		meter.Add(1, 0)
		l.entries++
		if err := l.entry(in.Name, rec); err != nil {
			return err
		}
	}
}

func (l *userLister) entry(file string, rec *ldif.Record) error {
	if !isMailUser(rec) {
		return nil
	}
	u := accounts.UserOf(rec)
	l.users++
	l.domainMet = l.domainMet || u != nil && strings.EqualFold(u.Domain, l.o.domain)
	if !l.chosen(rec) {
		return nil
	}
	l.chosenUsers++
	if l.leftAlone(rec) {
		return nil
	}
	if u == nil {
		l.job.Problem("no-uid", position(file, rec.Line, rec.DN), "the user has no uid, so no store id")
		return nil
	}
	id := u.ID(l.o.domain)
	if ok, err := l.usable(id, file, rec); !ok || err != nil {
		return err
	}
	l.selected++
	at, err := l.place(u, id)
	if err != nil {
		return err
	}
	l.count[at]++
	line := id + "\n"
	if l.o.format == "tsv" {
		line = userLine(u, id, rec)
	}
	_, err = l.outs[at].WriteString(line)
	return err
}

// leftAlone counts an entry that belongs to the directory server: what is left
// of a deleted one, or one that replication could not settle.
func (l *userLister) leftAlone(rec *ldif.Record) bool {
	for _, class := range rec.Get("objectclass") {
		if strings.EqualFold(strings.TrimSpace(string(class)), "nsTombstone") {
			l.tombstones++
			return true
		}
	}
	rdn, _, _ := strings.Cut(strings.ToLower(string(rec.DN)), ",")
	if strings.Contains(rdn, "nsuniqueid=") || len(rec.Get("nsds5ReplConflict")) > 0 {
		l.conflicts++
		return true
	}
	return false
}

// usable reports whether a store id can be listed: that a store can have it, -u
// reads it as it is, and no user before has it. Store ids of two cases are one.
func (l *userLister) usable(id, file string, rec *ldif.Record) (bool, error) {
	where := position(file, rec.Line, rec.DN)
	err := ims.CheckUserID(id)
	if err == nil && (strings.ContainsAny(id, " =") || id[0] == '#') {
		err = fmt.Errorf("user id %q cannot stand in a list of users", id)
	}
	if err != nil {
		l.job.Problem("bad-id", where, err.Error())
		return false, nil
	}
	const lineBits = 40
	first, again, err := l.ids.Put([]byte(strings.ToLower(id)), uint64(len(l.names)-1)<<lineBits|uint64(rec.Line))
	if again {
		at := position(l.names[first>>lineBits], int(first&(1<<lineBits-1)), nil)
		l.job.Problem("id-twice", where, fmt.Sprintf("the user id %s is that of the entry at %s: only that one is listed", id, at))
	}
	return !again, err
}

// isMailUser reports whether the classes are those of a mail user of any of the
// products.
func isMailUser(rec *ldif.Record) bool {
	for _, class := range rec.Get("objectclass") {
		switch id, _ := schema.LookupClass(class); id {
		case schema.ClassInetMailUser, schema.ClassMailRecipient, schema.ClassNsMessagingServerUser:
			return true
		}
	}
	return false
}

func (l *userLister) chosen(rec *ldif.Record) bool {
	if len(l.bases) > 0 {
		norm, err := ldif.AppendNormDN(nil, rec.DN)
		below := false
		for _, base := range l.bases {
			below = below || err == nil && ldif.UnderNormDN(norm, base)
		}
		if !below {
			return false
		}
	}
	return l.filter == nil || l.filter.Match(&rec.Entry)
}

// place picks the file of a user: the one with the least so far.
func (l *userLister) place(u *accounts.User, id string) (int, error) {
	if l.o.by == "" {
		l.o.by = "count"
		if u.HasQuota {
			l.o.by = "quota"
		}
	}
	weight := int64(1)
	switch l.o.by {
	case "sizes":
		size, ok, err := l.sizeOf(id)
		if err != nil {
			return 0, err
		}
		if !ok {
			l.unsized++
		}
		weight = size
	case "quota":
		if u.HasQuota && u.Quota > 0 {
			weight = min(u.Quota, 1<<50)
			l.quotas++
			l.quotaSum += min(u.Quota, 1<<50) >> 10
		} else if l.quotas > 0 {
			weight = l.quotaSum / l.quotas << 10
		}
	}
	best := 0
	for i := range l.weights {
		if l.weights[i] < l.weights[best] || l.weights[i] == l.weights[best] && l.count[i] < l.count[best] {
			best = i
		}
	}
	l.weights[best] += weight
	return best, nil
}

// userLine is one line of the table.
func userLine(u *accounts.User, id string, rec *ldif.Record) string {
	quota := "-"
	if u.HasQuota {
		quota = strconv.FormatInt(u.Quota, 10)
	}
	columns := []string{id, u.DN, u.Domain, valueOf(rec, "mailhost"), quota, statusOf(rec), valueOf(rec, "mailforwardingaddress")}
	for i, c := range columns {
		columns[i] = dash(printable([]byte(c)))
	}
	return strings.Join(columns, "\t") + "\n"
}

// valueOf is the values of an attribute, joined by commas.
func valueOf(rec *ldif.Record, name string) string {
	var list []string
	for _, v := range rec.Get(name) {
		list = append(list, string(v))
	}
	return strings.Join(list, ",")
}

// statusOf is the status that counts: a user who is not active as a whole is
// not active for mail.
func statusOf(rec *ldif.Record) string {
	for _, name := range []string{"inetuserstatus", "inetsubscriberstatus", "mailuserstatus"} {
		if v := valueOf(rec, name); v != "" && !strings.EqualFold(v, "active") {
			return v
		}
	}
	for _, name := range []string{"mailuserstatus", "inetuserstatus", "inetsubscriberstatus"} {
		if v := valueOf(rec, name); v != "" {
			return v
		}
	}
	return ""
}

// finish writes the rest, and says what there was to choose from.
func (l *userLister) finish() error {
	switch {
	case l.entries == 0:
		l.job.Warning("empty-input", "", "the input has no entry: is it the export?")
	case l.users == 0:
		l.job.Warning("no-users", "", "no entry has the class of a mail user: inetMailUser, mailRecipient or nsMessagingServerUser")
	case l.chosenUsers == 0:
		l.job.Warning("nothing-selected", "", fmt.Sprintf("none of %d mail users is selected: look at -b and -F", l.users))
	}
	if l.unsized > 0 {
		l.job.Warning("no-size", l.o.sizes, fmt.Sprintf("%d users have no size: they count as empty", l.unsized))
	}
	if l.o.domain != "" && l.users > 0 && !l.domainMet {
		l.job.Warning("no-default-domain", l.o.domain, "no mail user is of the domain of --default-domain: is it spelled right?")
	}
	if err := l.commit(); err != nil {
		return err
	}
	l.job.Count("entries", l.entries)
	l.job.Count("users", l.users)
	l.job.Count("selected", l.selected)
	leftAlone(l.job, ldifconv.Report{Tombstones: l.tombstones, Conflicts: l.conflicts})
	if l.o.split > 0 {
		l.job.Count("files", int64(l.o.split))
		for i := range l.count {
			l.job.Detail(fmt.Sprintf("file %d", i+1), l.count[i])
		}
	}
	return nil
}
