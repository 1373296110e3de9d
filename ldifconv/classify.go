package ldifconv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// Tag is a set of the schema tags of local.imta.schematag that an entry
// satisfies. The test is the documented one of the Messaging Server
// administration guide: by object class alone.
type Tag uint8

// The tags.
const (
	TagSIMS40 Tag = 1 << iota // inetMailRouting with inetMailUser or inetMailGroup
	TagNMS41                  // mailRecipient with nsMessagingServerUser; mailGroup
	TagIMS50                  // inetLocalMailRecipient with inetMailUser or inetMailGroup
)

// tagsOf returns the tags of an entry with these classes.
func tagsOf(c *classSet) Tag {
	var t Tag
	user, group := c.has(schema.ClassInetMailUser), c.has(schema.ClassInetMailGroup)
	if c.has(schema.ClassInetMailRouting) && (user || group) {
		t |= TagSIMS40
	}
	if c.has(schema.ClassMailRecipient) && c.has(schema.ClassNsMessagingServerUser) || c.has(schema.ClassMailGroup) {
		t |= TagNMS41
	}
	if c.has(schema.ClassInetLocalMailRecipient) && (user || group) {
		t |= TagIMS50
	}
	return t
}

// String lists the tags as the configuration does, or says none.
func (t Tag) String() string {
	if t == 0 {
		return "none"
	}
	return strings.Join(t.Names(), ",")
}

// Names lists the tags.
func (t Tag) Names() []string {
	names := []string{}
	for i, name := range []string{"sims40", "nms41", "ims50"} {
		if t&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// UIDForm is the shape of a user id.
type UIDForm uint8

// The shapes. Compound is local@domain.
const (
	NoUID UIDForm = iota
	Local
	Compound
	OtherUID // holds a character that iMS forbids
)

// String names the shape.
func (f UIDForm) String() string {
	return [...]string{"", "local", "local@domain", "other"}[f]
}

// Classified is what one entry of an export is. Its bytes are valid during the
// call that hands it over.
type Classified struct {
	// Line is the number of the dn line in its file.
	Line int
	// DN is the name as written, decoded.
	DN []byte
	// Tags are the schema tags that the entry satisfies.
	Tags Tag
	// Kind is Users, Groups, Domains, or 0 for no mail entry.
	Kind Kind
	// UID is the first uid, nil without one, and Form its shape; both are of
	// users only.
	UID  []byte
	Form UIDForm
}

// ClassifyOptions choose what Classify does.
type ClassifyOptions struct {
	// MaxEntry is the size in bytes over which a record is skipped and
	// reported; 0 means ldif.DefaultMaxEntry.
	MaxEntry int
	// Expect, when not 0, makes every mail entry that does not satisfy
	// exactly these tags a problem: after an upgrade all are TagIMS50 and
	// nothing else.
	Expect Tag
	// TempDir is where the addresses are kept, which are compared at the
	// end; empty means os.TempDir.
	TempDir string
	// Log receives problems and warnings. Without one they are discarded, and an
	// input that cannot be read to its end is an error.
	Log Log
}

// DomainCount is one mail domain of an export.
type DomainCount struct {
	// Name is the domain in lower case.
	Name string `json:"name"`
	// Node says that a dc node or an o= suffix has the name.
	Node bool `json:"node"`
	// Addresses is the number of mail values in the domain.
	Addresses int64 `json:"addresses"`
}

// ClassifyReport counts an export.
type ClassifyReport struct {
	// Entries were read; Damaged records were skipped.
	Entries, Damaged int64
	// Tags counts the entries by the tags that they satisfy together.
	Tags [8]int64
	// Users, Groups and Domains are the mail entries of each kind.
	Users, Groups, Domains int64
	// UIDLocal, UIDKnown, UIDUnknown and UIDOther are the users by the shape
	// of their uid: local; local@domain, the domain being one of the export
	// or not; anything else.
	UIDLocal, UIDKnown, UIDUnknown, UIDOther int64
	// DomainList holds the mail domains in order of name.
	DomainList []DomainCount
}

// Classify reads an export that lies in one or more files, twice, and calls
// each for every entry, in order: which nodes of the domain component tree are
// mail domains is told by what lies below them, too. What it hands over is
// valid during the call. Memory grows with the number of domains. The error is
// one of each, of an input, of a temporary file, or of the context; damaged
// records are told to the log.
func Classify(ctx context.Context, each func(*Classified) error, inputs []Input, o ClassifyOptions) (ClassifyReport, error) {
	strict := o.Log == nil
	if strict {
		o.Log = discard{}
	}
	o.Log = printableLog{o.Log}
	c := newClassifier(o, strict)
	defer c.close()
	inputs = slices.Clone(inputs)
	if err := c.survey.take(ctx, inputs, &c.again); err != nil {
		return c.report, err
	}
	for i, in := range inputs {
		c.name, c.input = in.Name, i
		if err := c.read(ctx, in, each); err != nil {
			return c.report, err
		}
	}
	if c.report.Entries == 0 && c.report.Damaged == 0 {
		o.Log.Warning("empty-input", "", "the input holds no entry")
	}
	c.finish()
	err := c.book.each(func(address []byte, first, other *listed) error {
		where := func(e *listed) string { return placeOf(inputs, e.pos, e.dn) }
		o.Log.Warning("address-twice", where(other), warnTwice(address, where(first)))
		return nil
	})
	return c.report, err
}

func newClassifier(o ClassifyOptions, strict bool) *classifier {
	c := &classifier{options: o, strict: strict, domains: map[string]*DomainCount{}, compound: map[string]int64{}}
	c.book.dir, c.again.dir = o.TempDir, o.TempDir
	limit := Options{MaxEntry: o.MaxEntry}
	c.survey = survey{
		sel: &selection{}, nodes: index.Table{Dir: o.TempDir},
		jobs: 1, chunks: ldif.Options{MaxEntry: limit.maxEntry(), ChunkSize: largestChunk},
	}
	return c
}

// close removes temporary files.
func (c *classifier) close() {
	c.book.close()
	c.again.close()
	c.survey.close()
}

// read classifies the entries of one file.
func (c *classifier) read(ctx context.Context, in Input, each func(*Classified) error) error {
	r := ldif.NewReader(in, ldif.Options{MaxEntry: c.options.MaxEntry})
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		rec, err := r.Next()
		var damage *ldif.Error
		switch {
		case err == io.EOF:
			if line := r.Unterminated(); line > 0 {
				c.options.Log.Warning("no-line-end", position(c.name, line, ""), ldif.CutOff)
			}
			return nil
		case errors.As(err, &damage):
			c.damaged(damage.Kind(), damage.Line, damage.DN, damage.Reason())
		case err != nil && (c.strict || r.Line() <= 1):
			return fmt.Errorf("%s: %w", in.Name, err)
		case err != nil:
			c.damaged("unreadable", r.Line(), "", ldif.RestLost(err))
			return nil
		case rec.Type != ldif.Content && rec.Type != ldif.Add:
			c.damaged("change-record", rec.Line, string(rec.DN), fmt.Sprintf("a %s record is no entry of an export", rec.Type))
		default:
			found, err := c.entry(rec)
			if err != nil {
				return err
			}
			if err := each(found); err != nil {
				return err
			}
			if c.found.Kind&Both != 0 {
				c.people.empty()
				c.people.add(&c.d, packPos(c.input, rec.Line))
				if err := c.book.put(&c.people); err != nil {
					return err
				}
			}
		}
	}
}

func (c *classifier) damaged(kind string, line int, dn, text string) {
	c.report.Damaged++
	c.options.Log.Problem(kind, position(c.name, line, dn), text)
}

type classifier struct {
	name     string // of the file being read
	input    int    // its number
	book     addressBook
	people   people // scratch
	options  ClassifyOptions
	strict   bool // an input that cannot be read on is an error
	report   ClassifyReport
	d        draft
	silent   batch
	found    Classified
	domains  map[string]*DomainCount
	compound map[string]int64 // domains of compound uids
	survey   survey
	again    rereader
	norm     []byte // scratch
}

func (c *classifier) entry(rec *ldif.Record) (*Classified, error) {
	c.silent.notes = c.silent.notes[:0]
	d := &c.d
	d.load(rec, &c.silent)
	c.found = Classified{Line: rec.Line, DN: rec.DN, Tags: tagsOf(&d.had), Kind: mailKind(d), UID: d.first(schema.UID)}
	if c.found.Kind == 0 {
		var err error
		if c.found.Kind, err = c.kindBelow(rec.DN); err != nil {
			return nil, err
		}
	}
	c.report.Entries++
	c.report.Tags[c.found.Tags]++
	c.nodes()
	switch c.found.Kind {
	case Users:
		c.report.Users++
		c.uid()
		c.address()
	case Groups:
		c.report.Groups++
		c.address()
	case Domains:
		c.report.Domains++
	}
	if want := c.options.Expect; want != 0 && c.found.Kind&Both != 0 && c.found.Tags != want {
		c.options.Log.Problem("schema-tag", c.where(), fmt.Sprintf("satisfies %s, not %s", c.found.Tags, want))
	}
	return &c.found, nil
}

// kindBelow is Domains for a node of the domain component tree that is a mail
// domain by what lies below it.
func (c *classifier) kindBelow(dn []byte) (Kind, error) {
	var err error
	if c.norm, err = ldif.AppendNormDN(c.norm[:0], dn); err != nil {
		return 0, nil // which is told where it matters
	}
	below, err := c.survey.below(c.norm, index.Hash(c.norm))
	if err != nil || !below.any() {
		return 0, err
	}
	return Domains, nil
}

func (c *classifier) where() string {
	return position(c.name, c.found.Line, string(c.found.DN))
}

// mailKind is the kind of an entry by the classes of any of the three products.
func mailKind(d *draft) Kind {
	h := &d.had
	switch {
	case h.has(schema.ClassMailGroup):
		return Groups
	case h.has(schema.ClassInetMailUser), h.has(schema.ClassMailRecipient):
		return Users
	case h.has(schema.ClassInetMailGroup):
		return Groups
	}
	return new(ruleOptions).domainKind(d)
}

// nodes takes the name of a domain node, or of an organization called like a
// domain.
func (c *classifier) nodes() {
	h := &c.d.had
	if c.found.Kind != Domains && !h.has(schema.ClassOrganization) {
		return
	}
	if name := domainOfDN(c.d.dn()); isDomainName(name) && strings.Contains(name, ".") {
		c.domain(name).Node = true
	}
}

func (c *classifier) domain(name string) *DomainCount {
	n := c.domains[name]
	if n == nil {
		n = &DomainCount{Name: name}
		c.domains[name] = n
	}
	return n
}

func (c *classifier) address() {
	if domain := domainOf(c.d.first(schema.Mail)); len(domain) > 0 && len(domain) <= 255 {
		c.domain(string(lower(domain))).Addresses++
	}
}

func (c *classifier) uid() {
	switch c.found.Form = formOf(c.found.UID); c.found.Form {
	case Local:
		c.report.UIDLocal++
	case Compound:
		c.compound[string(lower(c.found.UID[bytes.IndexByte(c.found.UID, '@')+1:]))]++
	case OtherUID:
		c.report.UIDOther++
		c.options.Log.Warning("uid-form", c.where(), fmt.Sprintf("uid %.200q holds a character that iMS forbids", c.found.UID))
	}
}

// uidForbidden are the characters that iMS does not allow in a uid, beside
// controls and bytes above 126 (Provisioning Guide 5.2).
const uidForbidden = "$~=#*+%!@,{}()/\\<>;:\"'`[]&?"

// uidByte holds the bytes that iMS allows in a uid.
var uidByte = func() (t [256]bool) {
	for c := ' '; c <= '~'; c++ {
		t[c] = strings.IndexByte(uidForbidden, byte(c)) < 0
	}
	return t
}()

func formOf(uid []byte) UIDForm {
	if len(uid) == 0 {
		return NoUID
	}
	local, domain, compound := bytes.Cut(uid, []byte{'@'})
	for _, c := range local {
		if !uidByte[c] {
			return OtherUID
		}
	}
	switch {
	case !compound:
		return Local
	case len(local) > 0 && isDomainName(string(domain)) && bytes.IndexByte(domain, '.') > 0:
		return Compound
	}
	return OtherUID
}

// finish settles what the whole export decides.
func (c *classifier) finish() {
	for domain, n := range c.compound {
		if d := c.domains[domain]; d != nil {
			c.report.UIDKnown += n
		} else {
			c.report.UIDUnknown += n
		}
	}
	for _, d := range c.domains {
		c.report.DomainList = append(c.report.DomainList, *d)
	}
	slices.SortFunc(c.report.DomainList, func(a, b DomainCount) int { return strings.Compare(a.Name, b.Name) })
}
