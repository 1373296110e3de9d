package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// target is a processor, and what those who package for it call it.
type target struct {
	arch string // as Go and Debian say
	rpm  string // as rpm says
}

// targets are all that a release is made for; the system is Linux.
var targets = []target{{"amd64", "x86_64"}, {"arm64", "aarch64"}}

// cleanEnv is what makes a build the same on every machine: everything that the
// environment could change in a program is said here.
func (s *source) cleanEnv(ctx context.Context, arch string) ([]string, error) {
	out, err := output(ctx, s.root, nil, "go", "mod", "edit", "-json")
	if err != nil {
		return nil, err
	}
	var mod struct{ Go, Toolchain string }
	if err := json.Unmarshal(out, &mod); err != nil {
		return nil, fmt.Errorf("go.mod: %w", err)
	}
	if mod.Toolchain == "" {
		mod.Toolchain = "go" + mod.Go
	}
	return []string{
		"GOOS=linux", "GOARCH=" + arch, "GOTOOLCHAIN=" + mod.Toolchain, "CGO_ENABLED=0", "GOWORK=off",
		"GOFLAGS=-mod=readonly", "GOEXPERIMENT=", "GODEBUG=", "GOFIPS140=off", "GOAMD64=v1", "GOARM64=v8.0",
	}, nil
}

// symbols are the options of the linker that tell the programs what they are.
func (s *source) symbols(version string) string {
	const pkg = "imsconv/cmd/internal/cli."
	return fmt.Sprintf("-X %[1]sVersion=%[2]s -X %[1]sCommit=%[3]s -X %[1]sDate=%[4]s", pkg, version, s.commit, s.date.Format(time.DateOnly))
}

// build compiles the programs for one processor into dir. They link nothing of
// the system's, and hold no path of the machine that built them: two clones in
// two folders give the same bytes.
func (s *source) build(ctx context.Context, arch, version, dir string, programs []string) error {
	env, err := s.cleanEnv(ctx, arch)
	if err != nil {
		return err
	}
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= " + s.symbols(version), "-o", dir + string(filepath.Separator)}
	for _, p := range programs {
		args = append(args, "./cmd/"+p)
	}
	_, err = output(ctx, s.root, env, "go", args...)
	return err
}

// checkBuild asks a program that this machine can run what it is: the linker
// says nothing of a variable that is not there.
func (s *source) checkBuild(ctx context.Context, program, version string) error {
	out, err := output(ctx, "/", nil, program, "version")
	if err != nil {
		return err
	}
	want := fmt.Sprintf("%s %s\ncommit %s\n", filepath.Base(program), version, s.commit)
	if !strings.HasPrefix(string(out), want) {
		return fmt.Errorf("%s says it is %q, not %q: the link has not set its variables", program, out, want)
	}
	return nil
}

// runnable is the folder of built programs that this machine can run, among
// those of dirs, by processor. A machine that is none of the targets builds for
// itself, into spare.
func (s *source) runnable(ctx context.Context, dirs map[string]string, version, spare string, programs []string) (string, error) {
	if dir := dirs[runtime.GOARCH]; dir != "" && runtime.GOOS == "linux" {
		return dir, nil
	}
	args := []string{"build", "-ldflags", s.symbols(version), "-o", spare + string(filepath.Separator)}
	for _, p := range programs {
		args = append(args, "./cmd/"+p)
	}
	if _, err := output(ctx, s.root, nil, "go", args...); err != nil {
		return "", fmt.Errorf("programs for this machine, which print the manual: %w", err)
	}
	return spare, nil
}
