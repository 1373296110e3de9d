package schema

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ConfClass is one objectclass of a slapd.oc.conf file. The files know no
// kinds.
type ConfClass struct {
	// Name is the class as the file spells it.
	Name string
	// OID is its number, "NAME-oid" when the file gives none.
	OID string
	// Superior is the class above, top when the file gives none.
	Superior string
	// Requires and Allows are attributes, in the order of the file.
	Requires []string
	Allows   []string
}

// maxConfLine is the longest line read, in bytes.
const maxConfLine = 1 << 20

// ReadATConf reads the attributes of a slapd.at.conf file (Directory Server
// 4.x). An attribute without an identifier gets "NAME-oid", as the server gives
// it. Errors are of type *Error; the first one ends the reading, since a server
// would not start on such a file.
func ReadATConf(r io.Reader) ([]Attribute, error) {
	var list []Attribute
	err := eachConfLine(r, func(words []string, _ bool) error {
		if len(words) == 0 {
			return nil
		}
		if !strings.EqualFold(words[0], "attribute") {
			return fmt.Errorf("%q is no attribute line", words[0])
		}
		a, err := parseAttribute(words[1:])
		if err == nil {
			list = append(list, a)
		}
		return err
	})
	return list, err
}

// parseAttribute reads NAME [ALIAS ...] [OID] SYNTAX [single] [operational]
// [override].
func parseAttribute(words []string) (a Attribute, err error) {
	for ; len(words) > 0; words = words[:len(words)-1] {
		switch strings.ToLower(words[len(words)-1]) {
		case "single":
			a.Single = true
			continue
		case "operational":
			a.Operational = true
			continue
		case "override":
			continue
		}
		break
	}
	if len(words) < 2 {
		return a, errors.New("an attribute needs a name and a syntax")
	}
	last := len(words) - 1
	if a.Syntax, err = syntaxNamed(words[last]); err != nil {
		return a, err
	}
	a.Name, a.OID = words[0], words[0]+"-oid"
	for _, word := range words[1:last] {
		if isOID(word) {
			a.OID = word
		} else {
			a.Aliases = append(a.Aliases, word)
		}
	}
	return a, nil
}

// isOID tells an identifier from a name, by the rule of the files' own
// comments.
func isOID(word string) bool {
	return strings.Contains(word, ".") || strings.HasSuffix(strings.ToLower(word), "-oid")
}

func syntaxNamed(word string) (Syntax, error) {
	for s := CIS; s <= Bin; s++ {
		if strings.EqualFold(word, s.String()) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%q is no syntax", word)
}

// ReadOCConf reads the classes of a slapd.oc.conf file. Errors are as of
// ReadATConf.
func ReadOCConf(r io.Reader) ([]ConfClass, error) {
	p := ocParser{}
	if err := eachConfLine(r, p.line); err != nil {
		return p.list, err
	}
	p.end()
	return p.list, nil
}

// ocParser collects the lines of one class after the other.
type ocParser struct {
	list  []ConfClass
	class *ConfClass // nil between classes
	names *[]string  // the list that names go to, nil outside one
}

func (p *ocParser) end() {
	if p.class != nil {
		p.list = append(p.list, *p.class)
	}
	p.class, p.names = nil, nil
}

func (p *ocParser) line(words []string, indented bool) error {
	switch {
	case len(words) == 0:
		p.end()
		return nil
	case strings.EqualFold(words[0], "objectclass") && !indented:
		p.end()
		if len(words) != 2 {
			return errors.New("objectclass needs one name")
		}
		p.class = &ConfClass{Name: words[1], OID: words[1] + "-oid", Superior: "top"}
		return nil
	case p.class == nil:
		return fmt.Errorf("%q is outside an objectclass", words[0])
	}
	switch keyword := strings.ToLower(words[0]); {
	case keyword == "oid" && len(words) == 2:
		p.class.OID, p.names = words[1], nil
	case keyword == "superior" && len(words) == 2:
		p.class.Superior, p.names = words[1], nil
	case keyword == "requires":
		p.names = &p.class.Requires
		p.add(words[1:])
	case keyword == "allows":
		p.names = &p.class.Allows
		p.add(words[1:])
	case p.names == nil:
		return fmt.Errorf("%q is outside requires and allows", words[0])
	default:
		p.add(words)
	}
	return nil
}

// add takes names, each perhaps with its comma.
func (p *ocParser) add(words []string) {
	for _, word := range words {
		for _, name := range strings.Split(word, ",") {
			if name != "" {
				*p.names = append(*p.names, name)
			}
		}
	}
}

// eachConfLine calls use with the words of every line that is no comment, and
// whether the line is indented; an empty line has no words.
func eachConfLine(r io.Reader, use func(words []string, indented bool) error) error {
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, maxConfLine)
	n := 0
	for scan.Scan() {
		n++
		line := scan.Text()
		if strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") {
			continue
		}
		indented := line != "" && (line[0] == ' ' || line[0] == '\t')
		if err := use(strings.Fields(line), indented); err != nil {
			return &Error{n, err}
		}
	}
	if err := scan.Err(); err != nil {
		return &Error{n + 1, err}
	}
	return nil
}
