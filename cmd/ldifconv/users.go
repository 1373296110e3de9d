package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	accounts "imsconv/cmd/internal/directory"
	"imsconv/ldifconv"
	"imsconv/ldifconv/filter"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
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
No user is in two files.

--format tsv is a table of one line a user, columns separated by TABs, with a
header line: id, DN, domain, mailHost, quota, status, forward. Quota is in bytes,
-1 none, - not set; forward are the forwarding addresses, joined by commas.

-b, -F and the class of an entry select, as in upgrade. IN is a plain, gzip or
LZ4 file, or - for standard input, the default. Memory does not grow with the
export, but with --sizes.
`

func usersVerb() cli.Verb {
	return cli.Verb{
		Name:    "users",
		Args:    "[IN ...]",
		Summary: "list the store ids of an export, split evenly",
		Doc:     usersDoc,
		Example: "$ ldifconv users --default-domain siroe.com --split 12 --out batches export.ldif\n$ ldifconv users --format tsv -F '(mailHost=mail1.siroe.com)' export.ldif",
		Exit3:   "a record could not be read, or a user has no uid",
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
			fs.BoolVar(&o.force, "force", false, "replace files that exist")
			return o.run
		},
	}
}

type usersOptions struct {
	base                                   []string
	filter, domain, format, out, by, sizes string
	split                                  int
	force                                  bool
}

func (o *usersOptions) check() error {
	switch {
	case o.format != "ids" && o.format != "tsv":
		return cli.Usagef("--format %s is neither ids nor tsv", o.format)
	case o.split < 0 || o.split > 9999:
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
	if o.by == "" && o.sizes != "" {
		o.by = "sizes"
	}
	if err := l.selection(); err != nil {
		return cli.Usagef("%w", err)
	}
	if o.sizes != "" {
		var err error
		if l.sizes, err = readSizes(job, o.sizes); err != nil {
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
	sizes  map[string]int64 // by id

	files   []*cli.OutputFile
	outs    []*bufio.Writer
	weights []int64 // of each file so far
	count   []int64

	entries, users, selected, unsized int64
	quotas, quotaSum                  int64
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

// open opens the output, or all files of a split.
func (l *userLister) open() error {
	n := max(l.o.split, 1)
	ext := map[string]string{"ids": "txt", "tsv": "tsv"}[l.o.format]
	width := max(2, len(strconv.Itoa(n)))
	if l.o.out != "" {
		if err := os.MkdirAll(l.o.out, 0o777); err != nil {
			return err
		}
	}
	for i := range n {
		path := "-"
		switch {
		case l.o.split > 0:
			path = filepath.Join(l.o.out, fmt.Sprintf("users%0*d.%s", width, i+1, ext))
		case l.o.out != "":
			path = filepath.Join(l.o.out, "users."+ext)
		}
		f, err := l.job.Create(path, l.o.force)
		if err != nil {
			return err
		}
		l.files = append(l.files, f)
		w := bufio.NewWriterSize(f, 4<<10)
		l.outs = append(l.outs, w)
		if l.o.format == "tsv" {
			w.WriteString("id\tdn\tdomain\tmailhost\tquota\tstatus\tforward\n") // an error comes back from Flush
		}
	}
	l.weights, l.count = make([]int64, n), make([]int64, n)
	return nil
}

// read lists the users of one file.
func (l *userLister) read(ctx context.Context, in *ldifconv.Input, meter *cli.Meter) error {
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
	l.users++
	if !l.chosen(rec) {
		return nil
	}
	u := accounts.UserOf(rec)
	if u == nil {
		l.job.Problem("no-uid", position(file, rec.Line, rec.DN), "the user has no uid, so no store id")
		return nil
	}
	l.selected++
	id := u.ID(l.o.domain)
	at := l.place(u, id)
	l.count[at]++
	line := id + "\n"
	if l.o.format == "tsv" {
		line = userLine(u, id, rec)
	}
	_, err := l.outs[at].WriteString(line)
	return err
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
func (l *userLister) place(u *accounts.User, id string) int {
	if l.o.by == "" {
		l.o.by = "count"
		if u.HasQuota {
			l.o.by = "quota"
		}
	}
	weight := int64(1)
	switch l.o.by {
	case "sizes":
		size, ok := l.sizes[id]
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
	return best
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
	case l.selected == 0:
		l.job.Warning("nothing-selected", "", fmt.Sprintf("none of %d mail users is selected: look at -b and -F", l.users))
	}
	if l.unsized > 0 {
		l.job.Warning("no-size", l.o.sizes, fmt.Sprintf("%d users have no size: they count as empty", l.unsized))
	}
	for i, w := range l.outs {
		if err := w.Flush(); err != nil {
			return err
		}
		if err := l.files[i].Commit(); err != nil {
			return err
		}
	}
	l.job.Count("entries", l.entries)
	l.job.Count("users", l.users)
	l.job.Count("selected", l.selected)
	if l.o.split > 0 {
		l.job.Count("files", int64(l.o.split))
		for i := range l.count {
			l.job.Detail(fmt.Sprintf("file %d", i+1), l.count[i])
		}
	}
	return nil
}

// readSizes reads the bytes of users: lines of a user, or of a name that begins
// with one and a slash, and a number, separated by blanks or TABs; what follows
// is passed over, a number that is - counts nothing.
func readSizes(job *cli.Job, path string) (map[string]int64, error) {
	in, err := openText(job, path, "no list of sizes")
	if err != nil {
		return nil, err
	}
	defer in.Close()
	sizes := map[string]int64{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		if strings.TrimSpace(text) == "" || text[0] == '#' {
			continue
		}
		name, rest, ok := strings.Cut(text, "\t")
		if !ok {
			name, rest, ok = strings.Cut(text, " ")
		}
		number, _, _ := strings.Cut(strings.TrimLeft(rest, " \t"), "\t")
		number = strings.TrimSpace(number)
		size := int64(0)
		if number != "-" {
			if size, err = strconv.ParseInt(number, 10, 64); err != nil || size < 0 || !ok {
				return nil, fmt.Errorf("%s:%d: %.100q is no user and number of bytes", path, n, text)
			}
		}
		user, _, _ := strings.Cut(name, "/")
		sizes[user] += size
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return sizes, nil
}
