package main

import (
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
)

const rerunExport = `dn: uid=a,o=x
objectclass: mailRecipient
objectclass: nsMessagingServerUser
uid: a
mail: a@x.com
mailhost: h.x.com
maildeliveryoption: program
mailprogramdeliveryinfo: /usr/local/bin/procmail -f-

no colon here

dn: uid=b,o=x
objectclass: mailRecipient
uid: b
mail: b@x.com
mailhost: h.x.com
`

// rerunFiles are all files that one upgrade writes.
var rerunFiles = map[string]string{
	"-o": "out.ldif", "--undo": "undo.ldif", "--save": "state.ldif", "--program-script": "programs.sh", "--rejects": "rejects.ldif",
}

// rerun runs the upgrade with its files in dir.
func rerun(t *testing.T, dir string, files map[string]string, more ...string) (code int, out, talk string) {
	t.Helper()
	in := filepath.Join(t.TempDir(), "in.ldif")
	writeText(t, in, rerunExport)
	t.Chdir(filepath.Dir(in)) // positions are the same in every run
	args := append([]string{"upgrade", "-M", "nms", "-b", "o=x", "-A", "mailHost:n.x.com"}, more...)
	for _, option := range slices.Sorted(maps.Keys(files)) {
		args = append(args, option, filepath.Join(dir, files[option]))
	}
	return ldifconvMain("", append(args, "in.ldif")...)
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// texts reads the files of a directory.
func texts(t *testing.T, dir string) map[string]string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range list {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(data)
	}
	return all
}

// TestUpgradeAgain: whatever files a killed run has given their names, the same
// command makes the others; a file that holds something else is refused, and
// none is written.
func TestUpgradeAgain(t *testing.T) {
	whole := t.TempDir()
	code, _, talk := rerun(t, whole, rerunFiles)
	want := texts(t, whole)
	if code != 3 || len(want) != len(rerunFiles) {
		t.Fatalf("exit %d, %d files: %s", code, len(want), talk)
	}
	names := slices.Sorted(maps.Keys(want))
	for there := range 1 << len(names) {
		dir, left := t.TempDir(), map[string]string{}
		for i, name := range names {
			if there>>i&1 == 1 {
				left[name] = want[name]
				writeText(t, filepath.Join(dir, name), want[name])
			}
		}
		if code, _, talk := rerun(t, dir, rerunFiles); code != 3 || !maps.Equal(texts(t, dir), want) {
			t.Errorf("%v are there: exit %d, %s", slices.Sorted(maps.Keys(left)), code, talk)
		}
	}
	for _, name := range names {
		for _, text := range []string{"", "x", want[name][1:], want[name][:len(want[name])-1], want[name] + "x"} {
			dir := t.TempDir()
			writeText(t, filepath.Join(dir, name), text)
			code, _, talk := rerun(t, dir, rerunFiles)
			if code != 1 || !strings.Contains(talk, name+": exists already") || !strings.Contains(talk, "--force") {
				t.Errorf("%s holds %.20q: exit %d, %s", name, text, code, talk)
			}
			if got := texts(t, dir); len(got) != 1 || got[name] != text {
				t.Errorf("%s holds %.20q: %q is there", name, text, got)
			}
			if code, _, _ = rerun(t, dir, rerunFiles, "--force"); code != 3 || !maps.Equal(texts(t, dir), want) {
				t.Errorf("%s with --force: exit %d", name, code)
			}
		}
	}
}

// TestPipedAgain: where the changes are piped away, a run may be killed in the
// middle of what undoes them; the same command goes on there.
func TestPipedAgain(t *testing.T) {
	piped := map[string]string{"--undo": "undo.ldif", "--save": "state.ldif"}
	whole := t.TempDir()
	code, changes, talk := rerun(t, whole, piped)
	want := texts(t, whole)
	if code != 3 || len(want) != 2 {
		t.Fatalf("exit %d, %d files: %s", code, len(want), talk)
	}
	for undo := 0; undo <= len(want["undo.ldif"]); undo += 7 {
		for _, state := range []int{0, 1, len(want["state.ldif"]) / 2, len(want["state.ldif"])} {
			dir := t.TempDir()
			writeText(t, filepath.Join(dir, "undo.ldif"), want["undo.ldif"][:undo])
			writeText(t, filepath.Join(dir, "state.ldif"), want["state.ldif"][:state])
			code, again, talk := rerun(t, dir, piped)
			if code != 3 || again != changes || !maps.Equal(texts(t, dir), want) {
				t.Fatalf("%d and %d bytes are there: exit %d, %s", undo, state, code, talk)
			}
		}
	}
	dir := t.TempDir()
	writeText(t, filepath.Join(dir, "undo.ldif"), "of another run")
	if code, out, _ := rerun(t, dir, piped); code != 1 || out != "" || texts(t, dir)["undo.ldif"] != "of another run" {
		t.Errorf("another undo: exit %d, %q", code, out)
	}
}

// TestMadeMeanwhile: what another has made under the name of an output since
// the run began stays, and none of the run's files gets its name. The other
// makes it when the run reads its input, which is behind the look at its
// outputs.
func TestMadeMeanwhile(t *testing.T) {
	for _, tt := range []struct {
		name  string
		there string // in the output when the run begins, "" for no file
		force bool
		code  int
		want  map[string]string
	}{
		{"made", "", false, 1, map[string]string{"out.ldif": "precious"}},
		{"replaced", "the same", false, 1, map[string]string{"out.ldif": "precious"}},
		{"forced", "", true, 0, nil},
	} {
		dir := t.TempDir()
		out, undo := filepath.Join(dir, "out.ldif"), filepath.Join(dir, "undo.ldif")
		export, _, _ := strings.Cut(rerunExport, "no colon here")
		args := []string{"ldifconv", "upgrade", "-M", "nms", "-b", "o=x", "-o", out, "--undo", undo}
		if tt.there != "" {
			var text bytes.Buffer
			if code := cli.Main(t.Context(), command(), []string{"ldifconv", "upgrade", "-M", "nms", "-b", "o=x"}, strings.NewReader(export), &text, io.Discard); code != 0 {
				t.Fatal(code)
			}
			writeText(t, out, text.String())
		}
		if tt.force {
			args = append(args, "--force")
		}
		meanwhile := readerFunc(func() {
			writeText(t, out+".theirs", "precious")
			if err := os.Rename(out+".theirs", out); err != nil {
				t.Error(err)
			}
		})
		var talk bytes.Buffer
		code := cli.Main(t.Context(), command(), args, io.MultiReader(strings.NewReader(export), meanwhile), io.Discard, &talk)
		got := texts(t, dir)
		if code != tt.code || tt.want != nil && !maps.Equal(got, tt.want) || tt.want == nil && (got["out.ldif"] == "precious" || got["undo.ldif"] == "") {
			t.Errorf("%s: exit %d, %q\n%s", tt.name, code, got, &talk)
		}
		if tt.code != 0 && !strings.Contains(talk.String(), out+": exists already") {
			t.Errorf("%s: %s", tt.name, &talk)
		}
	}
}

// readerFunc is called when an input is read to its end.
type readerFunc func()

func (f readerFunc) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}
