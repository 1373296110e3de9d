package verify

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"imsconv/dbconv/mboxlist"
)

// naming is what new ids are judged by.
type naming struct {
	reverse map[string][]string // old ids by new ones, of the map
	seed    maphash.Seed
	listed  []uint64          // hashes of the users that have records, sorted; only when users are renamed
	fixed   map[string]string // renamed users who have a record that cannot be changed, and its key
}

func (n *naming) turn(renames map[string]string) {
	n.reverse, n.fixed, n.seed = make(map[string][]string), make(map[string]string), maphash.MakeSeed()
	for old, to := range renames {
		if old != to {
			n.reverse[to] = append(n.reverse[to], old)
		}
	}
}

// readNames reads, when users are renamed, which users have records, and which
// of these records no one can rewrite: of a form that is not understood, with
// the old id in it.
func (s *source) readNames(ctx context.Context) error {
	if s.data == nil || s.opts.Domain == "" && len(s.opts.Map) == 0 {
		return nil
	}
	err := s.data.each(ctx, func(key string, value []byte) error {
		id, _, ok := mboxlist.SplitKey(key)
		if !ok {
			return nil
		}
		if h := maphash.String(s.seed, id); len(s.listed) == 0 || s.listed[len(s.listed)-1] != h {
			s.listed = append(s.listed, h)
		}
		if s.newID(id) == id || !bytes.Contains(value, []byte(id)) {
			return nil
		}
		if _, err := mboxlist.ParseFolder(value); err != nil {
			s.fixed[id] = key
		}
		return nil
	})
	slices.Sort(s.listed)
	s.listed = slices.Compact(s.listed)
	return err
}

// newID is the id that a user of the source gets.
func (s *source) newID(id string) string {
	if to, ok := s.opts.Map[id]; ok {
		return to
	}
	if s.opts.Domain != "" && !strings.Contains(id, "@") {
		return id + "@" + s.opts.Domain
	}
	return id
}

// oldIDs are the ids of the source that become id.
func (s *source) oldIDs(id string) []string {
	old := slices.Sorted(slices.Values(s.reverse[id]))
	for _, try := range []string{id, strings.TrimSuffix(id, "@"+s.opts.Domain)} {
		if s.newID(try) == id && !slices.Contains(old, try) {
			old = append(old, try)
		}
	}
	return old
}

// exists tells whether the source has a user of that id: a directory, or a
// record.
func (s *source) exists(id string) bool {
	if _, ok := slices.BinarySearch(s.listed, maphash.String(s.seed, id)); ok {
		return true
	}
	if _, ok := s.data.get(fullName(id, inbox)); ok {
		return true
	}
	return slices.ContainsFunc(s.parts, func(p *part) bool { return p.hasDirectory(id, inbox) })
}

// refusal says why a user of the source does not go over, or "".
func (s *source) refusal(id string) string {
	to := s.newID(id)
	if err := checkStoreUser(to); err != nil {
		return err.Error()
	}
	if to == id {
		return ""
	}
	if key, ok := s.fixed[id]; ok {
		return fmt.Sprintf("cannot become %q: the value of its record %s names it in a form that is not understood", to, label(key))
	}
	for _, other := range s.oldIDs(to) {
		// A user of the map has a claim though the source may not have it.
		if other != id && (s.opts.Map[other] == to && other != to || s.exists(other)) {
			return fmt.Sprintf("the new id %q is that of user %s too", to, other)
		}
	}
	return ""
}

// identifier renames a user in an access control list; a hyphen in front takes
// rights away. Who is no user of the source keeps the name. With lax, so that
// of a user who does not go over is renamed, as a run does that is not about
// this user.
func (s *source) identifier(who string, lax bool) string {
	id, minus := strings.CutPrefix(who, "-")
	to := s.newID(id)
	if _, mapped := s.opts.Map[id]; id == "" || to == id || !mapped && (checkStoreUser(id) != nil || !s.exists(id)) {
		return who
	}
	if !lax && s.refusal(id) != "" {
		return who
	}
	if minus {
		return "-" + to
	}
	return to
}

// folderValue is what the store must have of the value of a record of data.db2.
// The rights of two identifiers that become one are joined.
func (s *source) folderValue(value []byte, lax bool) []byte {
	if _, err := mboxlist.ParseFolder(value); err != nil {
		return value
	}
	fields := strings.Split(string(value), "\t")
	renamed := false
	if p := s.partOf(fields[0]); p != nil {
		renamed = p.newName != fields[0]
		fields[0] = p.newName
	}
	for i := 1; i < len(fields); i += 2 {
		to := s.identifier(fields[i], lax)
		renamed = renamed || to != fields[i]
		fields[i] = to
	}
	if renamed {
		fields = joinRights(fields)
	}
	return []byte(strings.Join(fields, "\t"))
}

// joinRights gives every identifier of an access control list one entry, with
// the rights of all that it has.
func joinRights(fields []string) []string {
	for i := 1; i+1 < len(fields); i += 2 {
		for j := i + 2; j+1 < len(fields); {
			if fields[j] != fields[i] {
				j += 2
				continue
			}
			for _, right := range fields[j+1] {
				if !strings.ContainsRune(fields[i+1], right) {
					fields[i+1] += string(right)
				}
			}
			fields = slices.Delete(fields, j, j+2)
		}
	}
	return fields
}

// partitionOf reads the partition out of a record's value; known is false when
// its form is not understood.
func partitionOf(value []byte) (name string, known bool) {
	f, err := mboxlist.ParseFolder(value)
	return f.Partition, err == nil
}

// label is a key as messages show it: one of odd bytes is quoted, a long one
// cut.
func label(key string) string {
	const most = 200
	if len(key) > most {
		return fmt.Sprintf("%.100q...", key)
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		return fmt.Sprintf("%q", key)
	}
	return key
}
