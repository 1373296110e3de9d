package selection

import (
	"maps"
	"strings"
)

// CommonRights returns the rights that both of two lists give, in the form of
// an index, and takes away what either takes away. The owner has what either
// gives him: all of it is his. same tells that the two say the same.
func CommonRights(owner, first, second string) (both string, same bool) {
	a, order := rightsByName(first)
	b, more := rightsByName(second)
	if maps.EqualFunc(a, b, sameLetters) {
		return first, true
	}
	var out []string
	for _, who := range append(order, more...) {
		rights := keepLetters(a[who], b[who])
		if who == owner || strings.HasPrefix(who, "-") {
			rights = addLetters(a[who], b[who])
		}
		if rights != "" {
			out = append(out, who, rights)
		}
		delete(a, who) // it may be in the other list too
		delete(b, who)
	}
	return strings.Join(out, "\t"), false
}

// rightsByName are the rights of each identifier of a list, and the identifiers
// in their order.
func rightsByName(acl string) (rights map[string]string, order []string) {
	rights = make(map[string]string)
	fields := strings.Split(acl, "\t")
	for i := 0; i+1 < len(fields); i += 2 {
		who := fields[i]
		if _, known := rights[who]; !known {
			order = append(order, who)
		}
		rights[who] = addLetters(rights[who], fields[i+1])
	}
	return rights, order
}

func sameLetters(a, b string) bool { return addLetters(a, b) == a && addLetters(b, a) == b }

// addLetters appends the letters of b that a has not.
func addLetters(a, b string) string {
	for _, c := range b {
		if !strings.ContainsRune(a, c) {
			a += string(c)
		}
	}
	return a
}

// keepLetters are the letters of a that b has too.
func keepLetters(a, b string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(b, c) {
			return c
		}
		return -1
	}, a)
}
