package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	accounts "imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/manual"
	"imsconv/ldifconv/aci"
	"imsconv/ldifconv/ldif"
)

const daaciDoc = `
Writes change records that set delegated administration up: the groups Service
Administrators below the root and Domain Administrators below each domain, and
the access control instructions (ACIs) on roots and domains. ldapmodify applies
them as cn=Directory Manager.

Domains are those of --domain, a DN each, or else those that IN has: entries with
inetDomain, mailDomain or nsManagedDomain, and what their inetDomainBaseDN names.
With one tree, --dc-root alone, users and domains lie below the domain
components; with two, --org-root names that of the organizations, where groups
and users lie, and both trees have their ACIs.

With IN, an export of the directory as it is, only what it lacks is written: the
second run over its own result writes nothing. An ACI of the same name and
another text is left as it is, and told. --undo FILE receives the records that
take these back: they delete what was added, and nothing else. --list prints the ACIs, broken into
lines of 80 columns, each with its source: some are stated by public manuals, others concluded, for the exact output
of the old imsdaaci was never published.

IN is a plain, gzip or LZ4 file, or - for standard input.
`

func daaciVerb() cli.Verb {
	return cli.Verb{
		Name:    "daaci",
		Prints:  cli.With("list"),
		Args:    "[IN ...]",
		Summary: "write groups and ACIs for delegated administration",
		See:     []string{"ldifconv-upgrade(1)", "ldapmodify(1)"},
		Doc:     daaciDoc,
		Example: "$ ldifconv daaci --dc-root o=internet --service-admin uid=admin,ou=People,dc=siroe,dc=com,o=internet export.ldif -o daaci.ldif\n$ ldapmodify -c -D \"cn=Directory Manager\" -w PASSWORD -f daaci.ldif",
		New: func(fs *pflag.FlagSet) cli.Action {
			var o daaciOptions
			fs.StringVar(&o.orgRoot, "org-root", "", "the `DN` of the root of the organization tree")
			fs.StringVar(&o.dcRoot, "dc-root", "", "the `DN` of the root of the tree of domain components")
			fs.StringArrayVar(&o.domains, "domain", nil, "the `DN` of a domain's entry; may be repeated")
			fs.StringArrayVar(&o.serviceAdmins, "service-admin", nil, "make the user `DN` a Service Administrator; may be repeated")
			fs.StringArrayVar(&o.domainAdmins, "domain-admin", nil, "make the user `DN` an administrator of the domain it lies in; may be repeated")
			fs.StringVar(&o.groups, "groups", "ou=Groups", "the `RDN` of the container that holds the groups; empty: directly below root and domain")
			fs.StringVarP(&o.out, "output", "o", "-", "write to `FILE`")
			fs.StringVar(&o.undo, "undo", "", "write change records that take these back to `FILE`")
			fs.BoolVar(&o.force, "force", false, "replace an output file that exists and holds something else")
			fs.BoolVar(&o.list, "list", false, "print the ACIs and their sources, and read nothing")
			return o.run
		},
	}
}

type daaciOptions struct {
	orgRoot, dcRoot, groups, out, undo   string
	domains, serviceAdmins, domainAdmins []string
	force, list                          bool
}

func (o *daaciOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	if o.list {
		return listACIs(job.Stdout)
	}
	if o.undo != "" && o.undo == o.out && o.out != "/dev/null" {
		return cli.Usagef("%s: is the output and the undo", o.undo)
	}
	d, err := o.delegation()
	if err != nil {
		return err
	}
	var have aci.Have
	if len(args) > 0 {
		found, err := o.survey(ctx, job, args, slices.Concat(d.Roots, o.domains))
		if err != nil {
			return err
		}
		have = found.Have
		if len(o.domains) == 0 {
			d.Domains = found.Domains(d.Roots)
		}
	} else if len(o.domains) == 0 {
		job.Warning("no-domains", "", "neither --domain nor an export: no domain is set up")
	}
	if len(args) > 0 && len(d.Domains) == 0 {
		job.Warning("no-domains", strings.Join(args, ", "), "no domain is found in the export: --domain names one")
	}
	if err := o.placeAdmins(job, d.Domains); err != nil {
		return err
	}
	records, notes, err := aci.Plan(d, have)
	if err != nil {
		return cli.Usagef("%w", err)
	}
	for _, note := range notes {
		job.Warning("daaci", "", note)
	}
	return o.write(job, records, len(d.Domains))
}

// delegation is what the options say.
func (o *daaciOptions) delegation() (d aci.Delegation, err error) {
	d = aci.Delegation{Groups: o.groups, ServiceAdmins: o.serviceAdmins}
	for _, root := range []string{o.orgRoot, o.dcRoot} {
		if root != "" {
			d.Roots = append(d.Roots, root)
		}
	}
	if len(d.Roots) == 0 {
		return d, cli.Usagef("--dc-root or --org-root is missing: the root of the tree")
	}
	for _, dn := range o.domains {
		d.Domains = append(d.Domains, aci.DomainNodes{Nodes: []string{dn}})
	}
	for _, dn := range append(append(append([]string{}, d.Roots...), o.domains...), o.serviceAdmins...) {
		if _, err := ldif.AppendNormDN(nil, []byte(dn)); err != nil {
			return d, cli.Usagef("%q is no DN", dn)
		}
	}
	return d, nil
}

// placeAdmins gives each domain administrator the domain it lies in.
func (o *daaciOptions) placeAdmins(job *cli.Job, domains []aci.DomainNodes) error {
	for _, dn := range o.domainAdmins {
		if _, err := ldif.AppendNormDN(nil, []byte(dn)); err != nil {
			return cli.Usagef("--domain-admin %q is no DN", dn)
		}
		if !aci.Place(domains, dn) {
			job.Problem("domain-admin", "", fmt.Sprintf("%s lies in none of the domains", accounts.Printable([]byte(dn))))
		}
	}
	return nil
}

func (o *daaciOptions) write(job *cli.Job, records []ldif.Record, domains int) error {
	files := outputs{job: job, force: o.force}
	defer files.close()
	out, err := files.create(o.out)
	if err != nil {
		return err
	}
	if err := writeRecords(out, records); err != nil {
		return err
	}
	if o.undo != "" {
		back, err := files.create(o.undo)
		if err != nil {
			return err
		}
		if err := writeRecords(back, aci.Undo(records)); err != nil {
			return err
		}
	}
	if err := files.commit(); err != nil {
		return err
	}
	job.Count("domains", int64(domains))
	job.Count("records", int64(len(records)))
	job.Count("acis", countACIs(records))
	if o.out != "-" && len(records) > 0 {
		job.Next(fmt.Sprintf(`ldapmodify -c -D "cn=Directory Manager" -w PASSWORD -f %s`, cli.Quote(o.out)))
	}
	return nil
}

func writeRecords(dst io.Writer, records []ldif.Record) error {
	w := ldif.NewWriter(dst)
	for i := range records {
		if err := w.Write(&records[i]); err != nil {
			return err
		}
	}
	return w.Flush()
}

func countACIs(records []ldif.Record) (n int64) {
	for i := range records {
		for _, m := range records[i].Mods {
			if string(m.Desc) == "aci" {
				n += int64(len(m.Values))
			}
		}
	}
	return n
}

// listACIs prints the templates.
func listACIs(w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, t := range aci.Templates() {
		standing := "concluded"
		if t.Documented {
			standing = "documented"
		}
		fmt.Fprintf(out, "%s (on each %s; %s)\n", t.Name, t.Node, standing)
		printSetIn(out, t.What)
		printSetIn(out, "source: "+t.Source)
		for _, line := range foldACI(t.Text, manual.Columns-4) {
			fmt.Fprintln(out, "    "+strings.TrimRight(line, " "))
		}
	}
	return out.Flush()
}

// survey reads the exports of args, and looks for the nodes named.
func (o *daaciOptions) survey(ctx context.Context, job *cli.Job, args, nodes []string) (*aci.Survey, error) {
	found := aci.NewSurvey(slices.Concat(o.serviceAdmins, o.domainAdmins), nodes)
	inputs, closeAll, err := openInputs(job, args)
	if err != nil {
		return nil, err
	}
	defer closeAll()
	meter := job.Meter("entries", 0, 0)
	for i := range inputs {
		in := ldif.NewReader(inputs[i], ldif.Options{})
		for n := 0; ; n++ {
			if n%1024 == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			rec, err := in.Next()
			if err == nil {
				meter.Add(1, 0)
				surveyRecord(job, found, rec, inputs[i].Name)
				continue
			}
			if end, err := accounts.TellDamage(job, inputs[i].Name, in, err); err != nil {
				return nil, err
			} else if end {
				break
			}
		}
	}
	for _, dn := range found.NoGroups {
		job.Warning("daaci", accounts.Printable([]byte(dn)), "is no groupOfUniqueNames: a directory refuses members that are added to it")
	}
	for _, dn := range found.Missing() {
		job.Warning("no-admin", accounts.Printable([]byte(dn)), "no entry of the export has this DN: it is made an administrator all the same")
	}
	return found, nil
}

// surveyRecord takes one record of an export.
func surveyRecord(job *cli.Job, found *aci.Survey, rec *ldif.Record, name string) {
	where := accounts.Position(name, rec.Line, rec.DN)
	if rec.Type != ldif.Content && rec.Type != ldif.Add {
		job.Problem("change-record", where, fmt.Sprintf("a %s record is no entry of an export", rec.Type))
		return
	}
	if err := found.Entry(&rec.Entry); err != nil {
		job.Problem("domain-base", where, err.Error())
	}
}

// foldACI breaks an ACI behind blanks and between brackets.
func foldACI(text string, columns int) []string {
	lines := []string{""}
	for text != "" {
		n := 1
		for n < len(text) && text[n-1] != ' ' && (text[n-1] != ')' || text[n] != '(') {
			n++
		}
		if last := lines[len(lines)-1]; last != "" && len(last)+len(strings.TrimRight(text[:n], " ")) > columns {
			lines = append(lines, "")
		}
		lines[len(lines)-1] += text[:n]
		text = text[n:]
	}
	return lines
}
