package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// profiled says for a goal which Go benchmark does the same work, and whose
// functions count in its profile.
type profiled struct{ goal, bench, focus, ignore string }

// profiles are the goals that can be looked into.
var profiles = []profiled{
	{"upgrade, 129 MB, users of one shape", "^BenchmarkUpgrade$/^changes$/^one-shape$", `imsconv/ldifconv\b`, "ldifconv/testdir"},
	{"upgrade, 71 MB, users that all differ", "^BenchmarkUpgrade$/^changes$/^every-attribute$", `imsconv/ldifconv\b`, "ldifconv/testdir"},
	{"restore", "^BenchmarkRestore$/^ordinary$", "storeconv/restore", ""},
	{"convert", "^BenchmarkDatabase$/^convert$/^small-records$", `dbconv\.Convert`, ""},
	{"verify", "^BenchmarkVerify$/^ordinary$", "storeconv/verify", ""},
	{"backup", "^BenchmarkBackup$/^ordinary$", "storeconv/backup", ""},
	{"relocate, hard links", "^BenchmarkRelocate$/^hardlink$", "storeconv/relocate", ""},
	{"relocate, copies", "^BenchmarkRelocate$/^copy$", "storeconv/relocate", ""},
}

// profileResult is where the processor time of a path goes.
type profileResult struct {
	Goal  string `json:"goal"`
	Bench string `json:"bench"`
	Top   string `json:"top"` // as go tool pprof prints it
}

// profileLines is how many functions of a profile are shown.
const profileLines = 14

// profile looks into every goal that was measured and not reached.
func (s *suite) profile(ctx context.Context) error {
	for _, g := range s.res.Goals {
		for _, p := range profiles {
			if p.goal != g.Path || g.Reached || g.Measured == notMeasured {
				continue
			}
			top, err := s.profileOf(ctx, p)
			if err != nil {
				return fmt.Errorf("profile of %s: %w", p.goal, err)
			}
			s.res.Profiles = append(s.res.Profiles, profileResult{p.goal, p.bench, top})
		}
	}
	return nil
}

func (s *suite) profileOf(ctx context.Context, p profiled) (string, error) {
	file, binary := s.at("cpu.prof"), s.at("bench.test")
	cmd := exec.CommandContext(ctx, "go", "test", "imsconv/benchmarks", "-run", "^$", "-bench", p.bench, "-benchtime", "3s", "-cpuprofile", file, "-o", binary)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %.500s", err, out)
	}
	args := []string{"tool", "pprof", "-top", "-nodecount", fmt.Sprint(profileLines), "-focus", p.focus}
	if p.ignore != "" {
		args = append(args, "-ignore", p.ignore)
	}
	out, err := exec.CommandContext(ctx, "go", append(args, binary, file)...).Output()
	return trimProfile(string(out)), err
}

// trimProfile leaves the table of a profile, from its heading on.
func trimProfile(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, l := range lines {
		if strings.Contains(l, "flat%") {
			return strings.Join(lines[i:], "\n")
		}
	}
	return strings.Join(lines, "\n")
}
