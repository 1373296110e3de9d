package benchmarks

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand"
	"testing"

	"imsconv/dbconv"
	"imsconv/dbconv/bdb"
)

// databases are the shapes of databases.
var databases = []struct {
	name string
	opts bdb.WriterOptions
	each func(put func(key, value []byte) error) error
}{
	{"small-records", bdb.WriterOptions{}, func(put func(key, value []byte) error) error { return smallRecords(100_000, put) }},
	{"duplicates", bdb.WriterOptions{TreeOptions: bdb.TreeOptions{Duplicates: true}}, duplicates},
	{"overflow-1MB", bdb.WriterOptions{}, func(put func(key, value []byte) error) error { return overflow(16, 1<<20, put) }},
	{"overflow-10kB", bdb.WriterOptions{}, func(put func(key, value []byte) error) error { return overflow(2000, 10<<10, put) }},
}

// smallRecords are of 43 bytes.
func smallRecords(n int, put func(key, value []byte) error) error {
	rnd := rand.New(rand.NewSource(1))
	var key, value []byte
	for i := range n {
		key = fmt.Appendf(key[:0], "key%09d", i)
		value = value[:0]
		for range 31 {
			value = append(value, byte('a'+rnd.Intn(26)))
		}
		if err := put(key, value); err != nil {
			return err
		}
	}
	return nil
}

// duplicates are 100 records for each of 500 keys, in trees of their own.
func duplicates(put func(key, value []byte) error) error {
	for i := range 500 {
		for j := range 100 {
			if err := put(fmt.Appendf(nil, "key%09d", i), fmt.Appendf(nil, "value %09d of %09d with the text that a record has", j, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// overflow are records in chains of pages of their own.
func overflow(n, size int, put func(key, value []byte) error) error {
	value := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	for i := range n {
		if err := put(fmt.Appendf(nil, "key%09d", i), value); err != nil {
			return err
		}
	}
	return nil
}

// database writes a shape, version 6 and big-endian, and tells its size.
func database(b *testing.B, opts bdb.WriterOptions, each func(put func(key, value []byte) error) error) (file []byte, records, size int64) {
	b.Helper()
	var f memoryFile
	opts.Name = "bench"
	w, err := bdb.NewWriter(&f, opts)
	if err != nil {
		b.Fatal(err)
	}
	err = each(func(key, value []byte) error {
		records++
		size += int64(len(key) + len(value))
		return w.Put(key, value)
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return f.b, records, size
}

// BenchmarkDatabase takes every verb of dbconv over every shape.
func BenchmarkDatabase(b *testing.B) {
	ctx := context.Background()
	for _, verb := range []struct {
		name string
		run  func(file []byte) error
	}{
		{"convert", func(file []byte) error {
			_, err := dbconv.Convert(ctx, discardAt{}, bytes.NewReader(file), dbconv.ConvertOptions{Output: dbconv.Output{ByteOrder: binary.LittleEndian}})
			return err
		}},
		{"folder", func(file []byte) error {
			_, err := dbconv.Folder(ctx, discardAt{}, bytes.NewReader(file), dbconv.ListOptions{})
			return err
		}},
		{"dump", func(file []byte) error {
			_, err := dbconv.Dump(ctx, io.Discard, bytes.NewReader(file), dbconv.DumpOptions{})
			return err
		}},
		{"dump-print", func(file []byte) error {
			_, err := dbconv.Dump(ctx, io.Discard, bytes.NewReader(file), dbconv.DumpOptions{Print: true})
			return err
		}},
		{"verify", func(file []byte) error {
			_, err := dbconv.Verify(ctx, bytes.NewReader(file), dbconv.VerifyOptions{})
			return err
		}},
		{"salvage", func(file []byte) error {
			_, err := dbconv.Salvage(ctx, discardAt{}, bytes.NewReader(file), dbconv.SalvageOptions{})
			return err
		}},
		{"stat", func(file []byte) error {
			_, err := dbconv.Stat(ctx, bytes.NewReader(file), nil, dbconv.Common{})
			return err
		}},
	} {
		for _, shape := range databases {
			b.Run(verb.name+"/"+shape.name, func(b *testing.B) {
				file, records, size := database(b, shape.opts, shape.each)
				measured(b, records, size, "records", func() error { return verb.run(file) })
			})
		}
	}
}

// BenchmarkQuota converts a quota database, as it is and with usage anew.
func BenchmarkQuota(b *testing.B) {
	ctx := context.Background()
	file, records, size := database(b, bdb.WriterOptions{}, func(put func(key, value []byte) error) error {
		for i := range 50_000 {
			if err := put(fmt.Appendf(nil, "user%06d", i), fmt.Appendf(nil, "%d %d", 20480, i)); err != nil {
				return err
			}
		}
		return nil
	})
	for name, requota := range map[string]bool{"as-it-is": false, "anew": true} {
		b.Run(name, func(b *testing.B) {
			measured(b, records, size, "records", func() error {
				_, err := dbconv.Quota(ctx, discardAt{}, bytes.NewReader(file), dbconv.QuotaOptions{Requota: requota})
				return err
			})
		})
	}
}

// BenchmarkLoad loads text, sorted and in any order, of small records and large
// ones.
func BenchmarkLoad(b *testing.B) {
	ctx := context.Background()
	for _, shape := range []struct {
		name        string
		shuffled    bool
		records     int
		valueLength int
	}{
		{"sorted", false, 100_000, 31}, {"shuffled", true, 100_000, 31}, {"overflow-1MB", false, 16, 1 << 20}, {"overflow-10kB-shuffled", true, 2000, 10 << 10},
	} {
		b.Run(shape.name, func(b *testing.B) {
			order := make([]int, shape.records)
			for i := range order {
				order[i] = i
			}
			if shape.shuffled {
				order = rand.New(rand.NewSource(2)).Perm(shape.records)
			}
			value := bytes.Repeat([]byte("v"), shape.valueLength)
			text := inMemory(b, func(w io.Writer) error {
				fmt.Fprint(w, "VERSION=3\nformat=print\ntype=btree\ndb_pagesize=8192\nHEADER=END\n")
				for _, i := range order {
					fmt.Fprintf(w, " key%09d\n %s\n", i, value)
				}
				_, err := fmt.Fprint(w, "DATA=END\n")
				return err
			})
			dir := scratch(b)
			measured(b, int64(shape.records), int64(len(text)), "records", func() error {
				var dst memoryFile
				_, err := dbconv.Load(ctx, &dst, bytes.NewReader(text), dbconv.LoadOptions{Output: dbconv.Output{TempDir: dir}})
				return err
			})
		})
	}
}

// BenchmarkMailboxList lists a folder.db.
func BenchmarkMailboxList(b *testing.B) {
	file, records, size := database(b, bdb.WriterOptions{}, func(put func(key, value []byte) error) error {
		for i := range 50_000 {
			if err := put(fmt.Appendf(nil, "user/user%06d/Mail/Old", i), fmt.Appendf(nil, "primary\tuser%06d\tlrswipcda\tanyone\tlr", i)); err != nil {
				return err
			}
		}
		return nil
	})
	measured(b, records, size, "records", func() error {
		return dbconv.Mailboxes(context.Background(), bytes.NewReader(file), dbconv.Common{}, func(dbconv.Mailbox) error { return nil })
	})
}
