package manual

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// odd is a page of everything that is long.
func odd() *Page {
	long := strings.Repeat("verylong", 15)
	p := &Page{Name: "tool-do", Title: "tool do", Section: 1, Summary: "does " + strings.Repeat("all of it ", 12), Version: "imsconv 1", Date: "2026-01-02"}
	p.Add("SYNOPSIS", Synopsis{[]string{"tool do [OPTIONS] " + strings.Repeat("[-f FILE [PATH ...]] ", 9), "tool " + long}})
	p.Add("DESCRIPTION", Prose("A paragraph. "+long+" ends\n\nHEADING\nText of it:\n  "+long+"  text\n  b  "+strings.Repeat("text ", 40)+"\n\n  - "+strings.Repeat("bullet ", 30))...)
	p.Add("OPTIONS", List{[]Item{
		{Term: Text{{Bold, "--" + long}, {Roman, " "}, {Italic, long}}, Inset: 4, Body: Prose(strings.Repeat("what it does ", 20))},
		{Term: Text{{Bold, "-x"}, {Roman, " "}, {Italic, "ÄÖÜ"}}, Body: Prose(strings.Repeat("größer ", 20))},
	}})
	p.Add("FILES", Literal{[]string{"    " + long + " is where", "a\tb"}}, Table{
		Head: []Text{Plain("a"), Plain("b"), Plain(long)},
		Rows: [][]Text{{Plain("x"), Plain(long), Plain(strings.Repeat("cell ", 30))}},
	})
	p.Add("EXAMPLES", Commands("tool do "+strings.Repeat("--option value ", 9)+"| other"))
	return p
}

func TestPlainNeverExceedsItsColumns(t *testing.T) {
	for _, columns := range []int{40, 72, 80, 132} {
		var b strings.Builder
		if err := WritePlain(&b, odd(), columns); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			if width(line) > columns && !strings.HasSuffix(line, `\`) && columns >= commandWidth+partInset {
				t.Errorf("%d columns: %q has %d", columns, line, width(line))
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("%d columns: %q ends with blanks", columns, line)
			}
		}
	}
}

func TestPlain(t *testing.T) {
	p := &Page{Name: "tool-do", Title: "tool do", Section: 1, Summary: "does it"}
	p.Add("SYNOPSIS", Synopsis{[]string{"tool do [OPTIONS] IN"}})
	p.Add("DESCRIPTION", Prose(`
Does
it, with -x.

HOW
  a  is one
     and more
  bb  is two

  - c
As it stands:

    a line
      another
`)...)
	p.Add("OPTIONS", List{[]Item{
		{Term: Plain("-x, --xx"), Body: Prose("first")},
		{Term: Plain("--yy FILE"), Inset: 4, Body: Prose("second")},
		{Term: Plain("--zzzzzzzzzzzzzzzzzzzzzzzzzzzzz"), Inset: 4, Body: Prose("third")},
		{Term: Plain("--q"), Inset: 4},
	}})
	var b strings.Builder
	if err := WritePlain(&b, p, 80); err != nil {
		t.Fatal(err)
	}
	want := `NAME
    tool do - does it

SYNOPSIS
    tool do [OPTIONS] IN

DESCRIPTION
    Does it, with -x.

  HOW
    a   is one and more
    bb  is two

    - c

    As it stands:

        a line
          another

OPTIONS
    -x, --xx       first
        --yy FILE  second
        --zzzzzzzzzzzzzzzzzzzzzzzzzzzzz
                   third
        --q
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

func TestSynopsisKeepsGroups(t *testing.T) {
	got := hang("tool do [OPTIONS] [--store DIR] [-f STREAM ... [PATH ...]] [--from NMSSTORE]", 40, 4)
	want := []string{"tool do [OPTIONS] [--store DIR]", "    [-f STREAM ... [PATH ...]]", "    [--from NMSSTORE]"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTableGivesWhatIsWidest(t *testing.T) {
	got := layout(Table{
		Head: []Text{Plain("key"), Plain("type"), Plain("what it says")},
		Rows: [][]Text{
			{Plain("SIMS.flags"), Plain("file"), Plain("flags and keywords apart by blanks")},
			{Plain("x"), Plain(""), Plain("y")},
		},
	}, 40)
	want := []string{
		"key         type  what it says",
		"----------  ----  ----------------------",
		"SIMS.flags  file  flags and keywords",
		"                  apart by blanks",
		"x                 y",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
