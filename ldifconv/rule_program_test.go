package ldifconv

import "testing"

func TestProgramScript(t *testing.T) {
	for _, row := range []struct{ command, want string }{
		{"/usr/local/bin/procmail -f-", "imsimta program -a -m p -p procmail -g '-f-' -e user"},
		{`"/opt/my tools/filter" -f`, "imsimta program -a -m p -p filter -g '-f' -e user"},
		{`'/opt/my tools/the filter'`, "imsimta program -a -m p -p 'the filter' -e user"},
		{`/opt/my\ tools/filter -x "a b"`, `imsimta program -a -m p -p filter -g '-x "a b"' -e user`},
		{"/bin/vacation\tjoe", "imsimta program -a -m p -p vacation -g joe -e user"},
		{`it\'s "a 'b" -f`, `imsimta program -a -m p -p 'it'\''s' -g '"a '\''b" -f' -e user`},
		{`it's`, "# imsimta program -a -m p -p EXECUTABLE -e user"},
		{`a "b 'c'`, "# imsimta program -a -m p -p EXECUTABLE -e user"},
		{`C:\bin\filter.exe -q`, `imsimta program -a -m p -p 'C:\bin\filter.exe' -g '-q' -e user`},
	} {
		want := "# was: " + oneLine(row.command) + "\n" + row.want
		if got := (Program{Name: "p", Command: row.command}).Script(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}
