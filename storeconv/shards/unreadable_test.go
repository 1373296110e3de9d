package shards

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/testsite/reference"
)

// What a survey cannot read is missing from its plan: that is a problem.
func TestUnreadableIsAProblem(t *testing.T) {
	log := new(reference.Recorder)
	w := &storeSurvey{log: log}
	if err := w.unreadable("=user/00", unix.EIO); err != nil {
		t.Fatal(err)
	}
	if err := w.unreadable("=user/01", unix.EMFILE); err == nil {
		t.Error("no error of the machine")
	}
	want := []string{"unreadable =user/00: input/output error: what lies there has no part in the plan"}
	if !slices.Equal(log.Problems, want) || len(log.Warnings) > 0 {
		t.Errorf("%q, %q", log.Problems, log.Warnings)
	}
}

// TestUnreadablePartition: a partition that cannot be looked into is told, and
// the plan is of the others; where no user is seen then, there is none. A
// symbolic link that leads to itself stands for one: the system refuses it to
// anybody.
func TestUnreadablePartition(t *testing.T) {
	for name, c := range map[string]struct {
		make func(store string) error
		told []string
		want string // users; "": nothing can be read
	}{
		"a disk that is not mounted": {func(store string) error { return os.Symlink(store+"/gone", store+"/partition/old") },
			[]string{"unreadable partition/old"}, "[[joe]]"},
		"partition": {func(store string) error { return os.Symlink("old", store+"/partition/old") },
			[]string{"unreadable partition/old"}, "[[joe]]"},
		"=user": {func(store string) error {
			return errors.Join(os.Mkdir(store+"/partition/old", 0o700), os.Symlink("=user", store+"/partition/old/=user"))
		}, []string{"unreadable partition/old"}, "[[joe]]"},
		"no users in it": {func(store string) error { return os.Mkdir(store+"/partition/old", 0o700) }, nil, "[[joe]]"},
		"the only one": {func(store string) error {
			return errors.Join(os.RemoveAll(store+"/partition/primary"), os.Mkdir(store+"/partition/primary", 0o700), os.Symlink("=user", store+"/partition/primary/=user"))
		}, []string{"unreadable partition/primary"}, ""},
		"none of two": {func(store string) error {
			return errors.Join(os.RemoveAll(store+"/partition/primary"), os.Symlink("primary", store+"/partition/primary"), os.Symlink("gone", store+"/partition/old"))
		}, []string{"unreadable partition/old", "unreadable partition/primary"}, ""},
	} {
		store := t.TempDir()
		dir := filepath.Join(store, ims.UserDir("primary", "joe"), "00")
		err := errors.Join(os.MkdirAll(dir, 0o700), os.MkdirAll(store+"/mboxlist", 0o700), os.WriteFile(dir+"/1.msg", []byte("x"), 0o600), os.WriteFile(store+"/mboxlist/data.db2", nil, 0o600))
		if err = errors.Join(err, c.make(store)); err != nil {
			t.Fatal(err)
		}
		log := new(reference.Recorder)
		s := new(Survey)
		defer s.Close()
		src, partitions, err := StoreSource(store)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		err = s.AddStore(t.Context(), partitions, 2, log, none{})
		var told []string
		for _, line := range log.Problems {
			line, _, _ = strings.Cut(strings.Replace(line, store+"/", "", 1), ": ")
			told = append(told, line)
		}
		slices.Sort(told)
		if !slices.Equal(told, c.told) || errors.Is(err, ErrNothingRead) != (c.want == "") || err != nil && c.want != "" {
			t.Errorf("%s: told %q, %v, want %q", name, log.Problems, err, c.told)
			continue
		}
		if c.want == "" {
			continue
		}
		m, err := s.Make(src, options(1, LinksPlan))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(lists(t, m)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
