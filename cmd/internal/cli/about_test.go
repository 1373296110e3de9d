package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// withoutAbout is a report less what two equal runs differ in: the members of
// [About], each of which must be there.
func withoutAbout(t *testing.T, data []byte) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		t.Fatal(err)
	}
	for f := range fieldsOf(About{}) {
		if members[f] == nil {
			t.Errorf("the report has no %s: %s", f, data)
		}
		delete(members, f)
	}
	rest, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(rest)
}

// fieldsOf gives the names of a struct's members in JSON.
func fieldsOf(v any) map[string]bool {
	names := map[string]bool{}
	for i := range reflect.TypeOf(v).NumField() {
		name, _, _ := strings.Cut(reflect.TypeOf(v).Field(i).Tag.Get("json"), ",")
		names[name] = true
	}
	return names
}

// aboutOf runs action as a verb with three flags and returns what its report
// tells of the run.
func aboutOf(t *testing.T, stdin string, action Action, args ...string) (a About) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.json")
	c := Command{Name: "tool", Verbs: []Verb{{Name: "do", New: func(fs *pflag.FlagSet) Action {
		fs.StringP("users", "u", "", "")
		fs.StringArrayP("file", "f", nil, "")
		fs.StringP("password", "w", "", "")
		Secret(fs, "password")
		return action
	}}}}
	if code := Main(t.Context(), c, append([]string{"tool", "do", "--report", path}, args...), strings.NewReader(stdin), io.Discard, io.Discard); code != ExitDone {
		t.Fatalf("exit %d", code)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &a); err != nil {
		t.Fatal(err)
	}
	delete(a.Options, "report")
	return a
}

func TestReportTellsTheOptions(t *testing.T) {
	before := time.Now().Truncate(time.Millisecond)
	a := aboutOf(t, "", idle, "-f", "a,b", "--file=c", "-w", "hush", "x", "--quiet", "y")
	want := map[string]string{"file": "a,b\nc", "password": "(not kept)", "quiet": "true"}
	if d := cmp.Diff(want, a.Options); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"x", "y"}, a.Arguments); d != "" {
		t.Error(d)
	}
	if a.Start.Before(before) || a.End.Before(a.Start) || a.End.After(time.Now()) || a.Start.Location() != time.UTC {
		t.Errorf("from %v to %v", a.Start, a.End)
	}
	if b := ThisBuild("tool"); a.Version != b.Version || a.Commit != b.Commit || a.Go != b.Go {
		t.Errorf("%+v", a)
	}
}

func TestReportTellsTheInputs(t *testing.T) {
	dir := t.TempDir()
	small, changed, large := filepath.Join(dir, "small"), filepath.Join(dir, "changed"), filepath.Join(dir, "large")
	for _, path := range []string{small, changed, large} {
		if err := os.WriteFile(path, []byte("mail"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(large, hashedSize+1); err != nil {
		t.Fatal(err)
	}
	a := aboutOf(t, "the input", func(_ context.Context, j *Job, args []string) error {
		for _, path := range []string{small, changed, large, "-", small} {
			in, err := j.Open(path)
			if err != nil {
				return err
			}
			if _, err := io.Copy(io.Discard, in); err != nil {
				return err
			}
			in.Close()
		}
		j.Source(dir)
		defer j.Changed() // which would be a problem at the end
		return os.WriteFile(changed, []byte("other mail"), 0o600)
	}, "-u", small, "-f", "-", "-f", large, changed, dir)
	sum := sha256.Sum256([]byte("mail"))
	want := []InputRead{
		{Role: "users", Path: small, Bytes: 4, SHA256: hex.EncodeToString(sum[:])},
		{Role: "argument", Path: changed, Bytes: 4},
		{Role: "file", Path: large, Bytes: hashedSize + 1},
		{Role: "file", Path: "-", Bytes: 9},
		{Role: "argument", Path: dir, Tree: true},
	}
	for i, in := range a.Inputs {
		if (in.Modified == nil) != (in.Path == "-") {
			t.Errorf("%s was modified at %v", in.Path, in.Modified)
		}
		a.Inputs[i].Modified = nil
	}
	if d := cmp.Diff(want, a.Inputs); d != "" {
		t.Error(d)
	}
}

// A verb's own results go before what is known of the run.
func TestReportKeepsTheVerbsMembers(t *testing.T) {
	j := newJob("tool", "do", nil, nil, io.Discard)
	j.Data(map[string]any{"version": "its own", "inputs": []string{}})
	var b bytes.Buffer
	if err := j.writeReport(&b, j.Snapshot()); err != nil {
		t.Fatal(err)
	}
	for member := range fieldsOf(About{}) {
		if n := strings.Count(b.String(), "\n  \""+member+"\":"); n != 1 {
			t.Errorf("%s is there %d times:\n%s", member, n, b.String())
		}
	}
	if !strings.Contains(b.String(), `"version": "its own"`) {
		t.Error(b.String())
	}
}
