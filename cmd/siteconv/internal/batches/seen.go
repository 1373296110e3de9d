package batches

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/roster"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/ldifconv/ldif"
)

// Seen is what an export says of the users of all batches, and who is in none.
type Seen struct {
	Left     []string   // users of no batch who are on the old host
	Unlisted []Unlisted // on the old host, and no list can have them
	Others   Set        // all users of no batch
	// Gone are users whom the export has no more: of batches, whose entries the
	// lock has kept, and of the old host, whom the folder's own directory has.
	Gone Set
	// GoneLists are mail lists of the old host, by their DNs, that the folder's
	// own directory has and the export has no more.
	GoneLists []string

	where map[string]place // of users of batches, by lower-case id
}

// Unlisted is a user who can be in no batch.
type Unlisted struct {
	ID   string `json:"id"` // in the store; "" of an entry without a uid
	DN   string `json:"dn"`
	Line int    `json:"line"` // of the export
	Why  string `json:"why"`
}

// UpgradedName is the whole directory in an output folder, as it was when the
// migration began, but for the domains.
const UpgradedName = "ldif/upgraded.ldif"

// place is where the entry of a user says that it is.
type place struct {
	id     string // in the store, as the export has it
	side   site.Side
	locked bool
	before bool // on the new host, with a lock that is older than the batch
}

// moved says whether nothing is left to be done for the user: the unlock gives
// back a lock that is older than the batch.
func (p place) moved() bool { return p.side == site.NewSide && (!p.locked || p.before) }

// Look reads the export for the users of the batches of an output folder.
func Look(ctx context.Context, job *cli.Job, log inputs.Teller, out string, export inputs.Export, hosts site.Hosts) (*Seen, error) {
	of, err := Of(out, "")
	if err != nil {
		return nil, err
	}
	s := &Seen{where: map[string]place{}, Others: Set{}, Gone: Set{}}
	unlisted := Set{}
	export.Unlisted = func(m *roster.Member, why string) {
		unlisted.Add(m.ID)
		if hosts.Side(site.MailHost(m.Record.Get("mailhost"))) == site.OldSide {
			s.Unlisted = append(s.Unlisted, Unlisted{ID: m.ID, DN: strings.ToValidUTF8(m.DN, "\uFFFD"), Line: m.Line, Why: why})
		}
	}
	_, err = export.EachUser(ctx, job, log, "", func(m *roster.Member) error {
		at := hosts.Side(site.MailHost(m.Record.Get("mailhost")))
		id := strings.ToLower(m.ID)
		if _, ok := of[id]; ok {
			s.where[id] = place{id: m.ID, side: at, locked: IsLocked(m.Record)}
			return nil
		}
		s.Others.Add(m.ID)
		if at == site.OldSide {
			s.Left = append(s.Left, m.ID)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	export.Unlisted = nil
	if err := s.lookForGone(ctx, job, out, export, hosts, of, unlisted); err != nil {
		return nil, err
	}
	return s, s.lookBefore(ctx, out, export, of)
}

// lookForGone finds the users that the export has no more. Either they were
// deleted, or it is not the whole directory.
func (s *Seen) lookForGone(ctx context.Context, job *cli.Job, out string, export inputs.Export, hosts site.Hosts, of map[string]string, unlisted Set) error {
	known := func(id string) bool {
		_, met := s.where[strings.ToLower(id)]
		return id == "" || met || s.Others.Has(id) || unlisted.Has(id)
	}
	names := map[string]bool{} // of the batches with users who have no entry
	for id, name := range of {
		if !known(id) {
			names[name] = true
		}
	}
	for name := range names {
		err := eachEntryOf(ctx, filepath.Join(Dir(out, name), EntriesName), func(rec *ldif.Record) {
			if id := export.ID(rec); !known(id) {
				s.Gone.Add(id)
			}
		})
		if err != nil {
			return err
		}
	}
	first := export
	first.Input = &inputs.Input{Role: "ldif", Name: UpgradedName, Path: filepath.Join(out, UpgradedName)}
	_, err := first.EachUser(ctx, job, inputs.Silent{}, "", func(m *roster.Member) error {
		if of[strings.ToLower(m.ID)] == "" && !known(m.ID) && hosts.Side(site.MailHost(m.Record.Get("mailhost"))) == site.OldSide {
			s.Gone.Add(m.ID)
		}
		return nil
	})
	if err == nil {
		err = s.lookForLists(ctx, job, first, export, hosts)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed: then nobody knows who was there
	}
	return err
}

// lookForLists finds the lists that the export has no more, though first has
// them: an export that ends before its lists has every user. A list with
// another name and the same address is there.
func (s *Seen) lookForLists(ctx context.Context, job *cli.Job, first, export inputs.Export, hosts site.Hosts) error {
	lists := map[string]string{} // their DNs and addresses, normalised, lead to the DN as it is written
	_, err := first.EachEntry(ctx, job, func(dn string, rec *ldif.Record) {
		if isList(rec) && hosts.Side(site.MailHost(rec.Get("mailhost"))) == site.OldSide {
			lists[dn] = directory.Printable(rec.DN)
			for _, address := range rec.Get("mail") {
				lists[string(bytes.ToLower(address))] = lists[dn]
			}
		}
	})
	if err != nil || len(lists) == 0 {
		return err
	}
	there := map[string]bool{}
	_, err = export.EachEntry(ctx, job, func(dn string, rec *ldif.Record) {
		there[lists[dn]] = true
		for _, address := range rec.Get("mail") {
			there[lists[string(bytes.ToLower(address))]] = true
		}
	})
	for _, dn := range lists {
		if !there[dn] {
			there[dn] = true
			s.GoneLists = append(s.GoneLists, dn)
		}
	}
	slices.Sort(s.GoneLists)
	return err
}

// isList says whether an entry is a mail list.
func isList(rec *ldif.Record) bool {
	return slices.ContainsFunc(rec.Get("objectclass"), func(class []byte) bool {
		class = bytes.TrimSpace(class)
		return bytes.EqualFold(class, []byte("inetMailGroup")) || bytes.EqualFold(class, []byte("mailGroup"))
	})
}

// eachEntryOf reads the entries that a batch has kept; there may be none.
func eachEntryOf(ctx context.Context, path string, use func(rec *ldif.Record)) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close() // opened for reading
	if _, err = inputs.ReadEntries(ctx, f, func(_ string, rec *ldif.Record) { use(rec) }); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// lookBefore marks the users who were locked when their batch was begun, by the
// entries that the batch has kept. of tells the batch of each user.
func (s *Seen) lookBefore(ctx context.Context, out string, export inputs.Export, of map[string]string) error {
	names := map[string]bool{}
	for id, at := range s.where {
		if at.locked && at.side == site.NewSide {
			names[of[id]] = true
		}
	}
	for name := range names {
		// Without them the lock is nobody's that is known.
		err := eachEntryOf(ctx, filepath.Join(Dir(out, name), EntriesName), func(rec *ldif.Record) {
			id := strings.ToLower(export.ID(rec))
			if at, ok := s.where[id]; ok && at.locked && at.side == site.NewSide && IsLocked(rec) {
				at.before = true
				s.where[id] = at
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// LockedBefore are the users who are on the new host with a lock that is older
// than their batch.
func (s *Seen) LockedBefore() []string {
	var list []string
	for _, at := range s.where {
		if at.before {
			list = append(list, at.id)
		}
	}
	slices.Sort(list)
	return list
}

// IsLocked says whether the folders of a user are locked.
func IsLocked(rec *ldif.Record) bool {
	for _, v := range rec.Get("mailfoldermap") {
		if bytes.EqualFold(bytes.TrimSpace(v), []byte("LOCK")) {
			return true
		}
	}
	return false
}

// Judge takes what an export says of the users of a batch into its row, when it
// is newer than the batch.
func (s *Seen) Judge(row *Row, export *inputs.Input) {
	if len(row.Result.Inputs) == 0 || row.Result.Inputs[0].SHA256 == export.SHA256 {
		return
	}
	row.Seen = &SeenUsers{}
	for _, id := range row.IDs {
		at, ok := s.where[strings.ToLower(id)]
		switch {
		case !ok:
			row.Seen.NotThere++
			if s.Gone.Has(id) {
				row.Seen.Gone++
			}
		case at.moved():
			row.Seen.Moved++
		case at.locked:
			row.Seen.Locked++
		default:
			row.Seen.Neither++
		}
	}
	n := int64(len(row.IDs)) - row.Seen.NotThere
	switch {
	case n == 0 || row.Seen.Gone > 0:
	case row.State == Planned && row.Seen.Locked == n:
		row.State = Locked
	case row.State == Restored && row.Seen.Moved == n:
		row.State = Moved
	}
}
