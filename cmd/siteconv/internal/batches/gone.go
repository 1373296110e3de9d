package batches

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/ldifconv/ldif"
)

// Gone are the entries of a batch that the export has no more under the name
// that they had at the lock, by normalised DN: the name that the user has now,
// or nil where no entry is the user's.
type Gone map[string][]byte

// LookForGone compares the entries of the batch, a file, with the export, which
// may be a newer one. A record for a name that is gone would be refused, and
// where ldapmodify stops at that, users behind it stay locked. An entry with
// another uid is unlocked, and the mail is not its: that is a problem.
func LookForGone(ctx context.Context, job *cli.Job, export inputs.Export, users Set, entries string) (Gone, error) {
	ids := map[string]string{} // of the entries that were not met, by normalised DN
	damaged, err := readIDs(ctx, job, export, entries, ids)
	if err != nil || damaged {
		return nil, err
	}
	all, now := len(ids), map[string][]byte{}
	known := maps.Clone(ids)
	damaged, err = export.EachEntry(ctx, job, func(dn string, rec *ldif.Record) {
		id := strings.ToLower(export.ID(rec))
		if was, ok := ids[dn]; ok && !strings.EqualFold(was, id) {
			job.Problem("uid-changed", was, fmt.Sprintf("the export has the entry %s with the id %s, and the mail of the user is in the new store under the old one: unlocked, the user finds an empty mailbox; give the entry its uid back, or the mail the new id", directory.Printable(rec.DN), directory.Printable([]byte(export.ID(rec)))))
		}
		delete(ids, dn)
		if _, was := known[dn]; !was && id != "" && users.Has(id) && now[id] == nil {
			now[id] = slices.Clone(rec.DN)
		}
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	list := Gone{}
	for _, dn := range slices.Sorted(maps.Keys(ids)) {
		id, was := ids[dn], directory.Printable([]byte(dn))
		switch to := now[strings.ToLower(id)]; {
		case to != nil:
			list[dn] = to
			job.Warning("entry-renamed", id, fmt.Sprintf("the export has the user as %s, no more as %s: the records name the entry as it is now", directory.Printable(to), was))
		case damaged || len(ids) == all:
			job.Warning("entry-gone", id, fmt.Sprintf("%s has no entry %s, but may be no export of the whole directory: the record that unlocks the user stays, and ldapmodify goes on behind it with -c", export.Path, was))
		default:
			list[dn] = nil
			job.Warning("entry-gone", id, fmt.Sprintf("%s has no entry %s and no other of the user: no record unlocks it", export.Path, was))
		}
	}
	return list, nil
}

// readIDs gives the store ids of the entries of a batch, by normalised DN.
func readIDs(ctx context.Context, job *cli.Job, export inputs.Export, entries string, ids map[string]string) (damaged bool, err error) {
	in, err := job.Open(entries)
	if err != nil {
		return false, err
	}
	defer in.Close()
	return inputs.ReadEntries(ctx, in, func(dn string, rec *ldif.Record) { ids[dn] = export.ID(rec) })
}

// Retarget copies a file of records into one for the time of the run, with the
// names that the entries have now and without those that are gone, and returns
// its path.
func (g Gone) Retarget(path, tempDir string) (string, error) {
	if len(g) == 0 {
		return path, nil
	}
	src, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer src.Close()
	dst, err := os.Create(filepath.Join(tempDir, filepath.Base(path)))
	if err != nil {
		return "", err
	}
	return dst.Name(), errors.Join(g.rename(dst, src), dst.Close())
}

func (g Gone) rename(dst io.Writer, src io.Reader) error {
	r, w := ldif.NewReader(src, ldif.Options{}), ldif.NewWriter(dst)
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return w.Flush()
		}
		if err != nil {
			return err
		}
		norm, err := ldif.AppendNormDN(nil, rec.DN)
		if err != nil {
			return err
		}
		to, moved := g[string(norm)]
		if moved && to == nil {
			continue
		}
		named := *rec
		if moved {
			named.DN = to
		}
		if err := w.Write(&named); err != nil {
			return err
		}
	}
}
