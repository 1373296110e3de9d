package backup

import (
	"os"
	"path/filepath"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// tellUnfinished tells of a run that has not ended: what it has not put in
// place is in no mailbox yet, and so in no backup.
func tellUnfinished(store string, log storeconv.Log) {
	if _, err := os.Lstat(filepath.Join(store, ims.WorkDir)); err == nil {
		log.Problem("unfinished", ims.WorkDir,
			"a run has left its work directory, or still goes on: mail may be missing from this backup; the same command again finishes it")
	}
}
