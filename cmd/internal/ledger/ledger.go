package ledger

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
)

// Names in the folder of an output.
const (
	ReportName = "report.json"      // of a run, and of a batch in its folder
	LinesName  = "report.lines.tsv" // all problems and warnings, however many
	batchesDir = "batches"
	usersName  = "users.txt" // of a batch
	closingDir = "closing"
	upgraded   = "ldif/upgraded.ldif" //
)

// Ledger is everything that is told of an output.
type Ledger struct {
	Out string // the folder
	Part
	Batches []Part // of a migration in batches, in the order of their start
	*Totals

	hasLines bool // every part has a file of all of its problems and warnings
}

// Part is what one run of siteconv has left in its report.
type Part struct {
	Name   string     // of a batch; ""
	Report cli.Report // what it told
	Run    Run        // what it says of itself; zero in a report without that

	Dir string // where its report is
}

// Open reads the reports of an output: its own, those of its batches, and that
// of their closing.
func Open(out string) (*Ledger, error) {
	l := &Ledger{Out: out}
	none := l.Part.read(out)
	if none != nil && !errors.Is(none, fs.ErrNotExist) {
		return nil, none
	}
	dirs, err := os.ReadDir(filepath.Join(out, batchesDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	places := []string{closingDir}
	for _, d := range dirs {
		places = append(places, filepath.Join(batchesDir, d.Name()))
	}
	for _, place := range places {
		b := Part{Name: filepath.Base(place)}
		switch err := b.read(filepath.Join(out, place)); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			l.Batches = append(l.Batches, b)
		}
	}
	if none != nil && len(l.Batches) == 0 {
		return nil, cli.WithHint(none, "siteconv run --out "+cli.Quote(out)+" writes it")
	}
	slices.SortStableFunc(l.Batches, func(a, b Part) int { return a.Run.Start.Compare(b.Run.Start) })
	return l, nil
}

// read reads the report in the folder of a part.
func (p *Part) read(dir string) error {
	p.Dir = dir
	path := filepath.Join(dir, ReportName)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, into := range []any{&p.Report, &p.Run} {
		if err := json.Unmarshal(data, into); err != nil {
			return cli.WithHint(fmt.Errorf("%s: %w", path, err), "siteconv run writes it anew with --force")
		}
	}
	return nil
}

// parts are all reports, the output's own first.
func (l *Ledger) parts() []*Part {
	list := []*Part{&l.Part}
	for i := range l.Batches {
		list = append(list, &l.Batches[i])
	}
	return list
}

// Sums are those of all parts together.
func (l *Ledger) Sums() Sums {
	var sum Sums
	for _, p := range l.parts() {
		sum.add(&p.Run.Sums)
		for i := range p.Run.Earlier {
			sum.add(&p.Run.Earlier[i].Sums)
		}
	}
	return sum
}

func (s *Sums) add(more *Sums) {
	s.Source += more.Source
	s.Written += more.Written
	s.Linked += more.Linked
	s.LeftOut = addReasons(s.LeftOut, more.LeftOut)
	s.Refused = addReasons(s.Refused, more.Refused)
}

// Outcome is the result of a batch; one that waits for its stream is planned.
func (p *Part) Outcome() string {
	if p.Run.Batch != "" && len(p.Run.Inputs) == 1 && p.Report.Result == stateDone {
		return "planned"
	}
	return p.Report.Result
}

// Moved is what a batch has had of all its streams. A stream may add to what an
// earlier one has brought: users and mailboxes are those of the one with most.
func (p *Part) Moved() Pass {
	count := p.Report.Counts.Get
	sum := Pass{Users: cmp.Or(count("users of the batch"), count("users")), Mailboxes: count("mailboxes"), Messages: count("messages"), Bytes: count("bytes")}
	for _, e := range p.Run.Earlier {
		sum.Users, sum.Mailboxes = max(sum.Users, e.Users), max(sum.Mailboxes, e.Mailboxes)
		sum.Messages += e.Messages
		sum.Bytes += e.Bytes
	}
	return sum
}

func addReasons(list, more []Reason) []Reason {
	for _, r := range more {
		i := slices.IndexFunc(list, func(old Reason) bool { return old.Rule == r.Rule })
		if i < 0 {
			list = append(list, r)
		} else {
			list[i].N += r.N
		}
	}
	return list
}

// Lines are the problems, or the warnings, of all parts.
func (l *Ledger) Lines(problems bool) cli.Lines {
	var sum cli.Lines
	for _, p := range l.parts() {
		lines := &p.Report.Warnings
		if problems {
			lines = &p.Report.Problems
		}
		sum.Total += lines.Total
		for _, c := range lines.Kinds {
			sum.Kinds.Add(c.Name, c.N)
		}
		sum.Items = append(sum.Items, lines.Items...)
	}
	return sum
}

// DefaultDomain is the domain of users whose ids have none.
func (l *Ledger) DefaultDomain() string {
	for _, p := range l.parts() {
		if d := p.Run.Options["default-domain"]; d != "" {
			return d
		}
	}
	return ""
}

// Reading says how the mailboxes of an output are read.
type Reading struct {
	Digests  bool                             // messages without an index are read for digests
	List     io.Writer                        // a line a mailbox goes here; nil: nowhere
	Progress interface{ Add(n, bytes int64) } // mailboxes and the bytes of their messages; nil: none
}

// Read goes through the mailboxes of the output and makes the Totals. A million
// mailboxes need no more memory than a thousand: the list is written as they
// come, and of every table the first are kept.
func (l *Ledger) Read(ctx context.Context, o Reading) error {
	l.Totals = newTotals()
	var err error
	if l.limit, err = l.limits(); err != nil {
		return err
	}
	list := bufio.NewWriterSize(io.Discard, 64<<10)
	if o.List != nil {
		list.Reset(o.List)
	}
	list.WriteString(tsvHeader) // an error comes again with Flush
	faults := l.named()
	var line []byte
	each := func(r *Row) error {
		if r.State == Whole {
			faults.judge(r)
		}
		l.add(r, l.DefaultDomain())
		if o.Progress != nil {
			o.Progress.Add(1, r.Bytes)
		}
		line = r.appendTSV(line[:0])
		_, err := list.Write(line)
		return err
	}
	w := &walker{ctx: ctx, digests: o.Digests, each: each, fault: l.unread, gone: l.noFile}
	if err := w.mailboxes(l.Out); err != nil {
		return err
	}
	l.Strays = w.strays
	l.lookForOutputs()
	if err := faults.missing(each); err != nil {
		return err
	}
	l.end(l.DefaultDomain())
	return list.Flush()
}

// unread notes something of the output that cannot be read.
func (t *Totals) unread(where string, err error) { t.miss(Unread{"unreadable", where, err.Error()}) }

// noFile notes a message that an index of the output names, and that is gone.
func (t *Totals) noFile(where string) {
	t.miss(Unread{"missing-file", where, "the index names the message, and the file is not there"})
}

func (t *Totals) miss(u Unread) {
	t.UnreadTotal++
	if len(t.Unread) < keptFaulty {
		t.Unread = append(t.Unread, u)
	}
}

// named are the mailboxes that the problems of all parts name: all problems
// where the part has a file of them, else those that its report has kept.
func (l *Ledger) named() *named {
	n := newNamed()
	l.hasLines = true
	for _, p := range l.parts() {
		n.begin(p)
		f, err := os.Open(filepath.Join(p.Dir, LinesName))
		if err != nil {
			l.hasLines = l.hasLines && p.Report.Command == ""
			n.addKept(&p.Report.Problems)
			continue
		}
		n.addFile(f)
		f.Close()
	}
	return n
}

// addKept takes the problems that a report has kept. The others of a kind that
// is about mailboxes may be of any.
func (n *named) addKept(lines *cli.Lines) {
	kept, ofMail := make(map[string]int64), make(map[string]cli.Line)
	for _, line := range lines.Items {
		n.add(line)
		kept[line.Kind]++
		if _, ok := mailboxOf(line.Where); ok {
			ofMail[line.Kind] = line
		}
	}
	for _, c := range lines.Kinds {
		if line, ok := ofMail[c.Name]; ok && c.N > kept[c.Name] {
			n.addAnywhere(cli.Line{Kind: line.Kind, Text: "there are more than the report has kept"}, c.N-kept[c.Name])
		}
	}
}

// addFile takes the problems of a file of lines.
func (n *named) addFile(r io.Reader) {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 4<<20)
	for sc.Scan() {
		if fields := strings.SplitN(sc.Text(), "\t", 4); len(fields) == 4 && fields[0] == "problem" {
			n.add(cli.Line{Kind: fields[1], Where: fields[2], Text: fields[3]})
		}
	}
}

// limits looks up the quotas of the upgraded directory, that of the closing
// where batches are done; nil without one.
func (l *Ledger) limits() (func(id string) (Quota, bool), error) {
	path := filepath.Join(l.Out, closingDir, filepath.FromSlash(upgraded))
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		path = filepath.Join(l.Out, filepath.FromSlash(upgraded))
		f, err = os.Open(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	look, err := directory.Limits(f, path, l.DefaultDomain(), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return func(id string) (Quota, bool) {
		limit, ok := look(id)
		q := Quota{-1, -1}
		if ok && limit.HasBytes {
			q.Bytes = limit.Bytes
		}
		if ok && limit.HasMessages {
			q.Messages = limit.Messages
		}
		return q, ok
	}, nil
}
