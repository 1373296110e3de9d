package maildirs

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// configName is the example configuration beside the users' directories.
const configName = "dovecot.conf.example"

// readConfiguration tells what the configuration says of names of mailboxes.
func readConfiguration(text string) (fs, plugin bool) {
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok {
			continue
		}
		switch strings.TrimSpace(key) {
		case "mail_location":
			fs = slices.Contains(strings.Split(strings.TrimSpace(value), ":"), "LAYOUT=fs")
		case "mail_plugins":
			plugin = plugin || slices.Contains(strings.Fields(value), "listescape")
		}
	}
	return fs, plugin
}

// template is the path of a user's Maildir below the export.
type template struct{ text, domain string }

func parseTemplate(text, domain string) (template, error) {
	t := template{text, domain}
	if text == "" {
		t.text = "%u/Maildir"
	}
	for i := strings.IndexByte(t.text, '%'); i >= 0; {
		if i+1 == len(t.text) || !strings.ContainsRune("und%", rune(t.text[i+1])) {
			return t, errors.New("only %u, %n, %d and %% stand for something")
		}
		next := strings.IndexByte(t.text[i+2:], '%')
		if next < 0 {
			break
		}
		i += 2 + next
	}
	return t, nil
}

// of is the path of a user, who must have one.
func (t template) of(id string) (string, error) {
	name, domain := id, t.domain
	if at := strings.LastIndexByte(id, '@'); at >= 0 {
		name, domain = id[:at], id[at+1:]
	}
	path := strings.NewReplacer("%%", "%", "%u", id, "%n", name, "%d", domain).Replace(t.text)
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || len(part) > maxName {
			return "", fmt.Errorf("%q is no path below the export", path)
		}
	}
	return path, nil
}

// login is the name that a user logs in with: where the path asks for a domain,
// an id without one has the default.
func (t template) login(id string) string {
	if t.domain == "" || strings.Contains(id, "@") || !strings.Contains(strings.ReplaceAll(t.text, "%%", ""), "%d") {
		return id
	}
	return id + "@" + t.domain
}

// madeName is where an export keeps the options that later runs must have.
const madeName = ".imsconv/export"

// readMade tells what an export was made with; what it does not say is "".
func readMade(text string) (to, path, domain string) {
	for line := range strings.Lines(text) {
		switch key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " "); key {
		case "to":
			to = value
		case "path":
			path = value
		case "domain":
			domain = value
		}
	}
	return to, path, domain
}

// uidl is a format of POP3 UIDLs: text and numbers in turns.
type uidl []uidlPart

type uidlPart struct {
	text   string
	number string // "u" or "v"; "": only text
	verb   string // of fmt
}

var uidlNumber = regexp.MustCompile(`%(?:%|(0?)(\d{0,2})([xX]?)([uv]))`)

func parseUIDL(format string) (uidl, error) {
	var parts uidl
	for format != "" {
		at := uidlNumber.FindStringSubmatchIndex(format)
		if at == nil {
			at = []int{len(format), len(format)}
		}
		if strings.Contains(format[:at[0]], "%") {
			return nil, errors.New("only %u and %v stand for something, as in %08Xu")
		}
		parts = append(parts, uidlPart{text: format[:at[0]]})
		if found := format[at[0]:at[1]]; found == "%%" {
			parts = append(parts, uidlPart{text: "%"})
		} else if found != "" {
			field := func(i int) string { return format[at[2*i]:at[2*i+1]] }
			width, _ := strconv.Atoi(field(2)) // at most two digits
			verb := "%d"
			if field(1) != "" && width > 0 {
				verb = fmt.Sprintf("%%0%dd", width)
			}
			if field(3) != "" {
				verb = verb[:len(verb)-1] + "x"
			}
			parts = append(parts, uidlPart{number: field(4), verb: verb})
		}
		format = format[at[1]:]
	}
	return parts, nil
}

func (u uidl) of(validity, uid uint32) string {
	var b strings.Builder
	for _, part := range u {
		switch part.number {
		case "":
			b.WriteString(part.text)
		case "u":
			fmt.Fprintf(&b, part.verb, uid)
		case "v":
			fmt.Fprintf(&b, part.verb, validity)
		}
	}
	return b.String()
}
