package runbook

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode"
)

//go:embed texts/*.txt
var texts embed.FS

// field is one field of a record, for both languages.
type field struct {
	name   string
	role   string   // of sh@role
	conds  []string // all of which must hold
	en, ja string   // ja is "" where the field has no languages
}

// in is the template in a language.
func (f *field) in(lang Lang) string {
	if lang == Japanese && f.ja != "" {
		return f.ja
	}
	return f.en
}

// record is one record of a file of texts.
type record struct {
	kind, id string
	role     string // of "@role"
	conds    []string
	fields   []field
	where    string // file and line, for errors
}

// all are the fields of a name.
func (r *record) all(name string) []field {
	var out []field
	for _, f := range r.fields {
		if f.name == name {
			out = append(out, f)
		}
	}
	return out
}

// kinds are the kinds of records.
var kinds = []string{"step", "phase", "note", "tell", "word", "use"}

// readRecords reads one file of texts.
func readRecords(name string) ([]record, error) {
	data, err := fs.ReadFile(texts, "texts/"+name)
	if err != nil {
		return nil, err
	}
	return parseRecords(name, string(data))
}

func parseRecords(name, text string) ([]record, error) {
	var out []record
	n := 0
	for line := range strings.Lines(text) {
		n++
		where := fmt.Sprintf("%s:%d", name, n)
		line = strings.TrimRightFunc(line, unicode.IsSpace)
		var err error
		switch {
		case line == "", strings.HasPrefix(line, "#"):
		case line[0] != ' ':
			var r record
			r, err = parseHead(where, line)
			out = append(out, r)
		case len(out) == 0:
			err = fmt.Errorf("a field before the first record")
		case strings.HasPrefix(line, "    "):
			err = out[len(out)-1].goOn(strings.TrimSpace(line))
		default:
			err = out[len(out)-1].add(strings.TrimSpace(line))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
	}
	for i := range out {
		if err := out[i].whole(); err != nil {
			return nil, fmt.Errorf("%s: %w", out[i].where, err)
		}
	}
	return out, nil
}

// parseHead reads "KIND ID [@ROLE] [if COND...]".
func parseHead(where, line string) (record, error) {
	head, conds := cutConds(line)
	words := strings.Fields(head)
	r := record{where: where, conds: conds, kind: words[0]}
	if !slices.Contains(kinds, r.kind) {
		return r, fmt.Errorf("no record is a %q", r.kind)
	}
	for _, w := range words[1:] {
		if role, ok := strings.CutPrefix(w, "@"); ok {
			r.role = role
		} else if r.id == "" {
			r.id = w
		} else {
			return r, fmt.Errorf("%q is one word too much", w)
		}
	}
	if r.id == "" {
		return r, fmt.Errorf("a %s without an id", r.kind)
	}
	return r, nil
}

// cutConds cuts "if COND..." off.
func cutConds(text string) (string, []string) {
	head, conds, _ := strings.Cut(text, " if ")
	return head, strings.Fields(conds)
}

// add adds a field "NAME[.LANG][@ROLE] [if COND...]: TEXT".
func (r *record) add(line string) error {
	head, text, ok := strings.Cut(line, ":")
	if !ok {
		return fmt.Errorf("a field without a colon: %q", line)
	}
	head, conds := cutConds(head)
	name, role, _ := strings.Cut(head, "@")
	f := field{name: name, role: role, conds: conds, en: strings.TrimSpace(text)}
	if name, ok := cutLang(f.name, "en"); ok {
		f.name = name
	} else if name, ok := cutLang(f.name, "ja"); ok {
		if len(conds) > 0 {
			return fmt.Errorf("the conditions of %s.ja are those of %s.en", name, name)
		}
		return r.addJapanese(name, f.en)
	}
	r.fields = append(r.fields, f)
	return nil
}

// cutLang cuts a language off a field's name; a bare one is that of "text".
func cutLang(name, lang string) (string, bool) {
	if name == lang {
		return "text", true
	}
	return strings.CutSuffix(name, "."+lang)
}

// addJapanese gives the English field above its other language.
func (r *record) addJapanese(name, text string) error {
	if len(r.fields) == 0 {
		return fmt.Errorf("%s.ja without %s.en", name, name)
	}
	last := &r.fields[len(r.fields)-1]
	if last.name != name || last.ja != "" || text == "" {
		return fmt.Errorf("%s.ja does not follow %s.en", name, name)
	}
	last.ja = text
	return nil
}

// goOn adds to the field above. Japanese is joined without a blank, but between
// letters and digits of the West.
func (r *record) goOn(text string) error {
	if len(r.fields) == 0 {
		return fmt.Errorf("nothing to go on with")
	}
	last := &r.fields[len(r.fields)-1]
	switch {
	case last.ja != "":
		last.ja += joint(last.ja, text) + text
	case last.en == "":
		last.en = text
	default:
		last.en += " " + text
	}
	return nil
}

// joint is what joins two lines of Japanese.
func joint(before, after string) string {
	if before[len(before)-1] < unicode.MaxASCII && after[0] < unicode.MaxASCII {
		return " "
	}
	return ""
}

// oneLanguage are the fields that are the same in both.
var oneLanguage = []string{"sh", "guide", "answer"}

// whole says what a record lacks.
func (r *record) whole() error {
	for _, f := range r.fields {
		one := slices.Contains(oneLanguage, f.name)
		switch {
		case f.en == "":
			return fmt.Errorf("%s %s: %s is empty", r.kind, r.id, f.name)
		case one == (f.ja != ""):
			return fmt.Errorf("%s %s: %s has the wrong number of languages", r.kind, r.id, f.name)
		}
	}
	return nil
}
