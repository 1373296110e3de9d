package backup

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
