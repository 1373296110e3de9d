package measure

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	u, err := Job{Shell: "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done > out", Dir: dir, Sync: "out"}.Run()
	if err != nil || u.Wall <= 0 || u.CPU <= 0 || u.Peak <= 0 || u.Foreign < 0 {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "out")); err != nil {
		t.Error(err)
	}
	u, err = Job{Shell: `echo '{"seconds": 2.5, "cpu": 1.5, "peak": 7}'`, Own: true}.Run()
	if err != nil || u.Wall != 2.5 || u.CPU != 1.5 || u.Peak != 7 {
		t.Errorf("%+v, %v", u, err)
	}
	for _, bad := range []Job{
		{Argv: []string{"/nowhere/program"}}, {Shell: "exit 1"}, {Argv: []string{"true"}, Sync: "/nowhere/file"},
		{Shell: "echo nothing", Own: true}, {Argv: []string{"true"}, Own: true},
	} {
		if u, err := bad.Run(); err == nil {
			t.Errorf("%+v: %+v", bad, u)
		}
	}
}
