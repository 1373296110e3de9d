package ldifconv

import (
	"fmt"
	"strings"
)

// ParseUserPair reads a line of a map of user ids, "old=new" or "old new" with
// any blanks between: the form that the maps of all programs have. Which ids
// can be is left to those who read the map.
func ParseUserPair(line string) (old, id string, err error) {
	old, id, pair := strings.Cut(line, "=")
	if !pair {
		words := strings.Fields(line)
		switch len(words) {
		case 1:
			return "", "", noNewID(line)
		case 2:
			return words[0], words[1], nil
		}
		return "", "", fmt.Errorf("%.100q is no pair of users, which is old=new, or old and new apart by a blank", line)
	}
	old, id = strings.TrimSpace(old), strings.TrimSpace(id)
	switch {
	case old != "" && id == "":
		return "", "", noNewID(line)
	case old == "" || strings.ContainsAny(old+id, " \t="):
		return "", "", fmt.Errorf("%.100q is not of the form old=new", line)
	}
	return old, id, nil
}

func noNewID(line string) error {
	return fmt.Errorf("%.100q has no new id: a line of a map is old=new, or old and new apart by a blank", line)
}
