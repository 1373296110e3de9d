package trees

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"strings"
)

var placeholders = regexp.MustCompile(`%[und%]|\*`)

// byTemplate finds the users at the paths that a template of %u, or of %n and
// %d, has; * is any text in a level.
func (w *writer) byTemplate() ([]place, error) {
	patterns, err := patternsOf(w.opt.Path)
	if err != nil {
		return nil, err
	}
	var found []place
	w.match(w.root, patterns, map[string]string{}, &found)
	return found, nil
}

func patternsOf(template string) (patterns []*regexp.Regexp, err error) {
	for part := range strings.SplitSeq(strings.Trim(template, "/"), "/") {
		var b strings.Builder
		rest := part
		for at := placeholders.FindStringIndex(rest); at != nil; at = placeholders.FindStringIndex(rest) {
			b.WriteString(regexp.QuoteMeta(rest[:at[0]]))
			switch what := rest[at[1]-1]; what {
			case '*':
				b.WriteString(".*")
			case '%':
				b.WriteByte('%')
			default:
				fmt.Fprintf(&b, "(?P<%c>.+)", what)
			}
			rest = rest[at[1]:]
		}
		re, err := regexp.Compile("(?s)^" + b.String() + regexp.QuoteMeta(rest) + "$")
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", template, err)
		}
		patterns = append(patterns, re)
	}
	return patterns, nil
}

func (w *writer) match(dir string, patterns []*regexp.Regexp, values map[string]string, found *[]place) {
	list, err := names(dir)
	if err != nil {
		w.told(dir, err)
	}
	for _, name := range list {
		groups := patterns[0].FindStringSubmatch(name)
		if groups == nil || name == ".imsconv" {
			continue
		}
		got := with(values, patterns[0], groups)
		path := filepath.Join(dir, name)
		switch {
		case len(patterns) > 1 && isDir(path):
			w.match(path, patterns[1:], got, found)
		case len(patterns) > 1:
		case isDir(path), w.opt.Kind == Mbox && isRegular(path) && w.said == nil: // an export makes folders
			*found = append(*found, place{userOf(got), path, !isDir(path)})
		}
	}
}

// with are values and those that a name has for a pattern.
func with(values map[string]string, pattern *regexp.Regexp, groups []string) map[string]string {
	got := maps.Clone(values)
	for i, key := range pattern.SubexpNames() {
		if key != "" {
			got[key] = groups[i]
		}
	}
	return got
}

func userOf(values map[string]string) string {
	user := values["u"] + values["n"]
	if values["d"] != "" {
		user += "@" + values["d"]
	}
	return user
}
