package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"imsconv/cmd/internal/peer"
	"imsconv/ldifconv/ldif"
)

// What OpenLDAP's ldapmodify reads in the odd files and the sample exports, we
// read the same.
func TestReaderAgainstOpenLDAP(t *testing.T) {
	ldapmodify := peer.Need(t, "ldapmodify")
	inputs := map[string][]byte{}
	files, _ := filepath.Glob("../../ldifconv/ldif/testdata/odd/*.txtar")
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		for _, f := range a.Files {
			switch f.Name {
			case "in":
				inputs[name] = f.Data
			case "in.quoted":
				inputs[name] = unquoted(t, string(f.Data))
			}
		}
	}
	for _, side := range []string{"sims", "nms"} {
		data, err := os.ReadFile("../../testdata/site/" + side + "/export.ldif")
		if err != nil {
			t.Fatal(err)
		}
		inputs[side] = data
	}
	agreed := 0
	for name, in := range inputs {
		ours, ok := weRead(in)
		if !ok {
			continue
		}
		cmd := peer.Command(t, ldapmodify, "-a", "-n", "-v")
		cmd.Stdin = bytes.NewReader(in)
		out, err := cmd.Output()
		if err != nil {
			continue // a form that it does not know
		}
		if why, ok := openLDAPDiffers[name]; ok {
			t.Logf("%s: %s", name, why)
			continue
		}
		if diff := cmp.Diff(theyRead(string(out)), ours); diff != "" {
			t.Errorf("%s (-ldapmodify +ours):\n%s", name, diff)
			continue
		}
		agreed++
	}
	if agreed < 40 {
		t.Errorf("only %d of %d files compared", agreed, len(inputs))
	}
}

// openLDAPDiffers are the files that it reads without an error and in another
// way.
var openLDAPDiffers = map[string]string{
	"control":            "its -n -v takes a second control for an attribute",
	"bom":                "it skips a record behind a byte order mark",
	"blank-before-colon": "it skips a record with a blank before the colon of dn",
	"fold-in-name":       "it leaves line ends in a folded name",
	"lone-cr":            "it drops a CR inside a value",
}

func unquoted(t *testing.T, text string) []byte {
	var out []byte
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if line == "" {
			continue
		}
		n := 1
		if rest, ok := strings.CutPrefix(line, "repeat "); ok {
			number, quoted, _ := strings.Cut(rest, " ")
			n, _ = strconv.Atoi(number)
			line = quoted
		}
		s, err := strconv.Unquote(line)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Repeat(s, n)...)
	}
	return out
}

// weRead lists what our reader finds, sorted; false when there is damage.
func weRead(in []byte) ([]string, bool) {
	var list []string
	r := ldif.NewReader(bytes.NewReader(in), ldif.Options{})
	for {
		rec, err := r.Next()
		if err == io.EOF {
			slices.Sort(list)
			return list, true
		}
		if err != nil {
			return nil, false
		}
		dn := string(rec.DN)
		switch rec.Type {
		case ldif.Content, ldif.Add:
			list = append(list, dn+" add")
			for _, a := range rec.Attrs {
				for _, v := range a.Values {
					list = append(list, fmt.Sprintf("%s add %s %s", dn, strings.ToLower(string(a.Desc)), shown(v.Data)))
				}
			}
		case ldif.Modify:
			list = append(list, dn+" modify")
			for _, m := range rec.Mods {
				for _, v := range m.Values {
					list = append(list, fmt.Sprintf("%s %s %s %s", dn, m.Op, strings.ToLower(string(m.Desc)), shown(v.Data)))
				}
			}
		case ldif.Delete:
			list = append(list, dn+" delete")
		default:
			list = append(list, dn+" rename "+string(rec.NewRDN))
		}
	}
}

// shown is a value as ldapmodify -v prints it.
func shown(v []byte) string {
	for _, c := range v {
		if c >= 0x80 {
			return fmt.Sprintf("NOT ASCII (%d bytes)", len(v))
		}
	}
	if i := bytes.IndexByte(v, 0); i >= 0 {
		v = v[:i]
	}
	return string(v)
}

// theyRead lists what ldapmodify -n -v prints.
func theyRead(out string) []string {
	var list, values []string
	op, desc := "", ""
	for _, line := range strings.Split(out, "\n") {
		if v, ok := strings.CutPrefix(line, "\t"); ok {
			if rdn, ok := strings.CutPrefix(v, `new RDN: "`); ok {
				rdn, _, _ = strings.Cut(rdn, `"`)
				list[len(list)-1] += rdn
				continue
			}
			values = append(values, fmt.Sprintf("%s %s %s", op, desc, v))
			continue
		}
		for prefix, what := range map[string]string{
			"!adding new entry ": "add", "!modifying entry ": "modify",
			"!deleting entry ": "delete", "!modifying rdn of entry ": "rename ",
		} {
			rest, ok := strings.CutPrefix(line, prefix)
			if !ok {
				continue
			}
			dn := strings.TrimSuffix(strings.TrimPrefix(rest, `"`), `"`)
			list = append(list, dn+" "+what)
			for _, v := range values {
				list = append(list, dn+" "+v)
			}
			values = nil
		}
		if word, rest, ok := strings.Cut(line, " "); ok && strings.HasSuffix(rest, ":") && line[0] != '!' {
			op, desc = word, strings.ToLower(strings.TrimSuffix(rest, ":"))
		}
	}
	slices.Sort(list)
	return list
}
