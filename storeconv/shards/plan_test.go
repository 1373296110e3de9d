package shards

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/ims"
)

// writePlan makes the folder of a plan with the lists given.
func writePlan(t testing.TB, lists ...string) (dir string, p *Plan) {
	t.Helper()
	dir = t.TempDir()
	p = &Plan{Version: PlanVersion, Source: Source{Kind: Stream, Path: "site.sims", Identity: "ab"}, Links: LinksPlan}
	for i, list := range lists {
		name := "users0" + string(rune('1'+i)) + ".txt"
		sum := sha256.Sum256([]byte(list))
		p.Shards = append(p.Shards, Part{File: name, SHA256: hex.EncodeToString(sum[:]), Users: int64(strings.Count(list, "\n"))})
		if err := os.WriteFile(filepath.Join(dir, name), []byte(list), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := p.Format()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, PlanFile), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, p
}

// TestMembers: everybody is in one part, whoever is in no list in the first.
func TestMembers(t *testing.T) {
	lists := [][]string{{"a", "b@x.com", "zoë"}, {"B", "aa"}, {}, {"c"}}
	var texts []string
	for _, l := range lists {
		text := ""
		for _, id := range l {
			text += id + "\n"
		}
		texts = append(texts, text)
	}
	dir, _ := writePlan(t, texts...)
	want := map[string]int{"stranger": 1, "": 1, "a b": 1, "b": 1, "zo": 1, "~": 1, "a\nb@x.com": 1}
	for i, l := range lists {
		for _, id := range l {
			want[id] = i + 1
		}
	}
	for number := 1; number <= len(lists); number++ {
		p, shard, err := Open(dir, number)
		if err != nil {
			t.Fatal(err)
		}
		if shard.Number() != number || shard.Count != 4 || shard.First() != (number == 1) || shard.Whole() || shard.Plan.ID != p.ID() || p.ID() == "" {
			t.Errorf("part %d is %s", number, shard.Name())
		}
		for id, in := range want {
			if shard.Has(id) != (in == number) {
				t.Errorf("%q belongs to part %d, and part %d has it: %v", id, in, number, shard.Has(id))
			}
		}
	}
	for _, number := range []int{0, 5, -1} {
		if _, _, err := Open(dir, number); err == nil {
			t.Errorf("part %d is there", number)
		}
	}
}

func TestListsAreHeldAgainstThePlan(t *testing.T) {
	for name, list := range map[string]string{
		"another order": "b\na\n", "twice": "a\na\n", "no end": "a\nb", "an empty line": "\na\n",
	} {
		dir, _ := writePlan(t, list)
		if _, _, err := Open(dir, 1); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	dir, _ := writePlan(t, "a\nb\n", "c\n")
	if err := os.WriteFile(filepath.Join(dir, "users02.txt"), []byte("d\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for number, fails := range map[int]bool{1: true, 2: true} { // the first reads them all
		if _, _, err := Open(dir, number); (err != nil) != fails || !strings.Contains(err.Error(), "SHA-256") {
			t.Errorf("part %d of a plan with another list: %v", number, err)
		}
	}
}

func TestParsePlan(t *testing.T) {
	_, p := writePlan(t, "a\n", "b\n")
	text, err := p.Format()
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	for name, change := range map[string][2]string{
		"another form":   {`"version": 1`, `"version": 2`},
		"unknown member": {`"links"`, `"lnks"`},
		"unknown links":  {`"links": "plan"`, `"links": "some"`},
		"a path":         {"users01.txt", "../users01.txt"},
		"one list twice": {"users02.txt", "users01.txt"},
		"itself":         {"users02.txt", "plan.json"},
		"no sum":         {`"sha256": "`, `"sha256": "zz`},
		"below nought":   {`"messages": 0`, `"messages": 0, "users": -1`},
		"no parts":       {`"shards": [`, `"shards": [], "x": [`},
		"no JSON":        {"{", "["},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if name == "below nought" {
			bad = strings.Replace(good, `"users": 1`, `"users": -1`, 1)
		}
		if bad == good {
			t.Fatalf("%s: nothing is changed", name)
		}
		if _, err := ParsePlan([]byte(bad)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	got, err := ParsePlan(text)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := got.Format(); err != nil || string(again) != good {
		t.Errorf("read and written again: %v\n%s", err, again)
	}
	if err := got.CheckSource(Source{Kind: Stream, Identity: "ab"}); err != nil {
		t.Error(err)
	}
	for _, other := range []Source{{Kind: Stream, Identity: "cd"}, {Kind: Store, Identity: "ab"}} {
		if err := got.CheckSource(other); !errors.Is(err, ErrOtherSource) {
			t.Errorf("%v: %v", other, err)
		}
	}
}

// TestPipesAreNoPlan: nobody waits for a pipe in the place of a plan or a list.
func TestPipesAreNoPlan(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(dir, PlanFile), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPlan(dir); !errors.Is(err, ims.ErrNotRegular) {
		t.Errorf("ReadPlan: %v", err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "users01.txt"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readList(dir, &Part{File: "users01.txt"}); !errors.Is(err, ims.ErrNotRegular) {
		t.Errorf("readList: %v", err)
	}
}
