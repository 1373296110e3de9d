package shards

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/selection"
	"imsconv/storeconv/sims"
)

// none takes progress, and counts nothing.
type none struct{}

func (none) Add(items, bytes int64) {}

// evenly is a balance as the programs have it.
type evenly struct{ weights, users []int64 }

func newEvenly(parts int) Balance { return &evenly{make([]int64, parts), make([]int64, parts)} }

func (e *evenly) PlaceGroup(weight, users int64) int {
	best := 0
	for i := range e.weights {
		if e.weights[i] < e.weights[best] || e.weights[i] == e.weights[best] && e.users[i] < e.users[best] {
			best = i
		}
	}
	e.Put(best, weight, users)
	return best
}

func (e *evenly) Put(list int, weight, users int64) {
	e.weights[list] += weight
	e.users[list] += users
}

// form is that of the programs.
var form = Form{
	FileName: func(list, lists int) string { return fmt.Sprintf("users%02d.txt", list+1) },
	Line:     func(id string) string { return id + "\n" },
}

var errOdd = errors.New("odd")

func options(parts int, links Links) PlanOptions {
	return PlanOptions{Parts: parts, Links: links, Balance: newEvenly, Listable: func(id string) error {
		if strings.ContainsAny(id, " =") {
			return errOdd
		}
		return nil
	}}
}

// member is a message of size bytes, or a link.
func member(name string, size int64, link string) *sims.Member {
	user, mailbox, uid, _ := sims.SplitName(name)
	m := &sims.Member{Kind: sims.Message, Name: name, User: user, Mailbox: mailbox, UID: uid, Size: size, Link: link}
	if link != "" {
		m.Kind = sims.Link
	}
	return m
}

// membersOf is a source in memory.
type membersOf []any

func (m *membersOf) Next() (*sims.Member, error) {
	if len(*m) == 0 {
		return nil, io.EOF
	}
	next := (*m)[0]
	*m = (*m)[1:]
	if err, ok := next.(error); ok {
		return nil, err
	}
	return next.(*sims.Member), nil
}

// nobody is told of damage: there is none.
func nobody(t testing.TB) func(*sims.Error) {
	return func(e *sims.Error) { t.Error(e) }
}

func survey(t *testing.T, src membersOf) *Survey {
	t.Helper()
	s := new(Survey)
	t.Cleanup(s.Close)
	if err := s.AddMembers(t.Context(), &src, func(*sims.Error) {}, none{}); err != nil {
		t.Fatal(err)
	}
	return s
}

// lists are the users of each part.
func lists(t *testing.T, m *Made) (all [][]string) {
	t.Helper()
	for i := range m.Plan.Shards {
		var users []string
		if err := m.eachUser(i, func(id string) error { users = append(users, id); return nil }); err != nil {
			t.Fatal(err)
		}
		if int64(len(users)) != m.Plan.Shards[i].Users {
			t.Errorf("part %d has %d users, and says %d", i+1, len(users), m.Plan.Shards[i].Users)
		}
		all = append(all, users)
	}
	return all
}

// TestMake: who goes where, by sizes and by links.
func TestMake(t *testing.T) {
	const kb = 1 << 10
	source := func() membersOf {
		return membersOf{
			member("a/INBOX/1", 900*kb, ""), member("b/INBOX/1", 300*kb, ""), member("c/INBOX/1", 300*kb, ""),
			&sims.Member{Kind: sims.User, Name: "nobody", User: "nobody"}, // without mail
			&sims.Error{Class: sims.Truncated},
			member("d/INBOX/1", 0, "b/INBOX/1"), member("d/INBOX/2", 0, "e/INBOX/9"), // the second is a copy of nothing
			member("b/Mail/7", 100*kb, ""), // comes back
			member("B/INBOX/1", 5, ""), member("d@x.com/INBOX/1", 7, ""),
		}
	}
	for _, tt := range []struct {
		name     string
		parts    int
		links    Links
		want     [][]string
		crossing Crossing
	}{
		{"one", 1, LinksPlan, [][]string{{"B", "a", "b", "c", "d", "d@x.com", "e", "nobody"}}, Crossing{}},
		{"together", 2, LinksPlan, [][]string{{"B", "a", "d@x.com", "e", "nobody"}, {"b", "c", "d"}}, Crossing{}},
		{"apart", 3, LinksCopy, [][]string{{"a"}, {"B", "b", "d@x.com", "e", "nobody"}, {"c", "d"}}, Crossing{1, 300 * kb}},
	} {
		m, err := survey(t, source()).Make(Source{}, options(tt.parts, tt.links))
		if err != nil {
			t.Fatal(err)
		}
		got := lists(t, m)
		seen := 0
		for _, l := range got {
			seen += len(l)
			if !slices.IsSorted(l) {
				t.Errorf("%s: %v is not in byte order", tt.name, l)
			}
		}
		if seen != 8 || m.Plan.Users != 8 || m.Plan.Messages != 8 || m.Plan.Bytes != 1900*kb+12 {
			t.Errorf("%s: %d listed, %d users, %d messages, %d bytes", tt.name, seen, m.Plan.Users, m.Plan.Messages, m.Plan.Bytes)
		}
		if m.Plan.Crossing != tt.crossing || m.Unlisted != 0 {
			t.Errorf("%s: crossing %+v, unlisted %d", tt.name, m.Plan.Crossing, m.Unlisted)
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestOneIDOnePart: users who get one id in the store are in one part, whatever
// becomes of links, and who does not take part is in none.
func TestOneIDOnePart(t *testing.T) {
	const mb = 1 << 20
	sel := storeconv.Selection{
		Users:  map[string]bool{"ann": true, "ann@x.com": true, "b": true, "c": true, "d": true, "nowhere": true},
		Map:    map[string]string{"b": "c"},
		Domain: "X.com",
	}
	for _, links := range []Links{LinksPlan, LinksCopy} {
		s := new(Survey)
		t.Cleanup(s.Close)
		var err error
		if s.Names, err = selection.Compile(sel); err != nil {
			t.Fatal(err)
		}
		src := membersOf{
			member("ann/INBOX/1", mb, ""), member("ann@x.com/INBOX/1", mb, ""), member("b/INBOX/1", mb, ""), member("c/INBOX/1", mb, ""),
			member("stranger/INBOX/1", 5*mb, ""), member("d/INBOX/1", 0, "stranger/INBOX/1"), member("d/INBOX/2", 0, "ann/INBOX/1"),
			member("stranger/INBOX/2", 0, "d/INBOX/3"),
		}
		if err := s.AddMembers(t.Context(), &src, nobody(t), none{}); err != nil {
			t.Fatal(err)
		}
		opt := options(3, links)
		opt.Names = NamesOf(sel)
		m, err := s.Make(Source{}, opt)
		if err != nil {
			t.Fatal(err)
		}
		want := map[Links]string{
			LinksPlan: "[[ann ann@x.com d] [b c] []]",
			LinksCopy: "[[d] [ann ann@x.com] [b c]]",
		}
		if got := fmt.Sprint(lists(t, m)); got != want[links] {
			t.Errorf("links %s: %s, want %s", links, got, want[links])
		}
		if m.Plan.Users != 5 || m.Plan.Bytes != 10*mb || m.Plan.Names.Domain != "x.com" {
			t.Errorf("links %s: %+v", links, m.Plan)
		}
		if got := s.Names.Missing(); fmt.Sprint(got) != "[nowhere]" {
			t.Errorf("missing: %q", got)
		}
	}
}

// TestCheckNames: a run has the names of its plan; of a plan of all users it
// may select any.
func TestCheckNames(t *testing.T) {
	all := storeconv.Selection{}
	domain := storeconv.Selection{Domain: "x.com"}
	ids := storeconv.Selection{Map: map[string]string{"a": "b"}}
	one := storeconv.Selection{Users: map[string]bool{"a": true}}
	other := storeconv.Selection{Users: map[string]bool{"b": true}}
	for _, tt := range []struct {
		plan, run storeconv.Selection
		why       string // "": taken
	}{
		{all, all, ""}, {all, one, ""}, {one, one, ""}, {domain, storeconv.Selection{Domain: "X.COM", Users: one.Users}, ""},
		{all, storeconv.Selection{Map: map[string]string{"a": "a"}}, ""},
		{ids, storeconv.Selection{Map: map[string]string{"a": "b", "c": "c"}}, ""},
		{all, domain, "its default domain is none, and here it is x.com"},
		{domain, all, "its default domain is x.com, and here it is none"},
		{all, ids, "it gives no new ids, and here -u and -m give new ids"},
		{ids, storeconv.Selection{Map: map[string]string{"a": "c"}}, "it gives new ids"},
		{ids, all, "and here -u and -m give no new ids"},
		{one, all, "it is of the users of a -u, and here all users take part"},
		{one, other, "and here it is another one"},
	} {
		p := Plan{Names: NamesOf(tt.plan)}
		err := p.CheckNames(tt.run)
		if (err == nil) != (tt.why == "") || err != nil && (!errors.Is(err, ErrOtherNames) || !strings.Contains(err.Error(), tt.why)) {
			t.Errorf("%+v with %+v: %v, want %q", tt.plan, tt.run, err, tt.why)
		}
	}
}

// TestUneven: what a group that is too large costs, either way.
func TestUneven(t *testing.T) {
	var src membersOf
	src = append(src, member("u0/INBOX/1", 1<<20, ""))
	for i := 1; i < 10; i++ {
		src = append(src, member(fmt.Sprintf("u%d/INBOX/1", i), 0, "u0/INBOX/1"))
	}
	src = append(src, member("v/INBOX/1", 1<<20, ""))
	s := survey(t, src)
	m, err := s.Make(Source{}, options(4, LinksPlan))
	if err != nil {
		t.Fatal(err)
	}
	u := m.Uneven
	if u == nil || u.Users != 10 || u.Heavy != 10*(1<<20+MessageCost) || u.Fair >= u.Heavy {
		t.Fatalf("%+v", u)
	}
	copied, err := s.Make(Source{}, options(4, LinksCopy))
	if err != nil {
		t.Fatal(err)
	}
	if copied.Uneven != nil || copied.Plan.Crossing != u.Copied || u.Copied.Links < 5 || u.Copied.Bytes != u.Copied.Links<<20 {
		t.Errorf("%+v is promised, %+v comes", u.Copied, copied.Plan.Crossing)
	}
	if m, err := survey(t, membersOf{member("a/INBOX/1", 9, ""), member("b/INBOX/1", 5, "")}).Make(Source{}, options(2, LinksPlan)); err != nil || m.Uneven != nil {
		t.Errorf("a user alone is no group: %+v, %v", m.Uneven, err)
	}
}

// TestUnlisted: who cannot stand in a list is in the first part, with those who
// share messages with him.
func TestUnlisted(t *testing.T) {
	m, err := survey(t, membersOf{
		member("z z/INBOX/1", 1, ""), member("y/INBOX/1", 0, "z z/INBOX/1"), member("a/INBOX/1", 1<<20, ""), member("b/INBOX/1", 1<<20, ""),
	}).Make(Source{}, options(2, LinksPlan))
	if err != nil {
		t.Fatal(err)
	}
	if got := lists(t, m); !slices.Contains(got[0], "y") || slices.Contains(got[0], "z z") || m.Unlisted != 1 || m.Plan.Users != 4 {
		t.Errorf("%v, %d unlisted", got, m.Unlisted)
	}
}

// TestSizes: the output of list says what the stream does.
func TestSizes(t *testing.T) {
	for name, text := range map[string]string{
		"text": "a/\t-\t2000-01-01 00:00:00\na/INBOX/\t-\t2000\na/INBOX/1\t500\t2000\t\\Seen\nb/INBOX/1\t-\t2000\t\ta/INBOX/1\n\n# more\nc/INBOX/1\t-\t2000\t\\Seen\tx/INBOX/1\n",
		"json": `{"name":"a","type":"user"}` + "\n" + `{"name":"a/INBOX/1","type":"message","size":500}` + "\n" + `{"name":"b/INBOX/1","type":"link","link":"a/INBOX/1"}` + "\n" + `{"name":"c/INBOX/1","type":"link","link":"x/INBOX/1"}` + "\n",
	} {
		s := new(Survey)
		defer s.Close()
		if err := s.AddSizes(strings.NewReader(text), "list"); err != nil {
			t.Fatal(err)
		}
		m, err := s.Make(Source{Kind: Sizes}, options(2, LinksPlan))
		if err != nil {
			t.Fatal(err)
		}
		if got := lists(t, m); m.Plan.Bytes != 1000 || m.Plan.Messages != 3 || fmt.Sprint(got) != "[[a b] [c x]]" {
			t.Errorf("%s: %v, %+v", name, got, m.Plan)
		}
	}
	for text, want := range map[string]string{"a\n": "list:1: ", "a 1\nb x\n": "list:2: ", "a\t-1\n": "list:1: ", "{}\n": "list:1: ", "/x 1\n": "list:1: "} {
		s := new(Survey)
		if err := s.AddSizes(strings.NewReader(text), "list"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	s := new(Survey)
	defer s.Close()
	if err := s.AddSizes(strings.NewReader("a 5\nb  7\n"), "du"); err != nil {
		t.Errorf("two columns: %v", err)
	}
	if c, err := s.count(); err != nil || c.users != 2 {
		t.Errorf("two columns: %d users, %v", c.users, err)
	}
}

// writeTree makes a store with files, and hard links of them.
func writeTree(t *testing.T, files map[string]int, links map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, size := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, make([]byte, size), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range links {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.Link(filepath.Join(dir, to), path)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestStore: the sums of a store, and its links, whatever the number of jobs.
func TestStore(t *testing.T) {
	at := func(partition, id, name string) string { return ims.UserDir(partition, id) + "/" + name }
	files := map[string]int{
		at("primary", "a", "00/1.msg"): 10, at("primary", "a", "store.idx"): 999, at("primary", "a", "=Mail/00/1.msg"): 20,
		at("second", "a", "00/9.msg"): 5, at("primary", "b", "00/1.msg"): 7, "partition/primary/=user/00/=wrong/00/1.msg": 3,
		at("second", "empty", "store.idx"): 4, "partition/primary/=shared/00/1.msg": 77, "mboxlist/folder.db": 512,
	}
	dir := writeTree(t, files, map[string]string{at("primary", "c", "00/1.msg"): at("primary", "a", "00/1.msg"), at("primary", "b", "00/2.msg"): at("primary", "b", "00/1.msg")})
	var first []byte
	for _, jobs := range []int{1, 4} {
		src, partitions, err := StoreSource(dir)
		if err != nil {
			t.Fatal(err)
		}
		s := new(Survey)
		defer s.Close()
		if err := s.AddStore(t.Context(), partitions, jobs, storeconv.Discard, none{}); err != nil {
			t.Fatal(err)
		}
		m, err := s.Make(src, options(3, LinksPlan))
		if err != nil {
			t.Fatal(err)
		}
		if src.Kind != Store || m.Plan.Users != 5 || m.Plan.Messages != 7 || m.Plan.Bytes != 10+20+5+7+3+10+7 {
			t.Errorf("jobs %d: %+v", jobs, m.Plan)
		}
		got := lists(t, m)
		if i := slices.IndexFunc(got, func(l []string) bool { return slices.Contains(l, "a") }); !slices.Contains(got[i], "c") {
			t.Errorf("a and c share a message: %v", got)
		}
		text, err := m.Plan.Format()
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = text
		} else if !bytes.Equal(first, text) {
			t.Errorf("jobs %d: another plan", jobs)
		}
	}
}

// TestStoreSource: what makes a store another one.
func TestStoreSource(t *testing.T) {
	path := ims.UserDir("primary", "a") + "/00/1.msg"
	dir := writeTree(t, map[string]int{path: 1, "mboxlist/data.db2": 9}, nil)
	source := func() Source {
		src, _, err := StoreSource(dir)
		if err != nil {
			t.Fatal(err)
		}
		return src
	}
	before := source()
	if before.Kind != NMS {
		t.Errorf("kind %s", before.Kind)
	}
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.CopyFS(moved, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if src, _, err := StoreSource(moved); err != nil || src.Identity != before.Identity {
		t.Errorf("a copy is another store: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, path), []byte("more"), 0o600); err != nil {
		t.Fatal(err)
	}
	if source().Identity != before.Identity {
		t.Error("a message makes another store")
	}
	if err := os.MkdirAll(filepath.Join(dir, ims.UserDir("primary", "b")), 0o700); err != nil {
		t.Fatal(err)
	}
	if source().Identity == before.Identity {
		t.Error("a new user does not show")
	}
	elsewhere := writeTree(t, map[string]int{"=user/" + ims.Hash("z") + "/=z/00/1.msg": 1}, nil)
	with, partitions, err := StoreSource(dir, nms.Partition{Name: "far", Path: elsewhere})
	if err != nil || len(partitions) != 2 || with.Identity == source().Identity {
		t.Errorf("%v, %v", partitions, err)
	}
}

// TestWrite: a plan is there whole, is the same again, and gives way to another
// only when it is told to.
func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sub", "plan")
	build := func(parts int) *Made {
		m, err := survey(t, membersOf{member("a/INBOX/1", 1, ""), member("b/INBOX/1", 2, ""), member("c c/INBOX/1", 2, "")}).Make(Source{Kind: Stream, Identity: "1"}, options(parts, LinksCopy))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if err := os.MkdirAll(dir+partialSuffix+"/users09.txt", 0o700); err != nil { // of a run that was killed
		t.Fatal(err)
	}
	for i, same := range []bool{false, true} {
		if got, err := build(2).Write(dir, form, false); got != same || err != nil {
			t.Fatalf("time %d: same %v, %v", i+1, got, err)
		}
	}
	users := map[string]int{}
	for number := 1; number <= 2; number++ {
		_, shard, err := Open(dir, number)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"a", "b", "c c", "stranger"} {
			if shard.Has(id) {
				users[id] += number
			}
		}
	}
	if users["c c"] != 1 || users["stranger"] != 1 || users["a"]+users["b"] != 3 {
		t.Errorf("parts of users: %v", users)
	}
	if _, err := build(3).Write(dir, form, false); !errors.Is(err, ErrOtherPlan) {
		t.Errorf("over another plan: %v", err)
	}
	if p, err := ReadPlan(dir); err != nil || len(p.Shards) != 2 {
		t.Errorf("the plan is gone: %v", err)
	}
	if _, err := build(3).Write(dir, form, true); err != nil {
		t.Fatal(err)
	}
	if p, err := ReadPlan(dir); err != nil || len(p.Shards) != 3 {
		t.Errorf("the plan is not replaced: %v", err)
	}
	busy, err := takePartial(dir + partialSuffix)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := build(2).Write(dir, form, true); !errors.Is(err, durable.ErrWritten) {
		t.Errorf("while another process writes it: %v", err)
	}
	if p, err := ReadPlan(dir); err != nil || len(p.Shards) != 3 {
		t.Errorf("the plan is not what it was: %v", err)
	}
	if err := errors.Join(os.RemoveAll(dir+partialSuffix), busy.Close()); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(list) != 1 {
		t.Errorf("beside the plan: %v, %v", list, err)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "users01.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := build(2).Write(other, form, true); !errors.Is(err, ErrOtherPlan) {
		t.Errorf("over what is no plan: %v", err)
	}
}

// TestSurveyStops: the end of the context ends a survey.
func TestSurveyStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	src := membersOf{member("a/INBOX/1", 1, "")}
	if err := new(Survey).AddMembers(ctx, &src, nobody(t), none{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestSeveralSources: a later copy of a message of another stream is one of it,
// as restore has it, whichever stream comes first.
func TestSeveralSources(t *testing.T) {
	first := membersOf{member("a/INBOX/1", 700, ""), member("c/INBOX/1", 800, "")}
	second := membersOf{member("b/INBOX/1", 0, "a/INBOX/1")}
	for _, order := range [][2]membersOf{{first, second}, {second, first}} {
		s := survey(t, slices.Clone(order[0]))
		src := slices.Clone(order[1])
		if err := s.AddMembers(t.Context(), &src, nobody(t), none{}); err != nil {
			t.Fatal(err)
		}
		m, err := s.Make(Source{}, options(2, LinksPlan))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(lists(t, m)); got != "[[a b] [c]]" || m.Plan.Bytes != 2200 {
			t.Errorf("%s, %d bytes", got, m.Plan.Bytes)
		}
	}
}

// TestHugeSizes: sizes that nothing can have do not make a plan of numbers
// below 0, which no run would take.
func TestHugeSizes(t *testing.T) {
	var text strings.Builder
	for i := range 9000 {
		fmt.Fprintf(&text, "u%d/INBOX/1\t%d\nv%d/INBOX/1\t-\t\t\tu%d/INBOX/1\n", i, int64(math.MaxInt64)>>1, i, i)
	}
	for _, links := range []Links{LinksPlan, LinksCopy} {
		s := new(Survey)
		defer s.Close()
		if err := s.AddSizes(strings.NewReader(text.String()), "list"); err != nil {
			t.Fatal(err)
		}
		m, err := s.Make(Source{Kind: Sizes}, options(3, links))
		if err != nil {
			t.Fatal(err)
		}
		p := &m.Plan
		if p.Bytes != mostTotal || p.Crossing.Bytes < 0 {
			t.Errorf("%s: %d bytes, %d cross", links, p.Bytes, p.Crossing.Bytes)
		}
		for i, part := range p.Shards {
			if part.Bytes <= 0 || part.Users == 0 {
				t.Errorf("%s: part %d: %+v", links, i+1, part)
			}
		}
	}
}

// TestManyUsers: users who come again, in whatever order, are the same ones,
// and have numbers in the order of their ids; what is sorted goes to files.
func TestManyUsers(t *testing.T) {
	s := &Survey{TempDir: t.TempDir()}
	defer s.Close()
	const n = 400_000
	id := func(i int) string { return fmt.Sprintf("u%06d@x.com", i) }
	for round := range 2 {
		for i := range n {
			if err := s.add(id(i*7919%n), 1, mostBytes); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
	}
	// Everybody shares with the one who is half as far, so that all are one group
	// but for those who share nothing.
	for i := 1000; i < n/2; i++ {
		if err := s.share([]byte(id(i/2)), []byte(id(i)), 3); err != nil {
			t.Fatal(err)
		}
	}
	c, err := s.count()
	if err != nil || c.users != n {
		t.Fatalf("%d users, %v", c.users, err)
	}
	total := int64(0)
	err = c.each(func(u uint32, run *userRun) error {
		want := userSum{2, min(mostBytes, mostTotal-total)}
		if total += want.bytes; string(run.id) != id(int(u)) || run.userSum != want {
			return fmt.Errorf("user %d is %s, %+v, want %+v", u, run.id, run.userSum, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		want := i
		for want >= 1000 && want < n/2 {
			want /= 2
		}
		if got := c.tied.root(uint32(i)); got != uint32(want) {
			t.Fatalf("user %d is in the group of %d, want %d", i, got, want)
		}
	}
	if err := s.add("late", 1, 1); err == nil {
		err = s.settleLast()
		if !errors.Is(err, errSettled) {
			t.Errorf("a user who comes too late: %v", err)
		}
	}
}

// TestSurveyMemory: what a survey and the plan of it hold does not grow with
// the ids of users, nor with what they have.
func TestSurveyMemory(t *testing.T) {
	held := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := held()
	s := &Survey{TempDir: t.TempDir()}
	defer s.Close()
	const n, mostHeld = 400_000, 4 << 20
	for i := range n {
		if err := s.add(fmt.Sprintf("user-with-a-name-of-some-length-%07d@example.com", i*7919%n), 1, 9); err != nil {
			t.Fatal(err)
		}
	}
	m, err := s.Make(Source{}, options(9, LinksPlan))
	if err != nil || m.Plan.Users != n {
		t.Fatalf("%+v, %v", m, err)
	}
	if more := int64(held()) - int64(before); more > mostHeld {
		t.Errorf("%d bytes for %d users", more, n)
	}
	runtime.KeepAlive(m)
}
