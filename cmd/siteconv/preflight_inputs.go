package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/page"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/ldifconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/relocate"
)

// lookAtMail reads the stream or store once.
func (c *conversion) lookAtMail(ctx context.Context, job *cli.Job) error {
	if !c.hasMail() {
		c.pre.Fact("mail", "none yet: each batch is backed up when its users are locked")
		return nil
	}
	in := c.store()
	if err := job.Reads(in.Path); err != nil {
		return c.inputError(ctx, in, err)
	}
	in.Meter = job.Meter("files", 0, sizeOf(in.Path))
	if err := c.readMail(ctx, job); err != nil {
		return c.inputError(ctx, in, err)
	}
	c.judgeMail(in)
	return nil
}

// judgeMail tells what is to be said of the mail side.
func (c *conversion) judgeMail(in *inputs.Input) {
	m := c.mail
	c.pre.Fact("mail", "%s, %s, %s; %s at least", page.Amount(m.IDs.Len(), "user", "users"), page.Amount(m.Messages, "message", "messages"), page.Size(m.Bytes, "en"), page.Amount(m.Folders, "directory", "directories"))
	if m.IDs.Len() == 0 && (c.batch != nil || !c.scenario.batches) {
		c.pre.Find("empty-mail", in.Path, "there is no user in it")
	}
	if len(m.Faults) > 0 {
		c.pre.Find("damaged-mail", in.Path, "not all of it can be read: %s", kindsText(m.Faults))
	}
	if m.NoEnd {
		c.pre.Find("no-end-marker", in.Path, "the stream has no end marker: what came behind its last member is missing, if anything did")
	}
	if in.Unreadable > 0 {
		c.pre.Find("unreadable-mail", in.Path, "%s cannot be read: %s", page.Amount(in.Unreadable, "folder", "folders"), examples(in.Closed, in.Unreadable))
	}
	if m.Refused > 0 {
		c.pre.Find("forbidden-names", in.Path, "%d user ids or folder names are not allowed in the new store: %s", m.Refused, examples(m.Odd, m.Refused))
	}
}

// readMail learns what there is on the mail side.
func (c *conversion) readMail(ctx context.Context, job *cli.Job) error {
	if c.scenario.nms() {
		return c.store().ReadStore(ctx, job, c.site, c.mail)
	}
	return c.store().ReadBackup(ctx, job, c.set.source, c.mail)
}

// sizeOf is the size of a file; of a folder it is not known.
func sizeOf(path string) int64 {
	st, err := os.Stat(path)
	if err != nil || st.IsDir() {
		return 0
	}
	return st.Size()
}

// inputError makes a finding of what is wrong with an input, unless the run was
// interrupted, the command line is wrong, or it is the machine that lacks
// something.
func (c *conversion) inputError(ctx context.Context, in *inputs.Input, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if cli.IsUsage(err) || ims.OfMachine(err) || cli.OfTemporary(err) {
		return err
	}
	c.pre.FailInput(in.Path, err)
	return nil
}

// mostExamples is how many of the same a finding names.
const mostExamples = 5

// examples are some of n texts in one line.
func examples(some []string, n int64) string {
	text := strings.Join(some, ", ")
	if more := n - int64(len(some)); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// lookAtExport reads the export: its product, its top entries, and the default
// domain.
func (c *conversion) lookAtExport(ctx context.Context, job *cli.Job) error {
	in := c.export()
	if err := job.Reads(in.Path); err != nil {
		return c.inputError(ctx, in, err)
	}
	if err := in.Fingerprint(ctx, nil); err != nil {
		return c.inputError(ctx, in, err)
	}
	if err := c.lookAtProduct(ctx, job); err != nil {
		return c.inputError(ctx, in, err)
	}
	sv, err := c.surveyExport(job)
	if err != nil {
		return c.inputError(ctx, in, err)
	}
	if c.pre.Has("input-missing", "input-unreadable", "wrong-kind") {
		return nil // of the mail: who has the bare uid is not known
	}
	c.settleDomain(job, sv)
	return nil
}

// surveyExport learns the top entries of the export and its domains.
func (c *conversion) surveyExport(job *cli.Job) (*directory.Survey, error) {
	export := c.export()
	in, err := flags.OpenExport(job, export.Path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	sv, err := directory.Read(inputs.Count(in, &export.Plain), export.Path, c.mail.IDs, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", export.Path, err)
	}
	c.tops = sv.Tops
	if len(c.base) == 0 {
		c.base = sv.Tops
	}
	return sv, nil
}

// settleDomain takes the default domain that is named, else the one that fits
// the store, and says why.
func (c *conversion) settleDomain(job *cli.Job, sv *directory.Survey) {
	path := c.export().Path
	if c.hasMail() {
		c.pre.Fact("evidence", "%s", evidence(sv))
	}
	if c.defaultDomain != "" {
		c.pre.Fact("default domain", "%s, as was said", c.defaultDomain)
		if !slices.ContainsFunc(sv.Domains, func(d directory.Domain) bool { return strings.EqualFold(d.Name, c.defaultDomain) }) {
			c.pre.Find("default-domain", path, "no user of the export is in the default domain %s", c.defaultDomain)
		}
		c.tellQualified(sv)
		return
	}
	if !c.hasMail() {
		c.pre.Find("domain-not-said", path, "without a backup stream the default domain, whose users have bare uids in the store, is not known")
		return
	}
	name, err := sv.DefaultDomain()
	if err != nil {
		c.pre.Fail("domains-tie", path, err)
		return
	}
	c.defaultDomain = name
	c.tellQualified(sv)
	text := "no default domain: no bare user id of the store is in the export"
	if len(sv.Doubts(name)) > 0 {
		text = "no default domain: of none are more users in the store by their bare uid than with the domain"
	}
	if name != "" {
		text = "the default domain is " + name + ", whose users the store has by their bare uid"
	}
	c.pre.Fact("default domain", "%s", text)
	if !c.pre.Full {
		job.Note(text)
	}
}

// tellQualified tells of a domain whose users the store has in both forms.
func (c *conversion) tellQualified(sv *directory.Survey) {
	for _, d := range sv.Doubts(c.defaultDomain) {
		c.pre.Find("qualified-ids", c.store().Path, "%s", d.Doubt(c.defaultDomain))
		c.pre.Advise("look at --default-domain. " + c.fateOfQualified())
	}
}

// fateOfQualified says what becomes of the mail of uid and of uid@DOMAIN.
func (c *conversion) fateOfQualified() string {
	switch name, _, _ := mailTable(c.site); name {
	case "relocate":
		return "Both ids stay; if one of them is that of another user, or should be, map in [relocate] of site.toml gives it another id"
	case "export":
		return "Of uid and of uid@DOMAIN of the default domain, the one whose mail comes first has the place of the uid, and the mail of the other is left out: map in [export] of site.toml gives it another id"
	}
	return "Mail of uid and of uid@DOMAIN of the default domain is put together under the uid; if it is that of another user, map in [restore] of site.toml gives it another id"
}

// evidenceShown is how many domains are told.
const evidenceShown = 10

// evidence says how many users of each domain the store has by their bare uid.
func evidence(sv *directory.Survey) string {
	if len(sv.Domains) == 0 {
		return "no mail user of the export is in a domain"
	}
	var parts []string
	for _, d := range sv.Domains[:min(len(sv.Domains), evidenceShown)] {
		parts = append(parts, fmt.Sprintf("%s %d of %d", d.Name, d.Stored, d.Users))
	}
	return "users whom the store has by their bare uid: " + examples(parts, int64(len(sv.Domains)))
}

// lookAtProduct refuses the export of the product that the scenario is not for,
// and a base that nothing lies below.
func (c *conversion) lookAtProduct(ctx context.Context, job *cli.Job) error {
	path := c.export().Path
	in, err := flags.OpenExport(job, path)
	if err != nil {
		return err
	}
	defer in.Close()
	bases, err := inputs.NewBases(c.base)
	if err != nil {
		return err
	}
	var sims, nms int64
	count := func(e *ldifconv.Classified) error {
		bases.Meet(e.DN)
		switch {
		case e.Tags&ldifconv.TagSIMS40 != 0:
			sims++
		case e.Tags&ldifconv.TagNMS41 != 0:
			nms++
		}
		return ctx.Err()
	}
	input := ldifconv.Input{Name: path, Reader: in, Open: func() (io.ReadCloser, error) { return job.Open(path) }}
	rep, err := ldifconv.Classify(ctx, count, []ldifconv.Input{input}, ldifconv.ClassifyOptions{})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if rep.Entries == 0 {
		return fmt.Errorf("%s: no directory export: there is no entry in it", path)
	}
	c.pre.Fact("directory", "%s entries; of SIMS 4.0 %s mail entries, of NMS 4.x %s", page.Int(rep.Entries), page.Int(sims), page.Int(nms))
	switch {
	case c.scenario.nms() && nms == 0 && sims > 0:
		c.otherProduct(sims, "SIMS 4.0", "NMS 4.x", scenarioOf(ldifconv.SIMS))
	case !c.scenario.nms() && sims == 0 && nms > 0:
		c.otherProduct(nms, "NMS 4.x", "SIMS 4.0", scenarioOf(ldifconv.NMS))
	}
	for _, base := range bases.Missing() {
		c.pre.Find("base-missing", path, "--base %s: no entry lies at or below it", base)
	}
	return nil
}

func (c *conversion) otherProduct(n int64, has, lacks, scenario string) {
	c.pre.Find("wrong-product", c.export().Path, "%d mail entries are of %s and none of %s: this is the wrong export for the scenario", n, has, lacks)
	c.pre.Advise("its scenario is " + scenario + "; or take the export that belongs to the store")
}

// lookAtChoices reads what the tables of site.toml name, and looks whether the
// filter matches anything.
func (c *conversion) lookAtChoices(ctx context.Context, job *cli.Job) error {
	if c.pre.Has("input-missing", "input-unreadable", "wrong-kind") {
		return nil
	}
	if err := c.fill(job); err != nil {
		return err
	}
	if len(c.set.upgrade.Rules.UIDMap) > 0 && len(c.mailMap()) == 0 {
		c.pre.Find("uid-map-alone", c.site.Path, "uid-map gives users new ids in the directory, and nothing gives them to the store")
	}
	if c.whole != "" { // batches, and what comes after them, find mail by users
		if err := c.findOwners(ctx, job); err != nil {
			return err
		}
	}
	if name, _, _ := mailTable(c.site); name == "relocate" && c.hasMail() {
		if err := relocate.CheckPartitions(c.store().Path, c.set.relocate.Partitions); err != nil {
			c.pre.Fail("partition-map", c.site.Path, err)
		}
	}
	if err := c.lookAtHosts(ctx, job); err != nil || c.set.upgrade.Filter == "" {
		return err
	}
	return c.lookAtFilter(ctx, job)
}

// mailMap are the new ids of users of the store.
func (c *conversion) mailMap() map[string]string {
	switch name, _, _ := mailTable(c.site); name {
	case "export":
		return c.set.export.Map
	case "relocate":
		return c.set.relocate.Map
	}
	return c.set.restore.Map
}

// mailUsers are the users whose mail goes over, as the source has them; nil:
// all.
func (c *conversion) mailUsers() map[string]bool {
	switch name, _, _ := mailTable(c.site); name {
	case "export":
		return c.set.export.Users
	case "relocate":
		return c.set.relocate.Users
	}
	return c.set.restore.Users
}

// lookAtFilter selects once what the upgrade will select.
func (c *conversion) lookAtFilter(ctx context.Context, job *cli.Job) error {
	opt := c.set.upgrade
	opt.TempDir = "" // the run's own is not there yet
	rep, err := c.upgradeTo(ctx, job, io.Discard, opt)
	if err != nil {
		return err
	}
	if rep.Selected == 0 {
		c.pre.Find("filter-empty", c.export().Path, "no entry at or below the bases matches %s", c.set.upgrade.Filter)
	}
	return nil
}
