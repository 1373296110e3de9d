package flags

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv"
	"imsconv/storeconv/ims"
)

// Users are -u, which selects users and may give them new ids, and -m, which
// gives new ids only.
type Users struct{ file, mapFile string }

// Add declares both flags.
func (u *Users) Add(fs *pflag.FlagSet) {
	u.addFile(fs, "; \"old new\" or \"old=new\" gives a new id")
	fs.StringVarP(&u.mapFile, "map", "m", "", "new ids of users: `MAPFILE` with lines \"old=new\" or \"old new\" (- for standard input)")
	cli.Reads(fs, "map")
}

// AddSelection declares -u alone, where nobody gets a new id.
func (u *Users) AddSelection(fs *pflag.FlagSet) { u.addFile(fs, "; nobody gets a new id") }

func (u *Users) addFile(fs *pflag.FlagSet, more string) {
	fs.StringVarP(&u.file, "users", "u", "", "only the users in `USERFILE`, one a line (- for standard input)"+more)
	cli.Reads(fs, "users")
}

// Names is what user files and map files say.
type Names struct {
	Order  []string          // the selected users, as the source has them, in the order of the file
	Select map[string]bool   // the same as a set; nil: all users
	Map    map[string]string // new ids by old ones; ids that stay as they are not in it
	Named  []string          // every user that either file names, as the source has them
}

// Selected says whether a user takes part; nil means that all do.
func (n *Names) Selected() func(id string) bool {
	if n.Select == nil {
		return nil
	}
	return func(id string) bool { return n.Select[id] }
}

// NewID gives the new id of a user; nil means that none has one.
func (n *Names) NewID() func(id string) string {
	if len(n.Map) == 0 {
		return nil
	}
	return func(id string) string {
		if to, ok := n.Map[id]; ok {
			return to
		}
		return id
	}
}

// Read reads the files that were given; gzip and LZ4 are undone. A line that is
// none is told to the job as a problem and left out; a file of another kind, or
// with no user in it, is an error.
func (u *Users) Read(job *cli.Job) (Names, error) {
	n := Names{Map: make(map[string]string)}
	if u.file != "" {
		n.Select = make(map[string]bool)
		err := readNames(job, u.file, parseName, func(old, id string) {
			n.Select[old] = true
			n.Order = append(n.Order, old)
			n.rename(old, id)
		})
		if err != nil {
			return n, err
		}
	}
	if u.mapFile == "" {
		return n, nil
	}
	return n, readNames(job, u.mapFile, parsePair, n.rename)
}

// ReadUsers reads a file as -u takes it.
func ReadUsers(job *cli.Job, path string) (Names, error) {
	u := Users{file: path}
	return u.Read(job)
}

func (n *Names) rename(old, id string) {
	n.Named = append(n.Named, old)
	if old == id {
		delete(n.Map, old)
		return
	}
	n.Map[old] = id
}

// readNames reads lines of one form, which parse knows.
func readNames(job *cli.Job, path string, parse func(string) (old, id string, err error), use func(old, id string)) error {
	in, err := job.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	seen := make(map[string]string) // the id by the name
	err = scanNames(in, func(line int, text string) {
		where := fmt.Sprintf("%s:%d", in.Name, line)
		old, id, fault := parse(text)
		first, known := seen[old]
		switch {
		case fault != nil:
			job.Problem("user-file", where, fault.Error())
		case known && first == id:
			job.Warning("user-file", where, fmt.Sprintf("user %q is named twice, in the same way", old))
		case known:
			job.Problem("user-file", where, fmt.Sprintf("user %q is named twice: the first line counts", old))
		default:
			seen[old] = id
			use(old, id)
		}
	})
	if err != nil {
		return fmt.Errorf("%s: %w", in.Name, err)
	}
	if len(seen) == 0 {
		return fmt.Errorf("%s: names no user", in.Name)
	}
	return nil
}

// ListedAs tells whether a line of a file of users can name a user of that id,
// and a store can have it.
func ListedAs(id string) bool {
	if id == "" || id[0] == '#' || len(id) >= maxNameLine || foreign([]byte(id)) != "" || ims.CheckUserID(id) != nil {
		return false
	}
	old, _, err := parseName(id)
	return err == nil && old == id
}

// maxNameLine is how long a line of a user file may be, in bytes.
const maxNameLine = 4096

// scanNames gives the lines of a file of users, without blanks around. Empty
// lines and lines that start with # are passed over, and so is a byte order
// mark.
func scanNames(r io.Reader, use func(line int, text string)) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, maxNameLine), maxNameLine)
	for n := 1; sc.Scan(); n++ {
		raw := sc.Bytes()
		if n == 1 {
			raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
			if kind := foreign(raw); kind != "" {
				return fmt.Errorf("%s, no file of users", kind)
			}
		}
		if bytes.IndexByte(raw, 0) >= 0 {
			return fmt.Errorf("line %d: binary data, no file of users", n)
		}
		text := strings.TrimSpace(string(raw))
		if text == "" || text[0] == '#' {
			continue
		}
		use(n, text)
	}
	if errors.Is(sc.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("a line of over %d bytes: no file of users", maxNameLine)
	}
	return sc.Err()
}

// foreign names the kind of a file that begins with another format's marks.
func foreign(first []byte) string {
	lower := bytes.ToLower(first)
	switch {
	case bytes.HasPrefix(lower, []byte("dn:")), bytes.HasPrefix(lower, []byte("version:")):
		return "an LDIF file"
	case bytes.HasPrefix(first, []byte("From ")):
		return "an mbox file"
	case bytes.HasPrefix(first, []byte("VERSION=")):
		return "a database in the text form of db_dump"
	}
	return ""
}

// parseName reads a line of a file of users: a user, or a pair as in a map.
func parseName(text string) (old, id string, err error) {
	words := strings.Fields(text)
	switch {
	case strings.Contains(text, "=") || len(words) == 2:
		return parsePair(text)
	case len(words) == 1:
		return words[0], words[0], nil
	}
	return "", "", fmt.Errorf("%q is neither a user nor a pair of users", text)
}

// parsePair reads a line of a map.
func parsePair(text string) (old, id string, err error) {
	if old, id, err = ldifconv.ParseUserPair(text); err != nil {
		return "", "", err
	}
	return checkName(old, id)
}

// checkName refuses a new id that no store can have.
func checkName(old, id string) (string, string, error) {
	if old == id {
		return old, id, nil
	}
	if err := ims.CheckUserID(id); err != nil {
		return "", "", fmt.Errorf("new id of %s: %w", old, err)
	}
	return old, id, nil
}
