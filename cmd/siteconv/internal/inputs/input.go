package inputs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// Input is one input of a site, and what makes it the same one on a second run.
type Input struct {
	Role   string `json:"role"` // "ldif", "stream", "nms-store"
	Name   string `json:"name"` // base name
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // of the content; of a store tree, of its listing (paths, sizes, modes, times)

	Unreadable int64 `json:"unreadable,omitempty"` // of a tree: names below which nothing could be read

	Path   string          `json:"-"`
	Stdin  *cli.Again      `json:"-"` // standard input, where it is that; else nil
	Parts  []nms.Partition `json:"-"` // of a store of NMS, those that lie elsewhere
	Closed []string        `json:"-"` // of the unreadable, the first ones
	Tree   bool            `json:"-"` // a folder: SHA256 is of its listing
	Meter  *cli.Meter      `json:"-"` // shows how far the reading is; nil: nowhere
	Plain  int64           `json:"-"` // bytes of an export or stream once a compression is undone; 0: not known
}

// Fingerprint fills in size and SHA-256 of a file. While it is read for that,
// also may read the same bytes.
func (in *Input) Fingerprint(ctx context.Context, also func(r io.Reader) error) error {
	h := sha256.New()
	err := in.hashFile(ctx, h, also)
	in.SHA256 = hex.EncodeToString(h.Sum(nil))
	return err
}

// fingerprintTree does the same for a folder, by its listing: see listTree.
func (in *Input) fingerprintTree(ctx context.Context, each func(rel string, size int64, names uint64)) (err error) {
	h := sha256.New()
	in.Tree = true
	l := lister{each: func(rel string, size int64, names uint64) {
		if size >= 0 {
			in.Meter.Add(1, size)
		}
		each(rel, size, names)
	}, unreadable: func(rel string) {
		if in.Unreadable++; len(in.Closed) < mostOdd {
			in.Closed = append(in.Closed, rel)
		}
	}}
	in.Bytes, err = l.tree(ctx, h, in.Path, in.Parts)
	in.SHA256 = hex.EncodeToString(h.Sum(nil))
	return err
}

func (in *Input) hashFile(ctx context.Context, h hash.Hash, also func(r io.Reader) error) error {
	var src io.Reader
	if in.Stdin != nil {
		src = in.Stdin.Raw()
	} else {
		f, err := os.Open(in.Path)
		if err != nil {
			return err
		}
		defer f.Close()
		src = f
	}
	var r io.Reader = &countTo{r: io.TeeReader(cli.UntilDone(ctx, src), h), n: &in.Bytes, meter: in.Meter}
	if also != nil {
		if err := also(r); err != nil {
			return err
		}
	}
	_, err := io.Copy(io.Discard, r)
	return err
}

// Count adds the bytes that are read of r to n.
func Count(r io.Reader, n *int64) io.Reader { return &countTo{r: r, n: n} }

// countTo counts the bytes read into n, and on a meter.
type countTo struct {
	r     io.Reader
	n     *int64
	meter *cli.Meter
}

func (c *countTo) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	c.meter.Add(0, int64(n))
	return n, err
}

// lister goes through a folder for its listing.
type lister struct {
	each       func(rel string, size int64, names uint64) // every path below the folder
	unreadable func(rel string)                           // what cannot be looked into
}

// tree hashes the listing of a store tree: path, size, mode and modification
// time of every file, and each directory's name. It returns the sum of the
// sizes. What cannot be read is part of the listing as such: the conversion
// will tell of it. An error of the machine is none of the listing: the same
// command, given again, would be taken for another run. A partition that is a
// symbolic link to another disk is listed as what it leads to, and one
// elsewhere as if it lay in the store. The function each is told of every path
// below root, with its size, -1 of a directory, and its number of names.
func (l *lister) tree(ctx context.Context, h hash.Hash, root string, elsewhere []nms.Partition) (int64, error) {
	total, err := l.folder(ctx, h, root, "", elsewhere)
	for i := 0; i < len(elsewhere) && err == nil; i++ {
		var more int64
		more, err = l.folder(ctx, h, elsewhere[i].Path, filepath.Join("partition", elsewhere[i].Name), nil)
		total += more
	}
	return total, err
}

// folder lists one folder, whose paths stand below a name in the listing.
func (l *lister) folder(ctx context.Context, h hash.Hash, root, below string, elsewhere []nms.Partition) (int64, error) {
	var total int64
	var visit fs.WalkDirFunc
	visit = func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		rel, _ := filepath.Rel(root, path)
		rel = filepath.Join(below, rel)
		if err != nil {
			if rel == "." || ims.OfMachine(err) {
				return err
			}
			fmt.Fprintf(h, "unreadable\x00%s\x00", rel)
			l.unreadable(rel)
			return nil
		}
		if replaced(elsewhere, rel) {
			return skip(d)
		}
		if d.IsDir() {
			fmt.Fprintf(h, "dir\x00%s\x00", rel)
			l.each(rel, -1, 1)
			return nil
		}
		if isLinkedPartition(path, rel, d) {
			// The last slash makes the walk begin behind the link.
			return filepath.WalkDir(path+"/", visit)
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		total += st.Size()
		l.each(rel, st.Size(), uint64(st.Sys().(*syscall.Stat_t).Nlink))
		fmt.Fprintf(h, "%s\x00%s\x00%d\x00%d\x00", st.Mode(), rel, st.Size(), st.ModTime().UnixNano())
		return nil
	}
	if below != "" {
		root += "/" // it may be a link itself
	}
	err := filepath.WalkDir(root, visit)
	return total, err
}

// skip passes over a folder, or over a name that is none.
func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// isLinkedPartition tells whether a name of a store is a partition that lies
// elsewhere, which the conversion takes as one of the store, or the folder of
// its users.
func isLinkedPartition(path, rel string, d fs.DirEntry) bool {
	parts := strings.Split(rel, "/")
	if d.Type() != fs.ModeSymlink || parts[0] != "partition" || len(parts) != 2 && (len(parts) != 3 || parts[2] != nms.UserRoot) {
		return false
	}
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}
