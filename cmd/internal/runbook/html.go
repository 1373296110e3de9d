package runbook

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"imsconv/cmd/internal/page"
)

//go:embed plan.html
var planText string

// planTemplates are the bodies of the sections, by their names. Every value
// goes through html/template.
var planTemplates = template.Must(template.New("plan").Funcs(template.FuncMap{
	"count":  count,
	"number": func(p *Plan, n int) string { return fmt.Sprintf(p.Words["step-number"], n) },
	"texts":  func(label, class string, texts []Text) labelled { return labelled{label, class, texts} },
	"isCode": func(s Span) bool { return s.Kind == Code },
	"isRef":  func(s Span) bool { return s.Kind == Ref },
	"words":  commandWords,
	"in":     func(p *Plan, s Step) stepOf { return stepOf{p, s} },
}).Parse(planText))

// commandWord is a part of a command line, which Keep says must not be broken.
type commandWord struct {
	Text string
	Keep bool
}

// longestOption is how long an option may be that is kept whole.
const longestOption = 20

// commandWords takes a command line apart at its options: broken behind its
// hyphen, an option reads as two words.
func commandWords(line string) (out []commandWord) {
	for i, word := range strings.Split(line, " ") {
		if i > 0 {
			out = append(out, commandWord{Text: " "})
		}
		out = append(out, commandWord{word, strings.HasPrefix(word, "-") && len(word) <= longestOption})
	}
	return out
}

// labelled are paragraphs with a word before them, in a box of a class.
type labelled struct {
	Label, Class string
	Texts        []Text
}

// stepOf is a step with its plan, for the labels.
type stepOf struct {
	*Plan
	Step Step
}

// Like names the step that has the reasons.
func (s stepOf) Like() string {
	return fmt.Sprintf(s.Words["like"], fmt.Sprintf(s.Words["step-number"], s.Step.Like))
}

// Size is a number of bytes, or a dash for what is not known.
func (p *Plan) Size(n int64) string { return p.size(n) }

// WriteHTML writes the plan as one page that needs nothing else.
func (p *Plan) WriteHTML(w io.Writer) error {
	out := page.Page{Lang: string(p.Lang), Title: p.Title, Subtitle: p.Subtitle, Foot: p.Words["foot"]}
	var err error
	add := func(id, title, name string, data any) {
		if err != nil {
			return
		}
		var body template.HTML
		body, err = render(name, data)
		out.Sections = append(out.Sections, page.Section{ID: id, Title: title, Body: body})
	}
	for _, id := range []string{"how", "values", "conditions", "space", "hours"} {
		add(id, p.Words[id], id, p)
	}
	for _, ph := range p.Phases {
		add("phase-"+ph.ID, ph.Title.String(), "phase", struct {
			*Plan
			Phase Phase
		}{p, ph})
	}
	add("tells", p.Words["tells"], "tells", p)
	if err != nil {
		return err
	}
	return page.Write(w, out)
}

// render fills in one of the templates.
func render(name string, data any) (template.HTML, error) {
	var b strings.Builder
	if err := planTemplates.ExecuteTemplate(&b, name, data); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil // html/template made it
}
