package cli

import (
	"context"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func idle(context.Context, *Job, []string) error { return nil }

func TestVersion(t *testing.T) {
	defer func(version, commit string) { Version, Commit = version, commit }(Version, Commit)
	Version, Commit = "9.8", "abc123"
	want := "tool 9.8\ncommit abc123\n" + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + "\n"
	for _, argv := range [][]string{{"version"}, {"--version"}, {"-V"}, {"do", "-V"}, {"do", "x", "--version"}} {
		if code, stdout, stderr := run(t, idle, append([]string{"tool"}, argv...)...); code != ExitDone || stdout != want || stderr != "" {
			t.Errorf("%s: exit %d, %q, %q", argv, code, stdout, stderr)
		}
	}
	if code, _, stderr := run(t, idle, "tool", "version", "do"); code != ExitUsage || !strings.Contains(stderr, "no arguments") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

func TestBuiltCommit(t *testing.T) {
	info := func(pairs ...string) *debug.BuildInfo {
		b := new(debug.BuildInfo)
		for i := 0; i < len(pairs); i += 2 {
			b.Settings = append(b.Settings, debug.BuildSetting{Key: pairs[i], Value: pairs[i+1]})
		}
		return b
	}
	for _, tt := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, ""},
		{info(), ""},
		{info("vcs.modified", "true"), ""},
		{info("vcs.revision", "abc", "vcs.modified", "false"), "abc"},
		{info("vcs.modified", "true", "vcs.revision", "abc"), "abc+dirty"},
	} {
		if got := builtCommit(tt.info, tt.info != nil); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.info, got, tt.want)
		}
	}
}
