package maildirs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/verify"
)

// claims are the users of a source by the places of their Maildirs. Of several
// who have one place, by the ids that they get, the mail of one is there: of
// the one whom the export's list names, else of the first who was chosen.
type claims struct {
	v      *verifier
	names  *verify.Choice // what anybody of the source is called
	chosen *verify.Choice // whom the export has taken, in all of its parts
	places map[string][]claimant

	once   sync.Once
	listed map[string]string // by the export, users of the source by place
}

// claimant is a user of the source with a place.
type claimant struct {
	source, id string
	chosen     bool
}

func (v *verifier) newClaims() (*claims, error) {
	sel := v.opts.Selection
	sel.Shard = storeconv.Shard{}
	choose := verify.Choose
	if v.opts.Store != "" {
		choose = verify.ChooseOfStore
	}
	chosen, err := choose(sel)
	if err != nil {
		return nil, err
	}
	names, err := verify.Choose(storeconv.Selection{Map: sel.Map, Domain: sel.Domain, Encoding: sel.Encoding})
	return &claims{v: v, names: names, chosen: chosen, places: make(map[string][]claimant)}, err
}

// add notes a user, and returns his number among those of his place. One who
// has no place is looked for nowhere, and told there. Of a store the partitions
// are those in which he is.
func (c *claims) add(source string, partitions ...string) (number int) {
	id, _, err := c.names.User(source)
	if err != nil {
		return 0
	}
	path, err := c.v.place.of(id)
	if err != nil {
		return 0
	}
	all := c.places[path]
	if i := slices.IndexFunc(all, func(o claimant) bool { return o.source == source }); i >= 0 {
		return i
	}
	_, chosen, _ := c.chosen.User(source)
	for _, p := range partitions {
		_, here, _ := c.chosen.UserIn(p, source)
		chosen = chosen || here
	}
	c.places[path] = append(all, claimant{source, id, chosen})
	return len(all)
}

// of are the users who have the place of an id, and the number of the one whose
// mail is there. All users of the source have been noted.
func (c *claims) of(id string) (all []claimant, owner int) {
	path, err := c.v.place.of(id)
	if all = c.places[path]; err != nil || len(all) < 2 {
		return all, 0
	}
	c.once.Do(func() { c.listed = c.v.listedSources() })
	owner = slices.IndexFunc(all, func(o claimant) bool { return onLine(o.source) == c.listed[path] })
	if owner < 0 {
		owner = max(slices.IndexFunc(all, func(o claimant) bool { return o.chosen }), 0)
	}
	return all, owner
}

// refused is a user whose place is another's.
func (c *claims) refused(all []claimant, owner, refused int) *user {
	text := "another user of the source has the id " + all[refused].id + " too, and the mail of two is not put together: map gives one of them another id"
	if all[owner].id != all[refused].id {
		text = "his place is that of user " + all[owner].source
	}
	return refusedUser("no-place", all[refused].source, text)
}

// refusedUser is a user of the source of whom no more is to be said.
func refusedUser(kind, source, text string) *user {
	return &user{refused: &storeconv.Note{Severity: storeconv.Problem, Kind: kind, Where: "user " + source, Text: text}}
}

// onLine is a user of a source as a list of an export has him on a line.
func onLine(source string) string {
	q := strconv.Quote(source)
	return q[1 : len(q)-1]
}

// listedSources are the users of the source whose mail an export has put at
// each place, by the lists that it keeps of them.
func (v *verifier) listedSources() map[string]string {
	sources := make(map[string]string)
	dir, err := openDir(v.root, ".imsconv/exported")
	if err != nil {
		return sources // no list says anything
	}
	defer unix.Close(dir)
	entries, _ := readDir(dir, "") // likewise
	head := make([]byte, 4096)
	for _, e := range entries {
		f, _, err := openFile(dir, e.name)
		if err != nil {
			continue
		}
		n, _ := f.Read(head)
		f.Close() // opened for reading
		lines, _, _ := strings.Cut(string(head[:n]), "\n\n")
		said := make(map[string]string)
		for line := range strings.Lines(lines) {
			word, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			said[word] = value
		}
		sources[said["place"]] = said["source"]
	}
	return sources
}

// keyOf is the id of a user in the keys of records: those who share an id are
// kept apart.
func keyOf(id string, number int) string {
	if number == 0 {
		return id
	}
	return fmt.Sprintf("%s\x01%d", id, number)
}

// ofKey takes such a key apart.
func ofKey(key string) (id string, number int) {
	id, text, _ := strings.Cut(key, "\x01")
	number, _ = strconv.Atoi(text) // none is 0
	return id, number
}
