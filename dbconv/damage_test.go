package dbconv

import (
	"bytes"
	"context"
	"math/rand"
	"os"
	"slices"
	"testing"

	"imsconv/dbconv/bdb"
)

// Whatever is wrong with the source, the result of a conversion is sound, and
// what could not be read has been told.
func TestConvertDamaged(t *testing.T) {
	names, files := readable(t)
	rounds := 600
	if os.Getenv("IMSCONV_FULL") != "" {
		rounds = 40000
	}
	rnd := rand.New(rand.NewSource(1))
	for range rounds {
		name := names[rnd.Intn(len(names))]
		src := slices.Clone(files[name])
		if len(src) == 0 {
			continue
		}
		switch rnd.Intn(4) {
		case 0:
			src = src[:rnd.Intn(len(src))]
		case 1: // any byte
			src[rnd.Intn(len(src))] ^= 1 << rnd.Intn(8)
		case 2: // a byte of some page's header
			src[min(rnd.Intn(len(src))/512*512+rnd.Intn(40), len(src)-1)] = byte(rnd.Intn(256))
		case 3: // a page over another
			at, from := rnd.Intn(len(src))/512*512, rnd.Intn(len(src))/512*512
			copy(src[at:min(at+1024, len(src))], files[name][from:])
		}
		out := Output{Version: 6 + rnd.Intn(4), PageSize: 512 << rnd.Intn(5), TempDir: t.TempDir()}
		dst, log := &memFile{}, &recorder{}
		rep, err := Convert(context.Background(), dst, bytes.NewReader(src), ConvertOptions{Common: Common{Log: log}, Output: out})
		if err != nil {
			continue // told as an error
		}
		var faults []string
		_, err = bdb.Verify(context.Background(), bytes.NewReader(dst.b), int64(len(dst.b)), bdb.VerifyOptions{NoOrder: true,
			Fault: func(e *bdb.Error) { faults = append(faults, e.Error()) }})
		if err != nil || len(faults) > 0 {
			t.Errorf("%s: written as %+v: %v, %d faults: %.300q\nsource: %q", name, out, err, len(faults), faults, log.problems)
		}
		if got, _ := records(t, dst.b); int64(len(got)) != rep.Records {
			t.Errorf("%s: %d records read back, %d reported", name, len(got), rep.Records)
		}
	}
}
