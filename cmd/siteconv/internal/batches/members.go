package batches

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/cmd/siteconv/internal/outdir"
	"imsconv/ldifconv/ldif"
)

// members are the users of a batch, as far as its folder tells.
type members struct {
	ids   []string // store ids
	lost  *Loss    // there may be more of them, or others; nil: the list is whole
	state *outdir.State
}

// Loss says what a batch has lost by which its users are known, and what to do.
type Loss struct{ Text, Hint string }

// Err is the loss as the error of a run; nil of none.
func (l *Loss) Err() error {
	if l == nil {
		return nil
	}
	return cli.WithHint(errors.New(l.Text), l.Hint)
}

// readMembers reads the list of a batch. A folder where records may lock users
// and that does not say any more whom, has lost it: users are then those whose
// entries it has kept, so that no other batch takes them.
func readMembers(out, name string) (*members, error) {
	dir := Dir(out, name)
	m := &members{}
	var err error
	if m.state, err = outdir.ReadState(dir); err != nil {
		return nil, err
	}
	if m.ids, err = ReadUsers(filepath.Join(dir, UsersName)); err != nil {
		return nil, err
	}
	records := slices.ContainsFunc([]string{UsersName, EntriesName, SavedName, LockName}, func(file string) bool {
		_, err := os.Stat(filepath.Join(dir, file))
		return err == nil
	})
	switch {
	case m.state == nil && records:
		m.lost = &Loss{fmt.Sprintf("the state of the batch %s is gone: %s", name, filepath.Join(dir, outdir.StateName)),
			"put the file back from a backup of the folder; or, when no record of the batch was applied, remove its folder"}
	case m.state != nil && m.ids == nil && slices.Contains(m.state.Done, LockStep):
		m.lost = &Loss{fmt.Sprintf("the list of the batch %s is gone, and its users may be locked: %s", name, filepath.Join(dir, UsersName)),
			"put the file back from a backup of the folder; or make it anew: " + m.listAgain(dir) + " lists those who have entries, and who was named without one is added by hand"}
	}
	if m.lost == nil || m.ids != nil {
		return m, nil
	}
	m.ids, err = keptIDs(out, dir, m.state)
	return m, err
}

// checkKept finds a list from which users are gone whose entries the batch has
// kept: a record may have locked them, and another batch could take them.
func (m *members) checkKept(out, name string) error {
	if m.lost != nil || m.state == nil || !slices.Contains(m.state.Done, LockStep) {
		return nil
	}
	dir := Dir(out, name)
	kept, err := keptIDs(out, dir, m.state)
	if err != nil {
		return err
	}
	listed := Set{}
	for _, id := range m.ids {
		listed.Add(id)
	}
	kept = slices.DeleteFunc(kept, listed.Has)
	if n := len(kept); n > 0 {
		m.lost = &Loss{fmt.Sprintf("the list of the batch %s is not whole, and users who may be locked are not in it: %s%s: %s", name, kept[0], AndMore(n-1), filepath.Join(dir, UsersName)),
			"put the file back from a backup of the folder; or make it anew: " + m.listAgain(dir) + " lists those who have entries, and who was named without one is added by hand"}
		m.ids = append(m.ids, kept...)
	}
	return nil
}

// listAgain is the command that makes the list of a batch of its entries.
func (m *members) listAgain(dir string) string {
	words := []string{"ldifconv", "users"}
	if domain := m.state.Options["default-domain"]; domain != "" {
		words = append(words, "--default-domain", cli.Quote(domain))
	}
	return strings.Join(append(words, cli.Quote(filepath.Join(dir, EntriesName)), ">", cli.Quote(filepath.Join(dir, UsersName))), " ")
}

// keptIDs are the ids of the entries that a batch has kept, by the default
// domain of its state, or of that of the whole folder.
func keptIDs(out, dir string, st *outdir.State) (ids []string, err error) {
	if st == nil {
		if st, err = outdir.ReadState(out); err != nil {
			return nil, err
		}
	}
	var export inputs.Export
	if st != nil {
		export.Domain = st.Options["default-domain"]
	}
	err = eachEntryOf(context.Background(), filepath.Join(dir, EntriesName), func(rec *ldif.Record) {
		if id := export.ID(rec); id != "" {
			ids = append(ids, id)
		}
	})
	return ids, err
}

// Of tells the batch of each user, by lower-case id; but is left out.
func Of(out, but string) (map[string]string, error) {
	names, err := Names(out)
	if err != nil {
		return nil, err
	}
	of := map[string]string{}
	for _, name := range names {
		if name == but {
			continue
		}
		m, err := readMembers(out, name)
		if err != nil {
			return nil, err
		}
		for _, id := range m.ids {
			of[strings.ToLower(id)] = name
		}
	}
	return of, nil
}

// CheckLists refuses a folder in which a batch has lost who is in it: another
// one could take the same users.
func CheckLists(out, but string) error {
	names, err := Names(out)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == but {
			continue
		}
		if err := CheckList(out, name); err != nil {
			return err
		}
	}
	return nil
}

// CheckList is CheckLists of one batch.
func CheckList(out, name string) error {
	m, err := readMembers(out, name)
	if err == nil {
		err = m.checkKept(out, name)
	}
	if err != nil {
		return err
	}
	return m.lost.Err()
}
