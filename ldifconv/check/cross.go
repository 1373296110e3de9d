package check

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	goldif "github.com/go-ldap/ldif"

	"imsconv/ldifconv/ldif"
)

// cross reads a record with go-ldap/ldif and reports where it sees another
// entry, in whatever order: spellings of one attribute are several attributes
// to it, which come in any. That library has no way to leave file URLs alone
// and takes quadratic time for folded lines: it gets one record at a time,
// unfolded, and never one with a URL.
func (c *checker) cross(rec *ldif.Record) {
	theirs, err := readAgain(rec.Raw)
	if err != nil {
		c.find("cross-refused", "", 0, fmt.Sprintf("go-ldap/ldif does not read the record: %.200s", err))
		return
	}
	ours := valuesOf(&rec.Entry)
	for _, name := range sortedNames(ours, theirs) {
		slices.Sort(ours[name])
		slices.Sort(theirs[name])
		if !slices.Equal(ours[name], theirs[name]) {
			c.find("cross-read", name, 0, fmt.Sprintf("%d values here, %d in go-ldap/ldif, or other ones", len(ours[name]), len(theirs[name])))
		}
	}
}

// crossDamaged reports a record that go-ldap/ldif reads all the same.
func (c *checker) crossDamaged(damage *ldif.Error) {
	if damage.Kind() == ldif.BadURL || damage.Kind() == ldif.EntryTooLong {
		return
	}
	if _, err := readAgain(damage.Raw); err == nil {
		c.find("cross-refused", "", damage.Line, "go-ldap/ldif reads the record that is damaged here")
	}
}

// readAgain reads one record with go-ldap/ldif.
func readAgain(raw []byte) (map[string][]string, error) {
	text, ok := unfolded(raw)
	if !ok {
		return nil, fmt.Errorf("a URL, which it would open")
	}
	in := &goldif.LDIF{}
	if err := goldif.Unmarshal(strings.NewReader(text), in); err != nil {
		return nil, err
	}
	if len(in.Entries) != 1 {
		return nil, fmt.Errorf("it sees %d records", len(in.Entries))
	}
	e := in.Entries[0]
	values := map[string][]string{}
	switch {
	case e.Entry != nil:
		values["dn"] = []string{e.Entry.DN}
		for _, a := range e.Entry.Attributes {
			name := strings.ToLower(a.Name)
			values[name] = append(values[name], a.Values...)
		}
	case e.Add != nil:
		values["dn"] = []string{e.Add.DN}
		for _, a := range e.Add.Attributes {
			name := strings.ToLower(a.Type)
			values[name] = append(values[name], a.Vals...)
		}
	default:
		return nil, fmt.Errorf("it sees a change record")
	}
	return values, nil
}

// unfolded joins continued lines and leaves comments, a line of digits and the
// version line out, which that library takes for something else or not at all;
// ok is false for a record with a value from a URL.
func unfolded(raw []byte) (text string, ok bool) {
	var b strings.Builder
	comment, first := false, true
	for len(raw) > 0 {
		line := raw
		if i := bytes.IndexByte(raw, '\n'); i >= 0 {
			line, raw = raw[:i], raw[i+1:]
		} else {
			raw = nil
		}
		line = bytes.TrimSuffix(line, []byte{'\r'})
		switch {
		case len(line) > 0 && (line[0] == ' ' || line[0] == '\t'):
			if !comment && !first {
				b.Write(line[1:])
			}
			continue
		case len(line) > 0 && line[0] == '#':
			comment = true
			continue
		case isDigits(line), len(bytes.TrimSpace(line)) == 0, len(line) > 8 && bytes.EqualFold(line[:8], []byte("version:")):
			comment = true // nothing continues it
			continue
		}
		if i := bytes.IndexByte(line, ':'); i >= 0 && i+1 < len(line) && line[i+1] == '<' {
			return "", false
		}
		comment = false
		if !first {
			b.WriteByte('\n')
		}
		first = false
		b.Write(line)
	}
	return b.String() + "\n", true
}

func isDigits(line []byte) bool {
	for _, c := range line {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(line) > 0
}

func valuesOf(e *ldif.Entry) map[string][]string {
	values := map[string][]string{"dn": {string(e.DN)}}
	for i := range e.Attrs {
		name := strings.ToLower(string(e.Attrs[i].Desc))
		for _, v := range e.Attrs[i].Values {
			values[name] = append(values[name], string(v.Data))
		}
	}
	return values
}

func sortedNames(a, b map[string][]string) (names []string) {
	for name := range a {
		names = append(names, name)
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
