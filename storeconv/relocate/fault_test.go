package relocate

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/testsite"
	"imsconv/storeconv/verify"
)

// must fails the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Where users of the sample lie.
const (
	wallycDir = "partition/primary/=user/45/c2/=wallyc"
	annaDir   = "partition/primary/=user/02/50/=anna"
	keikoDir  = "partition/primary/=user/72/e5/=keiko_s"
)

// TestRelocateFaults plants one fault in the sample and expects its lines, and
// all the rest converted.
func TestRelocateFaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		plant  func(t *testing.T, from string)
		opts   Options
		want   []string // one for each problem: a part of it
		gone   []string // not in the store
		placed int64
	}{
		{
			name: "wrong hash directory",
			plant: func(t *testing.T, from string) {
				must(t, os.MkdirAll(filepath.Join(from, "partition/primary/=user/00/00"), 0o700))
				must(t, os.Rename(filepath.Join(from, annaDir), filepath.Join(from, "partition/primary/=user/00/00/=anna")))
			},
			want:   []string{"wrong-hash: partition/primary/=user/00/00/=anna: user anna belongs under 02/50"},
			placed: 8,
		},
		{
			name: "undecodable user name",
			plant: func(t *testing.T, from string) {
				must(t, os.Rename(filepath.Join(from, annaDir), filepath.Join(from, "partition/primary/=user/02/50/=an%zna")))
			},
			want: []string{
				"bad-name: partition/primary/=user/02/50/=an%zna: user name",
				"no-tree: mboxlist/data.db2: user/anna:", "no-tree: mboxlist/data.db2: user/anna/Mail/", "no-tree: mboxlist/data.db2: user/anna/Mail/",
			},
			gone:   []string{"partition/primary/=user/02/50/=an%zna"},
			placed: 7,
		},
		{
			name: "undecodable folder name",
			plant: func(t *testing.T, from string) {
				must(t, os.Rename(filepath.Join(from, keikoDir, "=+Drafts"), filepath.Join(from, keikoDir, "=Drafts%q")))
			},
			want:   []string{"bad-name: " + keikoDir + "/=Drafts%q: folder name", "no-tree: mboxlist/data.db2: user/keiko_s/Drafts"},
			placed: 8,
		},
		{
			name: "missing tree",
			plant: func(t *testing.T, from string) {
				must(t, os.RemoveAll(filepath.Join(from, keikoDir, "=+Drafts")))
			},
			want:   []string{"no-tree: mboxlist/data.db2: user/keiko_s/Drafts: mailbox without a directory in partition primary"},
			placed: 8,
		},
		{
			name: "vanished partition",
			plant: func(t *testing.T, from string) {
				data := readFile(t, from+"/mboxlist/data.db2")
				at := bytes.Index(data, []byte("primary\tkeiko_s\tlrswipcda\t"))
				copy(data[at:], "tertiar")
				must(t, os.WriteFile(from+"/mboxlist/data.db2", data, 0o600))
			},
			want:   []string{`names partition "tertiar", which the source does not have`, "no-record: partition/primary: user/keiko_s/Mail/flying"},
			placed: 8,
		},
		{
			name: "symbolic link and pipe among messages",
			plant: func(t *testing.T, from string) {
				must(t, os.Symlink("/etc/passwd", filepath.Join(from, annaDir, "00/7.msg")))
				must(t, unix.Mkfifo(filepath.Join(from, annaDir, "00/8.msg"), 0o600))
			},
			want:   []string{"not-a-file: " + annaDir + "/00/", "not-a-file: " + annaDir + "/00/"},
			gone:   []string{annaDir + "/00/7.msg", annaDir + "/00/8.msg"},
			placed: 8,
		},
		{
			name: "stray file among users",
			plant: func(t *testing.T, from string) {
				must(t, os.WriteFile(filepath.Join(from, "partition/primary/=user/02/core"), nil, 0o600))
			},
			want:   []string{"not-a-user: partition/primary/=user/02/core: a regular file"},
			placed: 8,
		},
		{
			name: "user behind a symbolic link",
			plant: func(t *testing.T, from string) {
				must(t, os.Rename(filepath.Join(from, annaDir), filepath.Join(from, "away")))
				must(t, os.Symlink(filepath.Join(from, "away"), filepath.Join(from, annaDir)))
			},
			want: []string{
				"not-a-user: " + annaDir + ": a symbolic link where users are",
				"no-tree: mboxlist/data.db2: user/anna:", "no-tree: mboxlist/data.db2: user/anna/Mail/", "no-tree: mboxlist/data.db2: user/anna/Mail/",
			},
			gone:   []string{annaDir},
			placed: 7,
		},
		{
			name: "hash directory behind a symbolic link",
			plant: func(t *testing.T, from string) {
				must(t, os.Rename(filepath.Join(from, filepath.Dir(annaDir)), filepath.Join(from, "away")))
				must(t, os.Symlink(filepath.Join(from, "away"), filepath.Join(from, filepath.Dir(annaDir))))
			},
			want: []string{
				"not-a-user: " + filepath.Dir(annaDir) + ": a symbolic link where users are",
				"no-tree: mboxlist/data.db2: user/anna:", "no-tree: mboxlist/data.db2: user/anna/Mail/", "no-tree: mboxlist/data.db2: user/anna/Mail/",
			},
			gone:   []string{annaDir},
			placed: 7,
		},
		{
			name: "user id of another form",
			plant: func(t *testing.T, from string) {
				must(t, os.MkdirAll(filepath.Join(from, "partition/primary/=user/01/00/=joe@nowhere"), 0o700))
			},
			want:   []string{`user-left-out: partition/primary/=user/01/00/=joe@nowhere: user id "joe@nowhere": "nowhere" is not a fully qualified domain: left out`},
			gone:   []string{"partition/primary/=user/01/00"},
			placed: 8,
		},
		{
			name: "mailboxes of nobody",
			plant: func(t *testing.T, from string) {
				must(t, os.MkdirAll(filepath.Join(from, "partition/primary/=boards/=news/00"), 0o700))
				must(t, os.WriteFile(filepath.Join(from, "partition/primary/=boards/=news/00/1.msg"), []byte("Subject: news\r\n\r\n"), 0o600))
			},
			placed: 8,
		},
		{
			name: "no record",
			plant: func(t *testing.T, from string) {
				must(t, os.MkdirAll(filepath.Join(from, annaDir, "=new/00"), 0o700))
			},
			want:   []string{"no-record: partition/primary: user/anna/new: mailbox user/anna/new has no record in data.db2"},
			placed: 8,
		},
		{
			name: "names of control bytes",
			plant: func(t *testing.T, from string) {
				must(t, os.WriteFile(filepath.Join(from, "partition/primary/=user/02/a\nb\x1b[31m\xe4"), nil, 0o600))
			},
			want:   []string{`not-a-user: partition/primary/=user/02/a\x0ab\x1b[31m\xe4: a regular file`},
			gone:   []string{"partition/primary/=user/02/a\nb"},
			placed: 8,
		},
		{
			name: "no database",
			plant: func(t *testing.T, from string) {
				must(t, os.Remove(from+"/mboxlist/data.db2"))
			},
			want:   []string{"no-database: mboxlist/data.db2"},
			placed: 8,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from := copySample(t)
			tt.plant(t, from)
			before := tree2(t, from)
			store := filepath.Join(memoryDir(t), "store")
			rep, h := relocate(t, store, from, tt.opts)
			wantProblems(t, h, tt.want)
			if rep.Placed != tt.placed {
				t.Errorf("placed %d users, want %d", rep.Placed, tt.placed)
			}
			for _, path := range tt.gone {
				if _, err := os.Lstat(filepath.Join(store, path)); err == nil {
					t.Errorf("%s is in the store", path)
				}
			}
			compareRest(t, from, store, tt.gone)
			if before != tree2(t, from) {
				t.Error("the source changed")
			}
			if again, h := relocate(t, store, from, tt.opts); again.Placed != 0 || len(h.problems) != len(tt.want) {
				t.Errorf("second run: %+v\n%s", again, strings.Join(h.problems, "\n"))
			}
		})
	}
}

// wantProblems expects as many problems as parts, each with its part.
func wantProblems(t testing.TB, h *heard, parts []string) {
	t.Helper()
	ok := len(h.problems) == len(parts)
	used := make([]bool, len(h.problems))
	for _, part := range parts {
		found := false
		for i, p := range h.problems {
			if !used[i] && strings.Contains(p, part) {
				used[i], found = true, true
				break
			}
		}
		ok = ok && found
	}
	if !ok {
		t.Errorf("problems:\n%s\nwant:\n%s", strings.Join(h.problems, "\n"), strings.Join(parts, "\n"))
	}
}

// tree2 is one line a file without reading pipes or following links.
func tree2(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		b.WriteString(path + " " + info.Mode().String() + " " + info.ModTime().String() + "\n")
		if info.Mode().IsRegular() {
			b.Write(readFile(t, path))
		}
		return nil
	}))
	return b.String()
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

// compareRest expects every regular file of the source's partitions in the
// store, at the same place and with the same bytes, but for what is gone.
func compareRest(t testing.TB, from, store string, gone []string) {
	t.Helper()
	must(t, filepath.Walk(filepath.Join(from, "partition"), func(path string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		for _, g := range append(gone, "partition/primary/=user/02/core") {
			if strings.HasPrefix(rel, g) {
				return nil
			}
		}
		got, err := os.ReadFile(filepath.Join(store, rel))
		if err != nil || !bytes.Equal(got, readFile(t, path)) {
			t.Errorf("%s is not the same in the store: %v", rel, err)
		}
		return nil
	}))
}

// TestRelocateDamagedPage damages one page of a data.db2 of many: what can be
// read of the records goes over as it is, and the trees all do.
func TestRelocateDamagedPage(t *testing.T) {
	whole, _ := site(t, testsite.NMSOptions{Seed: 8, Users: 24, Messages: 24, PageSize: 512})
	want := records(t, whole+"/mboxlist/data.db2")
	pages := int64(len(readFile(t, whole+"/mboxlist/data.db2"))) / 512
	if pages < 12 {
		t.Fatalf("only %d pages", pages)
	}
	for _, tt := range []struct {
		name   string
		offset func(page int64) int64
		bytes  []byte
	}{
		{"page number", func(p int64) int64 { return p*512 + 8 }, []byte{0xff, 0xff, 0xff, 0xf0}},
		{"page type", func(p int64) int64 { return p*512 + 25 }, []byte{77}},
		{"zeros", func(p int64) int64 { return p * 512 }, make([]byte, 512)},
		{"items", func(p int64) int64 { return p*512 + 26 }, []byte{0xff, 0xff, 0xff, 0xff}},
	} {
		for _, page := range []int64{0, 1, 2, pages / 2, pages - 1} {
			from := filepath.Join(memoryDir(t), "nms")
			must(t, os.CopyFS(from, os.DirFS(whole)))
			f, err := os.OpenFile(from+"/mboxlist/data.db2", os.O_RDWR, 0)
			must(t, err)
			_, err = f.WriteAt(tt.bytes, tt.offset(page))
			must(t, err)
			must(t, f.Close())
			store := filepath.Join(memoryDir(t), "store")
			rep, h := relocate(t, store, from, Options{})
			got := records(t, store+"/mboxlist/folder.db")
			for key, value := range got {
				if want[key] != value {
					t.Errorf("%s of page %d: record %s: %q", tt.name, page, key, value)
				}
			}
			// One page of 512 bytes holds a few records only.
			if lost := len(want) - len(got); rep.Placed != 24 || lost > 12 {
				t.Errorf("%s of page %d: %d records lost, report %+v", tt.name, page, lost, rep)
			}
			if len(got) == len(want) && tt.name != "zeros" {
				continue // bytes that matter to nobody
			}
			if len(h.problems) == 0 || !strings.Contains(h.problems[0], "damaged: mboxlist/data.db2") {
				t.Errorf("%s of page %d: %d of %d records, told %v", tt.name, page, len(got), len(want), h.problems)
			}
		}
	}
}

// TestRelocateRepair puts a misplaced user and odd spellings right, also after
// a run that carried them over as they lie.
func TestRelocateRepair(t *testing.T) {
	from := copySample(t)
	must(t, os.MkdirAll(filepath.Join(from, "partition/primary/=user/00/00"), 0o700))
	must(t, os.Rename(filepath.Join(from, annaDir), filepath.Join(from, "partition/primary/=user/00/00/=anna")))
	must(t, os.Rename(filepath.Join(from, keikoDir, "=+Drafts"), filepath.Join(from, keikoDir, "=Drafts")))
	must(t, os.Rename(filepath.Join(from, "partition/primary/=user/06/a6/=+John%d+Smith"), filepath.Join(from, "partition/primary/=user/06/a6/=John.Smith")))
	store := filepath.Join(memoryDir(t), "store")
	_, h := relocate(t, store, from, Options{})
	if len(h.problems) < 3 {
		t.Errorf("problems:\n%s", strings.Join(h.problems, "\n"))
	}
	fresh := filepath.Join(memoryDir(t), "store")
	for _, to := range []string{fresh, store} {
		rep, h := relocate(t, to, from, Options{RepairHash: true})
		h.none(t)
		if to == fresh {
			if rep.Rehashed != 1 || rep.Respelled != 2 || rep.Placed != 8 {
				t.Errorf("report: %+v", rep)
			}
		}
		for _, dir := range []string{annaDir, "partition/primary/=user/06/a6/=+John%d+Smith"} {
			if _, err := os.Stat(filepath.Join(to, dir)); err != nil {
				t.Error(err)
			}
		}
		if _, err := os.Stat(filepath.Join(to, "partition/primary/=user/00/00/=anna")); err == nil {
			t.Error("anna lies in the wrong place still")
		}
	}
	for _, to := range []string{fresh, store} {
		if _, err := os.Stat(filepath.Join(to, keikoDir, "=+Drafts/store.idx")); err != nil {
			t.Error(err)
		}
		_, h = verifyNMS(t, to, from, verify.NMSOptions{})
		wantProblems(t, h, nil)
	}
}

// TestRelocateTwoPlaces has a user lie in the right hash directory and in a
// wrong one too: the right one goes over, whatever the options.
func TestRelocateTwoPlaces(t *testing.T) {
	for _, opts := range []Options{{RepairHash: true}, {Map: map[string]string{"anna": "zoe"}}} {
		from := copySample(t)
		wrong := filepath.Join(from, "partition/primary/=user/00/00/=anna")
		must(t, os.MkdirAll(filepath.Join(wrong, "00"), 0o700))
		must(t, os.WriteFile(filepath.Join(wrong, "00/1.msg"), []byte("astray"), 0o600))
		store := filepath.Join(memoryDir(t), "store")
		_, h := relocate(t, store, from, opts)
		found := 0
		for _, p := range h.problems {
			if strings.Contains(p, "=user/00/00/=anna: another directory of user anna has its place") {
				found++
			}
		}
		if found != 1 {
			t.Errorf("told:\n%s", strings.Join(h.problems, "\n"))
		}
		id := "anna"
		if len(opts.Map) > 0 {
			id = "zoe"
		}
		got := tree(t, filepath.Join(store, testsite.MailboxDir("primary", id, "INBOX")))
		if want := tree(t, filepath.Join(from, annaDir)); len(got) != len(want) {
			t.Errorf("%s has %d files, want %d", id, len(got), len(want))
		}
	}
}
