package trees

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

var placeholders = regexp.MustCompile(`%[und%]|\*`)

// byTemplate finds the users at the paths that a template of %u, or of %n and
// %d, has; * is any text in a level.
func (w *writer) byTemplate() ([]place, error) {
	var patterns []*regexp.Regexp
	for part := range strings.SplitSeq(strings.Trim(w.opt.Path, "/"), "/") {
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
			return nil, fmt.Errorf("path %q: %w", w.opt.Path, err)
		}
		patterns = append(patterns, re)
	}
	var found []place
	w.match(w.root, patterns, map[string]string{}, &found)
	return found, nil
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
		got := map[string]string{}
		for k, v := range values {
			got[k] = v
		}
		for i, key := range patterns[0].SubexpNames() {
			if key != "" {
				got[key] = groups[i]
			}
		}
		path := filepath.Join(dir, name)
		switch {
		case len(patterns) > 1 && isDir(path):
			w.match(path, patterns[1:], got, found)
		case len(patterns) > 1:
		case isDir(path), w.opt.Kind == Mbox && isRegular(path):
			user := got["u"] + got["n"]
			if got["d"] != "" {
				user += "@" + got["d"]
			}
			*found = append(*found, place{user, path, !isDir(path)})
		}
	}
}
