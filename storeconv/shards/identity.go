package shards

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// IdentityBytes is how much of its start stands for a stream, in bytes.
const IdentityBytes = 256 << 10

// StreamSource is what a plan says of streams and trees that are read in the
// order given. ids stand for them as restore.Stream.ID does: of a stream, the
// SHA-256 of its first [IdentityBytes], uncompressed.
func StreamSource(kind Kind, path string, ids ...[sha256.Size]byte) Source {
	h := sha256.New()
	for _, id := range ids {
		h.Write(id[:])
	}
	return Source{Kind: kind, Path: path, Identity: hex.EncodeToString(h.Sum(nil))}
}

// StoreSource is what a plan says of the store in the directory dir, with the
// partitions that lie elsewhere, and all its partitions for [Survey.AddStore].
// What stands for the store are the names of all users' directories and the
// sizes of its lists: the same for a copy of it wherever it lies, and other
// when a user is made or goes. What changes inside of a user's mail does not
// matter to a plan.
func StoreSource(dir string, extra ...nms.Partition) (Source, []nms.Partition, error) {
	store, err := nms.Open(dir, extra...)
	if err != nil {
		return Source{}, nil, err
	}
	src := Source{Kind: Store, Path: dir}
	lists := []string{}
	if _, err := os.Stat(filepath.Join(dir, "mboxlist", mboxlist.FolderDB.FileName())); err != nil && store.DataDB != "" {
		src.Kind = NMS
		lists = append(lists, store.DataDB, store.QuotaDB)
	}
	for _, k := range []mboxlist.Kind{mboxlist.FolderDB, mboxlist.QuotaDB, mboxlist.SubscrDB, mboxlist.PeruserDB} {
		if src.Kind == Store {
			lists = append(lists, filepath.Join(dir, "mboxlist", k.FileName()))
		}
	}
	h := sha256.New()
	for _, path := range lists {
		info, err := os.Stat(path)
		if ims.OfMachine(err) {
			return src, nil, err
		}
		if err == nil {
			fmt.Fprintf(h, "list %q %d\n", filepath.Base(path), info.Size())
		}
	}
	for _, p := range store.Partitions {
		fmt.Fprintf(h, "partition %q\n", p.Name)
		err := eachUserDir([]nms.Partition{p}, passOver, func(path, _ string) error {
			_, err := fmt.Fprintf(h, "user %q\n", strings.TrimPrefix(path, filepath.Clean(p.Path)))
			return err
		})
		if err != nil {
			return src, nil, err
		}
	}
	src.Identity = hex.EncodeToString(h.Sum(nil))
	return src, append(store.Partitions, unmounted(store)...), nil
}

// unmounted are the partitions of a store that are not there: symbolic links to
// nothing, and what else the system says nothing of.
func unmounted(store *nms.Store) (out []nms.Partition) {
	dir := filepath.Join(store.Dir, "partition")
	list, _ := os.ReadDir(dir) // nms.Open has read it
	for _, e := range list {
		path := filepath.Join(dir, e.Name())
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if _, elsewhere := store.Partition(e.Name()); !elsewhere {
			out = append(out, nms.Partition{Name: e.Name(), Path: path})
		}
	}
	return out
}

// passOver passes over what cannot be read, which is told by who reads the
// users. An error of the machine would make the identity that of another store.
func passOver(_ string, err error) error {
	if ims.OfMachine(err) {
		return err
	}
	return nil
}

// IsStore tells whether a path is the directory of a store, of whichever
// server.
func IsStore(path string) bool {
	for _, name := range []string{"partition", "mboxlist"} {
		if info, err := os.Stat(filepath.Join(path, name)); err == nil && info.IsDir() {
			return true
		}
	}
	return false
}
