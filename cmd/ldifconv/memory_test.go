package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/peer"
	"imsconv/ldifconv/check"
)

// memoryLimit is what upgrade says it takes, in bytes.
const memoryLimit = 64 << 20

// The memory of upgrade stays under its limit whatever the input is.
func TestUpgradeMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("peak memory is read as Linux gives it")
	}
	entries, huge := 60_000, 40<<20
	if fullRun {
		entries, huge = 1_000_000, 1<<30
	}
	photo := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("not repeating much "), 310_000))
	for _, tt := range []struct {
		name string
		args []string
		exit int
		fill func(w io.Writer)
	}{
		{"many entries", nil, 0, func(w io.Writer) { manyEntries(w, entries) }},
		{"many entries, full, backwards", []string{"--format", "ldif", "--undo", "/dev/null"}, 0, func(w io.Writer) {
			for i := range entries {
				fmt.Fprintf(w, "dn: cn=b,uid=u%[1]d,o=x\ncn: b\n\ndn: uid=u%[1]d,o=x\nobjectclass: inetMailUser\nuid: u%[1]d\nmail: u%[1]d@x.com\n\n", i)
			}
		}},
		{"many entries, full, not checked", []string{"--format=ldif", "--check=no"}, 0, func(w io.Writer) { manyEntries(w, entries) }},
		{"many entries, full", []string{"--format", "ldif"}, 0, func(w io.Writer) { manyEntries(w, entries) }},
		{"entries of 8 MB", []string{"--format", "ldif", "--undo", "/dev/null", "--rejects", "/dev/null"}, 0, func(w io.Writer) {
			for i := range 8 {
				fmt.Fprintf(w, "dn: uid=u%d,o=x\nobjectclass: inetMailUser\njpegphoto:: ", i)
				for rest := photo; rest != ""; rest = rest[min(76, len(rest)):] {
					fmt.Fprintf(w, "%s\n ", rest[:min(76, len(rest))])
				}
				fmt.Fprint(w, "\n\n")
			}
		}},
		{"a list of 200,000 members", []string{"--undo", "/dev/null"}, 0, func(w io.Writer) {
			fmt.Fprint(w, "dn: cn=l,o=x\nobjectclass: inetMailGroup\nobjectclass: inetMailRouting\ncn: l\nmail: l@x.com\nmailhost: h.x.com\n")
			for i := range 200_000 {
				fmt.Fprintf(w, "rfc822mailmember: member%d@x.com\n", i)
			}
		}},
		{"a record that does not end", nil, 3, func(w io.Writer) {
			fmt.Fprint(w, "dn: cn=l,o=x\n")
			for line := strings.Repeat("v", 990); huge > 0; huge -= 1000 {
				fmt.Fprintf(w, "cn: %s\n", line)
			}
		}},
		{"a line that does not end", []string{"--format", "ldif"}, 3, func(w io.Writer) {
			fmt.Fprint(w, "dn: cn=l,o=x\ncn: ")
			for piece := strings.Repeat("v", 1<<10); huge > -(20 << 20); huge -= 1 << 10 {
				fmt.Fprint(w, piece)
			}
		}},
		{"nothing but damage", []string{"--rejects", "/dev/null", "-f", "/dev/null"}, 3, func(w io.Writer) {
			for range 700_000 {
				fmt.Fprint(w, "x\n\n")
			}
		}},
		{"an entry of nothing but names", nil, 3, func(w io.Writer) {
			fmt.Fprint(w, "dn: cn=l,o=x\n")
			for i := range 400_000 {
				fmt.Fprintf(w, "a%d:\n", i)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			limit := int64(memoryLimit)
			if slices.Contains(tt.args, "ldif") { // which is checked
				limit += check.DefaultCache
			}
			peak := upgradePeak(t, tt.fill, tt.exit, tt.args...)
			if t.Logf("peak memory %.1f MiB", float64(peak)/(1<<20)); peak > limit {
				t.Errorf("more than %d MiB", limit>>20)
			}
		})
	}
}

// The memory of users does not grow with the listing of --sizes.
func TestUsersMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("peak memory is read as Linux gives it")
	}
	export := filepath.Join(t.TempDir(), "export.ldif")
	if err := os.WriteFile(export, []byte("dn: uid=u7,o=x\nobjectclass: inetMailUser\nuid: u7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	users := 1_000_000
	if testing.Short() {
		users = 600_000
	}
	peak := commandPeak(t, func(w io.Writer) {
		for i := range users {
			fmt.Fprintf(w, "u%[1]d/INBOX/1\t%[1]d\nu%[1]d/INBOX/2\t1\n", i)
		}
	}, 0, "users", "--quiet", "--split", "2", "--out", t.TempDir(), export, "--sizes")
	if t.Logf("peak memory %.1f MiB", float64(peak)/(1<<20)); peak > memoryLimit {
		t.Errorf("more than %d MiB", memoryLimit>>20)
	}
}

func manyEntries(w io.Writer, n int) {
	for i := range n {
		fmt.Fprintf(w, "dn: uid=u%[1]d,o=x\nobjectclass: top\nobjectclass: inetMailUser\nobjectclass: inetMailRouting\nuid: u%[1]d\nmail: u%[1]d@x.com\nrfc822mailalias: v%[1]d@x.com\nmailquota: 5M\n\n", i)
	}
}

// upgradePeak runs upgrade on what fill writes and returns its peak memory in
// bytes.
func upgradePeak(t *testing.T, fill func(w io.Writer), exit int, args ...string) int64 {
	t.Helper()
	return commandPeak(t, fill, exit, append([]string{"upgrade", "--quiet", "-M", "sims", "-b", "o=x", "-o", "/dev/null"}, args...)...)
}

// commandPeak runs the command on a file that fill writes, its last argument,
// and returns its peak memory in bytes.
func commandPeak(t *testing.T, fill func(w io.Writer), exit int, args ...string) int64 {
	t.Helper()
	input := filepath.Join(t.TempDir(), "in.ldif")
	f, err := os.Create(input)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	fill(w)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return pipedPeak(t, nil, exit, append(args, input)...)
}

// pipedPeak runs the command with standard input and returns its peak memory in
// bytes.
func pipedPeak(t *testing.T, stdin io.Reader, exit int, args ...string) int64 {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "measured") // the test binary is the command under this name
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	peak := filepath.Join(t.TempDir(), "peak")
	cmd := peer.Command(t, program, args...)
	cmd.Stdin = stdin
	cmd.Env = append(os.Environ(), peakVariable+"="+peak)
	out, err := cmd.CombinedOutput()
	if status := cmd.ProcessState.ExitCode(); status != exit {
		t.Fatalf("exit status %d, want %d: %v: %.2000s", status, exit, err, out)
	}
	text, err := os.ReadFile(peak)
	if err != nil {
		t.Fatal(err)
	}
	kilobytes, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

// peakVariable names the file in which a program writes its peak memory.
const peakVariable = "IMSCONV_PEAK"

// measuredMain is main that writes the peak memory of the process, in KiB, to
// the file of peakVariable: what it took itself, without the pages of the
// program file that the kernel maps. The system's usage of a child will not do:
// it begins with the size of the parent, which is this test.
func measuredMain() {
	code := cli.Main(context.Background(), command(), os.Args, os.Stdin, os.Stdout, os.Stderr)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	peak := strconv.FormatInt(memoryOf(status, "VmHWM:")-memoryOf(status, "RssFile:"), 10)
	if err := os.WriteFile(os.Getenv(peakVariable), []byte(peak), 0o600); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// memoryOf returns a number of /proc/self/status.
func memoryOf(status []byte, name string) int64 {
	_, rest, _ := strings.Cut(string(status), name)
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}
