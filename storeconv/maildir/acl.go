package maildir

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ACLName is the file of a mailbox's rights.
const ACLName = "dovecot-acl"

// OwnerRights are all rights, in the order in which the server writes them.
const OwnerRights = "lrwstipekxa"

// Right is a line of a dovecot-acl.
type Right struct {
	Identifier string // owner, user=NAME, group=NAME, authenticated, anyone; with "-" in front what is taken away
	Letters    string // of OwnerRights
}

// RightsOf returns the lines of a dovecot-acl for a list of rights of RFC 2086,
// lines of identifier TAB rights. The user whom the mailbox belongs to is
// "owner". refused are lines that have no form here, or what has none of a line
// that others need: without one of the owner a server gives him all rights, and
// one that takes rights away takes the others.
func RightsOf(owner, acl string) (rights []Right, refused []string) {
	for line := range strings.SplitSeq(acl, "\n") {
		who, what, ok := strings.Cut(line, "\t")
		if line == "" {
			continue
		}
		letters, rest := lettersOf(what)
		id := identifierOf(owner, who)
		switch {
		case !ok || id == "" || rest != "" && (letters == "" || id != "owner" && id[0] != '-'):
			refused = append(refused, line)
			continue
		case rest != "":
			refused = append(refused, who+"\t"+rest)
		}
		rights = append(rights, Right{id, letters})
	}
	return rights, refused
}

// identifierOf returns the server's form of an identifier; "" when there is
// none.
func identifierOf(owner, who string) string {
	who, negative := strings.CutPrefix(who, "-")
	sign := ""
	if negative {
		sign = "-"
	}
	switch {
	case who == "" || strings.ContainsAny(who, "\n\x00"):
		return ""
	case who == owner:
		return sign + "owner"
	case who == "anyone":
		return sign + who
	case strings.HasPrefix(who, "group="):
		return sign + who
	}
	return sign + "user=" + who
}

// lettersOf maps rights of RFC 2086. rest are those that have no letter.
func lettersOf(rights string) (letters, rest string) {
	have := map[rune]bool{}
	for _, r := range rights {
		switch {
		case r == 'c':
			have['k'], have['x'] = true, true
		case r == 'd':
			have['e'], have['t'] = true, true
		case strings.ContainsRune("lrswipa", r):
			have[r] = true
		default:
			rest += string(r)
		}
	}
	return ordered(OwnerRights, have), rest
}

func ordered(order string, have map[rune]bool) string {
	var b strings.Builder
	for _, r := range order {
		if have[r] {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// ACLOf is the inverse of RightsOf: lines of identifier TAB rights of RFC 2086.
// c stands for k and x, d for e and t; one of them alone grants nothing, so
// that nobody gets more than he had. lost are lines, or what is left of them,
// that have no form there.
func ACLOf(owner string, rights []Right) (acl string, lost []Right) {
	var lines []string
	for _, r := range rights {
		id := nameOf(owner, r.Identifier)
		if id == "" {
			lost = append(lost, r)
			continue
		}
		old, rest := oldRights(r.Letters)
		if rest != "" {
			lost = append(lost, Right{r.Identifier, rest})
		}
		if old != "" || r.Letters == "" {
			lines = append(lines, id+"\t"+old)
		}
	}
	return strings.Join(lines, "\n"), lost
}

// Served returns the rights of a dovecot-acl as the server has them: lines of
// one identifier are added up; those of the owner by his name count, and not
// those of "owner"; an owner of whom no line tells what he has, has all.
// Without a line there are no rights but the server's own.
func Served(owner string, rights []Right) []Right {
	var out []Right
	at := map[string]int{}
	for _, r := range rights {
		i, met := at[r.Identifier]
		if !met {
			at[r.Identifier] = len(out)
			out = append(out, r)
			continue
		}
		have := map[rune]bool{}
		for _, letter := range out[i].Letters + r.Letters {
			have[letter] = true
		}
		out[i].Letters = ordered(OwnerRights, have)
	}
	for _, sign := range []string{"", "-"} {
		if _, ok := at[sign+"user="+owner]; ok {
			out = slices.DeleteFunc(out, func(r Right) bool { return r.Identifier == sign+"owner" })
		}
	}
	_, named := at["user="+owner]
	if _, said := at["owner"]; !said && !named && len(out) > 0 {
		return append([]Right{{"owner", OwnerRights}}, out...)
	}
	return out
}

// nameOf is the identifier that RFC 2086 has for one of the server's; "" is
// none.
func nameOf(owner, id string) string {
	id, negative := strings.CutPrefix(id, "-")
	sign := ""
	if negative {
		sign = "-"
	}
	name, isUser := strings.CutPrefix(id, "user=")
	switch {
	case id == "owner":
		return sign + owner
	case id == "anyone", strings.HasPrefix(id, "group=") && id != "group=":
		return sign + id
	case isUser && name != "" && !strings.ContainsAny(name, "\t\n"):
		return sign + name
	}
	return ""
}

// oldRights maps letters to rights of RFC 2086. rest are the letters that are
// lost.
func oldRights(letters string) (rights, rest string) {
	have := map[rune]bool{}
	for _, r := range letters {
		have[r] = true
	}
	pair := func(a, b, old rune) {
		if have[a] && have[b] {
			have[old] = true
			delete(have, a)
			delete(have, b)
		}
	}
	pair('k', 'x', 'c')
	pair('e', 't', 'd')
	return ordered("lrswipcda", have), ordered("kxet", have)
}

// WriteACL writes a dovecot-acl.
func WriteACL(w io.Writer, rights []Right) error {
	b := bufio.NewWriter(w)
	for _, r := range rights {
		id := r.Identifier
		if id == "" || strings.ContainsAny(id, "\n\x00") || strings.Trim(r.Letters, OwnerRights) != "" {
			return fmt.Errorf("rights %q of %q", r.Letters, id)
		}
		if strings.ContainsAny(id, " \"\\'#") {
			id = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `'`, `\'`).Replace(id) + `"`
		}
		fmt.Fprintf(b, "%s %s\n", id, r.Letters)
	}
	return b.Flush()
}

// longRights are the names that the server also takes for letters.
var longRights = map[string]rune{
	"lookup": 'l', "read": 'r', "write": 'w', "write-seen": 's', "write-deleted": 't', "insert": 'i',
	"post": 'p', "expunge": 'e', "create": 'k', "delete": 'x', "admin": 'a',
}

// ReadACL reads a dovecot-acl. tell gets what is wrong with a line, which is
// left out.
func ReadACL(r io.Reader, tell func(*Error)) (rights []Right, err error) {
	lines := newLineReader(r, BadACL)
	err = lines.each(tell, func(line string) *Error {
		if line == "" || line[0] == '#' {
			return nil
		}
		id, rest, ok := cutIdentifier(line)
		letters, known := readLetters(rest)
		if !ok || id == "" || !known {
			return lines.fault(fmt.Sprintf("no rights: %q", shortened(line)))
		}
		rights = append(rights, Right{id, letters})
		return nil
	})
	return rights, err
}

// CourierACLName is the file of a mailbox's rights that Courier keeps, and
// CourierHierarchy the directory of those of folders that are no mailboxes.
const (
	CourierACLName   = "courierimapacl"
	CourierHierarchy = "courierimaphieracl"
)

// ReadCourierACL reads a courierimapacl: lines of identifier, blank, letters,
// where c is what Dovecot calls k.
func ReadCourierACL(r io.Reader, tell func(*Error)) (rights []Right, err error) {
	lines := newLineReader(r, BadACL)
	err = lines.each(tell, func(line string) *Error {
		id, rest, ok := strings.Cut(line, " ")
		letters, known := readLetters(strings.ReplaceAll(rest, "c", "k"))
		switch {
		case line == "":
		case !ok || id == "" || !known:
			return lines.fault(fmt.Sprintf("no rights: %q", shortened(line)))
		default:
			rights = append(rights, Right{id, letters})
		}
		return nil
	})
	return rights, err
}

// cutIdentifier cuts a line behind its identifier, which may stand in quotes.
func cutIdentifier(line string) (id, rest string, ok bool) {
	if line[0] != '"' {
		id, rest, _ = strings.Cut(line, " ")
		return id, rest, true
	}
	var b strings.Builder
	for i := 1; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line):
			i++
			b.WriteByte(line[i])
		case c == '"':
			rest, ok := strings.CutPrefix(line[i+1:], " ")
			return b.String(), rest, ok || rest == ""
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// readLetters reads "lrs" and ":lookup read" and what mixes both.
func readLetters(s string) (letters string, ok bool) {
	have := map[rune]bool{}
	long := false
	for word := range strings.FieldsSeq(s) {
		if rest, begins := strings.CutPrefix(word, ":"); begins {
			long, word = true, rest
		}
		switch {
		case long && word == "":
		case long:
			r, known := longRights[word]
			if !known {
				return "", false
			}
			have[r] = true
		default:
			if strings.Trim(word, OwnerRights) != "" {
				return "", false
			}
			for _, r := range word {
				have[r] = true
			}
		}
	}
	return ordered(OwnerRights, have), true
}
