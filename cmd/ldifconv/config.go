package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
)

// readConfig sets the options of a -C file: one a line, a letter or a long name
// (with or without dashes), blanks or =, and the value, which may be quoted.
// Empty lines and lines with # in front are skipped. An option that the command
// line has too keeps the value it has there.
func readConfig(job *cli.Job, fs *pflag.FlagSet, path string) error {
	in, err := flags.OpenText(job, path, "no file of options")
	if err != nil {
		return err
	}
	defer in.Close()
	given := map[string]bool{}
	fs.Visit(func(f *pflag.Flag) { given[f.Name] = true })
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	n := 1
	for ; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		flag, value, err := configLine(fs, line)
		if err != nil {
			return cli.Usagef("%s:%d: %w", path, n, err)
		}
		if given[flag.Name] {
			continue
		}
		if err := fs.Set(flag.Name, value); err != nil {
			return cli.Usagef("%s:%d: %.200q is not a valid value of %s", path, n, value, flag.Name)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s:%d: %w", path, n, err)
	}
	return nil
}

// configLine reads one line.
func configLine(fs *pflag.FlagSet, line string) (*pflag.Flag, string, error) {
	name, value := line, ""
	if i := strings.IndexAny(line, " \t="); i >= 0 {
		name, value = line[:i], strings.TrimSpace(strings.TrimLeft(line[i:], " \t="))
	}
	if i := strings.IndexByte(name, '-'); i == 0 {
		name = strings.TrimLeft(name, "-")
	}
	var flag *pflag.Flag
	if name == "h" { // as in the old tool's files
		name = "ldap-host"
	}
	if len(name) == 1 {
		flag = fs.ShorthandLookup(name)
	} else {
		flag = fs.Lookup(name)
	}
	if flag == nil || flag.Name == "config" {
		return nil, "", cli.Usagef("%.200q is not an option", name)
	}
	if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
		value = value[1 : len(value)-1]
	}
	if value == "" && flag.NoOptDefVal != "" {
		value = flag.NoOptDefVal
	}
	return flag, value, nil
}
