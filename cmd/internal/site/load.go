package site

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"

	"imsconv/cmd/internal/cli"
)

// FileName is the name of the file in the folder of a site.
const FileName = "site.toml"

// maxKeys is how many keys a file may have, tables counted.
const maxKeys = 1000

// maxFaults is how many faults of a file are told.
const maxFaults = 100

// maxFile is how large a site's file may be, in bytes.
const maxFile = 1 << 20

// Load reads a site's file. Path names it, or the folder that has a site.toml;
// where it is not there the error is fs.ErrNotExist. What is wrong with the
// file is a usage error that wraps [Faults], all of them. Nothing is filled in:
// see [Site.Complete].
func Load(path string) (*Site, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		path = filepath.Join(path, FileName)
	}
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	s, err := Parse(path, data)
	if err != nil {
		return nil, cli.Usagef("%w", err)
	}
	return s, nil
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxFile:
		return nil, cli.Usagef("%s: over %d KiB: no file of a site", path, maxFile>>10)
	}
	if kind := cli.Kind(data[:min(len(data), 4<<10)]); kind != "" {
		if strings.HasPrefix(kind, "compressed") {
			kind = "a compressed file"
		}
		return nil, cli.WithHint(cli.Usagef("%s: %s, no file of a site", path, kind), "siteconv init writes a site.toml")
	}
	return data, nil
}

// Parse reads the text of a site's file called path. The error is [Faults].
func Parse(path string, data []byte) (*Site, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	s := &Site{Path: path, Dir: filepath.Dir(path), lines: map[string]int{}}
	if !utf8.Valid(data) {
		return nil, Faults{{Path: path, Text: "not in UTF-8"}}
	}
	list := places(data)
	if len(list) > maxKeys { // the time of what follows grows with their square
		return nil, Faults{{Path: path, Text: fmt.Sprintf("over %d keys: no file of a site", maxKeys)}}
	}
	values := map[string]any{}
	if err := toml.Unmarshal(data, &values); err != nil {
		return nil, Faults{syntax(path, data, err)}
	}
	r := &reader{site: s}
	for _, at := range list {
		if r.take(at, values); len(r.faults) == maxFaults {
			r.fault(at, "and more: only the first %d faults are told", maxFaults)
			break
		}
	}
	s.checkTables(&r.faults)
	if err := r.faults.err(); err != nil {
		return nil, err
	}
	return s, nil
}

// typographic are the quotation marks that word processors put in place of ".
const typographic = "\u201c\u201d\u201e\u201f\u2018\u2019\u300c\u300d\uff02"

// syntax is what the parser found wrong; of quotes, in words of the file.
func syntax(path string, data []byte, err error) *Fault {
	f := &Fault{Path: path, Text: strings.TrimPrefix(err.Error(), "toml: ")}
	var at *toml.DecodeError
	if !errors.As(err, &at) {
		return f
	}
	f.Line, _ = at.Position()
	_, value, _ := strings.Cut(lineOf(string(data), f.Line), "=")
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(value, " \t["))
	switch {
	case strings.ContainsAny(value, typographic):
		f.Text = `a text stands in straight quotes ("), not in those of print`
	case unicode.IsLetter(first) || first == '/':
		f.Text = `a text stands in quotes: key = "value"`
	}
	return f
}

// lineOf is line n of a text, from 1; "" for one that it does not have.
func lineOf(text string, n int) string {
	for line := range strings.Lines(text) {
		if n--; n == 0 {
			return line
		}
	}
	return ""
}

// reader takes the keys of a file one by one.
type reader struct {
	site   *Site
	faults Faults
}

func (r *reader) fault(at place, format string, args ...any) {
	r.faults = append(r.faults, &Fault{r.site.Path, at.line, clean(at.path), fmt.Sprintf(format, args...)})
}

// longKey is the length in bytes above which a key is no slip of the keyboard.
const longKey = 100

// clean shows a key that may have anything in it.
func clean(key string) string {
	if len(key) > longKey {
		return fmt.Sprintf("%.*q...", longKey, key)
	}
	if !fits(key) {
		return fmt.Sprintf("%q", key)
	}
	return key
}

// take sets the field of a key.
func (r *reader) take(at place, values map[string]any) {
	table, key, inTable := strings.Cut(at.path, ".")
	switch {
	case at.array:
		r.fault(at, "not a table that may be repeated: [%s]", clean(at.path))
	case isSecret(at.path[strings.LastIndexByte(at.path, '.')+1:]) && !at.table:
		r.fault(at, "passwords are never stored: the programs that need one ask for it")
	case at.table && !inTable && slices.Contains(Tables(), table):
	case at.table:
		r.unknown(at)
	case !inTable && slices.Contains(Tables(), table):
		r.fault(at, "a table: [%s], and its keys below it", table)
	case inTable && verbs[table] != nil:
		r.option(at, table, key, values)
	default:
		r.key(at, values)
	}
}

// key takes a key that is no option.
func (r *reader) key(at place, values map[string]any) {
	i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == at.path })
	if i < 0 {
		r.unknown(at)
		return
	}
	r.site.lines[at.path] = at.line
	given := valueOf(values, at.path)
	value := withoutEmpty(given)
	if value == nil && given != nil {
		return // as if the key were not there
	}
	switch field := r.site.field(at.path).(type) {
	case *string:
		text, ok := value.(string)
		if !ok {
			r.fault(at, "a text in quotes is wanted, not %s", kindOf(value))
			return
		}
		if r.check(at, keys[i], text) {
			*field = text
		}
	case *int:
		r.number(at, field, value)
	case *[]string:
		list, ok := texts(value)
		if !ok {
			r.fault(at, `a list of texts is wanted (["...", "..."]), not %s`, kindOf(value))
			return
		}
		for _, text := range list {
			if r.check(at, keys[i], text) {
				*field = append(*field, text)
			}
		}
	}
}

// number takes a port, the only number there is.
func (r *reader) number(at place, field *int, value any) {
	n, ok := value.(int64)
	switch {
	case !ok:
		r.fault(at, "a number without quotes is wanted, not %s", kindOf(value))
	case n < 1 || n > 65535:
		r.fault(at, "%d is no port: 1 to 65535", n)
	default:
		*field = int(n)
	}
}

// check looks at a text.
func (r *reader) check(at place, k Key, text string) bool {
	if text == "" {
		return false // not said
	}
	if !fits(text) {
		r.fault(at, "%q has control characters in it", text)
		return false
	}
	if k.check == nil {
		return true
	}
	if err := k.check(text); err != nil {
		r.fault(at, "%q: %v", text, err)
		return false
	}
	return true
}

// unknown tells of a key or table that there is none of, and the nearest one.
func (r *reader) unknown(at place) {
	what := "no key has this name"
	if at.table {
		what = "no table has this name"
	}
	if near := nearestKey(at.path, at.table); near != "" {
		r.fault(at, "%s; is it %s?", what, near)
		return
	}
	r.fault(at, "%s", what)
}

// nearestKey is the key that is meant, by its whole name or by the last part of
// it in another table; "" is none.
func nearestKey(path string, table bool) string {
	if len(path) > longKey {
		return ""
	}
	if table {
		return cli.Nearest(path, Tables())
	}
	last := path[strings.LastIndexByte(path, '.')+1:]
	same := func(name string) bool { return strings.HasSuffix("."+name, "."+last) }
	names := keyNames()
	if i := slices.IndexFunc(names, same); i >= 0 {
		return names[i]
	}
	if near := cli.Nearest(path, names); near != "" {
		return near
	}
	var ends []string
	for _, name := range names {
		ends = append(ends, name[strings.LastIndexByte(name, '.')+1:])
	}
	if near := cli.Nearest(last, ends); near != "" {
		return names[slices.Index(ends, near)]
	}
	return ""
}

func keyNames() []string {
	var names []string
	for _, k := range keys {
		names = append(names, k.Name)
	}
	return names
}

// valueOf finds the value of a key by its path, whose parts have no dots in
// them where the key is known.
func valueOf(values map[string]any, path string) any {
	for {
		table, rest, ok := strings.Cut(path, ".")
		if !ok {
			return values[path]
		}
		below, ok := values[table].(map[string]any)
		if !ok {
			return nil
		}
		values, path = below, rest
	}
}

// texts takes a list of texts, or one text for a list of one.
func texts(value any) ([]string, bool) {
	switch v := value.(type) {
	case string:
		return []string{v}, true
	case []any:
		list := make([]string, len(v))
		for i := range v {
			text, ok := v[i].(string)
			if !ok {
				return nil, false
			}
			list[i] = text
		}
		return list, true
	}
	return nil, false
}

// kindOf names the kind of a value.
func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case int64:
		return "a whole number"
	case float64:
		return "a number with a fraction"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return "a date or time"
}
