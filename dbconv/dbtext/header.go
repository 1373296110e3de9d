package dbtext

import (
	"fmt"
	"strconv"
)

// Header is what the header lines say.
type Header struct {
	Version  int    // 1 to 3; 0: no VERSION line, the form of release 2.x
	Print    bool   // format=print, else bytevalue
	Database string // name of a sub-database, which may be empty
	Named    bool   // there is a name
	Type     string // btree, hash or recno; "" when a header read has no such line

	Keys       bool // recno: records come with their numbers
	Duplicates bool
	DupSort    bool
	RecNum     bool
	Renumber   bool
	Checksum   bool
	PageSize   int    // bytes; 0 not said
	ByteOrder  int    // db_lorder: 1234 little, 4321 big; 0 not said
	MinKey     int    // btree; 0 and 2 are not written
	NumElem    uint32 // hash; 0 and 1 are not written
	FixedLen   int    // recno: record length in bytes; 0 variable
	Pad        uint32 // its low byte pads; a program's char from 128 on has the bits above set
	HasPad     bool   // re_pad was read

	// Heap: the limit of its size in GiB and bytes, and data pages a region; 0:
	// not written.
	LimitGiB, LimitBytes, RegionSize uint32
}

// paired tells whether items come in pairs of key and value.
func (h *Header) paired() bool {
	switch h.Type {
	case "recno", "queue":
		return h.Keys
	case "heap": // with -k, too, db_dump prints no addresses
		return false
	}
	return true
}

// blanks tells whether every item has a blank before it.
func (h *Header) blanks() bool { return h.Version >= 2 }

// endsData tells whether line ends the data. Without blanks it might be an
// item.
func (h *Header) endsData(line []byte, l *lines) bool {
	return string(line) == dataEnd && (h.blanks() || l.ends())
}

// append writes the header lines in the order of db_dump of release 5.3.
func (h Header) append(dst []byte) []byte {
	line := func(name string, value any) { dst = fmt.Appendf(dst, "%s=%v\n", name, value) }
	flag := func(name string, on bool) {
		if on {
			line(name, 1)
		}
	}
	line("VERSION", 3)
	if h.Print {
		line("format", "print")
	} else {
		line("format", "bytevalue")
	}
	if h.Named {
		dst = append(dst, "database="...)
		dst = appendPrint(dst, []byte(h.Database))
		dst = append(dst, '\n')
	}
	line("type", h.Type)
	flag("recnum", h.RecNum)
	if h.MinKey > 2 {
		line("bt_minkey", h.MinKey)
	}
	if h.NumElem > 1 {
		line("h_nelem", h.NumElem)
	}
	flag("renumber", h.Renumber)
	if h.FixedLen > 0 {
		line("re_len", h.FixedLen)
		if h.Pad != ' ' {
			dst = fmt.Appendf(dst, "re_pad=%#x\n", h.Pad)
		}
	}
	for _, n := range []struct {
		name  string
		value uint32
	}{{"heap_gbytes", h.LimitGiB}, {"heap_bytes", h.LimitBytes}, {"heap_regionsize", h.RegionSize}} {
		if n.value > 0 {
			line(n.name, n.value)
		}
	}
	flag("chksum", h.Checksum)
	flag("duplicates", h.Duplicates)
	flag("dupsort", h.DupSort)
	if h.PageSize > 0 {
		line("db_pagesize", h.PageSize)
	}
	flag("keys", h.Keys)
	return append(dst, "HEADER=END\n"...)
}

// set takes one header line. It is false for a name that it does not know.
func (h *Header) set(name, value string) (known bool, err error) {
	switch name {
	case "VERSION":
		h.Version, err = number(value, 1, 3)
	case "format":
		h.Print = value == "print"
		if !h.Print && value != "bytevalue" {
			err = fmt.Errorf("format %q", value)
		}
	case "database":
		var b []byte
		b, _, err = decodePrint(nil, []byte(value), true)
		h.Database, h.Named = string(b), true
	case "type":
		h.Type = value
	case "keys":
		h.Keys, err = boolean(value)
	case "duplicates":
		h.Duplicates, err = boolean(value)
	case "dupsort":
		h.DupSort, err = boolean(value)
	case "recnum":
		h.RecNum, err = boolean(value)
	case "renumber":
		h.Renumber, err = boolean(value)
	case "chksum":
		h.Checksum, err = boolean(value)
	case "db_pagesize":
		h.PageSize, err = number(value, 1, 1<<30)
	case "db_lorder":
		h.ByteOrder, err = number(value, 0, 4321)
	case "bt_minkey":
		h.MinKey, err = number(value, 0, 1<<16)
	case "h_nelem":
		h.NumElem, err = unsigned(value)
	case "re_len":
		h.FixedLen, err = number(value, 0, 1<<30)
	case "heap_gbytes":
		h.LimitGiB, err = unsigned(value)
	case "heap_bytes":
		h.LimitBytes, err = unsigned(value)
	case "heap_regionsize":
		h.RegionSize, err = unsigned(value)
	case "re_pad":
		h.Pad, err = pad(value)
		h.HasPad = true
	default:
		return false, nil
	}
	if err != nil {
		err = fmt.Errorf("%s=%.40q: %w", name, value, err)
	}
	return true, err
}

// Set takes one name=value setting as db_load -c does.
func (h *Header) Set(name, value string) error {
	known, err := h.set(name, value)
	if err == nil && !known {
		err = fmt.Errorf("%s: no such setting", name)
	}
	return err
}

func boolean(value string) (bool, error) {
	n, err := number(value, 0, 1)
	return n == 1, err
}

func number(value string, low, high int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("not a number from %d to %d", low, high)
	}
	return n, nil
}

func unsigned(value string) (uint32, error) {
	n, err := strconv.ParseUint(value, 10, 32)
	return uint32(n), err
}

// pad reads a padding byte: one character, or a number, which may be that of a
// negative char.
func pad(value string) (uint32, error) {
	if len(value) == 1 {
		return uint32(value[0]), nil
	}
	n, err := strconv.ParseUint(value, 0, 32)
	if err != nil || n > 0xff && n < 0xffffff80 {
		return 0, fmt.Errorf("neither a character nor a number below 256")
	}
	return uint32(n), nil
}
