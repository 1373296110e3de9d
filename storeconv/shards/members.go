package shards

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/maphash"
	"io"
	"os"
	"path/filepath"
	"slices"

	"imsconv/storeconv"
)

// members are the users of one part. The list is kept as it lies in its file:
// it is sorted, so that a look-up needs nothing beside it.
type members struct {
	list  []byte
	first bool // the users of no list belong to this part too

	// others has, of the first part, the sums of the users in the other lists:
	// eight bytes a user, where their names would be several times as much. The
	// seed is of this process alone, so that no source can be made to collide.
	others []uint64
	seed   maphash.Seed
}

// Open returns the part with a number, from 1, of the plan in the folder dir.
// Of the first part all lists are read, of another its own.
func Open(dir string, number int) (*Plan, storeconv.Shard, error) {
	p, err := ReadPlan(dir)
	if err != nil {
		return nil, storeconv.Shard{}, err
	}
	n := len(p.Shards)
	if number < 1 || number > n {
		return nil, storeconv.Shard{}, fmt.Errorf("%s: part %d of a plan of %d", dir, number, n)
	}
	m := &members{first: number == 1, seed: maphash.MakeSeed()}
	if m.list, err = readList(dir, &p.Shards[number-1]); err != nil {
		return nil, storeconv.Shard{}, err
	}
	if m.first {
		for i := range p.Shards[1:] {
			if err := m.exclude(dir, &p.Shards[i+1]); err != nil {
				return nil, storeconv.Shard{}, err
			}
		}
		slices.Sort(m.others)
	}
	return p, storeconv.Shard{Index: number % n, Count: n, Plan: &storeconv.ShardPlan{Dir: dir, ID: p.id, Has: m.has}}, nil
}

// exclude notes the users of another part.
func (m *members) exclude(dir string, part *Part) error {
	list, err := readList(dir, part)
	if err != nil {
		return err
	}
	m.others = slices.Grow(m.others, int(part.Users))
	for line := range bytes.Lines(list) {
		m.others = append(m.others, maphash.Bytes(m.seed, line[:len(line)-1]))
	}
	return nil
}

// has tells whether a user belongs to the part.
func (m *members) has(user string) bool {
	if inList(m.list, user) {
		return true
	}
	if !m.first {
		return false
	}
	_, found := slices.BinarySearch(m.others, maphash.String(m.seed, user))
	return !found
}

// inList looks for a line in sorted lines.
func inList(list []byte, user string) bool {
	low, high := 0, len(list) // of lines: low begins one, high ends one
	for low < high {
		start := low + bytes.LastIndexByte(list[low:low+(high-low)/2], '\n') + 1
		end := start + bytes.IndexByte(list[start:], '\n')
		switch line := list[start:end]; {
		case string(line) == user:
			return true
		case string(line) < user:
			low = end + 1
		default:
			high = start
		}
	}
	return false
}

// readList reads the list of a part, and holds it against what the plan says.
func readList(dir string, part *Part) ([]byte, error) {
	path := filepath.Join(dir, part.File)
	f, err := openRegular(path)
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	defer f.Close() // opened for reading
	h := sha256.New()
	list, err := readAll(f, h)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != part.SHA256 {
		return nil, fmt.Errorf("%s: not the list that the plan was made with: its SHA-256 is %s, not %s", path, sum, part.SHA256)
	}
	if err := checkList(list, part.Users); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// readAll reads a file into memory of its own size.
func readAll(f *os.File, h hash.Hash) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("no file")
	}
	var b bytes.Buffer
	b.Grow(int(min(info.Size(), 1<<30)) + bytes.MinRead)
	_, err = b.ReadFrom(io.TeeReader(f, h))
	return b.Bytes(), err
}

// checkList refuses lists that cannot be searched.
func checkList(list []byte, users int64) error {
	var before []byte
	n := int64(0)
	for line := range bytes.Lines(list) {
		n++
		switch {
		case line[len(line)-1] != '\n':
			return fmt.Errorf("line %d does not end", n)
		case len(line) == 1:
			return fmt.Errorf("line %d names nobody", n)
		case bytes.Compare(before, line[:len(line)-1]) >= 0 && n > 1:
			return fmt.Errorf("line %d: %.100q is not in byte order", n, line)
		}
		before = line[:len(line)-1]
	}
	if n != users {
		return fmt.Errorf("%d users, where the plan says %d", n, users)
	}
	return nil
}
