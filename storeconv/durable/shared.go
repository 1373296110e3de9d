package durable

import "imsconv/storeconv/ims"

// Directories of .imsconv that belong to no run: what exports have to remember,
// what they have committed for users whom the destination has already, and the
// records of the runs that made parts of the store.
const (
	ExportedDir = "exported"
	PendingDir  = "pending"
	ShardsDir   = ims.ShardsDir
)

func isShared(name string) bool {
	return name == ExportedDir || name == PendingDir || name == ShardsDir
}
