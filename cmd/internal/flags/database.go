package flags

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
)

// Database is the form of database files: --bdb, --byte-order, --page-size.
type Database struct {
	version version
	order   byteOrder
	page    pageSize
}

// Add declares the three flags. preset is the version that is written when
// --bdb is not given, 0 being that of the source; the texts say what stands
// for the others when they are not given.
func (d *Database) Add(fs *pflag.FlagSet, preset int, versionText, orderText, pageText string) {
	d.version = version(preset)
	fs.Var(&d.version, "bdb", "on-disk `VERSION` of the databases: 6 (Berkeley DB 2.x), 7 (3.0), 8 (3.1 to 4.0) or 9 (4.1 and later) (default "+versionText+")")
	fs.Var(&d.order, "byte-order", "`ORDER` of the databases, big or little (default "+orderText+")")
	fs.Var(&d.page, "page-size", fmt.Sprintf("page size of the databases, `SIZE`: a power of two, %d to %dK (default %s)", bdb.MinPageSize, bdb.MaxPageSize>>10, pageText))
	for _, name := range []string{"bdb", "byte-order", "page-size"} {
		fs.Lookup(name).DefValue = "" // the text says it
	}
}

// Form returns the form as the conversions take it.
func (d *Database) Form() storeconv.Databases {
	return storeconv.Databases{Version: int(d.version), ByteOrder: d.order.order, PageSize: int(d.page)}
}

// version is an on-disk version of btree files that can be written.
type version int

func (v *version) String() string { return strconv.Itoa(int(*v)) }

func (v *version) Set(text string) error {
	i := slices.Index(v.Values(), text)
	if i < 0 {
		return fmt.Errorf("not a version that can be written: %s", list(v.Values()))
	}
	*v = version(leastVersion + i)
	return nil
}

// leastVersion and mostVersion bound the versions that can be written.
const leastVersion, mostVersion = 6, 9

// Values are the versions.
func (v *version) Values() (words []string) {
	for n := leastVersion; n <= mostVersion; n++ {
		words = append(words, strconv.Itoa(n))
	}
	return words
}

func (v *version) Type() string { return "VERSION" }

// byteOrder is big or little; unset it is nil.
type byteOrder struct{ order binary.ByteOrder }

func (b *byteOrder) String() string {
	switch b.order {
	case binary.BigEndian:
		return "big"
	case binary.LittleEndian:
		return "little"
	}
	return ""
}

func (b *byteOrder) Set(text string) error {
	switch text {
	case "big":
		b.order = binary.BigEndian
	case "little":
		b.order = binary.LittleEndian
	default:
		return errors.New("neither big nor little")
	}
	return nil
}

// Values are the orders.
func (b *byteOrder) Values() []string { return []string{"big", "little"} }

func (b *byteOrder) Type() string { return "ORDER" }

// pageSize is a page size in bytes, 0 when unset.
type pageSize Size

func (p *pageSize) String() string { return (*Size)(p).String() }

func (p *pageSize) Set(text string) error {
	var n Size
	if err := n.Set(text); err != nil || n < bdb.MinPageSize || n > bdb.MaxPageSize || n&(n-1) != 0 {
		return fmt.Errorf("not a power of two from %d to %d bytes, such as 8192 or 8K", bdb.MinPageSize, bdb.MaxPageSize)
	}
	*p = pageSize(n)
	return nil
}

// Values are the sizes.
func (p *pageSize) Values() (words []string) {
	for n := Size(bdb.MinPageSize); n <= bdb.MaxPageSize; n *= 2 {
		words = append(words, strings.TrimSuffix(n.String(), "iB"))
	}
	return words
}

func (p *pageSize) Type() string { return "SIZE" }
