package peer

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// PhoneWidth is how wide the page of a phone is, in CSS pixels.
const PhoneWidth = 390

// Page is an HTML page, shown by a headless Chromium. The page is served from a
// server of the test, and stands in a frame as wide as the test asks for.
type Page struct {
	t        testing.TB
	chromium string
	dir      string
	html     []byte

	mu    sync.Mutex
	asked []string // paths that the browser asked for, beside the page
}

// Chromium prepares a browser that shows a page.
func Chromium(t testing.TB, page []byte) *Page {
	t.Helper()
	return &Page{t: t, chromium: Need(t, "chromium"), dir: t.TempDir(), html: page}
}

// Looked is what a page is like in a frame of some width.
type Looked struct {
	Width   int      // of the frame
	Content int      // how wide the content needs it to be
	Wide    []string // elements that reach beyond the frame
	Height  int      // of the content
	Missing string   // characters that no font of the machine has
	Console []string // what the browser complained of, in any frame
	Asked   []string // what the page asked the server for
}

//go:embed chromium.html
var frameHTML string

// measured finds the measures in the frame's page.
var measured = regexp.MustCompile(`(?s)<pre id="measured">(.*?)</pre>`)

// Look shows the page in frames of so many pixels and measures each.
func (p *Page) Look(widths ...int) []Looked {
	p.t.Helper()
	out, talk := p.run(widths, "--window-size=1400,1000", "--virtual-time-budget=20000", "--dump-dom")
	m := measured.FindStringSubmatch(out)
	if m == nil || m[1] == "" {
		p.t.Fatalf("chromium measured nothing: %s\n%s", out, talk)
	}
	var looks []Looked
	if err := json.Unmarshal([]byte(html.UnescapeString(m[1])), &looks); err != nil {
		p.t.Fatalf("chromium: %v: %s", err, m[1])
	}
	var console []string
	for line := range strings.Lines(talk) {
		if strings.Contains(line, ":CONSOLE") {
			console = append(console, strings.TrimSpace(line))
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range looks {
		looks[i].Console, looks[i].Asked = console, p.asked
	}
	return looks
}

// Screenshot makes a picture of the page, shown in a frame of so many pixels.
func (p *Page) Screenshot(width, height int, file string) {
	p.t.Helper()
	abs, err := filepath.Abs(file)
	if err != nil {
		p.t.Fatal(err)
	}
	size := fmt.Sprintf("--window-size=%d,%d", max(width, 500), height)
	p.run([]int{width}, size, "--hide-scrollbars", "--virtual-time-budget=20000", "--screenshot="+abs)
}

// PDF prints the page into a file and returns the file's text and the names of
// its fonts.
func (p *Page) PDF() (file, text, fonts string) {
	p.t.Helper()
	file = filepath.Join(p.dir, "page.pdf")
	p.print(file)
	return file, p.tool("pdftotext", "-layout", "-enc", "UTF-8", file, "-"), p.tool("pdffonts", file)
}

func (p *Page) tool(name string, args ...string) string {
	p.t.Helper()
	out, err := Command(p.t, Need(p.t, name), args...).Output()
	if err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}

// print makes a PDF of the page itself, without a frame.
func (p *Page) print(file string) {
	p.t.Helper()
	server := p.serve(nil)
	defer server.Close()
	p.browse(server.URL+"/page", "--no-pdf-header-footer", "--print-to-pdf="+file)
	if st, err := os.Stat(file); err != nil || st.Size() == 0 {
		p.t.Fatalf("chromium printed nothing: %v", err)
	}
}

// run shows frames with the page in them.
func (p *Page) run(widths []int, args ...string) (out, talk string) {
	p.t.Helper()
	server := p.serve(widths)
	defer server.Close()
	return p.browse(server.URL+"/", args...)
}

// serve serves the frames at / and the page at /page.
func (p *Page) serve(widths []int) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		switch r.URL.Path {
		case "/":
			list, _ := json.Marshal(widths) // numbers can be written
			fmt.Fprint(w, strings.ReplaceAll(frameHTML, "WIDTHS", string(list)))
		case "/page":
			w.Write(p.html)
		default:
			p.mu.Lock()
			p.asked = append(p.asked, r.URL.Path)
			p.mu.Unlock()
			http.NotFound(w, r)
		}
	}))
}

// browse runs the browser until it has done what its arguments ask for.
func (p *Page) browse(url string, args ...string) (out, talk string) {
	p.t.Helper()
	profile, err := os.MkdirTemp(p.dir, "profile")
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := Command(p.t, p.chromium, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
		"--disable-background-networking", "--disable-component-update", "--disable-extensions", "--mute-audio",
		"--enable-logging=stderr", "--user-data-dir=" + profile,
	}, append(args, url)...)...)
	cmd.Env = append(os.Environ(), "HOME="+p.dir)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	p.sweep(cmd, profile)
	if err != nil {
		p.t.Fatalf("chromium: %v\n%s", err, stderr.String())
	}
	return stdout.String(), stderr.String()
}

// sweep ends the processes that a browser has left, and removes what they may
// have written until then.
func (p *Page) sweep(browser *exec.Cmd, profile string) {
	p.t.Helper()
	if browser.Process != nil {
		_ = syscall.Kill(-browser.Process.Pid, syscall.SIGKILL) // none is left, if it fails
	}
	Await(p.t, profile+" is gone", func() bool { return os.RemoveAll(profile) == nil })
}

// CheckPage holds a page against what every page of the programs promises: it
// asks nobody for anything and runs nothing, it does not reach beyond a phone's
// screen nor a desk's, every character of it has its glyph, and printed on A4
// it has all of the headings, in their order.
func CheckPage(t testing.TB, page []byte, headings []string) {
	t.Helper()
	p := Chromium(t, page)
	for _, look := range p.Look(PhoneWidth, 1280) {
		if look.Content > look.Width || len(look.Wide) > 0 {
			t.Errorf("at %d pixels the page is %d wide: %q", look.Width, look.Content, look.Wide)
		}
		if look.Missing != "" {
			t.Errorf("no font has %q", look.Missing)
		}
		if len(look.Console) > 0 {
			t.Errorf("the browser complains: %q", look.Console)
		}
		if len(look.Asked) > 0 {
			t.Errorf("the page asks for %q", look.Asked)
		}
	}
	checkPrint(t, p, headings)
}

// checkPrint looks for the headings in the printed page: each on a line of its
// own, or of several where it is long, and in their order.
func checkPrint(t testing.TB, p *Page, headings []string) {
	t.Helper()
	file, text, _ := p.PDF()
	if info := p.tool("pdfinfo", file); !strings.Contains(info, "(A4)") {
		t.Errorf("the paper is not A4: %s", info)
	}
	var lines []string
	for line := range strings.Lines(text) {
		if line = squeeze(line); line != "" {
			lines = append(lines, line)
		}
	}
	at := 0
	for _, h := range headings {
		next := findHeading(lines[at:], squeeze(h))
		if next < 0 {
			t.Errorf("printed, the heading %q is not there, or not in its place", h)
			continue
		}
		at += next + 1
	}
}

// findHeading is the first line that, with those behind it, makes the heading.
func findHeading(lines []string, heading string) int {
	for i := range lines {
		rest := heading
		for j := i; j < len(lines) && rest != ""; j++ {
			after, ok := strings.CutPrefix(rest, lines[j])
			if !ok {
				break
			}
			rest = after
		}
		if rest == "" {
			return i
		}
	}
	return -1
}

// squeeze leaves out white space: a printed line may break anywhere.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }
