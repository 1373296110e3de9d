package lists

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/testsite/reference"
)

// recordsOf gives the records of a map in the order of their keys.
func recordsOf(m map[string]string) Records {
	return func(put func(key, value []byte) error) error {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if err := put([]byte(recordKey(key)), []byte(m[key])); err != nil {
				return err
			}
		}
		return nil
	}
}

// recordKey is the key of a record that a test calls name.
func recordKey(name string) string {
	return mboxlist.UserPrefix + strings.TrimPrefix(name, mboxlist.UserPrefix)
}

// write writes records into folder.db of the store.
func write(t testing.TB, store string, opts Options, form storeconv.Databases, records map[string]string, merge func(old, fresh []byte) []byte) error {
	t.Helper()
	s, err := durable.OpenStore(store, durable.Options{Sync: storeconv.SyncNone})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	run, err := s.Begin("test")
	if err != nil {
		t.Fatal(err)
	}
	defer run.End(true)
	opts.Sync = storeconv.SyncNone
	return Update(run, opts, func(w *Writer) error { return w.Write(mboxlist.FolderDB, form, recordsOf(records), merge) })
}

// read reads folder.db of the store.
func read(t testing.TB, store string) map[string]string {
	t.Helper()
	got := make(map[string]string)
	for key, value := range reference.ReadList(t, filepath.Join(store, "mboxlist/folder.db")) {
		got[strings.TrimPrefix(key, mboxlist.UserPrefix)] = string(value)
	}
	return got
}

func TestWriteMerges(t *testing.T) {
	join := func(old, fresh []byte) []byte {
		if string(fresh) == "gone" {
			return nil
		}
		return []byte(string(old) + "+" + string(fresh))
	}
	for name, tt := range map[string]struct {
		old, fresh, want map[string]string
		merge            func(old, fresh []byte) []byte
	}{
		"new":       {nil, map[string]string{"a": "1", "b": "2"}, map[string]string{"a": "1", "b": "2"}, nil},
		"between":   {map[string]string{"a": "1", "c": "3"}, map[string]string{"b": "2", "d": "4"}, map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"}, nil},
		"replaced":  {map[string]string{"a": "1", "c": "3"}, map[string]string{"a": "9"}, map[string]string{"a": "9", "c": "3"}, nil},
		"joined":    {map[string]string{"a": "1"}, map[string]string{"a": "9", "b": "2"}, map[string]string{"a": "1+9", "b": "+2"}, join},
		"taken out": {map[string]string{"a": "1", "b": "2"}, map[string]string{"a": "gone", "x": "gone"}, map[string]string{"b": "2"}, join},
		"nothing":   {map[string]string{"a": "1"}, nil, map[string]string{"a": "1"}, join},
	} {
		t.Run(name, func(t *testing.T) {
			store := filepath.Join(t.TempDir(), "store")
			if tt.old != nil {
				if err := write(t, store, Options{}, storeconv.Databases{}, tt.old, nil); err != nil {
					t.Fatal(err)
				}
			}
			if err := write(t, store, Options{}, storeconv.Databases{}, tt.fresh, tt.merge); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, read(t, store)); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestWriteForm: what the options leave open is as in the database in place.
func TestWriteForm(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	odd := storeconv.Databases{Version: 9, ByteOrder: binary.LittleEndian, PageSize: 1024}
	for _, step := range []struct{ ask, want storeconv.Databases }{
		{odd, odd},
		{storeconv.Databases{}, odd},
		{storeconv.Databases{Version: 8, PageSize: 512}, storeconv.Databases{Version: 8, ByteOrder: binary.LittleEndian, PageSize: 512}},
	} {
		if err := write(t, store, Options{}, step.ask, map[string]string{"a": "1"}, nil); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(filepath.Join(store, "mboxlist/folder.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		db, err := bdb.NewReader(f, info.Size(), bdb.Options{Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		m := db.Meta()
		if got := (storeconv.Databases{Version: int(m.Version), ByteOrder: m.ByteOrder, PageSize: int(m.PageSize)}); got != step.want {
			t.Errorf("asked for %+v: %+v, want %+v", step.ask, got, step.want)
		}
	}
}

// TestWriteSame: a database that would stay as it is keeps its file, and a new
// one gets the date unless that lies before the one in place.
func TestWriteSame(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	path := filepath.Join(store, "mboxlist/folder.db")
	stat := func() os.FileInfo {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	records := map[string]string{"a": "1"}
	if err := write(t, store, Options{Date: 900000000}, storeconv.Databases{}, records, nil); err != nil {
		t.Fatal(err)
	}
	first := stat()
	if !first.ModTime().Equal(time.Unix(900000000, 0)) || first.Mode() != durable.FileMode {
		t.Errorf("%v %v", first.ModTime(), first.Mode())
	}
	if err := write(t, store, Options{Date: 950000000}, storeconv.Databases{}, records, nil); err != nil {
		t.Fatal(err)
	}
	if again := stat(); !os.SameFile(first, again) || !again.ModTime().Equal(first.ModTime()) {
		t.Error("the same records made another file")
	}
	if err := write(t, store, Options{Date: 800000000}, storeconv.Databases{}, map[string]string{"b": "2"}, nil); err != nil {
		t.Fatal(err)
	}
	if now := stat().ModTime(); !now.After(first.ModTime()) {
		t.Errorf("set back to %v", now)
	}
}

// TestWriteDamaged: what cannot be read whole stays.
func TestWriteDamaged(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	if err := write(t, store, Options{}, storeconv.Databases{}, map[string]string{"a": "1"}, nil); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(store, "mboxlist/folder.db")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(data[8192+20 : 8192+40])
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	err = write(t, store, Options{}, storeconv.Databases{}, map[string]string{"b": "2"}, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "mboxlist/folder.db: ") {
		t.Errorf("%v", err)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(data) {
		t.Errorf("the database was touched: %v", err)
	}
}

// TestWriteUnordered: a database whose keys do not rise is no mailbox list, and
// stays, since records put between such keys would be lost to a reader.
func TestWriteUnordered(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	if err := write(t, store, Options{}, storeconv.Databases{}, map[string]string{"user/ann": "1", "user/bob": "2"}, nil); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(store, "mboxlist/folder.db")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.Replace(data, []byte("user/ann"), []byte("user/zoe"), 1)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	err = write(t, store, Options{}, storeconv.Databases{}, map[string]string{"user/joe": "3"}, nil)
	const want = `mboxlist/folder.db: keys out of order: "user/bob" after "user/zoe"`
	if !errors.Is(err, ErrOrder) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, data) {
		t.Errorf("the database was touched: %v", err)
	}
}

// TestGetAndEach: a database is read alike whether it is held in memory or
// looked up record by record; a missing one is empty, a pipe is told.
func TestGetAndEach(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	want := map[string]string{"user/ann": "primary\tann\tlr", "user/joe": "primary\tjoe\tlr"}
	if err := write(t, store, Options{}, storeconv.Databases{}, want, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(store, "mboxlist/quota.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	log := new(reference.Recorder)
	l, err := Open(store, log)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	wantProblems := []string{
		"database mboxlist/quota.db: not a regular file",
		"missing-database mboxlist/subscr.db: the database is not there: what it held is lost",
		"missing-database mboxlist/peruser.db: the database is not there: what it held is lost",
	}
	if d := cmp.Diff(wantProblems, log.Problems); d != "" {
		t.Error(d)
	}
	for range 2 {
		for key, value := range want {
			if got, ok, err := l.Get(mboxlist.FolderDB, key); !ok || err != nil || string(got) != value {
				t.Errorf("%s: %q, %v, %v", key, got, ok, err)
			}
		}
		if _, ok, err := l.Get(mboxlist.FolderDB, "user/bob"); ok || err != nil {
			t.Errorf("a record that is not there: %v, %v", ok, err)
		}
		l.all[mboxlist.FolderDB].held = nil // as of a large one
	}
	if _, ok, err := l.Get(mboxlist.SubscrDB, "joe"); ok || err != nil {
		t.Errorf("a missing database: %v, %v", ok, err)
	}
	got := make(map[string]string)
	err = l.Each(context.Background(), mboxlist.FolderDB, func(key, value []byte) error {
		got[string(key)] = string(value)
		return nil
	})
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
	stop := errors.New("stop")
	if err := l.Each(context.Background(), mboxlist.FolderDB, func(_, _ []byte) error { return stop }); err != stop {
		t.Errorf("%v", err)
	}
}

// TestMissing: a database that is missing is told, all of them of a store whose
// mboxlist is empty; a bare tree of mail gets a warning, and so does a store of
// a Netscape server.
func TestMissing(t *testing.T) {
	for _, tt := range []struct {
		dir                string
		problems, warnings int
	}{{"mboxlist", 4, 0}, {"partition", 0, 1}, {"mboxlist/data.db2", 0, 1}} {
		store := t.TempDir()
		if err := os.MkdirAll(filepath.Join(store, tt.dir), 0o700); err != nil {
			t.Fatal(err)
		}
		log := new(reference.Recorder)
		l, err := Open(store, log)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if len(log.Problems) != tt.problems || len(log.Warnings) != tt.warnings {
			t.Errorf("%s alone: %q, %q", tt.dir, log.Problems, log.Warnings)
		}
		for _, s := range slices.Concat(log.Problems, log.Warnings) {
			if !strings.HasPrefix(s, "missing-database mboxlist") {
				t.Errorf("%s alone: %s", tt.dir, s)
			}
		}
		if _, ok, err := l.Get(mboxlist.QuotaDB, "joe"); ok || err != nil {
			t.Errorf("%s alone: %v, %v", tt.dir, ok, err)
		}
	}
}

// TestNotWhole: a database that cannot be read whole is told once, whichever of
// its records are asked for, and so is another one in its place; a run that is
// going to write refuses both before it does anything.
func TestNotWhole(t *testing.T) {
	records := map[string]string{"ann": "primary\tann\tlr", "joe": "primary\tjoe\tlr"}
	for name, tt := range map[string]struct {
		spoil func(data []byte) []byte
		file  string
		want  string
	}{
		"zeroed": {func(data []byte) []byte { clear(data[8192:]); return data }, "folder.db",
			"database mboxlist/folder.db: page 1 (offset 8192): page is all zeros, it was never written"},
		"another": {func(data []byte) []byte { return data }, "quota.db",
			"database mboxlist/quota.db: another database lies in its place: none of its records is one of quota.db"},
	} {
		t.Run(name, func(t *testing.T) {
			store := filepath.Join(t.TempDir(), "store")
			if err := write(t, store, Options{}, storeconv.Databases{}, records, nil); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(filepath.Join(store, "mboxlist/folder.db"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(store, "mboxlist", tt.file), tt.spoil(data), 0o600); err != nil {
				t.Fatal(err)
			}
			log := new(reference.Recorder)
			l, err := Open(store, log)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			for kind := range l.all {
				err := l.Each(context.Background(), mboxlist.Kind(kind), func(_, _ []byte) error { return nil })
				if err != nil {
					t.Error(err)
				}
				if _, _, err := l.Get(mboxlist.Kind(kind), "joe"); err != nil {
					t.Error(err)
				}
			}
			told := slices.DeleteFunc(slices.Clone(log.Problems), func(s string) bool { return strings.HasPrefix(s, "missing-database ") })
			if d := cmp.Diff([]string{tt.want}, told); d != "" {
				t.Error(d)
			}
			s, err := durable.OpenStore(store, durable.Options{Sync: storeconv.SyncNone})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := Check(s); err == nil || !strings.HasPrefix(err.Error(), "mboxlist/"+tt.file+": ") {
				t.Errorf("Check: %v", err)
			}
		})
	}
}
