package dbconv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"imsconv/dbconv/bdb"
)

// A text of any content gives an error or a sound database, which dumps and
// loads to itself.
func FuzzLoad(f *testing.F) {
	f.Add("VERSION=3\nformat=print\ntype=btree\nduplicates=1\ndb_pagesize=512\nHEADER=END\n b\n 1\n a\n 2\n b\n 0\nDATA=END\n", uint8(0))
	f.Add("VERSION=3\nformat=print\ntype=recno\nkeys=1\nre_len=3\nHEADER=END\n 2\n a\n 7\n abc\nDATA=END\n", uint8(1))
	f.Add("format=bytevalue\ntype=hash\nHEADER=END\n61\n62\n", uint8(2))
	f.Add("VERSION=3\nformat=print\ndatabase=x\ntype=btree\nrecnum=1\nHEADER=END\n b\n 1\nDATA=END\n", uint8(3))
	f.Add(`{"key":"a","value_base64":"AAE="}`+"\n"+`{"database":"x","key":1,"value":""}`, uint8(16))
	f.Fuzz(func(t *testing.T, text string, form uint8) {
		opts := LoadOptions{Output: Output{Version: 6 + int(form%4)}, JSON: form&16 != 0, KeepFirst: form&32 != 0}
		dst := &memFile{}
		rep, err := Load(context.Background(), dst, strings.NewReader(text), opts)
		if err != nil {
			return
		}
		var faults []string
		_, err = bdb.Verify(context.Background(), bytes.NewReader(dst.b), int64(len(dst.b)), bdb.VerifyOptions{
			Fault: func(e *bdb.Error) { faults = append(faults, e.Error()) }})
		if err != nil || len(faults) > 0 {
			t.Fatalf("%v, faults %q", err, faults)
		}
		want, _ := records(t, dst.b)
		if int64(len(want)) != rep.Records {
			t.Fatalf("%d records read back, %d reported", len(want), rep.Records)
		}
		again := &memFile{}
		opts.JSON = false
		if _, err := Load(context.Background(), again, strings.NewReader(dump(t, dst.b, DumpOptions{Keys: true})), opts); err != nil {
			t.Fatal(err)
		}
		if got, _ := records(t, again.b); !slices.Equal(got, want) {
			t.Fatalf("%d records after a second round, want %d", len(got), len(want))
		}
	})
}

// A run that is interrupted while it sorts stops.
func TestLoadInterrupted(t *testing.T) {
	var text strings.Builder
	text.WriteString("VERSION=3\nformat=print\ntype=hash\nHEADER=END\n")
	for i := range 20000 {
		fmt.Fprintf(&text, " %d\n v\n", i)
	}
	text.WriteString("DATA=END\n")
	ctx, cancel := context.WithCancel(context.Background())
	r := io.MultiReader(strings.NewReader(text.String()), readerFunc(func([]byte) (int, error) {
		cancel()
		return 0, io.EOF
	}))
	if _, err := Load(ctx, &memFile{}, r, LoadOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Two databases of one name cannot be.
func TestLoadSubdatabaseTwice(t *testing.T) {
	one := "VERSION=3\nformat=print\ndatabase=x\ntype=btree\nHEADER=END\n a\n 1\nDATA=END\n"
	if _, err := Load(context.Background(), &memFile{}, strings.NewReader(one+one), LoadOptions{}); err == nil {
		t.Error("taken")
	}
}
