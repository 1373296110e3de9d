package site

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/flags"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// Look looks at a folder with the inputs of a site, reads each of them, and
// says what site they are of and how that is known. Nothing is changed. Where
// several things could be one input, the one with the usual name is taken, with
// a warning that names the others, and without it none. The scenario is the one
// that is given, "" being the first of the product's. An error is one of the
// folder, or of the context.
func Look(ctx context.Context, job *cli.Job, dir, scenario string) (*Site, *Evidence, error) {
	l := &looker{ctx: ctx, job: job, site: &Site{Dir: dir, Scenario: scenario}, ev: newEvidence()}
	if err := l.refuseInput(dir); err != nil {
		return nil, nil, err
	}
	f := finder{ctx: ctx, job: job, root: dir, seen: map[fileID]string{}, doubt: l.ev.doubt}
	if info, err := os.Stat(dir); err == nil {
		f.again(&candidate{name: "."}, info)
	}
	if err := f.folder("", 0); err != nil {
		return nil, nil, err
	}
	if err := l.read(f.found); err != nil {
		return nil, nil, err
	}
	l.conclude()
	return l.site, l.ev, nil
}

// looker comes from what lies in a folder to what the site is.
type looker struct {
	ctx  context.Context
	job  *cli.Job
	site *Site
	ev   *Evidence

	exports, streams, stores []*candidate
	single                   []*candidate // mail of one user: mailbox files, Maildirs
	export, mail             *candidate   // those that were chosen
}

// refuseInput refuses a folder that is an input itself: the file is put beside
// inputs, not into one.
func (l *looker) refuseInput(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s: not a folder", dir)
	}
	what := ""
	if _, err := nms.Open(dir); err == nil {
		what = "a store of mail"
	} else if exists(dir, "cur") && exists(dir, "new") {
		what = "a Maildir"
	}
	if what == "" {
		return nil
	}
	return notInto(dir, what)
}

func notInto(dir, what string) error {
	return cli.WithHint(fmt.Errorf("%s: this is %s itself, and nothing is written into an input", dir, what), "name a folder that has it and the directory export in it, under links if need be")
}

// read reads what was found. What cannot be read to its end is a warning; that
// the machine lacks something, such as room for temporary files, is an error.
func (l *looker) read(found []*candidate) error {
	for _, c := range found {
		var err error
		switch c.kind {
		case other, folder:
		case exportKind:
			err = lookExport(l.ctx, l.job, c)
		default:
			err = lookMail(l.ctx, l.job, c)
		}
		switch {
		case l.ctx.Err() != nil:
			return l.ctx.Err()
		case cli.IsUsage(err):
			return err
		case cli.OfTemporary(err), ims.OfMachine(err):
			return fmt.Errorf("%s: %w", c.path, err)
		}
		if err != nil {
			l.ev.doubt("unreadable", c.name, "%s", plainError(c.path, err))
		}
		l.sort(c, err)
		l.ev.Found = append(l.ev.Found, c.finding())
	}
	if err := l.singles(); err != nil {
		return err
	}
	slices.SortFunc(l.ev.Found, func(a, b Finding) int { return strings.Compare(a.Name, b.Name) })
	l.exports = convertible(l.exports)
	return nil
}

// convertible are the exports that can be converted; where there is none, all.
func convertible(exports []*candidate) []*candidate {
	var good []*candidate
	for _, c := range exports {
		if p := c.export.product(); p != "" && p != ofIMS {
			good = append(good, c)
		}
	}
	if len(good) == 0 {
		return exports
	}
	return good
}

// sort puts a candidate among those for the same input.
func (l *looker) sort(c *candidate, err error) {
	switch c.kind {
	case exportKind:
		switch {
		case c.export.Entries == 0 && err != nil:
			c.kind, c.what = other, plainError(c.path, err)
		case c.export.isExport():
			l.exports = append(l.exports, c)
		}
	case streamKind:
		if !c.mail.isStream() {
			c.kind, c.what = other, noStream(c.mail)
			l.ev.doubt("no-stream", c.name, "%s", c.what)
			return
		}
		l.streams = append(l.streams, c)
	case mailboxKind:
		l.single = append(l.single, c)
	case treeKind:
		if c.mail.single {
			l.single = append(l.single, c)
			return
		}
		l.streams = append(l.streams, c)
	case nmsKind:
		l.stores = append(l.stores, c)
		if c.mail.misplaced > 0 {
			l.ev.doubt("misplaced", c.name, "%s elsewhere than hashdir says: repair-hash = true in [relocate] puts that right", cli.Counted(int64(c.mail.misplaced), "user lies", "users lie"))
		}
	}
}

// noStream says why an archive is no stream.
func noStream(m *mailLook) string {
	if m.nms {
		return "an archive of a store of NMS, which has to be unpacked first"
	}
	return "a tar archive without a member of the form user/mailbox/uid: no backup stream"
}

// singles takes one mailbox file or Maildir for the mail. Several belong into a
// folder of their own; a folder with nothing beside them is one, and no place
// for a file.
func (l *looker) singles() error {
	switch n := len(l.single); {
	case n == 0:
		return nil
	case n == 1:
		l.streams = append(l.streams, l.single[0])
		return nil
	case len(l.exports)+len(l.streams)+len(l.stores) == 0:
		return notInto(l.site.Dir, "a folder of users' mail")
	}
	l.ev.doubt("users-mail", "", "the mail of %d users lies beside the other inputs (%s): move it to a folder of its own, which is then one input", len(l.single), few(namesOf(l.single)))
	return nil
}

func namesOf(list []*candidate) []string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = shown(c.name)
	}
	return names
}

// conclude fills in the site.
func (l *looker) conclude() {
	l.export = l.choose("inputs.ldif", "directory exports", ldifName, l.exports)
	l.chooseScenario()
	switch {
	case l.site.Scenario == "":
	case l.site.NMS():
		l.mail = l.choose("inputs.nms-store", "stores of NMS", storeName, l.stores)
		l.foreign("inputs.stream", l.streams)
	default:
		l.mail = l.choose("inputs.stream", "sources of mail", streamName, l.streams)
		l.foreign("inputs.nms-store", l.stores)
	}
	if l.export != nil {
		l.directory()
	}
	l.hosts()
}

// choose picks the candidate for an input, and sets its key.
func (l *looker) choose(key, what, usual string, list []*candidate) *candidate {
	i := slices.IndexFunc(list, func(c *candidate) bool { return c.name == usual })
	switch {
	case len(list) == 0:
		l.ev.doubt("no-input", "", "there is none of the %s: %s says where one lies", what, key)
		return nil
	case len(list) == 1:
		i = 0
		l.ev.How[key] = "the only one of the " + what
	default:
		var all []string
		for _, c := range list {
			all = append(all, c.describe())
		}
		if i < 0 {
			l.ev.doubt("several", "", "%d %s lie here, and none is chosen: %s. Say which one it is with %s", len(list), what, strings.Join(all, "; "), key)
			l.ev.Others[key] = rawNames(list, -1)
			return nil
		}
		l.ev.doubt("several", usual, "taken for its usual name, although %d %s lie here: %s. See that it is the right one, or change %s", len(list), what, strings.Join(all, "; "), key)
		l.ev.How[key] = fmt.Sprintf("one of %d %s, taken for its usual name", len(list), what)
		l.ev.Others[key] = rawNames(list, i)
	}
	*l.site.field(key).(*string) = list[i].name
	l.ev.use(list[i].name)
	return list[i]
}

// rawNames are the names of all but one.
func rawNames(list []*candidate, but int) []string {
	var names []string
	for i, c := range list {
		if i != but {
			names = append(names, c.name)
		}
	}
	return names
}

// foreign tells of mail of the other product, where the product's own is not
// there.
func (l *looker) foreign(key string, list []*candidate) {
	if l.mail == nil && len(list) > 0 {
		l.ev.doubt("other-product", "", "the scenario is %s, and what lies here is of the other product: %s", l.site.Scenario, list[0].describe())
		l.ev.Others[key] = rawNames(list, -1)
	}
}

// chooseScenario takes the scenario that the product of the export has, or,
// without one, the mail.
func (l *looker) chooseScenario() {
	product, how := "", ""
	switch {
	case l.export != nil:
		product, how = l.export.export.product(), fmt.Sprintf("%s is of %s (%s)", shown(l.export.name), l.export.export.product(), l.export.export.tags())
	case len(l.exports) > 0 && sameProduct(l.exports) != "":
		product = sameProduct(l.exports)
		how = "all the exports are of " + product
	case len(l.stores) > 0 && len(l.streams) == 0:
		product, how = ofNMS, "a store of NMS lies here"
	case len(l.streams) > 0 && len(l.stores) == 0:
		product, how = ofSIMS, "mail for SIMS' scenarios lies here"
	}
	l.doubtProduct(product)
	said := l.site.Scenario
	switch {
	case said != "" && (product == ofNMS && !l.site.NMS() || product == ofSIMS && l.site.NMS()):
		l.ev.doubt("other-product", "", "the scenario %s is not of this product: %s", said, how)
	case said != "":
		l.ev.How["scenario"] = "as it was asked for"
	case product == ofSIMS:
		l.site.Scenario = SIMSOffline
		l.ev.How["scenario"] = how + "; sims-online and sims-incremental are its other ones"
	case product == ofNMS:
		l.site.Scenario = NMSSingle
		l.ev.How["scenario"] = how
	}
}

// sameProduct is what all exports are of; "" when they are not of one.
func sameProduct(exports []*candidate) string {
	product := exports[0].export.product()
	for _, c := range exports {
		if c.export.product() != product {
			return ""
		}
	}
	return product
}

// doubtProduct tells of an export that no scenario is sure to fit.
func (l *looker) doubtProduct(product string) {
	if l.export == nil {
		return
	}
	tags := l.export.export.tags()
	switch product {
	case mixed:
		l.ev.doubt("mixed-products", l.export.name, "entries of SIMS and of NMS (%s): no scenario is chosen", tags)
	case ofIMS:
		l.ev.doubt("upgraded", l.export.name, "its entries are those of iMS already (%s): the export of before the upgrade is wanted", tags)
	case "":
		l.ev.doubt("no-product", l.export.name, "its users and groups are of none of the products (%s)", tags)
	}
}

// directory takes bases and domains from the export.
func (l *looker) directory() {
	e, d := l.export.export, &l.site.Directory
	l.bases()
	var ids *candidate
	stored := directory.NewIDSet()
	if l.mail != nil {
		ids, stored = l.mail, l.mail.mail.ids
	}
	survey, err := surveyExport(l.ctx, l.job, l.export.path, stored)
	if err != nil {
		l.ev.doubt("unreadable", l.export.name, "%s", plainError(l.export.path, err))
		return
	}
	l.domains()
	name, how, err := defaultDomain(survey, ids)
	for _, d := range survey.Doubts(name) {
		l.ev.doubt("qualified-ids", ids.name, "%s", d.Doubt(name))
	}
	if err == nil && checkDomain(name) != nil {
		err = fmt.Errorf("%q, %s, is no name of a domain", name, how)
	}
	if err != nil {
		l.ev.doubt("default-domain", "", "the default domain is not known: %v. Say it with directory.default-domain", err)
		return
	}
	d.DefaultDomain, l.ev.How["directory.default-domain"] = name, how
	if n, ok := e.nodes[name]; ok && checkDN(n.dn) == nil && fits(n.dn) {
		d.DefaultOrganization, l.ev.How["directory.default-organization"] = n.dn, "the highest entry of "+name
		l.leadingBase()
	}
}

// maxBases is how many top entries are taken as they are: an export with more
// lacks the entries above them.
const maxBases = 20

// bases takes the top entries that have mail below them, or, of many, the DN
// that all are below.
func (l *looker) bases() {
	e, d := l.export.export, &l.site.Directory
	with, without := e.bases()
	if len(with) > maxBases {
		common := commonBase(with)
		if common == "" {
			l.ev.doubt("many-tops", l.export.name, "%d entries have no entry above them, and no DN that all are below: say with directory.base what is upgraded", len(with))
			return
		}
		d.Base = keep([]string{common}, checkDN)
		l.ev.How["directory.base"] = fmt.Sprintf("what all %d entries without one above them are below", len(with))
		return
	}
	d.Base = keep(with, checkDN)
	if len(d.Base) < len(with) {
		l.ev.doubt("base", l.export.name, "top entries whose names cannot stand in the file: say with directory.base what is upgraded")
	}
	if len(d.Base) > 0 {
		l.ev.How["directory.base"] = "the top entries of " + shown(l.export.name) + " that have mail entries below them"
		if len(without) > 0 {
			l.ev.How["directory.base"] += "; without any: " + shown(few(without))
		}
	}
}

// leadingBase puts the base first that has the default organization below it:
// iMS has one base for its users, and the runbook takes the first.
func (l *looker) leadingBase() {
	d := &l.site.Directory
	organization := normDN(d.DefaultOrganization)
	i := slices.IndexFunc(d.Base, func(base string) bool {
		norm := normDN(base)
		return norm == organization || strings.HasSuffix(organization, ","+norm)
	})
	if i <= 0 {
		return
	}
	first := d.Base[i]
	d.Base = slices.Insert(slices.Delete(d.Base, i, i+1), 0, first)
	l.ev.How["directory.base"] += "; first the one of the default organization"
}

// maxDomains is how many domains are listed in the file.
const maxDomains = 1000

// domains takes those that have users or an entry of their own.
func (l *looker) domains() {
	users := maps.Clone(l.export.export.users)
	for _, d := range l.export.export.DomainList {
		if d.Node {
			users[d.Name] += 0
		}
	}
	if len(users) > maxDomains {
		l.ev.How["directory.domains"] = fmt.Sprintf("%d domains, too many to be listed here", len(users))
		return
	}
	l.site.Directory.Domains = keep(slices.Sorted(maps.Keys(users)), checkDomain)
	var parts []string
	for _, name := range l.site.Directory.Domains {
		parts = append(parts, fmt.Sprintf("%s: %s", name, cli.Counted(users[name], "user", "users")))
	}
	if len(parts) > 0 {
		l.ev.How["directory.domains"] = few(parts)
	}
}

// keep are the values that the file can hold.
func keep(list []string, check func(string) error) []string {
	var good []string
	for _, text := range list {
		if text != "" && check(text) == nil && fits(text) {
			good = append(good, text)
		}
	}
	return good
}

// hosts takes the old mail host and its places.
func (l *looker) hosts() {
	s := l.site
	if l.export != nil {
		l.oldHost()
	}
	if l.mail == nil {
		return
	}
	m := l.mail.mail
	switch {
	case m.host == "":
	case s.Hosts.Old == "":
		s.Hosts.Old, l.ev.How["hosts.old"] = m.host, shown(l.mail.name)+" was made on it"
	case !strings.EqualFold(s.Hosts.Old, m.host):
		l.ev.doubt("hosts", l.mail.name, "made on %s, and most users of the export are on %s", m.host, s.Hosts.Old)
	}
	if l.mail.kind != nmsKind {
		return
	}
	if m.owner != "" && flags.CheckOwner(m.owner) == nil {
		s.Servers.Owner, l.ev.How["servers.owner"] = m.owner, shown(l.mail.name)+" belongs to it"
	}
	root, instance := oldInstance(s.Dir, l.mail.path)
	for key, value := range map[string]string{"servers.old-root": root, "servers.old-instance": instance} {
		if value != "" {
			*s.field(key).(*string) = value
			l.ev.How[key] = "by the place of " + shown(l.mail.name)
		}
	}
}

// oldHost takes the host of most users.
func (l *looker) oldHost() {
	e := l.export.export
	hosts := e.mailHosts()
	if len(hosts) == 0 {
		return
	}
	var parts []string
	for _, h := range hosts {
		parts = append(parts, fmt.Sprintf("%s of %s", h, cli.Counted(e.hosts[h], "user", "users")))
	}
	if len(hosts) > 1 && e.hosts[hosts[0]] == e.hosts[hosts[1]] {
		l.ev.doubt("several-hosts", l.export.name, "its users are on %d mail hosts (%s): say with hosts.old which one is left", len(hosts), few(parts))
		return
	}
	l.site.Hosts.Old = hosts[0]
	l.ev.How["hosts.old"] = "mailHost " + few(parts)
	if len(hosts) > 1 {
		l.ev.doubt("several-hosts", l.export.name, "its users are on %d mail hosts (%s); hosts.old is the one of most of them", len(hosts), few(parts))
	}
}
