package durable

import "path/filepath"

// RealPath is the absolute form of a path with symbolic links followed as far
// as it exists.
func RealPath(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return filepath.Clean(path)
	}
	return realPath(abs)
}

func realPath(abs string) string {
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real
	}
	if parent := filepath.Dir(abs); parent != abs {
		return filepath.Join(realPath(parent), filepath.Base(abs))
	}
	return abs
}

// Nest tells whether two paths are the same, or one lies inside the other, once
// symbolic links have been followed. They need not exist.
func Nest(a, b string) bool {
	a, b = RealPath(a), RealPath(b)
	return within(a, b) || within(b, a)
}

// Within tells whether a path is a folder or lies inside it, once symbolic
// links have been followed. Neither need exist.
func Within(folder, path string) bool { return within(RealPath(folder), RealPath(path)) }

func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
