package main

import (
	"strings"
	"testing"
)

// -h of imsdirmig names a server wherever it stands, and is no value's.
func TestOldMigration(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"-h host -b o=x -M sims", "--ldap-host=host -b o=x -M sims"},
		{"-hhost -b -h", "--ldap-host=host -b -h"},
		{"-cPh host in.ldif", "-cP --ldap-host=host in.ldif"},
		{"-Ph", "error"},
		{"--base o=x -n -- -h", "--base o=x -n -- -h"},
		{"-b", "-b"},
	} {
		got, err := oldMigration(strings.Fields(tt.in), nil)
		text := strings.Join(got, " ")
		if err != nil {
			text = "error"
		}
		if text != tt.want {
			t.Errorf("%q becomes %q, want %q", tt.in, text, tt.want)
		}
	}
}
