package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/testsite/reference"
	"imsconv/storeconv/verify"
)

// backupOf backs a store up and returns the stream.
func backupOf(t testing.TB, store string, opts Options) ([]byte, Report, *reference.Recorder) {
	t.Helper()
	log := new(reference.Recorder)
	opts.Log = log
	var out bytes.Buffer
	rep, err := Backup(context.Background(), &out, store, opts)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), rep, log
}

// members lists a stream by archive/tar: one line a member with all that counts
// of it, expired ones left out.
func members(t testing.TB, r io.Reader) []string {
	t.Helper()
	var lines []string
	tr := tar.NewReader(r)
	for {
		hdr, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		if hdr.Typeflag == tar.TypeXGlobalHeader || slices.Contains(strings.Fields(hdr.PAXRecords["SIMS.flags"]), "expired") {
			continue
		}
		h := sha256.New()
		if _, err := io.Copy(h, tr); err != nil {
			t.Fatal(err)
		}
		if q, err := strconv.ParseInt(hdr.PAXRecords["SIMS.quota"], 10, 64); err == nil && q > 0 {
			hdr.PAXRecords["SIMS.quota"] = fmt.Sprint(q / 1024 * 1024) // the store keeps KB
		}
		var pax []string
		for _, key := range slices.Sorted(maps.Keys(hdr.PAXRecords)) {
			if strings.HasPrefix(key, "SIMS.") {
				pax = append(pax, key+"="+hdr.PAXRecords[key])
			}
		}
		lines = append(lines, fmt.Sprintf("%s %c %d %o %d link=%q %q %x", hdr.Name, hdr.Typeflag, hdr.ModTime.Unix(), hdr.Mode, hdr.Size, hdr.Linkname, pax, h.Sum(nil)[:8]))
	}
}

func membersOf(t testing.TB, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return members(t, f)
}

// TestBackupGivesTheStreamBack: the backup of what a stream leaves is that
// stream, member for member, with users in any order, and in the same order
// when that was sorted.
func TestBackupGivesTheStreamBack(t *testing.T) {
	for _, opts := range []testsite.StreamOptions{
		{Seed: 31, Users: 20, Messages: 500, MedianSize: 1500, Links: 30},
		{Seed: 32, Users: 12, Mailboxes: 11, Messages: 600, MedianSize: 1500, Links: 60},
		{Seed: 33, Users: 20, Messages: 500, MedianSize: 1500, Links: 30, Sorted: true, Expired: -1},
	} {
		s := reference.Make(t, opts)
		stream, rep, log := backupOf(t, s.Store, Options{})
		if len(log.Problems)+len(log.Warnings) > 0 {
			t.Errorf("%q %q", log.Problems, log.Warnings)
		}
		if rep.Date == nil || *rep.Date != 981538200 {
			t.Errorf("dated %v", rep.Date)
		}
		if len(stream)%10240 != 0 {
			t.Errorf("%d bytes are no whole records", len(stream))
		}
		got, want := members(t, bytes.NewReader(stream)), membersOf(t, s.Stream)
		if opts.Sorted && !slices.Equal(got, want) {
			t.Errorf("seed %d: the order differs", opts.Seed)
		}
		slices.Sort(got)
		slices.Sort(want)
		reference.DiffLines(t, fmt.Sprintf("seed %d", opts.Seed), got, want)

		for _, jobs := range []int{1, 5} {
			if again, _, _ := backupOf(t, s.Store, Options{Jobs: jobs}); !bytes.Equal(again, stream) {
				t.Errorf("seed %d: %d jobs give other bytes", opts.Seed, jobs)
			}
		}
		if _, log := verifyBackup(t, s.Store, stream); len(log.Problems) > 0 {
			t.Errorf("the backup does not agree with the store:\n%s", strings.Join(log.Problems, "\n"))
		}
	}
}

func verifyBackup(t testing.TB, store string, stream []byte) (verify.StoreReport, *reference.Recorder) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.sims")
	if err := os.WriteFile(path, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	rep, log := verifyBackedUp(t, store, path, verify.StoreOptions{})
	log.Problems = slices.DeleteFunc(log.Problems, func(line string) bool {
		kind, _, _ := strings.Cut(line, " ")
		return slices.Contains(careless, kind)
	})
	return rep, log
}

// careless are kinds of problems that the reference store has: it gives files
// no mode, its indexes no date, and leaves out what a backup does not use.
var careless = []string{"mode", "file-date", "wrong-sent-date", "wrong-message-id"}

// TestBackupOfExpiredFirstCopies: where the first copy was left out, the first
// live copy is the message now.
func TestBackupOfExpiredFirstCopies(t *testing.T) {
	s := reference.Make(t, testsite.StreamOptions{Seed: 34, Users: 16, Messages: 500, MedianSize: 1500, Links: 40, Expired: 20, Odd: true})
	stream, _, log := backupOf(t, s.Store, Options{})
	if len(log.Problems) > 0 {
		t.Errorf("%q", log.Problems)
	}
	checkSingleCopy(t, s, stream)
	if _, log := verifyBackup(t, s.Store, stream); len(log.Problems) > 0 {
		t.Errorf("the backup does not agree with the store:\n%s", strings.Join(log.Problems, "\n"))
	}
}

// checkSingleCopy: every file of the store is in the stream once, every other
// of its names is a link to it.
func checkSingleCopy(t *testing.T, s *reference.Site, stream []byte) {
	t.Helper()
	files := make(map[string]string) // message name: the first copy's path
	want := make(map[string]int)
	for _, box := range s.Want.Mailboxes {
		for _, m := range box.Messages {
			first := m.Path
			if m.Linked {
				first = m.First
			}
			files[fmt.Sprintf("%s/%s/%d", box.User, box.Name, m.UID)] = first
			want[first]++
		}
	}
	written := make(map[string]string)
	seen := 0
	tr := tar.NewReader(bytes.NewReader(stream))
	for {
		hdr, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		file := files[hdr.Name]
		switch hdr.Typeflag {
		case tar.TypeReg:
			seen++
			if other := written[file]; other != "" {
				t.Errorf("%s is written in full, and so is %s", hdr.Name, other)
			}
			written[file] = hdr.Name
		case tar.TypeLink:
			seen++
			if written[file] != hdr.Linkname {
				t.Errorf("%s is a link to %s, want %s", hdr.Name, hdr.Linkname, written[file])
			}
		}
	}
	if seen != len(files) {
		t.Errorf("%d messages in the stream, %d in the store", seen, len(files))
	}
}

// TestBackupCircle: users who link to each other's messages cannot both come
// first; still every file is written once.
func TestBackupCircle(t *testing.T) {
	s := reference.Make(t, testsite.StreamOptions{Seed: 35, Users: 3, Mailboxes: 2, Messages: 60, MedianSize: 500, Links: -1, Expired: -1})
	// Replace messages of each user and mailbox by links to the next one's, with
	// the date of the file.
	var boxes []*testsite.Mailbox
	for i := range s.Want.Mailboxes {
		if box := &s.Want.Mailboxes[i]; len(box.Messages) >= 2 {
			boxes = append(boxes, box)
		}
	}
	if len(boxes) < 5 {
		t.Fatal("the site is too small")
	}
	for i := range boxes {
		from, to := boxes[i], boxes[(i+1)%len(boxes)]
		m, first := &from.Messages[len(from.Messages)-1], &to.Messages[0]
		path := filepath.Join(s.Store, m.Path)
		removeFile(t, path)
		if err := os.Link(filepath.Join(s.Store, first.Path), path); err != nil {
			t.Fatal(err)
		}
		m.Linked, m.First = true, first.Path
		index := filepath.Join(s.Store, from.Dir, ims.IndexName)
		data, err := os.ReadFile(index)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(data), "\n")
		for i, line := range lines {
			if f := strings.Split(line, "\t"); len(f) == 10 && f[8] == m.SHA256 {
				f[3], f[8] = strconv.FormatInt(first.Size, 10), first.SHA256
				lines[i] = strings.Join(f, "\t")
				break
			}
		}
		data = []byte(strings.Join(lines, "\n"))
		if err := os.WriteFile(index, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, users := range [][]string{nil, {s.Want.Users[2], s.Want.Users[0], s.Want.Users[1]}} {
		stream, _, log := backupOf(t, s.Store, Options{Users: users})
		if len(log.Problems) > 0 {
			t.Errorf("%q", log.Problems)
		}
		checkSingleCopy(t, s, stream)
	}
}

// TestBackupSelection: users in the order asked for, paths, dates, and no
// links.
func TestBackupSelection(t *testing.T) {
	s := reference.Make(t, testsite.StreamOptions{Seed: 36, Users: 8, Messages: 240, MedianSize: 800, Links: 40})
	users := slices.Clone(s.Want.Users)
	slices.Reverse(users)
	stream, _, _ := backupOf(t, s.Store, Options{Users: users})
	checkSingleCopy(t, s, stream)
	var order []string
	for _, line := range members(t, bytes.NewReader(stream)) {
		if name, _, _ := strings.Cut(line, "/"); len(order) == 0 || order[len(order)-1] != name {
			order = append(order, name)
		}
	}
	if !slices.Equal(order, users) {
		t.Errorf("users come as %q, asked for were %q", order, users)
	}

	_, rep, _ := backupOf(t, s.Store, Options{IgnoreLinks: true})
	live := 0
	for _, box := range s.Want.Mailboxes {
		live += len(box.Messages)
	}
	if rep.Links != 0 || rep.Messages != int64(live) {
		t.Errorf("without links: %+v, %d messages are live", rep, live)
	}

	box := s.Want.Mailboxes[5]
	stream, rep, log := backupOf(t, s.Store, Options{Paths: []string{"/primary/user/" + box.User + "/" + box.Name, "nobody"}})
	if rep.Users != 1 || rep.Mailboxes != 1 || rep.Messages+rep.Links != int64(len(box.Messages)) || len(log.Problems) != 1 {
		t.Errorf("one mailbox: %+v, %q", rep, log.Problems)
	}
	for _, line := range members(t, bytes.NewReader(stream))[1:] {
		if !strings.HasPrefix(line, box.User+"/"+box.Name+"/") {
			t.Errorf("%q is not of %s/%s", line, box.User, box.Name)
		}
	}

	since := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	stream, rep, _ = backupOf(t, s.Store, Options{Since: &since})
	young := 0
	for _, box := range s.Want.Mailboxes {
		for _, m := range box.Messages {
			if m.Date >= since {
				young++
			}
		}
	}
	if rep.Messages+rep.Links != int64(young) || rep.Older != int64(live-young) {
		t.Errorf("since 2000: %+v, %d are young", rep, young)
	}
	if _, log := verifyBackup(t, s.Store, stream); len(log.Problems) > 0 {
		t.Errorf("the incremental backup does not agree with the store:\n%s", strings.Join(log.Problems, "\n"))
	}
}

// TestBackupOfDamage: what cannot be read is told, and the rest is there.
func TestBackupOfDamage(t *testing.T) {
	s := reference.Make(t, testsite.StreamOptions{Seed: 37, Users: 4, Messages: 120, MedianSize: 800, Links: 40, Expired: -1})
	var first string
	for _, box := range s.Want.Mailboxes {
		for _, m := range box.Messages {
			if m.Linked && first == "" {
				first = m.First
			}
		}
	}
	removeFile(t, filepath.Join(s.Store, first))
	gone := 1
	foreign := &s.Want.Mailboxes[2]
	if err := os.WriteFile(filepath.Join(s.Store, foreign.Dir, ims.IndexName), []byte("vendor's own bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(first, foreign.Dir+"/") {
		gone = 0 // without an index nobody misses it
	}
	stream, rep, log := backupOf(t, s.Store, Options{})
	if len(log.Problems) != gone || len(log.Warnings) != 1 || rep.Foreign != 1 {
		t.Errorf("%+v, %q, %q", rep, log.Problems, log.Warnings)
	}
	live := 0
	for _, box := range s.Want.Mailboxes {
		live += len(box.Messages)
	}
	if rep.Messages+rep.Links != int64(live-1) {
		t.Errorf("%+v, %d messages are there", rep, live-1)
	}
	if n := len(members(t, bytes.NewReader(stream))); int64(n) != rep.Users+rep.Mailboxes+rep.Messages+rep.Links {
		t.Errorf("%d members, %+v", n, rep)
	}
}

func TestTopological(t *testing.T) {
	cases := []struct {
		n     int
		edges [][2]uint32
		want  []uint32 // the order, not the positions
	}{
		{3, nil, nil},
		{3, [][2]uint32{{0, 1}, {1, 2}}, nil},
		{3, [][2]uint32{{2, 0}}, []uint32{1, 2, 0}},
		{4, [][2]uint32{{3, 0}, {0, 1}, {3, 2}}, []uint32{3, 0, 1, 2}},
		{3, [][2]uint32{{1, 0}, {0, 1}}, []uint32{2, 0, 1}},
		{4, [][2]uint32{{1, 0}, {2, 1}, {0, 2}, {3, 0}}, []uint32{3, 0, 2, 1}},
	}
	for _, c := range cases {
		edges := make(map[[2]uint32]struct{})
		for _, e := range c.edges {
			edges[e] = struct{}{}
		}
		position := topological(c.n, edges)
		var order []uint32
		if position != nil {
			order = make([]uint32, c.n)
			for i, at := range position {
				order[at] = uint32(i)
			}
		}
		if !slices.Equal(order, c.want) {
			t.Errorf("%d, %v: %v, want %v", c.n, c.edges, order, c.want)
		}
	}
}

func removeFile(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// verifyBackedUp verifies a store with its stream.
func verifyBackedUp(t testing.TB, store, stream string, opts verify.StoreOptions) (verify.StoreReport, *reference.Recorder) {
	t.Helper()
	log := new(reference.Recorder)
	opts.Log = log
	if stream != "" {
		f, err := os.Open(stream)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		opts.Streams = append(opts.Streams, verify.Stream{Name: "site.sims", R: f})
	}
	rep, err := verify.Store(context.Background(), store, opts)
	if err != nil {
		t.Fatal(err)
	}
	return rep, log
}
