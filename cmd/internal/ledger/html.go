package ledger

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/page"
)

//go:embed report.html
var reportText string

// How much of a table the page shows.
const (
	shownLines   = 10 // of a kind
	shownRows    = 25
	shownDomains = 50
)

// ListName is the file with a line for every mailbox.
const ListName = "report.mailboxes.tsv"

// HTMLName is the file of the page in a language.
func HTMLName(lang string) string { return "report." + lang + ".html" }

// HTML writes the report as one page in a language of Langs. Read comes first.
func (l *Ledger) HTML(w io.Writer, lang string) error {
	v := &view{Ledger: l, words: words{lang, texts[lang]}, now: time.Now()}
	t, err := template.New("report").Funcs(v.functions()).Parse(reportText)
	if err != nil {
		return err
	}
	p := page.Page{Lang: lang, Title: v.title(), Subtitle: v.subtitle(), Foot: v.foot()}
	if p.Lead, err = v.part(t, "lead"); err != nil {
		return err
	}
	for _, name := range v.sections() {
		body, err := v.part(t, name)
		if err != nil {
			return err
		}
		p.Sections = append(p.Sections, page.Section{ID: name, Title: v.say("section." + name), Body: body})
	}
	return page.Write(w, p)
}

// sections are the parts of the page: problems first.
func (v *view) sections() []string {
	list := []string{"problems", "sums", "next", "warnings", "batches", "directory", "domains", "users", "mailboxes", "dates", "time", "identity"}
	if len(v.Batches) == 0 {
		list = slices.DeleteFunc(list, func(s string) bool { return s == "batches" })
	}
	return list
}

// Headings are the titles of the page's sections.
func (l *Ledger) Headings(lang string) []string {
	v := &view{Ledger: l, words: words{lang, texts[lang]}}
	var list []string
	for _, name := range v.sections() {
		list = append(list, v.say("section."+name))
	}
	return list
}

// view is what the template shows.
type view struct {
	*Ledger
	words words
	now   time.Time
}

func (v *view) say(key string, values ...any) string { return v.words.say(key, values...) }

// part makes one part of the page.
func (v *view) part(t *template.Template, name string) (template.HTML, error) {
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, name, v); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil
}

func (v *view) functions() template.FuncMap {
	return template.FuncMap{
		"say":    v.words.say,
		"name":   v.words.name,
		"int":    page.Int,
		"size":   func(n int64) string { return page.Size(n, v.words.lang) },
		"moment": v.moment,
		"quote":  cli.Quote,
		"sentence": func(s string) string {
			r, n := utf8.DecodeRuneInString(s)
			return string(unicode.ToUpper(r)) + s[n:] + v.say("stop")
		},
		"quota": v.quota,
		"next": func(text string) string {
			words, _ := NextStep(text, v.words.lang)
			return words
		},
		"digest": func(s string) string {
			if s == "" {
				return "-"
			}
			return s[:min(16, len(s))] + "…"
		},
	}
}

// moment is a time to the second, in its own zone.
func (v *view) moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	if _, offset := t.Zone(); offset == 0 {
		return t.Format("2006-01-02 15:04:05") + " UTC"
	}
	return t.Format("2006-01-02 15:04:05 -07:00")
}

func (v *view) quota(q Quota) string {
	var parts []string
	if q.Bytes >= 0 {
		parts = append(parts, page.Size(q.Bytes, v.words.lang))
	}
	if q.Messages >= 0 {
		parts = append(parts, v.say("quota.messages", page.Int(q.Messages)))
	}
	if len(parts) == 0 {
		return v.say("none")
	}
	return strings.Join(parts, ", ")
}

func (v *view) title() string { return v.say("title") }

func (v *view) subtitle() string {
	run := v.Run
	if run.Scenario == "" && len(v.Batches) > 0 {
		run = v.Batches[0].Run
	}
	var parts []string
	if run.Scenario != "" {
		parts = append(parts, v.words.name("scenario", run.Scenario))
	}
	if run.Destination != "" {
		parts = append(parts, v.words.name("destination", run.Destination))
	}
	if !v.Run.Start.IsZero() {
		parts = append(parts, v.say("from.to", v.moment(v.Run.Start), v.moment(v.Run.End)))
	}
	return strings.Join(parts, " · ")
}

func (v *view) foot() string { return v.say("foot", cli.Version, v.Out+"/"+ReportName) }

// State is the word for how the run ended.
func (v *view) State() string { return cmp.Or(v.Report.Result, "running") }

// verdict is the first thing that the page says.
type verdict struct{ Class, Text string }

func (v *view) Verdict() verdict {
	sums := v.Sums()
	switch {
	case sums.Difference() != 0:
		return verdict{"stop", "verdict.sums"}
	case v.Lines(true).Total > 0 || v.UnreadTotal > 0:
		return verdict{"stop", "verdict.lost"}
	case v.Report.Exit != cli.ExitDone || v.Report.Result == "":
		return verdict{"warn", "verdict.unfinished"}
	}
	return verdict{"good", "verdict.good"}
}

// card is one key figure.
type card struct{ Class, Figure, Words string }

func (v *view) Cards() []card {
	problems, warnings := v.Lines(true).Total, v.Lines(false).Total
	worse := func(n int64, bad string) string {
		if n > 0 {
			return bad
		}
		return "good"
	}
	cards := []card{
		{worse(problems, "bad"), page.Int(problems), v.say("card.problems")},
		{worse(warnings, "warn"), page.Int(warnings), v.say("card.warnings")},
		{"", page.Int(v.Messages), v.say("card.messages")},
		{"", page.Size(v.Bytes, v.words.lang), v.say("card.bytes")},
		{"", page.Int(v.Users), v.say("card.users")},
		{"", page.Int(v.Mailboxes), v.say("card.mailboxes")},
	}
	if v.Limited() {
		cards = append(cards, card{worse(v.OverTotal, "warn"), page.Int(v.OverTotal), v.say("card.over")})
	}
	if t := v.work(); t > 0 {
		cards = append(cards, card{"", page.Seconds(t, v.words.lang), v.say("card.time")})
	}
	return cards
}

// kindGroup is one kind of problem or warning with its lines.
type kindGroup struct {
	Class, Kind, Times string
	What, Do           string
	N, More            int64
	Lines              []cli.Line
}

func (v *view) Problems() []kindGroup { return v.groups(v.Lines(true), "stop") }
func (v *view) Warnings() []kindGroup { return v.groups(v.Lines(false), "plain") }

// groups are the lines by kind, the most frequent kind first.
func (v *view) groups(lines cli.Lines, class string) []kindGroup {
	var list []kindGroup
	for _, c := range lines.Kinds {
		g := kindGroup{Class: class, Kind: c.Name, N: c.N, Times: v.say("kind.once"), Do: v.say("kind.unknown")}
		if c.N != 1 {
			g.Times = v.say("kind.count", page.Int(c.N))
		}
		if a, ok := AdviceFor(c.Name, v.words.lang); ok {
			g.What, g.Do = a.What, a.Do
		}
		for _, line := range lines.Items {
			if line.Kind == c.Name && len(g.Lines) < shownLines {
				g.Lines = append(g.Lines, line)
			}
		}
		g.More = g.N - int64(len(g.Lines))
		list = append(list, g)
	}
	slices.SortStableFunc(list, func(a, b kindGroup) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Kind, b.Kind)) })
	return list
}

// Latest is the part that ended last: what it leaves to do comes next.
func (v *view) Latest() *Part {
	latest := &v.Part
	for i := range v.Batches {
		if b := &v.Batches[i]; latest.Report.Command == "" || b.Run.End.After(latest.Run.End) {
			latest = b
		}
	}
	return latest
}

// AllLines says where all problems and warnings are.
func (v *view) AllLines() string {
	if v.hasLines {
		return v.say("kind.lines", LinesName)
	}
	return v.say("kind.log")
}

func (v *view) FaultyShown() []Row    { return v.Faulty[:min(shownRows, len(v.Faulty))] }
func (v *view) UnreadShown() []Unread { return v.Unread[:min(shownRows, len(v.Unread))] }

func (v *view) FaultyMore() string {
	all := v.States[Incomplete] + v.States[Missing]
	if all <= shownRows {
		return ""
	}
	return v.say("problems.boxes.more", page.Int(shownRows), page.Int(all))
}

// sumRow is one line of the sums.
type sumRow struct {
	Class, Words string
	N            int64
}

func (v *view) SumRows() []sumRow {
	s := v.Sums()
	if s.Source == 0 && s.Accounted() == 0 {
		return nil
	}
	rows := []sumRow{{"total", v.say("sums.source"), s.Source}, {"", v.say("sums.written"), s.Written}, {"", v.say("sums.linked"), s.Linked}}
	for _, r := range s.LeftOut {
		rows = append(rows, sumRow{"", v.say("sums.leftout", v.words.name("rule", r.Rule)), r.N})
	}
	for _, r := range s.Refused {
		words := r.Rule
		if a, ok := AdviceFor(r.Rule, v.words.lang); ok {
			words = a.What
		}
		rows = append(rows, sumRow{"", v.say("sums.refused", words), r.N})
	}
	return append(rows, sumRow{"total", v.say("sums.total"), s.Accounted()})
}

func (v *view) SumsClass() string {
	if s := v.Sums(); s.Difference() != 0 {
		return "stop"
	}
	return "good"
}

func (v *view) SumsText() string {
	s := v.Sums()
	switch d := s.Difference(); {
	case d > 0:
		return v.say("sums.missing", page.Int(d))
	case d < 0:
		return v.say("sums.excess", page.Int(-d))
	}
	return v.say("sums.agree")
}

// Uncounted says whether a part of the source could not be read, so that nobody
// knows how many messages it held.
func (v *view) Uncounted() bool {
	return slices.ContainsFunc(v.Lines(true).Kinds, func(c cli.Count) bool {
		a, ok := AdviceFor(c.Name, "en")
		return ok && a.group == "stream"
	})
}

// SumsNow holds the output as it is against what the run says it made.
func (v *view) SumsNow() string {
	s := v.Sums()
	made := s.Written + s.Linked
	switch {
	case v.SumRows() == nil:
		return v.say("sums.now", page.Int(v.Messages))
	case made == v.Messages:
		return v.say("sums.now.same", page.Int(v.Messages))
	}
	return v.say("sums.now.other", page.Int(v.Messages), page.Int(made))
}

// checkRow is a line of the checks before and after.
type checkRow struct{ Words, Before, After string }

func (v *view) CheckRows() []checkRow {
	before, after := v.Run.Before, v.Run.After
	if before == nil && after == nil {
		return nil
	}
	number := func(c *Check, n func(*Check) int64) string {
		if c == nil {
			return "-"
		}
		return page.Int(n(c))
	}
	row := func(text string, n func(*Check) int64) checkRow {
		return checkRow{text, number(before, n), number(after, n)}
	}
	rows := []checkRow{
		row(v.say("check.entries"), func(c *Check) int64 { return c.Entries }),
		row(v.say("check.errors"), func(c *Check) int64 { return c.Errors }),
		row(v.say("check.warnings"), func(c *Check) int64 { return c.Warnings }),
	}
	codes := map[string]bool{}
	for _, c := range []*Check{before, after} {
		if c != nil {
			for _, n := range c.Codes {
				codes[n.Name] = true
			}
		}
	}
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		rows = append(rows, row(code, func(c *Check) int64 { return c.Codes.Get(code) }))
	}
	return rows
}

// domainRow is a line of the table of domains.
type domainRow struct {
	Domain
	Class string
}

// DomainRows are the largest domains, the rest, and the sum of all.
func (v *view) DomainRows() []domainRow {
	list := slices.Clone(v.Domains)
	slices.SortStableFunc(list, func(a, b *Domain) int { return cmp.Compare(b.Bytes, a.Bytes) })
	rest, all := v.MoreDomains, v.MoreDomains
	var rows []domainRow
	for i, d := range list {
		all.add(d)
		if i >= shownDomains {
			rest.add(d)
			continue
		}
		row := domainRow{Domain: *d}
		row.Name = cmp.Or(row.Name, v.say("domain.none"))
		rows = append(rows, row)
	}
	if rest.Users > 0 {
		rest.Name = v.say("domains.more")
		rows = append(rows, domainRow{Domain: rest})
	}
	all.Name = v.say("total")
	return append(rows, domainRow{all, "total"})
}

func (d *Domain) add(other *Domain) {
	d.Users += other.Users
	d.Mailboxes += other.Mailboxes
	d.Messages += other.Messages
	d.Bytes += other.Bytes
	d.Over += other.Over
}

func (v *view) DomainsShown() string {
	if len(v.Domains) <= shownDomains && v.MoreDomains.Users == 0 {
		return ""
	}
	return v.say("shown.domains", page.Int(min(shownDomains, int64(len(v.Domains)))))
}

// Limited says whether limits of users are known.
func (v *view) Limited() bool { return v.limit != nil }

// userTable is a table of users, of which those over quota may stand out.
type userTable struct {
	Rows []User
	Mark bool
}

func (v *view) OverTable() userTable { return userTable{v.Over[:min(shownRows, len(v.Over))], false} }
func (v *view) UserTable() userTable {
	return userTable{v.LargestUsers[:min(shownRows, len(v.LargestUsers))], true}
}
func (v *view) BoxesShown() []Row { return v.Largest[:min(shownRows, len(v.Largest))] }

func (v *view) OverMore() string  { return v.more("shown.first", v.OverTotal) }
func (v *view) UsersMore() string { return v.more("shown.largest", v.Users) }
func (v *view) BoxesMore() string { return v.more("shown.largest", v.Mailboxes) }

// more says that a table is not the whole, where it is not.
func (v *view) more(key string, all int64) string {
	if all <= shownRows {
		return ""
	}
	return v.say(key, page.Int(shownRows), page.Int(all), ListName)
}

// List is the name of the list of mailboxes.
func (v *view) List() string { return ListName }

// Inputs are those of all parts, each once.
func (v *view) Inputs() []Input {
	var list []Input
	for _, p := range v.parts() {
		for _, in := range p.Run.Inputs {
			if !slices.Contains(list, in) {
				list = append(list, in)
			}
		}
	}
	return list
}

// option is an option of the run.
type option struct{ Name, Value string }

func (v *view) Options() []option {
	var list []option
	for _, name := range slices.Sorted(maps.Keys(v.Run.Options)) {
		value := strings.ReplaceAll(v.Run.Options[name], "\n", "; ")
		list = append(list, option{name, cmp.Or(value, v.say("identity.default"))})
	}
	return list
}

// DateRange says from when to when messages were received.
func (v *view) DateRange() string {
	if v.Oldest == 0 && v.Newest == 0 {
		return v.say("dates.none")
	}
	day := func(s int64) string { return time.Unix(s, 0).UTC().Format("2006-01-02") }
	return v.say("dates.range", day(v.Oldest), day(v.Newest))
}

// Future counts the messages of the years after this one.
func (v *view) Future() int64 {
	var n int64
	for year, count := range v.Years {
		if year > v.now.Year() {
			n += count
		}
	}
	return n
}

// work is how long all steps took, in seconds.
func (v *view) work() float64 {
	t := 0.0
	for _, p := range v.parts() {
		for _, s := range p.Run.Steps {
			t += s.Seconds
		}
	}
	return t
}

func (v *view) TimeSpan() string {
	return v.say("time.whole", v.moment(v.Run.Start), v.moment(v.Run.End), page.Seconds(v.work(), v.words.lang))
}

// stepRow is a line of the table of steps.
type stepRow struct{ Words, Pieces, Began, Took, Items, Rate, Bytes string }

func (v *view) Steps() []stepRow {
	var rows []stepRow
	for _, s := range v.allSteps() {
		r := stepRow{Words: s.words, Began: v.moment(s.Start), Took: page.Seconds(s.Seconds, v.words.lang), Items: "-", Rate: "-", Bytes: "-"}
		if s.Pieces > 1 {
			r.Pieces = v.say("step.pieces", page.Int(int64(s.Pieces)))
		}
		if s.Items > 0 {
			r.Items = v.items(s.Items, s.Unit)
			if s.Seconds > 0 {
				r.Rate = v.say("rate.persecond", page.Int(int64(float64(s.Items)/s.Seconds)))
			}
		}
		if s.Bytes > 0 {
			r.Bytes = page.Size(s.Bytes, v.words.lang)
		}
		rows = append(rows, r)
	}
	return rows
}

// items is a number of things of a unit.
func (v *view) items(n int64, unit string) string {
	if text, ok := v.words.texts["item."+unit]; ok {
		return fmt.Sprintf(text, page.Int(n))
	}
	return page.Int(n) + " " + unit
}

// namedStep is a step of the run or of a batch.
type namedStep struct {
	Step
	words string // for the table
	short string // without the batch
}

func (v *view) allSteps() []namedStep {
	var list []namedStep
	for _, p := range v.parts() {
		for _, s := range p.Run.Steps {
			step := namedStep{Step: s, short: v.words.name("step", s.Name)}
			step.words = step.short
			if p.Name != "" {
				step.words = p.Name + ": " + step.short
			}
			list = append(list, step)
		}
	}
	return list
}
