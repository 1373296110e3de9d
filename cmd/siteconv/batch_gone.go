package main

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
	"imsconv/ldifconv/ldif"
)

// gone are the entries of a batch that the export has no more under the name
// that they had at the lock, by normalised DN: the name that the user has now,
// or nil where no entry is the user's.
type gone map[string][]byte

// lookForGone compares the entries of the batch with the export, which may be a
// newer one. A record for a name that is gone would be refused, and where
// ldapmodify stops at that, users behind it stay locked.
func (c *conversion) lookForGone(ctx context.Context, job *cli.Job) (gone, error) {
	ids := map[string]string{} // of the entries that were not met, by normalised DN
	damaged, err := c.withEntriesRead(ctx, job, func(dn string, rec *ldif.Record) { ids[dn] = c.idOf(rec) })
	if err != nil || damaged {
		return nil, err
	}
	all, now := len(ids), map[string][]byte{}
	known := maps.Clone(ids)
	damaged, err = c.eachEntry(ctx, job, func(dn string, rec *ldif.Record) {
		delete(ids, dn)
		id := strings.ToLower(c.idOf(rec))
		if _, was := known[dn]; !was && id != "" && c.batch.set.has(id) && now[id] == nil {
			now[id] = slices.Clone(rec.DN)
		}
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	list := gone{}
	for _, dn := range slices.Sorted(maps.Keys(ids)) {
		id := ids[dn]
		switch to := now[strings.ToLower(id)]; {
		case to != nil:
			list[dn] = to
			job.Warning("entry-renamed", id, fmt.Sprintf("the export has the user as %s, no more as %s: the records name the entry as it is now", to, dn))
		case damaged || len(ids) == all:
			job.Warning("entry-gone", id, fmt.Sprintf("%s has no entry %s, but may be no export of the whole directory: the record that unlocks the user stays, and ldapmodify goes on behind it with -c", c.export().Path, dn))
		default:
			list[dn] = nil
			job.Warning("entry-gone", id, fmt.Sprintf("%s has no entry %s and no other of the user: no record unlocks it", c.export().Path, dn))
		}
	}
	return list, nil
}

// idOf is the store id of a user's entry, "" of any other.
func (c *conversion) idOf(rec *ldif.Record) string {
	if u := directory.UserOf(rec); u != nil {
		return u.ID(c.defaultDomain)
	}
	return ""
}

func (c *conversion) withEntriesRead(ctx context.Context, job *cli.Job, use func(dn string, rec *ldif.Record)) (damaged bool, err error) {
	err = c.withEntries(job, func(entries io.Reader) error {
		damaged, err = readEntries(ctx, entries, use)
		return err
	})
	return damaged, err
}

// eachEntry reads the export whole, whatever the bases of the site are.
func (c *conversion) eachEntry(ctx context.Context, job *cli.Job, use func(dn string, rec *ldif.Record)) (damaged bool, err error) {
	in, err := c.openExport(job)
	if err != nil {
		return false, err
	}
	defer in.Close()
	return readEntries(ctx, in, use)
}

// readEntries gives the records of a file with their normalised DNs, and says
// whether there were others that cannot be read.
func readEntries(ctx context.Context, src io.Reader, use func(dn string, rec *ldif.Record)) (damaged bool, err error) {
	r := ldif.NewReader(src, ldif.Options{})
	for ctx.Err() == nil {
		rec, err := r.Next()
		switch {
		case err == io.EOF:
			return damaged, nil
		case ldif.IsDamage(err):
			damaged = true
			continue
		case err != nil:
			return damaged, err
		}
		if dn, err := ldif.AppendNormDN(nil, rec.DN); err == nil {
			use(string(dn), rec)
		}
	}
	return damaged, ctx.Err()
}

// retarget copies a file of records into one for the time of the run, with the
// names that the entries have now and without those that are gone, and returns
// its path.
func (c *conversion) retarget(list gone, name string) (string, error) {
	if len(list) == 0 {
		return filepath.Join(c.out, name), nil
	}
	src, err := os.Open(filepath.Join(c.out, name))
	if err != nil {
		return "", err
	}
	defer src.Close()
	dst, err := os.Create(filepath.Join(c.tempDir(), name))
	if err != nil {
		return "", err
	}
	return dst.Name(), errors.Join(list.rename(dst, src), dst.Close())
}

func (g gone) rename(dst io.Writer, src io.Reader) error {
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
