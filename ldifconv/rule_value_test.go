package ldifconv

import (
	"io"
	"strings"
	"testing"
)

func stringsReader(s string) io.Reader { return strings.NewReader(s) }

func TestParseTime(t *testing.T) {
	for _, row := range []struct {
		in, want string
		zoned    bool
	}{
		{"20000701000000Z", "20000701000000Z", true},
		{"20000801000000+0900", "20000731150000Z", true},
		{"20000731235959-0330", "20000801032959Z", true},
		{"20000731235959-03", "20000801025959Z", true},
		{"200007151200Z", "20000715120000Z", true},
		{"2000071512Z", "20000715120000Z", true},
		{"2000071512.5Z", "20000715123000Z", true},
		{"200007151200,25Z", "20000715120015Z", true},
		{"20000715120000.999Z", "20000715120000Z", true},
		{"20000715", "20000715000000Z", false},
		{"20000715120000", "20000715120000Z", false},
		{"000701000000Z", "20000701000000Z", true},
		{"991231235959Z", "19991231235959Z", true},
		{"9912312359Z", "19991231235900Z", true},
		{"500101000000Z", "19500101000000Z", true},
		{"20000229000000Z", "20000229000000Z", true},
		{"20010229000000Z", "", false},
		{"20001301000000Z", "", false},
		{"20000701240000Z", "", false},
		{"20000701000000X", "", false},
		{"20000701000000+2500", "", false},
		{"20000701000000+0960", "", false},
		{"20000701000000.Z", "", false},
		{"summer", "", false},
		{"", "", false},
		{"Z", "", false},
		{"2000-07-01", "", false},
		{"00010101000000+2300", "", false},
	} {
		got, zoned, ok := parseTime([]byte(row.in))
		switch {
		case ok != (row.want != ""):
			t.Errorf("parseTime(%q) = %v, %v", row.in, got, ok)
		case ok && (got.Format(vacationTime) != row.want || zoned != row.zoned):
			t.Errorf("parseTime(%q) = %s, zone %v; want %s, %v", row.in, got.Format(vacationTime), zoned, row.want, row.zoned)
		}
	}
}

func TestParseQuota(t *testing.T) {
	for _, row := range []struct {
		in   string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"-1", -1, true}, {"-2", -2, true}, {"20M", 20 << 20, true}, {"3 k", 3 << 10, true},
		{"1T", 1 << 40, true}, {"007", 7, true}, {"9223372036854775807", 0, false}, {"-3", 0, false},
		{"", 0, false}, {"M", 0, false}, {"1.5G", 0, false}, {"20MB", 0, false}, {"+5", 0, false}, {" 5", 0, false},
	} {
		q, ok := parseQuota([]byte(row.in))
		n, fits := q.bytes()
		if ok != row.ok || ok && (n != row.want || !fits) {
			t.Errorf("parseQuota(%q) = %d, %v; want %d, %v", row.in, n, ok, row.want, row.ok)
		}
	}
	if _, fits := (quota{n: 1 << 50, suffix: 'T'}).bytes(); fits {
		t.Error("a quota beyond 63 bits fits")
	}
}

func TestFormOf(t *testing.T) {
	for uid, want := range map[string]UIDForm{
		"": NoUID, "ofanning": Local, "John.Smith": Local, "hiro-t": Local,
		"wallyc@varrius.org": Compound, "wallyc@varrius": OtherUID, "@varrius.org": OtherUID,
		"a@b.c@d.e": OtherUID, "O'Fanning": OtherUID, "a b": Local, "m\xfcller": OtherUID, "a\tb": OtherUID,
	} {
		if got := formOf([]byte(uid)); got != want {
			t.Errorf("formOf(%q) = %v, want %v", uid, got, want)
		}
	}
}

func TestReadMaps(t *testing.T) {
	programs, err := ReadProgramMap(stringsReader("# names\nfilter  /usr/bin/procmail -f-\n\nvac /usr/bin/vacation\n"))
	if err != nil || programs["/usr/bin/procmail -f-"] != "filter" || programs["/usr/bin/vacation"] != "vac" {
		t.Errorf("%v, %v", programs, err)
	}
	for _, bad := range []string{"alone", "a=b /x", "a /x\nb /x"} {
		if _, err := ReadProgramMap(stringsReader(bad)); err == nil {
			t.Errorf("program map %q was accepted", bad)
		}
	}
	ids, err := ReadUIDMap(stringsReader("Wallyc@varrius.org = wallyc2\nold new\n"))
	if err != nil || ids["wallyc@varrius.org"] != "wallyc2" || ids["old"] != "new" {
		t.Errorf("%v, %v", ids, err)
	}
	for _, bad := range []string{"alone", "= b", "a b\nA c"} {
		if _, err := ReadUIDMap(stringsReader(bad)); err == nil {
			t.Errorf("uid map %q was accepted", bad)
		}
	}
}

func TestRuleOptionsCheck(t *testing.T) {
	for _, bad := range []RuleOptions{
		{QuotaMissing: "lots"}, {Lock: "key"}, {KeepOldClasses: "some"}, {AlsoAllow: []string{"gopher"}},
		{Off: []string{"no-such-rule"}}, {UserAttributes: [4]string{"a b"}},
	} {
		if err := bad.Check(); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
	good := RuleOptions{QuotaMissing: "keep", Lock: "hold", KeepOldClasses: "ALL", AlsoAllow: []string{"http"}, Off: []string{"sims-quota"}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
}
