package diff

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"

	"imsconv/ldifconv/ldif"
)

// output writes what there is to do, in one of the forms.
type output struct {
	records *ldif.Writer  // Changes
	text    *bufio.Writer // Text
}

func newOutput(w io.Writer, format Format) *output {
	if format == Text {
		return &output{text: bufio.NewWriter(w)}
	}
	return &output{records: ldif.NewWriter(w)}
}

func (o *output) flush() error {
	if o.text != nil {
		return o.text.Flush()
	}
	return o.records.Flush()
}

func (o *output) delete(rec *ldif.Record) error {
	if o.text != nil {
		return o.entry('-', rec)
	}
	return o.records.Write(&ldif.Record{Entry: ldif.Entry{DN: rec.DN}, Type: ldif.Delete})
}

func (o *output) add(rec *ldif.Record) error {
	if o.text != nil {
		return o.entry('+', rec)
	}
	return o.records.Write(rec)
}

func (o *output) rename(rec, now *ldif.Record) error {
	if o.text != nil {
		_, err := fmt.Fprintf(o.text, "> %s\n  = %s\n", shown(rec.DN), shown(now.DN))
		return err
	}
	return o.records.Write(rec)
}

func (o *output) modify(dn []byte, changed []change, deletable func(number int) bool) error {
	if o.text != nil {
		return o.changes(dn, changed)
	}
	r := &ldif.Record{Entry: ldif.Entry{DN: dn}, Type: ldif.Modify}
	for _, ch := range changed {
		r.Mods = append(r.Mods, ch.mods(deletable)...)
	}
	return o.records.Write(r)
}

// entry shows a whole entry.
func (o *output) entry(sign byte, rec *ldif.Record) error {
	_, err := fmt.Fprintf(o.text, "%c %s\n", sign, shown(rec.DN))
	for i := range rec.Attrs {
		for _, v := range rec.Attrs[i].Values {
			if err == nil {
				err = o.value(sign, rec.Attrs[i].Desc, v.Data)
			}
		}
	}
	return err
}

// changes shows the values that go and come.
func (o *output) changes(dn []byte, changed []change) error {
	_, err := fmt.Fprintf(o.text, "! %s\n", shown(dn))
	for _, ch := range changed {
		for _, v := range ch.less {
			if err == nil {
				err = o.value('-', ch.was.desc, v)
			}
		}
		for _, v := range ch.more {
			if err == nil {
				err = o.value('+', ch.is.desc, v)
			}
		}
	}
	return err
}

func (o *output) value(sign byte, desc, value []byte) error {
	form := "  %c %s: %s\n"
	text := string(value)
	if !printable(value) {
		form, text = "  %c %s:: %s\n", base64.StdEncoding.EncodeToString(value)
	}
	_, err := fmt.Fprintf(o.text, form, sign, desc, text)
	return err
}

// shown is a DN on one line.
func shown(dn []byte) string {
	if printable(dn) {
		return string(dn)
	}
	return fmt.Sprintf("%q", dn)
}

func printable(v []byte) bool {
	if !utf8.Valid(v) {
		return false
	}
	for _, r := range string(v) {
		if !unicode.IsPrint(r) && r != ' ' {
			return false
		}
	}
	return true
}
