package mbox

import "bytes"

// filter makes of the lines behind a From line the message's own bytes.
type filter struct {
	marks
	quoting Quoting // of the body
	length  int64   // offset of the Content-Length that goes; -1: none
	body    bool    // the header is over
	field   field   // that the last header line was, if it went
	drop    bool    // the rest of the line goes too
	mutt    muttMark
}

// own returns what of the scanner's piece is the message's.
func (f *filter) own(s *scanner) []byte {
	p := s.piece
	switch {
	case !s.start && f.drop:
		return nil
	case !s.start:
		return p
	case f.body:
		f.drop = false
		return f.unquote(p)
	case isBlank(p):
		f.body, f.drop = true, false
		return p
	}
	return f.header(s)
}

// header is own for a line of the header.
func (f *filter) header(s *scanner) []byte {
	p := s.piece
	if p[0] == ' ' || p[0] == '\t' {
		f.drop = f.field != noField && s.whole && f.takeFold(f.field, string(p))
	} else {
		f.drop, f.field = false, noField
		name, value := fieldOf(p)
		if name != noField && s.whole {
			f.drop = f.take(name, value, s.at) || s.at == f.length
			if f.lengthLine == s.at {
				f.lengthSize = int64(len(p))
			}
			if f.drop {
				f.field = name
			}
		}
		if name == noField && f.foreign == "" {
			f.foreign = foreignField(p)
		}
		if !f.drop {
			f.mutt.see(p, f.lengthLine == s.at)
		}
	}
	if f.drop {
		return nil
	}
	if rest, ok := cutOwn(p); ok {
		return rest
	}
	return p
}

// unquote returns a line of the body without its quoting.
func (f *filter) unquote(p []byte) []byte {
	if p[0] != '>' {
		return p
	}
	switch f.quoting {
	case MboxO, MboxCL:
		if bytes.HasPrefix(p[1:], fromWord) {
			return p[1:]
		}
	case MboxRD:
		if needsQuote(p) {
			return p[1:]
		}
	}
	return p
}

// needsQuote tells a line of a body that MboxRD writes with one ">" more.
func needsQuote(line []byte) bool {
	return bytes.HasPrefix(trimJunk(bytes.TrimLeft(line, ">")), fromWord)
}
