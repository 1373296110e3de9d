package restore

import "sort"

// uidRanges is a set of UIDs as ascending ranges.
type uidRanges []uidRange

type uidRange struct{ lo, hi uint32 }

// add adds a UID and tells whether it was new.
func (u *uidRanges) add(uid uint32) bool {
	s := *u
	n := len(s)
	if n > 0 && uid == s[n-1].hi+1 && uid != 0 {
		s[n-1].hi = uid
		return true
	}
	if n == 0 || uid > s[n-1].hi {
		*u = append(s, uidRange{uid, uid})
		return true
	}
	i := u.find(uid)
	if s[i].lo <= uid {
		return false
	}
	left := i > 0 && s[i-1].hi+1 == uid
	right := s[i].lo == uid+1
	switch {
	case left && right:
		s[i-1].hi = s[i].hi
		*u = append(s[:i], s[i+1:]...)
	case left:
		s[i-1].hi = uid
	case right:
		s[i].lo = uid
	default:
		s = append(s, uidRange{})
		copy(s[i+1:], s[i:])
		s[i] = uidRange{uid, uid}
		*u = s
	}
	return true
}

// find returns the first range that does not end before uid.
func (u uidRanges) find(uid uint32) int {
	return sort.Search(len(u), func(i int) bool { return u[i].hi >= uid })
}

func (u uidRanges) has(uid uint32) bool {
	i := u.find(uid)
	return i < len(u) && u[i].lo <= uid
}

// max returns the highest UID, 0 when there is none.
func (u uidRanges) max() uint32 {
	if len(u) == 0 {
		return 0
	}
	return u[len(u)-1].hi
}
