package main

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
)

// oldMigration translates the command line of imsdirmig: its -h names a server,
// where -h of the verb is its manual page.
func oldMigration(args []string, _ func(string)) ([]string, error) {
	known := pflag.NewFlagSet("imsdirmig", pflag.ContinueOnError)
	newUpgradeFlags(known)
	var out []string
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			return append(append(out, arg), args...), nil
		}
		at := valueLetter(known, arg)
		if at == 0 {
			out = append(out, arg)
			continue
		}
		value := args[:0]
		if at+1 == len(arg) { // the value is the next word
			value, args = args[:min(1, len(args))], args[min(1, len(args)):]
		}
		switch {
		case arg[at] != 'h':
			out = append(append(out, arg), value...)
			continue
		case at+1 == len(arg) && len(value) == 0:
			return nil, errors.New("-h needs the name of a server")
		case at > 1:
			out = append(out, arg[:at])
		}
		host := strings.TrimPrefix(arg[at+1:], "=") + strings.Join(value, "")
		out = append(out, "--ldap-host="+host)
	}
	return out, nil
}

// valueLetter is where in a group of short options the one stands that takes
// what follows as its value; 0 when there is none.
func valueLetter(known *pflag.FlagSet, arg string) int {
	if len(arg) < 2 || arg[0] != '-' || arg[1] == '-' {
		return 0
	}
	for i := 1; i < len(arg); i++ {
		f := known.ShorthandLookup(arg[i : i+1])
		switch {
		case arg[i] == 'h', f != nil && f.NoOptDefVal == "":
			return i
		case f == nil:
			return 0
		}
	}
	return 0
}
