package runbook

import (
	"bytes"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/cmd/internal/site"
)

// TestInBrowser lets a real browser show a plan on a phone and print it: in
// both languages, and with hostile values.
func TestInBrowser(t *testing.T) {
	peer.Need(t, "chromium")
	for name, in := range map[string]Input{
		"en": evilInput(site.SIMSIncremental, English),
		"ja": guideInput(site.SIMSOnline, Japanese),
	} {
		t.Run(name, func(t *testing.T) {
			in.Batches = 2
			p, err := Build(in)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := p.WriteHTML(&b); err != nil {
				t.Fatal(err)
			}
			peer.CheckPage(t, b.Bytes(), headings(p))
		})
	}
}

// headings are the titles of the sections, in their order.
func headings(p *Plan) (out []string) {
	for _, id := range []string{"how", "values", "conditions", "space", "hours"} {
		out = append(out, p.Words[id])
	}
	for _, ph := range p.Phases {
		out = append(out, ph.Title.String())
	}
	return append(out, p.Words["tells"])
}
