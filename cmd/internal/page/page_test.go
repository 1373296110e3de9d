package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
)

// body makes a section's body as callers do.
func body(t *testing.T, text string, data any) template.HTML {
	t.Helper()
	var b strings.Builder
	if err := template.Must(template.New("").Parse(text)).Execute(&b, data); err != nil {
		t.Fatal(err)
	}
	return template.HTML(b.String())
}

// sample is a page with something of everything.
func sample(t *testing.T, lang string) Page {
	p := Page{Lang: lang, Title: "The conversion of example.com", Subtitle: "sims-offline, 3 problems", Foot: "imsconv"}
	titles := []string{"Problems", "Sums", "Commands", "Drawings"}
	if lang == "ja" {
		p.Title, p.Subtitle = "example.com の変換結果", "問題が 3 件あります"
		titles = []string{"問題点", "件数の照合", "実行するコマンド", "グラフ"}
	}
	p.Lead = body(t, `<div class="cards"><div class="card bad"><b>3</b><span>problems</span></div><div class="card good"><b>12,345</b><span>messages</span></div>
<div class="card"><b>1.2 GB</b><span>of mail</span></div><div class="card warn"><b>17</b><span>warnings</span></div></div>`, nil)
	bodies := []template.HTML{
		body(t, `<div class="box stop"><p>{{.}}</p></div><div class="box warn"><p>look</p></div><div class="box good"><p>fine</p></div><ul class="checks"><li><input type="checkbox"> tick me</li></ul>`, "<script>alert(1)</script>"),
		body(t, `<div class="wide"><table><thead><tr><th>user</th><th class="n">messages</th><th>digest</th></tr></thead><tbody>{{range .}}<tr><td class="path">{{.}}</td><td class="n">12</td><td>0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef</td></tr>{{end}}<tr class="total"><td>all</td><td class="n">36</td><td></td></tr></tbody></table></div>
<dl class="facts"><dt>version</dt><dd>0.1.0</dd><dt>input</dt><dd class="path">/a/very/long/path/{{index . 0}}</dd></dl>`, []string{strings.Repeat("x", 300), "<b>", "田中"}),
		body(t, `<pre>{{.}}</pre><p>Then <code>reconstruct -r -f</code>.</p>`, "ldapmodify -h ldap.example.com -p 389 -D 'cn=Directory Manager' -w - -f "+strings.Repeat("very", 40)+".ldif"),
		body(t, `<div class="charts">{{range .}}{{.}}{{end}}</div>`, drawings(lang)),
	}
	for i, title := range titles {
		p.Sections = append(p.Sections, Section{ID: "s" + string(rune('a'+i)), Title: title, Body: bodies[i]})
	}
	return p
}

func drawings(lang string) []template.HTML {
	label := map[string]string{"en": "the directory upgrade, a long name", "ja": "ディレクトリのアップグレードという長い名前の手順"}[lang]
	years := BarChart{Title: "messages by year", Unit: "messages", Note: "dates of arrival"}
	for y := 1994; y < 2027; y++ {
		n := float64((y * 7919) % 1000)
		years.Bars = append(years.Bars, Bar{Label: Int(int64(y))[0:1] + Int(int64(y))[2:], Value: n, Text: Int(int64(n))})
	}
	few := BarChart{Title: "few", Bars: []Bar{{Label: "a", Value: 3, Text: "3"}, {Label: "<b>", Value: 0, Text: "0"}, {Label: "c", Value: 1, Text: "1", Other: true}}}
	return []template.HTML{
		Bars(years), Bars(few),
		Rows(BarChart{Title: "time per step", Bars: []Bar{{Label: label, Value: 75, Text: Seconds(75, lang)}, {Label: "store", Value: 4000, Text: Seconds(4000, lang)}, {Label: "check", Value: 0, Text: "0 s"}}}),
		Lines(LineChart{Title: "throughput", XLabel: "time", YLabel: "messages/s", Times: lang, Series: []Series{
			{Name: "store", Points: []Point{{0, 10}, {10, 3000}, {20, 2500}, {60, 2700}}}, {Name: "check", Points: []Point{{60, 100}, {75, 120}}}}}),
	}
}

func write(t *testing.T, p Page) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestInBrowser: the page is what it promises in both languages. With
// PAGE_SCREENSHOTS set to a folder its pictures are left there.
func TestInBrowser(t *testing.T) {
	for _, lang := range []string{"en", "ja"} {
		t.Run(lang, func(t *testing.T) {
			p := sample(t, lang)
			var titles []string
			for _, s := range p.Sections {
				titles = append(titles, s.Title)
			}
			html := write(t, p)
			peer.CheckPage(t, html, titles)
			if dir := os.Getenv("PAGE_SCREENSHOTS"); dir != "" {
				shown := peer.Chromium(t, html)
				shown.Screenshot(peer.PhoneWidth, 3200, filepath.Join(dir, lang+"-phone.png"))
				shown.Screenshot(1280, 1900, filepath.Join(dir, lang+"-desk.png"))
			}
		})
	}
}

// TestBrowserSeesFaults: the check of pages finds what it is for.
func TestBrowserSeesFaults(t *testing.T) {
	text := `<!DOCTYPE html><html><head><link rel="icon" href="data:,"></head><body><div style="width:600px">wide</div><p>` + "\U000F1234" + `日本語é</p><img src="/x.png"><script>console.error("oops")</script></body></html>`
	look := peer.Chromium(t, []byte(text)).Look(peer.PhoneWidth)[0]
	if look.Content < 600 || len(look.Wide) != 1 {
		t.Errorf("%d wide, %q", look.Content, look.Wide)
	}
	if look.Missing != "\U000F1234" {
		t.Errorf("missing %q", look.Missing)
	}
	if !strings.Contains(strings.Join(look.Console, " "), "oops") {
		t.Errorf("console %q", look.Console)
	}
	if len(look.Asked) != 1 || look.Asked[0] != "/x.png" {
		t.Errorf("asked for %q", look.Asked)
	}
}

// TestScriptDoesNotRun: where a body lets one through, the page's policy holds.
func TestScriptDoesNotRun(t *testing.T) {
	p := Page{Lang: "en", Title: "t", Sections: []Section{{ID: "a", Title: "a", Body: `<p id="x">before</p><script>document.getElementById("x").remove()</script>`}}}
	html := bytes.Replace(write(t, p), []byte("</body>"), []byte(`<script>document.body.style.width = "900px"</script></body>`), 1)
	look := peer.Chromium(t, html).Look(peer.PhoneWidth)[0]
	if look.Content > peer.PhoneWidth || len(look.Console) == 0 {
		t.Errorf("the script ran: %+v", look)
	}
}

// TestWellFormed: titles are escaped, and drawings are XML.
func TestWellFormed(t *testing.T) {
	p := sample(t, "en")
	p.Title = `<script>"'&`
	html := string(write(t, p))
	for _, bad := range []string{"<script", "http:", "https:", "NaN", "Inf", "<no value>", "%!"} {
		if strings.Contains(html, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	n := 0
	for rest := html; ; n++ {
		_, after, ok := strings.Cut(rest, "<svg")
		if !ok {
			break
		}
		svg, end, _ := strings.Cut(after, "</svg>")
		rest = end
		dec := xml.NewDecoder(strings.NewReader("<svg" + svg + "</svg>"))
		for {
			if _, err := dec.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, svg)
			}
		}
	}
	if n != 4 {
		t.Errorf("%d drawings", n)
	}
}

func TestEmptyCharts(t *testing.T) {
	if got := Bars(BarChart{}) + Rows(BarChart{}) + Lines(LineChart{}); got != "" {
		t.Errorf("%q", got)
	}
	for _, c := range []template.HTML{
		Bars(BarChart{Bars: []Bar{{Label: "a"}}}), Rows(BarChart{Bars: []Bar{{Label: "a"}}}),
		Lines(LineChart{Series: []Series{{Points: []Point{{1, 0}}}}}),
	} {
		if strings.Contains(string(c), "NaN") || strings.Contains(string(c), "Inf") || !strings.Contains(string(c), "<svg") {
			t.Errorf("%s", c)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Int(0), "0"}, {Int(-1234), "-1,234"}, {Int(-123), "-123"}, {Int(1234567), "1,234,567"},
		{Amount(1, "user", "users"), "1 user"}, {Amount(0, "user", "users"), "0 users"}, {Amount(int64(1234), "user", "users"), "1,234 users"},
		{Size(0, "en"), "0 bytes"}, {Size(1, "en"), "1 byte"}, {Size(1, "ja"), "1 バイト"}, {Size(999, "en"), "999 bytes"}, {Size(1000, "en"), "1.00 kB"},
		{Size(999_499, "en"), "999 kB"}, {Size(999_600, "en"), "1.00 MB"}, {Size(12_345_678, "ja"), "12.3 MB"}, {Size(9e18, "en"), "9.00 EB"}, {Size(-5000, "en"), "-5.00 kB"},
		{Seconds(0, "en"), "0.00 s"}, {Seconds(0.42, "en"), "0.4 s"}, {Seconds(59.6, "en"), "1 min"}, {Seconds(200, "en"), "3 min 20 s"}, {Seconds(200, "ja"), "3 分 20 秒"},
		{Seconds(3599.7, "en"), "1 h"}, {Seconds(18600, "ja"), "5 時間 10 分"}, {Seconds(-1, "en"), "0.00 s"},
		{wholeSeconds(timeStep(0.7), "en"), "1 s"}, {wholeSeconds(timeStep(14), "en"), "15 s"}, {wholeSeconds(timeStep(4000), "ja"), "2 時間"}, {wholeSeconds(timeStep(0.07), "en"), "0.08 s"}, {wholeSeconds(timeStep(90000), "en"), "48 h"},
		{axisNumber(10000), "10k"}, {axisNumber(2500000), "2.5M"}, {axisNumber(0.25), "0.25"},
	} {
		if c.got != c.want {
			t.Errorf("%q, not %q", c.got, c.want)
		}
	}
}
