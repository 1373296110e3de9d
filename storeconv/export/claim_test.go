package export

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// TestTwoUsersOfOneID: of two users of the source who get one id, by -m or by
// the default domain, the second has no place: his mail is not put together
// with the other's, not by a second run and not by that of another shard.
func TestTwoUsersOfOneID(t *testing.T) {
	stream, err := os.ReadFile("../../testdata/site/sims/backup.sims")
	if err != nil {
		t.Fatal(err)
	}
	store := restored(t, stream)
	path := filepath.Join(t.TempDir(), "stream")
	if err := os.WriteFile(path, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	mapped := storeconv.Selection{Map: map[string]string{"wallyc": "anna"}}
	domain := storeconv.Selection{Domain: "varrius.org"}
	for _, test := range []struct {
		name   string
		src    func() *Source
		sel    storeconv.Selection
		second string
		id     string
		to     Format
	}{
		{"a store, a map", func() *Source { return FromStore(store) }, mapped, "wallyc", "anna", Maildir},
		{"a store, a domain", func() *Source { return FromStore(store) }, domain, "wallyc@varrius.org", "wallyc", Maildir},
		{"mailbox files", func() *Source { return FromStore(store) }, mapped, "wallyc", "anna", Mbox},
		{"a stream", func() *Source { return streamOf(t, path) }, mapped, "", "anna", Maildir},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			opt := Options{Selection: test.sel, To: test.to}
			var told, before []string
			var lost []int64
			for _, dry := range []bool{true, false, false} {
				opt.DryRun = dry
				rep, log := exportTo(t, out, test.src(), opt)
				if rep.Refused != 1 || rep.Users != 7 || len(log.Problems) != 1 {
					t.Fatalf("dry %v: %d refused, %d users, told %q", dry, rep.Refused, rep.Users, log.Problems)
				}
				if told == nil {
					told = log.Problems
				}
				want := "the id " + test.id + " too"
				if !slices.Equal(log.Problems, told) || !strings.HasPrefix(told[0], "no-place user "+test.second) || !strings.Contains(told[0], want) {
					t.Errorf("dry %v: told %q", dry, log.Problems)
				}
				lost = append(lost, rep.Lost["no-place"])
				if dry {
					continue
				}
				now := mail(t, out)
				if before != nil && !slices.Equal(now, before) {
					t.Errorf("the second run has changed the mail:\n%s\n%s", strings.Join(before, "\n"), strings.Join(now, "\n"))
				}
				before = now
			}
			// What is there is the first user's alone.
			alone := opt
			second, _, _ := strings.Cut(strings.TrimPrefix(told[0], "no-place user "), ":")
			alone.Users = allBut(t, second)
			single := filepath.Join(t.TempDir(), "out")
			exportTo(t, single, test.src(), alone)
			if want := mail(t, single); !slices.Equal(before, want) {
				t.Errorf("mail:\n%s\nof all but the second user:\n%s", strings.Join(before, "\n"), strings.Join(want, "\n"))
			}
			// His messages are told as lost, by that kind.
			his := Options{Selection: storeconv.Selection{Users: map[string]bool{second: true}}, To: test.to, DryRun: true}
			if rep, _ := exportTo(t, filepath.Join(t.TempDir(), "out"), test.src(), his); rep.Messages == 0 || slices.ContainsFunc(lost, func(n int64) bool { return n != rep.Messages+rep.Expired }) {
				t.Errorf("%d messages are lost, of %+v", lost, rep)
			}
			// The shards agree on who has the place, in whatever order they run.
			sharded := filepath.Join(t.TempDir(), "out")
			for i := range 4 {
				opt.Shard = storeconv.Shard{Index: 3 - i, Count: 4}
				exportTo(t, sharded, test.src(), opt)
			}
			if now := mail(t, sharded); !slices.Equal(apart(now), apart(before)) {
				t.Errorf("mail by shards:\n%s\nwant:\n%s", strings.Join(now, "\n"), strings.Join(before, "\n"))
			}
		})
	}
}

// mail lists the files of mail of an export, with their content.
func mail(t *testing.T, out string) []string {
	t.Helper()
	return slices.DeleteFunc(tree(t, out), func(line string) bool {
		return strings.HasPrefix(line, ".imsconv") || !strings.Contains(line, "/")
	})
}

// apart leaves out which files are one.
func apart(lines []string) []string {
	out := slices.Clone(lines)
	for i, line := range out {
		out[i], _, _ = strings.Cut(line, " =")
	}
	return out
}

// allBut are the users of the stream but one.
func allBut(t *testing.T, id string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../testdata/site/sims/users.txt")
	if err != nil {
		t.Fatal(err)
	}
	users := map[string]bool{}
	for _, name := range strings.Fields(string(text)) {
		users[name] = true
	}
	delete(users, id)
	return users
}

// TestTwoUsersOfOneIDInTwoRuns: a run that exports one user under the id of
// another, whom an earlier run has exported, leaves him out, and says how the
// two are told apart. A list of before, which does not say whose mail it has,
// is taken, and says it from then on.
func TestTwoUsersOfOneIDInTwoRuns(t *testing.T) {
	stream := write(t,
		boxed("anna/INBOX", 7), msg("anna/INBOX/1", 11, "", "anna's\r\n"),
		boxed("bob@x.org/INBOX", 8), msg("bob@x.org/INBOX/1", 12, "", "bob's\r\n"), msg("bob@x.org/INBOX/2", 13, "", "bob's too\r\n"))
	text, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	store := restored(t, text)
	one := func(user string) storeconv.Selection {
		return storeconv.Selection{Users: map[string]bool{user: true}, Map: map[string]string{"bob@x.org": "anna"}}
	}
	list := ims.WorkDir + "/exported/" + listName("anna/Maildir")
	for name, src := range map[string]func() *Source{
		"store":  func() *Source { return FromStore(store) },
		"stream": func() *Source { return streamOf(t, stream) },
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			exportTo(t, out, src(), Options{Selection: one("anna")})
			before := tree(t, out)
			for _, dry := range []bool{true, false, false} {
				rep, log := exportTo(t, out, src(), Options{Selection: one("bob@x.org"), DryRun: dry})
				want := []string{fmt.Sprintf(`no-place user bob@x.org: an earlier run has exported anna of the source with the id anna: another id, or another destination, keeps the two apart; if they are one person, remove the line "source anna" from %s/%s`, out, list)}
				if rep.Refused != 1 || rep.Users != 0 || !slices.Equal(log.Problems, want) {
					t.Errorf("dry %v: %+v, told %q", dry, rep, log.Problems)
				}
				if now := tree(t, out); !slices.Equal(now, before) {
					t.Errorf("dry %v: %q, was %q", dry, now, before)
				}
			}
			if rep, log := exportTo(t, out, src(), Options{Selection: one("anna")}); rep.There != 1 || len(log.Problems) > 0 {
				t.Errorf("the first user again: %+v, told %q", rep, log.Problems)
			}

			older := strings.Replace(content(t, filepath.Join(out, list)), "source anna\n", "", 1)
			if err := os.WriteFile(filepath.Join(out, list), []byte(older), 0o600); err != nil {
				t.Fatal(err)
			}
			if rep, log := exportTo(t, out, src(), Options{Selection: one("bob@x.org")}); rep.Messages != 2 || len(log.Problems) > 0 {
				t.Errorf("an older list: %+v, told %q", rep, log.Problems)
			}
			if now := content(t, filepath.Join(out, list)); !strings.Contains(now, "user anna\nplace anna/Maildir\nsource bob@x.org\n") {
				t.Errorf("the list is now\n%s", now)
			}
		})
	}
}
