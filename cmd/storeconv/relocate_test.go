package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/testsite"
)

// nmsStore generates an NMS store in a directory of the test.
func nmsStore(t testing.TB, opts testsite.NMSOptions) (string, testsite.NMSSite) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "nms")
	site, err := testsite.WriteNMS(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return dir, site
}

// TestRelocateAgainstCp holds a relocated store against cp -a of the same tree:
// every byte, mode, time and link.
func TestRelocateAgainstCp(t *testing.T) {
	from, _ := nmsStore(t, testsite.NMSOptions{Seed: 21, Users: 24, Links: 25})
	before := readTree(t, from)
	dir := t.TempDir()
	copied := filepath.Join(dir, "cp")
	if out, err := peer.Command(t, "cp", "-a", from, copied).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	want := readTree(t, copied)
	for _, via := range []string{"copy", "hardlink"} {
		store := filepath.Join(dir, via)
		o := mustRun(t, 0, "relocate", "--from", from, "--store", store, "--via", via)
		if o.rss > 256<<20 {
			t.Errorf("--via %s took %d MiB", via, o.rss>>20)
		}
		got := readTree(t, store)
		for _, part := range []string{"partition", "user"} {
			// Hard links to the source raise every link count.
			diffTrees(t, via+": "+part, got.under(part), want.under(part), via == "copy" && part == "user")
		}
		if via == "copy" {
			compareLinks(t, got.under("partition"), want.under("partition"))
		}
		mustRun(t, 0, "verify", "--store", store, "--from", from)
	}
	// Names of the source's files have become more, nothing else changed.
	diffTrees(t, "the source", readTree(t, from), before, false)
}

// compareLinks expects the same names to be the same file in both trees.
func compareLinks(t *testing.T, got, want tree) {
	t.Helper()
	name := make(map[string]string)
	for path, w := range want {
		g := got[path]
		if g.links != w.links {
			t.Errorf("%s has %d links, want %d", path, g.links, w.links)
		}
		if first, ok := name[w.first]; ok && first != g.first {
			t.Errorf("%s is not the same file as %s", path, w.first)
		}
		name[w.first] = g.first
	}
}

// TestRelocatePeers has the real library judge the databases of a relocated
// store.
func TestRelocatePeers(t *testing.T) {
	verify, dump := peer.Need(t, "db5.3_verify"), peer.Need(t, "db5.3_dump")
	from, site := nmsStore(t, testsite.NMSOptions{Seed: 22, Users: 40})
	for _, order := range []string{"big", "little"} {
		store := filepath.Join(t.TempDir(), "store")
		mustRun(t, 0, "relocate", "--from", from, "--store", store, "--bdb", "9", "--byte-order", order, "--page-size", "1024")
		for name, want := range map[string]map[string]string{"folder.db": site.Folder, "quota.db": site.Quota, "subscr.db": site.Subscr, "peruser.db": {}} {
			path := filepath.Join(store, "mboxlist", name)
			if out, err := peer.Command(t, verify, path).CombinedOutput(); err != nil {
				t.Errorf("db5.3_verify %s (%s-endian): %v\n%s", name, order, err, out)
			}
			out, err := peer.Command(t, dump, path).Output()
			if err != nil {
				t.Errorf("db5.3_dump %s: %v", name, err)
			}
			if got := dumped(t, out); !equalRecords(got, want) {
				t.Errorf("%s (%s-endian): the library reads %d records, not the %d that were written", name, order, len(got), len(want))
			}
		}
	}
}

// dumped reads what db_dump prints: hexadecimal lines, key and value in turn.
func dumped(t testing.TB, out []byte) map[string]string {
	t.Helper()
	_, body, ok := bytes.Cut(out, []byte("HEADER=END\n"))
	if !ok {
		t.Fatalf("no dump: %.200q", out)
	}
	records := make(map[string]string)
	key, isKey := "", true
	for line := range strings.Lines(string(body)) {
		line = strings.TrimRight(line, "\n")
		if line == "DATA=END" {
			break
		}
		var text []byte
		if _, err := fmt.Sscanf(line, " %x", &text); err != nil && strings.TrimSpace(line) != "" {
			t.Fatalf("dump line %q: %v", line, err)
		}
		if isKey {
			key = string(text)
		} else {
			records[key] = string(text)
		}
		isKey = !isKey
	}
	return records
}

func equalRecords(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || w != v {
			return false
		}
	}
	return true
}

// TestRelocateKill kills relocate at random moments: a user is there whole or
// not at all, and the same command again makes the store that an undisturbed
// run makes.
func TestRelocateKill(t *testing.T) {
	kills := 9
	opts := testsite.NMSOptions{Seed: 23, Users: 30, Messages: 700, Links: 25}
	if full {
		kills = 150
		opts.Users, opts.Messages = 150, 6000
	}
	dir := scratch(t)
	from := filepath.Join(dir, "nms")
	if _, err := testsite.WriteNMS(from, opts); err != nil {
		t.Fatal(err)
	}
	before := readTree(t, from)
	for _, via := range []string{"copy", "hardlink"} {
		undisturbed := filepath.Join(dir, "undisturbed-"+via)
		k := newKiller(3, 4)
		k.measure(func() { mustRun(t, 0, "relocate", "--from", from, "--store", undisturbed, "--via", via, "--quiet") })
		whole := readTree(t, undisturbed)
		users := make(map[string]tree)
		for path := range whole {
			if p := strings.Split(path, "/"); len(p) == 6 && p[0] == "partition" {
				users[path] = whole.under(path)
			}
		}
		for i := range kills {
			store := filepath.Join(dir, "store")
			args := []string{"relocate", "--from", from, "--store", store, "--via", via, "--quiet", "--sync", []string{"batch", "user", "none"}[i%3]}
			for range 1 + i%3 {
				k.anywhere(t, args)
				if _, err := os.Stat(store); err == nil {
					checkWholeUsers(t, readTree(t, store), users)
				}
			}
			mustRun(t, 0, args...)
			if diffTrees(t, "after the last run", readTree(t, store), whole, via == "copy"); t.Failed() {
				t.Fatalf("--via %s, kill %d", via, i)
			}
			if err := os.RemoveAll(store); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.RemoveAll(undisturbed); err != nil {
			t.Fatal(err)
		}
	}
	diffTrees(t, "the source", readTree(t, from), before, true)
}

// TestRelocateUnreadable leaves out what the program may not read, as a user
// who is not root.
func TestRelocateUnreadable(t *testing.T) {
	const nobody = 65534
	base, err := os.MkdirTemp("", "relocate-unreadable-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	from := filepath.Join(base, "nms")
	if err := os.CopyFS(from, os.DirFS(sampleSite+"nms/store")); err != nil {
		t.Fatal(err)
	}
	const user = "partition/primary/=user/02/50/=anna"
	for path, mode := range map[string]fs.FileMode{user + "/00/61.msg": 0, user + "/01": 0} {
		if err := os.Chmod(filepath.Join(from, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"relocate", "--from", from, "--store", filepath.Join(base, "new"), "--via", "copy"}
	cmd := program(t, args...)
	if os.Geteuid() == 0 {
		cmd = asNobody(t, base, cmd.Path, nobody, args)
	}
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 3 {
		t.Fatalf("exit status %d: %v\n%s", code, err, out)
	}
	for _, want := range []string{
		"storeconv: problem: " + user + "/00/61.msg: open: permission denied",
		"storeconv: problem: " + user + "/01: open: permission denied",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no line %q in:\n%s", want, out)
		}
	}
	got := readTree(t, filepath.Join(base, "new"))
	if _, ok := got[user+"/00/62.msg"]; !ok {
		t.Error("a readable message beside the unreadable one is missing")
	}
	if _, ok := got[user+"/00/61.msg"]; ok {
		t.Error("the unreadable message is there")
	}
	for _, dir := range []string{user + "/01"} {
		if err := os.Chmod(filepath.Join(from, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

// asNobody gives everything below base to a user without rights and returns the
// program as that user starts it.
func asNobody(t testing.TB, base, program string, id uint32, args []string) *exec.Cmd {
	t.Helper()
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(base, "storeconv")
	if err := os.WriteFile(own, data, 0o755); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(base, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(id), int(id))
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := peer.Command(t, own, args...)
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: id, Gid: id}
	return cmd
}

// TestRelocateOwner gives the new store to another user, as root.
func TestRelocateOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	from, _ := nmsStore(t, testsite.NMSOptions{Seed: 24, Users: 6})
	store := filepath.Join(t.TempDir(), "store")
	mustRun(t, 0, "relocate", "--from", from, "--store", store, "--owner", "1234:5678")
	err := filepath.WalkDir(store, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if st := info.Sys().(*syscall.Stat_t); st.Uid != 1234 || st.Gid != 5678 {
			t.Errorf("%s belongs to %d:%d", path, st.Uid, st.Gid)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, 0, "verify", "--store", store, "--from", from, "--owner", "1234:5678")
	mustRun(t, 3, "verify", "--store", store, "--from", from)
}

// TestRelocateAtOnce runs several batches into one store at the same time and
// expects what one run makes.
func TestRelocateAtOnce(t *testing.T) {
	from, site := nmsStore(t, testsite.NMSOptions{Seed: 25, Users: 30, Messages: 600, Links: -1})
	dir := t.TempDir()
	one, many := filepath.Join(dir, "one"), filepath.Join(dir, "many")
	mustRun(t, 0, "relocate", "--from", from, "--store", one, "--via", "copy", "--sync", "none")
	const batches = 3
	var running []*exec.Cmd
	for i := range batches {
		var users strings.Builder
		for j := i; j < len(site.Users); j += batches {
			users.WriteString(site.Users[j] + "\n")
		}
		list := filepath.Join(dir, fmt.Sprintf("users%d", i))
		if err := os.WriteFile(list, []byte(users.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := program(t, "relocate", "--from", from, "--store", many, "--via", "copy", "--sync", "user", "-u", list, "--quiet")
		cmd.Stderr = new(bytes.Buffer)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	for _, cmd := range running {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, cmd.Stderr)
		}
	}
	diffTrees(t, "batches at once", readTree(t, many), readTree(t, one), true)
	mustRun(t, 0, "verify", "--store", many, "--from", from)
}
