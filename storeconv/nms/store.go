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
// extra; one of the name of a directory under partition/ takes its place.
func Open(dir string, extra ...Partition) (*Store, error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s: %w: not a directory", dir, ErrNotStore)
	}
	s := &Store{
		Dir:     dir,
		DataDB:  existing(filepath.Join(dir, "mboxlist", "data.db2")),
		QuotaDB: existing(filepath.Join(dir, "quota.db2"), filepath.Join(dir, "mboxlist", "quota.db2")),
		UserDir: existing(filepath.Join(dir, "user")),
	}
	if other := existing(filepath.Join(dir, "mboxlist", "quota.db2")); other != s.QuotaDB {
		s.SecondDB = other
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

func existing(paths ...string) string {
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return ""
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
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			s.Partitions = append(s.Partitions, Partition{Name: entry.Name(), Path: path})
		}
	}
	return nil
}

func (s *Store) addPartition(p Partition) error {
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

// Partition returns the partition of that name.
func (s *Store) Partition(name string) (Partition, bool) {
	for _, p := range s.Partitions {
		if p.Name == name {
			return p, true
		}
	}
	return Partition{}, false
}

// IsMessageDir reports whether name is that of a message directory: two decimal
// digits.
func IsMessageDir(name string) bool {
	return len(name) == 2 && isDigit(name[0]) && isDigit(name[1])
}

// IsMessage reports whether name is that of a message file.
func IsMessage(name string) bool { return strings.HasSuffix(name, ".msg") && len(name) > len(".msg") }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
