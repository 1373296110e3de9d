package maildirs

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"imsconv/storeconv"
)

// maxLetters is how many keywords a mailbox has letters for.
const maxLetters = 26

// readKeywords reads a dovecot-keywords: the keyword of each letter.
func readKeywords(text string) (names [maxLetters]string, err error) {
	for i, line := range fileLines(text, &err) {
		number, name, ok := strings.Cut(line, " ")
		n, bad := strconv.ParseUint(number, 10, 8)
		switch {
		case !ok || bad != nil || n >= maxLetters || name == "":
			return names, fmt.Errorf("line %d: %q is none of a keyword", i+1, clip(line))
		case names[n] != "" || slices.ContainsFunc(names[:], func(other string) bool { return strings.EqualFold(other, name) }):
			return names, fmt.Errorf("line %d: %q is there twice", i+1, clip(line))
		}
		names[n] = name
	}
	return names, err
}

// fileLines are the lines of a file that must end in LF.
func fileLines(text string, err *error) []string {
	if text == "" {
		return nil
	}
	if !strings.HasSuffix(text, "\n") {
		*err = errors.New("it does not end with a line end")
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// readSubscriptions reads the file subscriptions in the form that knows levels.
func readSubscriptions(text string) (lines []string, err error) {
	rest, ok := strings.CutPrefix(text, "V\t2\n\n")
	if !ok {
		return nil, errors.New("it does not begin with the head of version 2")
	}
	lines = fileLines(rest, &err)
	there := make(map[string]bool, len(lines))
	for i, line := range lines {
		if line == "" || there[line] {
			return nil, fmt.Errorf("line %d: empty, or there twice", i+3)
		}
		there[line] = true
	}
	return lines, err
}

// allRights are the letters of Dovecot in its order.
const allRights = "lrwstipekxa"

// readRights reads a dovecot-acl: letters by identifier.
func readRights(text string) (map[string]string, error) {
	var err error
	rights := make(map[string]string)
	for i, line := range fileLines(text, &err) {
		id, letters, ok := cutIdentifier(line)
		if id == "" || strings.Trim(letters, allRights) != "" {
			return nil, fmt.Errorf("line %d: %q gives no rights", i+1, clip(line))
		}
		if _, twice := rights[id]; twice || !ok {
			return nil, fmt.Errorf("line %d: %q has no rights, or has them twice", i+1, clip(id))
		}
		rights[id] = sortRights(letters)
	}
	return rights, err
}

// cutIdentifier takes a line of a dovecot-acl apart. An identifier that holds a
// blank stands in quotes, with a backslash in front of what would end them.
func cutIdentifier(line string) (id, letters string, ok bool) {
	quoted, ok := strings.CutPrefix(line, `"`)
	if !ok {
		return strings.Cut(line, " ")
	}
	var b strings.Builder
	for i := 0; i < len(quoted); i++ {
		switch c := quoted[i]; {
		case c == '"':
			letters, ok = strings.CutPrefix(quoted[i+1:], " ")
			return b.String(), letters, ok
		case c == '\\' && i+1 < len(quoted):
			i++
			b.WriteByte(quoted[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

func sortRights(letters string) string {
	var b strings.Builder
	for _, c := range allRights {
		if strings.ContainsRune(letters, c) {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// turnRights turns fields of identifier and RFC 2086 rights into what a
// dovecot-acl of that owner must say; login is what other users are called
// there. What has no form there is left.
func turnRights(owner string, login func(id string) string, fields []string) (rights map[string]string, left []string) {
	rights = make(map[string]string)
	for i := 0; i+1 < len(fields); i += 2 {
		id, ok := turnIdentifier(owner, login, fields[i])
		old := fields[i+1]
		if !ok || strings.Trim(old, "lrswipcda") != "" {
			left = append(left, fields[i]+" "+old)
			old = onlyLetters(old)
			if old == "" || id != "owner" && !strings.HasPrefix(id, "-") { // else the rest counts
				continue
			}
		}
		rights[id] = sortRights(strings.NewReplacer("c", "kx", "d", "et").Replace(old))
	}
	return rights, left
}

// onlyLetters are the rights of RFC 2086 that are letters there.
func onlyLetters(rights string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("lrswipcda", r) {
			return r
		}
		return -1
	}, rights)
}

func turnIdentifier(owner string, login func(id string) string, id string) (string, bool) {
	minus := ""
	if rest, ok := strings.CutPrefix(id, "-"); ok {
		minus, id = "-", rest
	}
	switch {
	case id == "" || strings.ContainsAny(id, "\n\x00"):
		return "", false
	case id == owner:
		return minus + "owner", true
	case id == "anyone", strings.HasPrefix(id, "group="):
		return minus + id, true
	}
	return minus + "user=" + login(id), true
}

// size is what a maildirsize says.
type size struct {
	maxBytes, maxCount int64 // 0: none
	bytes, count       int64
}

func readSize(text string) (size, error) {
	var s size
	var err error
	lines := fileLines(text, &err)
	if err != nil || len(lines) < 2 {
		return s, errors.New("it lacks limits, a sum, or the last line end")
	}
	if lines[0] != "" {
		for limit := range strings.SplitSeq(lines[0], ",") {
			n, err := strconv.ParseInt(strings.TrimRight(limit, "SC"), 10, 64)
			switch {
			case err != nil || n < 0:
				return s, fmt.Errorf("%q is no limit", clip(limit))
			case strings.HasSuffix(limit, "S"):
				s.maxBytes = n
			case strings.HasSuffix(limit, "C"):
				s.maxCount = n
			default:
				return s, fmt.Errorf("%q is no limit", clip(limit))
			}
		}
	}
	for i, line := range lines[1:] {
		bytes, count, ok := strings.Cut(line, " ")
		b, err1 := strconv.ParseInt(bytes, 10, 64)
		c, err2 := strconv.ParseInt(count, 10, 64)
		if !ok || err1 != nil || err2 != nil {
			return s, fmt.Errorf("line %d: %q is no sum", i+2, clip(line))
		}
		s.bytes, s.count = s.bytes+b, s.count+c
	}
	return s, nil
}

// limitsOf are the limits that a maildirsize has to say for a quota: what is
// not limited, or only by the server's default, has none.
func limitsOf(q storeconv.Quota) (bytes, messages int64) { return max(q.Bytes, 0), max(q.Messages, 0) }
