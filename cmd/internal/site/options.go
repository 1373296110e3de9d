package site

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/choices"
	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
)

// verbs are the tables of options, and what declares them.
var verbs = map[string]func() choices.Choices{
	"upgrade":  func() choices.Choices { return new(choices.Upgrade) },
	"restore":  func() choices.Choices { return new(choices.Restore) },
	"relocate": func() choices.Choices { return new(choices.Relocate) },
	"export":   func() choices.Choices { return new(choices.Export) },
}

// elsewhere says of options that are no key of a table what says it instead.
var elsewhere = map[string]string{
	"from": "scenario", "kinds": "scenario", "base": "directory.base", "default-domain": "directory.default-domain",
	"to": "destination", "file": "inputs.stream", "ldif": "inputs.ldif", "limits": "inputs.ldif",
}

// ofRun are options that a run has on its command line.
var ofRun = []string{"jobs", "sync", "dry-run", "output", "out", "store", "force", "log", "report", "shard", "plan", "undo", "check", "results", "verbose"}

// newFlags declares the options of a table.
func newFlags(table string) (choices.Choices, *pflag.FlagSet) {
	c, fs := verbs[table](), pflag.NewFlagSet(table, pflag.ContinueOnError)
	fs.SortFlags = false
	c.Add(fs)
	return c, fs
}

// option takes one option of a table of a verb.
func (r *reader) option(at place, table, name string, values map[string]any) {
	_, fs := newFlags(table)
	f := fs.Lookup(name)
	if f == nil {
		r.unknownOption(at, name, fs)
		return
	}
	given := valueOf(values, at.path)
	some := withoutEmpty(given)
	if some == nil && given != nil {
		return // as if the key were not there
	}
	value, err := optionValue(f, some)
	if value == "-" && choices.NamesFile(f) {
		err = errors.New("standard input has no place in the file")
	}
	if err == nil {
		err = setOption(fs, f, value, r.site.Dir, true)
	}
	if err != nil {
		r.fault(at, "%v", err)
		return
	}
	r.site.lines[at.path] = at.line
	r.site.field(table).(*Options).Set(name, value)
}

func (r *reader) unknownOption(at place, name string, fs *pflag.FlagSet) {
	if key, ok := elsewhere[name]; ok {
		r.fault(at, "this is said by %s", key)
		return
	}
	if slices.Contains(ofRun, name) {
		r.fault(at, "an option of siteconv run, not of the file")
		return
	}
	var names []string
	fs.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := cli.Nearest(name[:min(len(name), longKey)], names); near != "" {
		r.fault(at, "%s has no such option; is it %s?", fs.Name(), near)
		return
	}
	r.fault(at, "%s has no such option", fs.Name())
}

// Set sets an option. A value is a string, a bool, an int64 or a []string, as
// the option takes it.
func (o *Options) Set(name string, value any) {
	if *o == nil {
		*o = Options{}
	}
	(*o)[name] = value
}

// Lines are the options in the order of their names, "name=value", those with a
// list once for each value.
func (o Options) Lines() []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(o)) {
		for _, text := range textsOf(o[name]) {
			lines = append(lines, name+"="+text)
		}
	}
	return lines
}

// textsOf are the texts of a value as a command line has them.
func textsOf(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case bool:
		return []string{strconv.FormatBool(v)}
	case int64:
		return []string{strconv.FormatInt(v, 10)}
	case []string:
		return v
	}
	panic(fmt.Sprintf("internal error: an option of type %T", value))
}

// optionValue takes a value of the file as one of an option.
func optionValue(f *pflag.Flag, value any) (any, error) {
	repeats := f.Value.Type() == "stringArray"
	switch v := value.(type) {
	case bool:
		if f.Value.Type() == "bool" {
			return v, nil
		}
	case string:
		if f.Value.Type() != "bool" {
			return v, hasHidden(v)
		}
	case int64:
		if f.Value.Type() != "bool" {
			return v, nil
		}
	case []any:
		list, ok := texts(v)
		switch {
		case !repeats:
			return nil, errors.New("takes one value, not a list")
		case ok:
			return list, hasHidden(list...)
		}
		return nil, errors.New(`a list of texts is wanted (["...", "..."])`)
	}
	if f.Value.Type() == "bool" {
		return nil, fmt.Errorf("true or false without quotes is wanted, not %s", kindOf(value))
	}
	return nil, fmt.Errorf("a text in quotes is wanted, not %s", kindOf(value))
}

// withoutEmpty is a value without empty texts; nil where nothing else is in it.
// A list that has none of them, even an empty one, stays as it is.
func withoutEmpty(value any) any {
	switch v := value.(type) {
	case string:
		if v == "" {
			return nil
		}
	case []any:
		some := slices.DeleteFunc(slices.Clone(v), func(e any) bool { return e == "" })
		switch {
		case len(some) == len(v):
		case len(some) == 0:
			return nil
		default:
			return some
		}
	}
	return value
}

func hasHidden(list ...string) error {
	for _, text := range list {
		if !fits(text) {
			return fmt.Errorf("%q has control characters in it", text)
		}
	}
	return nil
}

// setOption sets a flag to a value; paths in it are below dir. In a check the
// owner is not looked up, since this machine need not know it.
func setOption(fs *pflag.FlagSet, f *pflag.Flag, value any, dir string, check bool) error {
	for _, text := range textsOf(value) {
		var err error
		if _, owner := f.Value.(*flags.Owner); owner && check {
			err = flags.CheckOwner(text)
		} else {
			err = why(fs.Set(f.Name, choices.Relative(f, dir, text)))
		}
		if err != nil {
			return fmt.Errorf("%q: %w", text, err)
		}
	}
	return nil
}

// why is what is wrong with a value, without what pflag says around it.
func why(err error) error {
	var value *pflag.InvalidValueError
	if !errors.As(err, &value) {
		return err
	}
	if err = errors.Unwrap(value); err == nil || strings.HasPrefix(err.Error(), "strconv.") {
		return errors.New("not a valid value")
	}
	return err
}

// UpgradeChoices are those of the table upgrade, with the default domain, and
// with the domains of the site where vanity is on and none are said there.
func (s *Site) UpgradeChoices() (*choices.Upgrade, error) {
	options := maps.Clone(s.Upgrade)
	if options["vanity"] == true && options["domain"] == nil && len(s.Directory.Domains) > 0 {
		options.Set("domain", s.Directory.Domains)
	}
	c, err := s.choices("upgrade", options, false)
	if err != nil {
		return nil, err
	}
	u := c.(*choices.Upgrade)
	u.DefaultDomain = s.Directory.DefaultDomain
	return u, nil
}

// RestoreChoices are those of the table restore.
func (s *Site) RestoreChoices() (*choices.Restore, error) {
	c, err := s.choices("restore", s.Restore, false)
	if err != nil {
		return nil, err
	}
	return c.(*choices.Restore), nil
}

// RelocateChoices are those of the table relocate.
func (s *Site) RelocateChoices() (*choices.Relocate, error) {
	c, err := s.choices("relocate", s.Relocate, false)
	if err != nil {
		return nil, err
	}
	return c.(*choices.Relocate), nil
}

// ExportChoices are those of the table export.
func (s *Site) ExportChoices() (*choices.Export, error) {
	c, err := s.choices("export", s.Export, false)
	if err != nil {
		return nil, err
	}
	return c.(*choices.Export), nil
}

// choices are the options of a table as its verb takes them.
func (s *Site) choices(table string, options Options, check bool) (choices.Choices, error) {
	c, fs := newFlags(table)
	for _, name := range slices.Sorted(maps.Keys(options)) {
		f := fs.Lookup(name)
		if f == nil {
			return nil, fmt.Errorf("%s has no option %s", table, name)
		}
		if err := setOption(fs, f, options[name], s.Dir, check); err != nil {
			return nil, cli.Usagef("%w", &Fault{s.Path, s.lines[table+"."+name], table + "." + name, err.Error()})
		}
	}
	return c, nil
}
