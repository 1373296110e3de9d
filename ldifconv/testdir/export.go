package testdir

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"imsconv/storeconv/testsite"
)

// Options shapes a directory export. The zero value of a field means its
// default.
type Options struct {
	Seed   uint64 // the same seed gives the same bytes
	Users  int    // default 100
	Groups int    // mailing lists; default one for 25 users, at least 12
	Photo  int    // bytes of a jpegPhoto that one user in 16 has; default 600, negative none
	Host   string // mailHost; default oldmail.siroe.com
	ACI    bool   // also aci values, which a directory of another make does not know
	Odd    bool   // also what a strict directory refuses: replica state, values of one attribute apart, repeated values, 8-bit text
}

// Totals counts what was written.
type Totals struct {
	Entries, Users, Groups, Domains int   // by kind; Entries are all
	Bytes                           int64 // of LDIF
}

// WriteSIMS writes what db2ldif gives for a SIMS 4.0 directory: a tree of
// domain components below o=internet with users and lists that have, between
// them, every attribute that the upgrade maps. User i is [testsite.UserID](i).
func WriteSIMS(w io.Writer, opts Options) (Totals, error) {
	g := newExport(w, opts)
	g.simsDomains()
	for i := range g.opts.Users {
		g.simsUser(i)
	}
	for i := range g.opts.Groups {
		g.simsGroup(i)
	}
	return g.finish()
}

// WriteNMS is WriteSIMS for a directory of NMS 4.x, below o=siroe.com.
func WriteNMS(w io.Writer, opts Options) (Totals, error) {
	g := newExport(w, opts)
	g.nmsTop()
	for i := range g.opts.Users {
		g.nmsUser(i)
	}
	for i := range g.opts.Groups {
		g.nmsGroup(i)
	}
	return g.finish()
}

// exporter holds the state of one export.
type exporter struct {
	opts   Options
	out    *bufio.Writer
	rng    *rand.Rand
	totals Totals
	entry  []attrValue // of the entry being made, without its DN
	line   []byte
	err    error
}

type attrValue struct{ name, value string }

func newExport(w io.Writer, opts Options) *exporter {
	if opts.Users == 0 {
		opts.Users = 100
	}
	if opts.Groups == 0 {
		opts.Groups = max(opts.Users/25, 12)
	}
	if opts.Photo == 0 {
		opts.Photo = 600
	}
	if opts.Host == "" {
		opts.Host = "oldmail.siroe.com"
	}
	g := &exporter{opts: opts, out: bufio.NewWriterSize(w, 1<<16), rng: rand.New(rand.NewPCG(opts.Seed, 0x1d1f))}
	g.raw("version: 1\n")
	return g
}

func (g *exporter) finish() (Totals, error) {
	if err := g.out.Flush(); g.err == nil {
		g.err = err
	}
	return g.totals, g.err
}

func (g *exporter) raw(text string) {
	n, err := g.out.WriteString(text)
	g.totals.Bytes += int64(n)
	if err != nil && g.err == nil {
		g.err = err
	}
}

// begin starts an entry the way db2ldif does, with its number.
func (g *exporter) begin(dn string, classes ...string) {
	g.totals.Entries++
	g.raw(fmt.Sprintf("\n# entry-id: %d\n", g.totals.Entries))
	g.write("dn", dn)
	for _, class := range classes {
		g.put("objectclass", class)
	}
}

// end closes an entry with what the server keeps itself.
func (g *exporter) end() {
	if g.opts.ACI && g.totals.Entries%50 == 1 {
		g.put("aci", `(targetattr = "*")(version 3.0; acl "all"; allow (read,search) userdn = "ldap:///anyone";)`)
	}
	g.put("creatorsname", "cn=directory manager")
	g.put("modifiersname", "cn=directory manager")
	g.put("createtimestamp", "19991122073000Z")
	g.put("modifytimestamp", "20000105101500Z")
	for i := range g.entry {
		if g.entry[i].name != "" {
			g.run(i)
		}
	}
	g.entry = g.entry[:0]
}

// run writes the values of one attribute together, as db2ldif does; with Odd
// they stay apart.
func (g *exporter) run(i int) {
	name := g.entry[i].name
	for j := i; j < len(g.entry); j++ {
		if a := &g.entry[j]; a.name == name {
			g.write(name, a.value)
			a.name = ""
		}
		if g.opts.Odd {
			return
		}
	}
}

// put adds one value to the entry.
func (g *exporter) put(name, value string) {
	g.entry = append(g.entry, attrValue{name, value})
}

// write writes one value, folded as db2ldif folds: 78 columns, then 77.
func (g *exporter) write(name, value string) {
	g.line = append(append(g.line[:0], name...), ':')
	if plain(value) {
		g.line = append(append(g.line, ' '), value...)
	} else {
		g.line = append(g.line, ": "...)
		g.line = base64.StdEncoding.AppendEncode(g.line, []byte(value))
	}
	rest := g.line
	for first := 78; len(rest) > first; first = 76 {
		g.raw(string(rest[:first]) + "\n ")
		rest = rest[first:]
	}
	g.raw(string(rest) + "\n")
}

func plain(value string) bool {
	if value == "" {
		return true
	}
	if strings.IndexByte(" :<", value[0]) >= 0 || value[len(value)-1] == ' ' {
		return false
	}
	for i := range len(value) {
		if value[i] < ' ' || value[i] > '~' {
			return false
		}
	}
	return true
}

// every puts the value in one entry of n, other ones for another salt.
func every(i, n, salt int) bool { return (i+salt)%n == 0 }

// person is a user as both products have him.
type person struct {
	uid, domain          string // uid without its domain
	given, family, alias string
}

var (
	givenNames  = []string{"Keiko", "Lucia", "Mary", "Otis", "Hiro", "Ivan", "Anna", "Bjarne", "Chantal", "Dmitri", "Elena", "Farid"}
	familyNames = []string{"Smith", "Petrov", "Crane", "Fanning", "Muller", "Sato", "Tanaka", "Okafor", "Jensen", "Dubois"}
)

func (g *exporter) person(i int) person {
	p := person{domain: testsite.DefaultDomain, given: givenNames[g.rng.IntN(len(givenNames))], family: familyNames[g.rng.IntN(len(familyNames))]}
	p.uid, _, _ = strings.Cut(testsite.UserID(i), "@")
	if strings.Contains(testsite.UserID(i), "@") {
		p.domain = testsite.HostedDomain
	}
	p.alias = fmt.Sprintf("%s.%s.%d@%s", p.given, p.family, i, p.domain)
	return p
}

func (p person) name() string { return p.given + " " + p.family }

func (p person) mail() string { return p.uid + "@" + p.domain }

func dcOf(domain string) string {
	return "dc=" + strings.ReplaceAll(domain, ".", ",dc=") + ",o=internet"
}

// escape puts a value into a DN.
func escape(value string) string {
	return strings.NewReplacer(`\`, `\\`, ",", `\,`, "+", `\+`, `"`, `\"`, ";", `\;`, "<", `\<`, ">", `\>`).Replace(value)
}

// photo is made-up binary.
func (g *exporter) photo() string {
	b := make([]byte, g.opts.Photo/2+g.rng.IntN(g.opts.Photo))
	for i := range b {
		b[i] = byte(g.rng.Uint32())
	}
	return string(b)
}

// common writes what any directory has about a person.
func (g *exporter) common(i int, p person) {
	g.put("sn", p.family)
	g.put("givenname", p.given)
	g.put("userpassword", fmt.Sprintf("{SHA}%s", base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf("%020d", i)))))
	if every(i, 3, 0) {
		g.put("telephonenumber", fmt.Sprintf("+1 408 555 %04d", i%10000))
	}
	if every(i, 16, 3) && g.opts.Photo > 0 {
		g.put("jpegphoto", g.photo())
	}
	if every(i, 9, 1) {
		g.put("cn;lang-ja", "田中太郎")
	}
	if every(i, 14, 2) {
		g.put("multilinedescription", "first line$second line of user "+p.uid)
	}
}
