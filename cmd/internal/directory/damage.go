package directory

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"imsconv/ldifconv/ldif"
)

// Teller receives what a reading of an export has to say. *cli.Job is one.
type Teller interface {
	Log
	Warning(kind, where, text string)
}

// TellDamage tells of what a reader of an export has given in place of a
// record: damage, or an input that cannot be read to its end. end says that
// nothing more comes. An input of which nothing could be read is an error.
func TellDamage(log Teller, name string, r *ldif.Reader, err error) (end bool, _ error) {
	var damage *ldif.Error
	switch {
	case err == io.EOF:
		if line := r.Unterminated(); line > 0 {
			log.Warning("no-line-end", Position(name, line, nil), ldif.CutOff)
		}
		return true, nil
	case errors.As(err, &damage):
		log.Problem(damage.Kind(), Position(name, damage.Line, []byte(damage.DN)), damage.Reason())
		return false, nil
	case r.Line() <= 1:
		return true, fmt.Errorf("%s: %w", name, err)
	}
	log.Problem("unreadable", Position(name, r.Line(), nil), ldif.RestLost(err))
	return true, nil
}

// Position is where a record stands: its file and line, and its DN when it has
// one.
func Position(file string, line int, dn []byte) string {
	at := fmt.Sprintf("%s:%d", file, line)
	if len(dn) == 0 {
		return at
	}
	return at + ": " + Printable(dn)
}

// Printable keeps a DN, or another text of an export, on its line: control
// characters, those from U+0080 to U+009F too, which terminals obey as well,
// become question marks.
func Printable(text []byte) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, string(text))
}
