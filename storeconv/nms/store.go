package nms

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// UserRoot is the directory of a partition that holds the users.
const UserRoot = "=user"

// HashLevels is how many directories lie between UserRoot and a user.
const HashLevels = 2

// Store is an NMS store found on disk.
type Store struct {
	Dir        string
	DataDB     string      // mboxlist/data.db2; empty when there is none
	QuotaDB    string      // quota.db2, in the store or in mboxlist; empty when there is none
	SecondDB   string      // the other quota.db2 when both places have one, else empty
	UserDir    string      // user, the subscriptions; empty when there is none
	Partitions []Partition // by name
}

// Partition is a directory that holds =user.
type Partition struct {
	Name string
	Path string
}

// ErrNotStore is wrapped by the error of Open when the directory holds nothing
// of a store.
var ErrNotStore = errors.New("no NMS store")

// Open finds the parts of the store in dir. Partitions elsewhere are passed as
// extra; one of the name of a directory under partition/ takes its place. A
// part that may be there and cannot be looked at, for want of a right to search
// the folder, is an error and not a part that is missing.
func Open(dir string, extra ...Partition) (*Store, error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s: %w: not a directory", dir, ErrNotStore)
	}
	s := &Store{Dir: dir}
	other := filepath.Join(dir, "mboxlist", "quota.db2")
	for _, part := range []struct {
		at    *string
		paths []string
	}{
		{&s.DataDB, []string{filepath.Join(dir, "mboxlist", "data.db2")}},
		{&s.QuotaDB, []string{filepath.Join(dir, "quota.db2"), other}},
		{&s.UserDir, []string{filepath.Join(dir, "user")}},
		{&s.SecondDB, []string{other}},
	} {
		var err error
		if *part.at, err = existing(part.paths...); err != nil {
			return nil, err
		}
	}
	if s.SecondDB == s.QuotaDB {
		s.SecondDB = ""
	}
	if err := s.findPartitions(); err != nil {
		return nil, err
	}
	for _, p := range extra {
		if err := s.addPartition(p); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(s.Partitions, func(a, b Partition) int { return strings.Compare(a.Name, b.Name) })
	if len(s.Partitions) == 0 && s.DataDB == "" {
		return nil, fmt.Errorf("%s: %w: neither partition/*/%s nor mboxlist/data.db2", dir, ErrNotStore, UserRoot)
	}
	return s, nil
}

// existing is the first path that leads to something, or "".
func existing(paths ...string) (string, error) {
	for _, p := range paths {
		switch _, err := os.Stat(p); {
		case err == nil:
			return p, nil
		case errors.Is(err, fs.ErrPermission):
			return "", err
		}
	}
	return "", nil
}

func (s *Store) findPartitions() error {
	list, err := os.ReadDir(filepath.Join(s.Dir, "partition"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range list {
		path := filepath.Join(s.Dir, "partition", entry.Name())
		// Stat follows: a partition may be a symbolic link to another disk.
		info, err := os.Stat(path)
		if err == nil && info.IsDir() {
			_, err = os.Stat(filepath.Join(path, UserRoot))
			s.Partitions = append(s.Partitions, Partition{Name: entry.Name(), Path: path})
		}
		if errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

func (s *Store) addPartition(p Partition) error {
	if _, err := os.Stat(filepath.Join(p.Path, UserRoot)); errors.Is(err, fs.ErrPermission) {
		return err
	}
	if !IsPartition(p.Path) {
		return fmt.Errorf("%s: not a partition: no %s directory there", p.Path, UserRoot)
	}
	for i := range s.Partitions {
		if s.Partitions[i].Name == p.Name {
			s.Partitions[i].Path = p.Path
			return nil
		}
	}
	s.Partitions = append(s.Partitions, p)
	return nil
}

// IsPartition reports whether path is a directory with =user in it.
func IsPartition(path string) bool {
	info, err := os.Stat(filepath.Join(path, UserRoot))
	return err == nil && info.IsDir()
}

// Readable tells whether the databases, the subscriptions and the folders of
// users can be opened by whoever runs this; the error is of the first that
// cannot.
func (s *Store) Readable() error {
	paths := []string{s.DataDB, s.QuotaDB, s.UserDir}
	for _, p := range s.Partitions {
		paths = append(paths, filepath.Join(p.Path, UserRoot))
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrPermission) {
			return err
		}
		if err == nil {
			f.Close() // opened for reading
		}
	}
	return nil
}

// Partition returns the partition of that name.
func (s *Store) Partition(name string) (Partition, bool) {
	for _, p := range s.Partitions {
		if p.Name == name {
			return p, true
		}
	}
	return Partition{}, false
}

// IsMessage reports whether name is that of a message file.
func IsMessage(name string) bool { return strings.HasSuffix(name, ".msg") && len(name) > len(".msg") }
