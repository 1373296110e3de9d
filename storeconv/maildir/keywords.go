package maildir

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// KeywordsName is the file of a mailbox's keywords.
const KeywordsName = "dovecot-keywords"

// WriteKeywords writes a dovecot-keywords: names[n] is the keyword of the
// letter 'a'+n, "" none. At most MaxKeywords have a letter.
func WriteKeywords(w io.Writer, names []string) error {
	if len(names) > MaxKeywords {
		return fmt.Errorf("%d keywords, at most %d have a letter", len(names), MaxKeywords)
	}
	b := bufio.NewWriter(w)
	for i, name := range names {
		if strings.ContainsAny(name, "\n\x00") {
			return fmt.Errorf("keyword %q", name)
		}
		if name != "" {
			fmt.Fprintf(b, "%d %s\n", i, name)
		}
	}
	return b.Flush()
}

// ReadKeywords reads a dovecot-keywords: names[n] is the keyword of the letter
// 'a'+n, "" where there is none. tell gets what is wrong with a line, which is
// left out.
func ReadKeywords(r io.Reader, tell func(*Error)) (names []string, err error) {
	lines := newLineReader(r, BadKeywords)
	names = make([]string, 0, MaxKeywords)
	err = lines.each(tell, func(line string) *Error {
		num, name, ok := strings.Cut(line, " ")
		n := number(num)
		switch {
		case line == "":
			return nil
		case !ok || name == "" || n < 0:
			return lines.fault(fmt.Sprintf("not a number and a keyword: %q", shortened(line)))
		case n >= MaxKeywords:
			return lines.fault(fmt.Sprintf("keyword %s has the number %d, which no letter stands for", shortened(name), n))
		}
		for len(names) <= int(n) {
			names = append(names, "")
		}
		if names[n] != "" {
			return lines.fault(fmt.Sprintf("number %d is %s already", n, shortened(names[n])))
		}
		names[n] = name
		return nil
	})
	return names, err
}

// CourierKeywords is the directory in which Courier keeps the keywords of a
// mailbox, CourierKeywordsList the file in it that has most of them.
const (
	CourierKeywords     = "courierimapkeywords"
	CourierKeywordsList = ":list"
)

// maxCourierKeywords bounds the keywords of a mailbox of Courier's.
const maxCourierKeywords = 4096

// ReadCourierKeywords reads Courier's list: a keyword a line, an empty line,
// then lines of a base name, a colon and the numbers of its keywords. tell gets
// what is wrong with a line, which is left out.
func ReadCourierKeywords(r io.Reader, tell func(*Error)) (names []string, of map[string][]int, err error) {
	lines := newLineReader(r, BadKeywords)
	of = make(map[string][]int)
	listed := false
	err = lines.each(tell, func(line string) *Error {
		switch {
		case line == "":
			listed = true
			return nil
		case !listed && len(names) < maxCourierKeywords:
			names = append(names, line)
			return nil
		}
		base, rest, ok := strings.Cut(line, ":")
		if !ok || base == "" {
			return lines.fault(fmt.Sprintf("not a file name and numbers: %q", shortened(line)))
		}
		for word := range strings.FieldsSeq(rest) {
			of[base] = append(of[base], int(min(number(word), maxCourierKeywords)))
		}
		return nil
	})
	return names, of, err
}
