package aci

import "strings"

// String writes the ACI in one form: equal ACIs, whatever their blanks, are
// equal strings.
func (a *ACI) String() string {
	var b strings.Builder
	for _, t := range a.Targets {
		b.WriteString("(" + t.Keyword + operator(t.Not) + `"` + t.Value + `")`)
	}
	b.WriteString(`(version 3.0; acl "` + a.Name + `"; `)
	for _, p := range a.Permissions {
		word := "deny"
		if p.Allow {
			word = "allow"
		}
		b.WriteString(word + " (" + strings.Join(p.Rights, ",") + ") " + p.Bind.String() + ";")
	}
	b.WriteString(")")
	return b.String()
}

func operator(not bool) string {
	if not {
		return " != "
	}
	return " = "
}

// String writes the rule, with brackets around what is joined within it.
func (r *Bind) String() string {
	switch r.Join {
	case "":
		return r.Keyword + " " + r.Op + ` "` + r.Value + `"`
	case "not":
		return "not " + inner(&r.Rules[0])
	}
	parts := make([]string, len(r.Rules))
	for i := range r.Rules {
		parts[i] = inner(&r.Rules[i])
	}
	return strings.Join(parts, " "+r.Join+" ")
}

func inner(r *Bind) string {
	if r.Join == "" {
		return r.String()
	}
	return "(" + r.String() + ")"
}
