// Package bdb reads, checks, salvages and writes the database files of Berkeley
// DB 1.85 to 5.3: btree, recno, hash, queue and heap, of either byte order.
//
// Reader and Cursor read, Verify checks, Salvage rescues, Stat counts, Writer
// writes (see its comment and docs/formats.md for what it writes). Everything
// here was observed in files that the real libraries wrote (testdata/bdb);
// nothing is taken from their sources.
//
// # Versions
//
//	release    btree  hash   what changed
//	1.85       3      2      a format of its own, see below
//	2.x        6      4, 5   metadata without a page type; version 4: another
//	                         hash function
//	3.0        7      6      common metadata, sub-databases
//	3.1, 3.2   8      7      off-page duplicates become trees
//	3.3, 4.0   8      7      bytes 32-35 of the metadata: number of the last page
//	4.1-4.5    9      8      checksums, encryption
//	4.6-5.3    9      9      hash pages sorted (type 13)
//	6.x, 18.1  10     10     blobs: values in files of their own
//
// Blobs of version 10 are told of and left out. Refused by name: 1.86 hash
// (version 3), log files, encrypted, partitioned, sliced and compressed
// databases, queues with extent files or older than version 3.
//
// # Files from 2.0 on
//
// A file is whole pages of 512 to 65,536 bytes, a power of two; page n begins
// at n times the page size. Numbers are unsigned, in the byte order of the
// file, which is the one in which the magic number at byte 12 reads 0x053162
// (btree, recno) or 0x061561 (hash). Page 0 is metadata; where its fields lie
// differs between versions (meta.go). Its bytes behind the fields are
// uninitialised memory up to 4.0 and mean nothing.
//
// Every other page has a header of 26 bytes; with page checksums (4.1 and
// later) of 32:
//
//	 0  8  log position: number of the log file, 0 without one, and offset
//	 8  4  own page number
//	12  4  previous page of a chain; of a root that keeps counts, their sum
//	16  4  next page of a chain
//	20  2  slots; of an overflow page, references
//	22  2  offset of the lowest item; of an overflow page, bytes of data
//	24  1  level: leaf 1; 0 of pages that are in no tree
//	25  1  type
//	26  2n offsets of the items (checksum: 4 bytes at 28, offsets from 32 on)
//
// Types: 0 free or never written, 1 chain of duplicates (2.x, 3.0), 2 hash, 3
// and 4 internal pages of a btree and of a recno, 5 and 6 their leaves, 7
// overflow, 8 and 9 metadata of hash and btree, 12 sorted duplicates, 13 hash
// with sorted items. Unsorted duplicates use pages of types 4 and 6.
//
// Btree and recno items begin at multiples of 4: length (2), type (1), data;
// or, for types 2 (off-page duplicates) and 3 (overflow), 4 bytes of which only
// the type counts, page (4), length (4). Bit 0x80 of the type is the delete
// flag. A leaf of a btree has key and data in turn; the duplicates of a key on
// one page share its item: their slots hold the same offset. An entry of an
// internal page is length (2), type (1), unused (1), child (4), records (4),
// key; of a recno tree child and records. The first key of an internal page
// means nothing. Items fill the page to its end without gaps.
//
// Hash items are not aligned and not separated: item i reaches from its offset
// to that of item i-1, the first to the end of the page. Types: 1 data, 2
// duplicates on the page (length, data, length each), 3 overflow (3 unused
// bytes, page, length), 4 off-page duplicates (3 unused bytes, page). Bucket b
// of a hash begins on page
//
//	2.x:   b + 1 + (b > 0 ? spares[L(b+1)-1] : 0)
//	later: b + spares[L(b+1)]            L(n): smallest i with 2^i >= n
//
// and goes on by next links. A bucket page that does not exist (2.x makes them
// when they are first used), or holds nothing but zeros, is an empty bucket.
//
// An overflow chain holds one long item, page size minus header bytes a page.
// Up to 4.2 a long key and its copies on internal pages share a chain, whose
// first page counts them.
//
// A file with sub-databases (flag 0x20) maps their names to the numbers of
// their metadata pages: 4 bytes, big-endian, but in 3.0 in the order of the
// host that wrote.
//
// The checksum is func4 (h = 33*h + c, mod 2^32) over the whole page (metadata:
// its first 512 bytes) with its own 4 bytes zero.
//
// A queue (versions 3 and 4) has in its metadata the number of the first record
// at 72, the number behind the last at 76, the length of records at 80, the
// padding byte at 84, records a page at 88 and, for extent files, pages a file
// at 92. Its pages, type 11, have a header of 28 bytes, with checksums of 48;
// record n lies on page 1 + (n-1)/perPage, records being a multiple of 4 apart:
// a byte of flags (1: it is there), then the record.
//
// A heap (5.2 and later, version 1) has in its metadata the number of regions
// at 76, the limit of its size in GiB and bytes at 80 and 84, and at 88 the
// pages of a region. Behind page 0 a page of type 16 and the pages of the
// region follow each other: it has the number of the region's last page at 12
// and, behind the header, 2 bits for each page: 3 with at most 5 percent of
// free space, 2 up to 33, 1 up to 66, 0. Pages with records, type 15, have at
// 16 the number of the last slot, at 18 that of the first one without a record
// (2 each); a slot without is 0. An item begins at a multiple of 4 and takes 16
// bytes at least: flags, unused (1), length (2), data. With flag 1 it is a
// piece of a record: the length of the record (4), page (4) and slot (2) of the
// next piece, unused (2), data. The first piece, by whose place the record is
// known, has flag 2, and alone a valid length of the record; the last has flag
// 4. A record that was changed may leave room behind its pieces.
//
// # What old libraries did wrong, and what is done about it
//
//   - 2.x turned the length of a key around once for each of its duplicates on
//     the page when the file is not in the host's own byte order. The reading
//     of the length is taken whose end is the start of another item (key6).
//   - 1.85 turned the wrong words around in items with big data of such files
//     (bigData185).
//   - 3.1 and 3.2 left the last page number zero: the number of pages is taken
//     from the size of the file, always. db_upgrade stores it one too high.
//   - 4.1 stored checksums in the order of the host: either order is taken,
//     with a note.
//   - 5.3 turns around the headers of the pages of a heap that is not in the
//     host's order, the two numbers at 16 and 18 as one, but no slot and no
//     header of an item. Pages are read in the order in which they are whole.
//   - What the region pages of a heap say of the space of their pages is out of
//     date once records have changed, and always wrong for empty pages of 64
//     KiB: a difference is a note.
//   - The number of elements of a hash is garbage or an estimate in most
//     releases, and is not used.
//
// # 1.85
//
// Btree: magic, version, page size, free list, record count and flags in the
// first 24 bytes of page 0; a file of 0 bytes is an empty btree to the library,
// and no database here; page 1 is the root. Page header of 20 bytes: number,
// previous, next, flags (4 each), end of the slots, lowest item (2 each). Leaf
// item: key and data length (4 each), flags, key, data; big parts are page and
// length. Free pages keep their old type and contents.
//
// Hash: header in big-endian order, pages in the order that it names. A page is
// an array of 16-bit numbers: count, then two slots a pair, free bytes, lowest
// offset. The second slot of a pair says what it is: 0 link to an overflow
// address, 1 to 3 parts of a big pair, else an offset.
//
// # Damage
//
// Every number read from a file is checked before it is used. Trees are walked
// by their child lists, each page at most once, and compared with the chain of
// the leaves; chains end after as many pages as the file has; overflow pages
// are read at most four times as often as there are pages; the keys of
// duplicates, which are given again with each, take at most 256 times the bytes
// that were read. So every walk ends, and what comes out of a file is bounded
// by its size. A page belongs to one database and an item to one place: items
// that overlap and sub-databases that share pages are damage.
//
// A Cursor skips the smallest unit (item, page, or what lies below an internal
// page) and tells of it. When it has come to the end it holds the file against
// its structure by the rules of Verify and tells of what it could not see on
// its way: items that do not fill their page, pages with records that nothing
// leads to (which is how a file looks that was never closed), counts that
// promise more. In a file with sub-databases that is when all that were listed
// have been read. Leaves that hold nothing out of the ordinary are looked at
// once, on the way. So a Cursor, Salvage and Verify mean the same by an Error
// of Severity 2: records are missing, changed or out of reach. Verify tells of
// more: what is odd but costs no record has Severity 1.
//
// A bucket page of a hash that holds nothing but zeros is an empty bucket where
// the file began with that bucket, and damage where a split made it: whether
// the file had overflow pages before tells which. For the first kind the number
// of keys in the metadata, an estimate, gives a warning.
//
// # Memory
//
// A Reader needs none; a Cursor 2 MiB of read-ahead, a page for each level, the
// longest key and value met (MaxItem each at most), and a bit for each page of
// the file, up to 16 MiB: 2^27 pages; and the same twice more for the structure
// after the last record. In larger files the walks are bounded by page counts
// alone, and Verify says that it cannot tell unreached pages.
package bdb
