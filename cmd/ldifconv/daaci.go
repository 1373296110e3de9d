package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
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
another text is left as it is, and told. --list prints the ACIs, each with its
source: some are stated by public manuals, others concluded, for the exact output
of the old imsdaaci was never published.

IN is a plain, gzip or LZ4 file, or - for standard input.
`

func daaciVerb() cli.Verb {
	return cli.Verb{
		Name:    "daaci",
		Args:    "[IN ...]",
		Summary: "write groups and ACIs for delegated administration",
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
			fs.BoolVar(&o.force, "force", false, "replace an output file that exists and holds something else")
			fs.BoolVar(&o.list, "list", false, "print the ACIs and their sources, and read nothing")
			return o.run
		},
	}
}

type daaciOptions struct {
	orgRoot, dcRoot, groups, out         string
	domains, serviceAdmins, domainAdmins []string
	force, list                          bool
}

func (o *daaciOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	if o.list {
		return listACIs(job.Stdout)
	}
	d, err := o.delegation()
	if err != nil {
		return err
	}
	var have aci.Have
	if len(args) > 0 {
		reader := newACIReader(ctx, job, d.Roots, append(o.serviceAdmins[:len(o.serviceAdmins):len(o.serviceAdmins)], o.domainAdmins...))
		if err := reader.read(args); err != nil {
			return err
		}
		have = reader.have
		reader.tellMissing()
		if len(o.domains) == 0 {
			d.Domains = reader.domains()
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
		norm, err := ldif.AppendNormDN(nil, []byte(dn))
		if err != nil {
			return cli.Usagef("--domain-admin %q is no DN", dn)
		}
		best, depth := -1, 0
		for i := range domains {
			for _, node := range domains[i].Nodes {
				n, err := ldif.AppendNormDN(nil, []byte(node))
				if err == nil && ldif.UnderNormDN(norm, n) && ldif.DepthNormDN(n) > depth {
					best, depth = i, ldif.DepthNormDN(n)
				}
			}
		}
		if best < 0 {
			job.Problem("domain-admin", "", fmt.Sprintf("%s lies in none of the domains", dn))
			continue
		}
		domains[best].Admins = append(domains[best].Admins, dn)
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
	w := ldif.NewWriter(out)
	acis := 0
	for i := range records {
		for _, m := range records[i].Mods {
			if string(m.Desc) == "aci" {
				acis += len(m.Values)
			}
		}
		if err := w.Write(&records[i]); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := files.commit(); err != nil {
		return err
	}
	job.Count("domains", int64(domains))
	job.Count("records", int64(len(records)))
	job.Count("acis", int64(acis))
	if o.out != "-" && len(records) > 0 {
		job.Next(fmt.Sprintf(`ldapmodify -c -D "cn=Directory Manager" -w PASSWORD -f %s`, cli.Quote(o.out)))
	}
	return nil
}

// listACIs prints the templates.
func listACIs(w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, t := range aci.Templates() {
		standing := "concluded"
		if t.Documented {
			standing = "documented"
		}
		fmt.Fprintf(out, "%s (on each %s; %s)\n    %s\n    source: %s\n    %s\n", t.Name, t.Node, standing, t.What, t.Source, t.Text)
	}
	return out.Flush()
}

// aciReader keeps what matters of an export: ACIs, groups of administrators,
// containers of groups, and domains. Memory grows with their number.
type aciReader struct {
	ctx    context.Context
	job    *cli.Job
	have   aci.Have
	wanted []string
	nodes  []domainNode
	// spelled has the names of entries as they are written, by normalised DN.
	spelled map[string]string
	// missing are the administrators that were not met, by normalised DN.
	missing map[string]string
}

// newACIReader makes a reader that looks for the roots and administrators
// named.
func newACIReader(ctx context.Context, job *cli.Job, roots, admins []string) *aciReader {
	r := &aciReader{ctx: ctx, job: job, have: aci.Have{}, wanted: roots, spelled: map[string]string{}, missing: map[string]string{}}
	for _, dn := range admins {
		if norm, err := ldif.AppendNormDN(nil, []byte(dn)); err == nil {
			r.missing[string(norm)] = dn
		}
	}
	return r
}

// tellMissing warns of administrators that the export does not have.
func (r *aciReader) tellMissing() {
	for _, norm := range slices.Sorted(maps.Keys(r.missing)) {
		r.job.Warning("no-admin", r.missing[norm], "no entry of the export has this DN: it is made an administrator all the same")
	}
}

// domainNode is a domain's entry and the one its users lie below.
type domainNode struct{ dn, base string }

func (r *aciReader) read(paths []string) error {
	inputs, closeAll, err := openInputs(r.job, paths)
	if err != nil {
		return err
	}
	defer closeAll()
	meter := r.job.Meter("entries", 0, 0)
	for i := range inputs {
		in := ldif.NewReader(inputs[i], ldif.Options{})
		for n := 0; ; n++ {
			if n%1024 == 0 && r.ctx.Err() != nil {
				return r.ctx.Err()
			}
			rec, err := in.Next()
			if err == nil {
				if rec.Type != ldif.Content && rec.Type != ldif.Add {
					r.job.Problem("change-record", position(inputs[i].Name, rec.Line, rec.DN), fmt.Sprintf("a %s record is no entry of an export", rec.Type))
					continue
				}
				meter.Add(1, 0)
				r.entry(&rec.Entry, position(inputs[i].Name, rec.Line, rec.DN))
				continue
			}
			if end, err := tellDamage(r.job, inputs[i].Name, in, err); err != nil {
				return err
			} else if end {
				break
			}
		}
	}
	return nil
}

// entry keeps what matters of one entry.
func (r *aciReader) entry(e *ldif.Entry, where string) {
	norm, err := ldif.AppendNormDN(nil, e.DN)
	if err != nil {
		return
	}
	delete(r.missing, string(norm))
	n := &aci.Entry{}
	for _, v := range e.Get("aci") {
		n.ACIs = append(n.ACIs, string(v))
	}
	group := bytes.HasPrefix(norm, []byte("cn=service administrators,")) || bytes.HasPrefix(norm, []byte("cn=domain administrators,"))
	if group {
		for _, v := range e.Get("uniquemember") {
			if m, err := ldif.AppendNormDN(nil, v); err == nil {
				n.Members = append(n.Members, string(m))
			}
		}
	}
	domain := false
	for _, class := range e.Get("objectclass") {
		switch strings.ToLower(strings.TrimSpace(string(class))) {
		case "inetdomain", "maildomain", "nsmanageddomain":
			domain = true
		case "organizationalunit", "organization", "domain":
			group = true
		}
	}
	if domain {
		node := domainNode{dn: string(e.DN)}
		if base := e.Get("inetdomainbasedn"); len(base) > 0 {
			node.base = string(base[0])
		}
		if _, err := ldif.AppendNormDN(nil, []byte(node.base)); err != nil {
			r.job.Problem("domain-base", where, fmt.Sprintf("inetDomainBaseDN %q is no DN: where the users of the domain lie is not known, and it is not set up", node.base))
		} else {
			r.nodes = append(r.nodes, node)
		}
	}
	if domain || group || len(n.ACIs) > 0 {
		r.have[string(norm)], r.spelled[string(norm)] = n, string(e.DN)
	}
}

// domains puts the nodes of each domain together: the one that users lie below
// first. A node that is a root is no domain.
func (r *aciReader) domains() (list []aci.DomainNodes) {
	at := map[string]int{}
	skip := map[string]bool{}
	norm := func(dn string) string {
		n, err := ldif.AppendNormDN(nil, []byte(dn))
		if err != nil {
			return ""
		}
		return string(n)
	}
	for _, root := range r.wanted {
		skip[norm(root)] = true
	}
	for _, bases := range []bool{true, false} { // nodes that name a base come first
		for _, node := range r.nodes {
			base := node.base
			if (base != "") != bases || skip[norm(node.dn)] {
				continue
			}
			if base == "" || norm(base) == "" {
				base = node.dn
			}
			if own := r.spelled[norm(base)]; own != "" {
				base = own
			}
			i, ok := at[norm(base)]
			if !ok {
				i = len(list)
				list = append(list, aci.DomainNodes{Nodes: []string{base}})
				at[norm(base)] = i
			}
			if norm(node.dn) != norm(base) {
				list[i].Nodes = append(list[i].Nodes, node.dn)
			}
		}
	}
	return list
}
