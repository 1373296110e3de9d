package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
)

// ldifconvMain runs the command in this process.
func ldifconvMain(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = cli.Main(context.Background(), command(), append([]string{"ldifconv"}, args...), strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

const (
	simsSample = "../../testdata/site/sims/export.ldif"
	nmsSample  = "../../testdata/site/nms/export.ldif"
)

func TestClassifyText(t *testing.T) {
	code, out, errs := ldifconvMain("", "classify", nmsSample)
	if code != 0 {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	for _, line := range []string{
		"none\t-\t-\to=siroe.com",
		"nms41\tuser\tlocal\tuid=ofanning,ou=People,o=siroe.com",
		"nms41\tuser\tlocal@domain\tuid=wallyc@varrius.org,ou=People,o=siroe.com",
		"nms41\tgroup\t-\tcn=Football,ou=Groups,o=siroe.com",
	} {
		if !strings.Contains(out, line+"\n") {
			t.Errorf("%q is not in\n%s", line, out)
		}
	}
	if n := strings.Count(out, "\n"); n != 12 {
		t.Errorf("%d lines, want 12", n)
	}
}

func TestClassifyJSON(t *testing.T) {
	code, out, errs := ldifconvMain("", "classify", "--format", "json", simsSample)
	if code != 0 {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var first entryObject
	if err := json.Unmarshal([]byte(lines[9]), &first); err != nil {
		t.Fatal(err)
	}
	if first.DN != "cn=Keiko Smith (ofanning),ou=People,dc=siroe,dc=com,o=internet" || first.Kind != "user" ||
		len(first.Tags) != 1 || first.Tags[0] != "sims40" || first.UID != "ofanning" || first.UIDForm != "local" {
		t.Errorf("%+v", first)
	}
	var sum classCounts
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &sum); err != nil {
		t.Fatal(err)
	}
	if sum.Type != "summary" || sum.Entries != 18 || sum.Tags["sims40"] != 9 || sum.Tags["none"] != 9 || sum.Users != 8 ||
		sum.Groups != 1 || sum.Domains != 2 || sum.UIDForms["local"] != 8 || len(sum.Mail) != 2 {
		t.Errorf("%+v", sum)
	}
}

// TestClassifyExpect is the acceptance test of an upgrade: it refuses the
// original and takes the result.
func TestClassifyExpect(t *testing.T) {
	for sample, args := range map[string][]string{
		simsSample: {"-M", "sims", "-b", "o=internet"},
		nmsSample:  {"-M", "nms", "-b", "o=siroe.com"},
	} {
		code, _, errs := ldifconvMain("", "classify", "--counts", "--expect", "ims50", sample)
		if code != cli.ExitLost || strings.Count(errs, "problem: ") != 9 {
			t.Errorf("original: exit %d\n%s", code, errs)
		}
		full := filepath.Join(t.TempDir(), "full.ldif")
		args = append([]string{"upgrade", "-m", "all", "--format", "ldif", "-o", full}, args...)
		if code, _, errs := ldifconvMain("", append(args, sample)...); code != 0 {
			t.Fatalf("upgrade: exit %d\n%s", code, errs)
		}
		text, err := os.ReadFile(full)
		if err != nil {
			t.Fatal(err)
		}
		code, out, errs := ldifconvMain(string(text), "classify", "--counts", "--expect", "ims50")
		if code != 0 || !strings.Contains(out, "ims50\t9\n") {
			t.Errorf("result: exit %d\n%s%s", code, out, errs)
		}
	}
}

func TestClassifyRefuses(t *testing.T) {
	for _, args := range [][]string{{"--format", "xml"}, {"--expect", "ims60"}, {"--no-such-flag"}} {
		if code, _, _ := ldifconvMain("", append([]string{"classify"}, args...)...); code != cli.ExitUsage {
			t.Errorf("%v: exit %d", args, code)
		}
	}
	code, out, errs := ldifconvMain("dn: o=a\no: a\n\nnonsense\n\ndn: o=b\no: b\n", "classify")
	if code != cli.ExitLost || !strings.Contains(out, "o=a") || !strings.Contains(out, "o=b") || !strings.Contains(errs, "standard input:4") {
		t.Errorf("damage: exit %d\n%s%s", code, out, errs)
	}
	if code, _, _ := ldifconvMain("", "classify", "/no/such/file"); code != cli.ExitFailed {
		t.Errorf("a missing file: exit %d", code)
	}
}

func TestRulesVerb(t *testing.T) {
	code, out, errs := ldifconvMain("", "rules", "-M", "sims")
	if code != 0 || !strings.Contains(out, "sims-quota (sims; users; inferred)\n") || strings.Contains(out, "nms-forward") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if _, out, _ := ldifconvMain("", "rules", "--format", "json"); !strings.Contains(out, `{"name":"mail-single",`) {
		t.Errorf("json:\n%s", out)
	}
	for _, args := range [][]string{{"-M", "other"}, {"--format", "x"}, {"arg"}} {
		if code, _, _ := ldifconvMain("", append([]string{"rules"}, args...)...); code != cli.ExitUsage {
			t.Errorf("%v: exit %d", args, code)
		}
	}
}
