package carry

import (
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
)

// FinishDirectories gives directories of a store, which its trees share, the
// modes and times that their models have: directories of a source, by their
// paths. Those of one depth are finished at the same time, the deepest first.
// Unless root keeps the source's owners, their owner may always enter and
// write, for the next batch. What is not there is passed over.
func FinishDirectories(store *durable.Store, owner *storeconv.Owner, jobs int, dirs iter.Seq[string], model func(dir string) string) error {
	byDepth := make(map[int][]string)
	deepest := 0
	for dir := range dirs {
		depth := strings.Count(dir, "/")
		byDepth[depth] = append(byDepth[depth], dir)
		deepest = max(deepest, depth)
	}
	for depth := deepest; depth >= 0; depth-- {
		level := byDepth[depth]
		var group errgroup.Group
		for some := range slices.Chunk(level, max(1, (len(level)+jobs-1)/jobs)) {
			group.Go(func() error {
				c := durable.Cloner{FS: store.FS(), Owner: owner}
				for _, dir := range some {
					if err := c.Directory(model(dir), store.FD(), dir); err != nil {
						return fmt.Errorf("%s: %w", filepath.Join(store.Name(), dir), err)
					}
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}
