package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	accounts "imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/manual"
	"imsconv/ldifconv/check"
	"imsconv/ldifconv/schema"
)

const checkDoc = `
Checks a directory export, entry by entry and across entries, and writes one line
a finding: code, severity, file:line, DN, attribute, text. Codes are stable;
--codes lists them, with --format tsv or json a line each; docs/checks.md says
more.

  schema     what a server would refuse: missing, not allowed, too many values,
             values against their syntax; unknown classes and attributes
  identity   one DN, uid (of one domain) or address in two entries, both named
  reference  members, owners, URLs and alias targets that are nowhere, mail of
             lists and users that comes back to them, entries without a parent
  meaning    users without uid, mail or mailHost, statuses, quotas, delivery
             options without what they need, service rules that shut users out
  leftover   what is old in an upgraded entry, and entries half upgraded

Each mail entry is checked by the rules of the product whose classes it has, or
of the one that --as names; with --as ims50 an entry that is not upgraded is an
error. --schema adds definitions of the site to the merged schema that is built
in: slapd.user_at.conf, slapd.user_oc.conf, LDIF with attributeTypes and
objectClasses, or an OpenLDAP .schema file, of at most 4 MiB.

A finding of --fail-on and above is a problem: --log, --report and --json have
each with its file and line.

The export may have any size. What takes the whole of it goes to an index in a
scratch folder of --temp, about as large as the export, that is removed at the
end. Memory stays below 64 MiB and the index's cache of 32 MiB together.

IN is a plain, gzip or LZ4 file, or - for standard input, the default.
`

func checkVerb() cli.Verb {
	return cli.Verb{
		Name:    "check",
		Prints:  cli.Always,
		Args:    "[IN ...]",
		Summary: "find what is wrong with an export",
		See:     []string{"ldifconv-classify(1)", "ldifconv-schema(1)", "ldifconv-upgrade(1)"},
		Doc:     checkDoc,
		Example: "$ ldifconv check export.ldif\n$ ldifconv check --as ims50 --host mail.siroe.com --format tsv upgraded.ldif > findings.tsv\n$ ldifconv check --codes",
		Exit3:   "a finding of severity error, or of --fail-on",
		New: func(fs *pflag.FlagSet) cli.Action {
			o := checkOptions{maxEntry: 8 << 20}
			o.as.Add(fs, "as", "", "check all mail entries as those of `PRODUCT`: sims, nms or ims50; default: each by its own classes", "", "sims", "nms", "ims50")
			o.as.AnyCase().Also("ims", "ims50")
			fs.StringArrayVar(&o.schemas, "schema", nil, "add the definitions of `FILE` to the schema; may be repeated")
			cli.Reads(fs, "schema")
			fs.StringArrayVar(&o.hosts, "host", nil, "a mail host that there is, `HOST`; any other in mailHost is a finding; may be repeated")
			fs.StringVar(&o.temp, "temp", "", "make the scratch folder in `DIR`")
			cli.Place(fs, "temp")
			fs.BoolVar(&o.cross, "cross-read", false, "read every record with go-ldap/ldif as well and report where the two differ")
			o.format.Add(fs, "format", "", "`FORM` of the findings: text, tsv or json (one object a line)", "text", "text", "tsv", "json")
			o.failOn.Add(fs, "fail-on", "", "exit with 3 on findings of `SEVERITY` and above: error, warning, info, or never", "error", "error", "warning", "info", "never")
			fs.BoolVar(&o.codes, "codes", false, "list the codes, and read nothing")
			fs.Var(&o.maxEntry, "max-entry", "report entries of more than `SIZE` bytes (K, M, G) as damaged")
			return o.run
		},
	}
}

type checkOptions struct {
	as, format, failOn flags.Choice
	temp               string
	schemas, hosts     []string
	cross, codes       bool
	maxEntry           flags.Size
}

func (o *checkOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	product := map[string]check.Product{"": check.Auto, "sims": check.SIMS, "nms": check.NMS, "ims50": check.IMS}[o.as.Value]
	level := map[string]check.Severity{"error": check.Error, "warning": check.Warning, "info": check.Info, "never": check.Error + 1}[o.failOn.Value]
	if o.maxEntry <= 0 {
		return cli.Usagef("--max-entry %d: a size above 0", int64(o.maxEntry))
	}
	hintMaxEntry(job)
	out := bufio.NewWriter(job.Stdout)
	lines := newFindingLines(out, o.format.Value)
	if o.codes {
		if len(args) > 0 {
			return cli.Usagef("--codes takes no files")
		}
		return writeCodes(out, o.format.Value)
	}
	set, err := readSchemas(job, o.schemas)
	if err != nil {
		return err
	}
	if err := scratchRoom(o.temp, totalSize(args)); err != nil {
		return err
	}
	inputs, closeAll, err := openInputs(job, args)
	if err != nil {
		return err
	}
	defer closeAll()
	opt := check.Options{
		As: product, Schema: set, Hosts: o.hosts, CrossRead: o.cross, MaxEntry: int(o.maxEntry), TempDir: o.temp, Cache: check.DefaultCache,
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(32<<20 + opt.Cache/2 + 4*max(0, int64(o.maxEntry)-8<<20)))
	opt.Progress = job.Meter("entries", 0, 0)
	report, err := check.Run(ctx, func(f *check.Finding) error {
		if f.Severity >= level {
			job.Listed(f.Code, accounts.Position(f.File, f.Line, []byte(f.DN)), findingText(f))
		}
		return lines.write(f)
	}, ldifInputs(inputs), opt)
	if err != nil {
		return err
	}
	tellChecked(job, &report)
	return out.Flush()
}

// readSchemas returns the built-in schema with those of the site added.
func readSchemas(job *cli.Job, paths []string) (*schema.Set, error) {
	set := schema.Merged()
	for _, path := range paths {
		f, err := flags.OpenText(job, path, "no schema", "an LDIF file")
		if err != nil {
			return nil, err
		}
		d, err := schema.Read(f)
		f.Close() // read only: nothing is lost
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if len(d.Attributes)+len(d.Classes) == 0 {
			job.Warning("schema-empty", path, "no attribute and no class is defined there")
		}
		for _, note := range set.Add(d) {
			job.Note(fmt.Sprintf("%s: %s", path, note))
		}
	}
	return set, nil
}

// findingText is what a finding says, behind its attribute.
func findingText(f *check.Finding) string {
	text := accounts.Printable([]byte(f.Text))
	if f.Attr == "" {
		return text
	}
	return f.Attr + ": " + text
}

// tellChecked puts the counts into the summary.
func tellChecked(job *cli.Job, r *check.Report) {
	job.Count("entries", r.Entries)
	if r.Damaged > 0 {
		job.Count("damaged records", r.Damaged)
	}
	job.Count("users", r.Users)
	job.Count("groups", r.Groups)
	job.Count("domains", r.Domains)
	job.Count("errors", r.BySeverity[check.Error])
	job.Count("warnings", r.BySeverity[check.Warning])
	job.Count("infos", r.BySeverity[check.Info])
	for _, code := range check.Codes() {
		if n := r.ByCode[code.Name]; n > 0 {
			job.Detail(code.Name, n)
		}
	}
}

// findingLines writes findings in one of the forms.
type findingLines struct {
	out   *bufio.Writer
	json  *json.Encoder
	write func(*check.Finding) error
}

func newFindingLines(out *bufio.Writer, format string) *findingLines {
	l := &findingLines{out: out, json: json.NewEncoder(out)}
	l.json.SetEscapeHTML(false)
	switch format {
	case "text":
		l.write = l.text
	case "tsv":
		l.write = l.tsv
	case "json":
		l.write = l.object
	}
	return l
}

func (l *findingLines) text(f *check.Finding) error {
	_, err := fmt.Fprintf(l.out, "%s %s %s:%d %q %s %s\n", f.Code, f.Severity, f.File, f.Line, f.DN, dash(f.Attr), accounts.Printable([]byte(f.Text)))
	return err
}

func (l *findingLines) tsv(f *check.Finding) error {
	_, err := fmt.Fprintf(l.out, "%s\t%s\t%s:%d\t%s\t%s\t%s\n", f.Code, f.Severity, f.File, f.Line, accounts.Printable([]byte(f.DN)), dash(f.Attr), accounts.Printable([]byte(f.Text)))
	return err
}

// findingObject is one finding in JSON.
type findingObject struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	DN       string `json:"dn"`
	Attr     string `json:"attribute,omitempty"`
	Text     string `json:"text"`
}

func (l *findingLines) object(f *check.Finding) error {
	return l.json.Encode(findingObject{f.Code, f.Severity.String(), f.File, f.Line, f.DN, f.Attr, f.Text})
}

// writeCodes lists the codes; the form markdown is the table of docs/checks.md.
func writeCodes(out *bufio.Writer, format string) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, c := range check.Codes() {
		var err error
		switch format {
		case "json":
			err = enc.Encode(struct {
				check.Code
				Severity string `json:"severity"`
			}{c, c.Severity.String()})
		case "tsv":
			_, err = fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", c.Name, c.Severity, c.Group, c.What)
		default:
			head := fmt.Sprintf("%-18s %-8s %-10s ", c.Name, c.Severity, c.Group)
			lines := manual.Hang(c.What, manual.Columns, head, strings.Repeat(" ", len(head)))
			_, err = fmt.Fprintln(out, strings.Join(lines, "\n"))
		}
		if err != nil {
			return err
		}
	}
	return out.Flush()
}

// writeCodesMarkdown writes the table of docs/checks.md.
func writeCodesMarkdown(out io.Writer) {
	fmt.Fprint(out, "| code | severity | group | what |\n|---|---|---|---|\n")
	for _, c := range check.Codes() {
		fmt.Fprintf(out, "| `%s` | %s | %s | %s |\n", c.Name, c.Severity, c.Group, strings.ReplaceAll(c.What, "|", `\|`))
	}
}
