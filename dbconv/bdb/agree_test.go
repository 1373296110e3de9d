package bdb

import (
	"bytes"
	"context"
	"errors"
	"math/rand"
	"os"
	"slices"
	"strings"
	"testing"
)

// Whatever is wrong with a file, a cursor and Verify agree on whether records
// are missing, and Salvage does not lose what is missing without a word.
func TestCursorAndVerifyAgree(t *testing.T) {
	names, files := fixtureFiles(t)
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	if os.Getenv("IMSCONV_FULL") != "" {
		rounds = 100_000
	}
	rnd := rand.New(rand.NewSource(3))
	for range rounds {
		name := names[rnd.Intn(len(names))]
		if strings.Contains(name, "encrypt") || len(files[name]) > 1<<20 {
			continue
		}
		b := slices.Clone(files[name])
		what := spoil(rnd, &b)
		problems := 0
		var first error
		_, err := readFile(b, Options{Problem: func(err error) {
			var e *Error
			if errors.As(err, &e) && e.Severity() > 1 && !errors.Is(err, ErrTooBig) {
				if problems++; first == nil {
					first = err
				}
			}
		}})
		if err != nil {
			continue // told as an error
		}
		var faults []string
		rep, err := Verify(context.Background(), bytes.NewReader(b), int64(len(b)), VerifyOptions{Fault: func(e *Error) {
			if e.Severity() > 1 {
				faults = append(faults, e.Error())
			}
		}})
		if err != nil {
			t.Errorf("%s %s: verify: %v", name, what, err)
		}
		if (problems > 0) != (rep.Missing > 0) {
			t.Errorf("%s %s: the cursor tells of %d problems (%v), verify of %d (%.2q)", name, what, problems, first, rep.Missing, faults)
		}
	}
}

// spoil damages a file and says how.
func spoil(rnd *rand.Rand, b *[]byte) string {
	f := *b
	switch rnd.Intn(5) {
	case 0:
		*b = f[:rnd.Intn(len(f))]
		return "cut off"
	case 1:
		f[rnd.Intn(len(f))] ^= 1 << rnd.Intn(8)
		return "a bit"
	case 2: // of some page's header
		f[min(rnd.Intn(len(f))/512*512+rnd.Intn(40), len(f)-1)] = byte(rnd.Intn(256))
		return "a header byte"
	case 3:
		at, from := rnd.Intn(len(f))/512*512, rnd.Intn(len(f))/512*512
		copy(f[at:min(at+1024, len(f))], slices.Clone(f[from:]))
		return "a page over another"
	}
	at := rnd.Intn(len(f)) / 512 * 512
	clear(f[at:min(at+512<<rnd.Intn(3), len(f))])
	return "zeros"
}
