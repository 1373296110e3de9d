package runbook

import (
	"fmt"
	"slices"
	"strings"
)

// builder makes one plan.
type builder struct {
	in      Input
	conds   map[string]bool
	fill    filler
	words   map[string]string
	numbers map[string]int
	step    int               // the last number given
	shared  map[string]record // steps of common.txt
	hosts   map[string]string // machines by role
}

// Build makes the plan of a site.
func Build(in Input) (*Plan, error) {
	if !slices.Contains(Langs(), string(in.Lang)) {
		return nil, fmt.Errorf("no plan can be in the language %q", in.Lang)
	}
	b := &builder{in: in, conds: conditions(in), numbers: map[string]int{}, shared: map[string]record{}}
	b.hosts = map[string]string{
		"old": in.Site.Hosts.Old, "new": in.Site.Hosts.New, "dir": in.Site.Directory.Host,
	}
	if err := b.readWords(); err != nil {
		return nil, err
	}
	b.fill = filler{values: valuesOf(in), words: b.words, number: func(id string) int { return b.numbers[id] }}
	if err := b.readShared(); err != nil {
		return nil, err
	}
	records, err := readRecords(in.Site.Scenario + ".txt")
	if err != nil {
		return nil, err
	}
	return b.plan(records)
}

func (b *builder) readWords() error {
	records, err := readRecords("words.txt")
	if err != nil {
		return err
	}
	b.words = map[string]string{}
	for _, r := range records {
		b.words[r.id] = r.fields[0].in(b.in.Lang)
	}
	return nil
}

func (b *builder) readShared() error {
	records, err := readRecords("common.txt")
	if err != nil {
		return err
	}
	for _, r := range records {
		if _, twice := b.shared[r.id]; twice {
			return fmt.Errorf("%s: %q is there twice", r.where, r.id)
		}
		b.shared[r.id] = r
	}
	return nil
}

// holds says whether all conditions hold.
func (b *builder) holds(conds []string) bool {
	for _, c := range conds {
		name, not := strings.CutPrefix(c, "!")
		if b.conds[name] == not {
			return false
		}
	}
	return true
}

// plan makes the pages. Numbers are given first, since a text may name the
// number of a later step.
func (b *builder) plan(records []record) (*Plan, error) {
	steps, err := b.sequence(records)
	if err != nil {
		return nil, err
	}
	p := &Plan{Lang: b.in.Lang, Words: b.words, Title: b.words["title"], Largest: b.in.Facts.Largest}
	p.Subtitle = b.words["scenario-"+b.in.Site.Scenario]
	if err := b.front(p); err != nil {
		return nil, err
	}
	for _, ph := range steps {
		phase, err := b.phase(ph)
		if err != nil {
			return nil, err
		}
		if len(phase.Steps) > 0 {
			p.Phases = append(p.Phases, phase)
		}
	}
	return p, b.tells(p, records)
}

// planned is a phase before its texts are filled in.
type planned struct {
	record
	title string // of a batch
	steps []plannedStep
}

type plannedStep struct {
	record
	id    string
	batch *batch
	like  string // id of the step that has the reasons
}

// sequence puts the records of a scenario in the order of the plan and numbers
// the steps.
func (b *builder) sequence(records []record) ([]planned, error) {
	var out []planned
	for _, r := range records {
		if r.kind == "use" {
			used, ok := b.shared[r.id]
			if !ok {
				return nil, fmt.Errorf("%s: common.txt has no %q", r.where, r.id)
			}
			used.conds = append(slices.Clone(used.conds), r.conds...)
			r = used
		}
		switch {
		case r.kind == "phase":
			out = append(out, planned{record: r})
		case r.kind != "step" || !b.holds(withoutPilot(r.conds)):
		case len(out) == 0:
			return nil, fmt.Errorf("%s: a step before the first phase", r.where)
		default:
			last := &out[len(out)-1]
			last.steps = append(last.steps, plannedStep{record: r, id: r.id})
		}
	}
	out = slices.DeleteFunc(out, func(p planned) bool { return !b.holds(p.conds) })
	out = b.repeat(out)
	for _, p := range out {
		for _, s := range p.steps {
			if b.numbers[s.id] != 0 {
				return nil, fmt.Errorf("%s: the step %q is there twice", s.where, s.id)
			}
			b.step++
			b.numbers[s.id] = b.step
		}
	}
	return out, nil
}

// withoutPilot leaves out the condition that holds in one batch only.
func withoutPilot(conds []string) []string {
	return slices.DeleteFunc(slices.Clone(conds), func(c string) bool { return c == "pilot" })
}

// repeat does the phase of the batches once a batch. The first has the reasons.
func (b *builder) repeat(in []planned) []planned {
	var out []planned
	for _, p := range in {
		if p.id != "batch" {
			out = append(out, p)
			continue
		}
		for i, bt := range batches(b.in) {
			again := planned{record: p.record, title: bt.name}
			for _, s := range p.steps {
				if s.batch = &bt; slices.Contains(s.conds, "pilot") && !bt.pilot {
					continue
				}
				if i > 0 {
					s.like, s.id = s.id, s.id+"-"+bt.name
				}
				again.steps = append(again.steps, s)
			}
			out = append(out, again)
		}
	}
	return out
}

func (b *builder) phase(p planned) (Phase, error) {
	if len(p.steps) > 0 {
		defer b.enter(p.steps[0].batch)()
	}
	out := Phase{ID: p.id}
	if p.title != "" {
		out.ID += "-" + p.title
	}
	var err error
	if out.Title, err = b.one(p.record, "title"); err != nil {
		return out, err
	}
	if p.title == "" || p.title == batches(b.in)[0].name {
		if out.Intro, err = b.texts(p.record, "text"); err != nil {
			return out, err
		}
	}
	for _, s := range p.steps {
		step, err := b.makeStep(s)
		if err != nil {
			return out, fmt.Errorf("%s: step %s: %w", s.where, s.id, err)
		}
		out.Steps = append(out.Steps, step)
	}
	return out, nil
}

// enter makes the values those of a batch, until what it returns is called.
func (b *builder) enter(bt *batch) func() {
	if bt == nil {
		return func() {}
	}
	before := b.fill.values
	b.fill.values, b.conds["pilot"] = before.with(bt), bt.pilot
	return func() { b.fill.values, b.conds["pilot"] = before, false }
}

func (b *builder) makeStep(s plannedStep) (Step, error) {
	out := Step{ID: s.id, Number: b.numbers[s.id], Where: b.whereIs(s.role)}
	var err error
	get := func(name string) []Text {
		if err != nil {
			return nil
		}
		var got []Text
		got, err = b.texts(s.record, name)
		return got
	}
	if out.Title, err = b.one(s.record, "title"); err != nil {
		return out, err
	}
	out.Stop = get("stop")
	if s.like == "" {
		out.Why, out.Expect, out.Back, out.Differs = get("why"), get("expect"), get("back"), get("differs")
	} else {
		out.Like = b.numbers[s.like]
	}
	if err != nil {
		return out, err
	}
	return out, b.commands(&out, s)
}

// commands fills in what is typed and answered.
func (b *builder) commands(out *Step, s plannedStep) error {
	for _, f := range s.fields {
		if !slices.Contains(oneLanguage, f.name) || !b.holds(f.conds) {
			continue
		}
		line, err := b.fill.command(f.en)
		if err != nil {
			return err
		}
		switch {
		case f.name == "sh":
			out.addLine(b.whereIs(f.role), line)
		case f.name == "answer":
			question, reply, _ := strings.Cut(f.en, " | ")
			reply, err = b.fill.plain(reply)
			if err != nil {
				return err
			}
			out.Answers = append(out.Answers, Answer{Question: question, Reply: reply})
		case s.like == "":
			out.Guide = append(out.Guide, line)
		}
	}
	return nil
}

// addLine adds a command line for a machine; "" is the step's own.
func (s *Step) addLine(where, line string) {
	if where == "" {
		where = s.Where
	}
	if n := len(s.Commands); n > 0 && s.Commands[n-1].Where == where {
		s.Commands[n-1].Lines = append(s.Commands[n-1].Lines, line)
		return
	}
	s.Commands = append(s.Commands, Commands{Where: where, Lines: []string{line}})
}

// whereIs is a role and, where it is a machine, its name.
func (b *builder) whereIs(role string) string {
	if role == "" {
		return ""
	}
	if (role == "old" || role == "new") && b.conds["same-host"] {
		return b.words["role-mail"] + " " + b.hosts[role]
	}
	if host := b.hosts[role]; host != "" {
		return b.words["role-"+role] + " " + host
	}
	return b.words["role-"+role]
}

// texts fills in all fields of a name.
func (b *builder) texts(r record, name string) ([]Text, error) {
	var out []Text
	for _, f := range r.all(name) {
		if !b.holds(f.conds) {
			continue
		}
		t, err := b.fill.text(f.in(b.in.Lang))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.where, err)
		}
		out = append(out, t)
	}
	return out, nil
}

// one fills in the one field of a name that holds.
func (b *builder) one(r record, name string) (Text, error) {
	got, err := b.texts(r, name)
	if err == nil && len(got) != 1 {
		err = fmt.Errorf("%s: %s %s has %d times %s", r.where, r.kind, r.id, len(got), name)
	}
	if err != nil {
		return nil, err
	}
	return got[0], nil
}

// tells fills in the announcements of a scenario.
func (b *builder) tells(p *Plan, records []record) error {
	for _, r := range records {
		if used, ok := b.shared[r.id]; r.kind == "use" && ok {
			used.conds = append(slices.Clone(used.conds), r.conds...)
			r = used
		}
		if r.kind != "tell" || !b.holds(r.conds) {
			continue
		}
		t := Tell{ID: r.id}
		var err error
		for _, f := range []struct {
			name string
			into *Text
		}{{"audience", &t.Audience}, {"when", &t.When}, {"subject", &t.Subject}} {
			if *f.into, err = b.one(r, f.name); err != nil {
				return err
			}
		}
		if t.Body, err = b.texts(r, "text"); err != nil {
			return err
		}
		p.Tells = append(p.Tells, t)
	}
	return nil
}
