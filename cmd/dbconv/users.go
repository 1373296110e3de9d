package main

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/ims"
)

// users are the flags that select and rename users.
type users struct {
	mapFile, userFile string
	named             []string // the ids of both files, once they were read
}

func (u *users) add(fs *pflag.FlagSet) {
	fs.StringVarP(&u.mapFile, "map", "m", "", "rename users as `FILE` says: \"old new\" or \"old=new\" a line")
	fs.StringVarP(&u.userFile, "users", "u", "", "only the users that `FILE` names, one a line, also as \"old new\" or \"old=new\"")
}

// read returns which users go over (nil: all) and their new ids (nil: as they
// are).
func (u *users) read() (selected func(id string) bool, rename func(id string) string, err error) {
	renamed := make(map[string]string)
	if u.mapFile != "" {
		lines, err := readUsers(u.mapFile)
		if err != nil {
			return nil, nil, err
		}
		for _, l := range lines {
			renamed[l.Old] = l.New
			u.named = append(u.named, l.Old)
		}
	}
	if u.userFile != "" {
		lines, err := readUsers(u.userFile)
		if err != nil {
			return nil, nil, err
		}
		chosen := make(map[string]struct{}, len(lines))
		for _, l := range lines {
			chosen[l.Old] = struct{}{}
			u.named = append(u.named, l.Old)
			if l.New != l.Old {
				renamed[l.Old] = l.New
			}
		}
		selected = func(id string) bool { _, ok := chosen[id]; return ok }
	}
	for old, id := range renamed {
		if err := ims.CheckUserID(id); err != nil {
			return nil, nil, fmt.Errorf("new id of %s: %w", old, err)
		}
		if old == id {
			delete(renamed, old)
		}
	}
	if len(renamed) > 0 {
		rename = func(id string) string {
			if to, ok := renamed[id]; ok {
				return to
			}
			return id
		}
	}
	return selected, rename, nil
}

func readUsers(path string) ([]cli.UserLine, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return cli.ReadUsers(f, path)
}
