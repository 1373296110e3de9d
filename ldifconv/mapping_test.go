package ldifconv

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
	"imsconv/ldifconv/testdir"
)

// upgraded runs an upgrade of everything and returns its output, undo and
// report.
func upgraded(t testing.TB, export string, opt Options) (out, undo string, report Report) {
	t.Helper()
	var o, u bytes.Buffer
	opt.Undo = &u
	if opt.Kinds == 0 {
		opt.Kinds = All
	}
	report, err := Upgrade(context.Background(), &o, strings.NewReader(export), opt)
	if err != nil {
		t.Fatal(err)
	}
	return o.String(), u.String(), report
}

// exports are the two samples and two made exports with every oddity.
func exports(t testing.TB, users int) map[string]struct {
	from Source
	text string
} {
	t.Helper()
	list := map[string]struct {
		from Source
		text string
	}{}
	for name, from := range map[string]Source{"sims": SIMS, "nms": NMS} {
		text, err := os.ReadFile("../testdata/site/" + name + "/export.ldif")
		if err != nil {
			t.Fatal(err)
		}
		list[name+" sample"] = struct {
			from Source
			text string
		}{from, string(text)}
		var made bytes.Buffer
		opts := testdir.Options{Seed: 5, Users: users, Odd: true, ACI: true}
		write := testdir.WriteSIMS
		if from == NMS {
			write = testdir.WriteNMS
		}
		if _, err := write(&made, opts); err != nil {
			t.Fatal(err)
		}
		list[name+" made"] = struct {
			from Source
			text string
		}{from, made.String()}
	}
	return list
}

// TestUpgradeTwice upgrades the result: nothing changes.
func TestUpgradeTwice(t *testing.T) {
	for name, export := range exports(t, 800) {
		for _, keep := range []string{KeepNone, KeepMessagingUser, KeepAll} {
			opt := Options{From: export.from, Format: Full, Rules: RuleOptions{KeepOldClasses: keep}}
			full, _, report := upgraded(t, export.text, opt)
			if report.Changed == 0 {
				t.Errorf("%s: nothing was upgraded", name)
			}
			again, undo, report := upgraded(t, full, opt)
			if again != full {
				t.Errorf("%s, %s: the second run changes the result: %s", name, keep, firstDifference(again, full))
			}
			if report.Changed != 0 || strings.Contains(undo, "changetype") {
				t.Errorf("%s, %s: the second run changed %d entries", name, keep, report.Changed)
			}
		}
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range x {
		if i >= len(y) || x[i] != y[i] {
			return fmt.Sprintf("line %d: %q", i+1, x[i])
		}
	}
	return "the end"
}

// TestEverythingIsIMS classifies the result: every mail entry satisfies ims50
// and nothing else.
func TestEverythingIsIMS(t *testing.T) {
	for name, export := range exports(t, 800) {
		full, _, _ := upgraded(t, export.text, Options{From: export.from, Format: Full})
		mail := 0
		_, err := Classify(context.Background(), func(c *Classified) error {
			if c.Kind&Both == 0 {
				return nil
			}
			if mail++; c.Tags != TagIMS50 {
				t.Errorf("%s: %s satisfies %s", name, c.DN, c.Tags)
			}
			return nil
		}, []Input{{Name: "full", Reader: strings.NewReader(full)}}, ClassifyOptions{})
		if err != nil || mail == 0 {
			t.Errorf("%s: %d mail entries, %v", name, mail, err)
		}
	}
}

// TestResultKeepsTheSchema checks that the classes of each upgraded mail entry
// allow what it has, with as many values as iMS takes, and that no attribute of
// the old products is left without a word.
func TestResultKeepsTheSchema(t *testing.T) {
	check := schema.NewValidator(schema.Merged())
	check.OneInIMS = true
	for name, export := range exports(t, 800) {
		var told problemLog
		full, _, _ := upgraded(t, export.text, Options{From: export.from, Format: Full, Log: &told})
		eachEntry(t, full, func(e *ldif.Entry) {
			if !slices.ContainsFunc(e.Get("objectclass"), func(v []byte) bool {
				c, _ := schema.LookupClass(v)
				return c == schema.ClassInetLocalMailRecipient
			}) {
				return
			}
			check.Check(e, func(v schema.Violation) {
				switch v.Code {
				case schema.UnknownClass, schema.NotAllowed, schema.TooManyValues:
					t.Errorf("%s: %s: %s: %s", name, e.DN, v.Attr, v.Text)
				}
			})
			for i := range e.Attrs {
				id, _ := schema.Lookup(e.Attrs[i].Name())
				if a := schema.Info(id); a.Origin == schema.SIMS && id != schema.MultiLineDescription && !iMSKeeps[id] && !told.has(string(e.DN), a.Name) {
					t.Errorf("%s: %s still has %s", name, e.DN, a.Name)
				}
			}
		})
	}
}

// problemLog keeps the problems of a run.
type problemLog struct{ lines []string }

func (l *problemLog) Problem(_, where, text string) { l.lines = append(l.lines, where+": "+text) }
func (l *problemLog) Warning(_, _, _ string)        {}

// has reports whether a problem says that the attribute stays in the entry.
func (l *problemLog) has(dn, attr string) bool {
	return slices.ContainsFunc(l.lines, func(line string) bool {
		return strings.Contains(line, dn+": "+attr+" ") && strings.HasSuffix(line, "it stays as it is")
	})
}

// iMSKeeps are attributes that SIMS brought and iMS has too.
var iMSKeeps = map[schema.ID]bool{schema.MailAutoReplySubject: true, schema.MailAutoReplyTextInternal: true}

func eachEntry(t *testing.T, text string, use func(*ldif.Entry)) {
	t.Helper()
	r := ldif.NewReader(strings.NewReader(text), ldif.Options{})
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		use(&rec.Entry)
	}
}

// TestChangesAndUndo applies the change records to the original and the undo to
// the result, in memory: the first must give the full output, the second the
// original.
func TestChangesAndUndo(t *testing.T) {
	for name, export := range exports(t, 800) {
		changes, undo, _ := upgraded(t, export.text, Options{From: export.from})
		full, _, _ := upgraded(t, export.text, Options{From: export.from, Format: Full})
		dir := loadDirectory(t, export.text)
		dir.apply(t, changes)
		compareDirectories(t, name+" upgraded", dir, loadDirectory(t, full))
		dir.apply(t, undo)
		compareDirectories(t, name+" undone", dir.withoutEmpty(), loadDirectory(t, export.text).withoutEmpty())
	}
}

// memoryDirectory holds entries as name;options -> values.
type memoryDirectory map[string]map[string][]string

func loadDirectory(t *testing.T, text string) memoryDirectory {
	t.Helper()
	dir := memoryDirectory{}
	eachEntry(t, text, func(e *ldif.Entry) {
		attrs := map[string][]string{}
		for i := range e.Attrs {
			desc, state := stripState(e.Attrs[i].Desc)
			key := attrKey(desc)
			if state == ldif.Deleted || operational(key) {
				continue
			}
			for _, v := range e.Attrs[i].Values {
				attrs[key] = append(attrs[key], string(v.Data))
			}
		}
		dir[string(e.DN)] = attrs
	})
	return dir
}

// withoutEmpty is the directory without empty values, which no undo gives back.
func (dir memoryDirectory) withoutEmpty() memoryDirectory {
	for _, attrs := range dir {
		for key, values := range attrs {
			values = slices.DeleteFunc(values, func(v string) bool { return strings.Trim(v, " ") == "" })
			if attrs[key] = values; len(values) == 0 {
				delete(attrs, key)
			}
		}
	}
	return dir
}

func attrKey(desc []byte) string {
	name, options, _ := strings.Cut(strings.ToLower(string(desc)), ";")
	if id, ok := schema.LookupString(name); ok {
		name = schema.Name(id)
	}
	return name + ";" + options
}

func operational(key string) bool {
	id, ok := schema.LookupString(strings.TrimSuffix(key, ";"))
	return ok && schema.Operational(id) && id != schema.ACI
}

func (dir memoryDirectory) apply(t *testing.T, changes string) {
	t.Helper()
	r := ldif.NewReader(strings.NewReader(changes), ldif.Options{})
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		attrs, ok := dir[string(rec.DN)]
		if rec.Type != ldif.Modify || !ok {
			t.Fatalf("a %s of %s", rec.Type, rec.DN)
		}
		for i := range rec.Mods {
			m := &rec.Mods[i]
			key := attrKey(m.Desc)
			switch {
			case operational(key):
				t.Errorf("%s: %s is the server's", rec.DN, m.Desc)
			case m.Op == ldif.ModDelete && len(m.Values) == 0:
				if _, ok := attrs[key]; !ok {
					t.Errorf("%s: deletes %s, which is not there", rec.DN, m.Desc)
				}
				delete(attrs, key)
			case m.Op == ldif.ModReplace && len(m.Values) > 0:
				attrs[key] = nil
				for _, v := range m.Values {
					attrs[key] = append(attrs[key], string(v.Data))
				}
			default:
				t.Errorf("%s: %s of %s with %d values", rec.DN, m.Op, m.Desc, len(m.Values))
			}
		}
	}
}

func compareDirectories(t *testing.T, what string, got, want memoryDirectory) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d entries, want %d", what, len(got), len(want))
	}
	for dn, w := range want {
		g := got[dn]
		if len(g) != len(w) {
			t.Errorf("%s: %s has %d attributes, want %d", what, dn, len(g), len(w))
		}
		for key := range w {
			if a, b := valueSet(key, g[key]), valueSet(key, w[key]); a != b {
				t.Errorf("%s: %s: %s is %q, want %q", what, dn, key, a, b)
			}
		}
	}
}

// valueSet is the values in a form that is equal for sets that a directory
// takes for equal: it does not hold a value twice.
func valueSet(key string, values []string) string {
	id, _ := schema.LookupString(strings.TrimSuffix(key, ";"))
	seen := map[string]bool{}
	var list []string
	for _, v := range values {
		if v = string(normalValue(id, []byte(v))); !seen[v] {
			seen[v] = true
			list = append(list, v)
		}
	}
	sort.Strings(list)
	return strings.Join(list, "|")
}

// TestMadeExportsMeetEveryRule keeps the generator as rich as the mapping.
func TestMadeExportsMeetEveryRule(t *testing.T) {
	met := map[string]bool{
		"empty-values": true, // a directory holds none
		// rules that only warn, or only work when the site chooses
		"mail-host-name": true, "address-domain": true, "user-uid": true, "delivery-options": true, "status-values": true, "text-encoding": true,
		"nms-broadcaster-policy": true, "deliver-to": true, "list-size": true,
		"nms-quota-single": true, "errors-to-single": true, // a directory holds one
		"sims-autoreply-body": true, "program-names": true, "quota-large": true, "old-with-options": true,
		"options-unread": true, "single-values": true, "addressees": true, "list-domains": true,
		"uid-map": true, "uid-map-references": true, "nms-license": true, "nms-vanity": true, "nms-domain-tree": true, "domain-people": true,
		"person-classes": true, // changes the structural class, which OpenLDAP forbids
	}
	for _, export := range exports(t, 800) {
		_, _, report := upgraded(t, export.text, Options{From: export.from})
		for name, n := range report.Rules {
			met[name] = met[name] || n > 0
		}
	}
	for _, r := range Rules(AnySource) {
		if !met[r.Name] {
			t.Errorf("no made entry meets rule %s", r.Name)
		}
	}
}

// TestEachRuleOff switches one rule off at a time: it does nothing then, and
// the upgrade still settles after one run.
func TestEachRuleOff(t *testing.T) {
	users := 400
	if testing.Short() {
		users = 60
	}
	for _, from := range []Source{SIMS, NMS} {
		var made bytes.Buffer
		write := testdir.WriteSIMS
		if from == NMS {
			write = testdir.WriteNMS
		}
		if _, err := write(&made, testdir.Options{Seed: 9, Users: users, Odd: true}); err != nil {
			t.Fatal(err)
		}
		for i, r := range Rules(from) {
			if testing.Short() && i%8 != 0 {
				continue // the race detector sees the same in each
			}
			opt := Options{From: from, Format: Full, Rules: RuleOptions{Off: []string{r.Name}}}
			full, _, report := upgraded(t, made.String(), opt)
			if report.Rules[r.Name] > 0 {
				t.Errorf("%s: the rule is off and changed %d entries", r.Name, report.Rules[r.Name])
			}
			if again, _, _ := upgraded(t, full, opt); again != full {
				t.Errorf("%s off: the second run changes the result: %s", r.Name, firstDifference(again, full))
			}
		}
	}
}

// TestJobs compares the output of one worker with that of several.
func TestJobs(t *testing.T) {
	users := 4000
	if testing.Short() {
		users = 1500 // some ten chunks, for seven workers at most
	}
	for name, export := range exports(t, users) {
		one, undo, _ := upgraded(t, export.text, Options{From: export.from, Jobs: 1})
		for _, jobs := range []int{2, 7} {
			many, undo2, _ := upgraded(t, export.text, Options{From: export.from, Jobs: jobs})
			if many != one || undo2 != undo {
				t.Errorf("%s: %d workers give another output than one", name, jobs)
			}
		}
	}
}

func TestRulesDoNotAllocate(t *testing.T) {
	const text = "dn: uid=a,o=siroe.com\nobjectclass: top\nobjectclass: person\nobjectclass: inetOrgPerson\nobjectclass: inetMailUser\nobjectclass: inetMailRouting\nobjectclass: inetSubscriber\nuid: a\ncn: a\nsn: a\nmail: a@x.com\nmailhost: m.x.com\nmaildeliveryoption: mailbox\nmailfoldermap: SUN-MS\nmailquota: 20M\nrfc822mailalias: b@x.com\ninetsubscriberstatus: active\n\n"
	rec, err := ldif.NewReader(strings.NewReader(text), ldif.Options{}).Next()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := newRuleSet(&Options{From: SIMS, Kinds: All})
	if err != nil {
		t.Fatal(err)
	}
	var d draft
	var b batch
	n := testing.AllocsPerRun(200, func() {
		d.load(rec, &b)
		d.kind = rules.kindOf(&d)
		rules.apply(&d)
	})
	if n > 0 {
		t.Errorf("the upgrade of a plain user allocates %v times", n)
	}
}

// FuzzRules upgrades anything: no panic, the result of the upgrade is left
// alone by a second, the changes lead to it and the undo leads back.
func FuzzRules(f *testing.F) {
	for _, rows := range [][]ruleRow{addressRows, classRows, simsRows, accessRows, nmsRows, groupRows, domainRows} {
		for _, row := range rows {
			f.Add(row.in, byte(len(row.in)))
		}
	}
	heads := []string{
		"objectclass: inetMailUser\nobjectclass: inetMailRouting\n", "objectclass: inetMailGroup\nobjectclass: inetMailRouting\n",
		"objectclass: domain\nobjectclass: inetDomain\ndc: x\n", "objectclass: mailRecipient\nobjectclass: nsMessagingServerUser\n",
		"objectclass: mailGroup\n", "",
	}
	f.Fuzz(func(t *testing.T, lines string, choice byte) {
		from := SIMS
		if choice%6 == 3 || choice%6 == 4 || choice >= 128 {
			from = NMS
		}
		// Without a parent the entry would wait in files until the end.
		text := "dn: o=siroe.com\nobjectclass: organization\no: siroe.com\n\ndn: cn=x,o=siroe.com\n" + heads[choice%6] + lines + "\n"
		opt := Options{From: from, Kinds: All, Format: Full, Jobs: 1, Rules: RuleOptions{
			QuotaSuffix: choice&8 != 0, Vanity: choice&16 != 0, EncodeURL: choice&32 != 0,
		}}
		full, _, _ := upgraded(t, text, opt)
		again, _, report := upgraded(t, full, opt)
		if again != full || report.Changed > 0 {
			t.Errorf("not settled after one upgrade:\n%s\nbecame\n%s", full, again)
		}
		if report.Entries != 2 || report.Damaged > 0 {
			return
		}
		opt.Format = Changes
		changes, undo, report := upgraded(t, text, opt)
		if report.Damaged > 0 {
			return
		}
		dir := loadDirectory(t, text)
		dir.apply(t, changes)
		compareDirectories(t, "upgraded", dir, loadDirectory(t, full))
		dir.apply(t, undo)
		compareDirectories(t, "undone", dir.withoutEmpty(), loadDirectory(t, text).withoutEmpty())
	})
}
