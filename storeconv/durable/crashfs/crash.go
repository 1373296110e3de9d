package crashfs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Ops returns the number of operations so far.
func (f *FS) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.log)
}

// Killed returns the file system that a process killed after the first n
// operations leaves: all of them, and no lock. Everything in it counts as
// pending as it was.
func (f *FS) Killed(n int) *FS {
	return f.replay(n, func(int) bool { return true }, false)
}

// Limits of the parts of pending operations that PowerCuts makes.
const (
	allSubsets    = 10 // pending operations of which every part is made
	randomSubsets = 64 // else so many at random
)

// PowerCuts makes the file systems that a power cut after the first n
// operations may leave: with all pending operations lost, all kept, each one
// lost, each one kept, and 64 parts chosen by seed; of up to 10 pending
// operations, all parts. Each comes with a description of what was kept. What
// the file system has is durable.
func (f *FS) PowerCuts(n int, seed uint64) iter.Seq2[string, *FS] {
	pending := f.pending(n)
	return func(yield func(string, *FS) bool) {
		for _, keep := range subsets(len(pending), rand.New(rand.NewPCG(seed, uint64(n)))) {
			kept := make(map[int]bool, len(pending))
			for i, p := range pending {
				kept[p] = keep[i]
			}
			cut := f.replay(n, func(i int) bool {
				k, isPending := kept[i]
				return k || !isPending
			}, true)
			if !yield(f.describe(pending, keep), cut) {
				return
			}
		}
	}
}

// Cuts returns how many file systems PowerCuts makes of so many pending
// operations.
func Cuts(pending int) int {
	if pending <= allSubsets {
		return 1 << pending
	}
	return 2 + 2*pending + randomSubsets
}

// Pending returns the number of operations among the first n that a power cut
// then may lose.
func (f *FS) Pending(n int) int { return len(f.pending(n)) }

func (f *FS) pending(n int) []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []int
	for i := range f.log[:n] {
		// A sync that came when the log had n operations came before the cut.
		if s := f.log[i].synced; s == 0 || s > n {
			out = append(out, i)
		}
	}
	return out
}

// subsets returns the parts of n operations: which are kept.
func subsets(n int, random *rand.Rand) [][]bool {
	var out [][]bool
	add := func(pick func(i int) bool) {
		keep := make([]bool, n)
		for i := range keep {
			keep[i] = pick(i)
		}
		out = append(out, keep)
	}
	if n <= allSubsets {
		for bits := range 1 << n {
			add(func(i int) bool { return bits>>i&1 != 0 })
		}
		return out
	}
	add(func(int) bool { return false })
	add(func(int) bool { return true })
	for k := range n {
		add(func(i int) bool { return i != k })
		add(func(i int) bool { return i == k })
	}
	for range randomSubsets {
		share := random.Float64()
		add(func(int) bool { return random.Float64() < share })
	}
	return out
}

// replay makes a new file system of those of the first n operations that keep
// names.
func (f *FS) replay(n int, keep func(i int) bool, durable bool) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := New()
	out.ids, out.inos, out.real = f.ids, slices.Clone(f.inos), maps.Clone(f.real)
	for i := range f.log[:n] {
		if !keep(i) {
			continue
		}
		o := f.log[i]
		if durable || o.synced > 0 && o.synced <= n {
			o.synced = 1
		} else {
			o.synced, o.first = 0, 0
		}
		out.apply(&o)
		out.log = append(out.log, o)
	}
	out.reuse()
	return out
}

// reuse makes the inode numbers of nodes that have no name free.
func (f *FS) reuse() {
	used := make(map[uint64]bool)
	for _, id := range slices.Sorted(maps.Keys(f.nodes)) {
		n := f.nodes[id]
		if n.links == 0 && id != rootID {
			delete(f.nodes, id)
			continue
		}
		used[n.ino] = true
		f.next = max(f.next, n.ino+1)
	}
	for ino := uint64(1000); ino < f.next; ino++ {
		if !used[ino] {
			f.free = append(f.free, ino)
		}
	}
}

func (f *FS) describe(pending []int, keep []bool) string {
	var kept, lost []string
	for i, p := range pending {
		if keep[i] {
			kept = append(kept, f.log[p].String())
		} else {
			lost = append(lost, f.log[p].String())
		}
	}
	return "lost: " + strings.Join(lost, ", ") + "; kept: " + strings.Join(kept, ", ")
}

func (o op) String() string {
	switch o.kind {
	case opMake:
		return fmt.Sprintf("make %d as %d/%s", o.id, o.dir, o.name)
	case opLink:
		return fmt.Sprintf("link %d as %d/%s", o.id, o.dir, o.name)
	case opRename:
		return fmt.Sprintf("rename %d from %d/%s to %d/%s", o.id, o.oldDir, o.oldName, o.dir, o.name)
	case opExchange:
		return fmt.Sprintf("exchange %d/%s and %d/%s", o.oldDir, o.oldName, o.dir, o.name)
	case opUnlink:
		return fmt.Sprintf("remove %d/%s", o.dir, o.name)
	case opWrite:
		return fmt.Sprintf("write %d at %d+%d", o.id, o.off, len(o.data))
	case opSize:
		return fmt.Sprintf("size of %d", o.id)
	}
	return fmt.Sprintf("attributes of %d", o.id)
}

// Tree lists what is below the directory at path, one line an entry, sorted:
// its path, type, mode and owner; of a file also its time, size, hash and the
// first of its names; of a directory no time, which the order of work decides.
// Names for which skip is true are left out, with what is below them.
func (f *FS) Tree(path string, skip func(path string) bool) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	top, err := f.lookup(unix.AT_FDCWD, path)
	if err != nil {
		return nil
	}
	first := make(map[*node]string)
	var out []string
	f.tree(top, "", first, skip, &out)
	return out
}

func (f *FS) tree(d *node, path string, first map[*node]string, skip func(string) bool, out *[]string) {
	for _, name := range slices.Sorted(maps.Keys(d.entries)) {
		n, at := d.entries[name], path+name
		if skip != nil && skip(at) {
			continue
		}
		line := fmt.Sprintf("%s %o %d:%d", at, n.mode, n.uid, n.gid)
		if n.isDir() {
			*out = append(*out, line)
			f.tree(n, at+"/", first, skip, out)
			continue
		}
		if first[n] == "" {
			first[n] = at
		}
		sum := sha256.Sum256(n.data)
		*out = append(*out, fmt.Sprintf("%s %d.%09d %d %s =%s", line, n.mtime.Sec, n.mtime.Nsec, len(n.data), hex.EncodeToString(sum[:8]), first[n]))
	}
}

// State identifies all that can be reached, so that a test may pass over file
// systems that are alike.
func (f *FS) State() string {
	sum := sha256.Sum256([]byte(strings.Join(f.Tree("/", nil), "\n")))
	return string(sum[:])
}
