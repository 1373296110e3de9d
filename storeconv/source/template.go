package source

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"imsconv/storeconv/maildir"
	"imsconv/storeconv/sims"
)

// CheckPath reports why a template of paths cannot be used, or nil. It names
// the user with %u, or with %n and perhaps %d, and each of them once; * is any
// text in a part of the path, as where users are spread over folders.
func CheckPath(template string) error {
	_, err := compile(template)
	return err
}

// compile makes a pattern of each part of a template.
func compile(template string) ([]*regexp.Regexp, error) {
	var parts []*regexp.Regexp
	seen := map[byte]bool{}
	for part := range strings.SplitSeq(strings.Trim(template, "/"), "/") {
		if part == "" || part == "." || part == ".." {
			return nil, fmt.Errorf("path %q has the part %q", template, part)
		}
		var b strings.Builder
		for i := 0; i < len(part); i++ {
			switch {
			case part[i] == '*':
				b.WriteString("[^/]*")
			case part[i] != '%':
				b.WriteString(regexp.QuoteMeta(part[i : i+1]))
			case i+1 < len(part) && part[i+1] == '%':
				b.WriteByte('%')
				i++
			case i+1 < len(part) && strings.IndexByte("und", part[i+1]) >= 0 && !seen[part[i+1]]:
				i++
				seen[part[i]] = true
				fmt.Fprintf(&b, "(?P<%c>[^/]+)", part[i])
			default:
				return nil, fmt.Errorf("path %q: after %% stands u, n or d, each once", template)
			}
		}
		re, err := regexp.Compile("^" + b.String() + "$")
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", template, err)
		}
		parts = append(parts, re)
	}
	if seen['u'] == seen['n'] || seen['u'] && seen['d'] {
		return nil, fmt.Errorf("path %q names the user neither as %%u nor as %%n, or as both", template)
	}
	return parts, nil
}

// byTemplate finds the users at the paths that match the template.
func (s *Source) byTemplate() error {
	parts, err := compile(s.opt.Path)
	if err != nil {
		return err
	}
	return s.match(s.root, "", parts, map[string]string{})
}

func (s *Source) match(d *maildir.Dir, prefix string, parts []*regexp.Regexp, got map[string]string) error {
	names, err := d.Names()
	if err != nil {
		return err
	}
	slices.Sort(names)
	passed := prefix != "" && s.opt.Kind == Maildir && d.IsMailbox() && !s.hasUser(d, parts)
	if passed {
		s.notePassed(strings.TrimSuffix(prefix, "/"))
	}
	for _, name := range names {
		found := parts[0].FindStringSubmatch(name)
		if name == ".imsconv" {
			continue
		}
		if found == nil {
			switch {
			case s.made.kind == Maildir && prefix != "": // what an export has not made is nobody's choice
				s.noteBeside(d, prefix+name, name)
			case !passed && s.isMail(d, name):
				s.notePassed(prefix + name)
			}
			continue
		}
		values := maps.Clone(got)
		take(parts[0], found, values)
		if err := s.matched(d, name, prefix+name, parts[1:], values); err != nil {
			return err
		}
	}
	return nil
}

// hasUser tells whether the cur or the new of what looks as a mailbox is a
// user, with mailboxes in it.
func (s *Source) hasUser(d *maildir.Dir, parts []*regexp.Regexp) bool {
	return slices.ContainsFunc([]string{"cur", "new"}, func(name string) bool {
		return parts[0].MatchString(name) && in(d, name, (*maildir.Dir).HasMailbox)
	})
}

// matched goes on behind a name that has matched.
func (s *Source) matched(d *maildir.Dir, name, path string, rest []*regexp.Regexp, values map[string]string) error {
	info, err := d.Stat(name)
	switch {
	case err != nil:
		s.noteBad(path, err)
		return nil
	case len(rest) == 0 && (info.Dir || info.Regular && s.opt.Kind == Mbox && s.made.kind == 0):
		s.users = append(s.users, place{userIn(values), path, !info.Dir})
		return nil
	case !info.Dir:
		s.noteOther(path, !info.Regular)
		switch {
		case s.made.kind == Maildir && info.Regular:
			s.noteMail(d, name, path)
		case s.isMail(d, name):
			s.notePassed(path)
		case info.Regular && s.made.kind != 0 && !ofExport(name):
			s.stray(path)
		}
		return nil
	}
	sub, err := d.Open(name)
	if err != nil {
		s.noteBad(path, err)
		return nil
	}
	defer sub.Close()
	return s.match(sub, path+"/", rest, values)
}

// take takes what stands for something in a part of a path.
func take(part *regexp.Regexp, found []string, values map[string]string) {
	for i, key := range part.SubexpNames() {
		if key != "" {
			values[key] = found[i]
		}
	}
}

// userIn is the user whom the values of a path name.
func userIn(values map[string]string) string {
	user := values["u"]
	if user == "" {
		user = values["n"]
		if values["d"] != "" {
			user += "@" + values["d"]
		}
	}
	return user
}

// notePassed keeps a place with mail where the template does not lead: it may
// be meant so, and whoever has mistaken the template learns whom it misses. The
// template of an export nobody has named.
func (s *Source) notePassed(path string) {
	if s.made.kind != 0 {
		s.noteBad(path, &maildir.Error{Class: maildir.NoMaildir, Text: "mail beside that of the users of the export: not read; --path leads to it"})
		return
	}
	s.early = append(s.early, &sims.Error{Name: path, Class: "not-in-path", Text: "mail where the path of users does not lead: not read", Tolerated: true})
}

// isMail tells whether there is mail of the tree's kind under a name.
func (s *Source) isMail(d *maildir.Dir, name string) bool {
	if s.opt.Kind == Maildir {
		return in(d, name, (*maildir.Dir).HasMailbox)
	}
	return d.BeginsAsMbox(name) || holdsMail(d, name, 0)
}
