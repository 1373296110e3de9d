package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
)

// node is what counts of one file or directory of a store.
type node struct {
	mode  fs.FileMode
	size  int64
	mtime int64  // seconds; 0 for directories and for what is written anew by every run
	sum   string // of a regular file
	links uint64
	first string // the first path, in byte order, of the same file
}

// tree is a store: path to node.
type tree map[string]node

// readTree reads a store as readAll does, but for the records of shards, which
// have times and paths in them. What else is in the working directory counts.
func readTree(t testing.TB, root string) tree {
	t.Helper()
	nodes := readAll(t, root)
	const work = ".imsconv"
	if _, ok := nodes[work+"/shards"]; !ok {
		return nodes
	}
	for name := range nodes.under(work + "/shards") {
		delete(nodes, work+"/shards/"+name)
	}
	delete(nodes, work+"/shards")
	left := nodes.under(work)
	if _, lock := left["lock"]; len(left) == 0 || len(left) == 1 && lock {
		delete(nodes, work)
		delete(nodes, work+"/lock")
	}
	return nodes
}

// readAll reads everything under root with its own hands: Lstat and sha256.
func readAll(t testing.TB, root string) tree {
	t.Helper()
	nodes := make(tree)
	firsts := make(map[[2]uint64]string)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		st, err := os.Lstat(path)
		if err != nil {
			return err
		}
		n := node{mode: st.Mode()}
		if st.Mode().IsRegular() {
			sys := st.Sys().(*syscall.Stat_t)
			n.size, n.links = st.Size(), uint64(sys.Nlink)
			key := [2]uint64{uint64(sys.Dev), sys.Ino}
			if firsts[key] == "" {
				firsts[key] = name
			}
			n.first = firsts[key]
			if n.sum, err = hashFile(path); err != nil {
				return err
			}
			if strings.HasSuffix(name, ".msg") {
				n.mtime = st.ModTime().Unix()
			}
		}
		nodes[name] = n
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// lines gives one line a node, in byte order; links says whether the grouping
// of hard links counts.
func (tr tree) lines(links bool) []string {
	var out []string
	for name, n := range tr {
		line := fmt.Sprintf("%s %v %d %d %s", name, n.mode, n.size, n.mtime, n.sum)
		if links {
			line += fmt.Sprintf(" %d %s", n.links, n.first)
		}
		out = append(out, line)
	}
	sort.Strings(out)
	return out
}

// under returns the part below a directory, its names relative to it.
func (tr tree) under(dir string) tree {
	sub := make(tree)
	for name, n := range tr {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
			sub[rest] = n
		}
	}
	return sub
}

// diffTrees fails the test when two trees differ and shows the first
// differences.
func diffTrees(t testing.TB, what string, got, want tree, links bool) {
	t.Helper()
	g, w := got.lines(links), want.lines(links)
	var diff []string
	for i, j := 0, 0; (i < len(g) || j < len(w)) && len(diff) < 12; {
		switch {
		case j == len(w) || i < len(g) && g[i] < w[j]:
			diff = append(diff, "+ "+g[i])
			i++
		case i == len(g) || w[j] < g[i]:
			diff = append(diff, "- "+w[j])
			j++
		default:
			i++
			j++
		}
	}
	if len(diff) > 0 {
		t.Errorf("%s: the tree differs (+ has, - wants):\n%s", what, strings.Join(diff, "\n"))
	}
}
