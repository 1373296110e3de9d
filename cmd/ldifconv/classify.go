package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	accounts "imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/flags"
	"imsconv/ldifconv"
)

const classifyDoc = `
Says of every entry which of the schema tags sims40, nms41 and ims50 it
satisfies, by the object classes that iMS itself goes by:

  sims40  inetMailRouting with inetMailUser or inetMailGroup
  nms41   mailRecipient with nsMessagingServerUser; mailGroup
  ims50   inetLocalMailRecipient with inetMailUser or inetMailGroup

Text output is one line an entry: tags (comma-joined, or none), kind (user,
group, domain or -), form of the uid (local, local@domain, other or -), DN,
separated by TABs. JSON output is one object a line: one for each entry, with
"type": "entry", and at the end one with "type": "summary" that holds the counts:
entries by tag, users, groups, domains, forms of uids, and the mail domains with
the number of addresses in each. --counts leaves the entries out.

Form local@domain is counted as known when the domain has a node, an o= suffix
or an address in the input. A uid with a character that iMS forbids is other,
and a warning.

An address that two users or lists have is a warning that names both. A node
of the domain component tree is a domain by its class or attributes or, as in
upgrade, by what lies below it: ou=People, ou=Groups, a user or a list. For that
the input is read twice; a pipe is copied into a temporary file.

IN is a plain, gzip or LZ4 file, or - for standard input, the default. With
--expect ims50 a mail entry that does not satisfy exactly that tag is a problem:
the check of a finished upgrade.
`

func classifyVerb() cli.Verb {
	return cli.Verb{
		Name:    "classify",
		Prints:  cli.Always,
		Args:    "[IN ...]",
		Summary: "say which schema each entry satisfies",
		See:     []string{"ldifconv-check(1)", "ldifconv-upgrade(1)"},
		Doc:     classifyDoc,
		Example: "$ ldifconv upgrade -M sims -b o=internet --format ldif export.ldif | ldifconv classify --expect ims50 --counts",
		Exit3:   "a record could not be read, or a mail entry does not satisfy --expect",
		New: func(fs *pflag.FlagSet) cli.Action {
			var o classifyOptions
			o.maxEntry = 8 << 20
			o.format.Add(fs, "format", "", "`FORM` of the output: text or json", "text", "text", "json")
			fs.BoolVar(&o.counts, "counts", false, "print the counts only")
			o.expect.Add(fs, "expect", "", "`TAG` that every mail entry must satisfy, and no other: sims40, nms41 or ims50", "", "sims40", "nms41", "ims50")
			o.expect.AnyCase()
			fs.Var(&o.maxEntry, "max-entry", "skip and report entries of more than `SIZE` bytes (K, M, G)")
			return o.run
		},
	}
}

type classifyOptions struct {
	format, expect flags.Choice
	counts         bool
	maxEntry       flags.Size
}

func (o *classifyOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	expect := map[string]ldifconv.Tag{"sims40": ldifconv.TagSIMS40, "nms41": ldifconv.TagNMS41, "ims50": ldifconv.TagIMS50}[o.expect.Value]
	if o.maxEntry <= 0 {
		return cli.Usagef("--max-entry %d: a size above 0", int64(o.maxEntry))
	}
	hintMaxEntry(job)
	inputs, closeAll, err := openInputs(job, args)
	if err != nil {
		return err
	}
	defer closeAll()
	out := bufio.NewWriter(job.Stdout)
	lines := entryLines{out: out, json: json.NewEncoder(out), silent: o.counts}
	lines.json.SetEscapeHTML(false)
	each := lines.text
	if o.format.Value == "json" {
		each = lines.object
	}
	meter := job.Meter("entries", 0, 0)
	report, err := ldifconv.Classify(ctx, func(c *ldifconv.Classified) error {
		meter.Add(1, 0)
		return each(c)
	}, inputs, ldifconv.ClassifyOptions{MaxEntry: int(o.maxEntry), Expect: expect, Log: job})
	if err != nil {
		return err
	}
	counts := countsOf(&report)
	if o.format.Value == "json" {
		err = lines.json.Encode(counts)
	} else if o.counts {
		err = counts.write(out)
	}
	if err != nil {
		return err
	}
	counts.tell(job)
	return out.Flush()
}

// entryLines writes what each entry is.
type entryLines struct {
	out    *bufio.Writer
	json   *json.Encoder
	silent bool
}

func (l *entryLines) text(c *ldifconv.Classified) error {
	if l.silent {
		return nil
	}
	_, err := fmt.Fprintf(l.out, "%s\t%s\t%s\t%s\n", c.Tags, dash(kindWord(c.Kind)), dash(c.Form.String()), accounts.Printable(c.DN))
	return err
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func kindWord(k ldifconv.Kind) string {
	switch k {
	case ldifconv.Users:
		return "user"
	case ldifconv.Groups:
		return "group"
	case ldifconv.Domains:
		return "domain"
	}
	return ""
}

// entryObject is one entry in JSON.
type entryObject struct {
	Type    string   `json:"type"`
	DN      string   `json:"dn"`
	Line    int      `json:"line"`
	Tags    []string `json:"tags"`
	Kind    string   `json:"kind,omitempty"`
	UID     string   `json:"uid,omitempty"`
	UIDForm string   `json:"uid_form,omitempty"`
}

func (l *entryLines) object(c *ldifconv.Classified) error {
	if l.silent {
		return nil
	}
	return l.json.Encode(entryObject{
		Type: "entry", DN: string(c.DN), Line: c.Line, Tags: c.Tags.Names(),
		Kind: kindWord(c.Kind), UID: string(c.UID), UIDForm: c.Form.String(),
	})
}

// classCounts is the summary in JSON.
type classCounts struct {
	Type     string                 `json:"type"`
	Entries  int64                  `json:"entries"`
	Damaged  int64                  `json:"damaged"`
	Tags     map[string]int64       `json:"tags"` // comma-joined tags, or none
	Users    int64                  `json:"users"`
	Groups   int64                  `json:"groups"`
	Domains  int64                  `json:"domains"`
	UIDForms map[string]int64       `json:"uid_forms"`
	Mail     []ldifconv.DomainCount `json:"mail_domains"`
}

func countsOf(r *ldifconv.ClassifyReport) *classCounts {
	c := &classCounts{
		Type: "summary", Entries: r.Entries, Damaged: r.Damaged, Tags: map[string]int64{},
		Users: r.Users, Groups: r.Groups, Domains: r.Domains,
		UIDForms: map[string]int64{
			"local": r.UIDLocal, "local@domain known": r.UIDKnown, "local@domain unknown": r.UIDUnknown, "other": r.UIDOther,
		},
		Mail: append([]ldifconv.DomainCount{}, r.DomainList...),
	}
	for tag, n := range r.Tags {
		if n > 0 {
			c.Tags[ldifconv.Tag(tag).String()] = n
		}
	}
	return c
}

var (
	tagOrder  = []string{"sims40", "nms41", "ims50", "sims40,nms41", "sims40,ims50", "nms41,ims50", "sims40,nms41,ims50", "none"}
	formOrder = []string{"local", "local@domain known", "local@domain unknown", "other"}
)

// each calls use for every count, in order.
func (c *classCounts) each(use func(name string, n int64)) {
	use("entries", c.Entries)
	for _, tag := range tagOrder {
		if n, ok := c.Tags[tag]; ok {
			use(tag, n)
		}
	}
	use("users", c.Users)
	use("groups", c.Groups)
	use("domains", c.Domains)
	for _, form := range formOrder {
		if n := c.UIDForms[form]; n > 0 {
			use("uid "+form, n)
		}
	}
}

func (c *classCounts) write(out io.Writer) (err error) {
	c.each(func(name string, n int64) {
		if err == nil {
			_, err = fmt.Fprintf(out, "%s\t%d\n", name, n)
		}
	})
	for _, d := range c.Mail {
		if err == nil {
			_, err = fmt.Fprintf(out, "mail domain %s\t%d\n", d.Name, d.Addresses)
		}
	}
	return err
}

func (c *classCounts) tell(job *cli.Job) {
	c.each(job.Count)
	if c.Damaged > 0 {
		job.Count("damaged records", c.Damaged)
	}
}
