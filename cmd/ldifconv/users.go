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
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/roster"
	"imsconv/ldifconv"
	"imsconv/ldifconv/ldif"
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
storeconv plan-shards makes such files of mail itself, by the same rule.
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
		See:     []string{"ldifconv-upgrade(1)", "siteconv-run(1)", "storeconv-list(1)", "storeconv-restore(1)"},
		Doc:     usersDoc,
		Example: "$ ldifconv users --default-domain siroe.com --split 12 --out batches export.ldif\n$ ldifconv users --format tsv -F '(mailHost=mail1.siroe.com)' export.ldif",
		Exit3:   "a record could not be read, or a user has no id of its own that a store can have",
		New: func(fs *pflag.FlagSet) cli.Action {
			var o usersOptions
			fs.StringArrayVarP(&o.base, "base", "b", nil, "only users at and below the DN `BASE`; may be repeated")
			fs.StringVarP(&o.filter, "filter", "F", "", "only users that match the LDAP `FILTER` (RFC 1558, RFC 4515)")
			fs.StringVar(&o.domain, "default-domain", "", "the `DOMAIN` whose users have bare uids for ids")
			o.format.Add(fs, "format", "", "`FORM` of the output: ids or tsv", "ids", "ids", "tsv")
			fs.IntVar(&o.split, "split", 0, "spread the users over `N` files of --out")
			fs.StringVar(&o.out, "out", "", "write the files to `DIR`")
			cli.Place(fs, "out")
			o.by.Add(fs, "by", "", "make the files even by `WHAT`: sizes, quota or count", "", roster.Measures()...)
			fs.StringVar(&o.sizes, "sizes", "", "the bytes of each user are in `FILE` (- for standard input)")
			cli.Reads(fs, "sizes")
			fs.BoolVar(&o.force, "force", false, "replace files that exist and hold something else, and remove those of an earlier split")
			o.splitGiven = func() bool { return fs.Changed("split") }
			return o.run
		},
	}
}

type usersOptions struct {
	base                       []string
	format, by                 flags.Choice
	filter, domain, out, sizes string
	split                      int
	force                      bool
	splitGiven                 func() bool
}

func (o *usersOptions) check() error {
	switch {
	case (o.split != 0 || o.splitGiven()) && (o.split < 1 || o.split > roster.MostLists):
		return cli.Usagef("--split %d: 1 to %d", o.split, roster.MostLists)
	case o.split > 0 && o.out == "":
		return cli.Usagef("--split needs --out: the folder of the files")
	case o.by.Value == string(roster.Sizes) && o.sizes == "":
		return cli.Usagef("--by sizes needs --sizes")
	case (o.by.Value != "" || o.sizes != "") && o.split == 0:
		return cli.Usagef("--by and --sizes need --split")
	}
	return nil
}

func (o *usersOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.by.Value == "" && o.sizes != "" {
		o.by.Value = string(roster.Sizes)
	}
	list, err := roster.NewList(roster.Selection{Base: o.base, Filter: o.filter, Domain: o.domain}, job)
	if err != nil {
		return cli.Usagef("%w", err)
	}
	defer list.Close()
	l := userLister{o: o, job: job, list: list}
	defer l.close()
	if o.sizes != "" {
		if err := l.readSizes(); err != nil {
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
		if err := list.Read(ctx, &inputs[i], meter, l.write); err != nil {
			return err
		}
	}
	return l.finish()
}

// userLister writes the users of an export to one file or several.
type userLister struct {
	o       *usersOptions
	job     *cli.Job
	list    *roster.List
	balance *roster.Balance
	sizes   ldifconv.Sums // by id

	files outputs
	stale []string // lists of an earlier split, which go
	outs  []*bufio.Writer
}

// readSizes reads --sizes.
func (l *userLister) readSizes() error {
	path := l.o.sizes
	in, err := flags.OpenText(l.job, path, "no list of sizes")
	if err != nil {
		return err
	}
	defer in.Close()
	read, err := roster.ReadSizes(in, path, &l.sizes)
	if err == nil && !read {
		l.job.Warning("empty-file", path, "the file holds nothing")
	}
	return err
}

// write writes a user to its file.
func (l *userLister) write(m *roster.Member) error {
	at, err := l.balance.Place(m)
	if err != nil {
		return err
	}
	line := roster.Line(m.ID)
	if l.o.format.Value == "tsv" {
		line = userLine(m)
	}
	_, err = l.outs[at].WriteString(line)
	return err
}

// close removes temporary files and closes the others.
func (l *userLister) close() {
	l.files.close()
	l.sizes.Close() // what it holds is not to be kept
}

// userLine is one line of the table.
func userLine(m *roster.Member) string {
	u, rec := m.User, m.Record
	quota := "-"
	if u.HasQuota {
		quota = strconv.FormatInt(u.Quota, 10)
	}
	columns := []string{m.ID, u.DN, u.Domain, valueOf(rec, "mailhost"), quota, statusOf(rec), valueOf(rec, "mailforwardingaddress")}
	for i, c := range columns {
		columns[i] = dash(accounts.Printable([]byte(c)))
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
	l.list.TellEmpty()
	if n := l.balance.Unsized(); n > 0 {
		l.job.Warning("no-size", l.o.sizes, cli.Counted(n, "user has no size and counts", "users have no size and count")+" as empty")
	}
	l.list.TellDomain()
	if err := l.commit(); err != nil {
		return err
	}
	n := &l.list.Counts
	l.job.Count("entries", n.Entries)
	l.job.Count("users", n.Users)
	l.job.Count("selected", n.Listed)
	leftAlone(l.job, ldifconv.Report{Tombstones: n.Tombstones, Conflicts: n.Conflicts})
	if l.o.split > 0 {
		l.job.Count("files", int64(l.o.split))
		for i, users := range l.balance.Counts() {
			l.job.Detail(fmt.Sprintf("file %d", i+1), users)
		}
	}
	return nil
}
