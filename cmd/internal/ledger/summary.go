package ledger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/manual"
	"imsconv/cmd/internal/page"
)

// shownKinds is how many kinds the summary has, shownUsers how many users.
const (
	shownKinds = 20
	shownUsers = 10
)

// Summary writes what a person wants to know first, in English: problems with
// where the first of each kind is, the sums, who is over quota.
func (l *Ledger) Summary(w io.Writer) error {
	v := &view{Ledger: l, words: words{"en", texts["en"]}}
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	title := v.subtitleOr(l.Out) + ": " + v.words.name("state", v.State())
	fmt.Fprintln(tw, strings.Join(manual.Hang(title, manual.Columns, "", "  "), "\n"))
	v.tellKinds(tw, "Problems (refused, unreadable or lost)", v.Problems())
	v.tellSums(tw)
	v.tellTotals(tw)
	v.tellKinds(tw, "Warnings", v.Warnings())
	return tw.Flush()
}

func (v *view) subtitleOr(other string) string {
	if s := v.subtitle(); s != "" {
		return s
	}
	return other
}

func (v *view) tellKinds(w io.Writer, title string, groups []kindGroup) {
	if len(groups) == 0 {
		fmt.Fprintf(w, "\n%s: none\n", title)
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for i, g := range groups {
		if i == shownKinds {
			fmt.Fprintf(w, "  and %d kinds more\n", len(groups)-i)
			break
		}
		fmt.Fprintf(w, "%8s  %s: %s\n", page.Int(g.N), g.Kind, cmp.Or(g.What, g.Do))
		if len(g.Lines) > 0 {
			first := g.Lines[0].Text
			if g.Lines[0].Where != "" {
				first = g.Lines[0].Where + ": " + first
			}
			tellBelow(w, "first: "+oneLine(first))
		}
		if g.What != "" {
			tellBelow(w, g.Do)
		}
	}
}

// tellBelow prints a text below the kind that it belongs to.
func tellBelow(w io.Writer, text string) {
	for _, line := range manual.Hang(text, manual.Columns, "          ", "            ") {
		fmt.Fprintln(w, line)
	}
}

func (v *view) tellSums(w io.Writer) {
	rows := v.SumRows()
	if rows == nil {
		return
	}
	fmt.Fprintf(w, "\nMessages\n")
	for _, r := range rows {
		fmt.Fprintf(w, "  %s\t%s\n", r.Words, page.Int(r.N))
	}
	fmt.Fprintf(w, "  %s\n", v.SumsText())
	if v.Uncounted() {
		fmt.Fprintf(w, "  %s\n", v.say("sums.uncounted"))
	}
	if v.Cut() {
		fmt.Fprintf(w, "  %s\n", v.say("sums.cut"))
	}
	fmt.Fprintf(w, "  %s\n", v.SumsNow())
}

func (v *view) tellTotals(w io.Writer) {
	fmt.Fprintf(w, "\nIn the output\n")
	for _, n := range []cli.Count{{Name: "users", N: v.Users}, {Name: "mailboxes", N: v.Mailboxes}, {Name: "messages", N: v.Messages}} {
		fmt.Fprintf(w, "  %s\t%s\n", n.Name, page.Int(n.N))
	}
	fmt.Fprintf(w, "  size\t%s\n", page.Size(v.Bytes, "en"))
	if v.UnreadTotal > 0 {
		fmt.Fprintf(w, "  could not be read\t%s\n", page.Int(v.UnreadTotal))
	}
	if !v.Limited() {
		return
	}
	fmt.Fprintf(w, "  users over quota\t%s\n", page.Int(v.OverTotal))
	for i, u := range v.Over {
		if i == shownUsers {
			fmt.Fprintf(w, "    and %s more\n", page.Int(v.OverTotal-int64(i)))
			break
		}
		fmt.Fprintf(w, "    %s\t%s of %s\n", oneLine(u.ID), page.Size(u.Bytes, "en"), v.quota(u.Quota))
	}
}

// Figures are the sums of an output, for programs.
type Figures struct {
	Scenario   string           `json:"scenario"`
	Result     string           `json:"result"`
	Problems   cli.Counts       `json:"problems_by_kind"`
	Warnings   cli.Counts       `json:"warnings_by_kind"`
	Sums       Sums             `json:"sums"`
	Difference int64            `json:"difference"` // of the sums; 0: they agree
	Users      int64            `json:"users"`
	Mailboxes  int64            `json:"mailboxes"`
	Messages   int64            `json:"messages"`
	Bytes      int64            `json:"bytes"`
	Gone       int64            `json:"messages_gone"` // of those that the runs have made
	States     map[string]int64 `json:"mailboxes_by_state"`
	Years      map[int]int64    `json:"messages_by_year"` // 0: no date
	Domains    []DomainFigures  `json:"domains"`
	Over       []UserFigures    `json:"over_quota"` // the first of them
	OverTotal  int64            `json:"over_quota_total"`
}

// DomainFigures are the sums of a domain.
type DomainFigures struct {
	Name      string `json:"name"`
	Users     int64  `json:"users"`
	Mailboxes int64  `json:"mailboxes"`
	Messages  int64  `json:"messages"`
	Bytes     int64  `json:"bytes"`
	Over      int64  `json:"over_quota"`
}

// UserFigures are the sums of a user, and the limits: -1 is none.
type UserFigures struct {
	ID            string `json:"id"`
	Messages      int64  `json:"messages"`
	Bytes         int64  `json:"bytes"`
	QuotaBytes    int64  `json:"quota_bytes"`
	QuotaMessages int64  `json:"quota_messages"`
}

// Figures are the sums of the output. Read comes first.
func (l *Ledger) Figures() Figures {
	v := &view{Ledger: l, words: words{"en", texts["en"]}}
	sums := l.Sums()
	f := Figures{Scenario: l.Run.Scenario, Result: v.State(), Problems: l.Lines(true).Kinds, Warnings: l.Lines(false).Kinds,
		Sums: sums, Difference: sums.Difference(), Users: l.Users, Mailboxes: l.Mailboxes, Messages: l.Messages, Bytes: l.Bytes, Gone: l.Gone(),
		States: l.States, Years: l.Years, OverTotal: l.OverTotal}
	for _, d := range slices.Concat(l.Domains, []*Domain{&l.MoreDomains}) {
		if d.Users > 0 {
			f.Domains = append(f.Domains, DomainFigures(*d))
		}
	}
	for _, u := range l.Over {
		f.Over = append(f.Over, UserFigures{u.ID, u.Messages, u.Bytes, u.Quota.Bytes, u.Quota.Messages})
	}
	return f
}

// WriteJSON writes the figures as indented JSON.
func (f *Figures) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(f)
}
