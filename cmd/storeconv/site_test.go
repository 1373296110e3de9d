package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/testsite"
)

const sampleSite = "../../testdata/site/"

// TestSampleSite restores the sample's stream and holds every path, size, hash,
// date, flag and link of expect.json against what lies on the disk, with
// nothing of the converter's own code.
func TestSampleSite(t *testing.T) {
	f, err := os.Open(sampleSite + "expect.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := testsite.ReadExpect(f)
	if err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(scratch(t), "store")
	mustRun(t, 0, "restore", "-f", sampleSite+"sims/backup.sims", "--store", store)
	checkStore(t, store, want)
	checkListing(t, sampleSite+"sims/backup.sims", want)
	mustRun(t, 0, "verify", "--store", store, "-f", sampleSite+"sims/backup.sims")
}

// TestGeneratedSite does the same with a generated site: 2,000 users and
// 100,000 messages in the full run.
func TestGeneratedSite(t *testing.T) {
	opts := testsite.StreamOptions{Seed: 11, Users: 40, Messages: 1500, Odd: true}
	if full {
		opts = testsite.StreamOptions{Seed: 11, Users: 2000, Messages: 100000, Odd: true}
	}
	dir := scratch(t)
	stream, want := writeStream(t, filepath.Join(dir, "site.sims"), opts)
	store := filepath.Join(dir, "store")
	o := mustRun(t, 0, "restore", "-f", stream, "--store", store)
	if o.rss > 256<<20 {
		t.Errorf("restore took %d MiB", o.rss>>20)
	}
	checkStore(t, store, want)
	checkListing(t, stream, want)
	o = mustRun(t, 0, "verify", "--store", store, "-f", stream)
	if o.rss > 256<<20 {
		t.Errorf("verify took %d MiB", o.rss>>20)
	}
}

// writeStream makes a stream file and returns its name and expectation.
func writeStream(t testing.TB, path string, opts testsite.StreamOptions) (string, *testsite.Expect) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	want := new(testsite.Expect)
	if _, err := testsite.WriteStream(f, opts, want.Add); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path, want
}

// checkStore holds a store against an expectation: no file more, none less,
// each as told.
func checkStore(t *testing.T, store string, want *testsite.Expect) {
	t.Helper()
	got := readTree(t, store)
	for name, n := range got {
		if n.mode.IsDir() && n.mode.Perm() != 0o700 || !n.mode.IsDir() && n.mode != 0o600 {
			t.Errorf("%s: mode %v", name, n.mode)
		}
		if strings.HasPrefix(name, ".imsconv") {
			t.Errorf("%s is left", name)
		}
	}
	wanted := make(map[string]bool)
	firstDate := make(map[string]int64) // file: date of its first copy
	firstPath := make(map[string]string)
	copies := make(map[string]uint64)
	for _, box := range want.Mailboxes {
		for i := range box.Messages {
			m := &box.Messages[i]
			wanted[m.Path] = true
			if !m.Linked {
				firstPath[m.SHA256], firstDate[m.Path] = m.Path, m.Date
				if m.FileDate != 0 {
					firstDate[m.Path] = m.FileDate
				}
			}
			if m.First == "" {
				m.First = firstPath[m.SHA256]
			}
			copies[m.First]++
		}
	}
	for _, box := range want.Mailboxes {
		wanted[box.Dir+"/store.idx"] = true
		for _, m := range box.Messages {
			n, ok := got[m.Path]
			switch {
			case !ok:
				t.Errorf("%s is missing", m.Path)
				continue
			case n.size != m.Size || n.sum != m.SHA256:
				t.Errorf("%s: %d bytes, hash %s; want %d, %s", m.Path, n.size, n.sum, m.Size, m.SHA256)
			case n.first != got[m.First].first:
				t.Errorf("%s is not the same file as %s", m.Path, m.First)
			case n.links != copies[m.First]:
				t.Errorf("%s has %d links, want %d", m.Path, n.links, copies[m.First])
			case n.mtime != firstDate[m.First]:
				t.Errorf("%s: modified %d, want its first copy's date %d", m.Path, n.mtime, firstDate[m.First])
			}
		}
		checkIndex(t, store, &box)
	}
	for _, db := range []string{"folder", "quota", "peruser", "subscr"} {
		wanted["mboxlist/"+db+".db"] = true
	}
	for name, n := range got {
		if n.mode.IsRegular() && !wanted[name] {
			t.Errorf("%s is too much", name)
		}
		delete(wanted, name)
	}
	for name := range wanted {
		t.Errorf("%s is missing", name)
	}
}

// checkIndex reads store.idx by the page that defines it and holds it against
// the mailbox.
func checkIndex(t *testing.T, store string, box *testsite.Mailbox) {
	t.Helper()
	name := box.Dir + "/store.idx"
	data, err := os.ReadFile(filepath.Join(store, name))
	if err != nil {
		t.Error(err)
		return
	}
	head, records, ok := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || lines[0] != "imsconv-store.idx 1" {
		t.Errorf("%s: begins with %q", name, lines[0])
		return
	}
	fields := make(map[string]string)
	var order []string
	for _, line := range lines[1:] {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			t.Errorf("%s: %q is no field", name, line)
		}
		if _, again := fields[key]; !again {
			order = append(order, key)
			fields[key] = strings.TrimPrefix(value, " ")
		}
	}
	if got, want := strings.Join(order, ","), "Name,Version,Exists,Largest Msg,Last Append,Last UID,Oldest Msg,Oldest Uid,Quota Used,UID Validity,ACL,Userflags,Subscribed,Partition,Bare LF"; got != want {
		t.Errorf("%s: fields %s, want %s", name, got, want)
	}
	mailbox := "user/" + box.User
	if box.Name != "INBOX" {
		mailbox += "/" + box.Name
	}
	want := map[string]string{
		"Name": mailbox, "Version": "imsconv-1", "Exists": strconv.Itoa(len(box.Messages)),
		"UID Validity": fmt.Sprint(box.UIDValidity), "Subscribed": strconv.Itoa(box.Subscribed), "Partition": "primary",
	}
	var used, largest, lastUID int64
	var dates []string
	for _, m := range box.Messages {
		used, largest, lastUID = used+m.Size, max(largest, m.Size), max(lastUID, int64(m.UID))
		dates = append(dates, stamp(m.Date))
	}
	sort.Strings(dates)
	want["Quota Used"] = fmt.Sprint(used)
	if len(box.Messages) > 0 {
		want["Largest Msg"], want["Oldest Uid"] = fmt.Sprint(largest), fmt.Sprint(box.Messages[0].UID)
		want["Oldest Msg"], want["Last Append"] = dates[0], dates[len(dates)-1]
	}
	if box.UIDNext > 0 {
		want["Last UID"] = fmt.Sprint(max(lastUID, int64(box.UIDNext)-1))
	}
	for key, value := range want {
		if fields[key] != value {
			t.Errorf("%s: %s is %q, want %q", name, key, fields[key], value)
		}
	}
	checkRecords(t, name, strings.Fields(fields["Userflags"]), records, box)
}

func stamp(seconds int64) string { return time.Unix(seconds, 0).UTC().Format("20060102150405") }

// checkRecords holds the lines of messages against the mailbox.
func checkRecords(t *testing.T, name string, keywords []string, records string, box *testsite.Mailbox) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(records, "\n"), "\n")
	if records == "" {
		lines = nil
	}
	if len(lines) != len(box.Messages) {
		t.Errorf("%s: %d messages, want %d", name, len(lines), len(box.Messages))
		return
	}
	for i, m := range box.Messages {
		col := strings.Split(lines[i], "\t")
		if len(col) != 10 {
			t.Errorf("%s: %q has %d columns, want 10", name, lines[i], len(col))
			continue
		}
		flags, err := indexFlags(col[5], col[6], keywords)
		if err != nil {
			t.Errorf("%s: uid %d: %v", name, m.UID, err)
		}
		got := append([]string{col[0], col[1], col[3], col[7], strings.ToLower(col[8])}, flags...)
		want := append([]string{fmt.Sprint(m.UID), stamp(m.Date), fmt.Sprint(m.Size), fmt.Sprintf("%d-%d", box.UIDValidity, m.UID), m.SHA256}, m.Flags...)
		if m.MessageID != "" {
			got = append(got, col[2], col[4], col[9])
			want = append(want, stamp(m.Sent), fmt.Sprint(m.HeaderLen), m.MessageID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: uid %d:\n got %q\nwant %q", name, m.UID, got, want)
		}
	}
}

// indexFlags gives the sorted flags of the two columns of imcheck's notation.
func indexFlags(system, user string, keywords []string) ([]string, error) {
	flags := []string{}
	if len(system) != 7 || strings.Trim(system, "01") != "" {
		return nil, fmt.Errorf("system flags %q", system)
	}
	for i, flag := range []string{`\Recent`, `\Deleted`, `\Seen`, `\Answered`, `\Flagged`, `\Draft`, `\Archived`} {
		if system[i] == '1' {
			flags = append(flags, flag)
		}
	}
	if len(user) < 6 || len(user)%2 != 0 {
		return nil, fmt.Errorf("user flags %q", user)
	}
	for i := 0; i < len(user)/2; i++ {
		b, err := strconv.ParseUint(user[2*i:2*i+2], 16, 8)
		if err != nil {
			return nil, err
		}
		for bit := range 8 {
			if b>>bit&1 == 0 {
				continue
			}
			if n := 8*i + bit; n < len(keywords) {
				flags = append(flags, keywords[n])
			} else {
				return nil, fmt.Errorf("user flag %d of %d", n, len(keywords))
			}
		}
	}
	sort.Strings(flags)
	return flags, nil
}

// checkListing holds GNU tar's table of contents of a stream against the
// expectation: every message that the store has to have is a member of that
// size and date, or a link.
func checkListing(t *testing.T, stream string, want *testsite.Expect) {
	t.Helper()
	tar := peer.Need(t, "tar")
	cmd := peer.Command(t, tar, "--utc", "--full-time", "--quoting-style=literal", "-tvf", stream)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	members := make(map[string]string) // name: "size date" or "link date"
	sc := bufio.NewScanner(out)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		// hrw------- 0/0  0 2000-02-14 09:42:37 wallyc/Drafts/7 link to
		// ofanning/Drafts/2
		f := strings.Fields(sc.Text())
		if len(f) < 6 {
			t.Fatalf("tar printed %q", sc.Text())
		}
		_, name, _ := strings.Cut(sc.Text(), " "+f[3]+" "+f[4]+" ")
		kind := f[2]
		if f[0][0] == 'h' {
			name, _, _ = strings.Cut(name, " link to ")
			kind = "link"
		}
		members[name] = kind + " " + f[3] + " " + f[4]
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, box := range want.Mailboxes {
		if _, ok := members[box.User+"/"+box.Name+"/"]; !ok {
			t.Errorf("tar does not list %s/%s", box.User, box.Name)
		}
		for _, m := range box.Messages {
			name := fmt.Sprintf("%s/%s/%d", box.User, box.Name, m.UID)
			date := time.Unix(m.Date, 0).UTC().Format("2006-01-02 15:04:05")
			if got := members[name]; got != fmt.Sprintf("%d %s", m.Size, date) && got != "link "+date {
				t.Errorf("tar lists %s as %q, want %d %s or link %s", name, got, m.Size, date, date)
			}
		}
	}
}
