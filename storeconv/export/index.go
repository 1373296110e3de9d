package export

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"imsconv/storeconv/ims"
)

// index is an open index.
type index struct {
	*ims.IndexReader
	file *os.File
	buf  *bufio.Reader
}

// indexBuffers are those that indexes are read through. The reader of an index
// takes one as it is.
var indexBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 64<<10) }}

// start reads the head of the index, from the start of the file.
func (x *index) start() (err error) {
	if _, err = x.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	x.buf.Reset(x.file)
	x.IndexReader, err = ims.NewIndexReader(x.buf)
	return err
}

func (x *index) close() {
	x.file.Close() // opened for reading
	x.buf.Reset(nil)
	indexBuffers.Put(x.buf)
}

// uses counts how many messages have each keyword: of each line only the field
// of the keywords is looked at.
func (x *index) uses(names []string) map[string]int64 {
	used := make(map[string]int64)
	var rec ims.Record
	begins := true
	for {
		line, err := x.buf.ReadSlice('\n')
		if begins {
			for range 6 {
				_, line, _ = bytes.Cut(line, tab)
			}
			line, _, _ = bytes.Cut(line, tab)
			if len(bytes.Trim(line, "0")) > 0 {
				rec.Keywords, _ = hex.AppendDecode(rec.Keywords[:0], line) // a bad line is told when it is read
				for _, k := range keywordsOf(&rec, names) {
					used[k]++
				}
			}
		}
		if begins = err == nil; err != nil && err != bufio.ErrBufferFull {
			return used
		}
	}
}

var tab = []byte{'\t'}

// index opens the index of a mailbox, and looks through it once for the
// keywords that are used; nil when there is none of ours.
func (f *storeFeed) index(b *box) (*index, error) {
	file, err := b.src.Index()
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if ims.OfMachine(err) {
		return nil, err
	}
	if err != nil {
		b.u.log.Problem("bad-index", b.src.Path, err.Error())
		return nil, nil
	}
	x := &index{file: file, buf: indexBuffers.Get().(*bufio.Reader)}
	err = x.start()
	if err == nil {
		b.keywords = nil
		for _, k := range x.Header.Userflags {
			if ims.IsKeyword(k) {
				b.keywords = append(b.keywords, k)
				continue
			}
			b.u.log.Problem("bad-flag", b.src.Path, fmt.Sprintf("the keyword %q cannot be one, and is left out", k))
			b.u.count(func(rep *Report) { rep.KeywordsLost++ })
		}
		if b.made && f.r.opt.To == Maildir && b.letters == nil {
			var used map[string]int64
			if len(b.keywords) > 0 {
				used = x.uses(x.Header.Userflags)
				err = x.start()
			}
			b.numberKeywords(used)
		}
	}
	if err == nil {
		return x, nil
	}
	x.close()
	if ims.OfMachine(err) {
		return nil, err // without its flags the mailbox would stay in OUT
	}
	if !errors.Is(err, ims.ErrForeignIndex) {
		b.u.log.Problem("bad-index", b.src.Path, err.Error())
	}
	return nil, nil
}
