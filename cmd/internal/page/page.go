package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

// Page is one document.
type Page struct {
	Lang     string        // "en" or "ja"
	Title    string        //
	Subtitle string        // one line below the title; may be empty
	Lead     template.HTML // stands before the contents; may be empty
	Sections []Section     //
	Foot     string        // one line at the end; may be empty
}

// Section is one part of a page, with its line in the contents.
type Section struct {
	ID    string // the anchor: letters, digits and -, different in every section
	Title string
	Body  template.HTML
}

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	styleText string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
)

// Write writes the page as one HTML file.
func Write(w io.Writer, p Page) error {
	err := pageTemplate.Execute(w, struct {
		Page
		Style    template.CSS
		Contents string
	}{p, template.CSS(styleText), contents(p.Lang)})
	if err != nil {
		return fmt.Errorf("page %q: %w", p.Title, err)
	}
	return nil
}

// contents is the heading of the contents.
func contents(lang string) string {
	if lang == "ja" {
		return "目次"
	}
	return "Contents"
}
