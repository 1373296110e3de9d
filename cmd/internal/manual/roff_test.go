package manual

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMan(t *testing.T) {
	p := &Page{Name: "tool-do", Also: []string{"old"}, Title: "tool do", Section: 1, Summary: "does it", Version: "imsconv 1", Date: "2026-01-02"}
	p.Add("SYNOPSIS", Synopsis{[]string{"tool do [OPTIONS] -f FILE|- | --all [IN ...]"}})
	p.Add("DESCRIPTION", Prose("'Tis \\n, ~ and ^ of `it`, −1.\n.SH is no macro:\n  a\n\nb")...)
	p.Add("EXIT STATUS", List{[]Item{{Term: Plain("0"), Body: Prose("done")}, {Term: Plain("130"), Body: []Block{Paragraph{Plain("a")}, Literal{[]string{".x"}}}}}})
	var b strings.Builder
	if err := WriteMan(&b, p); err != nil {
		t.Fatal(err)
	}
	want := `.nr HY 0
.TH "TOOL\-DO" 1 "2026-01-02" "imsconv 1" "imsconv manual"
.nh
.ad l
.SH NAME
tool\-do, old \- does it
.SH "SYNOPSIS"
\fBtool\fR \fBdo\fR [\fIOPTIONS\fR] \fB\-f\fR \fIFILE\fR\fB|\-\fR |
\fB\-\-all\fR [\fIIN\fR ...]\&
.SH "DESCRIPTION"
\(aqTis \en, \(ti and \(ha of \(gait\(ga, \[u2212]1. .SH is no macro:
.PP
.RS 4
.EX
a
.EE
.RE
.PP
b
.SH "EXIT STATUS"
.TP 5
0
done
.TP 5
130
a
.RS 5
.PP
.RS 4
.EX
\&.x
.EE
.RE
.RE
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

// TestSentencesEndNowhere: a source line that ends a sentence would widen the
// blank behind it, and one that begins with a dot would be a macro.
func TestSentencesEndNowhere(t *testing.T) {
	p := &Page{Name: "x", Section: 1, Date: "2026-01-02"}
	for n := range 40 {
		p.Add("DESCRIPTION", Paragraph{Text{{Roman, strings.Repeat("x", n+1) + " a."}, {Bold, " .b!"}, {Roman, strings.Repeat(" wor.", 30)}}})
	}
	var b strings.Builder
	if err := WriteMan(&b, p); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimSuffix(line, "\n"); strings.HasSuffix(line, ".") || strings.HasSuffix(line, `!\fR`) {
			t.Errorf("%q ends a sentence", line)
		}
		if strings.HasPrefix(line, ".wor") || len(line) > Columns {
			t.Errorf("%q", line)
		}
	}
}
