package inputs

import (
	"path/filepath"
	"strings"

	"imsconv/cmd/internal/site"
	"imsconv/storeconv/nms"
)

// Elsewhere are the partitions of a store of NMS that lie outside of it, as the
// table relocate names them. Where Maildirs are made that table is not read.
func Elsewhere(s *site.Site, store string) ([]nms.Partition, error) {
	if s.Destination == site.Maildir {
		return nil, nil
	}
	choices, err := s.RelocateChoices()
	if err != nil {
		return nil, err
	}
	return choices.Elsewhere(store)
}

// PartitionOf finds the partition that a path lies in.
func PartitionOf(partitions []nms.Partition, path string) (*nms.Partition, bool) {
	for i := range partitions {
		rel, err := filepath.Rel(partitions[i].Path, path)
		if err == nil && filepath.IsLocal(rel) {
			return &partitions[i], true
		}
	}
	return nil, false
}

// replaced tells whether a path below a store is the folder of a partition
// whose place one elsewhere takes.
func replaced(partitions []nms.Partition, rel string) bool {
	name, ok := strings.CutPrefix(rel, "partition/")
	for i := range partitions {
		if ok && partitions[i].Name == name {
			return true
		}
	}
	return false
}
