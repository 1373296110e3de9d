package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/peer"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/outdir"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
	"imsconv/ldifconv/testdir"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/testsite"
)

// batchedSite makes a SIMS site of 40 users, two of whom have mail and no entry
// and two an entry and no mail.
func batchedSite(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	make := func(name string, fill func(w io.Writer) error) {
		var data bytes.Buffer
		if err := fill(&data); err != nil {
			t.Fatal(err)
		}
		// slapadd takes a version line on its own for an entry without a DN.
		text := bytes.TrimPrefix(data.Bytes(), []byte("version: 1\n"))
		// Large ones have users whom the site itself has locked. They are locked
		// behind their batch too, which is never done then.
		text = bytes.ReplaceAll(text, []byte("\nmailfoldermap: LOCK\n"), []byte("\nmailfoldermap: SUN-MS\n"))
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	make("export.ldif", func(w io.Writer) error {
		_, err := testdir.WriteSIMS(w, testdir.Options{Seed: 7, Users: siteUsers - 2})
		return err
	})
	make("backup.sims", func(w io.Writer) error {
		_, err := testsite.WriteStream(w, testsite.StreamOptions{Seed: 7, Users: siteUsers, Messages: 700 * siteUsers / 40}, nil)
		return err
	})
	return dir
}

// incremental are the arguments of a run of the scenario.
func incremental(site, out string, more ...string) []string {
	return append([]string{"--scenario", "sims-incremental", "--site", site, "--out", out, "--default-domain", "siroe.com",
		"--old-host", "oldmail.siroe.com", "--new-host", "newmail.siroe.com", "--sync", "none"}, more...)
}

// finished runs a conversion that does not fail: a generated export has values
// that no rule understands, each a problem.
func finished(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := siteconv(t, append([]string{"run"}, args...)...)
	if code != cli.ExitDone && code != cli.ExitLost || strings.Contains(stderr, "sums-differ") {
		t.Fatalf("%q: exit %d\n%s%s", args, code, stdout, stderr)
	}
	return stdout + stderr
}

// unlockedExport is an export once all of its users are on the new host.
func unlockedExport(t *testing.T, path string) []byte {
	t.Helper()
	entries := strings.Split(readFile(t, path), "\n\n")
	for i, entry := range entries {
		if strings.Contains(strings.ToLower(entry), "\nobjectclass: inetmailuser\n") {
			entries[i] = strings.Replace(entry, "\nmailhost: oldmail.siroe.com\n", "\nmailhost: newmail.siroe.com\n", 1)
		}
	}
	return []byte(strings.Join(entries, "\n\n"))
}

// threeBatches are a pilot, a filter, and all who are left, those without an
// entry among them.
func threeBatches(t *testing.T, site string) [][]string {
	t.Helper()
	list := func(name string, ids ...string) string {
		path := filepath.Join(site, name)
		if err := os.WriteFile(path, []byte(strings.Join(ids, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	id := testsite.UserID
	return [][]string{
		{"--batch", "pilot", "--users", list("pilot.txt", id(0), id(1), id(2))},
		{"--batch", "some", "--filter", "(|(uid=*a*)(mailQuota=*))"},
		{"--batch", "strays", "--users", list("strays.txt", id(siteUsers-2), id(siteUsers-1))},
		{"--batch", "rest", "--filter", "(uid=*)"},
	}
}

func bytesOf(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestBatchesAreTheWhole moves a site in batches and in one go: the stores are
// the same but for links between users of different batches, and so are the
// directories but for the mail hosts.
func TestBatchesAreTheWhole(t *testing.T) {
	site := batchedSite(t)
	before := list(t, site)
	whole, moved := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "moved")
	finished(t, "--scenario", "sims-offline", "--site", site, "--out", whole, "--default-domain", "siroe.com")
	finished(t, incremental(site, moved)...)
	batches := threeBatches(t, site)
	for _, batch := range batches {
		finished(t, incremental(site, moved, batch...)...)
	}
	code, _, talk := siteconv(t, append([]string{"run"}, incremental(site, moved, "--closing")...)...)
	if code != cli.ExitFailed || !strings.Contains(talk, "has its users as they were before the lock") {
		t.Errorf("closing by the export of before the lock: exit %d, %s", code, talk)
	}
	today := write(t, t.TempDir(), "today.ldif", unlockedExport(t, filepath.Join(site, "export.ldif")))
	finished(t, incremental(site, moved, "--closing", "--ldif", today)...)
	if left := bytesOf(t, filepath.Join(moved, closingDir, outdir.LeftName)); len(left) > 0 {
		t.Errorf("left behind: %s", left)
	}
	after := list(t, site)
	delete(after, "pilot.txt")
	delete(after, "strays.txt")
	before["."] = after["."]
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("the source has changed: %s", d)
	}
	sameStores(t, filepath.Join(whole, "store"), filepath.Join(moved, "store"), moved, false)
	want, got := directoryOf(t, bytesOf(t, filepath.Join(whole, upgraded))), directoryOf(t, bytesOf(t, filepath.Join(moved, closingDir, upgraded)))
	if d := cmp.Diff(want.without("mailhost", "mailroutinghosts"), got.without("mailhost", "mailroutinghosts")); d != "" {
		t.Errorf("the directories differ: %s", d)
	}
	for dn, values := range got {
		if slices.Contains(values, "mailhost: oldmail.siroe.com") {
			t.Errorf("%s stays on the old host", dn)
		}
	}
}

// sameStores compares names, modes, bytes, dates, indexes and databases of two
// stores, and their links: two files are one in the second store where they are
// in the first and were restored together. Of batches that run at the same time
// that holds where all names of a file are in one of them: elsewhere the first
// copy may come before a link or after it. What is a copy instead is counted.
func sameStores(t *testing.T, one, batched, out string, atOnce bool) {
	t.Helper()
	if d := cmp.Diff(plainList(t, one), plainList(t, batched)); d != "" {
		t.Errorf("the stores differ: %s", d)
	}
	for _, name := range []string{"folder.db", "quota.db", "subscr.db", "peruser.db"} {
		path := filepath.Join("mboxlist", name)
		if d := cmp.Diff(records(t, filepath.Join(one, path)), records(t, filepath.Join(batched, path))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	of, err := batches.Of(out, "")
	if err != nil {
		t.Fatal(err)
	}
	files, other := list(t, one), list(t, batched)
	links := 0
	for _, names := range linkGroups(files) {
		links += len(names) - 1
		apart := slices.ContainsFunc(names, func(name string) bool { return of[ownerOf(name)] != of[ownerOf(names[0])] })
		if atOnce && apart {
			continue
		}
		for _, name := range names[1:] {
			if of[ownerOf(names[0])] == of[ownerOf(name)] && other[names[0]].Inode != other[name].Inode {
				t.Errorf("%s and %s were restored together and are two files", names[0], name)
			}
		}
	}
	if links == 0 {
		t.Error("the site has no links")
	}
	t.Logf("%d links in one go, %d files more in batches", links, inodes(other)-inodes(files))
}

// linkGroups are the names of each message file, in order.
func linkGroups(files map[string]file) map[uint64][]string {
	groups := map[uint64][]string{}
	for _, name := range sortedNames(files) {
		if strings.HasSuffix(name, ".msg") {
			groups[files[name].Inode] = append(groups[files[name].Inode], name)
		}
	}
	return groups
}

func sortedNames(files map[string]file) []string {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ownerOf is the user of a message's path, in lower case.
func ownerOf(path string) string {
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "="); ok && name != "user" {
			id, err := ims.UnescapeName(name)
			if err != nil {
				panic("internal error: " + err.Error())
			}
			return strings.ToLower(id)
		}
	}
	return ""
}

// inodes is how many files there are under any number of names.
func inodes(files map[string]file) int {
	set := map[uint64]bool{}
	for name, f := range files {
		if strings.HasSuffix(name, ".msg") {
			set[f.Inode] = true
		}
	}
	return len(set)
}

// entries is a directory: values by normalised DN.
type entries map[string][]string

func directoryOf(t *testing.T, text []byte) entries {
	t.Helper()
	dir := entries{}
	r := ldif.NewReader(bytes.NewReader(text), ldif.Options{})
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		norm, err := ldif.AppendNormDN(nil, rec.DN)
		if err != nil {
			t.Fatal(err)
		}
		dir[string(norm)] = valuesOf(rec)
	}
}

// serverOwn are attributes that a server keeps itself.
var serverOwn = map[string]bool{"structuralobjectclass": true, "entryuuid": true, "entrycsn": true, "contextcsn": true}

func valuesOf(rec *ldif.Record) (list []string) {
	for i := range rec.Attrs {
		a := &rec.Attrs[i]
		name := strings.ToLower(string(a.Desc))
		id, known := schema.LookupString(name)
		if known {
			name = strings.ToLower(schema.Name(id))
		}
		if serverOwn[name] || known && schema.Operational(id) {
			continue
		}
		for _, v := range a.Values {
			value := string(v.Data)
			if id == schema.ObjectClass {
				value = strings.ToLower(value)
			}
			if norm, err := ldif.AppendNormDN(nil, v.Data); known && schema.SyntaxOf(id) == schema.DN && err == nil {
				value = string(norm)
			}
			list = append(list, name+": "+value)
		}
	}
	slices.Sort(list)
	return list
}

// without is the directory without some attributes.
func (e entries) without(names ...string) entries {
	out := entries{}
	for dn, values := range e {
		out[dn] = slices.DeleteFunc(slices.Clone(values), func(v string) bool {
			name, _, _ := strings.Cut(v, ": ")
			return slices.Contains(names, name)
		})
	}
	return out
}

// TestBatchRecordsOnSlapd gives the records of batches to a real directory: a
// lock and its way back change nothing, a lock and an unlock change the mail
// host alone, and at the end the directory is the one that the closing pass
// says.
func TestBatchRecordsOnSlapd(t *testing.T) {
	site, moved := batchedSite(t), filepath.Join(t.TempDir(), "moved")
	export := filepath.Join(site, "export.ldif")
	var definitions bytes.Buffer
	if err := schema.Merged().Only(schema.Products(), true).WriteSlapd(&definitions); err != nil {
		t.Fatal(err)
	}
	d := peer.NewSlapd(t, definitions.Bytes(), "o=internet", export)
	dump := func() entries { t.Helper(); return directoryOf(t, d.Dump()) }
	apply := func(path string) { t.Helper(); d.Apply(bytesOf(t, filepath.Join(moved, path))) }
	finished(t, incremental(site, moved)...)
	apply(domainChanges)
	for _, batch := range threeBatches(t, site) {
		name := batch[1]
		today := filepath.Join(site, name+".ldif") // as it is before each batch
		if err := os.WriteFile(today, d.Dump(), 0o600); err != nil {
			t.Fatal(err)
		}
		finished(t, incremental(site, moved, append(batch, "--ldif", today)...)...)
		dir := filepath.Join(batches.Folder, name)
		if name == "strays" { // nobody with an entry
			continue
		}
		before := dump()
		apply(filepath.Join(dir, batches.LockName))
		checkLocked(t, dump(), before, len(mustUsers(t, filepath.Join(moved, dir, batches.UsersName))))
		apply(filepath.Join(dir, batches.SavedName))
		if diff := cmp.Diff(before, dump()); diff != "" {
			t.Errorf("%s: locked and taken back: %s", name, diff)
		}
		apply(filepath.Join(dir, batches.LockName))
		apply(filepath.Join(dir, batches.UnlockName))
		after := dump()
		if diff := cmp.Diff(before.without("mailhost"), after.without("mailhost")); diff != "" {
			t.Errorf("%s: locked and unlocked: %s", name, diff)
		}
		apply(filepath.Join(dir, batches.UndoName))
		if diff := cmp.Diff(before, dump()); diff != "" {
			t.Errorf("%s: moved and taken back: %s", name, diff)
		}
		apply(filepath.Join(dir, batches.LockName))
		apply(filepath.Join(dir, batches.UnlockName))
	}
	checkFreshClosing(t, d, site, moved)
}

// checkLocked insists that n users are locked, and nothing else has changed.
func checkLocked(t *testing.T, locked, before entries, n int) {
	t.Helper()
	found := 0
	for _, values := range locked {
		if slices.Contains(values, "mailfoldermap: LOCK") && slices.Contains(values, "maildeliveryoption: hold") {
			found++
		}
	}
	if found != n {
		t.Errorf("%d users are locked, not %d", found, n)
	}
	if diff := cmp.Diff(before.without("mailfoldermap", "maildeliveryoption"), locked.without("mailfoldermap", "maildeliveryoption")); diff != "" {
		t.Errorf("the lock changes more: %s", diff)
	}
}

func mustUsers(t *testing.T, path string) []string {
	t.Helper()
	users, err := batches.ReadUsers(path)
	if err != nil {
		t.Fatal(err)
	}
	return users
}

// checkFreshClosing closes with an export of the directory as it is then: what
// status and the closing pass say of it, and that the records lead where they
// should.
func checkFreshClosing(t *testing.T, d *peer.Slapd, site, moved string) {
	t.Helper()
	fresh := filepath.Join(site, "fresh.ldif")
	if err := os.WriteFile(fresh, d.Dump(), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := siteconv(t, "status", moved, "--ldif", fresh)
	if code != cli.ExitDone {
		t.Fatalf("status: %d\n%s%s", code, stdout, stderr)
	}
	for _, name := range []string{"pilot", "some", "rest"} {
		if !strings.Contains(stdout, "\n"+name) || !strings.Contains(strings.Join(strings.Fields(stdout), " "), name+" done ") {
			t.Errorf("%s is not done:\n%s", name, stdout)
		}
	}
	text := finished(t, incremental(site, moved, "--closing", "--ldif", fresh)...)
	if strings.Contains(text, "stale-export") {
		t.Errorf("the export is said to be old:\n%s", text)
	}
	for _, name := range []string{groupChanges, domainChanges, userChanges} {
		d.Apply(bytesOf(t, filepath.Join(moved, closingDir, name)))
	}
	want := directoryOf(t, bytesOf(t, filepath.Join(moved, closingDir, upgraded)))
	if diff := cmp.Diff(want, directoryOf(t, d.Dump())); diff != "" {
		t.Errorf("the closing pass leads elsewhere: %s", diff)
	}
}

func TestRanges(t *testing.T) {
	for want, list := range map[string][]int{"": nil, "4": {4}, "1-3, 7, 9-10": {1, 2, 3, 7, 9, 10}} {
		if got := ranges(list); got != want {
			t.Errorf("%v: %q, want %q", list, got, want)
		}
	}
}
