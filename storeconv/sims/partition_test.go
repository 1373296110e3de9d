package sims

import (
	"archive/tar"
	"bytes"
	"slices"
	"testing"
)

// A partition in front of the user is told, once for each user that comes.
func TestPartitionInFront(t *testing.T) {
	for name, tt := range map[string]struct {
		members []string
		want    []string // members with a warning
	}{
		"two partitions": {
			[]string{"one/user/anna/INBOX/1", "one/user/bob/INBOX/1", "two/user/anna/INBOX/1"},
			[]string{"one/user/anna/INBOX/1", "two/user/anna/INBOX/1"},
		},
		"with directories":         {[]string{"one/", "one/user/", "one/user/anna/", "one/user/anna/INBOX/1"}, []string{"one/user/anna"}},
		"a folder of an own name":  {[]string{"joe/", "joe/INBOX/1", "joe/user/", "joe/user/x/1"}, nil},
		"a folder user with mail":  {[]string{"joe/user/1", "joe/user/2"}, nil},
		"a folder of another name": {[]string{"joe/users/anna/1"}, nil},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, m := range tt.members {
			h := &tar.Header{Name: m, Mode: 0o600, Typeflag: tar.TypeReg}
			if m[len(m)-1] == '/' {
				h.Typeflag = tar.TypeDir
			}
			if err := w.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		var got []string
		members := 0
		for _, err := range NewReader(&b).All() {
			switch e := ErrorOf(err); {
			case e != nil && e.Class == OddName && e.Severity() == 1:
				got = append(got, e.Name)
			case err != nil:
				t.Error(err)
			default:
				members++
			}
		}
		if !slices.Equal(got, tt.want) || members != len(tt.members) {
			t.Errorf("%s: warned of %q, want %q; %d members", name, got, tt.want, members)
		}
	}
}
