package backup

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/testsite/reference"
)

// A message that is not what its index says is written as it stands, and told:
// of a changed file the SHA-256, of one of another size that, and that for each
// of its names.
func TestMessageUnlikeItsIndex(t *testing.T) {
	store := listedStore(t, "anna/INBOX", "bob/INBOX", "joe/INBOX")
	at := func(id string) string { return ims.UserDir("primary", id) + "/00/1.msg" }
	anna, bob, joe := filepath.Join(store, at("anna")), filepath.Join(store, at("bob")), filepath.Join(store, at("joe"))
	for _, err := range []error{
		os.WriteFile(anna, []byte("y"), 0o600),
		os.WriteFile(bob, []byte("longer"), 0o600),
		os.Remove(joe),
		os.Link(bob, joe),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	log := new(reference.Recorder)
	rep, err := Backup(t.Context(), new(bytes.Buffer), store, Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range log.Problems {
		p, _, _ = strings.Cut(p, ":")
		got = append(got, p)
	}
	slices.Sort(got)
	want := []string{"size " + at("bob"), "size " + at("joe"), "wrong-sum " + at("anna")}
	if slices.Sort(want); !slices.Equal(got, want) || rep.Messages != 2 || rep.Links != 1 {
		t.Errorf("%+v, %q, want %q", rep, log.Problems, want)
	}
}

// A keyword that can be none is left out and told, and costs nothing else.
func TestKeywordThatCannotBe(t *testing.T) {
	store := listedStore(t, "anna/INBOX")
	dir := ims.UserDir("primary", "anna")
	index := filepath.Join(store, dir, ims.IndexName)
	text, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Replace(text, []byte("\nUserflags:"), []byte("\nUserflags: b\x00d Work"), 1)
	bad = bytes.Replace(bad, []byte("\t0000000\t"), []byte("\t0000000\t03"), 1)
	if !bytes.Contains(bad, []byte("\t03")) {
		t.Fatalf("%q", bad)
	}
	if err := os.WriteFile(index, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	stream, _, log := backupOf(t, store, Options{})
	want := []string{"bad-flag " + dir + `: the keyword "b\x00d" cannot be one, and is left out`}
	if !slices.Equal(log.Problems, want) {
		t.Errorf("%q, want %q", log.Problems, want)
	}
	if !bytes.Contains(stream, []byte("SIMS.keywords=Work\n")) || !bytes.Contains(stream, []byte("SIMS.flags=Work\n")) || bytes.Contains(stream, []byte("b\x00d")) {
		t.Errorf("%q", stream)
	}
}

// What the first walk cannot read, whatever the reason, is told there: the
// second may read it, as a copy where a link should be.
func TestFaultOfTheFirstWalk(t *testing.T) {
	log := new(reference.Recorder)
	b := &run{opts: Options{Log: log}}
	fault := &os.PathError{Op: "stat", Path: "x", Err: unix.EIO}
	b.tellUnseen("x", nil)
	b.tellUnseen("x", os.ErrNotExist)
	b.tellUnseen("x", ims.ErrNotRegular)
	b.tellUnseen("x", &os.PathError{Op: "stat", Path: "x", Err: unix.ENOENT})
	b.tellUnseen("x", &os.PathError{Op: "open", Path: "x", Err: unix.ELOOP})
	b.tellUnseen("mail", fault)
	b.tellUnseen("rights", &os.PathError{Op: "stat", Path: "rights", Err: unix.EACCES})
	b.tellUnseen("anything", &os.PathError{Op: "stat", Path: "anything", Err: unix.EUCLEAN})
	b.tellUnseen("index", &ims.Error{Line: 3, Class: ims.BadIndex, Text: fault.Error(), Err: fault})
	var told []string
	for _, line := range log.Problems {
		where, _, _ := strings.Cut(line, ": ")
		told = append(told, where)
	}
	if want := []string{"unreadable mail", "unreadable rights", "unreadable anything", "unreadable index"}; !slices.Equal(told, want) {
		t.Errorf("%q, want %q", log.Problems, want)
	}
}
