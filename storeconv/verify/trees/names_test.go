package trees

import (
	"testing"
	"unicode/utf8"

	"imsconv/storeconv/maildir"
)

// FuzzUTF7Twice: names in UTF-8 become the same name in both readings, and
// those that are not beyond doubt stay in both.
func FuzzUTF7Twice(f *testing.F) {
	for _, name := range []string{"Entwürfe", "a/日本", "R&D", "ü & b-c", "😀&", "Entw&APw-rfe ä", "ä&-b", "&AGE-ä", "&2D3eAA-", "&2D0-ö", "a&b&APw-ü", "&&-", "&AAE-", "&AH8-ü", "&APw", "&APx-", "\u0080&", "&ZeVn,IqeA-ä"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !utf8.ValidString(name) || storable(name) != name { // such are changed before, or stay
			return
		}
		first, ok := maildir.FromUTF8(name)
		if second := utf7(name); second != first {
			t.Errorf("%q: %q, and %q", name, first, second)
		}
		if back, again := maildir.FromUTF8(first); ok && (!again || back != first) {
			t.Errorf("%q: %q, and of that %q", name, first, back)
		}
	})
}

// TestManyOfOneName: names that become one are told apart with as little work
// for the last as for the first.
func TestManyOfOneName(t *testing.T) {
	const many = 2000
	n := testing.AllocsPerRun(1, func() {
		dirs := make([]string, many)
		for i := range dirs {
			dirs[i] = "."
			for n := i; len(dirs[i]) < 9; n /= 3 {
				dirs[i] += "%*?"[n%3 : n%3+1]
			}
		}
		u := &maildirUser{writer: &writer{}, naming: maildir.Naming{}}
		for i, b := range u.named(dirs) {
			if len(b.name) != 8+i {
				t.Fatalf("mailbox %d has a name of %d bytes", i, len(b.name))
			}
		}
	})
	if n > 100*many {
		t.Errorf("%v allocations for %d names", n, many)
	}
}
