package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imsconv/cmd/internal/cli"
)

// TestInputChanges: whatever a verb reads beside its export is a problem when
// it changes meanwhile, as the export is.
func TestInputChanges(t *testing.T) {
	const export = "dn: o=x\nobjectClass: organization\no: x\n\ndn: uid=a,o=x\nobjectClass: top\nobjectClass: person\nobjectClass: inetMailUser\nuid: a\ncn: a\nsn: a\nmail: a@x.com\n"
	for _, tt := range []struct{ name, text, command string }{
		{"in.ldif", export, "check IN"},
		{"in.ldif", export, "classify IN"},
		{"in.ldif", export, "users IN"},
		{"in.ldif", export, "upgrade -M sims -b o=x -o - IN"},
		{"b.ldif", strings.Replace(export, "sn: a", "sn: b", 1), "diff IN FILE"},
		{"site.schema", "attributetype ( 1.2.3 NAME 'x' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )\n", "check --schema FILE IN"},
		{"uids", "b c\n", "upgrade -M sims -b o=x --uid-map FILE -o - IN"},
		{"options", "m users\n", "upgrade -M sims -b o=x -C FILE -o - IN"},
	} {
		for _, changes := range []bool{false, true} {
			dir := t.TempDir()
			in, path := filepath.Join(dir, "in.ldif"), filepath.Join(dir, tt.name)
			for name, text := range map[string]string{in: export, path: tt.text} {
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			args := append([]string{"ldifconv"}, strings.Fields(tt.command)...)
			for i := range args {
				args[i] = strings.NewReplacer("IN", in, "FILE", path).Replace(args[i])
			}
			lost := cli.ExitLost
			if args[1] == "diff" {
				lost = cli.ExitUsage // what diff(1) has for trouble
			}
			var talk bytes.Buffer
			status := cli.Main(t.Context(), command(), args, strings.NewReader(""), changer{path, changes}, changer{path, changes}.beside(&talk))
			if told := strings.Count(talk.String(), "problem: "+path+": the file has changed since the run began"); told != map[bool]int{true: 1}[changes] || changes && status != lost {
				t.Errorf("%s, changes %v: status %d, told %d times\n%s", tt.command, changes, status, told, &talk)
			}
		}
	}
}

// changer changes a file when something is written to it.
type changer struct {
	path    string
	changes bool
}

func (c changer) Write(p []byte) (int, error) {
	if !c.changes {
		return len(p), nil
	}
	return len(p), os.Chtimes(c.path, time.Time{}, time.Now().Add(time.Minute))
}

// beside writes what it is given to another writer too.
func (c changer) beside(w *bytes.Buffer) writerFunc {
	return func(p []byte) (int, error) {
		if _, err := c.Write(p); err != nil {
			return 0, err
		}
		return w.Write(p)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
