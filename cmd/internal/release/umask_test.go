package main

import "golang.org/x/sys/unix"

// umask sets what new files may not have, and returns what was set before.
func umask(mask int) int { return unix.Umask(mask) }
