package merge_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/shards/merge"
)

// TestHostileTrees: what is no part of a store is told with its place and left
// out, and all else is merged.
func TestHostileTrees(t *testing.T) {
	s := newSite(t)
	joe := user(s.parts[0], s.users[0])
	outside := filepath.Join(s.dir, "outside")
	must(t, os.MkdirAll(outside+"/00", 0o700))
	must(t, os.WriteFile(outside+"/00/1.msg", []byte("secret"), 0o600))
	must(t, unix.Mkfifo(joe+"/00/90000.msg", 0o600))
	must(t, os.Symlink(outside+"/00/1.msg", joe+"/00/90001.msg"))
	must(t, os.Symlink(outside, joe+"/=+Evil"))
	root := filepath.Join(s.parts[0], "partition/primary/=user")
	must(t, os.Symlink(outside, root+"/00"))
	must(t, os.MkdirAll(root+"/f7/f7/nobody", 0o700))
	must(t, os.MkdirAll(root+"/f7/f7/=%zz", 0o700))
	must(t, os.WriteFile(root+"/f7/f7/=file", nil, 0o600))
	must(t, os.Symlink(outside, root+"/f7/f7/=evil"))
	must(t, os.WriteFile(s.parts[0]+"/partition/file", nil, 0o600))
	must(t, os.Symlink("/", s.parts[0]+"/partition/primary/=shared"))
	must(t, os.WriteFile(s.parts[0]+"/core", nil, 0o600))
	must(t, os.Mkdir(s.parts[0]+"/user", 0o700))
	must(t, unix.Mkfifo(s.parts[0]+"/user/fifo", 0o600))
	must(t, os.Symlink(outside, s.parts[0]+"/user/link"))
	for _, via := range []merge.Via{merge.ViaCopy, merge.ViaHardlink} {
		must(t, os.RemoveAll(s.store()))
		_, log := s.merge(t, merge.Options{Via: via})
		at := "p1/" + ims.UserDir("primary", s.users[0])
		log.wants(t,
			"not-a-file "+at+"/00/90000.msg: a special file: left out",
			"not-a-file "+at+"/00/90001.msg: a symbolic link: left out",
			"not-a-file "+at+"/=+Evil: a symbolic link: left out",
			"not-a-user p1/partition/primary/=user/00: a symbolic link where users are: left out",
			"bad-name p1/partition/primary/=user/f7/f7/nobody: user name: no = in front: left out",
			"bad-name p1/partition/primary/=user/f7/f7/=%zz: user name: ",
			"not-a-user p1/partition/primary/=user/f7/f7/=file: a regular file where users are: left out",
			"not-a-user p1/partition/primary/=user/f7/f7/=evil: a symbolic link where users are: left out",
			"not-a-user p1/partition/primary/=shared: a symbolic link where users are: left out",
			"stray-file p1/partition/file: no partition: left out",
			"not-a-file p1/user/fifo: a special file: left out",
			"not-a-file p1/user/link: a symbolic link: left out",
			"warning not-carried p1/core: no part of a store: not carried over",
		)
		s.same(t, true)
	}
}

// TestListsAndTrees: a record without a tree and a tree without a record are
// told, and carried over; a tree that two parts have goes over once.
func TestListsAndTrees(t *testing.T) {
	s := newSite(t)
	gone, stray := s.users[0], "stray"
	must(t, os.RemoveAll(user(s.parts[0], gone)))
	for _, p := range s.parts[1:] {
		must(t, os.MkdirAll(user(p, stray)+"/00", 0o700))
		must(t, os.WriteFile(user(p, stray)+"/00/1.msg", []byte(p), 0o600))
	}
	rep, log := s.merge(t, merge.Options{})
	log.wants(t,
		"no-tree p1/mboxlist/folder.db: user/"+gone+": mailbox without a directory in partition primary",
		"no-tree p1/mboxlist/folder.db: user/"+gone+"/",
		"no-record p2/"+ims.UserDir("primary", stray)+": mailbox user/"+stray+" has no record in folder.db",
		"user-twice p3/"+ims.UserDir("primary", stray)+": p2 has user stray too: that one stays, this one is left out",
	)
	if rep.LeftOut != 1 || rep.Trees != 10 || rep.Placed != 9 {
		t.Errorf("%+v", rep)
	}
	s.same(t, true, gone, stray)
	if text, err := os.ReadFile(user(s.store(), stray) + "/00/1.msg"); err != nil || string(text) != s.parts[1] {
		t.Errorf("%q %v", text, err)
	}
}

// TestTreeOfAnothersUser: a tree that a part has of a user of another part
// takes neither that user's tree nor his records, and lends them none.
func TestTreeOfAnothersUser(t *testing.T) {
	s := newSite(t)
	joe, ann := s.users[0], s.users[len(s.users)-1] // of the first and of the last part
	for _, strange := range []struct{ part, id string }{{s.parts[1], joe}, {s.parts[0], ann}} {
		must(t, os.MkdirAll(user(strange.part, strange.id)+"/00", 0o700))
		must(t, os.WriteFile(user(strange.part, strange.id)+"/00/1.msg", nil, 0o600))
	}
	rep, log := s.merge(t, merge.Options{})
	log.wants(t,
		"user-twice p2/"+ims.UserDir("primary", joe)+": p1 has user "+joe+" too",
		"user-twice p3/"+ims.UserDir("primary", ann)+": p1 has user "+ann+" too",
		"no-record p1/"+ims.UserDir("primary", ann)+": mailbox user/"+ann+" has no record",
	)
	if rep.LeftOut != 2 || !s.has(t, joe) || s.has(t, ann) {
		t.Errorf("%+v", rep)
	}
	s.same(t, false, ann)
}

// TestNoLists: parts without lists are merged, and every mailbox is told.
func TestNoLists(t *testing.T) {
	s := newSite(t)
	for _, p := range s.parts {
		must(t, os.RemoveAll(p+"/mboxlist"))
	}
	rep, log := s.merge(t, merge.Options{})
	told := slices.DeleteFunc(slices.Clone(log.lines), func(l string) bool { return !strings.HasPrefix(l, "no-record p") })
	if int64(len(told)) != rep.Mailboxes || len(told)+4*len(s.parts) != len(log.lines) || rep.Placed != 9 {
		t.Errorf("%+v\n%s", rep, strings.Join(log.lines, "\n"))
	}
	s.same(t, false)
}

// TestDamagedLists: what can be read of a damaged database is merged, and one
// that cannot be read at all is told; the trees go over.
func TestDamagedLists(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, path string)
	}{
		{"page", func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteAt(bytes.Repeat([]byte{0xff}, 4096), 8192)
			must(t, err)
			must(t, f.Close())
		}},
		{"cut", func(t *testing.T, path string) { must(t, os.Truncate(path, 100)) }},
		{"fifo", func(t *testing.T, path string) { must(t, os.Remove(path)); must(t, unix.Mkfifo(path, 0o600)) }},
		{"link", func(t *testing.T, path string) {
			must(t, os.Rename(path, path+".real"))
			must(t, os.Symlink(path+".real", path))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			c.damage(t, s.parts[1]+"/mboxlist/quota.db")
			_, log := s.merge(t, merge.Options{})
			if len(log.lines) == 0 || !strings.HasPrefix(log.lines[0], "database p2/mboxlist/quota.db") {
				t.Errorf("told %q", log.lines)
			}
			s.same(t, false)
			for _, id := range s.users {
				if !s.has(t, id) {
					t.Errorf("%s is not in folder.db", id)
				}
			}
		})
	}
}

// TestUsersThatAreThere: a user whom the store has with the same tree is passed
// over; with another tree he stays as he is, and so do his records.
func TestUsersThatAreThere(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, dir string){
		"a message more": func(t *testing.T, dir string) { must(t, os.WriteFile(dir+"/00/90000.msg", nil, 0o600)) },
		"another index": func(t *testing.T, dir string) {
			text, err := os.ReadFile(dir + "/store.idx")
			must(t, err)
			text[len(text)-2] ^= 1
			must(t, os.WriteFile(dir+"/store.idx", text, 0o600))
		},
		"more and less": func(t *testing.T, dir string) {
			must(t, os.Remove(dir+"/store.idx"))
			must(t, os.WriteFile(dir+"/00/90000.msg", nil, 0o600))
		},
		"another mode": func(t *testing.T, dir string) { must(t, os.Chmod(dir+"/store.idx", 0o640)) },
		"no directory": func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)); must(t, os.WriteFile(dir, nil, 0o600)) },
		"a link":       func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)); must(t, os.Symlink("/", dir)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			joe := s.users[0]
			must(t, os.CopyFS(user(s.store(), joe), os.DirFS(user(s.parts[0], joe))))
			sameModes(t, user(s.store(), joe), user(s.parts[0], joe))
			change(t, user(s.store(), joe))
			var before []string
			if name != "no directory" && name != "a link" {
				before = files(t, user(s.store(), joe))
			}
			rep, log := s.merge(t, merge.Options{})
			log.wants(t, "already-there p1/"+ims.UserDir("primary", joe)+": the store has ")
			if rep.LeftOut != 1 || rep.Placed != 8 || rep.RecordsLeft == 0 {
				t.Errorf("%+v", rep)
			}
			s.same(t, false, joe)
			if before != nil && !slices.Equal(files(t, user(s.store(), joe)), before) {
				t.Error("the tree that was there has changed")
			}
			if s.has(t, joe) {
				t.Error("folder.db has the user who was left out")
			}
		})
	}
}

// TestTreesInPart: a tree of which the store has a part, since a run before
// could not read the rest, is completed, and its records with it.
func TestTreesInPart(t *testing.T) {
	for name, hide := range map[string]func(dir string) string{
		"a folder":  func(dir string) string { return firstFolder(t, dir) },
		"an index":  func(dir string) string { return dir + "/store.idx" },
		"a message": func(dir string) string { return firstMessage(t, dir) },
	} {
		for _, via := range []merge.Via{merge.ViaCopy, merge.ViaHardlink} {
			t.Run(name+" "+string(via), func(t *testing.T) {
				s := newSite(t)
				hidden, aside := hide(user(s.parts[0], s.users[0])), filepath.Join(s.dir, "aside")
				above, err := os.Stat(filepath.Dir(hidden))
				must(t, err)
				must(t, os.Rename(hidden, aside))
				s.merge(t, merge.Options{Via: via})
				must(t, os.Rename(aside, hidden))
				must(t, os.Chtimes(filepath.Dir(hidden), above.ModTime(), above.ModTime()))
				dry, log := s.merge(t, merge.Options{Via: via, DryRun: true})
				log.wants(t)
				rep, log := s.merge(t, merge.Options{Via: via})
				log.wants(t)
				for _, r := range []merge.Report{dry, rep} {
					if r.Completed != 1 || r.Placed != 0 || r.Unchanged != 8 || r.LeftOut+r.RecordsLeft != 0 {
						t.Errorf("%+v", r)
					}
				}
				if dry.Changed || !rep.Changed {
					t.Errorf("changed: %t in a dry run, %t in a run", dry.Changed, rep.Changed)
				}
				s.same(t, true)
			})
		}
	}
}

// firstFolder is a folder of a user's tree.
func firstFolder(t *testing.T, dir string) string {
	t.Helper()
	list, err := filepath.Glob(dir + "/=*")
	must(t, err)
	if len(list) == 0 {
		t.Fatal("the user has no folder")
	}
	return list[0]
}

// firstMessage is a message of a user's INBOX.
func firstMessage(t *testing.T, dir string) string {
	t.Helper()
	list, err := filepath.Glob(dir + "/00/*.msg")
	must(t, err)
	if len(list) == 0 {
		t.Fatal("the user has no message")
	}
	return list[0]
}

// sameModes gives a copy the modes and dates of what it was made of.
func sameModes(t *testing.T, to, from string) {
	t.Helper()
	must(t, filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		copied := filepath.Join(to, name)
		if err := os.Chmod(copied, info.Mode().Perm()); err != nil {
			return err
		}
		return os.Chtimes(copied, info.ModTime(), info.ModTime())
	}))
}

// TestNone: trees that were brought by other means are held against the parts,
// or against their lists alone.
func TestNone(t *testing.T) {
	bring := func(t *testing.T, s *site) {
		for _, p := range s.parts {
			must(t, os.CopyFS(s.store()+"/partition", os.DirFS(p+"/partition")))
			sameModes(t, s.store()+"/partition", p+"/partition")
		}
	}
	none := merge.Options{Via: merge.ViaNone}
	t.Run("all there", func(t *testing.T) {
		s := newSite(t)
		bring(t, s)
		before := files(t, s.store()+"/partition")
		rep, log := s.merge(t, none)
		log.wants(t)
		if rep.Unchanged != 9 || rep.Placed != 0 {
			t.Errorf("%+v", rep)
		}
		if !slices.Equal(files(t, s.store()+"/partition"), before) {
			t.Error("the trees have changed")
		}
		s.same(t, true)
	})
	t.Run("lists alone", func(t *testing.T) {
		s := newSite(t)
		bring(t, s)
		must(t, os.RemoveAll(user(s.store(), s.users[1])))
		must(t, os.MkdirAll(user(s.store(), "stray")+"/00", 0o700))
		for _, p := range s.parts {
			must(t, os.RemoveAll(p+"/partition"))
		}
		_, log := s.merge(t, none)
		log.wants(t,
			"no-tree p1/mboxlist/folder.db: user/"+s.users[1]+": ",
			"no-tree p1/mboxlist/folder.db: user/"+s.users[1]+"/",
			"no-record "+ims.UserDir("primary", "stray")+": mailbox user/stray has no record in folder.db",
		)
	})
	t.Run("some are not there", func(t *testing.T) {
		s := newSite(t)
		bring(t, s)
		must(t, os.RemoveAll(user(s.store(), s.users[0])))
		must(t, os.WriteFile(user(s.store(), s.users[8])+"/90000.msg", nil, 0o600))
		rep, log := s.merge(t, none)
		log.wants(t,
			"not-there p1/"+ims.UserDir("primary", s.users[0])+": the store does not have user "+s.users[0],
			"already-there p3/"+ims.UserDir("primary", s.users[8])+": the store has another tree for user "+s.users[8],
		)
		if rep.Unchanged != 7 || s.has(t, s.users[0]) || s.has(t, s.users[8]) || !s.has(t, s.users[1]) {
			t.Errorf("%+v", rep)
		}
	})
	t.Run("no store", func(t *testing.T) {
		s := newSite(t)
		_, err := merge.Merge(t.Context(), s.store(), s.parts, none)
		if err == nil || !strings.HasSuffix(err.Error(), "and the trees are to be there") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("records came along", func(t *testing.T) {
		s := newSite(t)
		for _, p := range s.parts {
			must(t, os.CopyFS(s.store()+"/.imsconv", os.DirFS(p+"/.imsconv")))
		}
		bring(t, s)
		rep, log := s.merge(t, none)
		log.wants(t)
		if !rep.Copies {
			t.Error("the copies of the records were not seen")
		}
	})
}

// TestPartial: parts can come one after the other.
func TestPartial(t *testing.T) {
	s := newSite(t)
	all := s.parts
	for i := range all {
		s.parts = all[i : i+1]
		rep, log := s.merge(t, merge.Options{Partial: true})
		log.wants(t, "warning missing-shard shard ")
		if len(rep.Missing) != 2 {
			t.Errorf("missing %v", rep.Missing)
		}
	}
	s.same(t, true)
}

// TestDryRun writes nothing, and tells what a run would.
func TestDryRun(t *testing.T) {
	s := newSite(t)
	must(t, os.RemoveAll(user(s.parts[0], s.users[0])))
	dry, log := s.merge(t, merge.Options{DryRun: true})
	if _, err := os.Lstat(s.store()); !os.IsNotExist(err) {
		t.Errorf("the store is there: %v", err)
	}
	told := log.lines
	wet, log := s.merge(t, merge.Options{})
	slices.Sort(told)
	slices.Sort(log.lines)
	if !slices.Equal(told, log.lines) {
		t.Errorf("a dry run tells\n%s\nand the run\n%s", strings.Join(told, "\n"), strings.Join(log.lines, "\n"))
	}
	if dry.Placed != wet.Placed || dry.Messages != wet.Messages || dry.Bytes != wet.Bytes || dry.Lists != wet.Lists || dry.Counts != wet.Counts {
		t.Errorf("dry %+v\nwet %+v", dry, wet)
	}
	s = newSite(t)
	dry, _ = s.merge(t, merge.Options{Via: merge.ViaCopy, DryRun: true})
	if wet, _ = s.merge(t, merge.Options{Via: merge.ViaCopy}); dry.Counts != wet.Counts || wet.Copied == 0 {
		t.Errorf("dry %+v\nwet %+v", dry, wet)
	}
}

// TestJobs: the number of workers does not show, and neither does the way.
func TestJobs(t *testing.T) {
	s := newSite(t)
	for _, opt := range []merge.Options{
		{Jobs: 1, Via: merge.ViaCopy}, {Jobs: 7, Via: merge.ViaHardlink, Sync: storeconv.SyncUser}, {Jobs: 3, Sync: storeconv.SyncNone},
	} {
		must(t, os.RemoveAll(s.store()))
		_, log := s.merge(t, opt)
		log.wants(t)
		s.same(t, true)
		if _, err := os.Lstat(s.store() + "/.imsconv"); !os.IsNotExist(err) {
			t.Errorf("the working directory is there: %v", err)
		}
	}
	// Once more nothing is changed.
	before := files(t, s.store())
	rep, log := s.merge(t, merge.Options{})
	log.wants(t)
	if rep.Unchanged != 9 || !slices.Equal(files(t, s.store()), before) {
		t.Errorf("%+v", rep)
	}
}

// TestNoSpace refuses what does not fit before anything is written.
func TestNoSpace(t *testing.T) {
	s := newSite(t)
	_, err := merge.Merge(t.Context(), s.store(), s.parts, merge.Options{Via: merge.ViaCopy, FS: full{durable.OS}})
	if err == nil || !strings.Contains(err.Error(), "not enough space: the copy takes ") {
		t.Errorf("error %v", err)
	}
	if list, _ := os.ReadDir(s.store()); len(list) > 0 {
		t.Errorf("left: %v", list)
	}
}

// full is a file system without room.
type full struct{ durable.FS }

func (f full) Fstatfs(fd int) (unix.Statfs_t, error) {
	st, err := f.FS.Fstatfs(fd)
	st.Bavail = 1
	return st, err
}

// TestRemoveRecords leaves nothing of the records, or all of them.
func TestRemoveRecords(t *testing.T) {
	s := newSite(t)
	must(t, merge.RemoveRecords(s.parts[0]))
	if _, err := os.Lstat(s.parts[0] + "/.imsconv"); !os.IsNotExist(err) {
		t.Errorf("the working directory is there: %v", err)
	}
	// One that was killed behind the rename is ended by the next.
	for range 2 {
		must(t, os.MkdirAll(s.parts[0]+"/.imsconv/shards.done", 0o700))
		rep, err := merge.Merge(t.Context(), s.parts[0], nil, merge.Options{})
		if err != nil || !rep.Removed {
			t.Errorf("%+v %v", rep, err)
		}
		must(t, merge.RemoveRecords(s.parts[0]))
		if _, err := os.Lstat(s.parts[0] + "/.imsconv"); !os.IsNotExist(err) {
			t.Errorf("the working directory is there: %v", err)
		}
	}
	must(t, os.MkdirAll(s.parts[1]+"/.imsconv/exported", 0o700))
	must(t, merge.RemoveRecords(s.parts[1]))
	if list, err := os.ReadDir(s.parts[1] + "/.imsconv"); err != nil || slices.ContainsFunc(list, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), "shards") }) {
		t.Errorf("%v %v", list, err)
	}
}

// closed is a file system in which nobody may open directories of a name.
type closed struct {
	durable.FS
	name string
}

func (c closed) Openat(dir int, name string, flags int, mode uint32) (int, error) {
	if name == c.name {
		return -1, unix.EACCES
	}
	return c.FS.Openat(dir, name, flags, mode)
}

// TestFolderOfStoreClosed: a folder of the store that cannot be opened is told
// by its name. It is not taken for another tree, and stays as it is.
func TestFolderOfStoreClosed(t *testing.T) {
	s := newSite(t)
	s.merge(t, merge.Options{})
	before := files(t, s.store())
	folder := filepath.Base(firstFolder(t, user(s.parts[0], s.users[0])))
	rep, log := s.merge(t, merge.Options{FS: closed{durable.OS, folder}})
	var want []string
	for _, id := range s.users {
		at := ims.UserDir("primary", id)
		part := slices.IndexFunc(s.parts, func(p string) bool { _, err := os.Stat(user(p, id)); return err == nil })
		if _, err := os.Stat(user(s.store(), id) + "/" + folder); err == nil {
			want = append(want, fmt.Sprintf("unreadable p%d/%s: what the store has of user %s cannot be looked at, and stays as it is: store/%s/%s: open: permission denied", part+1, at, id, at, folder))
		}
	}
	if len(want) == 0 || rep.LeftOut != int64(len(want)) || rep.Unchanged != 9-rep.LeftOut {
		t.Errorf("%+v", rep)
	}
	log.wants(t, want...)
	if now := files(t, s.store()); !slices.Equal(now, before) {
		t.Error("the store has changed")
	}
}
