package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/ldifconv"
	"imsconv/ldifconv/ldif"
)

// exportLook is what a directory export holds.
type exportLook struct {
	ldifconv.ClassifyReport
	changes int64            // change records, which an export has none of
	tops    []string         // DNs of its top entries
	mail    map[string]int64 // mail entries by top entry
	nodes   map[string]node  // by domain
	hosts   map[string]int64 // users by mailHost
	users   map[string]int64 // users by domain
}

// node is the highest entry of a domain.
type node struct {
	dn    string
	depth int
}

// lookExport reads an export.
func lookExport(ctx context.Context, job *cli.Job, c *candidate) error {
	e := &exportLook{mail: map[string]int64{}, nodes: map[string]node{}, hosts: map[string]int64{}, users: map[string]int64{}}
	c.export = e
	survey, err := surveyExport(ctx, job, c.path, directory.NewIDSet())
	if err != nil {
		return err
	}
	e.tops = survey.Tops
	return e.classify(ctx, job, c)
}

// surveyExport finds top entries and domains, and how many users of each the
// store has.
func surveyExport(ctx context.Context, job *cli.Job, path string, stored directory.IDs) (*directory.Survey, error) {
	in, err := job.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return directory.Read(cli.UntilDone(ctx, in), path, stored, nil)
}

// classify counts the entries by what they are.
func (e *exportLook) classify(ctx context.Context, job *cli.Job, c *candidate) error {
	in, err := job.Open(c.path)
	if err != nil {
		return err
	}
	defer in.Close()
	tops := map[string]string{}
	for _, dn := range e.tops {
		tops[normDN(dn)] = dn
	}
	meter := job.Meter("entries", 0, 0)
	input := ldifconv.Input{Name: c.name, Reader: in, Open: func() (io.ReadCloser, error) { return job.Open(c.path) }}
	e.ClassifyReport, err = ldifconv.Classify(ctx, func(found *ldifconv.Classified) error {
		meter.Add(1, 0)
		e.entry(found, tops)
		return nil
	}, []ldifconv.Input{input}, ldifconv.ClassifyOptions{Log: e})
	if err != nil {
		return err
	}
	return e.readHosts(ctx, job, c)
}

// Problem counts the records that are no entries; the conversion tells of them.
func (e *exportLook) Problem(kind, _, _ string) {
	if kind == "change-record" {
		e.changes++
	}
}

// Warning is for the conversion to tell.
func (e *exportLook) Warning(_, _, _ string) {}

// entry takes where mail entries lie, and the highest entry of each domain.
func (e *exportLook) entry(found *ldifconv.Classified, tops map[string]string) {
	norm := normDN(string(found.DN))
	if norm == "" {
		return
	}
	if found.Kind != 0 {
		for at := norm; ; {
			if top, ok := tops[at]; ok {
				e.mail[top]++
				break
			}
			_, rest, ok := strings.Cut(at, ",")
			if !ok {
				break
			}
			at = rest
		}
	}
	domain, depth := directory.DomainOf(norm), ldif.DepthNormDN([]byte(norm))
	if old, ok := e.nodes[domain]; domain != "" && (!ok || depth < old.depth) {
		e.nodes[domain] = node{string(found.DN), depth}
	}
}

func normDN(dn string) string {
	norm, err := ldif.AppendNormDN(nil, []byte(dn))
	if err != nil {
		return ""
	}
	return string(norm)
}

// domainOf is the domain of a user; that of a compound id is in it.
func domainOf(u *directory.User) string {
	if _, domain, ok := strings.Cut(u.UID, "@"); ok {
		return strings.ToLower(domain)
	}
	return u.Domain
}

// readHosts counts the users by the host that their mail is on, and by domain.
func (e *exportLook) readHosts(ctx context.Context, job *cli.Job, c *candidate) error {
	in, err := job.Open(c.path)
	if err != nil {
		return err
	}
	defer in.Close()
	r := ldif.NewReader(cli.UntilDone(ctx, in), ldif.Options{})
	for {
		rec, err := r.Next()
		switch {
		case err == io.EOF:
			return nil
		case ldif.IsDamage(err):
			continue
		case err != nil:
			return err
		}
		u := directory.UserOf(rec)
		if u == nil {
			continue
		}
		e.users[domainOf(u)]++
		for _, host := range rec.Get("mailhost") {
			name := strings.ToLower(strings.TrimSpace(string(host)))
			if name != "" && checkHost(name) == nil {
				e.hosts[name]++
			}
			break // a user has one
		}
	}
}

// The products, as the classes of entries tell them.
const (
	ofSIMS = "SIMS"
	ofNMS  = "NMS"
	ofIMS  = "iMS"
	mixed  = "more than one product"
)

// product is what the entries are of; "" is none.
func (e *exportLook) product() string {
	sims, nms, ims := e.tagged(ldifconv.TagSIMS40), e.tagged(ldifconv.TagNMS41), e.tagged(ldifconv.TagIMS50)
	switch {
	case sims > 0 && nms == 0:
		return ofSIMS
	case nms > 0 && sims == 0:
		return ofNMS
	case sims > 0:
		return mixed
	case ims > 0:
		return ofIMS
	}
	return ""
}

// tagged counts the entries that satisfy a tag.
func (e *exportLook) tagged(tag ldifconv.Tag) int64 {
	var n int64
	for tags, count := range e.Tags {
		if ldifconv.Tag(tags)&tag != 0 {
			n += count
		}
	}
	return n
}

// tags says how many mail entries satisfy which tag.
func (e *exportLook) tags() string {
	var parts []string
	for _, tag := range []ldifconv.Tag{ldifconv.TagSIMS40, ldifconv.TagNMS41, ldifconv.TagIMS50} {
		if n := e.tagged(tag); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, tag))
		}
	}
	if len(parts) == 0 {
		parts = []string{"none is tagged"}
	}
	return fmt.Sprintf("of %s: %s", cli.Counted(e.Users+e.Groups, "user or group", "users and groups"), strings.Join(parts, ", "))
}

// isExport tells that there is mail in it.
func (e *exportLook) isExport() bool { return e.Users+e.Groups+e.Domains > 0 }

func (e *exportLook) what() string {
	switch product := e.product(); {
	case e.Entries == 0 && e.changes > 0:
		return "change records, no directory export"
	case e.Entries == 0:
		return "LDIF without an entry that can be read"
	case !e.isExport():
		return "a directory export without users, groups or domains of mail"
	case product == "":
		return "a directory export of no known product"
	case product == ofIMS:
		return "a directory export of iMS, upgraded already"
	default:
		return "a directory export of " + product
	}
}

func (e *exportLook) text() string {
	parts := []string{
		cli.Counted(e.Entries, "entry", "entries"), cli.Counted(e.Users, "user", "users"),
		cli.Counted(e.Groups, "group", "groups"), cli.Counted(e.Domains, "domain", "domains"),
	}
	if e.Damaged > e.changes {
		parts = append(parts, cli.Counted(e.Damaged-e.changes, "damaged record", "damaged records"))
	}
	if e.changes > 0 {
		parts = append(parts, cli.Counted(e.changes, "change record", "change records"))
	}
	return strings.Join(parts, ", ")
}

// bases are the top entries with mail below them.
func (e *exportLook) bases() (with, without []string) {
	for _, dn := range e.tops {
		if e.mail[dn] > 0 {
			with = append(with, dn)
		} else {
			without = append(without, dn)
		}
	}
	return with, without
}

// commonBase is the DN that all of some are below, in its normal form; "" is
// none.
func commonBase(dns []string) string {
	common := parentDN(normDN(dns[0]))
	for _, dn := range dns[1:] {
		for norm := normDN(dn); common != "" && !strings.HasSuffix(norm, ","+common); {
			common = parentDN(common)
		}
	}
	return common
}

func parentDN(norm string) string {
	_, parent, _ := strings.Cut(norm, ",")
	return parent
}

// mailHosts are the hosts of users, most users first.
func (e *exportLook) mailHosts() []string {
	return slices.SortedFunc(maps.Keys(e.hosts), func(a, b string) int {
		return cmp.Or(cmp.Compare(e.hosts[b], e.hosts[a]), strings.Compare(a, b))
	})
}

// errNoMail is the reason why a domain is not known.
var errNoMail = errors.New("the ids in the store are those of no domain")

// defaultDomain is the domain whose users the store has by their bare uid, and
// how that is known.
func defaultDomain(s *directory.Survey, mail *candidate) (name, how string, err error) {
	if mail == nil {
		if len(s.Domains) == 1 {
			return s.Domains[0].Name, "the only domain that has users", nil
		}
		return "", "", errors.New("there is no store or stream to compare with")
	}
	name, err = s.DefaultDomain()
	switch {
	case err != nil:
		return "", "", err
	case name == "":
		return "", "", errNoMail
	}
	for _, d := range s.Domains {
		if d.Name == name {
			how = fmt.Sprintf("%s has the bare uid of %d of its %s", shown(mail.name), d.Stored, cli.Counted(d.Users, "user", "users"))
		}
	}
	return name, how, nil
}
