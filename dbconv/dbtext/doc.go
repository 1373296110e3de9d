// Package dbtext reads and writes the text form of a Berkeley DB database, as
// db_dump prints and db_load takes it.
//
// A database is header lines, records and an end line:
//
//	VERSION=3
//	format=print          or bytevalue
//	type=btree            or hash, recno
//	db_pagesize=8192      and other name=value lines
//	HEADER=END
//	 key                  one blank, then the item
//	 value
//	DATA=END
//
// In the format bytevalue an item is two lower-case hexadecimal digits a byte.
// In the format print the bytes 32 to 126 stand for themselves, a backslash for
// two backslashes, any other byte for a backslash and two hexadecimal digits. A
// recno database has values only, unless the header says keys=1: then the
// record number comes first, in decimal digits, which bytevalue turns into
// hexadecimal once more.
//
// Releases from 3.0 on write VERSION=2 or 3. Release 2.x has no VERSION line,
// no blank before items and no DATA=END; VERSION=1 is taken for the same.
// Several databases may follow each other; the line database=NAME before type=
// names a sub-database.
//
// Lines come in pairs of key and value, and nothing but their number says which
// is which. Survey reads a text once before and finds where a line is missing
// or one too many; a Reader that follows its Plan leaves those records out.
// Without a Plan a line that cannot be an item is passed over, and its pair
// with it.
//
// Source: the db_dump and db_load manual pages, and the output of both of
// releases 2.7.7, 3.0.55 and 5.3.28 (observed).
package dbtext
