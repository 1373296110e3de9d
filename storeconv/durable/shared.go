package durable

// Directories of .imsconv that belong to no run: what exports have to remember,
// and what they have committed for users whom the destination has already.
const (
	ExportedDir = "exported"
	PendingDir  = "pending"
)

func isShared(name string) bool { return name == ExportedDir || name == PendingDir }
