package batches

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"imsconv/cmd/internal/cli"
)

// The files of a batch, in OUT/batches/NAME.
const (
	Folder = "batches"

	UsersName   = "users.txt"
	LockName    = "lock.changes.ldif"
	SavedName   = "saved.ldif"
	UnlockName  = "unlock.changes.ldif"
	UndoName    = "undo.changes.ldif"
	EntriesName = "entries.ldif" // of the users, as they were before
	HoldName    = "hold.sh"
	mostNameLen = 64
)

// CheckName refuses a name that is no plain word: it is a folder, and
// stands in command lines.
func CheckName(name string) error {
	plain := strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
	if len(name) > mostNameLen {
		return cli.Usagef("--batch %.20q...: a name of %d bytes; it may have %d", name, len(name), mostNameLen)
	}
	if !plain || name == "" || strings.ContainsAny(name[:1], "-_.") {
		return cli.Usagef("--batch %q: a name is of letters, digits, - _ and ., and begins with a letter or digit", name)
	}
	return nil
}

// Dir is the folder of a batch.
func Dir(out, name string) string { return filepath.Join(out, Folder, name) }

// Names are the batches of an output folder, by name.
func Names(out string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(out, Folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && CheckName(e.Name()) == nil {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// ReadUsers reads the list of a batch, or of a split; nil when there is none
// yet.
func ReadUsers(path string) ([]string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	users := []string{}
	for lines := bufio.NewScanner(f); ; {
		if !lines.Scan() {
			if err := lines.Err(); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			return users, nil
		}
		if id := strings.TrimSpace(lines.Text()); id != "" {
			users = append(users, id)
		}
	}
}

// Lock keeps other runs from choosing users at the same time: two of
// them would take the same ones. It waits until they are done.
func Lock(ctx context.Context, out string) (unlock func(), err error) {
	f, err := os.Open(out)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if err != unix.EWOULDBLOCK && err != unix.EINTR {
			f.Close()
			return nil, fmt.Errorf("%s: %w", out, err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
