package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Report is what a run did, in the form that --report writes and siteconv
// keeps: it holds no clock and no order of arrival, so that equal runs have
// equal reports.
type Report struct {
	Command  string   `json:"command"`
	Exit     int      `json:"exit"`
	Result   string   `json:"result"` // "done", "done, with losses", "failed", "interrupted", "usage"
	Error    string   `json:"error,omitempty"`
	DryRun   bool     `json:"dry_run,omitempty"`
	Counts   Counts   `json:"counts"`
	Details  Counts   `json:"details,omitempty"` // see [Job.Detail]
	Problems Lines    `json:"problems"`
	Warnings Lines    `json:"warnings"`
	Outputs  []Output `json:"outputs,omitempty"`
	Next     []string `json:"next,omitempty"`

	// Data are the verb's own results, an object; nil: none. In what --report
	// writes its members stand beside those of the report.
	Data any `json:"-"`
}

// Output names one thing that the run wrote.
type Output struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// Line is one problem or warning.
type Line struct {
	Kind  string `json:"kind"`
	Where string `json:"where,omitempty"`
	Text  string `json:"text"`
}

// Lines are the problems or warnings of a run: all counted by kind, the first
// [MaxLines] of each kind kept.
type Lines struct {
	Total int64  `json:"total"`
	Kinds Counts `json:"kinds"`
	Items []Line `json:"items"`
}

// add counts l and says whether it is still among those kept.
func (ls *Lines) add(l Line) bool {
	ls.Total++
	if ls.Kinds.Add(l.Kind, 1) > MaxLines {
		return false
	}
	ls.Items = append(ls.Items, l)
	return true
}

// sort brings the lines into an order that does not depend on which worker
// came first.
func (ls *Lines) sort() {
	slices.SortFunc(ls.Kinds, func(a, b Count) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(ls.Items, compareLines)
}

// compareLines looks at places only where the kinds are equal: it is called a
// dozen times a line.
func compareLines(a, b Line) int {
	if c := cmp.Compare(a.Kind, b.Kind); c != 0 {
		return c
	}
	if c := compareNatural(a.Where, b.Where); c != 0 {
		return c
	}
	return cmp.Compare(a.Text, b.Text)
}

// compareNatural orders texts with numbers in them by the numbers.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			da, db := trimZeros(a[:na]), trimZeros(b[:nb])
			if c := cmp.Or(cmp.Compare(len(da), len(db)), cmp.Compare(da, db)); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

func trimZeros(s string) string {
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return s
}

// Count is a named number.
type Count struct {
	Name string
	N    int64
}

// Counts are named numbers in the order of their first mention; JSON has them
// as one object.
type Counts []Count

// Add adds n to the count called name and returns its new value.
func (cs *Counts) Add(name string, n int64) int64 {
	for i := range *cs {
		if (*cs)[i].Name == name {
			(*cs)[i].N += n
			return (*cs)[i].N
		}
	}
	*cs = append(*cs, Count{name, n})
	return n
}

// Get returns the count called name, 0 when there is none.
func (cs Counts) Get(name string) int64 {
	for _, c := range cs {
		if c.Name == name {
			return c.N
		}
	}
	return 0
}

// MarshalJSON writes one object, members in order.
func (cs Counts) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, c := range cs {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(c.Name)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		n, err := json.Marshal(c.N)
		if err != nil {
			return nil, err
		}
		b.Write(n)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads one object, keeping the order of its members.
func (cs *Counts) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		return err
	}
	*cs = nil
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var n int64
		if err := dec.Decode(&n); err != nil {
			return err
		}
		*cs = append(*cs, Count{name.(string), n})
	}
	return nil
}

// line is the summary's text: the counts, then problems and warnings with
// their kinds.
func (r *Report) line() string {
	var parts []string
	for _, c := range r.Counts {
		parts = append(parts, fmt.Sprintf("%s %d", c.Name, c.N))
	}
	if r.Problems.Total > 0 {
		parts = append(parts, "problems "+r.Problems.kinds())
	}
	if r.Warnings.Total > 0 {
		parts = append(parts, "warnings "+r.Warnings.kinds())
	}
	return strings.Join(parts, ", ")
}

// kinds is the total and, behind it, how many there are of each kind:
// "3 (bad-name 2, damaged 1)".
func (ls *Lines) kinds() string {
	parts := make([]string, len(ls.Kinds))
	for i, c := range ls.Kinds {
		parts[i] = fmt.Sprintf("%s %d", c.Name, c.N)
	}
	return fmt.Sprintf("%d (%s)", ls.Total, strings.Join(parts, ", "))
}

// Write writes the report as indented JSON with a final newline.
func (r Report) Write(w io.Writer) error {
	data, err := r.object()
	if err != nil {
		return err
	}
	return writeObject(w, data)
}

// object is the report as one object in JSON, the verb's own results in it.
func (r Report) object() ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil || r.Data == nil {
		return data, err
	}
	own, err := json.Marshal(r.Data)
	return joinObjects(data, own), err
}

// writeObject writes an object in JSON, indented and with a final newline.
func writeObject(w io.Writer, data []byte) error {
	var text bytes.Buffer
	if err := json.Indent(&text, data, "", "  "); err != nil {
		return err
	}
	text.WriteByte('\n')
	_, err := w.Write(text.Bytes())
	return err
}

// joinObjects makes one object in JSON of two, the first of which has members.
func joinObjects(a, b []byte) []byte {
	if len(b) <= len("{}") {
		return a
	}
	return slices.Concat(bytes.TrimSuffix(a, []byte("}")), []byte(","), bytes.TrimPrefix(b, []byte("{")))
}

// ParseReport reads what a run wrote to the file of --report, or kept. The
// verb's own results are not read.
func ParseReport(text []byte) (Report, About, error) {
	var both struct {
		Report
		About
	}
	err := json.Unmarshal(text, &both)
	return both.Report, both.About, err
}
