package schema

import (
	"errors"
	"fmt"
	"strings"
)

// confLine is a line of a file: its number, from 1, and its words.
type confLine struct {
	number int
	words  []string
}

// parseConfAttribute reads what stands behind "attribute" in slapd.at.conf:
//
//	NAME [ALIAS ...] [OID] SYNTAX [single] [operational] [override]
//
// An attribute without an identifier gets NAME-oid, as the server gives it.
func parseConfAttribute(words []string) (AttributeType, error) {
	a := AttributeType{Origin: Site}
	for ; len(words) > 0; words = words[:len(words)-1] {
		switch strings.ToLower(words[len(words)-1]) {
		case "single":
			a.Single, a.OneInIMS = true, true
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
	var err error
	if a.Syntax, err = syntaxNamed(words[last]); err != nil {
		return a, err
	}
	a.Names, a.OID = []string{words[0]}, words[0]+"-oid"
	for _, word := range words[1:last] {
		if isOID(word) {
			a.OID = word
		} else {
			a.Names = append(a.Names, word)
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
	return 0, fmt.Errorf("%.60q is no syntax", word)
}

// parseConfClass reads a class of slapd.oc.conf, its first line first:
//
//	objectclass NAME
//	    oid OID
//	    superior NAME
//	    requires
//	        NAME,
//	        NAME
//	    allows
//	        NAME
//
// oid is NAME-oid and superior is top where the file has none. The files know
// no kinds. Errors are of type *Error and name the line.
func parseConfClass(lines []confLine) (ClassType, error) {
	c := ClassType{Kind: Auxiliary, Origin: Site}
	if len(lines[0].words) != 2 {
		return c, &Error{lines[0].number, errors.New("objectclass needs one name")}
	}
	name := lines[0].words[1]
	c.Names, c.OID = []string{name}, name+"-oid"
	var list *[]string // where names go; nil outside requires and allows
	for _, line := range lines[1:] {
		words := line.words
		switch keyword := strings.ToLower(words[0]); {
		case keyword == "oid" && len(words) == 2:
			c.OID, list = words[1], nil
		case keyword == "superior" && len(words) == 2:
			c.Superiors, list = nil, nil
			if !strings.EqualFold(words[1], "top") {
				c.Superiors = []string{words[1]}
			}
		case keyword == "requires":
			list, words = &c.Must, words[1:]
		case keyword == "allows":
			list, words = &c.May, words[1:]
		case list == nil:
			return c, &Error{line.number, fmt.Errorf("%.60q is outside requires and allows", words[0])}
		}
		if list != nil {
			*list = appendNames(*list, words)
		}
	}
	return c, nil
}

// appendNames adds names, each perhaps with its comma.
func appendNames(list, words []string) []string {
	for _, word := range words {
		for name := range strings.SplitSeq(word, ",") {
			if name != "" {
				list = append(list, name)
			}
		}
	}
	return list
}
