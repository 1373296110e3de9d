package ledger

import (
	"cmp"
	_ "embed"
	"html/template"
	"io"
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

// WholeListName is the list of before mail of the output was gone.
const WholeListName = "report.mailboxes.whole.tsv"

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
		"say":      v.words.say,
		"name":     v.words.name,
		"int":      page.Int,
		"size":     func(n int64) string { return page.Size(n, v.words.lang) },
		"moment":   v.moment,
		"quote":    cli.Quote,
		"sentence": func(s string) string { return sentence(s, v.words.lang) + v.say("stop") },
		"quota":    v.quota,
		"reason":   v.reason,
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
func (v *view) State() string {
	if v.Report.Result == stateDone && (v.Lines(true).Total > 0 || v.Gone() > 0) {
		return stateLosses // of a batch, or since the run
	}
	return cmp.Or(v.Report.Result, "running")
}

// The results of a report that are looked at.
const (
	stateDone   = "done"
	stateLosses = "done, with losses"
)

// verdict is the first thing that the page says.
type verdict struct{ Class, Text string }

func (v *view) Verdict() verdict {
	sums := v.Sums()
	switch {
	case sums.Difference() != 0:
		return verdict{"stop", "verdict.sums"}
	case v.Gone() > 0:
		return verdict{"stop", "verdict.gone"}
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

// reason is why a mailbox is not whole. It begins with the kind of the problem,
// whose meaning the page has in its language; the line itself is in that of the
// log.
func (v *view) reason(text string) string {
	kind, _, _ := strings.Cut(text, ": ")
	a, ok := AdviceFor(kind, v.words.lang)
	if !ok || v.words.lang == "en" {
		return text
	}
	return a.What + v.say("problems.reason", text)
}

// UnsureText tells of mailboxes that may have lost something; "" of none.
func (v *view) UnsureText() string {
	if n := v.States[Unsure]; n > 0 {
		return v.say("problems.unsure", page.Int(n))
	}
	return ""
}

func (v *view) FaultyMore() string {
	all := v.States[Incomplete] + v.States[Missing]
	if all <= shownRows {
		return ""
	}
	return v.say("problems.boxes.more", page.Int(shownRows), page.Int(all))
}

// sentence begins a text as a sentence of the language does: an English one
// with a capital letter, unless its first word has a spelling of its own, as
// iMS.
func sentence(s, lang string) string {
	r, n := utf8.DecodeRuneInString(s)
	next, _ := utf8.DecodeRuneInString(s[n:])
	if s == "" || lang != "en" || unicode.IsUpper(next) {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}
