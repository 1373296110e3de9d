package shards

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// FuzzParsePlan: what is read as a plan is written and read as the same.
func FuzzParsePlan(f *testing.F) {
	_, p := writePlan(f, "a\n", "b\n")
	text, err := p.Format()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"version":1,"links":"copy","shards":[{"file":"a"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePlan(text)
		if err != nil {
			return
		}
		again, err := p.Format()
		if err != nil {
			t.Fatal(err)
		}
		q, err := ParsePlan(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if third, err := q.Format(); err != nil || !bytes.Equal(third, again) {
			t.Errorf("%s\n%s: %v", again, third, err)
		}
	})
}

// FuzzList: in a list that is taken, every line is found, and nothing else.
func FuzzList(f *testing.F) {
	f.Add("a\nb\nc d\n", "b")
	f.Add("", "")
	f.Add("a\n\n", "a\n")
	f.Fuzz(func(t *testing.T, list, id string) {
		lines := strings.Split(strings.TrimSuffix(list, "\n"), "\n")
		if list == "" {
			lines = nil
		}
		if checkList([]byte(list), int64(len(lines))) != nil {
			return
		}
		for _, line := range append(lines, id) {
			if got, want := inList([]byte(list), line), slices.Contains(lines, line); got != want {
				t.Errorf("%q in %q: %v", line, list, got)
			}
		}
	})
}

// FuzzSizes: no list of sizes does harm, and what is taken adds up.
func FuzzSizes(f *testing.F) {
	f.Add("a/INBOX/1\t500\nb/INBOX/1\t-\t2000\t\ta/INBOX/1\n")
	f.Add("{\"name\":\"a\",\"size\":9223372036854775807}\n{\"name\":\"a\",\"size\":9223372036854775807}\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := new(Survey)
		defer s.Close()
		if s.AddSizes(strings.NewReader(text), "list") != nil {
			return
		}
		m, err := s.Make(Source{}, options(3, LinksPlan))
		if err != nil {
			t.Fatal(err)
		}
		var users, bytes int64
		for _, part := range m.Plan.Shards {
			users, bytes = users+part.Users, bytes+part.Bytes
			if part.Bytes < 0 || part.Messages < 0 {
				t.Errorf("%+v", part)
			}
		}
		if users+m.Unlisted != m.Plan.Users || bytes != m.Plan.Bytes || m.Plan.Crossing != (Crossing{}) {
			t.Errorf("%d listed, %d unlisted, %+v", users, m.Unlisted, m.Plan)
		}
	})
}
