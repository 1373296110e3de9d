package ldif

import (
	"bytes"
	"fmt"
	"io"
	"slices"
)

// Chunk is a piece of a file that holds whole records. The zero value is ready
// for Chunker.Next, which reuses its memory.
type Chunk struct {
	// Data holds the records with the blank lines between them.
	Data []byte
	// Line is the number of the first line of Data.
	Line int
	// Offset is the position of Data in the (uncompressed) input, in bytes.
	Offset int64
	// TooBig is the size in bytes of the one record of Data when that
	// record is over the limit; Data is then only its beginning.
	TooBig int64
	// Last marks the end of the input; Unterminated that it does not end
	// with a line end.
	Last, Unterminated bool
}

// LastLine is the number of the chunk's last line.
func (ch *Chunk) LastLine() int {
	n := bytes.Count(ch.Data, []byte{'\n'})
	if len(ch.Data) > 0 && ch.Data[len(ch.Data)-1] == '\n' {
		n--
	}
	return ch.Line + n
}

// Chunker cuts an input into chunks at the blank lines between records, so
// that several goroutines can parse it. It holds at most one chunk and one
// record in memory.
type Chunker struct {
	r        io.Reader
	size     int
	maxEntry int
	rest     []byte // read, not handed out yet: the beginning of a record
	line     int
	offset   int64
	bom      bool // the start of the file was looked at
	eof      bool
	err      error
}

// leastChunk is the smallest amount read at once, in bytes.
const leastChunk = 16

// leastRead is the room that reading begins with, in bytes: a small input takes
// little.
const leastRead = 32 << 10

// tooBigHead is how much of an oversized record is kept to name it.
const tooBigHead = 64 << 10

// NewChunker returns a Chunker on r.
func NewChunker(r io.Reader, opts Options) *Chunker {
	c := &Chunker{r: r, size: opts.ChunkSize, maxEntry: opts.MaxEntry, line: 1}
	if c.size <= 0 {
		c.size = DefaultChunk
	}
	c.size = max(c.size, leastChunk)
	if c.maxEntry <= 0 {
		c.maxEntry = DefaultMaxEntry
	}
	return c
}

// Next fills ch with the next chunk; io.EOF at the end of the input.
func (c *Chunker) Next(ch *Chunk) error {
	if c.err != nil {
		*ch = Chunk{Data: ch.Data[:0], Line: c.line, Offset: c.offset}
		return c.err
	}
	buf := append(ch.Data[:0], c.rest...)
	c.rest = c.rest[:0]
	*ch = Chunk{Line: c.line, Offset: c.offset}
	scanned := 0 // no record boundary ends in buf[:scanned]
	for {
		if !c.eof {
			var err error
			if buf, err = c.fill(buf); err != nil {
				return c.fail(ch, buf, err)
			}
		}
		if c.eof {
			return c.last(ch, buf)
		}
		if cut := lastBoundary(buf, scanned); cut > 0 {
			c.rest = append(c.rest, buf[cut:]...)
			c.hand(ch, buf[:cut])
			return nil
		}
		if len(buf) > c.maxEntry+4 { // line ends around it do not count
			return c.skip(ch, buf)
		}
		scanned = len(buf)
	}
}

// fail hands out the whole records read before an error of the input, and keeps
// the error for the next call.
func (c *Chunker) fail(ch *Chunk, buf []byte, err error) error {
	c.err = fmt.Errorf("read at byte %d: %w", c.offset+int64(len(buf)), err)
	if cut := lastBoundary(buf, 0); cut > 0 {
		c.hand(ch, buf[:cut])
		return nil
	}
	ch.Data = buf[:0]
	return c.err
}

// fill reads until buf holds the chunk size more than a beginning, or the end.
func (c *Chunker) fill(buf []byte) ([]byte, error) {
	want := len(buf) + c.size/2
	if want < c.size {
		want = c.size
	}
	for len(buf) < want {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, min(max(len(buf), leastRead), want+want/4-len(buf)))
		}
		n, err := c.r.Read(buf[len(buf):min(want, cap(buf))])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			c.eof = true
			break
		}
		if err != nil {
			return buf, err
		}
	}
	if !c.bom && (len(buf) >= 3 || c.eof) {
		c.bom = true
		if bytes.HasPrefix(buf, []byte("\xef\xbb\xbf")) {
			buf = buf[:copy(buf, buf[3:])]
			c.offset += 3
		}
	}
	return buf, nil
}

// hand gives out data and moves the position behind it.
func (c *Chunker) hand(ch *Chunk, data []byte) {
	ch.Data, ch.Line, ch.Offset = data, c.line, c.offset
	c.line += bytes.Count(data, []byte{'\n'})
	c.offset += int64(len(data))
}

// last gives out the end of the input.
func (c *Chunker) last(ch *Chunk, buf []byte) error {
	c.err = io.EOF
	if len(buf) == 0 {
		ch.Data = buf
		return io.EOF
	}
	c.hand(ch, buf)
	ch.Last = true
	ch.Unterminated = buf[len(buf)-1] != '\n'
	return nil
}

// skip reads past a record that is larger than the limit.
func (c *Chunker) skip(ch *Chunk, buf []byte) error {
	total, blank := int64(len(buf)), 0
	lines := bytes.Count(buf, []byte{'\n'})
	head := buf[:min(len(buf), tooBigHead)]
	window := make([]byte, 0, 128<<10)
	window = append(window, buf[len(buf)-2:]...)
	start := c.offset
	for {
		keep := len(window)
		n, err := c.r.Read(window[keep:cap(window)])
		window = window[:keep+n]
		if cut := firstBoundary(window); cut > 0 {
			fresh := cut - keep
			total += int64(fresh)
			lines += bytes.Count(window[keep:cut], []byte{'\n'})
			c.rest = append(c.rest[:0], window[cut:]...)
			blank = cut - len(trimLineEnd(window[:cut]))
			c.eof = err == io.EOF
			break
		}
		total += int64(n)
		lines += bytes.Count(window[keep:], []byte{'\n'})
		if err == io.EOF {
			c.eof = true
			blank = len(window) - len(trimLineEnd(window))
			break
		}
		if err != nil {
			c.err = fmt.Errorf("read at byte %d: %w", start+total, err)
			return c.err
		}
		window = append(window[:0], window[len(window)-2:]...)
	}
	*ch = Chunk{Data: head, Line: c.line, Offset: start, TooBig: total - int64(blank), Last: c.eof && len(c.rest) == 0}
	c.line += lines
	c.offset += total
	return nil
}

// lastBoundary returns the position behind the last blank line of buf, 0 when
// there is none. Bytes before from hold no whole boundary.
func lastBoundary(buf []byte, from int) int {
	from = max(from-2, 0)
	for end := len(buf); ; {
		i := bytes.LastIndexByte(buf[from:end], '\n')
		if i < 0 {
			return 0
		}
		i += from
		if isBlankLineEnd(buf, i) {
			return i + 1
		}
		end = i
	}
}

// firstBoundary returns the position behind the first blank line of buf, or 0.
func firstBoundary(buf []byte) int {
	for i := 0; ; i++ {
		j := bytes.IndexByte(buf[i:], '\n')
		if j < 0 {
			return 0
		}
		i += j
		if isBlankLineEnd(buf, i) {
			return i + 1
		}
	}
}

// isBlankLineEnd reports whether the line feed at i ends a blank line.
func isBlankLineEnd(buf []byte, i int) bool {
	if i > 0 && buf[i-1] == '\n' {
		return true
	}
	return i > 1 && buf[i-1] == '\r' && buf[i-2] == '\n'
}
