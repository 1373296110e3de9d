package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// slapadd is OpenLDAP's slapadd -u, which parses and checks and writes nothing.
// It wants to know every attribute: what its own schema lacks is declared as
// text.
func (s *suite) slapadd(path string) (contender, bool) {
	if !s.found("slapadd") {
		return contender{}, false
	}
	const name = "slapd.conf"
	if err := s.slapdConfig(s.at(name), path); err != nil {
		s.missing["slapadd with a schema: "+err.Error()] = true
		return contender{}, false
	}
	const plain = "slapadd.ldif" // it takes a version line for an entry
	if err := exec.Command("/bin/sh", "-c", "sed '1{/^version:/d}' "+path+" | sed '1{/^$/d}' > "+s.at(plain)).Run(); err != nil {
		s.missing["slapadd: "+err.Error()] = true
		return contender{}, false
	}
	argv := []string{"slapadd", "-u", "-s", "-f", s.at(name), "-l", s.at(plain)}
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		s.missing[fmt.Sprintf("slapadd that takes this export (%.200s)", line)] = true
		return contender{}, false
	}
	return contender{name: "slapadd -u -s", role: peer, does: "slapadd -u -s -f slapd.conf -l export.ldif", cmd: command{argv: argv}}, true
}

// schemas are the schemas that OpenLDAP brings along.
var schemas = []string{"/etc/ldap/schema/core.schema", "/etc/ldap/schema/cosine.schema", "/etc/ldap/schema/inetorgperson.schema"}

// slapdConfig writes a configuration that knows all of an export.
func (s *suite) slapdConfig(conf, export string) error {
	var b strings.Builder
	known := make(map[string]bool)
	for _, file := range schemas {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, word := range strings.FieldsFunc(strings.ToLower(string(text)), func(r rune) bool { return strings.ContainsRune(" \t\n()'$", r) }) {
			known[word] = true
		}
		fmt.Fprintf(&b, "include %s\n", file)
	}
	for _, word := range [...]string{"top", "objectclass", "creatorsname", "modifiersname", "createtimestamp", "modifytimestamp", "cn", "uid", "userpassword", "description"} {
		known[word] = true
	}
	attributes, classes, err := namesOf(export)
	if err != nil {
		return err
	}
	number := 1
	for _, a := range attributes {
		if !known[a] {
			fmt.Fprintf(&b, "attributetype ( 1.1.%d NAME '%s' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )\n", number, a)
			number++
		}
	}
	for _, c := range classes {
		if !known[c] {
			fmt.Fprintf(&b, "objectclass ( 1.1.%d NAME '%s' SUP top AUXILIARY )\n", number, c)
			number++
		}
	}
	data := filepath.Join(filepath.Dir(conf), "slapd-data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	fmt.Fprintf(&b, "modulepath /usr/lib/ldap\nmoduleload back_mdb\ndatabase mdb\nsuffix o=internet\ndirectory %s\n", data)
	return os.WriteFile(conf, []byte(b.String()), 0o600)
}

// namesOf are the attributes and object classes of an export, in lower case.
func namesOf(export string) (attributes, classes []string, err error) {
	f, err := os.Open(export)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	isAttribute, isClass := make(map[string]bool), make(map[string]bool)
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), ":")
		if !ok || strings.HasPrefix(name, " ") || strings.HasPrefix(name, "#") {
			continue
		}
		name = strings.ToLower(name)
		isAttribute[name] = true
		if name == "objectclass" {
			isClass[strings.ToLower(strings.TrimSpace(value))] = true
		}
	}
	delete(isAttribute, "dn")
	delete(isAttribute, "version")
	for a := range isAttribute {
		attributes = append(attributes, a)
	}
	for c := range isClass {
		classes = append(classes, c)
	}
	slices.Sort(attributes)
	slices.Sort(classes)
	return attributes, classes, lines.Err()
}
