package ldifconv

import (
	"math/bits"

	"imsconv/ldifconv/schema"
)

// rule is one step of the mapping from an old entry to an iMS one: small,
// named, with a source, and able to be switched off. Rules run in table order
// on one entry at a time.
type rule struct {
	name string
	from Source
	kind Kind

	// needs holds attributes and classes holds classes of the source entry;
	// the entry must have one of them for the rule to run. A rule with
	// neither runs on every entry of its kind.
	needs   []attrID
	classes []classID
	// meaning marks a rule that reads a value in its old sense. It leaves
	// entries alone that were iMS entries before: theirs have the new sense
	// already.
	meaning bool

	what   string // what it does, one sentence
	source string // where the old and the new side are described
	// documented tells a rule that a vendor's manual states from one
	// concluded from the two schemas.
	documented bool

	// apply reports whether it changed the entry.
	apply func(*draft, *ruleOptions) bool
}

// RuleInfo describes one rule to people.
type RuleInfo struct {
	// Name is what RuleOptions.Off takes.
	Name string `json:"name"`
	// From and Kind are the products and the kinds of entries it is for.
	From string `json:"from"`
	Kind string `json:"kind"`
	// Needs are attributes and classes, one of which makes the rule run;
	// empty means that it always runs.
	Needs []string `json:"needs,omitempty"`
	// What says in a sentence what it does, and Source where the old and the
	// new side are described.
	What   string `json:"what"`
	Source string `json:"source"`
	// Documented tells a rule that a vendor's manual states from one that is
	// concluded from the two schemas.
	Documented bool `json:"documented"`
	// Meaning says that the rule leaves alone what was an iMS entry before.
	Meaning bool `json:"meaning,omitempty"`
}

// ruleTables are the rules in the order in which they run.
var ruleTables = [][]rule{emptyRules, addressRules, userClassRules, simsUserRules, nmsUserRules, accessRules, userEndRules, groupRules, domainRules, lastRules}

// Rules returns the rules that apply to entries of one source, or of any with
// AnySource, in the order in which they run.
func Rules(from Source) []RuleInfo {
	var list []RuleInfo
	for _, table := range ruleTables {
		for i := range table {
			if r := &table[i]; r.from&from != 0 {
				list = append(list, r.info())
			}
		}
	}
	return list
}

func (r *rule) info() RuleInfo {
	info := RuleInfo{
		Name: r.name, From: r.from.String(), Kind: r.kind.String(),
		What: r.what, Source: r.source, Documented: r.documented, Meaning: r.meaning,
	}
	for _, id := range r.needs {
		info.Needs = append(info.Needs, schema.Name(id))
	}
	for _, id := range r.classes {
		info.Needs = append(info.Needs, schema.ClassName(id))
	}
	return info
}

func knownRule(name string) bool {
	for _, table := range ruleTables {
		for i := range table {
			if table[i].name == name {
				return true
			}
		}
	}
	return false
}

// ruleOptions are RuleOptions made ready for a run. What is shared between
// entries is safe for concurrent use.
type ruleOptions struct {
	RuleOptions
	from       Source
	allDomains bool
	alsoAllow  serviceSet
	dataSource string
	old        classSet // classes that an upgraded entry has no more
	mapped     attrSet  // attributes that rules read or write
	programs   programs
	tree       domainTree
	fates      *fates          // nil without a map of uids
	lostUIDs   map[string]bool // those that users of the input lose, in lower case
	lost       []string        // the same in order
	longestRDN int             // a first part of a DN that has a mapped uid, in bytes
}

// readyRule is a rule with its conditions as sets.
type readyRule struct {
	*rule
	always  bool
	needs   attrSet
	classes classSet
}

// ruleSet is the mapping of one run.
type ruleSet struct {
	options ruleOptions
	rules   []readyRule // in the order in which they run
	names   []string    // of the rules

	byKind  [Domains + 1]numbers // the rules for a kind, or for Both
	always  numbers              // those that need nothing
	byAttr  [schema.Count]numbers
	byClass []classRules
}

// classRules are the rules that need a class.
type classRules struct {
	class classID
	rules numbers
}

// numbers is a set of rules, by their numbers in a ruleSet.
type numbers [2]uint64

func (n *numbers) put(i int) { n[i>>6] |= 1 << (i & 63) }

func (n *numbers) add(m *numbers) {
	n[0] |= m[0]
	n[1] |= m[1]
}

// next returns the smallest number that is not below from, or -1.
func (n *numbers) next(from int) int {
	for w, below := from>>6, from&63; w < len(n); w, below = w+1, 0 {
		if word := n[w] >> below << below; word != 0 {
			return w<<6 + bits.TrailingZeros64(word)
		}
	}
	return -1
}

// newRuleSet prepares the rules that o leaves switched on.
func newRuleSet(o *Options) (*ruleSet, error) {
	if err := o.Rules.Check(); err != nil {
		return nil, err
	}
	s := &ruleSet{options: ruleOptions{
		RuleOptions: o.Rules,
		from:        o.From,
		allDomains:  o.AllDomains,
		dataSource:  o.Rules.DataSource,
	}}
	s.options.prepare(o.Base)
	for _, table := range ruleTables {
		for i := range table {
			if r := &table[i]; r.from&o.From != 0 && !oneOf(r.name, o.Rules.Off...) {
				s.put(r)
			}
		}
	}
	return s, nil
}

func (o *ruleOptions) prepare(bases []string) {
	if o.dataSource == "" {
		o.dataSource = DefaultDataSource
	}
	for _, name := range o.AlsoAllow {
		o.alsoAllow.add(serviceNamed(name))
	}
	o.old, o.mapped = o.oldClasses(), mappedAttributes()
	o.programs.init(o.Programs)
	o.tree.init(bases)
}

func (s *ruleSet) put(r *rule) {
	number := len(s.rules)
	s.names = append(s.names, r.name)
	s.rules = append(s.rules, readyRule{
		rule:    r,
		always:  len(r.needs) == 0 && len(r.classes) == 0,
		needs:   newAttrSet(r.needs...),
		classes: newClassSet(r.classes...),
	})
	for _, kind := range []Kind{Users, Groups, Both, Domains} {
		if r.kind&kind != 0 {
			s.byKind[kind].put(number)
		}
	}
	if len(r.needs) == 0 && len(r.classes) == 0 {
		s.always.put(number)
	}
	for _, a := range r.needs {
		s.byAttr[a].put(number)
	}
	for _, c := range r.classes {
		s.ofClass(c).put(number)
	}
}

// ofClass returns the rules that need a class.
func (s *ruleSet) ofClass(c classID) *numbers {
	for i := range s.byClass {
		if s.byClass[i].class == c {
			return &s.byClass[i].rules
		}
	}
	s.byClass = append(s.byClass, classRules{class: c})
	return &s.byClass[len(s.byClass)-1].rules
}

// due are the rules that an entry of these attributes and classes may need. One
// entry most often has those of the entry before.
type due struct {
	kind    Kind
	present attrSet
	had     classSet
	rules   numbers
}

// due finds the rules that d may need as it is.
func (s *ruleSet) due(d *draft) numbers {
	last := &d.due
	if last.kind == d.kind && last.present == d.present && last.had == d.had {
		return last.rules
	}
	rules := s.always
	for i := range d.fields {
		rules.add(&s.byAttr[d.fields[i].id])
	}
	for i := range s.byClass {
		if c := &s.byClass[i]; d.had.has(c.class) {
			rules.add(&c.rules)
		}
	}
	for i := range rules {
		rules[i] &= s.byKind[d.kind][i]
	}
	*last = due{d.kind, d.present, d.had, rules}
	return rules
}

// apply runs the rules on an entry of kind d.kind. An entry that is upgraded
// already, without an old class left over, stays as it is, and so does one of
// another product.
func (s *ruleSet) apply(d *draft) {
	if s.options.finished(d) || !s.options.ofSource(d) {
		return
	}
	was50 := isIMS(d)
	rules := s.due(d)
	d.arrived = d.arrived[:0]
	for i := rules.next(0); i >= 0; i = rules.next(i + 1) {
		r := &s.rules[i]
		if !r.always && !d.present.meets(&r.needs) && !d.had.meets(&r.classes) {
			continue // what it needs is gone meanwhile
		}
		if was50 && r.meaning {
			continue
		}
		if r.rule.apply(d, &s.options) {
			d.out.fired = append(d.out.fired, uint16(i))
		}
		for _, a := range d.arrived {
			for w := range rules {
				rules[w] |= s.byAttr[a][w] & s.byKind[d.kind][w]
			}
		}
		d.arrived = d.arrived[:0]
	}
	d.settleClasses()
}

// finish says what belongs to the whole run, and returns the programs that the
// new server has to know.
func (s *ruleSet) finish(log Log) []Program {
	s.options.programs.report(log)
	return s.options.programs.list(s.options.RuleOptions.Programs)
}
