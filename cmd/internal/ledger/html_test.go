package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/ims"
)

// evil is a user whom nobody would have: every page must show the name and do
// nothing with it.
const evil = "<script>alert(1)"

// site makes an output with a store of so many users, an upgraded directory
// with quotas, a report, and two batches when asked for.
func site(t *testing.T, users int, batches bool) string {
	t.Helper()
	out := t.TempDir()
	var ldif strings.Builder
	for i := range users {
		id := fmt.Sprintf("user%d", i)
		switch {
		case i == 0:
			id = evil
		case i == 1:
			id = "tanaka@example.co.jp"
		case i%3 == 0:
			id += fmt.Sprintf("@d%d.example.org", i%40)
		}
		addUser(t, out, id, i)
		uid, domain, ok := strings.Cut(id, "@")
		if !ok {
			domain = "siroe.com"
		}
		fmt.Fprintf(&ldif, "dn: uid=%s,ou=People,o=%s\nobjectClass: top\nobjectClass: inetMailUser\nobjectClass: inetLocalMailRecipient\nobjectClass: inetUser\nuid: %s\nmail: u%d@%s\nmailQuota: %d\n\n",
			uid, domain, uid, i, domain, 5_000_000+i*20_000)
	}
	write(t, filepath.Join(out, upgraded), []byte(ldif.String()))
	for _, name := range []string{"folder.db", "quota.db", "subscr.db", "peruser.db"} {
		write(t, filepath.Join(out, storeDir, "mboxlist", name), nil) // nobody reads them here
	}
	writeReport(t, filepath.Join(out, ReportName), madeReport(), madeRun())
	if batches {
		for i, name := range []string{"pilot", "sales & <b>"} {
			rep, run := madeReport(), madeRun()
			run.Batch, run.Start, run.End = name, run.Start.Add(time.Duration(i+1)*time.Hour), run.End.Add(time.Duration(i+1)*time.Hour)
			rep.Problems = cli.Lines{}
			writeReport(t, filepath.Join(out, batchesDir, name, ReportName), rep, run)
		}
	}
	return out
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// addUser makes the mailboxes of a user: their indexes, which is all that a
// report reads, and the files that it looks for.
func addUser(t *testing.T, out, id string, seed int) {
	t.Helper()
	folders := []string{ims.Inbox, "Sent"}
	if seed%4 == 1 {
		folders = append(folders, "&ZeVnLIqe-/&U9dP4Q-", "<b>bold", strings.Repeat("very-long-folder-name-", 8))
	}
	for f, folder := range folders {
		x := &ims.Index{Header: ims.Header{Name: ims.MailboxName(id, folder), UIDValidity: uint32(9e8 + seed), Partition: "primary"}}
		for m := range (seed*7+f*3)%40 + f%2 {
			at := time.Date(1994+(seed+m)%12, time.Month(1+m%12), 3, 4, 5, 6, 0, time.UTC)
			x.Messages = append(x.Messages, ims.Record{UID: uint32(m + 1), InternalDate: at.Unix(), SentDate: ims.NoTime, Size: int64(300 + (m*m*m*977)%2_000_000), SHA256: [32]byte{byte(m), 1}})
		}
		x.Count()
		var b bytes.Buffer
		if err := x.WriteIndex(&b); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(out, storeDir, ims.MailboxDir("primary", id, folder))
		write(t, filepath.Join(dir, ims.IndexName), b.Bytes())
		for _, m := range x.Messages {
			write(t, filepath.Join(dir, ims.MessagePath(m.UID)), nil)
		}
	}
}

// writeReport writes a report.json as siteconv run does.
func writeReport(t *testing.T, path string, rep cli.Report, run Run) {
	t.Helper()
	rep.Data = run
	var b bytes.Buffer
	if err := rep.Write(&b); err != nil {
		t.Fatal(err)
	}
	write(t, path, b.Bytes())
}

func madeReport() cli.Report {
	rep := cli.Report{Command: "siteconv run", Exit: 3, Result: "done, with losses",
		Counts:  cli.Counts{{Name: "entries", N: 1234}, {Name: "users", N: 60}, {Name: "mailboxes", N: 150}, {Name: "messages", N: 2000}, {Name: "bytes", N: 9_000_000}, {Name: "expired, left out by rule", N: 5}},
		Outputs: []cli.Output{{Name: "upgraded directory", Path: upgraded}, {Name: "message store", Path: "store"}, {Name: "report", Path: ReportName}},
		Next:    []string{`ldapmodify -D "cn=Directory Manager" -W -f ldif/users.changes.ldif`, "cp -a store/. /opt/server5/msg-one/store/"},
	}
	rep.Problems = lines(
		cli.Line{Kind: "duplicate-uid", Where: "backup.sims: offset 10240: user2/INBOX/3", Text: "a message of UID 3 is there already"},
		cli.Line{Kind: "duplicate-uid", Where: "backup.sims: offset 20480: " + evil + "/INBOX/4", Text: "a message of UID 4 is there already"},
		cli.Line{Kind: "missing-mailbox", Where: "user/gone/Sent", Text: "the store does not have it </td><script>alert(2)</script>"},
		cli.Line{Kind: "a-kind-of-tomorrow", Where: "x.ldif:12: cn=" + evil + ",o=a", Text: strings.Repeat("long", 40)},
	)
	for i := range 30 {
		rep.Problems.Items = append(rep.Problems.Items, cli.Line{Kind: "bad-header", Where: fmt.Sprintf("/export/home/migration/backup.sims: offset %d", i*512), Text: "this block is not a header"})
	}
	rep.Problems.Total += 4000
	rep.Problems.Kinds.Add("bad-header", 4000)
	rep.Warnings = lines(cli.Line{Kind: "moderator", Where: "export.ldif:366: cn=Football,ou=Groups,o=siroe.com", Text: "moderation works in another way"},
		cli.Line{Kind: "shared-files", Where: "store", Text: "96 messages are the source's own files"})
	return rep
}

func lines(list ...cli.Line) cli.Lines {
	ls := cli.Lines{Items: list, Total: int64(len(list))}
	for _, l := range list {
		ls.Kinds.Add(l.Kind, 1)
	}
	return ls
}

func madeRun() Run {
	start := time.Date(2026, 11, 28, 21, 30, 0, 0, time.FixedZone("JST", 9*3600))
	run := Run{Version: "0.1.0", Scenario: "sims-offline", Destination: "ims", Start: start, End: start.Add(95 * time.Minute),
		Options: map[string]string{"default-domain": "siroe.com", "base": "o=siroe.com\no=other.org", "via": ""},
		Inputs: []Input{{Role: "ldif", Path: "/export/home/migration/export.ldif", Bytes: 2_400_000, SHA256: strings.Repeat("0123456789abcdef", 4)},
			{Role: "stream", Path: "backup.sims", Bytes: 81_000_000_000, SHA256: strings.Repeat("fedcba9876543210", 4)}},
		Sums:   Sums{Source: 2018, Written: 1900, Linked: 100, LeftOut: []Reason{{Expired, 5}, {NotSelected, 3}}, Refused: []Reason{{"duplicate-uid", 2}, {"bad-header", 8}}},
		Before: &Check{Product: "sims40", Entries: 1234, Errors: 3, Warnings: 17, Codes: cli.Counts{{Name: "no-parent", N: 3}, {Name: "not-utf8", N: 17}}},
		After:  &Check{Product: "ims50", Entries: 1240, Errors: 0, Warnings: 2, Codes: cli.Counts{{Name: "not-utf8", N: 2}}},
	}
	at := start
	for i, s := range []Step{{Name: "schema", Seconds: 0.4}, {Name: "directory", Seconds: 312, Unit: "entries", Items: 1_234_000, Bytes: 2_400_000_000},
		{Name: "store", Seconds: 4100, Unit: "messages", Items: 3_100_000, Bytes: 81_000_000_000, Pieces: 2}, {Name: "comparison", Seconds: 20},
		{Name: "check", Seconds: 61, Unit: "entries", Items: 2_468_000}, {Name: "verification", Seconds: 900, Unit: "messages", Items: 3_100_000, Bytes: 81_000_000_000}} {
		s.Start = at
		at = at.Add(time.Duration(s.Seconds * float64(time.Second)))
		if s.Items > 0 {
			for k := range 120 {
				part := float64(k) / 119
				part *= 1 - 0.2*part*(1-part)*float64(i%3)
				s.Samples = append(s.Samples, cli.Sample{Seconds: s.Seconds * float64(k) / 119, Items: int64(part * float64(s.Items)), Bytes: int64(part * float64(s.Bytes))})
			}
		}
		run.Steps = append(run.Steps, s)
	}
	return run
}

// reading opens an output and reads it.
func reading(t *testing.T, out string, list *bytes.Buffer) *Ledger {
	t.Helper()
	l, err := Open(out)
	if err != nil {
		t.Fatal(err)
	}
	r := Reading{Digests: true}
	if list != nil {
		r.List = list
	}
	if err := l.Read(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestPageInBrowser: in both languages the page is what pages promise. With
// PAGE_SCREENSHOTS set to a folder its pictures are left there.
func TestPageInBrowser(t *testing.T) {
	out := site(t, 150, true)
	l := reading(t, out, nil)
	for _, lang := range Langs {
		t.Run(lang, func(t *testing.T) {
			var b bytes.Buffer
			if err := l.HTML(&b, lang); err != nil {
				t.Fatal(err)
			}
			peer.CheckPage(t, b.Bytes(), l.Headings(lang))
			if dir := os.Getenv("PAGE_SCREENSHOTS"); dir != "" {
				p := peer.Chromium(t, b.Bytes())
				p.Screenshot(peer.PhoneWidth, 12000, filepath.Join(dir, "report-"+lang+"-phone.png"))
				p.Screenshot(1280, 9000, filepath.Join(dir, "report-"+lang+"-desk.png"))
				file, _, _ := p.PDF()
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				write(t, filepath.Join(dir, "report-"+lang+".pdf"), data)
			}
		})
	}
}

// TestPageTells: what the page says, and that it says it in the reader's
// language.
func TestPageTells(t *testing.T) {
	l := reading(t, site(t, 60, false), nil)
	for lang, wants := range map[string][]string{
		"en": {"bad-header: 4,000 times", "nobody can count what they held", "expired, left out by rule", "refused: a second message of the same UID was refused", "The sums agree",
			"&lt;script&gt;alert(1)", "日本語/受信", "A part of the backup stream cannot be read", "3,990 more of this kind", "holds", "where the run wrote and linked 2,000"},
		"ja": {"bad-header: 4,000 件", "規則による除外: 期限切れ", "件数は一致しています", "&lt;script&gt;alert(1)", "日本語/受信", "残り 3,990 件", "SIMS 4.0 からの移行", "ディレクトリのアップグレード", "容量の大きいユーザー"},
	} {
		var b bytes.Buffer
		if err := l.HTML(&b, lang); err != nil {
			t.Fatal(err)
		}
		html := b.String()
		for _, want := range wants {
			if !strings.Contains(html, want) {
				t.Errorf("%s: the page has no %q", lang, want)
			}
		}
		for _, bad := range []string{"<script", "<b>bold", "NaN", "%!", "<no value>", "ZgotmplZ", "http://", "https://"} {
			if strings.Contains(html, bad) {
				t.Errorf("%s: the page has %q", lang, bad)
			}
		}
		if strings.Index(html, `id="problems"`) > strings.Index(html, `id="sums"`) {
			t.Errorf("%s: problems do not come first", lang)
		}
	}
}

// TestSumsThatDiffer: the page and the summary say so first of all.
func TestSumsThatDiffer(t *testing.T) {
	for _, tt := range []struct {
		source int64
		en, ja string
	}{
		{2020, "2 messages of the source are not accounted for", "2 件の行方が不明"},
		{2000, "18 messages more are accounted for", "18 件多く"},
	} {
		out := t.TempDir()
		run := madeRun()
		run.Sums.Source = tt.source
		writeReport(t, filepath.Join(out, ReportName), cli.Report{Result: "done"}, run)
		l := reading(t, out, nil)
		for lang, want := range map[string]string{"en": tt.en, "ja": tt.ja} {
			var b bytes.Buffer
			if err := l.HTML(&b, lang); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(b.String(), want) || !strings.Contains(b.String(), texts[lang]["verdict.sums"]) {
				t.Errorf("%s, %d: the page does not say so", lang, tt.source)
			}
		}
		var b bytes.Buffer
		if err := l.Summary(&b); err != nil || !strings.Contains(b.String(), tt.en) {
			t.Errorf("%v: %s", err, b.String())
		}
	}
}

// TestOldReport: a report that says nothing of its run makes a page too.
func TestOldReport(t *testing.T) {
	out := t.TempDir()
	write(t, filepath.Join(out, ReportName), []byte(`{"command":"siteconv run","exit":0,"result":"done","counts":{"users":1},"problems":{"total":0,"kinds":{},"items":[]},"warnings":{"total":0,"kinds":{},"items":[]}}`))
	l := reading(t, out, nil)
	for _, lang := range Langs {
		var b bytes.Buffer
		if err := l.HTML(&b, lang); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"sums.none", "time.none", "identity.none", "boxes.none", "problems.none", "next.none"} {
			if !strings.Contains(b.String(), texts[lang][key]) {
				t.Errorf("%s: no %s", lang, key)
			}
		}
	}
}

func TestDamagedReport(t *testing.T) {
	out := t.TempDir()
	for _, text := range []string{"", "{", `{"exit":"x"}`, "[]"} {
		write(t, filepath.Join(out, ReportName), []byte(text))
		if _, err := Open(out); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder without a report was taken")
	}
}

func TestFigures(t *testing.T) {
	l := reading(t, site(t, 60, true), nil)
	f := l.Figures()
	var b bytes.Buffer
	if err := f.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var back Figures
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	var users, messages int64
	for _, d := range back.Domains {
		users += d.Users
		messages += d.Messages
	}
	if users != 60 || users != l.Users || messages != l.Messages || back.Sums.Source != 3*2018 || back.Difference != 0 {
		t.Errorf("%+v", back)
	}
}

// TestTexts: every text has the same values in both languages, and Japanese
// has no English sentence left in it.
func TestTexts(t *testing.T) {
	for key, en := range texts["en"] {
		ja := texts["ja"][key]
		if strings.Count(en, "%s") != strings.Count(ja, "%s")+strings.Count(ja, "]s") {
			t.Errorf("%s: %q and %q", key, en, ja)
		}
		if en == ja && len(strings.Fields(en)) > 2 {
			t.Errorf("%s is not translated", key)
		}
	}
}

// TestRulesHaveWords: a rule that leaves messages out is told in words.
func TestRulesHaveWords(t *testing.T) {
	for _, rule := range []string{Expired, NotSelected, Duplicate, OtherBatch, LeftUser} {
		for _, lang := range Langs {
			if w := (words{lang, texts[lang]}); w.name("rule", rule) == rule && lang == "ja" || texts[lang]["rule."+rule] == "" {
				t.Errorf("%s: no words for %s", lang, rule)
			}
		}
	}
}
